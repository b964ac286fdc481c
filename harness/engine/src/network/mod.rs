//! TCP links between a program and a backend, which can be cut, hung and slowed.
//!
//! - `connection`: one connection through a link
//! - [`link`]: the port that a program connects to, and the link's condition

mod connection;
pub mod link;
#[cfg(test)]
mod tests;

pub use link::Link;

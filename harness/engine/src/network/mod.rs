//! The way from a program to a backend, which can be cut, hung and slowed.
//!
//! - `connection`: one connection through a link
//! - [`link`]: the port that a program attaches to, and the link's condition

mod connection;
pub mod link;
#[cfg(test)]
mod tests;

pub use link::Link;

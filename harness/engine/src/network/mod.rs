//! The way from a program to a backend, which can be cut, hung and slowed.
//!
//! - [`link`]: the port that a program attaches to, and the link's condition
//! - `connection`: one connection through a link

mod connection;
pub mod link;
#[cfg(test)]
mod tests;

pub use link::Link;

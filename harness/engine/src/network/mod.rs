//! TCP links between a program and a backend, which can be cut, hung and slowed; a network of a program's own.
//!
//! - `connection`: one connection through a link
//! - [`link`]: the port that a program connects to, and the link's condition
//! - [`own_network`]: a network in which the suite listens on given ports

mod connection;
pub mod link;
pub mod own_network;
#[cfg(test)]
mod tests;

pub use link::Link;

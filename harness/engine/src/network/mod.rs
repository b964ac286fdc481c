//! The way from a program to a backend, which can be cut, hung and slowed.

pub mod link;

pub use link::Link;

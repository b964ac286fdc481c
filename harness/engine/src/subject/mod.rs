//! The implementation under test: its processes, its ports, its output.
//!
//! - [`ports`]: the one allocator of ports
//! - [`output`]: what a program writes, bounded
//! - [`instance`]: one running process and its group
//! - [`launch`]: what is started, and why it was not
//! - `processes`: what the kernel says of processes

pub mod instance;
pub mod launch;
pub mod output;
pub mod ports;
pub(crate) mod processes;
#[cfg(test)]
mod tests;

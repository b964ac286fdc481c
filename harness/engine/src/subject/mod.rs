//! The implementation under test: its processes, its ports, its output.
//!
//! - [`ports`]: the one allocator of ports
//! - [`output`]: what a program writes, bounded
//! - [`instance`]: one running process and its group

pub mod instance;
pub mod output;
pub mod ports;

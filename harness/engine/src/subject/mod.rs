//! The implementation under test: its processes and their output.
//!
//! - [`output`]: what a program writes, bounded
//! - [`launch`]: what is started, and why it was not
//! - [`instance`]: one running process and its group

pub mod instance;
pub mod launch;
pub mod output;
#[cfg(test)]
mod tests;

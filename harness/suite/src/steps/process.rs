//! The life of a program: settings, exits, signals, output.

/// What the steps of one scenario remember.
#[derive(Debug, Default)]
pub struct Notes {}

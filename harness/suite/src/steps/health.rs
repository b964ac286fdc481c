//! Probes and the health service.

/// What the steps of one scenario remember.
#[derive(Debug, Default)]
pub struct Notes {}

//! Users and what becomes of calls.

/// What the steps of one scenario remember.
#[derive(Debug, Default)]
pub struct Notes {}

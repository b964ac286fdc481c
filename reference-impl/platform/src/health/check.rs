//! One attached resource, and how it is checked.

use std::sync::Arc;

use async_trait::async_trait;

/// Why a resource failed its check: a text of our own. What a library says may hold a
/// connection string, and this goes to any client (HLT-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CheckFailed(pub &'static str);

/// Checks whether one resource works. The caller sets the time limit, and drops the future when it is exceeded.
#[async_trait]
pub trait Check: Send + Sync {
    /// Checks once.
    async fn check(&self) -> Result<(), CheckFailed>;
}

/// A resource in the health answers (HLT-2).
#[derive(Clone)]
pub struct Component {
    /// Its name there.
    pub name: &'static str,
    /// Whether the program is useful without it (HLT-3).
    pub optional: bool,
    /// How it is checked.
    pub check: Arc<dyn Check>,
}

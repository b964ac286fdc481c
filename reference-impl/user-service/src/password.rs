//! Passwords: hashed off the async threads, a few at a time.

use std::fmt;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc;
use async_trait::async_trait;
use tokio::sync::Semaphore;

/// A password in clear. It cannot be printed.
pub struct Password(String);

impl Password {
    /// A password that a client gave.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The clear text, for the hasher.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A salted hash, as PHC text (SEC-4). It is not printed either.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(..)")
    }
}

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("cannot hash a password: {0}")]
pub struct HashError(String);

/// Makes what is stored of a password (USR-6).
#[async_trait]
pub trait Hasher: Send + Sync + 'static {
    /// A hash with a salt of its own.
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError>;
}

/// argon2id with 19 MiB, as OWASP advises.
pub struct Argon2Hasher {
    argon2: Argon2<'static>,
    /// A permit for each hash that may be worked on: more would only take memory from each other.
    slots: Arc<Semaphore>,
}

impl Argon2Hasher {
    /// Hashes as many passwords at once as there are cores.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            argon2: Argon2::default(),
            slots: Arc::new(Semaphore::new(cores.min(4))),
        }
    }
}

impl Default for Argon2Hasher {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Hasher for Argon2Hasher {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let argon2 = self.argon2.clone();
        let work = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if nobody waits for it any more.
            let _slot = slot;
            let hash: Result<phc::PasswordHash, _> =
                argon2.hash_password(password.reveal().as_bytes());
            hash.map(|hash| PasswordHash(hash.to_string()))
                .map_err(|error| HashError(error.to_string()))
        });
        work.await
            .unwrap_or_else(|error| Err(HashError(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn equal_passwords_have_different_hashes() {
        let hasher = Argon2Hasher::new();
        let hash = async || {
            hasher
                .hash(Password::new("correct horse".to_owned()))
                .await
                .expect("a hash")
                .0
        };
        let (first, second) = (hash().await, hash().await);
        assert!(first.starts_with("$argon2id$v=19$"), "{first}");
        assert_ne!(first, second);
    }
}

//! Passwords: hashed off the async threads, a few at a time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::{self, phc};
use argon2::{Algorithm, Argon2, Block, Params, Version};
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

/// Makes what is stored of a password (USR-6): argon2id with 19 MiB, as OWASP advises.
pub struct Hasher {
    /// A permit for each hash that may be worked on: more would only take time from each other.
    permits: Arc<Semaphore>,
    /// The working memory of earlier hashes. Kept, since allocated on one thread after another
    /// it would stay with each of them (SEC-6).
    memories: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Hasher {
    /// Hashes as many passwords at once as there are cores, four at most.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            permits: Arc::new(Semaphore::new(cores.min(4))),
            memories: Arc::default(),
        }
    }

    /// A hash with a salt of its own.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("never closed");
        let memories = Arc::clone(&self.memories);
        let work = tokio::task::spawn_blocking(move || {
            let memories = || memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = memories().pop().unwrap_or_default();
            let hash = hash_with(&mut memory, &password);
            memories().push(memory);
            // Held until here, even if the call was given up.
            drop(permit);
            hash.map_err(|error| HashError(error.to_string()))
        });
        work.await
            .unwrap_or_else(|error| Err(HashError(error.to_string())))
    }
}

fn hash_with(memory: &mut Vec<Block>, password: &Password) -> password_hash::Result<PasswordHash> {
    let argon2 = Argon2::default();
    memory.resize(argon2.params().block_count(), Block::default());
    let salt = phc::Salt::generate();
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2.hash_password_into_with_memory(
        password.reveal().as_bytes(),
        &salt,
        &mut output,
        memory,
    )?;
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: argon2.params().try_into()?,
        salt: Some(salt),
        hash: Some(phc::Output::new(&output)?),
    };
    Ok(PasswordHash(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    #[tokio::test]
    async fn equal_passwords_have_different_hashes_that_verify() {
        let hasher = Hasher::new();
        let password = || Password::new("correct horse".to_owned());
        let hash = async || hasher.hash(password()).await.expect("a hash").0;
        let (first, second) = (hash().await, hash().await);
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, second);
        for hash in [first, second] {
            let is_it = |text: &[u8]| {
                Argon2::default()
                    .verify_password(text, hash.as_str())
                    .is_ok()
            };
            assert!(is_it(b"correct horse") && !is_it(b"correct house"));
        }
    }
}

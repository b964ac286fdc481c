//! The lease registry on the server, which records the run of each leased database.
//!
//! It is in the database that the URL names. Its key `conformance:lease:N` contains the time at which database N
//! was claimed or renewed, by the server's clock, and the run. A run renews its claims while it lives; the claims of
//! a killed run expire within [`EXPIRY`].

use std::collections::BTreeSet;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{InfoDict, RedisResult};

use super::super::lease::Endpoint;

/// A claim that was not renewed for this time belongs to a run that has ended.
pub(super) const EXPIRY: Duration = Duration::from_mins(1);

/// Lua script that claims a database atomically. KEYS[1]: the database's registry key; ARGV[1]: the run; ARGV[2]:
/// seconds after which an entry expires; ARGV[3]: number of keys in the database. Refuses if a valid entry exists, or
/// if there is no entry and the database is not empty.
const CLAIM_SCRIPT: &str = "\
local now = tonumber(redis.call('TIME')[1])
local entry = redis.call('GET', KEYS[1])
if not entry and tonumber(ARGV[3]) > 0 then return 'not empty' end
if entry and now - (tonumber(string.match(entry, '^%d+')) or 0) < tonumber(ARGV[2]) then return 'in use' end
redis.call('SET', KEYS[1], now .. ':' .. ARGV[1])
return 'claimed'";

/// Lua script that renews the entries KEYS of run ARGV[1] and returns those that belong to another run now.
const RENEW_SCRIPT: &str = "\
local now = redis.call('TIME')[1]
local lost = {}
for _, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  if entry and string.match(entry, ':(.*)$') == ARGV[1] then
    redis.call('SET', key, now .. ':' .. ARGV[1])
  else
    lost[#lost + 1] = key
  end
end
return lost";

/// The claims of one run.
pub(super) struct Claims {
    /// The database with the registry.
    pub(super) registry: Endpoint,
    run: String,
}

/// Numbers of databases by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Databases that can be claimed.
    pub(super) free: usize,
    /// Databases that a run has claimed.
    pub(super) claimed: usize,
    /// Databases with keys that are not the suite's.
    pub(super) foreign: usize,
}

impl Claims {
    pub(super) fn new(registry: Endpoint, run: &str) -> Self {
        Self {
            registry,
            run: run.to_owned(),
        }
    }

    /// Address and credentials of one of the server's databases.
    pub(super) fn endpoint(&self, database: u32) -> Endpoint {
        Endpoint {
            database,
            ..self.registry.clone()
        }
    }

    /// Counts databases by state, without claiming any.
    pub(super) async fn count(&self, databases: &[u32]) -> RedisResult<Counts> {
        let mut registry = open(&self.registry).await?;
        let mut info = redis::cmd("INFO");
        let keyspace: InfoDict = info.arg("keyspace").query_async(&mut registry).await?;
        let (now, _): (u64, u64) = redis::cmd("TIME").query_async(&mut registry).await?;
        let mut counts = Counts::default();
        for database in databases {
            let mut get = redis::cmd("GET");
            get.arg(registry_key(*database));
            let entry: Option<String> = get.query_async(&mut registry).await?;
            let has_keys = keyspace.contains_key(&format!("db{database}").as_str());
            let count = match entry {
                Some(entry) if now.saturating_sub(claimed_at(&entry)) < EXPIRY.as_secs() => {
                    &mut counts.claimed
                }
                None if has_keys => &mut counts.foreign,
                _ => &mut counts.free,
            };
            *count += 1;
        }
        Ok(counts)
    }

    /// Claims a database and empties it; false if another run or other data uses it.
    pub(super) async fn claim(&self, database: u32) -> RedisResult<bool> {
        let mut connection = open(&self.endpoint(database)).await?;
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await?;
        let mut registry = open(&self.registry).await?;
        let result: String = redis::cmd("EVAL")
            .arg(CLAIM_SCRIPT)
            .arg(1)
            .arg(registry_key(database))
            .arg(&self.run)
            .arg(EXPIRY.as_secs())
            .arg(size)
            .query_async(&mut registry)
            .await?;
        let is_claimed = result == "claimed";
        if is_claimed {
            redis::cmd("FLUSHDB").exec_async(&mut connection).await?;
        }
        Ok(is_claimed)
    }

    /// Renews the claims on databases; returns the databases that another run has claimed meanwhile.
    pub(super) async fn renew(&self, databases: &BTreeSet<u32>) -> RedisResult<BTreeSet<u32>> {
        if databases.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut registry = open(&self.registry).await?;
        let mut renew = redis::cmd("EVAL");
        renew.arg(RENEW_SCRIPT).arg(databases.len());
        for database in databases {
            renew.arg(registry_key(*database));
        }
        let lost: Vec<String> = renew.arg(&self.run).query_async(&mut registry).await?;
        let is_lost = |database: &&u32| lost.contains(&registry_key(**database));
        Ok(databases.iter().filter(is_lost).copied().collect())
    }

    /// Empties a database, then removes it from the registry. Does nothing if another run has claimed it meanwhile.
    pub(super) async fn release(&self, database: u32) -> RedisResult<()> {
        let lost = self.renew(&BTreeSet::from([database])).await?;
        if lost.contains(&database) {
            return Ok(());
        }
        let mut connection = open(&self.endpoint(database)).await?;
        redis::cmd("FLUSHDB").exec_async(&mut connection).await?;
        let mut registry = open(&self.registry).await?;
        redis::cmd("DEL")
            .arg(registry_key(database))
            .exec_async(&mut registry)
            .await
    }
}

fn registry_key(database: u32) -> String {
    format!("conformance:lease:{database}")
}

/// The time at which an entry was written, in seconds; 0 if the suite did not write it.
fn claimed_at(entry: &str) -> u64 {
    let seconds = entry
        .split(|character: char| !character.is_ascii_digit())
        .next();
    seconds
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(0)
}

async fn open(endpoint: &Endpoint) -> RedisResult<MultiplexedConnection> {
    let failed =
        |why: String| redis::RedisError::from((redis::ErrorKind::Io, "cannot connect", why));
    endpoint.connect().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_starts_with_its_time() {
        assert_eq!(claimed_at("1700000000:00ff"), 1_700_000_000);
        assert_eq!(claimed_at("another program's"), 0);
        assert_eq!(claimed_at(""), 0);
    }
}

//! Which run has which logical database: the ledger on the server itself.
//!
//! The database that the URL names is the ledger. Its key `conformance:lease:N` holds when database N was
//! claimed, by the server's clock, and by which run. A run renews its claims as long as it lives, so that
//! one that was killed loses them within [`EXPIRY`].

use std::collections::BTreeSet;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{InfoDict, RedisResult};

use super::super::lease::Endpoint;

/// A claim that was not renewed for so long belongs to a run that has ended.
pub(super) const EXPIRY: Duration = Duration::from_mins(1);

/// Claims the entry KEYS[1] for run ARGV[1], unless it was claimed or renewed within ARGV[2] seconds, or
/// belongs to no run while the database has keys (ARGV[3]).
const TAKE: &str = "\
local now = tonumber(redis.call('TIME')[1])
local entry = redis.call('GET', KEYS[1])
if not entry and tonumber(ARGV[3]) > 0 then return 'filled' end
if entry and now - (tonumber(string.match(entry, '^%d+')) or 0) < tonumber(ARGV[2]) then return 'claimed' end
redis.call('SET', KEYS[1], now .. ':' .. ARGV[1])
return 'taken'";

/// Renews the entries KEYS of run ARGV[1], and returns those that are not its own any more.
const RENEW: &str = "\
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
    /// The database with the entries.
    pub(super) ledger: Endpoint,
    run: String,
}

/// What came of claiming a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is this run's, and empty.
    Taken,
    /// Another run has it.
    Claimed,
    /// It holds keys that are not the suite's.
    Filled,
}

/// How many databases there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Those that can be claimed.
    pub(super) free: usize,
    /// Those that other runs have.
    pub(super) claimed: usize,
    /// Those that hold keys that are not the suite's.
    pub(super) filled: usize,
}

impl Claims {
    pub(super) fn new(ledger: Endpoint, run: &str) -> Self {
        Self {
            ledger,
            run: run.to_owned(),
        }
    }

    /// How one of the server's databases is reached.
    pub(super) fn endpoint(&self, database: u32) -> Endpoint {
        Endpoint {
            database,
            ..self.ledger.clone()
        }
    }

    /// Looks at databases without claiming any.
    pub(super) async fn count(&self, databases: &[u32]) -> RedisResult<Counts> {
        let mut ledger = open(&self.ledger).await?;
        let mut info = redis::cmd("INFO");
        let filled: InfoDict = info.arg("keyspace").query_async(&mut ledger).await?;
        let (now, _): (u64, u64) = redis::cmd("TIME").query_async(&mut ledger).await?;
        let mut counts = Counts::default();
        for database in databases {
            let mut get = redis::cmd("GET");
            get.arg(entry(*database));
            let entry: Option<String> = get.query_async(&mut ledger).await?;
            let is_filled = filled.contains_key(&format!("db{database}").as_str());
            let count = match entry {
                Some(entry) if now.saturating_sub(claimed_at(&entry)) < EXPIRY.as_secs() => {
                    &mut counts.claimed
                }
                None if is_filled => &mut counts.filled,
                _ => &mut counts.free,
            };
            *count += 1;
        }
        Ok(counts)
    }

    /// Claims a database and empties it, if it is to be had.
    pub(super) async fn take(&self, database: u32) -> RedisResult<Claim> {
        let mut own = open(&self.endpoint(database)).await?;
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut own).await?;
        let mut ledger = open(&self.ledger).await?;
        let claim: String = redis::cmd("EVAL")
            .arg(TAKE)
            .arg(1)
            .arg(entry(database))
            .arg(&self.run)
            .arg(EXPIRY.as_secs())
            .arg(size)
            .query_async(&mut ledger)
            .await?;
        match claim.as_str() {
            "filled" => return Ok(Claim::Filled),
            "claimed" => return Ok(Claim::Claimed),
            _ => {}
        }
        redis::cmd("FLUSHDB").exec_async(&mut own).await?;
        Ok(Claim::Taken)
    }

    /// Renews the claims on databases; returns those that another run has by now.
    pub(super) async fn renew(&self, databases: &BTreeSet<u32>) -> RedisResult<BTreeSet<u32>> {
        if databases.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut ledger = open(&self.ledger).await?;
        let mut renew = redis::cmd("EVAL");
        renew.arg(RENEW).arg(databases.len());
        for database in databases {
            renew.arg(entry(*database));
        }
        let lost: Vec<String> = renew.arg(&self.run).query_async(&mut ledger).await?;
        let is_lost = |database: &&u32| lost.contains(&entry(**database));
        Ok(databases.iter().filter(is_lost).copied().collect())
    }

    /// Empties a database and gives up the claim on it, in this order; one that another run has by now is
    /// left alone.
    pub(super) async fn release(&self, database: u32) -> RedisResult<()> {
        let lost = self.renew(&BTreeSet::from([database])).await?;
        if lost.contains(&database) {
            return Ok(());
        }
        let mut own = open(&self.endpoint(database)).await?;
        redis::cmd("FLUSHDB").exec_async(&mut own).await?;
        let mut ledger = open(&self.ledger).await?;
        let mut give_up = redis::cmd("DEL");
        give_up.arg(entry(database)).exec_async(&mut ledger).await
    }
}

fn entry(database: u32) -> String {
    format!("conformance:lease:{database}")
}

/// When an entry was written; 0 for one that is no entry of the suite.
fn claimed_at(entry: &str) -> u64 {
    let seconds = entry.split(|it: char| !it.is_ascii_digit()).next();
    seconds.and_then(|it| it.parse().ok()).unwrap_or(0)
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
    fn an_entry_begins_with_its_time() {
        assert_eq!(claimed_at("1700000000:00ff"), 1_700_000_000);
        assert_eq!(claimed_at("another program's"), 0);
        assert_eq!(claimed_at(""), 0);
    }
}

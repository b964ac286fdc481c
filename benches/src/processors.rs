//! Processor time by process.

use std::collections::BTreeMap;
use std::fs;
use std::ops::AddAssign;
use std::time::Duration;

use crate::fixture::Fixture;

/// A group of processes whose time is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The callers: this process.
    Callers,
    /// The gateway.
    Gateway,
    /// The user service.
    UserService,
    /// The database's connections.
    Database,
    /// The server of the empty call and the empty route.
    Baseline,
}

/// The processor time of each process since its start.
pub struct Clocks(BTreeMap<(Who, u32), Duration>);

/// The processor time used between two readings.
#[derive(Default)]
pub struct Spent(BTreeMap<Who, Duration>);

impl Clocks {
    /// Reads the current times.
    pub async fn read(fixture: &Fixture) -> Self {
        let connections = fixture
            .statements
            .backends()
            .await
            .expect("the database answers");
        let mut processes = vec![
            (Who::Callers, std::process::id()),
            (Who::Gateway, fixture.gateway.process.pid()),
            (Who::UserService, fixture.subject.process.pid()),
            (Who::Baseline, fixture.baseline.process.pid()),
        ];
        let connections = connections.into_iter().filter_map(|it| it.try_into().ok());
        processes.extend(connections.map(|pid| (Who::Database, pid)));
        let times = processes
            .into_iter()
            .filter_map(|(who, pid)| Some(((who, pid), of_process(pid)?)));
        Self(times.collect())
    }

    /// What was used since `before`. A process that was not there then has used all of its time since.
    pub fn since(&self, before: &Self) -> Spent {
        let mut spent = Spent::default();
        for (key, time) in &self.0 {
            let begin = before.0.get(key).copied().unwrap_or_default();
            *spent.0.entry(key.0).or_default() += time.saturating_sub(begin);
        }
        spent
    }
}

impl Spent {
    /// The sum over these groups.
    pub fn of(&self, all: &[Who]) -> Duration {
        all.iter().filter_map(|who| self.0.get(who)).sum()
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        for (who, time) in other.0 {
            *self.0.entry(who).or_default() += time;
        }
    }
}

/// The sum over all threads: the kernel reports it in nanoseconds, but that of a whole process only in
/// hundredths of a second.
fn of_process(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let times = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    });
    Some(times.sum())
}

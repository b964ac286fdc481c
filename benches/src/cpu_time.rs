//! CPU time by process.

use std::collections::BTreeMap;
use std::fs;
use std::ops::AddAssign;
use std::time::Duration;

use crate::fixture::Fixture;

/// The processes whose CPU time is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// This process, which makes the calls.
    Callers,
    /// The gateway.
    Gateway,
    /// The user service.
    UserService,
    /// The processes of the database's connections.
    Database,
    /// The baseline server.
    Baseline,
}

/// The CPU time of each process since its start, at one moment.
pub struct CpuSnapshot(BTreeMap<(Process, u32), Duration>);

/// The CPU time of each process between two snapshots.
#[derive(Default)]
pub struct CpuUsage(BTreeMap<Process, Duration>);

impl CpuSnapshot {
    /// Reads the CPU times from the kernel.
    pub async fn take(fixture: &Fixture) -> Self {
        let connections = fixture
            .statements
            .backend_pids()
            .await
            .expect("the database responds");
        let mut processes = vec![
            (Process::Callers, std::process::id()),
            (Process::Gateway, fixture.gateway.process.pid()),
            (Process::UserService, fixture.subject.process.pid()),
            (Process::Baseline, fixture.baseline.process.pid()),
        ];
        let connections = connections.into_iter().filter_map(|it| it.try_into().ok());
        processes.extend(connections.map(|pid| (Process::Database, pid)));
        let times = processes
            .into_iter()
            .filter_map(|(process, pid)| Some(((process, pid), cpu_time_of(pid)?)));
        Self(times.collect())
    }

    /// The CPU time used since an earlier snapshot; a process that is not in it started later.
    pub fn since(&self, before: &Self) -> CpuUsage {
        let mut spent = CpuUsage::default();
        for (key, time) in &self.0 {
            let earlier = before.0.get(key).copied().unwrap_or_default();
            *spent.0.entry(key.0).or_default() += time.saturating_sub(earlier);
        }
        spent
    }
}

impl CpuUsage {
    /// The sum of these processes.
    pub fn total(&self, processes: &[Process]) -> Duration {
        processes
            .iter()
            .filter_map(|process| self.0.get(process))
            .sum()
    }
}

impl AddAssign for CpuUsage {
    fn add_assign(&mut self, other: Self) {
        for (process, time) in other.0 {
            *self.0.entry(process).or_default() += time;
        }
    }
}

/// The CPU time of all threads of a process, in nanoseconds; the kernel has that of the process only in
/// hundredths of a second.
fn cpu_time_of(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let times = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    });
    Some(times.sum())
}

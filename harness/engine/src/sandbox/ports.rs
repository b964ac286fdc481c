//! The one allocator of ports: below the kernel's ephemeral range, in blocks with a lock each.
//!
//! A port that the kernel might give to an outgoing connection would be taken at random moments; a
//! port of another run's block would be raced for. Neither can happen here.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sandbox::watchdog::Watchdog;

/// Ports in a block, the first of which is the block's guard.
const BLOCK: u16 = 100;

/// The lowest port that is handed out.
const LOWEST: u16 = 10_000;

/// Where the kernel's own choice of ports begins, unless it says otherwise.
const USUAL_EPHEMERAL: u16 = 32_768;

/// How long a connection within this machine may take.
const LOOPBACK_LIMIT: Duration = Duration::from_secs(5);

/// Fails unless a connection within this machine is possible: everything in a run depends on it.
pub(super) fn check_loopback() -> io::Result<()> {
    let connected = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| TcpStream::connect_timeout(&listener.local_addr()?, LOOPBACK_LIMIT));
    connected.map(drop).map_err(|error| {
        let text = format!(
            "no connection to 127.0.0.1 is possible: {error}; is the loopback interface up? `ip link set lo up` \
             brings it up"
        );
        io::Error::new(error.kind(), text)
    })
}

/// Hands out ports; clones share the blocks.
#[derive(Clone, Debug)]
pub struct Ports {
    inner: Arc<Mutex<Inner>>,
    watchdog: Watchdog,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Held as long as the run lives.
    guards: Vec<TcpListener>,
    /// Where the search for a further block begins.
    next_block: u16,
    /// How many blocks there are below the ephemeral range.
    blocks: u16,
    /// Oldest first, so that a port rests as long as possible before it is used again.
    free: VecDeque<u16>,
}

/// A port that is this holder's alone; dropping it gives it back.
#[derive(Debug)]
pub struct Port {
    number: u16,
    ports: Ports,
}

impl Port {
    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.ports.lock().free.push_back(self.number);
    }
}

impl Ports {
    /// An allocator without a block yet: the first port that is taken brings the first.
    ///
    /// Fails when the folder of the locks, `conformance-ports` among the temporary files, cannot be
    /// made.
    pub fn open(watchdog: &Watchdog) -> io::Result<Self> {
        let folder = std::path::absolute(std::env::temp_dir())?.join("conformance-ports");
        fs::create_dir_all(&folder).map_err(|error| {
            let text = format!(
                "cannot make the folder {}: {error}; set TMPDIR to a folder that can be written",
                folder.display()
            );
            io::Error::new(error.kind(), text)
        })?;
        // The next run may be another user's; only the owner can change the mode.
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777));
        let blocks = (ephemeral_start() - LOWEST) / BLOCK;
        // Runs that begin at the same time look at different blocks first.
        let first =
            u16::try_from(u32::from(rand::random::<u16>()) % u32::from(blocks)).unwrap_or(0);
        Ok(Self {
            inner: Arc::new(Mutex::new(Inner {
                folder,
                guards: Vec::new(),
                next_block: first,
                blocks,
                free: VecDeque::new(),
            })),
            watchdog: watchdog.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A port on which nothing listens.
    pub fn take(&self) -> io::Result<Port> {
        let mut inner = self.lock();
        // A port rests while others are used: a connection of its last life may still be summary.
        if inner.free.len() < usize::from(BLOCK / 2) {
            inner.add_block(&self.watchdog)?;
        }
        for _ in 0..inner.free.len() {
            let Some(number) = inner.free.pop_front() else {
                break;
            };
            if is_free(number) {
                return Ok(Port {
                    number,
                    ports: self.clone(),
                });
            }
            // Another program listens there, perhaps not for long.
            inner.free.push_back(number);
        }
        let text =
            "all of the run's ports are taken by other programs; see what listens with `ss -ltnp`";
        Err(io::Error::new(ErrorKind::AddrInUse, text))
    }
}

impl Inner {
    /// Adds a block that no other run has; without one, what is free must do.
    fn add_block(&mut self, watchdog: &Watchdog) -> io::Result<()> {
        let mut refused = None;
        for _ in 0..self.blocks {
            let block = self.next_block;
            self.next_block = (block + 1) % self.blocks;
            let first = LOWEST + block * BLOCK;
            // Runs whose temporary folders differ do not see each other's lock files; this they see.
            let Ok(guard) = TcpListener::bind((Ipv4Addr::LOCALHOST, first)) else {
                continue;
            };
            match watchdog.lock(&self.folder.join(first.to_string())) {
                Ok(true) => {
                    self.guards.push(guard);
                    self.free.extend(first + 1..first + BLOCK);
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) => refused = Some(error),
            }
        }
        if !self.free.is_empty() {
            return Ok(());
        }
        let end = LOWEST + self.blocks * BLOCK;
        let cause = refused.map(|it| format!(" ({it})")).unwrap_or_default();
        let text = format!(
            "no ports from {LOWEST} to {end} to be had{cause}: they belong to other runs, or {} cannot be written",
            self.folder.display()
        );
        Err(io::Error::new(ErrorKind::AddrInUse, text))
    }
}

/// Whether nothing listens, whatever the address: IPv4 and IPv6 may be bound apart.
fn is_free(port: u16) -> bool {
    let any = [
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
    ];
    // Another error means a machine without that kind of address.
    any.into_iter().all(|address| {
        TcpListener::bind((address, port))
            .map_or_else(|it| it.kind() != ErrorKind::AddrInUse, |_| true)
    })
}

/// Where the kernel's own choice of ports begins.
fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range
        .split_whitespace()
        .next()
        .and_then(|it| it.parse().ok());
    first
        .filter(|it| *it >= LOWEST + BLOCK)
        .unwrap_or(USUAL_EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ports() -> Ports {
        Ports::open(&Watchdog::absent()).expect("a folder for locks")
    }

    fn block(port: u16) -> u16 {
        (port - LOWEST) / BLOCK
    }

    #[test]
    fn ports_lie_below_the_range_of_the_kernel() {
        let port = ports().take().expect("a port");
        assert!(
            (LOWEST..ephemeral_start()).contains(&port.number()),
            "{port:?}"
        );
    }

    #[test]
    fn two_runs_never_share_a_block() {
        let (one, other) = (ports(), ports());
        other.lock().next_block = one.lock().next_block;
        let (mine, theirs) = (one.take().expect("a port"), other.take().expect("a port"));
        assert_ne!(block(mine.number()), block(theirs.number()));
    }

    #[test]
    fn runs_that_see_no_common_lock_file_share_no_block_either() {
        let (one, other) = (ports(), ports());
        let folder = tempfile::tempdir().expect("a folder");
        {
            let mut inner = other.lock();
            inner.folder = folder.path().to_owned();
            inner.next_block = one.lock().next_block;
        }
        let (mine, theirs) = (one.take().expect("a port"), other.take().expect("a port"));
        assert_ne!(block(mine.number()), block(theirs.number()));
    }

    #[test]
    fn a_port_comes_again_only_after_all_others() {
        let ports = ports();
        let first = ports.take().expect("a port").number();
        let others: BTreeSet<u16> = (0..BLOCK - 2)
            .map(|_| ports.take().expect("a port").number())
            .collect();
        assert_eq!(others.len(), usize::from(BLOCK - 2), "each is another");
        assert!(!others.contains(&first));
    }

    #[test]
    fn more_ports_than_a_block_has_are_no_problem() {
        let ports = ports();
        let held: Vec<Port> = (0..2 * BLOCK)
            .map(|_| ports.take().expect("a port"))
            .collect();
        let numbers: BTreeSet<u16> = held.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), held.len());
    }

    #[test]
    fn a_port_on_which_another_program_listens_is_passed_over_until_it_is_free() {
        let ports = ports();
        let number = ports.take().expect("a port").number();
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).expect("to listen");
        let turn = || -> Vec<u16> {
            (0..2 * BLOCK)
                .map(|_| ports.take().expect("a port").number())
                .collect()
        };
        assert!(!turn().contains(&number));
        drop(other);
        assert!(turn().contains(&number));
    }
}

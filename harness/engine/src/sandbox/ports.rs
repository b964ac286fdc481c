//! Allocates ports below the kernel's ephemeral range, in blocks that each run locks for itself.
//!
//! In the ephemeral range the kernel could give an allocated port to an outgoing connection at any time;
//! without the locks, two runs could allocate the same port.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sandbox::watchdog::Watchdog;

/// Number of ports in a block. The first is the guard: the run that owns the block listens on it.
const BLOCK_SIZE: u16 = 100;

/// The lowest port of the first block.
const MIN_PORT: u16 = 10_000;

/// The start of the ephemeral range where `/proc` does not state it.
const DEFAULT_EPHEMERAL_START: u16 = 32_768;

/// Timeout of a connection within this machine.
const LOOPBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Fails unless a connection to 127.0.0.1 is possible, which every part of a run needs.
pub(super) fn check_loopback() -> io::Result<()> {
    let connected = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| TcpStream::connect_timeout(&listener.local_addr()?, LOOPBACK_TIMEOUT));
    connected.map(drop).map_err(|error| {
        let text = format!(
            "no connection to 127.0.0.1 is possible: {error}; is the loopback interface up? `ip link set lo up` \
             brings it up"
        );
        io::Error::new(error.kind(), text)
    })
}

/// Allocates ports. Clones share the same blocks.
#[derive(Clone, Debug)]
pub struct Ports {
    inner: Arc<Mutex<Inner>>,
    watchdog: Watchdog,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Listeners on the first port of each owned block, open until the run ends.
    guards: Vec<TcpListener>,
    /// The block from which the search for another free block starts.
    next_block: u16,
    /// Number of blocks below the ephemeral range.
    block_count: u16,
    /// Free ports, the longest unused first, so that a port is reused as late as possible.
    free: VecDeque<u16>,
}

/// An allocated port, returned to the allocator on drop.
#[derive(Debug)]
pub struct Port {
    number: u16,
    ports: Ports,
}

impl Port {
    /// The port number.
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
    /// Creates an allocator that owns no block yet; [`Self::take`] adds blocks on demand.
    ///
    /// Fails if the folder of the lock files, `conformance-ports` in the temporary folder, cannot be
    /// created.
    pub fn open(watchdog: &Watchdog) -> io::Result<Self> {
        let folder = std::path::absolute(std::env::temp_dir())?.join("conformance-ports");
        fs::create_dir_all(&folder).map_err(|error| {
            let text = format!(
                "cannot create the folder {}: {error}; set TMPDIR to a writable folder",
                folder.display()
            );
            io::Error::new(error.kind(), text)
        })?;
        // Runs of other users create lock files here as well. Only the folder's owner can change its mode.
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777));
        let block_count = (ephemeral_start() - MIN_PORT) / BLOCK_SIZE;
        // Random, so that runs that start at the same time try different blocks first.
        let first =
            u16::try_from(u32::from(rand::random::<u16>()) % u32::from(block_count)).unwrap_or(0);
        Ok(Self {
            inner: Arc::new(Mutex::new(Inner {
                folder,
                guards: Vec::new(),
                next_block: first,
                block_count,
                free: VecDeque::new(),
            })),
            watchdog: watchdog.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allocates a port on which no program listens.
    pub fn take(&self) -> io::Result<Port> {
        let mut inner = self.lock();
        // Ports are reused late: a connection of the previous user may still be closing.
        if inner.free.len() < usize::from(BLOCK_SIZE / 2) {
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
            // Another program listens on this port; try it again later.
            inner.free.push_back(number);
        }
        let text = "other programs listen on all ports of the run; list them with `ss -ltnp`";
        Err(io::Error::new(ErrorKind::AddrInUse, text))
    }
}

impl Inner {
    /// Adds a block that no other run owns. Fails only if there is none and no port is free either.
    fn add_block(&mut self, watchdog: &Watchdog) -> io::Result<()> {
        let mut refused = None;
        for _ in 0..self.block_count {
            let block = self.next_block;
            self.next_block = (block + 1) % self.block_count;
            let first = MIN_PORT + block * BLOCK_SIZE;
            // Runs with different temporary folders do not see each other's lock files, so the guard
            // port is needed as well.
            let Ok(guard) = TcpListener::bind((Ipv4Addr::LOCALHOST, first)) else {
                continue;
            };
            match watchdog.lock_file(&self.folder.join(first.to_string())) {
                Ok(true) => {
                    self.guards.push(guard);
                    self.free.extend(first + 1..first + BLOCK_SIZE);
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) => refused = Some(error),
            }
        }
        if !self.free.is_empty() {
            return Ok(());
        }
        let end = MIN_PORT + self.block_count * BLOCK_SIZE;
        let cause = refused
            .map(|error| format!(" ({error})"))
            .unwrap_or_default();
        let text = format!(
            "no free block of ports from {MIN_PORT} to {end}{cause}: other runs own them, or {} is not writable",
            self.folder.display()
        );
        Err(io::Error::new(ErrorKind::AddrInUse, text))
    }
}

/// Whether no program listens on the port, on any IPv4 or IPv6 address.
fn is_free(port: u16) -> bool {
    let any = [
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
    ];
    // Any other error means that the machine lacks this address family.
    any.into_iter().all(|address| {
        TcpListener::bind((address, port))
            .map_or_else(|error| error.kind() != ErrorKind::AddrInUse, |_| true)
    })
}

/// The first port of the kernel's ephemeral range.
fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok());
    first
        .filter(|port| *port >= MIN_PORT + BLOCK_SIZE)
        .unwrap_or(DEFAULT_EPHEMERAL_START)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ports() -> Ports {
        Ports::open(&Watchdog::without_process()).expect("a folder for locks")
    }

    fn block(port: u16) -> u16 {
        (port - MIN_PORT) / BLOCK_SIZE
    }

    #[test]
    fn ports_are_below_the_ephemeral_range() {
        let port = ports().take().expect("a port");
        assert!(
            (MIN_PORT..ephemeral_start()).contains(&port.number()),
            "{port:?}"
        );
    }

    #[test]
    fn two_runs_do_not_share_a_block() {
        let (one, other) = (ports(), ports());
        other.lock().next_block = one.lock().next_block;
        let (mine, theirs) = (one.take().expect("a port"), other.take().expect("a port"));
        assert_ne!(block(mine.number()), block(theirs.number()));
    }

    #[test]
    fn two_runs_with_different_lock_folders_do_not_share_a_block() {
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
    fn a_port_is_reused_only_after_all_others() {
        let ports = ports();
        let first = ports.take().expect("a port").number();
        let others: BTreeSet<u16> = (0..BLOCK_SIZE - 2)
            .map(|_| ports.take().expect("a port").number())
            .collect();
        assert_eq!(
            others.len(),
            usize::from(BLOCK_SIZE - 2),
            "all of them differ"
        );
        assert!(!others.contains(&first));
    }

    #[test]
    fn more_ports_than_one_block_has_can_be_taken() {
        let ports = ports();
        let held: Vec<Port> = (0..2 * BLOCK_SIZE)
            .map(|_| ports.take().expect("a port"))
            .collect();
        let numbers: BTreeSet<u16> = held.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), held.len());
    }

    #[test]
    fn a_port_on_which_another_program_listens_is_skipped_until_it_is_free() {
        let ports = ports();
        let number = ports.take().expect("a port").number();
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).expect("to listen");
        let take_all = || -> Vec<u16> {
            (0..2 * BLOCK_SIZE)
                .map(|_| ports.take().expect("a port").number())
                .collect()
        };
        assert!(!take_all().contains(&number));
        drop(other);
        assert!(take_all().contains(&number));
    }
}

//! The one allocator of ports: below the kernel's ephemeral range, in blocks with a lock file each.
//!
//! A port that the kernel might give to an outgoing connection would be taken at random moments; a
//! port of another run's block would be raced for. Both cannot happen here.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::run::watchdog::Watchdog;

/// Ports in a block.
const BLOCK: u16 = 100;

/// The lowest port that is handed out.
const LOWEST: u16 = 10_000;

/// Hands out ports; clones share the blocks.
#[derive(Clone, Debug)]
pub struct Ports {
    inner: Arc<Mutex<Inner>>,
    watchdog: Watchdog,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Locked as long as the run lives.
    locks: Vec<File>,
    /// Where the search for a further block begins.
    next_block: u16,
    end: u16,
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
    /// No block is taken before the first port is.
    pub fn open(watchdog: &Watchdog) -> io::Result<Self> {
        let folder = std::env::temp_dir().join("conformance-ports");
        fs::create_dir_all(&folder)?;
        // Whoever runs the suite next may be another user.
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777));
        let end = ephemeral_start();
        let blocks = (end - LOWEST) / BLOCK;
        // Runs that begin at the same time look at different blocks first.
        let first = u16::try_from(std::process::id() % u32::from(blocks)).unwrap_or(0);
        Ok(Self {
            inner: Arc::new(Mutex::new(Inner {
                folder,
                locks: Vec::new(),
                next_block: first,
                end,
                free: VecDeque::new(),
            })),
            watchdog: watchdog.clone(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A port on which nothing listens.
    pub fn take(&self) -> io::Result<Port> {
        let mut inner = self.lock();
        // A port rests while others are used: a connection of its last life may still be closing.
        if inner.free.len() < usize::from(BLOCK / 2) {
            inner.add_block(&self.watchdog)?;
        }
        while let Some(number) = inner.free.pop_front() {
            if is_free(number) {
                return Ok(Port {
                    number,
                    ports: self.clone(),
                });
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "every port of the run's block is taken by other programs"))
    }
}

impl Inner {
    fn add_block(&mut self, watchdog: &Watchdog) -> io::Result<()> {
        let blocks = (self.end - LOWEST) / BLOCK;
        for _ in 0..blocks {
            let block = self.next_block;
            self.next_block = (block + 1) % blocks;
            let first = LOWEST + block * BLOCK;
            if let Some(lock) = lock(&self.folder.join(first.to_string()), watchdog)? {
                self.locks.push(lock);
                self.free.extend(first..first + BLOCK);
                return Ok(());
            }
        }
        if self.free.is_empty() {
            let text = format!("every block of ports from {LOWEST} to {} belongs to another run", self.end);
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
        Ok(())
    }
}

/// Locks the file, or nothing when another run has it.
fn lock(path: &Path, watchdog: &Watchdog) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between opening and locking, its last owner may have removed it: then it locks nothing.
    let same = fs::metadata(path).is_ok_and(|it| file.metadata().is_ok_and(|own| own.ino() == it.ino()));
    if !same {
        return Ok(None);
    }
    watchdog.file(path);
    Ok(Some(file))
}

fn is_free(port: u16) -> bool {
    let bind = |address: SocketAddr| TcpListener::bind(address);
    let six = bind((Ipv6Addr::UNSPECIFIED, port).into());
    match six {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => false,
        // A machine without IPv6.
        Err(_) => bind((Ipv4Addr::UNSPECIFIED, port).into()).is_ok(),
    }
}

/// Where the kernel's own choice of ports begins.
fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|it| it.parse().ok());
    first.filter(|it| *it > LOWEST + BLOCK).unwrap_or(32_768)
}

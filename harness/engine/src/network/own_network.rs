//! A network of a program's own, in which the suite listens on given ports and no other server can be reached.
//!
//! A hidden command of the suite's program runs there: it makes the network, listens, starts the program and writes
//! down how each connection begins. Where the machine allows no network of one's own, it listens in the machine's.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use nix::unistd::{getgid, getuid};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Most bytes of a connection that are written down.
const MOST_BYTES: usize = 4096;

/// How long a client that says nothing more is listened to.
const SILENCE: Duration = Duration::from_secs(1);

/// How often the program's health is requested: many programs connect only when they check their resources.
const HEALTH_INTERVAL: Duration = Duration::from_millis(200);

/// What PostgreSQL's clients send before their first message to request TLS or GSSAPI: a length and a code.
const ENCRYPTION_REQUESTS: [[u8; 8]; 2] = [
    [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f],
    [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30],
];

/// What the hidden command writes down, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// A port could not be listened on: nothing can be said about the program.
    NotListening {
        /// The port.
        port: u16,
        /// The cause.
        cause: String,
    },
    /// A client's connection ended, or sent no more for a second.
    Opening {
        /// The port it came to.
        port: u16,
        /// What it sent, without requests for encryption, which were refused.
        bytes: Vec<u8>,
    },
}

/// What the hidden command runs.
#[derive(Clone, Debug)]
pub struct OwnNetwork {
    /// The file for the records.
    pub record: PathBuf,
    /// The ports to listen on, at every address of `localhost`.
    pub ports: Vec<u16>,
    /// The port where the program serves `/health`.
    pub health_port: u16,
    /// The program with its arguments.
    pub command: Vec<OsString>,
}

/// Reads the records that have been written completely so far.
pub fn read_records(path: &Path) -> io::Result<Vec<Record>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
    complete
        .lines()
        .map(|line| serde_json::from_str(line).map_err(io::Error::other))
        .collect()
}

/// The hidden command, which starts the program whose command follows.
pub fn launcher(record: &Path, ports: &[u16], health_port: u16) -> io::Result<Vec<String>> {
    let own = std::env::current_exe()?.to_string_lossy().into_owned();
    let mut launcher = vec![own, "own-network".to_owned()];
    launcher.push(format!("--record={}", record.display()));
    launcher.extend(ports.iter().map(|port| format!("--port={port}")));
    launcher.push(format!("--health-port={health_port}"));
    launcher.push("--".to_owned());
    Ok(launcher)
}

impl OwnNetwork {
    /// Runs the program until it ends, and exits like it. Call it before any other thread is started: only the calling
    /// thread, and what it starts, enters the network.
    pub fn main(&self) -> ExitCode {
        let isolated = enter_own_network();
        if let Err(error) = isolated {
            eprintln!(
                "no network of its own on this machine ({error}): listening in the machine's"
            );
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime.and_then(|runtime| runtime.block_on(self.run())) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        }
    }

    async fn run(&self) -> io::Result<ExitCode> {
        let records = Arc::new(Mutex::new(File::create(&self.record)?));
        for port in &self.ports {
            if let Err(error) = listen(*port, &records).await {
                let cause = error.to_string();
                write(&records, &Record::NotListening { port: *port, cause })?;
                return Ok(ExitCode::from(2));
            }
        }
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| io::Error::other("no program was given"))?;
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .spawn()?;
        tokio::spawn(request_health(self.health_port));
        let status = child.wait().await?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(ExitCode::from(code.unwrap_or(1)))
    }
}

/// Moves the calling thread into a new network, with a loopback device that is up; without root, in a new user
/// namespace with the same user.
fn enter_own_network() -> io::Result<()> {
    let (user, group) = (getuid(), getgid());
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    bring_loopback_up()
}

/// Sets the flag UP of device 1, the loopback device of every network, by a request to the kernel (rtnetlink(7)).
fn bring_loopback_up() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_WITH_ANSWER: u16 = 0x1 | 0x4;
    const UP: u32 = 1;
    let mut request = Vec::with_capacity(32);
    // struct nlmsghdr: length, type, flags, sequence number, port.
    request.extend(32_u32.to_ne_bytes());
    request.extend(RTM_NEWLINK.to_ne_bytes());
    request.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    request.extend([0; 8]);
    // struct ifinfomsg: family and padding, type, index, flags, mask of the flags to change.
    request.extend([0; 4]);
    request.extend(1_u32.to_ne_bytes());
    request.extend(UP.to_ne_bytes());
    request.extend(UP.to_ne_bytes());

    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(netlink.as_raw_fd(), &request, &kernel, MsgFlags::empty())?;
    let mut answer = [0; 64];
    let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // struct nlmsgerr follows the header: 0, or a negative error number.
    let code = answer[..length]
        .get(16..20)
        .and_then(|it| it.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::Error::other("the kernel's answer is too short")),
    }
}

/// Listens at every address of `localhost`; a machine without IPv6 has one.
async fn listen(port: u16, records: &Arc<Mutex<File>>) -> io::Result<()> {
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    for address in addresses {
        let listener = match TcpListener::bind((address, port)).await {
            Err(error) if address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable => {
                continue;
            }
            other => other?,
        };
        let records = Arc::clone(records);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(write_down(connection, port, Arc::clone(&records)));
            }
        });
    }
    Ok(())
}

/// Writes down how a connection begins, refuses encryption, and closes it.
async fn write_down(mut connection: TcpStream, port: u16, records: Arc<Mutex<File>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; MOST_BYTES];
    while bytes.len() < MOST_BYTES {
        let read = tokio::time::timeout(SILENCE, connection.read(&mut buffer)).await;
        let Ok(Ok(length @ 1..)) = read else { break };
        bytes.extend_from_slice(&buffer[..length]);
        if ENCRYPTION_REQUESTS.iter().any(|it| bytes == it) {
            bytes.clear();
            if connection.write_all(b"N").await.is_err() {
                break;
            }
        }
    }
    if let Err(error) = write(&records, &Record::Opening { port, bytes }) {
        eprintln!("cannot write down a connection to port {port}: {error}");
    }
}

fn write(records: &Mutex<File>, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_string(record).map_err(io::Error::other)?;
    line.push('\n');
    let mut file = records.lock().unwrap_or_else(PoisonError::into_inner);
    file.write_all(line.as_bytes())
}

/// Requests the program's health again and again; the answers do not matter.
async fn request_health(port: u16) {
    let mut interval = tokio::time::interval(HEALTH_INTERVAL);
    loop {
        interval.tick().await;
        tokio::spawn(async move {
            let Ok(mut connection) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
                return;
            };
            let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            if connection.write_all(request).await.is_ok() {
                let mut answer = Vec::new();
                let _ = tokio::time::timeout(SILENCE, connection.read_to_end(&mut answer)).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_network(record: PathBuf, ports: Vec<u16>, command: &[&str]) -> OwnNetwork {
        OwnNetwork {
            record,
            ports,
            health_port: 1,
            command: command.iter().map(OsString::from).collect(),
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_written_down_and_nothing_is_started() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let port = taken.local_addr().expect("its address").port();
        let folder = tempfile::tempdir().expect("a folder");
        let (record, started) = (folder.path().join("record"), folder.path().join("started"));
        let touch = ["touch", started.to_str().expect("a path in UTF-8")];
        let own_network = own_network(record.clone(), vec![port], &touch);
        own_network.run().await.expect("an exit status");
        let records = read_records(&record).expect("records");
        assert!(
            matches!(records[..], [Record::NotListening { port: of, .. }] if of == port),
            "{records:?}"
        );
        assert!(!started.exists());
    }

    #[tokio::test]
    async fn encryption_is_refused_and_what_follows_is_written_down() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = folder.path().join("record");
        let file = File::create(&record).expect("a file");
        let records = Arc::new(Mutex::new(file));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("its address");
        let client = tokio::spawn(async move {
            let mut client = TcpStream::connect(address).await.expect("a connection");
            client
                .write_all(&ENCRYPTION_REQUESTS[0])
                .await
                .expect("room");
            assert_eq!(client.read_u8().await.expect("an answer"), b'N');
            client.write_all(b"hello").await.expect("room");
        });
        let (connection, _) = listener.accept().await.expect("a client");
        write_down(connection, 5, Arc::clone(&records)).await;
        client.await.expect("no panic");
        let bytes = b"hello".to_vec();
        assert_eq!(
            read_records(&record).expect("records"),
            [Record::Opening { port: 5, bytes }]
        );
    }

    #[test]
    fn a_line_that_is_not_complete_is_not_read_yet() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = folder.path().join("record");
        assert_eq!(read_records(&record).expect("no file"), []);
        fs::write(
            &record,
            "{\"kind\":\"opening\",\"port\":5,\"bytes\":[]}\n{\"kind\"",
        )
        .expect("a file");
        assert_eq!(read_records(&record).expect("records").len(), 1);
    }
}

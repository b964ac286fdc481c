//! A Redis server that already runs: leased databases are released however the run ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::{Place, Ran};

/// A Redis server with the default of 16 databases.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(place: &Place) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--dir"])
            .arg(place.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("a Redis server");
        let server = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "it does not listen");
            std::thread::yield_now();
        }
        server
    }

    /// Sends commands; returns the server's replies.
    fn send(&self, commands: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        write!(stream, "{commands}\r\nQUIT\r\n").expect("a command");
        let mut replies = String::new();
        stream.read_to_string(&mut replies).expect("replies");
        replies
    }

    /// The entries of the lease registry.
    fn leases(&self) -> Vec<String> {
        let keys = self.send("KEYS conformance:lease:*");
        let names = keys.lines().filter(|line| line.starts_with("conformance:"));
        names.map(str::to_owned).collect()
    }

    /// Waits until a run leases a database.
    fn wait_for_lease(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let limit = Some(Duration::from_mins(1));
        stream.set_read_timeout(limit).expect("a limit");
        write!(stream, "MONITOR\r\n").expect("a command");
        let is_lease = |line: &String| line.contains("\"SET\" \"conformance:lease:");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        assert!(lines.any(|line| is_lease(&line)), "no database is leased");
    }

    /// Leases all databases in the name of another run, `age` seconds ago.
    fn lease_all(&self, age: u64) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let then = now.as_secs() - age;
        for database in 1..16 {
            self.send(&format!(
                "SET conformance:lease:{database} {then}:another\r\nSELECT {database}\r\nSET key value"
            ));
        }
    }

    fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(arguments);
        let url = format!("redis://127.0.0.1:{}/0", self.port);
        command.env("CONFORMANCE_REDIS_URL", url);
        command
    }

    fn run(&self, place: &Place, arguments: &[&str]) -> Ran {
        Ran::from(
            self.command(place, arguments)
                .output()
                .expect("the suite runs"),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_run_releases_all_databases_when_it_ends() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    server
        .run(&place, &["run", "--clause", "USR-1"])
        .check(0, &["redis", "(external)"]);
    assert_eq!(server.leases(), Vec::<String>::new());
    assert!(
        !server.send("INFO keyspace").contains("db"),
        "all databases are empty"
    );
}

#[test]
fn a_run_releases_all_databases_when_it_is_interrupted() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    let mut run = server
        .command(&place, &["run"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the suite starts");
    server.wait_for_lease();
    let signal = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(signal.expect("kill runs").success());
    assert_eq!(run.wait().expect("the suite ends").code(), Some(130));
    assert_eq!(server.leases(), Vec::<String>::new());
}

#[test]
fn a_server_without_a_free_database_is_reported_soon_by_run_and_doctor() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    server.lease_all(0);
    let expected = &["no logical database is free", "15 are leased by other runs"];
    let started = Instant::now();
    server
        .run(&place, &["run", "--clause", "USR-1"])
        .check(2, expected);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    server.run(&place, &["doctor"]).check(2, expected);
    assert_eq!(
        server.leases().len(),
        15,
        "the leases of the other run remain"
    );
}

#[test]
fn a_lease_that_was_not_renewed_for_a_minute_is_reused() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    server.lease_all(61);
    server
        .run(&place, &["run", "--clause", "USR-1"])
        .check(0, &["passed, 0 failed"]);
}

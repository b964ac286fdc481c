//! A Redis server of the user's own: databases that are leased come back, whatever ends the run.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::{Place, Ran};

/// A server with 16 databases, as a user has one.
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

    /// What the server answers to commands.
    fn ask(&self, commands: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        write!(stream, "{commands}\r\nQUIT\r\n").expect("a command");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The databases that the ledger says are leased.
    fn leases(&self) -> Vec<String> {
        let keys = self.ask("KEYS conformance:lease:*");
        let names = keys.lines().filter(|it| it.starts_with("conformance:"));
        names.map(str::to_owned).collect()
    }

    /// Waits until a run claims a database.
    fn wait_for_lease(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let limit = Some(Duration::from_secs(60));
        stream.set_read_timeout(limit).expect("a limit");
        write!(stream, "MONITOR\r\n").expect("a command");
        let is_claim = |line: &String| line.contains("\"SET\" \"conformance:lease:");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        assert!(lines.any(|line| is_claim(&line)), "no database is leased");
    }

    /// Leases every database to another run, that many seconds ago.
    fn lease_all(&self, seconds: u64) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let then = now.as_secs() - seconds;
        for database in 1..16 {
            self.ask(&format!(
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
fn a_run_that_ends_gives_every_database_back() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    server
        .run(&place, &["run", "--clause", "USR-1"])
        .check(0, &["redis", "(external)"]);
    assert_eq!(server.leases(), Vec::<String>::new());
    assert!(
        !server.ask("INFO keyspace").contains("db"),
        "nothing is left in a database"
    );
}

#[test]
fn a_run_that_a_signal_ends_gives_every_database_back() {
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
fn a_server_without_a_free_database_is_named_at_once_and_by_doctor_too() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    server.lease_all(0);
    let said = &["no logical database is free", "15 are leased by other runs"];
    let begun = Instant::now();
    server
        .run(&place, &["run", "--clause", "USR-1"])
        .check(2, said);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    server.run(&place, &["doctor"]).check(2, said);
    assert_eq!(
        server.leases().len(),
        15,
        "another run's leases are left alone"
    );
}

#[test]
fn a_lease_that_was_not_renewed_for_a_minute_is_taken_over() {
    let place = Place::new();
    place.reference();
    let server = Server::start(&place);
    server.lease_all(61);
    server
        .run(&place, &["run", "--clause", "USR-1"])
        .check(0, &["passed, 0 failed"]);
}

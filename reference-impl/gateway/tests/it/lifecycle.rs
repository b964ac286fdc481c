//! CFG-8 over real connections: what the shutdown waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::dependencies::Dependencies;
use gateway::server::{self, Listeners};
use gateway::user_service::UserService;
use platform::serving::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::Fake;
use crate::gateway::settings;

const GET: &str = "GET /api/v1/users/ada HTTP/1.1\r\nhost: x\r\n\r\n";

/// A gateway that serves, and its port.
async fn serve(users: &Arc<Fake>) -> (Running, u16) {
    let settings = settings(&[]);
    let mut dependencies = Dependencies::new(&settings);
    dependencies.users = Arc::clone(users) as Arc<dyn UserService>;
    let listen = || TcpListener::bind("127.0.0.1:0");
    let listeners = Listeners {
        http: listen().await.expect("a port"),
        metrics: listen().await.expect("a port"),
    };
    let port = listeners.http.local_addr().expect("bound").port();
    (server::start(&settings, dependencies, listeners), port)
}

/// A connection on which this was sent.
async fn connect(port: u16, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("connected");
    stream.write_all(sent.as_bytes()).await.expect("sent");
    stream
}

/// The first bytes that arrive on a connection.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await.unwrap_or(0);
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// Waits for so many calls.
async fn calls(users: &Fake, count: usize) {
    while users.count() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn idle_connections_and_half_requests_do_not_hold_up_the_shutdown() {
    let users = Fake::new(|_| Some(Ok(())));
    let (running, port) = serve(&users).await;
    let mut idle = connect(port, GET).await;
    assert!(read(&mut idle).await.starts_with("HTTP/1.1 200"));
    let _half_a_head = connect(port, "GET /api/v1").await;
    let half = "POST /api/v1/users HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    let mut half_a_body = connect(port, half).await;
    calls(&users, 1).await;
    let begin = Instant::now();
    running.drain(Duration::from_secs(20)).await;
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    let refused = read(&mut half_a_body).await;
    assert!(
        refused.is_empty() || refused.starts_with("HTTP/1.1 503"),
        "{refused}"
    );
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_takes_no_new_work() {
    let users = Fake::new(|number| (number > 1).then_some(Ok(())));
    let (running, port) = serve(&users).await;
    let in_flight = connect(port, GET).await;
    calls(&users, 1).await;
    let draining = tokio::spawn(running.drain(Duration::from_secs(20)));
    let ready = "GET /ready HTTP/1.1\r\nhost: x\r\n\r\n";
    while !read(&mut connect(port, GET).await)
        .await
        .starts_with("HTTP/1.1 503")
    {}
    let answer = read(&mut connect(port, ready).await).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(!draining.is_finished());
    // Its client closes the connection: nothing is left in flight.
    drop(in_flight);
    tokio::time::timeout(Duration::from_secs(2), draining)
        .await
        .expect("it ends")
        .expect("in order");
}

#[tokio::test]
async fn requests_that_still_run_at_the_limit_are_abandoned() {
    let users = Fake::new(|_| None);
    let (running, port) = serve(&users).await;
    let _in_flight = connect(port, GET).await;
    calls(&users, 1).await;
    let begin = Instant::now();
    running.drain(Duration::from_millis(200)).await;
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
}

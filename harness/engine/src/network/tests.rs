//! A link in each of its conditions, in front of an echo server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Link;
use crate::sandbox::ports::Ports;
use crate::sandbox::watchdog::Watchdog;

/// Limit of every wait; generous even for a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// For how long no byte must arrive on a hung link.
const SILENCE_WINDOW: Duration = Duration::from_millis(60);

/// Starts a server that sends back every byte and closes when its peer has closed.
async fn start_echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

async fn open_link(upstream: SocketAddr) -> Link {
    let ports = Ports::open(&Watchdog::without_process()).expect("ports");
    Link::open(&ports, upstream).await.expect("a link")
}

async fn connect(link: &Link) -> TcpStream {
    TcpStream::connect(link.address())
        .await
        .expect("to connect")
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("to write");
}

async fn expect_text(stream: &mut TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    let read = timeout(WAIT_LIMIT, stream.read_exact(&mut bytes)).await;
    read.expect("a response in time").expect("a response");
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

async fn expect_silence(stream: &mut TcpStream) {
    let read = timeout(SILENCE_WINDOW, stream.read(&mut [0; 1])).await;
    assert!(read.is_err(), "{read:?}");
}

/// Reads to the end of the stream; returns the number of bytes, or the error that ended it.
async fn read_to_end(stream: &mut TcpStream) -> std::io::Result<usize> {
    let mut bytes = Vec::new();
    timeout(WAIT_LIMIT, stream.read_to_end(&mut bytes))
        .await
        .expect("an end in time")
}

async fn expect_reset(stream: &mut TcpStream) {
    let end = read_to_end(stream).await;
    assert_eq!(end.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
}

async fn wait_until_no_connection(link: &Link) {
    let started = Instant::now();
    while link.open_connections() > 0 {
        assert!(
            started.elapsed() < WAIT_LIMIT,
            "{} connections are still open",
            link.open_connections()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_forwarded_in_both_directions_and_connections_are_counted() {
    let link = open_link(start_echo_server().await).await;
    let mut stream = connect(&link).await;
    send(&mut stream, "hello").await;
    expect_text(&mut stream, "hello").await;
    assert_eq!(
        (link.open_connections(), link.accepted_connections()),
        (1, 1)
    );
    drop(stream);
    wait_until_no_connection(&link).await;
    assert_eq!(link.accepted_connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_link_refuses_and_resets_connections_and_is_restored_on_its_port() {
    let link = open_link(start_echo_server().await).await;
    let mut old = connect(&link).await;
    send(&mut old, "hello").await;
    expect_text(&mut old, "hello").await;
    link.cut().await;
    assert_eq!(link.open_connections(), 0);
    expect_reset(&mut old).await;
    for _ in 0..2 {
        let refused = TcpStream::connect(link.address())
            .await
            .expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        link.cut().await;
    }
    link.restore().await;
    let mut new = connect(&link).await;
    send(&mut new, "again").await;
    expect_text(&mut new, "again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_connection_of_a_hung_link_is_silent_and_continues_afterwards() {
    let link = open_link(start_echo_server().await).await;
    let mut stream = connect(&link).await;
    send(&mut stream, "before").await;
    expect_text(&mut stream, "before").await;
    link.hang().await;
    send(&mut stream, "meanwhile").await;
    expect_silence(&mut stream).await;
    link.restore().await;
    expect_text(&mut stream, "meanwhile").await;
    send(&mut stream, "after").await;
    expect_text(&mut stream, "after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_opened_during_a_hang_is_silent_and_works_afterwards() {
    let link = open_link(start_echo_server().await).await;
    link.hang().await;
    let mut stream = connect(&link).await;
    send(&mut stream, "hello").await;
    expect_silence(&mut stream).await;
    link.restore().await;
    expect_text(&mut stream, "hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_closed_during_a_hang_is_noticed_afterwards() {
    let link = open_link(start_echo_server().await).await;
    let mut old = connect(&link).await;
    send(&mut old, "x").await;
    expect_text(&mut old, "x").await;
    link.hang().await;
    let new = connect(&link).await;
    drop((old, new));
    link.restore().await;
    wait_until_no_connection(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_link_can_be_cut() {
    let link = open_link(start_echo_server().await).await;
    link.hang().await;
    let mut stream = connect(&link).await;
    while link.accepted_connections() == 0 {
        tokio::task::yield_now().await;
    }
    link.cut().await;
    expect_reset(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_is_lost_or_reordered_when_the_link_hangs_during_a_large_transfer() {
    const SIZE: usize = 16 << 20;
    let link = open_link(start_echo_server().await).await;
    let (mut from, mut to) = connect(&link).await.into_split();
    let sent: Vec<u8> = (0..=250).cycle().take(SIZE).collect();
    let expected = sent.clone();
    let writer = tokio::spawn(async move { to.write_all(&sent).await.and(to.shutdown().await) });
    let reader = tokio::spawn(async move {
        let mut got = Vec::new();
        from.read_to_end(&mut got).await.map(|_| got)
    });
    for _ in 0..20 {
        link.hang().await;
        tokio::task::yield_now().await;
        link.restore().await;
        tokio::task::yield_now().await;
    }
    timeout(WAIT_LIMIT, writer)
        .await
        .expect("in time")
        .expect("no panic")
        .expect("to write");
    let got = timeout(WAIT_LIMIT, reader)
        .await
        .expect("in time")
        .expect("no panic")
        .expect("to read");
    assert!(got == expected, "{} of {SIZE} bytes", got.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_delays_both_directions_until_it_is_restored() {
    let link = open_link(start_echo_server().await).await;
    let mut stream = connect(&link).await;
    link.slow(Duration::from_millis(50)).await;
    let started = Instant::now();
    send(&mut stream, "x").await;
    expect_text(&mut stream, "x").await;
    assert!(started.elapsed() >= Duration::from_millis(100));
    link.slow(10 * WAIT_LIMIT).await;
    send(&mut stream, "y").await;
    expect_silence(&mut stream).await;
    link.restore().await;
    expect_text(&mut stream, "y").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_close_is_forwarded_and_the_response_still_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let link = open_link(listener.local_addr().expect("its address")).await;
    let mut program = connect(&link).await;
    let (mut backend, _) = listener.accept().await.expect("the link");
    send(&mut program, "request").await;
    program.shutdown().await.expect("to close one half");
    assert_eq!(
        read_to_end(&mut backend).await.expect("a close"),
        "request".len()
    );
    send(&mut backend, "response").await;
    expect_text(&mut program, "response").await;
    drop(backend);
    assert_eq!(read_to_end(&mut program).await.expect("a close"), 0);
    wait_until_no_connection(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_either_side_is_forwarded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let link = open_link(listener.local_addr().expect("its address")).await;
    for program_resets in [true, false] {
        let program = connect(&link).await;
        let (backend, _) = listener.accept().await.expect("the link");
        let (mut peer, resetter) = if program_resets {
            (backend, program)
        } else {
            (program, backend)
        };
        resetter.set_zero_linger().expect("to make it a reset");
        drop(resetter);
        expect_reset(&mut peer).await;
    }
    wait_until_no_connection(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_refuses_ends_the_program_s_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let upstream = listener.local_addr().expect("its address");
    drop(listener);
    let link = open_link(upstream).await;
    // The reset may arrive before `connect` returns.
    match TcpStream::connect(link.address()).await {
        Ok(mut stream) => expect_reset(&mut stream).await,
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    wait_until_no_connection(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_existing_connections_and_accepts_new_ones() {
    let link = open_link(start_echo_server().await).await;
    let mut old = connect(&link).await;
    send(&mut old, "x").await;
    expect_text(&mut old, "x").await;
    link.reset().await;
    expect_reset(&mut old).await;
    let mut new = connect(&link).await;
    send(&mut new, "y").await;
    expect_text(&mut new, "y").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_link_ends_its_connections_and_releases_its_port() {
    let ports = Ports::open(&Watchdog::without_process()).expect("ports");
    let link = Link::open(&ports, start_echo_server().await)
        .await
        .expect("a link");
    let address = link.address();
    let mut stream = connect(&link).await;
    send(&mut stream, "x").await;
    expect_text(&mut stream, "x").await;
    drop(link);
    expect_reset(&mut stream).await;
    let started = Instant::now();
    // The allocator returns the longest unused port first, so the link's port comes after all others.
    while ports.take().expect("a port").number() != address.port() {
        assert!(
            started.elapsed() < WAIT_LIMIT,
            "port {} is never released",
            address.port()
        );
    }
    TcpListener::bind(address)
        .await
        .expect("a port without a listener");
}

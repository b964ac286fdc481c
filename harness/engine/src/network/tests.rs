//! A link in each of its conditions, in front of a server that answers what it was sent.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Link;
use crate::sandbox::ports::Ports;
use crate::sandbox::watchdog::Watchdog;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// As long as silence must last to be believed.
const SILENCE: Duration = Duration::from_millis(60);

/// A server that answers every byte with itself and closes when its peer has closed.
async fn echo() -> SocketAddr {
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

async fn link(upstream: SocketAddr) -> Link {
    let ports = Ports::open(&Watchdog::without_process()).expect("ports");
    Link::open(&ports, upstream).await.expect("a link")
}

async fn attach(link: &Link) -> TcpStream {
    TcpStream::connect(link.address())
        .await
        .expect("to connect")
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("to write");
}

async fn hears(stream: &mut TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    let read = timeout(LONG, stream.read_exact(&mut bytes)).await;
    read.expect("an answer in time").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

async fn hears_nothing(stream: &mut TcpStream) {
    let heard = timeout(SILENCE, stream.read(&mut [0; 1])).await;
    assert!(heard.is_err(), "{heard:?}");
}

/// Reads to the end: how many bytes, and how it ended.
async fn end_of(stream: &mut TcpStream) -> std::io::Result<usize> {
    let mut bytes = Vec::new();
    timeout(LONG, stream.read_to_end(&mut bytes))
        .await
        .expect("an end in time")
}

async fn is_reset(stream: &mut TcpStream) {
    let end = end_of(stream).await;
    assert_eq!(end.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
}

async fn becomes_empty(link: &Link) {
    let begun = Instant::now();
    while link.open_connections() > 0 {
        assert!(
            begun.elapsed() < LONG,
            "{} connections stay",
            link.open_connections()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_pass_both_ways_and_connections_are_counted() {
    let link = link(echo().await).await;
    let mut stream = attach(&link).await;
    send(&mut stream, "hello").await;
    hears(&mut stream, "hello").await;
    assert_eq!((link.open_connections(), link.accepted()), (1, 1));
    drop(stream);
    becomes_empty(&link).await;
    assert_eq!(link.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_link_refuses_resets_and_is_restored_on_its_port() {
    let link = link(echo().await).await;
    let mut old = attach(&link).await;
    send(&mut old, "hello").await;
    hears(&mut old, "hello").await;
    link.cut().await;
    assert_eq!(link.open_connections(), 0);
    is_reset(&mut old).await;
    for _ in 0..2 {
        let refused = TcpStream::connect(link.address())
            .await
            .expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        link.cut().await;
    }
    link.restore().await;
    let mut new = attach(&link).await;
    send(&mut new, "again").await;
    hears(&mut new, "again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_connection_falls_silent_and_carries_on() {
    let link = link(echo().await).await;
    let mut stream = attach(&link).await;
    send(&mut stream, "before").await;
    hears(&mut stream, "before").await;
    link.hang().await;
    send(&mut stream, "meanwhile").await;
    hears_nothing(&mut stream).await;
    link.restore().await;
    hears(&mut stream, "meanwhile").await;
    send(&mut stream, "after").await;
    hears(&mut stream, "after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_opened_during_a_hang_hears_nothing_and_works_afterwards() {
    let link = link(echo().await).await;
    link.hang().await;
    let mut stream = attach(&link).await;
    send(&mut stream, "hello").await;
    hears_nothing(&mut stream).await;
    link.restore().await;
    hears(&mut stream, "hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_closed_during_a_hang_is_noticed_afterwards() {
    let link = link(echo().await).await;
    let mut old = attach(&link).await;
    send(&mut old, "x").await;
    hears(&mut old, "x").await;
    link.hang().await;
    let new = attach(&link).await;
    drop((old, new));
    link.restore().await;
    becomes_empty(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_link_can_be_cut() {
    let link = link(echo().await).await;
    link.hang().await;
    let mut stream = attach(&link).await;
    while link.accepted() == 0 {
        tokio::task::yield_now().await;
    }
    link.cut().await;
    is_reset(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_reordered_over_hangs_in_the_middle_of_a_flood() {
    const SIZE: usize = 16 << 20;
    let link = link(echo().await).await;
    let (mut from, mut to) = attach(&link).await.into_split();
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
    timeout(LONG, writer)
        .await
        .expect("in time")
        .expect("no panic")
        .expect("to write");
    let got = timeout(LONG, reader)
        .await
        .expect("in time")
        .expect("no panic")
        .expect("to read");
    assert!(got == expected, "{} of {SIZE} bytes", got.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_delays_both_ways_until_it_is_restored() {
    let link = link(echo().await).await;
    let mut stream = attach(&link).await;
    link.slow(Duration::from_millis(50)).await;
    let begun = Instant::now();
    send(&mut stream, "x").await;
    hears(&mut stream, "x").await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
    link.slow(10 * LONG).await;
    send(&mut stream, "y").await;
    hears_nothing(&mut stream).await;
    link.restore().await;
    hears(&mut stream, "y").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_close_is_passed_on_and_the_answer_still_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let link = link(listener.local_addr().expect("its address")).await;
    let mut program = attach(&link).await;
    let (mut backend, _) = listener.accept().await.expect("the link");
    send(&mut program, "question").await;
    program.shutdown().await.expect("to close one half");
    assert_eq!(
        end_of(&mut backend).await.expect("a close"),
        "question".len()
    );
    send(&mut backend, "answer").await;
    hears(&mut program, "answer").await;
    drop(backend);
    assert_eq!(end_of(&mut program).await.expect("a close"), 0);
    becomes_empty(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_either_side_reaches_the_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let link = link(listener.local_addr().expect("its address")).await;
    for program_resets in [true, false] {
        let program = attach(&link).await;
        let (backend, _) = listener.accept().await.expect("the link");
        let (mut stays, goes) = if program_resets {
            (backend, program)
        } else {
            (program, backend)
        };
        goes.set_zero_linger().expect("to make it a reset");
        drop(goes);
        is_reset(&mut stays).await;
    }
    becomes_empty(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_refuses_ends_the_program_s_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to listen");
    let upstream = listener.local_addr().expect("its address");
    drop(listener);
    let link = link(upstream).await;
    // The reset may be as quick as the answer to the connection.
    match TcpStream::connect(link.address()).await {
        Ok(mut stream) => is_reset(&mut stream).await,
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    becomes_empty(&link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_what_exists_and_welcomes_what_comes() {
    let link = link(echo().await).await;
    let mut old = attach(&link).await;
    send(&mut old, "x").await;
    hears(&mut old, "x").await;
    link.reset().await;
    is_reset(&mut old).await;
    let mut new = attach(&link).await;
    send(&mut new, "y").await;
    hears(&mut new, "y").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_link_ends_its_connections_and_gives_its_port_back() {
    let ports = Ports::open(&Watchdog::without_process()).expect("ports");
    let link = Link::open(&ports, echo().await).await.expect("a link");
    let address = link.address();
    let mut stream = attach(&link).await;
    send(&mut stream, "x").await;
    hears(&mut stream, "x").await;
    drop(link);
    is_reset(&mut stream).await;
    let begun = Instant::now();
    // Oldest first: the link's port comes again once all others had their turn.
    while ports.take().expect("a port").number() != address.port() {
        assert!(
            begun.elapsed() < LONG,
            "port {} never comes back",
            address.port()
        );
    }
    TcpListener::bind(address)
        .await
        .expect("a port without a listener");
}

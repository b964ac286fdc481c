use std::time::Instant;

use tonic::Code;

use super::*;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::doubles::user_service::records::Ending;

#[tokio::test]
async fn a_call_is_written_down_with_all_that_it_brought() {
    let double = double().await;
    let before = Instant::now();
    let mut client = client(&double);
    let mut request = Request::new(GetUserRequest {
        id: "some id".to_owned(),
    });
    request.set_timeout(Duration::from_secs(3));
    let value = "request 1".parse().expect("ASCII");
    request.metadata_mut().insert("x-request-id", value);
    let status = client
        .get_user(request)
        .await
        .expect_err("there is no such user");
    let calls = double.calls();
    let [call] = &calls[..] else {
        panic!("{calls:?}");
    };
    assert_eq!(call.path, "/user.v1.UserService/GetUser");
    assert_eq!(call.method(), "GetUser");
    assert_eq!(call.request_id(), Some("request 1"));
    assert_eq!(call.header("grpc-timeout"), Some("3000000u"));
    assert_eq!(call.header("te"), Some("trailers"));
    assert_eq!(
        call.message::<GetUserRequest>().map(|it| it.id),
        Ok("some id".to_owned())
    );
    assert_eq!(call.connection, 0);
    assert!(before <= call.received && Some(call.received) <= call.answered());
    let Ending::Answered { code, at } = call.ending else {
        panic!("{call:?}");
    };
    assert_eq!(code, Some(status.code() as u32));
    assert!(at <= Instant::now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_given_up_are_noticed_and_cost_the_connection_nothing() {
    let double = double().await;
    let client = client(&double);
    ask(&client).await.expect_err("there is no such user");
    double.otherwise(ScriptedAnswer::Never);
    let calls: Vec<_> = (0..200)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { ask(&client).await }
            })
        })
        .collect();
    let all = eventually("all calls", SOON, async || match double.calls().len() {
        201 => Ok(()),
        count => Err(count),
    });
    all.await.expect("all calls arrive");
    let given_up = Instant::now();
    for call in &calls {
        call.abort();
    }
    let noticed = eventually("all given up", SOON, async || {
        let calls = double.calls();
        let gone = calls[1..]
            .iter()
            .filter(|it| matches!(it.ending, Ending::AbandonedByClient(at) if at >= given_up));
        match gone.count() {
            200 => Ok(()),
            count => Err(count),
        }
    });
    noticed.await.expect("all are noticed");
    double.otherwise(ScriptedAnswer::Contract);
    assert_eq!(
        ask(&client)
            .await
            .expect_err("there is no such user")
            .code(),
        Code::NotFound
    );
    assert_eq!(double.connections().len(), 1);
}

#[tokio::test]
async fn a_client_that_closes_its_connection_gives_its_calls_up() {
    let double = double().await;
    double.otherwise(ScriptedAnswer::Never);
    let wire = wire(&double).await;
    let path = "/user.v1.UserService/GetUser";
    let call = tokio::spawn(wire.call(path, crate::drivers::wire::framed(b""), None));
    seen(&double, "the call", |it| it.ending == Ending::Open).await;
    drop(wire);
    seen(&double, "a call given up", |call| {
        matches!(call.ending, Ending::AbandonedByClient(_))
    })
    .await;
    let closed = eventually("a closed connection", SOON, async || {
        let connection = double.connections().remove(0);
        connection
            .closed
            .and(connection.closed_by_client)
            .ok_or("open")
    });
    closed.await.expect("it is closed");
    call.abort();
}

#[tokio::test]
async fn forgotten_calls_do_not_mix_with_later_ones() {
    let double = double().await;
    double.script(ScriptedAnswer::Never);
    let client = client(&double);
    let open = tokio::spawn({
        let client = client.clone();
        async move { ask(&client).await }
    });
    seen(&double, "the open call", |_| true).await;
    double.forget_calls();
    assert!(double.calls().is_empty());
    ask(&client).await.expect_err("there is no such user");
    open.abort();
    assert!(open.await.is_err_and(|it| it.is_cancelled()));
    ask(&client).await.expect_err("there is no such user");
    let calls = double.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|it| it.answered().is_some()), "{calls:?}");
}

#[tokio::test]
async fn pings_are_counted_and_answers_to_pings_are_not() {
    let double = double().await;
    let often = Duration::from_millis(30);
    let channel = endpoint(&double)
        .http2_keep_alive_interval(often)
        .keep_alive_while_idle(true)
        .connect()
        .await
        .expect("it listens");
    let pinged = eventually("three pings", SOON, async || {
        let connection = double.connections().into_iter().next();
        let pings = connection.map_or_else(Vec::new, |it| it.pings);
        if pings.len() >= 3 {
            Ok(pings)
        } else {
            Err(pings.len())
        }
    });
    let pings = pinged.await.expect("it pings while idle");
    assert!(
        pings.windows(2).all(|it| it[1] - it[0] >= often / 2),
        "{pings:?}"
    );
    drop(channel);
    // A graceful GOAWAY comes with a PING that the client has to answer.
    double.script(super::super::script_text::parse("GOAWAY, then OK").expect("a script"));
    ask(&client(&double))
        .await
        .expect_err("there is no such user");
    assert!(double.connections()[1].pings.is_empty());
}

#[tokio::test]
async fn a_call_costs_little() {
    let double = double().await;
    let client = client(&double);
    ask(&client).await.expect_err("there is no such user");
    let begun = Instant::now();
    for _ in 0..500 {
        ask(&client).await.expect_err("there is no such user");
    }
    let each = begun.elapsed() / 500;
    // Far above what it takes, so that a busy machine does not fail it.
    assert!(each < Duration::from_millis(3), "{each:?}");
}

use bytes::Bytes;
use h2::Reason;
use tokio::time::timeout;
use tonic::Code;

use super::*;
use crate::doubles::user_service::answer::{Gate, ScriptedAnswer};
use crate::doubles::user_service::records::Ending;
use crate::doubles::user_service::script_text::parse;
use crate::drivers::wire::{CallEnd, CompletedCall, framed};

#[track_caller]
fn is_reset(ended: &CompletedCall, why: &str) {
    let CallEnd::Reset(cause) = &ended.end else {
        panic!("{ended}");
    };
    assert!(cause.contains(why), "{cause}");
}

#[tokio::test]
async fn what_is_silent_stays_silent() {
    for answer in [ScriptedAnswer::Never, ScriptedAnswer::HeadersOnly] {
        let double = saying(answer).await;
        let wire = wire(&double).await;
        let call = wire.call(GET, framed(b""), None);
        assert!(timeout(Duration::from_millis(100), call).await.is_err());
        seen(&double, "a call that its client gave up", |call| {
            matches!(call.ending, Ending::AbandonedByClient(_))
        })
        .await;
        // The connection is as good as before.
        double.otherwise(ScriptedAnswer::Contract);
        let next = wire.call(GET, framed(b"\x0a\x01x"), None).await;
        assert_eq!(next.code(), Some(Code::NotFound));
    }
}

#[tokio::test]
async fn a_connection_is_closed_at_its_moment() {
    for answer in [
        ScriptedAnswer::CloseBefore,
        ScriptedAnswer::CloseAfterHeaders,
        ScriptedAnswer::CloseMidMessage,
    ] {
        let double = saying(answer).await;
        let (_wire, ended) = call(&double).await;
        assert!(matches!(ended.end, CallEnd::Reset(_)), "{ended}");
        seen(&double, "a call cut off", |call| {
            matches!(call.ending, Ending::CutOff(_))
        })
        .await;
        let connection = &double.connections()[0];
        assert!(connection.closed.is_some() && connection.closed_by_client.is_none());
    }
}

#[tokio::test]
async fn a_connection_is_closed_after_the_whole_answer() {
    let bytes = Bytes::from(vec![0; 3 << 20]);
    for (answer, code) in [
        (ScriptedAnswer::Contract, Code::NotFound),
        (ScriptedAnswer::Message(bytes), Code::Ok),
        (
            ScriptedAnswer::status(Code::Internal, &"m".repeat(100_000)),
            Code::Internal,
        ),
    ] {
        let double = saying(ScriptedAnswer::CloseAfter(Box::new(answer))).await;
        let (wire, ended) = call(&double).await;
        assert_eq!(ended.code(), Some(code), "{ended}");
        let next = wire.call(GET, framed(b""), None).await;
        assert!(matches!(next.end, CallEnd::Reset(_)), "{next}");
        assert_eq!(double.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_stream_is_reset_as_scripted() {
    let double = saying(ScriptedAnswer::Reset(Reason::REFUSED_STREAM)).await;
    let (wire, ended) = call(&double).await;
    is_reset(&ended, "refused");
    double.otherwise(ScriptedAnswer::Reset(Reason::ENHANCE_YOUR_CALM));
    let next = wire.call(GET, framed(b""), None).await;
    is_reset(&next, "excessive load");
    let calls = double.calls();
    let cut_off = |it: &ReceivedCall| matches!(it.ending, Ending::CutOff(_));
    assert!(calls.iter().all(cut_off), "{calls:?}");
    double.forget_scripts();
    let next = wire.call(GET, framed(b"\x0a\x01x"), None).await;
    assert_eq!(next.code(), Some(Code::NotFound), "on the same connection");
}

#[tokio::test]
async fn a_goaway_comes_before_the_answer_and_ends_the_connection() {
    let double = double().await;
    double.script(parse("GOAWAY, then OK").expect("a script"));
    let (wire, ended) = call(&double).await;
    assert_eq!(ended.code(), Some(Code::NotFound), "{ended}");
    let next = wire.call(GET, framed(b""), None).await;
    assert!(matches!(next.end, CallEnd::Reset(_)), "{next}");
    // A client that supports GOAWAY continues on another connection.
    double.script(parse("GOAWAY, then OK twice").expect("a script"));
    let client = client(&double);
    for _ in 0..4 {
        let status = ask(&client).await.expect_err("there is no such user");
        assert_eq!(status.code(), Code::NotFound);
    }
    assert_eq!(double.connections().len(), 4);
}

#[tokio::test]
async fn a_goaway_may_leave_the_call_unprocessed_and_earlier_ones_running() {
    let double = double().await;
    let gate = Gate::new();
    double.script([
        ScriptedAnswer::Contract.held_by(&gate),
        ScriptedAnswer::GoAwayUnprocessed,
    ]);
    let wire = wire(&double).await;
    let first = tokio::spawn(wire.call(GET, framed(b"\x0a\x01x"), None));
    seen(&double, "the first call", |_| true).await;
    let second = wire.call(GET, framed(b"\x0a\x01x"), None).await;
    assert!(matches!(second.end, CallEnd::Reset(_)), "{second}");
    gate.open();
    let first = first.await.expect("no panic");
    assert_eq!(first.code(), Some(Code::NotFound), "{first}");
    let calls = double.calls();
    assert!(calls[0].answered().is_some(), "{calls:?}");
    assert!(matches!(calls[1].ending, Ending::CutOff(_)), "{calls:?}");
}

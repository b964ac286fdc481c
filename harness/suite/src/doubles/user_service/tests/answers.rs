use bytes::Bytes;
use h2::Reason;
use http::HeaderValue;
use prost::Message as _;
use tokio::time::timeout;
use tonic::Code;
use user_proto::v1::{
    DeleteUserRequest, GetUserResponse, ListUsersRequest, UpdateUserRequest, UserStatus,
};

use super::*;
use crate::doubles::user_service::answer::{Answer, Gate};
use crate::doubles::user_service::prose::{self, parse};
use crate::doubles::user_service::raw::Raw;
use crate::doubles::user_service::records::Ending;
use crate::drivers::wire::{End, Ended, framed};

const GET: &str = "/user.v1.UserService/GetUser";

/// A double that says this to every call.
async fn saying(answer: Answer) -> UserServiceDouble {
    let double = double().await;
    double.otherwise(answer);
    double
}

/// How one call on a connection of its own ends.
async fn call(double: &UserServiceDouble) -> (Wire, Ended) {
    let wire = wire(double).await;
    let ended = wire.call(GET, framed(b"\x0a\x01x"), None).await;
    (wire, ended)
}

#[track_caller]
fn is_reset(ended: &Ended, why: &str) {
    let End::Reset(cause) = &ended.end else {
        panic!("{ended}");
    };
    assert!(cause.contains(why), "{cause}");
}

#[tokio::test]
async fn without_a_script_it_is_the_contracts_service() {
    let double = double().await;
    let mut client = client(&double);
    let ada = create(client.clone(), "ada@b").await.expect("valid");
    let taken = create(client.clone(), "ADA@b").await.expect_err("taken");
    assert_eq!(taken.code(), Code::AlreadyExists);
    assert_eq!(get(client.clone(), &ada.id).await.ok(), Some(ada.clone()));
    let update = UpdateUserRequest {
        id: ada.id.clone(),
        status: Some(UserStatus::Inactive as i32),
        ..UpdateUserRequest::default()
    };
    client.update_user(update).await.expect("valid");
    let list = ListUsersRequest {
        filter: "status=INACTIVE".to_owned(),
        ..ListUsersRequest::default()
    };
    let page = client.list_users(list.clone()).await.expect("valid");
    assert_eq!(page.into_inner().total_count, 1);
    let delete = DeleteUserRequest { id: ada.id };
    client.delete_user(delete).await.expect("she is there");
    let gone = ask(&client).await.expect_err("nobody is there");
    assert_eq!(
        (gone.code(), gone.message()),
        (Code::NotFound, "user not found")
    );
    let stream = client.stream_users(list).await.expect_err("there is none");
    assert_eq!(stream.code(), Code::Unimplemented);
}

#[tokio::test]
async fn unknown_paths_and_bytes_are_refused() {
    let double = double().await;
    let wire = wire(&double).await;
    for (path, body, code) in [
        (
            "/user.v1.UserService/Nothing",
            framed(b""),
            Code::Unimplemented,
        ),
        ("/user.v2.Other/Get", framed(b""), Code::Unimplemented),
        (GET, framed(b"\x0f"), Code::Internal),
        (GET, framed(b"\x0a\x01\xff"), Code::Internal),
        (GET, Bytes::from_static(b"\0\0"), Code::Internal),
        (
            GET,
            Bytes::from_static(b"\x01\0\0\0\0"),
            Code::Unimplemented,
        ),
        (GET, framed(b""), Code::InvalidArgument),
    ] {
        assert_eq!(
            wire.call(path, body, None).await.code(),
            Some(code),
            "{path}"
        );
    }
    assert_eq!(double.calls().len(), 6, "the other service's call is none");
}

#[tokio::test]
async fn calls_take_their_answers_in_the_order_of_their_arrival() {
    let double = double().await;
    let client = client(&double);
    double.script(parse("UNAVAILABLE twice, then OK").expect("a script"));
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(ask(&client).await.expect_err("nobody is there").code());
    }
    assert_eq!(
        codes,
        [Code::Unavailable, Code::Unavailable, Code::NotFound]
    );
    double.otherwise(Answer::status(Code::Internal, "\u{e9} 100 %"));
    double.script_for("mine", Answer::status(Code::Aborted, "once"));
    assert_eq!(ask_as(client.clone(), "mine").await.code(), Code::Aborted);
    let again = ask_as(client.clone(), "mine").await;
    assert_eq!(
        (again.code(), again.message()),
        (Code::Internal, "\u{e9} 100 %")
    );
    double.forget_scripts();
    assert_eq!(ask_as(client, "mine").await.code(), Code::NotFound);
}

#[tokio::test]
async fn a_status_goes_out_whatever_it_is() {
    for (code, message) in [
        (99, b"nobody knows".to_vec()),
        (14, b"%zz\xff\xfe%ff".to_vec()),
        (13, vec![b'm'; 1 << 20]),
    ] {
        let message = HeaderValue::from_bytes(&message).expect("a header may hold it");
        let double = saying(Answer::Status { code, message }).await;
        let (_wire, ended) = call(&double).await;
        assert_eq!(
            ended.code(),
            Some(Code::from(code.cast_signed())),
            "{ended}"
        );
        let ending = double.calls()[0].ending;
        assert!(
            matches!(ending, Ending::Answered { code: Some(it), .. } if it == code),
            "{ending:?}"
        );
    }
}

#[tokio::test]
async fn a_message_goes_out_whatever_it_is() {
    let answer = GetUserResponse {
        user: Some(User {
            name: "n".repeat(5 << 20),
            ..User::default()
        }),
    };
    let bytes = Bytes::from(answer.encode_to_vec());
    let double = saying(Answer::Message(bytes)).await;
    let client = client(&double).max_decoding_message_size(6 << 20);
    assert_eq!(ask(&client).await.ok(), answer.user);
    double.otherwise(Answer::Message(Bytes::from_static(b"\x0f")));
    let status = ask(&client).await.expect_err("no protobuf");
    assert_eq!(status.code(), Code::Internal);
}

#[tokio::test]
async fn answers_that_no_server_gives_are_given() {
    for (sentence, code) in [
        ("two messages", Code::Internal),
        ("no message", Code::Internal),
        ("a compressed message", Code::Internal),
        ("a message longer than its length", Code::Internal),
        ("a message shorter than its length", Code::Internal),
        ("an answer without a status", Code::Unknown),
        ("HTTP 502", Code::Unavailable),
    ] {
        let double = double().await;
        double.script(parse(sentence).expect("a script"));
        let status = ask(&client(&double)).await;
        // What a client makes of it is its own affair, as long as it has not to wait for more.
        match (sentence, status) {
            ("two messages" | "an answer without a status", Ok(_)) => {}
            (_, status) => {
                let status = status.expect_err(sentence);
                assert!(
                    [code, Code::Unknown].contains(&status.code()),
                    "{sentence}: {status}"
                );
            }
        }
        let ending = double.calls()[0].ending;
        assert!(
            matches!(ending, Ending::Answered { .. }),
            "{sentence}: {ending:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_comes_as_late_as_it_was_told() {
    let late = Duration::from_millis(80);
    let double = saying(Answer::Contract.after(late)).await;
    let (_wire, ended) = call(&double).await;
    assert_eq!(ended.code(), Some(Code::NotFound));
    assert!(ended.took >= late, "{ended}");
    let call = &double.calls()[0];
    let answered = call.answered().expect("it was answered");
    assert!(answered - call.received >= late);
}

#[tokio::test]
async fn a_gate_holds_all_its_answers_until_it_is_opened() {
    let gate = Gate::new();
    let double = saying(Answer::Contract.held_by(&gate)).await;
    let client = client(&double);
    let calls: Vec<_> = (0..300)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { ask(&client).await }
            })
        })
        .collect();
    let all = eventually("all calls", SOON, async || match double.calls().len() {
        300 => Ok(()),
        count => Err(count),
    });
    all.await.expect("all calls arrive");
    assert!(double.calls().iter().all(|it| it.ending == Ending::Open));
    gate.open();
    for call in calls {
        let status = call.await.expect("no panic").expect_err("nobody");
        assert_eq!(status.code(), Code::NotFound);
    }
    assert!(double.calls().iter().all(|it| it.answered().is_some()));
}

#[tokio::test]
async fn what_is_silent_stays_silent() {
    for answer in [Answer::Never, Answer::SilentAfterHeaders] {
        let double = saying(answer).await;
        let wire = wire(&double).await;
        let call = wire.call(GET, framed(b""), None);
        assert!(timeout(Duration::from_millis(100), call).await.is_err());
        seen(&double, "a call that its client gave up", |it| {
            matches!(it.ending, Ending::AbandonedByClient(_))
        })
        .await;
        // The connection is as good as before.
        double.otherwise(Answer::Contract);
        let next = wire.call(GET, framed(b"\x0a\x01x"), None).await;
        assert_eq!(next.code(), Some(Code::NotFound));
    }
}

#[tokio::test]
async fn a_connection_is_closed_at_its_moment() {
    for answer in [
        Answer::CloseBefore,
        Answer::CloseAfterHeaders,
        Answer::CloseMidMessage,
    ] {
        let double = saying(answer).await;
        let (_wire, ended) = call(&double).await;
        assert!(matches!(ended.end, End::Reset(_)), "{ended}");
        seen(&double, "a call cut off", |it| {
            matches!(it.ending, Ending::CutOff(_))
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
        (Answer::Contract, Code::NotFound),
        (Answer::Message(bytes), Code::Ok),
        (
            Answer::status(Code::Internal, &"m".repeat(100_000)),
            Code::Internal,
        ),
    ] {
        let double = saying(Answer::CloseAfter(Box::new(answer))).await;
        let (wire, ended) = call(&double).await;
        assert_eq!(ended.code(), Some(code), "{ended}");
        let next = wire.call(GET, framed(b""), None).await;
        assert!(matches!(next.end, End::Reset(_)), "{next}");
        assert_eq!(double.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_stream_is_reset_as_told() {
    let double = saying(Answer::Reset(Reason::REFUSED_STREAM)).await;
    let (wire, ended) = call(&double).await;
    is_reset(&ended, "refused");
    double.otherwise(Answer::Reset(Reason::ENHANCE_YOUR_CALM));
    let next = wire.call(GET, framed(b""), None).await;
    is_reset(&next, "calm");
    seen(&double, "a call cut off", |it| {
        matches!(it.ending, Ending::CutOff(_))
    })
    .await;
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_by_grpc_itself() {
    let double = double().await;
    double.script(Answer::Reset(Reason::REFUSED_STREAM));
    let _ = ask(&client(&double)).await;
    assert!(!double.calls().is_empty());
}

#[tokio::test]
async fn a_goaway_comes_before_the_answer_and_ends_the_connection() {
    let double = double().await;
    double.script(parse("GOAWAY, then OK").expect("a script"));
    let (wire, ended) = call(&double).await;
    assert_eq!(ended.code(), Some(Code::NotFound), "{ended}");
    let next = wire.call(GET, framed(b""), None).await;
    assert!(matches!(next.end, End::Reset(_)), "{next}");
    // A client that knows GOAWAY goes on, on another connection.
    double.script(parse("GOAWAY, then OK twice").expect("a script"));
    let client = client(&double);
    for _ in 0..4 {
        let status = ask(&client).await.expect_err("nobody is there");
        assert_eq!(status.code(), Code::NotFound);
    }
    assert_eq!(double.connections().len(), 4);
}

#[tokio::test]
async fn a_goaway_may_leave_the_call_unprocessed_and_earlier_ones_running() {
    let double = double().await;
    let gate = Gate::new();
    double.script([Answer::Contract.held_by(&gate), Answer::GoAwayUnprocessed]);
    let wire = wire(&double).await;
    let first = tokio::spawn(wire.call(GET, framed(b"\x0a\x01x"), None));
    seen(&double, "the first call", |_| true).await;
    let second = wire.call(GET, framed(b"\x0a\x01x"), None).await;
    assert!(matches!(second.end, End::Reset(_)), "{second}");
    gate.open();
    let first = first.await.expect("no panic");
    assert_eq!(first.code(), Some(Code::NotFound), "{first}");
    let calls = double.calls();
    assert!(calls[0].answered().is_some(), "{calls:?}");
    assert!(matches!(calls[1].ending, Ending::CutOff(_)), "{calls:?}");
}

#[tokio::test]
async fn every_sentence_that_is_known_can_be_acted_on() {
    for sentence in prose::ANSWERS {
        let double = double().await;
        double.script(parse(sentence).expect("a script"));
        let wire = wire(&double).await;
        let call = tokio::spawn(wire.call(GET, framed(b""), None));
        seen(&double, sentence, |it| {
            it.ending != Ending::Open
                || sentence.starts_with("nothing")
                || sentence.starts_with("headers")
        })
        .await;
        call.abort();
    }
    let raw = Raw::grpc().ended(0);
    assert_eq!(raw.code(), Some(0));
}

use bytes::Bytes;
use http::HeaderValue;
use prost::Message as _;
use tonic::Code;
use user_proto::v1::{
    DeleteUserRequest, GetUserResponse, ListUsersRequest, UpdateUserRequest, UserStatus,
};

use super::*;
use crate::doubles::user_service::answer::{Gate, ScriptedAnswer};
use crate::doubles::user_service::raw::Raw;
use crate::doubles::user_service::records::Ending;
use crate::doubles::user_service::script_text::{self, parse};
use crate::drivers::wire::framed;

/// The answer as it is, with a user or without.
async fn ask_for_message(client: &Client) -> Result<GetUserResponse, Status> {
    let request = GetUserRequest {
        id: "unknown".to_owned(),
    };
    let answer = client.clone().get_user(request).await?;
    Ok(answer.into_inner())
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
    let gone = ask(&client).await.expect_err("there is no such user");
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
        codes.push(
            ask(&client)
                .await
                .expect_err("there is no such user")
                .code(),
        );
    }
    assert_eq!(
        codes,
        [Code::Unavailable, Code::Unavailable, Code::NotFound]
    );
    double.otherwise(ScriptedAnswer::status(Code::Internal, "\u{e9} 100 %"));
    double.script_for("mine", ScriptedAnswer::status(Code::Aborted, "once"));
    assert_eq!(
        status_with_request_id(client.clone(), "mine").await.code(),
        Code::Aborted
    );
    let again = status_with_request_id(client.clone(), "mine").await;
    assert_eq!(
        (again.code(), again.message()),
        (Code::Internal, "\u{e9} 100 %")
    );
    double.forget_scripts();
    assert_eq!(
        status_with_request_id(client, "mine").await.code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn any_status_is_sent_as_scripted() {
    for (code, message, shown) in [
        (99, &b"not defined"[..], Code::Unknown),
        // What this client cannot read it takes for UNKNOWN.
        (14, b"%zz\xff\xfe%ff", Code::Unknown),
        (14, b"%zz", Code::Unavailable),
        (13, &vec![b'm'; 1 << 20], Code::Internal),
    ] {
        let message = HeaderValue::from_bytes(message).expect("a header may hold it");
        let double = saying(ScriptedAnswer::Status { code, message }).await;
        let (_wire, ended) = call(&double).await;
        assert_eq!(ended.code(), Some(shown), "{ended}");
        let ending = double.calls()[0].ending;
        assert!(
            matches!(ending, Ending::Answered { code: Some(it), .. } if it == code),
            "{ending:?}"
        );
    }
}

#[tokio::test]
async fn any_message_is_sent_as_scripted() {
    let answer = GetUserResponse {
        user: Some(User {
            name: "n".repeat(5 << 20),
            ..User::default()
        }),
    };
    let bytes = Bytes::from(answer.encode_to_vec());
    let double = saying(ScriptedAnswer::Message(bytes)).await;
    let client = client(&double).max_decoding_message_size(6 << 20);
    assert_eq!(ask(&client).await.ok(), answer.user);
    double.otherwise(ScriptedAnswer::Message(Bytes::from_static(b"\x0f")));
    let status = ask(&client).await.expect_err("no protobuf");
    assert_eq!(status.code(), Code::Internal);
}

#[tokio::test]
async fn answers_that_no_server_gives_are_given() {
    // The code that this client makes of it; some of it passes for a good answer.
    for (sentence, code) in [
        ("two messages", Code::Ok),
        ("no message", Code::Internal),
        ("a compressed message", Code::Internal),
        ("a message longer than its length", Code::Ok),
        ("a message shorter than its length", Code::Internal),
        ("an answer without a status", Code::Unknown),
        ("an answer of another content type", Code::Internal),
        ("HTTP 502", Code::Internal),
    ] {
        let double = double().await;
        double.script(parse(sentence).expect("a script"));
        let answer = ask_for_message(&client(&double)).await;
        assert_eq!(
            answer.map_or_else(|it| it.code(), |_| Code::Ok),
            code,
            "{sentence}"
        );
        let ending = double.calls()[0].ending;
        assert!(
            matches!(ending, Ending::Answered { .. }),
            "{sentence}: {ending:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_comes_after_its_scripted_delay() {
    let late = Duration::from_millis(80);
    let double = saying(ScriptedAnswer::Contract.after(late)).await;
    let (_wire, ended) = call(&double).await;
    assert_eq!(ended.code(), Some(Code::NotFound));
    assert!(ended.took >= late, "{ended}");
    let call = &double.calls()[0];
    let answered = call.answered().expect("it was answered");
    assert!(answered - call.received >= late);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_holds_all_its_answers_until_it_is_opened() {
    let gate = Gate::new();
    let double = saying(ScriptedAnswer::Contract.held_by(&gate)).await;
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
        let status = call
            .await
            .expect("no panic")
            .expect_err("there is no such user");
        assert_eq!(status.code(), Code::NotFound);
    }
    assert!(double.calls().iter().all(|it| it.answered().is_some()));
}

#[tokio::test]
async fn every_sentence_that_is_known_can_be_acted_on() {
    for sentence in script_text::ANSWERS {
        let double = double().await;
        double.script(parse(sentence).expect("a script"));
        let wire = wire(&double).await;
        let call = tokio::spawn(wire.call(GET, framed(b""), None));
        seen(&double, sentence, |call| {
            call.ending != Ending::Open
                || sentence.starts_with("no answer")
                || sentence.starts_with("headers")
        })
        .await;
        call.abort();
    }
    let raw = Raw::grpc().ended(0);
    assert_eq!(raw.code(), Some(0));
}

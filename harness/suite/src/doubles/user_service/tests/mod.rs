//! The double through clients of another make, and on the wire.
//!
//! - [`answers`]: what is sent as an answer, as a client sees it
//! - [`breaking`]: silence, closed connections, reset streams, GOAWAY
//! - [`recording`]: what is written down of calls and connections
//! - [`coming_and_going`]: stopped, back, silent, dropped
//! - [`health_table`]: the health protocol

mod answers;
mod breaking;
mod coming_and_going;
mod health_table;
mod recording;

use std::time::Duration;

use conformance_engine::observe::{Journal, eventually};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{CreateUserRequest, GetUserRequest, User};

use super::UserServiceDouble;
use super::answer::ScriptedAnswer;
use super::records::ReceivedCall;
use crate::drivers::wire::{CompletedCall, Wire, framed};

/// The time limit for every condition that a test waits for.
const SOON: Duration = Duration::from_secs(5);

const GET: &str = "/user.v1.UserService/GetUser";

type Client = UserServiceClient<Channel>;

async fn double() -> UserServiceDouble {
    UserServiceDouble::start(0).await.expect("a free port")
}

fn endpoint(double: &UserServiceDouble) -> Endpoint {
    Endpoint::from_shared(format!("http://{}", double.address())).expect("an address")
}

/// A client that reconnects by itself.
fn client(double: &UserServiceDouble) -> Client {
    UserServiceClient::new(endpoint(double).connect_lazy())
}

/// A connection of HTTP/2 and nothing else.
async fn wire(double: &UserServiceDouble) -> Wire {
    let journal = Journal::new();
    let wire = Wire::connect(double.address().port(), &journal).await;
    wire.expect("a connection")
}

async fn get(mut client: Client, id: &str) -> Result<User, Status> {
    let request = GetUserRequest { id: id.to_owned() };
    let answer = client.get_user(request).await?.into_inner();
    answer.user.ok_or_else(|| Status::unknown("no user"))
}

/// A call whose answer for a user that does not exist is the contract's.
async fn ask(client: &Client) -> Result<User, Status> {
    get(client.clone(), "unknown").await
}

/// The status of a call with this request id; panics if it succeeds.
async fn status_with_request_id(mut client: Client, request_id: &str) -> Status {
    let mut request = Request::new(GetUserRequest {
        id: "unknown".to_owned(),
    });
    let value = request_id.parse().expect("ASCII");
    request.metadata_mut().insert("x-request-id", value);
    client
        .get_user(request)
        .await
        .expect_err("there is no such user")
}

async fn create(mut client: Client, email: &str) -> Result<User, Status> {
    let request = CreateUserRequest {
        email: email.to_owned(),
        name: "Ada".to_owned(),
        ..CreateUserRequest::default()
    };
    let answer = client.create_user(request).await?.into_inner();
    answer.user.ok_or_else(|| Status::unknown("no user"))
}

/// Waits until a call shows what is looked for.
async fn seen(double: &UserServiceDouble, what: &str, is: impl Fn(&ReceivedCall) -> bool) {
    let found = eventually(what, SOON, async || {
        let calls = double.calls();
        if calls.iter().any(&is) {
            Ok(())
        } else {
            Err(format!("{calls:?}"))
        }
    });
    found.await.expect(what);
}

/// A double that says this to every call.
async fn saying(answer: ScriptedAnswer) -> UserServiceDouble {
    let double = double().await;
    double.otherwise(answer);
    double
}

/// How one call on a connection of its own ends.
async fn call(double: &UserServiceDouble) -> (Wire, CompletedCall) {
    let wire = wire(double).await;
    let ended = wire.call(GET, framed(b"\x0a\x01x"), None).await;
    (wire, ended)
}

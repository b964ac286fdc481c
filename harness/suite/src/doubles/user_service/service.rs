//! The calls of `user.v1.UserService` as the contract answers them: bytes in, bytes or a status out.

use bytes::Bytes;
use prost::Message;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, UpdateUserRequest, UpdateUserResponse,
};

use super::store::Store;

/// What the contract answers to this body of a request.
pub fn answer(store: &Store, method: &str, body: &Bytes) -> Result<Bytes, Status> {
    match method {
        "CreateUser" => reply(body, |request: CreateUserRequest| {
            let user = Some(store.create(request)?);
            Ok(CreateUserResponse { user })
        }),
        "GetUser" => reply(body, |request: GetUserRequest| {
            let user = Some(store.get(&request.id)?);
            Ok(GetUserResponse { user })
        }),
        "UpdateUser" => reply(body, |request: UpdateUserRequest| {
            let user = Some(store.update(request)?);
            Ok(UpdateUserResponse { user })
        }),
        "DeleteUser" => reply(body, |it: DeleteUserRequest| store.delete(&it.id)),
        "ListUsers" => reply(body, |it: ListUsersRequest| store.list(&it)),
        // A gateway has no use for StreamUsers, so the double has none.
        _ => Err(Status::unimplemented(format!("{method} is not served"))),
    }
}

fn reply<Q: Message + Default, A: Message>(
    body: &Bytes,
    act: impl FnOnce(Q) -> Result<A, Status>,
) -> Result<Bytes, Status> {
    let answer = act(decode(body)?)?;
    Ok(answer.encode_to_vec().into())
}

/// The one message of a body.
pub fn decode<M: Message + Default>(body: &Bytes) -> Result<M, Status> {
    let message = unframed(body)?;
    M::decode(message).map_err(|error| Status::internal(format!("no valid message: {error}")))
}

/// The one message of a body, without its frame.
pub fn unframed(body: &Bytes) -> Result<Bytes, Status> {
    let (head, message) = body
        .split_first_chunk::<5>()
        .ok_or_else(|| Status::internal("a body without a whole message"))?;
    let [compressed, length @ ..] = *head;
    if compressed != 0 {
        return Err(Status::unimplemented("compression is not supported"));
    }
    if usize::try_from(u32::from_be_bytes(length)) != Ok(message.len()) {
        return Err(Status::internal("a body that is not one message"));
    }
    Ok(body.slice(5..))
}

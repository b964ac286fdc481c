//! The calls of `user.v1.UserService`.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use platform::flags::FeatureFlags;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use user_proto::v1::user_service_server::UserService;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
    User as UserMessage,
};

use crate::order::Field;
use crate::password::{Hasher, Password, PasswordHash};
use crate::rules::Rules;
use crate::status::{self, Refusal};
use crate::store::{Key, ListQuery, Position, Store};
use crate::stream::Feed;
use crate::user::{Changes, NewUser, User};

/// The service of the contract.
pub struct Users {
    /// What the contract says.
    pub rules: Rules,
    /// Where users are kept.
    pub store: Arc<dyn Store>,
    /// What is stored of passwords.
    pub hasher: Arc<dyn Hasher>,
    /// How long a call may take, whatever it waits for (USR-18).
    pub request_timeout: Duration,
    /// Where streams come from.
    pub feed: Feed,
    /// What is switched on (CFG-10).
    pub flags: FeatureFlags,
    /// The program stops, and its streams with it.
    pub stopping: CancellationToken,
}

/// The flag of StreamUsers, on unless it is switched off (CFG-10).
const STREAM_USERS: &str = "stream-users";

#[tonic::async_trait]
impl UserService for Users {
    type StreamUsersStream = BoxStream<'static, Result<UserMessage, Status>>;

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        self.answer(self.create(request.into_inner())).await
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        self.answer(self.get(request.into_inner())).await
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        self.answer(self.update(request.into_inner())).await
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<()>, Status> {
        self.answer(self.delete(request.into_inner())).await
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        self.answer(self.list(request.into_inner())).await
    }

    async fn stream_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<Self::StreamUsersStream>, Status> {
        let caller = request.metadata().get("x-user-id");
        let caller = caller.and_then(|id| id.to_str().ok()).unwrap_or_default();
        if !(self.rules.is_on)(&self.flags, STREAM_USERS, caller) {
            return Err(status::switched_off());
        }
        self.answer(self.subscribe(request.into_inner())).await
    }
}

impl Users {
    /// Bounds a call by `REQUEST_TIMEOUT`, and turns its refusal into a status.
    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<Response<T>, Status> {
        tokio::time::timeout(self.request_timeout, call)
            .await
            .unwrap_or(Err(Refusal::TimedOut))
            .map(Response::new)
            .map_err(|refusal| (self.rules.refusal)(&refusal))
    }

    /// USR-1 to USR-7
    async fn create(&self, request: CreateUserRequest) -> Result<CreateUserResponse, Refusal> {
        let (rules, limits) = (&self.rules, &self.rules.limits);
        (rules.email)(limits, &request.email)?;
        (rules.name)(limits, &request.name)?;
        (rules.metadata)(limits, &request.metadata)?;
        let user = NewUser {
            email: request.email,
            name: request.name,
            password_hash: self.hash(request.password).await?,
            metadata: request.metadata,
        };
        let user = self.store.create(user).await?;
        self.feed.announce();
        Ok(CreateUserResponse {
            user: Some(user.into()),
        })
    }

    /// USR-6: an empty password was not given.
    async fn hash(&self, password: String) -> Result<Option<PasswordHash>, Refusal> {
        if password.is_empty() {
            return Ok(None);
        }
        (self.rules.password)(&self.rules.limits, &password)?;
        Ok(Some(self.hasher.hash(Password::new(password)).await?))
    }

    /// USR-8
    async fn get(&self, request: GetUserRequest) -> Result<GetUserResponse, Refusal> {
        let user = self.store.get((self.rules.id)(&request.id)?).await?;
        Ok(GetUserResponse {
            user: Some(user.into()),
        })
    }

    /// USR-9, USR-10
    async fn update(&self, request: UpdateUserRequest) -> Result<UpdateUserResponse, Refusal> {
        let (rules, limits) = (&self.rules, &self.rules.limits);
        let id = (rules.id)(&request.id)?;
        if let Some(email) = &request.email {
            (rules.email)(limits, email)?;
        }
        if let Some(name) = &request.name {
            (rules.name)(limits, name)?;
        }
        (rules.metadata)(limits, &request.metadata)?;
        let changes = Changes {
            email: request.email,
            name: request.name,
            status: request.status.map(rules.status).transpose()?,
            metadata: Some(request.metadata).filter(|metadata| !metadata.is_empty()),
        };
        let user = self.store.update(id, changes).await?;
        self.feed.announce();
        Ok(UpdateUserResponse {
            user: Some(user.into()),
        })
    }

    /// USR-8
    async fn delete(&self, request: DeleteUserRequest) -> Result<(), Refusal> {
        Ok(self.store.delete((self.rules.id)(&request.id)?).await?)
    }

    /// STR-1, STR-2
    async fn subscribe(
        &self,
        request: ListUsersRequest,
    ) -> Result<<Self as UserService>::StreamUsersStream, Refusal> {
        let filter = (self.rules.filter)(&request.filter)?;
        Ok(self.feed.subscribe(filter, self.stopping.clone()).await)
    }

    /// USR-12 to USR-16
    async fn list(&self, request: ListUsersRequest) -> Result<ListUsersResponse, Refusal> {
        let (rules, limits) = (&self.rules, &self.rules.limits);
        let order = (rules.order)(&request.order_by)?;
        let filter = (rules.filter)(&request.filter)?;
        let binding = (rules.bind_token)(&filter, order);
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some((rules.decode_token)(token, binding, order.field)?),
        };
        let size = (rules.page_size)(limits, request.page_size);
        let page = self
            .store
            .list(ListQuery {
                filter,
                order,
                after,
                size,
            })
            .await?;
        let next_page_token = page
            .users
            .last()
            .filter(|_| page.has_more)
            .map(|last| (rules.encode_token)(binding, &position(last, order.field)))
            .unwrap_or_default();
        Ok(ListUsersResponse {
            users: page.users.into_iter().map(UserMessage::from).collect(),
            next_page_token,
            total_count: i32::try_from(page.total).unwrap_or(i32::MAX),
        })
    }
}

/// Where a user stands in the order of `field`.
fn position(user: &User, field: Field) -> Position {
    let key = match field {
        Field::CreatedAt => Key::Time(user.created_at),
        Field::UpdatedAt => Key::Time(user.updated_at),
        Field::Email => Key::Text(user.email.clone()),
        Field::Name => Key::Text(user.name.clone()),
    };
    Position { key, id: user.id }
}

//! The calls of `user.v1.UserService`.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use metrics::counter;
use platform::flags::FeatureFlags;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use user_proto::v1::user_service_server::UserService;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
    User as UserMessage,
};

use crate::families::USERS_CREATED;
use crate::order::{self, Field};
use crate::password::{Hasher, Password, PasswordHash};
use crate::status::{self, Refusal};
use crate::store::{Key, KeysetCursor, ListQuery, Store};
use crate::stream::Feed;
use crate::user::{Changes, NewUser, User};
use crate::{filter, page_token, validate};

/// The service of the contract.
pub struct Users {
    /// Where users are kept.
    pub store: Arc<dyn Store>,
    /// What is stored of passwords.
    pub hasher: Hasher,
    /// How long a call may take, including all that it waits for (USR-18).
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
        if !self.flags.is_on(STREAM_USERS, caller) {
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
            .map_err(|refusal| status::of(&refusal))
    }

    /// USR-1 to USR-7
    async fn create(&self, request: CreateUserRequest) -> Result<CreateUserResponse, Refusal> {
        validate::email(&request.email)?;
        validate::name(&request.name)?;
        validate::metadata(&request.metadata)?;
        let user = NewUser {
            email: request.email,
            name: request.name,
            password_hash: self.hash(request.password).await?,
            metadata: request.metadata,
        };
        let user = self.store.create(user).await?;
        counter!(USERS_CREATED).increment(1);
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
        validate::password(&password)?;
        Ok(Some(self.hasher.hash(Password::new(password)).await?))
    }

    /// USR-8
    async fn get(&self, request: GetUserRequest) -> Result<GetUserResponse, Refusal> {
        let user = self.store.get(validate::id(&request.id)?).await?;
        Ok(GetUserResponse {
            user: Some(user.into()),
        })
    }

    /// USR-9, USR-10
    async fn update(&self, request: UpdateUserRequest) -> Result<UpdateUserResponse, Refusal> {
        let id = validate::id(&request.id)?;
        if let Some(email) = &request.email {
            validate::email(email)?;
        }
        if let Some(name) = &request.name {
            validate::name(name)?;
        }
        validate::metadata(&request.metadata)?;
        let changes = Changes {
            email: request.email,
            name: request.name,
            status: request.status.map(validate::status).transpose()?,
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
        Ok(self.store.delete(validate::id(&request.id)?).await?)
    }

    /// STR-1, STR-2
    async fn subscribe(
        &self,
        request: ListUsersRequest,
    ) -> Result<<Self as UserService>::StreamUsersStream, Refusal> {
        let filter = filter::parse(&request.filter)?;
        Ok(self.feed.subscribe(filter, self.stopping.clone()).await)
    }

    /// USR-12 to USR-16
    async fn list(&self, request: ListUsersRequest) -> Result<ListUsersResponse, Refusal> {
        let order = order::parse(&request.order_by)?;
        let filter = filter::parse(&request.filter)?;
        let list = page_token::fingerprint(&filter, order);
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(page_token::decode(token, list, order.field)?),
        };
        let size = validate::page_size(request.page_size);
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
            .map(|last| page_token::encode(list, &cursor(last, order.field)))
            .unwrap_or_default();
        Ok(ListUsersResponse {
            users: page.users.into_iter().map(UserMessage::from).collect(),
            next_page_token,
            total_count: i32::try_from(page.total).unwrap_or(i32::MAX),
        })
    }
}

/// Where a user stands in the order of `field`.
fn cursor(user: &User, field: Field) -> KeysetCursor {
    let key = match field {
        Field::CreatedAt => Key::Time(user.created_at),
        Field::UpdatedAt => Key::Time(user.updated_at),
        Field::Email => Key::Text(user.email.clone()),
        Field::Name => Key::Text(user.name.clone()),
    };
    KeysetCursor { key, id: user.id }
}

//! STR-2: filters of streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use user_proto::v1::ListUsersRequest;
use user_service::store::StoreError;
use user_service::user::User;
use uuid::Uuid;

use crate::change_log::{ChangeLogLayer, wrap_change_log};
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::store::{self, StoreLayer, lock, wrap_store};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "stream-filter-quotes-split",
            "STR-2",
            "a filter is cut at an AND within quotes",
            |_, dependencies| {
                wire::change_requests(
                    dependencies,
                    "/StreamUsers",
                    |request: &mut ListUsersRequest| {
                        if let Some((first_users, _)) = request.filter.split_once(" AND ")
                            && first_users.contains('"')
                        {
                            request.filter = first_users.replace('"', "");
                        }
                    },
                );
            },
        ),
        user_service_mutant(
            "stream-sends-deletes",
            "STR-2",
            "deleted users are sent to subscribers",
            |_, dependencies| {
                let layer = Arc::new(SendsDeleted::default());
                wrap_change_log(dependencies, layer.clone());
                wrap_store(dependencies, layer);
            },
        ),
        user_service_mutant(
            "stream-filter-unchecked",
            "STR-2",
            "an invalid filter of a stream is ignored",
            |_, dependencies| {
                wire::change_requests(
                    dependencies,
                    "/StreamUsers",
                    |request: &mut ListUsersRequest| {
                        if user_service::filter::parse(&request.filter).is_err() {
                            request.filter.clear();
                        }
                    },
                );
            },
        ),
        user_service_mutant(
            "stream-filter-internal",
            "STR-2",
            "an invalid filter of a stream fails with INTERNAL",
            |_, dependencies| {
                wire::change_status(dependencies, "/StreamUsers", |code, message| {
                    (code == 3).then(|| (13, message.to_owned()))
                });
            },
        ),
    ]
}

/// Sends deleted users to subscribers.
#[derive(Default)]
struct SendsDeleted {
    deleted: Mutex<HashMap<Uuid, User>>,
    unsent: Mutex<Vec<Uuid>>,
}

#[async_trait]
impl StoreLayer for Arc<SendsDeleted> {
    async fn delete(&self, inner: &store::Inner, id: Uuid) -> Result<(), StoreError> {
        let user = inner.get(id).await?;
        inner.delete(id).await?;
        lock(&self.deleted).insert(id, user);
        lock(&self.unsent).push(id);
        Ok(())
    }
}

impl ChangeLogLayer for Arc<SendsDeleted> {
    fn change_users(&self, mut users: Vec<User>) -> Vec<User> {
        let unsent = std::mem::take(&mut *lock(&self.unsent));
        users.extend(
            unsent
                .iter()
                .filter_map(|id| lock(&self.deleted).remove(id)),
        );
        users
    }
}

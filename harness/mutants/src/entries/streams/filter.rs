//! STR-2: the users that a stream sends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use user_proto::v1::ListUsersRequest;
use user_service::store::StoreError;
use user_service::user::User;
use uuid::Uuid;

use crate::changes::{AlteredLog, alter};
use crate::entries::parts;
use crate::entry::Entry;
use crate::store::{self, Layer, add_layer, lock};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "stream-filter-quotes-split",
            "STR-2",
            "what follows AND in quotes is left out",
            |_, dependencies| {
                wire::requests(
                    dependencies,
                    "/StreamUsers",
                    |request: &mut ListUsersRequest| {
                        if let Some((first, _)) = request.filter.split_once(" AND ")
                            && first.contains('"')
                        {
                            request.filter = first.replace('"', "");
                        }
                    },
                );
            },
        ),
        parts(
            "stream-tells-deletes",
            "STR-2",
            "deleted users are sent once more",
            |_, dependencies| {
                let gone = Arc::new(Gone::default());
                alter(dependencies, gone.clone());
                add_layer(dependencies, gone);
            },
        ),
        parts(
            "stream-filter-unchecked",
            "STR-2",
            "an invalid filter is taken for none",
            |_, dependencies| {
                wire::requests(
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
        parts(
            "stream-filter-internal",
            "STR-2",
            "an invalid filter gives INTERNAL",
            |_, dependencies| {
                wire::statuses(dependencies, "/StreamUsers", |code, message| {
                    (code == 3).then(|| (13, message.to_owned()))
                });
            },
        ),
    ]
}

/// Also sends deleted users.
#[derive(Default)]
struct Gone {
    known: Mutex<HashMap<Uuid, User>>,
    unsent: Mutex<Vec<Uuid>>,
}

#[async_trait]
impl Layer for Arc<Gone> {
    async fn delete(&self, inner: &store::Inner, id: Uuid) -> Result<(), StoreError> {
        let user = inner.get(id).await?;
        inner.delete(id).await?;
        lock(&self.known).insert(id, user);
        lock(&self.unsent).push(id);
        Ok(())
    }
}

impl AlteredLog for Arc<Gone> {
    fn alter(&self, mut users: Vec<User>) -> Vec<User> {
        let gone = std::mem::take(&mut *lock(&self.unsent));
        users.extend(gone.iter().filter_map(|id| lock(&self.known).remove(id)));
        users
    }
}

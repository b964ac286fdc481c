//! STR-2: of whom a stream tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use user_proto::v1::ListUsersRequest;
use user_service::store::StoreError;
use user_service::user::User;
use uuid::Uuid;

use crate::changes::{Retelling, retell};
use crate::entries::parts;
use crate::entry::Entry;
use crate::store::{self, Twist, lock, twist};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "stream-filter-quotes-split",
            "STR-2",
            "what follows AND in quotes is left out",
            |_, it| {
                wire::requests(it, "/StreamUsers", |it: &mut ListUsersRequest| {
                    if let Some((first, _)) = it.filter.split_once(" AND ")
                        && first.contains('"')
                    {
                        it.filter = first.replace('"', "");
                    }
                });
            },
        ),
        parts(
            "stream-tells-deletes",
            "STR-2",
            "deleted users are told once more",
            |_, it| {
                let gone = Arc::new(Gone::default());
                retell(it, gone.clone());
                twist(it, gone);
            },
        ),
        parts(
            "stream-filter-unchecked",
            "STR-2",
            "an invalid filter is taken for none",
            |_, it| {
                wire::requests(it, "/StreamUsers", |it: &mut ListUsersRequest| {
                    if user_service::filter::parse(&it.filter).is_err() {
                        it.filter.clear();
                    }
                });
            },
        ),
        parts(
            "stream-filter-internal",
            "STR-2",
            "an invalid filter gives INTERNAL",
            |_, it| {
                wire::statuses(it, "/StreamUsers", |code, message| {
                    (code == 3).then(|| (13, message.to_owned()))
                });
            },
        ),
    ]
}

/// Tells of deletes, too.
#[derive(Default)]
struct Gone {
    known: Mutex<HashMap<Uuid, User>>,
    untold: Mutex<Vec<Uuid>>,
}

#[async_trait]
impl Twist for Arc<Gone> {
    async fn delete(&self, inner: &store::Inner, id: Uuid) -> Result<(), StoreError> {
        let user = inner.get(id).await?;
        inner.delete(id).await?;
        lock(&self.known).insert(id, user);
        lock(&self.untold).push(id);
        Ok(())
    }
}

impl Retelling for Arc<Gone> {
    fn retell(&self, mut users: Vec<User>) -> Vec<User> {
        let gone = std::mem::take(&mut *lock(&self.untold));
        users.extend(gone.iter().filter_map(|id| lock(&self.known).remove(id)));
        users
    }
}

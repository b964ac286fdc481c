//! Users in memory, as the contract says (USR-1 to USR-17).
//!
//! - [`checks`]: what a request may hold
//! - [`filter`]: what a filter means
//! - [`order`]: in which order users are listed
//! - [`token`]: where a page ended

mod checks;
pub mod filter;
mod order;
#[cfg(test)]
mod tests;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User, UserStatus,
};

use self::checks::ensure;
use self::order::Order;

const NANOS_PER_SECOND: i32 = 1_000_000_000;

/// A change moves `updated_at` by at least this, so that a reader of milliseconds sees it too.
const STEP: i32 = 1_000_000;

/// All users.
///
/// One lock for everything makes each call atomic: histories are linearizable (USR-11). A
/// password is checked and forgotten: nothing here ever reads it.
#[derive(Debug, Default)]
pub struct Store {
    users: Mutex<Users>,
}

#[derive(Debug, Default)]
struct Users {
    by_id: BTreeMap<String, User>,
    /// By the email in lower case (USR-7).
    ids: HashMap<String, String>,
}

impl Store {
    /// CreateUser (USR-1).
    pub fn create(&self, request: CreateUserRequest) -> Result<User, Status> {
        checks::create(&request)?;
        let mut users = self.users();
        users.claim(&request.email, None)?;
        let now = Some(now());
        let user = User {
            id: uuid::Uuid::now_v7().to_string(),
            email: request.email,
            name: request.name,
            status: UserStatus::Active as i32,
            created_at: now,
            updated_at: now,
            metadata: request.metadata,
        };
        users.put(user.clone());
        Ok(user)
    }

    /// GetUser.
    pub fn get(&self, id: &str) -> Result<User, Status> {
        checks::id(id)?;
        self.users().by_id.get(id).cloned().ok_or_else(not_found)
    }

    /// UpdateUser (USR-9, USR-10). One that changes nothing leaves `updated_at` where it is.
    pub fn update(&self, request: UpdateUserRequest) -> Result<User, Status> {
        checks::update(&request)?;
        let mut users = self.users();
        let before = users.by_id.get(&request.id).ok_or_else(not_found)?.clone();
        let mut user = before.clone();
        if let Some(email) = request.email {
            users.claim(&email, Some(&user.id))?;
            user.email = email;
        }
        user.name = request.name.unwrap_or(user.name);
        user.status = request.status.unwrap_or(user.status);
        if !request.metadata.is_empty() {
            user.metadata = request.metadata;
        }
        if user != before {
            user.updated_at = Some(after(before.updated_at.unwrap_or_default()));
            users.remove(&before);
            users.put(user.clone());
        }
        Ok(user)
    }

    /// DeleteUser (USR-8).
    pub fn delete(&self, id: &str) -> Result<(), Status> {
        checks::id(id)?;
        let mut users = self.users();
        let user = users.by_id.get(id).cloned().ok_or_else(not_found)?;
        users.remove(&user);
        Ok(())
    }

    /// ListUsers (USR-12 to USR-16).
    pub fn list(&self, request: &ListUsersRequest) -> Result<ListUsersResponse, Status> {
        let refused = Status::invalid_argument;
        let order =
            Order::parse(&request.order_by).ok_or_else(|| refused("order_by is invalid"))?;
        let terms = filter::parse(&request.filter).ok_or_else(|| refused("filter is invalid"))?;
        let last = match request.page_token.as_str() {
            "" => None,
            text => token::open(text, &request.filter, order),
        };
        ensure(
            last.is_some() || request.page_token.is_empty(),
            "page_token is invalid",
        )?;
        let size = page_size(request.page_size);
        let users = self.users();
        let matching = users.by_id.values();
        let mut matching: Vec<&User> = matching
            .filter(|user| terms.iter().all(|it| it.holds(user)))
            .collect();
        let total = matching.len();
        if let Some(last) = &last {
            matching.retain(|it| order.compare(it, last).is_gt());
        }
        let more = matching.len() > size;
        if more {
            // A page is a small part of all: only that is put in order.
            matching.select_nth_unstable_by(size, |a, b| order.compare(a, b));
            matching.truncate(size);
        }
        matching.sort_unstable_by(|a, b| order.compare(a, b));
        let end = matching.last().filter(|_| more);
        Ok(ListUsersResponse {
            next_page_token: end
                .map(|it| token::seal(&request.filter, order, it))
                .unwrap_or_default(),
            users: matching.into_iter().cloned().collect(),
            total_count: i32::try_from(total).unwrap_or(i32::MAX),
        })
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Users {
    /// Whether the email is free, or the user's own.
    fn claim(&self, email: &str, own: Option<&str>) -> Result<(), Status> {
        match self.ids.get(&email.to_ascii_lowercase()) {
            Some(owner) if Some(owner.as_str()) != own => {
                Err(Status::already_exists("email is already taken"))
            }
            _ => Ok(()),
        }
    }

    fn put(&mut self, user: User) {
        self.ids
            .insert(user.email.to_ascii_lowercase(), user.id.clone());
        self.by_id.insert(user.id.clone(), user);
    }

    fn remove(&mut self, user: &User) {
        self.ids.remove(&user.email.to_ascii_lowercase());
        self.by_id.remove(&user.id);
    }
}

fn not_found() -> Status {
    Status::not_found("user not found")
}

fn page_size(asked: i32) -> usize {
    match usize::try_from(asked) {
        Ok(size @ 1..) => size.min(100),
        _ => 20,
    }
}

/// Now, in microseconds, as databases keep it.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_micros()).map_or(0, |it| it * 1_000),
    }
}

/// Now, or a step after `last`, whichever is later (USR-10).
fn after(last: Timestamp) -> Timestamp {
    let nanos = last.nanos + STEP;
    let next = Timestamp {
        seconds: last.seconds + i64::from(nanos / NANOS_PER_SECOND),
        nanos: nanos % NANOS_PER_SECOND,
    };
    let now = now();
    if (now.seconds, now.nanos) > (next.seconds, next.nanos) {
        now
    } else {
        next
    }
}

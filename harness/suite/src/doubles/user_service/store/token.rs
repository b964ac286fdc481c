//! Page tokens (USR-15): where a page ended, bound to its filter and order.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use prost::Message;
use user_proto::v1::User;

use super::order::Order;

#[derive(Clone, PartialEq, Message)]
struct Token {
    /// A hash: the text of a filter can be longer than a token may be.
    #[prost(fixed64, tag = "1")]
    filter: u64,
    #[prost(string, tag = "2")]
    order: String,
    #[prost(message, optional, tag = "3")]
    last: Option<User>,
}

/// A token for what comes after `last`.
pub fn seal(filter: &str, order: Order, last: &User) -> String {
    let token = Token {
        filter: hash(filter),
        order: order.text(),
        last: Some(order.mark(last)),
    };
    BASE64_URL_SAFE_NO_PAD.encode(token.encode_to_vec())
}

/// The last user before the page; `None` if the text is not a token of this listing.
pub fn open(text: &str, filter: &str, order: Order) -> Option<User> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let token = Token::decode(&bytes[..]).ok()?;
    let bound = token.filter == hash(filter) && token.order == order.text();
    token.last.filter(|_| bound)
}

fn hash(filter: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    filter.hash(&mut hasher);
    hasher.finish()
}

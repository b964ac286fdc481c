//! What the contract says, as one plain value.

use std::ops::RangeInclusive;

use platform::flags::FeatureFlags;
use tonic::Status;
use uuid::Uuid;

use crate::connections::rules::ConnectionRules;
use crate::deadline;
use crate::filter::{self, Filter};
use crate::invalid::Invalid;
use crate::order::{self, Field, Order};
use crate::page_token::{self, Binding};
use crate::status::{self, Refusal};
use crate::store::Position;
use crate::stream::StreamRules;
use crate::user::{Metadata, UserStatus};
use crate::validate;

/// The decisions of the service. [`Rules::default`] is the contract.
#[derive(Clone)]
pub struct Rules {
    /// The numbers and characters that the checks below go by.
    pub limits: Limits,
    /// USR-2, USR-8
    pub id: fn(&str) -> Result<Uuid, Refusal>,
    /// USR-2, USR-3
    pub email: fn(&Limits, &str) -> Result<(), Invalid>,
    /// USR-2, USR-4
    pub name: fn(&Limits, &str) -> Result<(), Invalid>,
    /// USR-5
    pub metadata: fn(&Limits, &Metadata) -> Result<(), Invalid>,
    /// USR-6
    pub password: fn(&Limits, &str) -> Result<(), Invalid>,
    /// USR-9
    pub status: fn(i32) -> Result<UserStatus, Invalid>,
    /// USR-12
    pub page_size: fn(&Limits, i32) -> u32,
    /// USR-13
    pub order: fn(&str) -> Result<Order, Invalid>,
    /// USR-14
    pub filter: fn(&str) -> Result<Filter, Invalid>,
    /// USR-15: what ties a page token to its list.
    pub bind_token: fn(&Filter, Order) -> Binding,
    /// USR-15
    pub encode_token: fn(Binding, &Position) -> String,
    /// USR-15
    pub decode_token: fn(&str, Binding, Field) -> Result<Position, Invalid>,
    /// CFG-10: whether a flag is on for a caller's `x-user-id`.
    pub is_on: fn(&FeatureFlags, &str, &str) -> bool,
    /// The decisions about streams.
    pub stream: StreamRules,
    /// The status that each refusal gives.
    pub refusal: fn(&Refusal) -> Status,
    /// How long the client waits for a call, by the headers of its call (GRP-3).
    pub timeout: deadline::Read,
    /// The longest message that a client may send (GRP-3).
    pub message_bytes: usize,
    /// The decisions about connections.
    pub connections: ConnectionRules,
}

/// The numbers of USR-3 to USR-6 and USR-12, and what their words for characters mean.
#[derive(Clone)]
pub struct Limits {
    /// The longest email.
    pub email_bytes: usize,
    /// The longest part of it before the `@`.
    pub email_local_bytes: usize,
    /// The longest name.
    pub name_characters: usize,
    /// The most entries of metadata.
    pub metadata_entries: usize,
    /// The longest key.
    pub metadata_key_characters: usize,
    /// The longest value.
    pub metadata_value_characters: usize,
    /// All keys and values together.
    pub metadata_bytes: usize,
    /// The shortest and the longest password.
    pub password_characters: RangeInclusive<usize>,
    /// What `page_size` 0 means.
    pub page_size_default: u32,
    /// The largest page.
    pub page_size_max: u32,
    /// Unicode's White_Space.
    pub is_white_space: fn(char) -> bool,
    /// U+0000 to U+001F, U+007F to U+009F.
    pub is_control: fn(char) -> bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            id: validate::id,
            email: validate::email,
            name: validate::name,
            metadata: validate::metadata,
            password: validate::password,
            status: validate::status,
            page_size: validate::page_size,
            order: order::parse,
            filter: filter::parse,
            bind_token: page_token::bind,
            encode_token: page_token::encode,
            decode_token: page_token::decode,
            is_on: FeatureFlags::is_on,
            stream: StreamRules::default(),
            refusal: status::of,
            timeout: deadline::read,
            message_bytes: 4_194_304,
            connections: ConnectionRules::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            email_bytes: 254,
            email_local_bytes: 64,
            name_characters: 256,
            metadata_entries: 64,
            metadata_key_characters: 64,
            metadata_value_characters: 1024,
            metadata_bytes: 16 * 1024,
            password_characters: 8..=128,
            page_size_default: 20,
            page_size_max: 100,
            is_white_space: char::is_whitespace,
            is_control: char::is_control,
        }
    }
}

//! Page tokens: a keyset cursor and the fingerprint of the list that it belongs to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::filter::Filter;
use crate::invalid::Invalid;
use crate::order::{Field, Order};
use crate::store::{Key, KeysetCursor};

/// The longest text in a token: a name of 256 characters of four bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// The last microsecond of the year 9999: beyond it, not every database can follow.
const LAST_MICROSECOND: i64 = 253_402_300_799_999_999;

/// Of one filter and one order: a token is good for that list alone (USR-15).
pub type Fingerprint = [u8; 8];

/// The fingerprint of a list. It is no secret: a forged one gives a page of that very list.
pub fn fingerprint(filter: &Filter, order: Order) -> Fingerprint {
    let list = serde_json::to_vec(&(filter, order)).expect("plain data is always JSON");
    let digest = Sha256::digest(list);
    *digest.first_chunk().expect("a digest is longer")
}

/// The token of a cursor: fingerprint, id, key.
pub fn encode(list: Fingerprint, cursor: &KeysetCursor) -> String {
    let mut bytes = Vec::from(list);
    bytes.extend_from_slice(cursor.id.as_bytes());
    match &cursor.key {
        Key::Time(time) => bytes.extend_from_slice(&time.timestamp_micros().to_be_bytes()),
        Key::Text(text) => bytes.extend_from_slice(text.as_bytes()),
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The cursor in a token of this list, sorted by `field` (USR-15).
pub fn decode(token: &str, list: Fingerprint, field: Field) -> Result<KeysetCursor, Invalid> {
    decode_for(token, list, field).ok_or(Invalid::PageToken)
}

fn decode_for(token: &str, list: Fingerprint, field: Field) -> Option<KeysetCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, key) = bytes.strip_prefix(&list)?.split_first_chunk::<16>()?;
    let key = match field {
        Field::CreatedAt | Field::UpdatedAt => {
            let micros = i64::from_be_bytes(key.try_into().ok()?);
            let is_valid = (0..=LAST_MICROSECOND).contains(&micros);
            Key::Time(is_valid.then(|| DateTime::from_timestamp_micros(micros))??)
        }
        Field::Email | Field::Name => {
            let text = str::from_utf8(key).ok()?;
            let is_valid = text.len() <= MAX_TEXT_BYTES && !text.contains('\0');
            Key::Text(is_valid.then(|| text.to_owned())?)
        }
    };
    Some(KeysetCursor {
        key,
        id: Uuid::from_bytes(*id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{filter, order};

    fn list(filter: &str, order_by: &str) -> (Fingerprint, Field) {
        let order = order::parse(order_by).expect("an order");
        (
            fingerprint(&filter::parse(filter).expect("a filter"), order),
            order.field,
        )
    }

    fn text(text: &str) -> Key {
        Key::Text(text.to_owned())
    }

    fn time(micros: i64) -> Key {
        Key::Time(DateTime::from_timestamp_micros(micros).expect("a time"))
    }

    #[track_caller]
    fn check(order_by: &str, key: Key, is_good: bool) {
        let (fingerprint_of, field) = list("", order_by);
        let cursor = KeysetCursor {
            key,
            id: Uuid::from_u128(7),
        };
        let expected = if is_good {
            Ok(cursor.clone())
        } else {
            Err(Invalid::PageToken)
        };
        assert_eq!(
            decode(&encode(fingerprint_of, &cursor), fingerprint_of, field),
            expected
        );
    }

    #[test]
    fn a_cursor_comes_back() {
        check("", time(1_700_000_000_123_456), true);
        check("updated_at desc", time(0), true);
        check("email", text("Ada@example.com"), true);
        check("name desc", text(&"\u{1f600}".repeat(256)), true);
    }

    #[test]
    fn what_no_user_can_have_is_refused() {
        check("", time(-1), false);
        check("", time(LAST_MICROSECOND + 1), false);
        check("", text("no time"), false);
        check("name", text("a\0b"), false);
        check("name", text(&"a".repeat(MAX_TEXT_BYTES + 1)), false);
    }

    #[test]
    fn a_token_is_good_for_one_list() {
        let (fingerprint_of, _) = list("status=ACTIVE", "name");
        let token = encode(
            fingerprint_of,
            &KeysetCursor {
                key: text("Ada"),
                id: Uuid::nil(),
            },
        );
        for (filter, order_by) in [
            ("", "name"),
            ("status=ACTIVE", "name desc"),
            ("status=ACTIVE", "email"),
        ] {
            let (other, field) = list(filter, order_by);
            assert_eq!(decode(&token, other, field), Err(Invalid::PageToken));
        }
        let (same, field) = list("status=ACTIVE AND status=ACTIVE", "name asc");
        assert!(decode(&token, same, field).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let (fingerprint_of, field) = list("", "name");
        for token in ["x", "page-2", "\0", "AAAA", "%%%", "' OR 1=1 --", "é"] {
            assert_eq!(
                decode(token, fingerprint_of, field),
                Err(Invalid::PageToken)
            );
        }
    }
}

//! Parameters of paths and queries.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use user_proto::v1::ListUsersRequest;
use utoipa::IntoParams;

use crate::api_error::ApiError;

/// The id in a path: its last segment (GWY-8). axum's own extractor would answer in plain text.
pub struct PathId(pub String);

impl<S: Sync> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let path = head.uri.path();
        let segment = path.rsplit_once('/').map_or(path, |(_, segment)| segment);
        path_id(segment)
            .map(Self)
            .ok_or_else(|| ApiError::bad_request("the id in the path is no UTF-8"))
    }
}

/// The id in a segment, decoded once; none if that is no UTF-8.
fn path_id(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// The query of a list (GWY-3).
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Users on a page; absent, 0 or less means the default.
    #[param(value_type = Option<i32>)]
    page_size: String,
    /// `next_page_token` of the previous page.
    #[param(value_type = Option<String>)]
    page_token: String,
    /// Terms that users match.
    #[param(value_type = Option<String>)]
    filter: String,
    /// A field, then `asc` or `desc`.
    #[param(value_type = Option<String>)]
    order_by: String,
}

impl ListParameters {
    /// The call's message.
    pub fn into_request(self) -> Result<ListUsersRequest, ApiError> {
        Ok(ListUsersRequest {
            page_size: page_size(&self.page_size)
                .ok_or_else(|| ApiError::bad_request("page_size is invalid"))?,
            page_token: self.page_token,
            filter: self.filter,
            order_by: self.order_by,
        })
    }
}

/// `-?[0-9]+` within 32 bits; empty counts as absent, which is 0 on the wire.
fn page_size(text: &str) -> Option<i32> {
    if text.is_empty() {
        return Some(0);
    }
    // Rust's parser takes `+5` too, which is free.
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_page_size(text: &str, expected: Option<i32>) {
        assert_eq!(page_size(text), expected, "{text:?}");
    }

    #[track_caller]
    fn check_id(text: &str, expected: Option<&str>) {
        assert_eq!(path_id(text).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn a_page_size_is_a_number_of_32_bits() {
        check_page_size("", Some(0));
        check_page_size("10", Some(10));
        check_page_size("-1", Some(-1));
        check_page_size("007", Some(7));
        check_page_size("2147483647", Some(i32::MAX));
        check_page_size("-2147483648", Some(i32::MIN));
        for wrong in [
            "2147483648",
            "-2147483649",
            "ten",
            "1.0",
            "1e1",
            " 1",
            "1 ",
            "-",
            "0x1",
            "١",
        ] {
            check_page_size(wrong, None);
        }
    }

    #[test]
    fn an_id_is_decoded_once() {
        check_id("plain", Some("plain"));
        check_id("a%20b", Some("a b"));
        check_id("a+b", Some("a+b"));
        check_id("%2525", Some("%25"));
        check_id("%2e%2e%2fhealth", Some("../health"));
        check_id("caf%C3%A9", Some("café"));
        check_id("100%", Some("100%"));
        check_id("%zz", Some("%zz"));
        check_id("%ff", None);
    }
}

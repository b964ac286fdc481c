//! What paths, queries and names of statuses mean.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts as Head;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use user_proto::v1::{ListUsersRequest, UserStatus};
use utoipa::IntoParams;

use super::Gateway;
use crate::problem::Problem;
use crate::rules::Rules;

/// The id in a path: its last segment (GWY-8).
pub struct PathId(pub String);

impl FromRequestParts<Arc<Gateway>> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let path = head.uri.path();
        let segment = path.rsplit_once('/').map_or(path, |(_, segment)| segment);
        (gateway.rules.path_id)(segment)
            .map(Self)
            .ok_or_else(|| Problem::bad_request("the id in the path is no UTF-8"))
    }
}

/// The query of a list (GWY-3).
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// How many users a page has; 0 or less, and none, mean the default.
    #[param(value_type = Option<i32>)]
    page_size: String,
    /// `next_page_token` of the page before.
    #[param(value_type = Option<String>)]
    page_token: String,
    /// Which users.
    #[param(value_type = Option<String>)]
    filter: String,
    /// In which order.
    #[param(value_type = Option<String>)]
    order_by: String,
}

impl ListParameters {
    /// The call.
    pub fn into_request(self, rules: &Rules) -> Result<ListUsersRequest, Problem> {
        let page_size = match self.page_size.as_str() {
            "" => 0,
            text => (rules.page_size)(text)
                .ok_or_else(|| Problem::bad_request("page_size is invalid"))?,
        };
        Ok(ListUsersRequest {
            page_size,
            page_token: self.page_token,
            filter: self.filter,
            order_by: self.order_by,
        })
    }
}

/// Decoded once; none if that is no UTF-8.
pub fn path_id(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// `-?[0-9]+` within 32 bits.
pub fn page_size(text: &str) -> Option<i32> {
    // Rust's own parser takes a plus too, which is free.
    text.parse().ok()
}

/// A status by the name that the enum has.
pub fn status(name: &str) -> Option<i32> {
    UserStatus::from_str_name(name).map(i32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_page_size(text: &str, expected: Option<i32>) {
        let parameters = ListParameters {
            page_size: text.to_owned(),
            ..ListParameters::default()
        };
        let request = parameters.into_request(&Rules::default());
        assert_eq!(request.ok().map(|it| it.page_size), expected, "{text:?}");
    }

    #[track_caller]
    fn check_id(segment: &str, expected: Option<&str>) {
        assert_eq!(path_id(segment).as_deref(), expected, "{segment:?}");
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

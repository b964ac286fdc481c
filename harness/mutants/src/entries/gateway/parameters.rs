//! GWY-3: the parameters of a list.

use super::{calls, heads, instead};
use crate::calls::CallFault;
use crate::entry::Entry;
use crate::http::{decoded, parameter, refused, target};

const CLAUSE: &str = "GWY-3";

pub fn entries() -> Vec<Entry> {
    texts()
}

/// Changes the query as it stands in the request.
fn query(head: &mut axum::http::request::Parts, change: impl FnOnce(&str) -> String) {
    if let Some(query) = head.uri.query() {
        let changed = format!("{}?{}", head.uri.path(), change(query));
        target(head, &changed);
    }
}

fn texts() -> Vec<Entry> {
    vec![
        heads(
            "lists-not-decoded",
            CLAUSE,
            "parameters are passed on as they are escaped",
            |head| query(head, |it| it.replace('%', "%25")),
        ),
        calls(
            "lists-decoded-twice",
            CLAUSE,
            "parameters are decoded twice",
            CallFault {
                list: |request| {
                    for text in [
                        &mut request.filter,
                        &mut request.order_by,
                        &mut request.page_token,
                    ] {
                        *text = decoded(&text.replace('+', " "));
                    }
                },
                ..CallFault::default()
            },
        ),
        calls(
            "lists-latin-1",
            CLAUSE,
            "parameters are decoded byte by byte",
            CallFault {
                list: |it| it.filter = it.filter.bytes().map(char::from).collect(),
                ..CallFault::default()
            },
        ),
        calls(
            "lists-without-order",
            CLAUSE,
            "order_by is not passed on",
            CallFault {
                list: |it| it.order_by.clear(),
                ..CallFault::default()
            },
        ),
        calls(
            "lists-without-filter",
            CLAUSE,
            "filter is not passed on",
            CallFault {
                list: |it| it.filter.clear(),
                ..CallFault::default()
            },
        ),
        calls(
            "lists-without-token",
            CLAUSE,
            "page_token is not passed on",
            CallFault {
                list: |it| it.page_token.clear(),
                ..CallFault::default()
            },
        ),
        heads(
            "lists-camel-case-parameters",
            CLAUSE,
            "parameters are in camel case",
            |head| query(head, |it| it.replace("page_size", "page-size")),
        ),
        instead(
            "lists-refuses-unknown",
            CLAUSE,
            "an unknown parameter is refused",
            |head, _| {
                parameter(&head.uri, "unknown").map(|_| refused(head, 400, "unknown parameter"))
            },
        ),
    ]
}

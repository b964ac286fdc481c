//! GWY-3: the query parameters of a list.

use super::{call_mutant, early_response_mutant, request_head_mutant};
use crate::gateway_calls::CallFault;
use crate::http::{error_response, percent_decode, query_parameter, set_target};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-3";

/// Changes the undecoded query of a request.
fn change_query(head: &mut axum::http::request::Parts, change: impl FnOnce(&str) -> String) {
    if let Some(query) = head.uri.query() {
        let changed = format!("{}?{}", head.uri.path(), change(query));
        set_target(head, &changed);
    }
}

pub fn mutants() -> Vec<Mutant> {
    vec![
        request_head_mutant(
            "lists-not-decoded",
            CLAUSE,
            "query parameters are passed on without decoding",
            |head| change_query(head, |query| query.replace('%', "%25")),
        ),
        call_mutant(
            "lists-decoded-twice",
            CLAUSE,
            "query parameters are decoded twice",
            CallFault {
                list: |request| {
                    for text in [
                        &mut request.filter,
                        &mut request.order_by,
                        &mut request.page_token,
                    ] {
                        *text = percent_decode(&text.replace('+', " "));
                    }
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "lists-latin-1",
            CLAUSE,
            "query parameters are decoded as Latin-1",
            CallFault {
                list: |it| it.filter = it.filter.bytes().map(char::from).collect(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "lists-without-order",
            CLAUSE,
            "order_by is not passed on",
            CallFault {
                list: |it| it.order_by.clear(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "lists-without-filter",
            CLAUSE,
            "filter is not passed on",
            CallFault {
                list: |it| it.filter.clear(),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "lists-without-token",
            CLAUSE,
            "page_token is not passed on",
            CallFault {
                list: |it| it.page_token.clear(),
                ..CallFault::default()
            },
        ),
        request_head_mutant(
            "lists-camel-case-parameters",
            CLAUSE,
            "the query parameter page_size is ignored",
            |head| change_query(head, |query| query.replace("page_size", "page-size")),
        ),
        early_response_mutant(
            "lists-refuses-unknown",
            CLAUSE,
            "an unknown query parameter is refused",
            |head, _| {
                query_parameter(&head.uri, "unknown")
                    .map(|_| error_response(head, 400, "unknown parameter"))
            },
        ),
    ]
}

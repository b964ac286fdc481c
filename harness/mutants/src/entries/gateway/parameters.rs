//! GWY-3: the parameters of a list.

use gateway::api::parse;

use super::{calls, heads, instead, rules};
use crate::calls::Spoil;
use crate::entry::Entry;
use crate::http::{decoded, parameter, refused, target};

const CLAUSE: &str = "GWY-3";

pub fn entries() -> Vec<Entry> {
    let mut all = sizes();
    all.extend(texts());
    all
}

/// An entry that reads page sizes otherwise.
fn size(id: &'static str, wrong: &'static str, read: fn(&str) -> Option<i32>) -> Entry {
    rules(id, CLAUSE, wrong, move |it| it.page_size = read)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "truncation is what is wrong"
)]
fn sizes() -> Vec<Entry> {
    vec![
        size(
            "lists-size-prefix",
            "of a page_size the digits at its beginning count",
            |text| {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let end = digits.find(|it: char| !it.is_ascii_digit());
                let end = end.unwrap_or(digits.len()) + text.len() - digits.len();
                text[..end].parse().ok()
            },
        ),
        size(
            "lists-size-float",
            "a page_size may have a fraction",
            |it| {
                let size: f64 = it.parse().ok()?;
                Some(size as i32)
            },
        ),
        size(
            "lists-size-64-bits",
            "a page_size of 64 bits is cut",
            |it| {
                let size: i64 = it.parse().ok()?;
                Some(size as i32)
            },
        ),
        size(
            "lists-size-saturates",
            "a page_size of more than 32 bits is the largest there is",
            |it| {
                let size: i128 = it.parse().ok()?;
                Some(size.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
            },
        ),
        size(
            "lists-size-at-most-50",
            "a page has at most 50 users",
            |it| Some(parse::page_size(it)?.min(50)),
        ),
        size("lists-size-absolute", "a page_size has no sign", |it| {
            Some(parse::page_size(it)?.saturating_abs())
        }),
        size(
            "lists-size-positive",
            "a page_size below 1 is refused",
            |it| parse::page_size(it).filter(|it| *it > 0),
        ),
        size("lists-size-trimmed", "a page_size may have blanks", |it| {
            parse::page_size(it.trim())
        }),
        size(
            "lists-size-underscores",
            "a page_size may be grouped",
            |it| parse::page_size(&it.replace(['_', ','], "")),
        ),
        size(
            "lists-size-hexadecimal",
            "a page_size may be hexadecimal",
            |it| match it.strip_prefix("0x") {
                Some(digits) => i32::from_str_radix(digits, 16).ok(),
                None => parse::page_size(it),
            },
        ),
        size("lists-size-octal", "007 is no page_size", |it| {
            parse::page_size(it).filter(|_| !it.starts_with('0') || it == "0")
        }),
        size(
            "lists-size-any-digits",
            "a page_size may have the digits of any script",
            |it| {
                let arabic = |it: char| u32::from(it).checked_sub(0x660).filter(|it| *it < 10);
                let digit = |it| {
                    arabic(it)
                        .and_then(|it| char::from_digit(it, 10))
                        .unwrap_or(it)
                };
                parse::page_size(&it.chars().map(digit).collect::<String>())
            },
        ),
        size(
            "lists-size-garbage-is-none",
            "garbage is no page_size",
            |it| Some(parse::page_size(it).unwrap_or(0)),
        ),
        instead(
            "lists-size-empty-refused",
            CLAUSE,
            "an empty page_size is refused",
            |head, _| {
                (parameter(&head.uri, "page_size") == Some(""))
                    .then(|| refused(head, 400, "page_size is invalid"))
            },
        ),
        instead(
            "lists-size-422",
            CLAUSE,
            "a page_size that is no number is 422",
            |head, _| {
                let size = decoded(parameter(&head.uri, "page_size")?);
                let is_wrong = !size.is_empty() && parse::page_size(&size).is_none();
                is_wrong.then(|| refused(head, 422, "page_size is invalid"))
            },
        ),
    ]
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
            Spoil {
                list: |it| {
                    for text in [&mut it.filter, &mut it.order_by, &mut it.page_token] {
                        *text = decoded(&text.replace('+', " "));
                    }
                },
                ..Spoil::default()
            },
        ),
        calls(
            "lists-latin-1",
            CLAUSE,
            "parameters are decoded byte by byte",
            Spoil {
                list: |it| it.filter = it.filter.bytes().map(char::from).collect(),
                ..Spoil::default()
            },
        ),
        calls(
            "lists-without-order",
            CLAUSE,
            "order_by is not passed on",
            Spoil {
                list: |it| it.order_by.clear(),
                ..Spoil::default()
            },
        ),
        calls(
            "lists-without-filter",
            CLAUSE,
            "filter is not passed on",
            Spoil {
                list: |it| it.filter.clear(),
                ..Spoil::default()
            },
        ),
        calls(
            "lists-without-token",
            CLAUSE,
            "page_token is not passed on",
            Spoil {
                list: |it| it.page_token.clear(),
                ..Spoil::default()
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
            "a parameter that nobody knows is refused",
            |head, _| {
                parameter(&head.uri, "unknown").map(|_| refused(head, 400, "unknown parameter"))
            },
        ),
    ]
}

//! USR-3: what an email may hold.

use user_service::invalid::Invalid;
use user_service::validate;

use super::on_create;
use crate::entries::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "email-local-unbounded",
            "USR-3",
            "the part before the @ is not bounded",
            |_, it| it.rules.limits.email_local_bytes = 254,
        ),
        parts(
            "email-local-63",
            "USR-3",
            "the part before the @ may hold 63 bytes",
            |_, it| it.rules.limits.email_local_bytes = 63,
        ),
        parts(
            "email-any-text",
            "USR-3",
            "an email is any text",
            |_, it| {
                it.rules.email = |_, text| {
                    if text.is_empty() {
                        Err(Invalid::EmailMissing)
                    } else {
                        Ok(())
                    }
                };
            },
        ),
        parts(
            "email-of-the-mail-rfc",
            "USR-3",
            "an email has a domain with a dot and ASCII letters only",
            |_, it| {
                it.rules.email = |limits, text| {
                    validate::email(limits, text)?;
                    let plain = text.is_ascii()
                        && text.rsplit('@').next().is_some_and(|it| it.contains('.'));
                    if plain { Ok(()) } else { Err(Invalid::Email) }
                };
            },
        ),
        parts(
            "email-ascii-blanks",
            "USR-3",
            "only ASCII white space is refused in an email",
            |_, it| {
                it.rules.limits.is_white_space = |it| it.is_ascii_whitespace();
            },
        ),
        parts(
            "email-ascii-controls",
            "USR-3",
            "only control characters below U+0020 are refused in an email",
            |_, it| {
                it.rules.limits.is_control = |it| it < ' ';
            },
        ),
        parts(
            "email-quoted-at",
            "USR-3",
            "the last @ is the one that counts",
            |_, it| {
                it.rules.email = |limits, text| match text.rsplit_once('@') {
                    Some((local, domain)) => {
                        validate::email(limits, &format!("{}@{domain}", local.replace('@', "")))
                    }
                    None => validate::email(limits, text),
                };
            },
        ),
        on_create(
            "email-trimmed",
            "USR-3",
            "white space around an email is taken off",
            |it| it.email = it.email.trim().to_owned(),
        ),
        parts(
            "email-characters",
            "USR-3",
            "an email is measured in characters",
            |_, it| {
                it.rules.email = |limits, text| {
                    let ascii: String = text
                        .chars()
                        .map(|it| {
                            if it.is_ascii() || it.is_whitespace() || it.is_control() {
                                it
                            } else {
                                'x'
                            }
                        })
                        .collect();
                    validate::email(limits, &ascii)
                };
            },
        ),
    ]
}

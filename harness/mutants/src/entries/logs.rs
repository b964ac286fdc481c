//! Logs.

use serde_json::Value;

use super::{common, environment, output, set};
use crate::entry::Entry;
use crate::http::decoded;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    let mut all = events();
    all.extend(levels());
    all.extend(hostile());
    all
}

/// The line as JSON with a change; text lines as they are.
fn json(line: String, change: impl FnOnce(&mut Value)) -> Option<String> {
    Some(match serde_json::from_str::<Value>(&line) {
        Ok(mut value) => {
            change(&mut value);
            value.to_string()
        }
        Err(_) => line,
    })
}

fn renamed(line: String, from: &str, to: &str) -> Option<String> {
    json(line, |event| {
        if let Some(fields) = event.as_object_mut()
            && let Some(value) = fields.remove(from)
        {
            fields.insert(to.to_owned(), value);
        }
    })
    .map(|line| {
        if line.starts_with('{') {
            line
        } else {
            line.replace(&format!("{from}="), &format!("{to}="))
        }
    })
}

fn events() -> Vec<Entry> {
    vec![
        output(
            "log-banner",
            "LOG-1",
            "a banner stands around its events",
            |line| Some(format!("*** user service ***\n{line}")),
        ),
        output(
            "log-other-time",
            "LOG-1",
            "the time is called timestamp",
            |line| renamed(line, "time", "timestamp"),
        ),
        output(
            "log-other-message",
            "LOG-1",
            "the message is called message",
            |line| renamed(line, "msg", "message"),
        ),
        output(
            "log-small-levels",
            "LOG-1",
            "levels are in lower case",
            |line| {
                Some(
                    ["DEBUG", "INFO", "WARN", "ERROR"]
                        .iter()
                        .fold(line, |line, level| {
                            line.replace(level, &level.to_lowercase())
                        }),
                )
            },
        ),
        output(
            "log-clock-ahead",
            "LOG-1",
            "its clock is an hour ahead",
            |line| {
                json(line, |event| {
                    let ahead = chrono::Utc::now() + chrono::TimeDelta::hours(1);
                    event["time"] = ahead.to_rfc3339().into();
                })
            },
        ),
        output("log-unix-time", "LOG-1", "the time is a number", |line| {
            json(line, |it| it["time"] = 1_700_000_000.into())
        }),
        output(
            "log-no-internal-error",
            "LOG-1",
            "an internal error is logged at WARN",
            |line| Some(line.replace("ERROR", "WARN")),
        ),
        environment(
            "log-always-json",
            "LOG-1",
            "LOG_FORMAT is ignored: always JSON",
            |variables| {
                set(variables, "LOG_FORMAT", "json");
            },
        ),
        environment(
            "log-always-text",
            "LOG-1",
            "LOG_FORMAT is ignored: always text",
            |variables| {
                set(variables, "LOG_FORMAT", "text");
            },
        ),
    ]
}

fn levels() -> Vec<Entry> {
    vec![
        environment(
            "log-level-ignored",
            "LOG-2",
            "LOG_LEVEL is ignored: always debug",
            |variables| {
                set(variables, "LOG_LEVEL", "debug");
            },
        ),
        environment(
            "log-level-warn",
            "LOG-2",
            "LOG_LEVEL is ignored: always warn",
            |variables| {
                set(variables, "LOG_LEVEL", "warn");
            },
        ),
        environment(
            "log-no-warnings",
            "LOG-2",
            "warn is taken for error",
            |variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "warn") {
                    set(variables, "LOG_LEVEL", "error");
                }
            },
        ),
        output("log-no-errors", "LOG-2", "errors are not written", |line| {
            (!line.contains("ERROR")).then_some(line)
        }),
        output("log-no-source", "LOG-2", "events have no source", |line| {
            renamed(line, "source", "origin")
        }),
        output(
            "log-source-of-debug-alone",
            "LOG-2",
            "only events at DEBUG have a source",
            |line| {
                if line.contains("DEBUG") {
                    Some(line)
                } else {
                    renamed(line, "source", "origin")
                }
            },
        ),
    ]
}

/// Writes what a client sent as it came.
fn write_raw(text: &str) {
    println!(
        "{{\"time\":\"2024-01-01T00:00:00Z\",\"level\":\"DEBUG\",\"source\":\"x\",\"msg\":\"got {text}\"}}"
    );
}

fn hostile() -> Vec<Entry> {
    vec![
        common(
            "log-raw-bodies",
            "LOG-5",
            "messages are written as they came",
            |parts| {
                wire::watch(parts, |_, body| write_raw(&String::from_utf8_lossy(body)));
            },
        ),
        common(
            "log-raw-headers",
            "LOG-5",
            "headers are written as they came",
            |parts| {
                wire::watch(parts, |head, _| {
                    for value in head.headers.values() {
                        write_raw(&String::from_utf8_lossy(value.as_bytes()));
                    }
                });
            },
        ),
        common(
            "log-raw-bytes",
            "LOG-5",
            "bytes of headers and targets are written as they came",
            |parts| {
                wire::watch(parts, |head, _| {
                    let path = head.uri.to_string();
                    let path = percent_decoded(&path);
                    let headers = head.headers.values().map(|it| it.as_bytes().to_vec());
                    for bytes in headers.chain([path]) {
                        let line = [
                            br#"{"time":""#,
                            chrono::Utc::now().to_rfc3339().as_bytes(),
                            br#"","level":"INFO","msg":""#,
                            &bytes
                                .into_iter()
                                .filter(|it| *it >= 0x80)
                                .collect::<Vec<_>>(),
                            b"\"}\n",
                        ]
                        .concat();
                        let _ = std::io::Write::write_all(&mut std::io::stdout(), &line);
                    }
                });
            },
        ),
        common(
            "log-raw-targets",
            "LOG-5",
            "method, path and query are written as they are meant",
            |parts| {
                wire::watch(parts, |head, _| {
                    write_raw(&decoded(head.method.as_str()));
                    write_raw(&decoded(&head.uri.to_string()));
                });
            },
        ),
    ]
}

/// The bytes that a target's escapes stand for.
fn percent_decoded(target: &str) -> Vec<u8> {
    let (bytes, mut decoded, mut at) = (target.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let escape = target.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escaped = escape.and_then(|it| u8::from_str_radix(it, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

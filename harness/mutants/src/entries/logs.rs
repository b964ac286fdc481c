//! LOG-1, LOG-2, LOG-5: the log.

use serde_json::Value;

use super::{common_mutant, environment_mutant, output_mutant, set_variable};
use crate::http::percent_decode;
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    let mut all = events();
    all.extend(levels());
    all.extend(unescaped());
    all
}

/// Changes a log line if it is JSON.
fn change_json(line: String, change: impl FnOnce(&mut Value)) -> Option<String> {
    Some(match serde_json::from_str::<Value>(&line) {
        Ok(mut value) => {
            change(&mut value);
            value.to_string()
        }
        Err(_) => line,
    })
}

/// Renames a field of a log line, in JSON or text format.
fn rename_field(line: String, from: &str, to: &str) -> Option<String> {
    change_json(line, |event| {
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

fn events() -> Vec<Mutant> {
    vec![
        output_mutant(
            "log-banner",
            "LOG-1",
            "a banner line precedes every log event",
            |line| Some(format!("*** user service ***\n{line}")),
        ),
        output_mutant(
            "log-other-time",
            "LOG-1",
            "the field `time` of log events is called `timestamp`",
            |line| rename_field(line, "time", "timestamp"),
        ),
        output_mutant(
            "log-other-message",
            "LOG-1",
            "the field `msg` of log events is called `message`",
            |line| rename_field(line, "msg", "message"),
        ),
        output_mutant(
            "log-small-levels",
            "LOG-1",
            "log levels are in lower case",
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
        output_mutant(
            "log-clock-ahead",
            "LOG-1",
            "the time of log events is an hour ahead",
            |line| {
                change_json(line, |event| {
                    let ahead = chrono::Utc::now() + chrono::TimeDelta::hours(1);
                    event["time"] = ahead.to_rfc3339().into();
                })
            },
        ),
        output_mutant(
            "log-unix-time",
            "LOG-1",
            "the time of log events is a number",
            |line| change_json(line, |it| it["time"] = 1_700_000_000.into()),
        ),
        output_mutant(
            "log-no-internal-error",
            "LOG-1",
            "internal errors are logged at WARN",
            |line| Some(line.replace("ERROR", "WARN")),
        ),
        environment_mutant(
            "log-always-json",
            "LOG-1",
            "LOG_FORMAT is ignored: the log is always JSON",
            |variables| {
                set_variable(variables, "LOG_FORMAT", "json");
            },
        ),
        environment_mutant(
            "log-always-text",
            "LOG-1",
            "LOG_FORMAT is ignored: the log is always text",
            |variables| {
                set_variable(variables, "LOG_FORMAT", "text");
            },
        ),
    ]
}

fn levels() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "log-level-ignored",
            "LOG-2",
            "LOG_LEVEL is ignored: the level is always debug",
            |variables| {
                set_variable(variables, "LOG_LEVEL", "debug");
            },
        ),
        environment_mutant(
            "log-level-warn",
            "LOG-2",
            "LOG_LEVEL is ignored: the level is always warn",
            |variables| {
                set_variable(variables, "LOG_LEVEL", "warn");
            },
        ),
        environment_mutant(
            "log-no-warnings",
            "LOG-2",
            "the LOG_LEVEL warn means error",
            |variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "warn") {
                    set_variable(variables, "LOG_LEVEL", "error");
                }
            },
        ),
        output_mutant(
            "log-no-errors",
            "LOG-2",
            "events at ERROR are not logged",
            |line| (!line.contains("ERROR")).then_some(line),
        ),
        output_mutant(
            "log-no-source",
            "LOG-2",
            "log events have no source",
            |line| rename_field(line, "source", "origin"),
        ),
        output_mutant(
            "log-source-of-debug-alone",
            "LOG-2",
            "only events at DEBUG have a source",
            |line| {
                if line.contains("DEBUG") {
                    Some(line)
                } else {
                    rename_field(line, "source", "origin")
                }
            },
        ),
    ]
}

/// Logs text from a client without escaping it.
fn log_unescaped(text: &str) {
    println!(
        "{{\"time\":\"2024-01-01T00:00:00Z\",\"level\":\"DEBUG\",\"source\":\"x\",\"msg\":\"got {text}\"}}"
    );
}

fn unescaped() -> Vec<Mutant> {
    vec![
        common_mutant(
            "log-raw-bodies",
            "LOG-5",
            "request bodies are logged without escaping",
            |parts| {
                wire::observe_requests(parts, |_, body| {
                    log_unescaped(&String::from_utf8_lossy(body));
                });
            },
        ),
        common_mutant(
            "log-raw-headers",
            "LOG-5",
            "request headers are logged without escaping",
            |parts| {
                wire::observe_requests(parts, |head, _| {
                    for value in head.headers.values() {
                        log_unescaped(&String::from_utf8_lossy(value.as_bytes()));
                    }
                });
            },
        ),
        common_mutant(
            "log-raw-bytes",
            "LOG-5",
            "non-ASCII bytes of headers and targets are logged without escaping",
            |parts| {
                wire::observe_requests(parts, |head, _| {
                    let path = head.uri.to_string();
                    let path = percent_decode_bytes(&path);
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
        common_mutant(
            "log-raw-targets",
            "LOG-5",
            "method, path and query are logged decoded and without escaping",
            |parts| {
                wire::observe_requests(parts, |head, _| {
                    log_unescaped(&percent_decode(head.method.as_str()));
                    log_unescaped(&percent_decode(&head.uri.to_string()));
                });
            },
        ),
    ]
}

/// Percent-decodes a request target to bytes.
fn percent_decode_bytes(target: &str) -> Vec<u8> {
    let (bytes, mut decoded, mut at) = (target.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let escape = target.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escaped = escape.and_then(|it| u8::from_str_radix(it, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

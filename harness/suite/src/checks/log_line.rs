//! Whether a line of a program's output is one event of a log (LOG-1, LOG-5).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

/// The format that `LOG_FORMAT` selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// `key=value`, a value bare or in double quotes with backslash escapes.
    Text,
}

/// One event: its fields as text, JSON values other than strings in their JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `time`, `level`, `msg` and all other fields of the line.
    pub fields: BTreeMap<String, String>,
}

/// The levels from the least to the most serious (LOG-1).
pub const LEVELS: [&str; 4] = ["DEBUG", "INFO", "WARN", "ERROR"];

impl Event {
    /// A field, empty when it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Where the level stands among [`LEVELS`].
    pub fn severity(&self) -> usize {
        LEVELS
            .iter()
            .position(|it| *it == self.field("level"))
            .unwrap_or(0)
    }
}

impl Event {
    /// That its time lies between the run's begin and now, but for what rounding may move it.
    pub fn happened_within(&self, begun: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), String> {
        let time = self.field("time");
        let slack = TimeDelta::seconds(1);
        match DateTime::parse_from_rfc3339(time) {
            Ok(it) if (begun - slack..=now + slack).contains(&it.to_utc()) => Ok(()),
            _ => Err(format!(
                "its time {time:?} is not that of an event since {begun}"
            )),
        }
    }
}

/// Reads a line as an event, or says what is wrong with it.
pub fn parse(line: &[u8], format: Format) -> Result<Event, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let fields = match format {
        Format::Json => json(text)?,
        Format::Text => pairs(text)?,
    };
    let event = Event { fields };
    let missing = ["time", "level", "msg"]
        .into_iter()
        .find(|it| !event.fields.contains_key(*it));
    if let Some(missing) = missing {
        return Err(format!("it has no {missing:?}"));
    }
    if DateTime::parse_from_rfc3339(event.field("time")).is_err() {
        return Err(format!(
            "its time {:?} is not RFC 3339",
            event.field("time")
        ));
    }
    if !LEVELS.contains(&event.field("level")) {
        return Err(format!(
            "its level {:?} is none of {}",
            event.field("level"),
            LEVELS.join(", ")
        ));
    }
    Ok(event)
}

fn json(text: &str) -> Result<BTreeMap<String, String>, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let serde_json::Value::Object(object) = value else {
        return Err("it is JSON, but no object".to_owned());
    };
    for name in ["time", "level", "msg"] {
        if object.get(name).is_some_and(|it| !it.is_string()) {
            return Err(format!("its {name:?} is no string"));
        }
    }
    Ok(object
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect())
}

fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut fields = BTreeMap::new();
    let mut rest = text.trim_end();
    while !rest.is_empty() {
        let (key, after) = rest
            .split_once('=')
            .ok_or_else(|| format!("{rest:?} is no key=value"))?;
        if key.is_empty() || key.contains(|it: char| it.is_whitespace() || it == '"') {
            return Err(format!("{key:?} is no key"));
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => bare_value(after)?,
        };
        fields.insert(key.to_owned(), value);
        rest = match after.strip_prefix(' ') {
            Some(next) => next.trim_start_matches(' '),
            None if after.is_empty() => "",
            None => return Err(format!("{after:?} stands directly behind a value")),
        };
    }
    Ok(fields)
}

fn bare_value(text: &str) -> Result<(String, &str), String> {
    let end = text.find(' ').unwrap_or(text.len());
    let (value, rest) = text.split_at(end);
    if value.contains(|it: char| it == '"' || it < ' ') {
        return Err(format!("{value:?} needs quotes"));
    }
    Ok((value.to_owned(), rest))
}

/// The value up to the closing quote, and what follows.
fn quoted_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, &text[index + 1..])),
            '\\' => {
                let (_, escaped) = letters.next().ok_or("it ends within an escape")?;
                value.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
            // What JSON takes as it is.
            other if other < ' ' => {
                return Err(format!("{other:?} stands unescaped in quotes"));
            }
            other => value.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2024-05-01T10:00:00.123Z";

    #[track_caller]
    fn good(line: &str, format: Format, msg: &str) {
        let event =
            parse(line.as_bytes(), format).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(event.field("msg"), msg);
    }

    #[track_caller]
    fn bad(line: &str, format: Format, why: &str) {
        let error = parse(line.as_bytes(), format).expect_err(line);
        assert!(error.contains(why), "{error:?} lacks {why:?}");
    }

    #[test]
    fn an_event_in_json_is_read() {
        let line = format!(r#"{{"time":"{TIME}","level":"INFO","msg":"a\nb","port":8080}}"#);
        good(&line, Format::Json, "a\nb");
    }

    #[test]
    fn an_event_in_text_is_read() {
        good(
            &format!("time={TIME} level=WARN msg=ready port=1"),
            Format::Text,
            "ready",
        );
        good(
            &format!(r#"time="{TIME}" level=INFO msg="a \"b\" \\ c\n" x="""#),
            Format::Text,
            "a \"b\" \\ c\n",
        );
    }

    #[test]
    fn an_event_of_another_time_is_reported() {
        let line = format!("time={TIME} level=INFO msg=a");
        let event = parse(line.as_bytes(), Format::Text).expect("an event");
        let time = DateTime::parse_from_rfc3339(TIME).expect("a time").to_utc();
        let hour = TimeDelta::hours(1);
        assert!(event.happened_within(time - hour, time).is_ok());
        assert!(event.happened_within(time + hour, time + hour).is_err());
        assert!(event.happened_within(time - hour * 2, time - hour).is_err());
    }

    #[test]
    fn what_is_not_an_event_is_reported() {
        bad("ready", Format::Json, "not JSON");
        bad("[1]", Format::Json, "no object");
        bad(
            r#"{"time":"yesterday","level":"INFO","msg":""}"#,
            Format::Json,
            "not RFC 3339",
        );
        bad(
            &format!(r#"{{"time":"{TIME}","level":"info","msg":""}}"#),
            Format::Json,
            "its level",
        );
        bad(
            &format!(r#"{{"time":"{TIME}","level":"INFO"}}"#),
            Format::Json,
            "no \"msg\"",
        );
        bad(
            r#"{"time":1,"level":"INFO","msg":""}"#,
            Format::Json,
            "no string",
        );
        bad("ready", Format::Text, "no key=value");
        bad(
            &format!("time={TIME} level=INFO msg=a b"),
            Format::Text,
            "no key=value",
        );
        bad(
            &format!("time={TIME} level=INFO msg=\"a"),
            Format::Text,
            "not closed",
        );
        bad(
            &format!("time={TIME} level=INFO msg=\"a\"b"),
            Format::Text,
            "directly behind",
        );
        bad(
            &format!("time={TIME} level=INFO msg=a\"b"),
            Format::Text,
            "needs quotes",
        );
    }
}

//! An event, ready to be written.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use tracing::Level;

/// What one log line says.
#[derive(Debug, Clone)]
pub struct Record {
    /// When.
    pub time: DateTime<Utc>,
    /// How grave.
    pub level: Level,
    /// What happened.
    pub message: String,
    /// Where in the code; at debug only (LOG-2).
    pub source: Option<String>,
    /// Everything else, those of the spans around the event first.
    pub fields: Vec<(String, Value)>,
}

impl Record {
    /// Every key and value of the line in order. No key comes twice: a later value wins, and no
    /// field takes the name of one of the first four.
    pub fn members(&self) -> Vec<(&str, Cow<'_, Value>)> {
        let own = |text: &str| Cow::Owned(Value::from(text));
        let time = self.time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut members = vec![
            ("time", own(&time)),
            ("level", own(level_name(self.level))),
            ("msg", own(&self.message)),
        ];
        members.extend(self.source.as_deref().map(|source| ("source", own(source))));
        let reserved = members.len();
        for (key, value) in &self.fields {
            match members.iter().position(|(taken, _)| taken == key) {
                None => members.push((key, Cow::Borrowed(value))),
                Some(place) if place >= reserved => members[place].1 = Cow::Borrowed(value),
                Some(_) => {}
            }
        }
        members
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        // The contract has no level TRACE.
        _ => "DEBUG",
    }
}

/// Characters that some readers take for the end of a line, or that a terminal would obey.
pub(super) fn is_unsafe(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Appends `character` as `\uXXXX`.
pub(super) fn push_escaped(out: &mut String, character: char) {
    write!(out, "\\u{:04x}", u32::from(character)).expect("a String takes everything");
}

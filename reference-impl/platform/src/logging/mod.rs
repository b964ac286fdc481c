//! Logs: one event a line on stdout, as JSON or as `key=value` (LOG-1).

mod json;
mod layer;
mod record;
mod text;

use std::io::Write as _;
use std::panic;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use self::record::Record;
use crate::environment::Environment;
use crate::settings::{self, SettingError};

/// Libraries that report every frame and every poll at debug: only their warnings are wanted.
const TALKATIVE: [&str; 6] = ["h2", "hyper", "hyper_util", "mio", "tonic", "tower"];

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A JSON object.
    #[default]
    Json,
    /// `key=value`.
    Text,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("is neither json nor text"),
        }
    }
}

impl Format {
    /// How this format writes an event, without the end of the line.
    pub fn renderer(self) -> fn(&Record) -> String {
        match self {
            Self::Json => json::render,
            Self::Text => text::render,
        }
    }
}

/// The settings of the logs.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// `LOG_LEVEL`: an unknown one means info (CFG-2).
    pub level: LevelFilter,
    /// How an event is written: by default as `LOG_FORMAT` says.
    pub render: fn(&Record) -> String,
}

impl LogSettings {
    /// Reads the settings. Even if they are invalid, the first value returned can be used to log that.
    pub fn read(environment: &Environment) -> (Self, Result<(), SettingError>) {
        let format = settings::read(environment, "LOG_FORMAT", Format::default(), str::parse);
        let level = match environment.get("LOG_LEVEL") {
            Some("debug") => LevelFilter::DEBUG,
            Some("warn") => LevelFilter::WARN,
            Some("error") => LevelFilter::ERROR,
            _ => LevelFilter::INFO,
        };
        let render = format.as_ref().copied().unwrap_or_default().renderer();
        (Self { level, render }, format.map(|_| ()))
    }
}

/// Sends every event of this process at or above the level to stdout (LOG-1, LOG-2), a panic too.
/// A process that already has a subscriber keeps it.
pub fn install(settings: LogSettings) {
    let talkative = settings.level.min(LevelFilter::WARN);
    let wanted = Targets::new()
        .with_default(settings.level)
        .with_targets(TALKATIVE.map(|library| (library, talkative)));
    let layer = layer::LineLayer::new(settings, write_line).with_filter(wanted);
    if tracing_subscriber::registry()
        .with(layer)
        .try_init()
        .is_ok()
    {
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, reason = panic.payload_as_str(), "panicked");
        }));
    }
}

/// Writes a line in one piece, so that lines of several threads do not mix. A closed stdout is
/// no reason to stop serving.
fn write_line(mut line: String) {
    line.push('\n');
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

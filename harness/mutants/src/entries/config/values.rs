//! CFG-2: values that cannot be parsed.

use std::process::ExitCode;

use super::EMPTY_IS_GARBAGE;
use crate::entries::{environment, life, output, set};
use crate::entry::{Entry, plain};

pub fn entries() -> Vec<Entry> {
    vec![
        environment(
            "config-garbage-ignored",
            "CFG-2",
            "what cannot be parsed is taken for unset",
            |variables| {
                variables.retain(|name, value| !value.contains("banana") || name == "LOG_LEVEL");
            },
        ),
        life(
            "config-garbage-exits-0",
            "CFG-2",
            "a program that stops for garbage exits with 0",
            |command, variables| {
                let garbage = variables
                    .iter()
                    .any(|(name, value)| value == "banana" && name != "LOG_LEVEL");
                let status = plain(command, variables);
                if garbage { ExitCode::SUCCESS } else { status }
            },
        ),
        output(
            "config-garbage-silent",
            "CFG-2",
            "the line does not name the variable",
            |line| {
                let named = EMPTY_IS_GARBAGE.iter().fold(line, |line, name| {
                    if line.contains("ERROR") {
                        line.replace(name, "a variable")
                    } else {
                        line
                    }
                });
                Some(named)
            },
        ),
        output(
            "config-garbage-warned",
            "CFG-2",
            "an invalid value is logged at WARN",
            |line| Some(line.replace("ERROR", "WARN")),
        ),
        life(
            "config-level-strict",
            "CFG-2",
            "an unknown LOG_LEVEL is an error",
            |command, variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "banana") {
                    return ExitCode::FAILURE;
                }
                plain(command, variables)
            },
        ),
        environment(
            "config-level-debug",
            "CFG-2",
            "an unknown LOG_LEVEL means debug",
            |variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "banana") {
                    set(variables, "LOG_LEVEL", "debug");
                }
            },
        ),
    ]
}

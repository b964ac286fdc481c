//! CFG-2: values that cannot be parsed.

use std::process::ExitCode;

use super::MAY_BE_EMPTY;
use crate::entries::{environment_mutant, main_mutant, output_mutant, set_variable};
use crate::mutant::{Mutant, run_reference};

pub fn mutants() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "config-garbage-ignored",
            "CFG-2",
            "a value that cannot be parsed is ignored",
            |variables| {
                variables.retain(|name, value| !value.contains("banana") || name == "LOG_LEVEL");
            },
        ),
        main_mutant(
            "config-garbage-exits-0",
            "CFG-2",
            "a program that refuses an invalid value exits with 0",
            |command, variables| {
                let has_invalid_value = variables
                    .iter()
                    .any(|(name, value)| value == "banana" && name != "LOG_LEVEL");
                let status = run_reference(command, variables);
                if has_invalid_value {
                    ExitCode::SUCCESS
                } else {
                    status
                }
            },
        ),
        output_mutant(
            "config-garbage-silent",
            "CFG-2",
            "the error line does not name the variable",
            |line| {
                let anonymous = MAY_BE_EMPTY.iter().fold(line, |line, name| {
                    if line.contains("ERROR") {
                        line.replace(name, "a variable")
                    } else {
                        line
                    }
                });
                Some(anonymous)
            },
        ),
        output_mutant(
            "config-garbage-warned",
            "CFG-2",
            "an invalid value is logged at WARN",
            |line| Some(line.replace("ERROR", "WARN")),
        ),
        main_mutant(
            "config-level-strict",
            "CFG-2",
            "an unknown LOG_LEVEL is an error",
            |command, variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "banana") {
                    return ExitCode::FAILURE;
                }
                run_reference(command, variables)
            },
        ),
        environment_mutant(
            "config-level-debug",
            "CFG-2",
            "an unknown LOG_LEVEL means debug",
            |variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "banana") {
                    set_variable(variables, "LOG_LEVEL", "debug");
                }
            },
        ),
    ]
}

//! CFG-10: feature flags.

use crate::entries::{environment_mutant, set_variable, user_service_mutant};
use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "flag-off-not-found",
            "CFG-10",
            "a method that is switched off is NOT_FOUND",
            |_, dependencies| {
                wire::change_status(dependencies, "/StreamUsers", |code, message| {
                    (code == 12).then(|| (5, message.to_owned()))
                });
            },
        ),
        environment_mutant(
            "flag-unknown-refused",
            "CFG-10",
            "the program exits if a feature flag is unknown",
            |variables| {
                let flags = variables.get("FEATURE_FLAGS");
                if flags.is_some_and(|it| it.contains("dark-mode")) {
                    set_variable(variables, "FEATURE_FLAGS", "banana");
                }
            },
        ),
    ]
}

//! Which scenario kills which mutant, for people and for the repository.

use std::fmt::Write as _;

use super::trials::Trial;

/// The table that the repository keeps.
pub fn markdown(trials: &[Trial]) -> String {
    let mut text = "# Mutants\n\nWritten by `conformance self-check --table`: every wrong program, and the scenarios of its clause that kill it.\n\n| clause | component | mutant | what is wrong | killed by |\n|---|---|---|---|---|\n".to_owned();
    for trial in trials {
        let mutant = &trial.mutant;
        let Some(clause) = &mutant.clause else {
            continue;
        };
        let names: Vec<String> = trial
            .killers()
            .into_iter()
            .map(|it| it.case.name.replace('|', "\\|"))
            .collect();
        let _ = writeln!(
            text,
            "| {clause} | {} | {} | {} | {} |",
            mutant.component,
            mutant.id,
            mutant.wrong.replace('|', "\\|"),
            names.join("; ")
        );
    }
    text
}

//! Who catches what, for people and for the repository.

use std::fmt::Write as _;

use super::Trial;

/// One program in one line.
pub fn line(trial: &Trial) -> String {
    let counterexample = &trial.counterexample;
    let clause = counterexample.clause.as_deref().unwrap_or("-");
    let caught = trial.catchers().len();
    let run = trial.results.len();
    let broken = trial.broken().len();
    let mut line = format!(
        "{clause:7} {:45} fails {caught} of {run}",
        counterexample.id
    );
    if broken > 0 {
        let _ = write!(line, ", {broken} could not judge");
    }
    line
}

/// The table that the repository keeps.
pub fn markdown(trials: &[Trial]) -> String {
    let mut text = "# Counterexamples\n\nWritten by `conformance self-check --table`: every wrong program, and the scenarios of its clause that catch it.\n\n| clause | counterexample | what is wrong | caught by |\n|---|---|---|---|\n".to_owned();
    for trial in trials {
        let counterexample = &trial.counterexample;
        let Some(clause) = &counterexample.clause else {
            continue;
        };
        let names: Vec<String> = trial
            .catchers()
            .into_iter()
            .map(|it| it.case.name.replace('|', "\\|"))
            .collect();
        let _ = writeln!(
            text,
            "| {clause} | {} | {} | {} |",
            counterexample.id,
            counterexample.wrong.replace('|', "\\|"),
            names.join("; ")
        );
    }
    text
}

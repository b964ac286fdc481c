//! What is wrong with features: file and line, exit status 2 of a run, findings of lint.

use std::fs;
use std::path::Path;

use crate::support::{Place, manifest};

/// The suite's own features, copied, so that a test may edit one.
fn copied() -> Place {
    let place = Place::new();
    place.write("conformance.toml", &manifest("\"true\""));
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../features"),
        &place.path().join("features"),
    );
    place
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the features") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Spoils the features with one more file and expects lint to say so.
#[track_caller]
fn lint_says(feature: &str, said: &[&str]) {
    let place = copied();
    place.write("features/extra.feature", feature);
    place
        .run(&["lint", "--features", "features"])
        .check(1, said);
}

#[test]
fn the_features_are_without_an_error() {
    Place::new()
        .run(&["lint"])
        .check(0, &[" 0 errors", "not judged yet:", "DEP-1, DEP-2"]);
}

#[test]
fn a_syntax_error_is_named_with_its_line() {
    let place = copied();
    place.write(
        "features/bad.feature",
        "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n      Given a\n      Gven a typo\n",
    );
    place.run(&["run", "--features", "features"]).check(
        2,
        &["features/bad.feature:5: not valid Gherkin: \"Gven a typo\""],
    );
    place.run(&["lint", "--features", "features"]).check(
        2,
        &["features/bad.feature:5: not valid Gherkin: \"Gven a typo\""],
    );
    place.assert_nothing_left();
}

#[test]
fn a_misspelt_first_step_is_named_with_its_line() {
    let place = copied();
    place.write(
        "features/bad.feature",
        "Feature: x\n  Rule: USR-7 y\n    Scenario: z\n      Gven a typo\n",
    );
    place.run(&["run", "--features", "features"]).check(
        2,
        &["features/bad.feature:4: \"Gven a typo\" is not parsed as a step"],
    );
    place.assert_nothing_left();
}

#[test]
fn a_scenario_without_a_step_judges_nothing() {
    let place = copied();
    place.write(
        "features/bad.feature",
        "@user-service\nFeature: x\n  Rule: USR-7 y\n    the text\n\n    Scenario: only this\n",
    );
    place
        .run(&["run", "--features", "features", "--name", "^only this$"])
        .check(2, &["the scenario has no step", "unknown"]);
    place.assert_nothing_left();
}

#[test]
fn a_step_without_a_match_is_an_error_of_the_suite() {
    let place = copied();
    place.write(
        "features/bad.feature",
        "@user-service\nFeature: x\n  Rule: USR-7 y\n    the text\n\n    Scenario: only this\n      Given a step that does not exist\n",
    );
    place
        .run(&["run", "--features", "features", "--name", "^only this$"])
        .check(
            2,
            &[
                "no step definition matches \"a step that does not exist\"",
                "unknown",
            ],
        );
    place.assert_nothing_left();
}

#[test]
fn lint_finds_a_clause_without_a_scenario() {
    lint_says(
        "@user-service\nFeature: x\n  Rule: LOG-3 y\n    the text\n",
        &["extra.feature:3: clause LOG-3 has no scenario"],
    );
}

#[test]
fn lint_finds_a_gap_in_the_numbers() {
    let place = copied();
    let folder = place.path().join("features/users");
    for entry in fs::read_dir(folder).expect("the users' features") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a feature");
        fs::write(&path, text.replace("Rule: USR-7 ", "Rule: USR-99 ")).expect("a feature");
    }
    place.run(&["lint", "--features", "features"]).check(
        1,
        &[
            "clause USR-7 has no rule in any feature",
            "USR-99 is not a clause of the catalogue",
        ],
    );
}

#[test]
fn lint_finds_a_scenario_outside_a_clause() {
    lint_says(
        "@user-service\nFeature: x\n  Scenario: loose\n    Given a deployment of its own\n",
        &["extra.feature:3: scenario \"loose\" is outside a clause"],
    );
}

#[test]
fn lint_finds_a_step_that_is_not_used() {
    let place = copied();
    fs::remove_dir_all(place.path().join("features/health")).expect("a folder less");
    place
        .run(&["lint", "--features", "features"])
        .check(1, &["no feature uses the step"]);
}

#[test]
fn lint_finds_a_scenario_without_a_when_and_one_of_too_many_steps() {
    let steps = "      Given a deployment of its own\n".repeat(8);
    lint_says(
        &format!(
            "@user-service\nFeature: x\n  Rule: LOG-3 y\n    the text\n\n    Scenario: long\n{steps}"
        ),
        &[
            "extra.feature:6: scenario \"long\" has no When",
            "extra.feature:6: scenario \"long\" has 8 steps",
        ],
    );
}

#[test]
fn lint_finds_a_double_name() {
    let scenario = "    Scenario: twice\n      Given a deployment of its own\n";
    lint_says(
        &format!(
            "@user-service\nFeature: x\n  Rule: LOG-3 y\n    the text\n\n{scenario}\n{scenario}"
        ),
        &["the name \"twice\" is used twice"],
    );
}

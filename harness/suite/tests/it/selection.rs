//! What is selected, listed and explained.

use crate::support::{Place, manifest};

fn place() -> Place {
    let place = Place::new();
    place.write("conformance.toml", &manifest("\"x\""));
    place
}

#[test]
fn a_selection_that_matches_nothing_is_no_success() {
    place()
        .run(&["run", "--name", "no scenario is called this"])
        .check(2, &["the selection matches no scenario"]);
}

#[test]
fn a_component_without_scenarios_is_no_success() {
    let place = Place::new();
    place.write(
        "conformance.toml",
        &manifest("\"x\"").replace("user-service", "operator"),
    );
    place
        .run(&["run"])
        .check(2, &["the selection matches no scenario of operator"]);
}

#[test]
fn unknown_words_are_refused() {
    let place = place();
    place
        .run(&["run", "--clause", "USR-99"])
        .check(2, &["unknown clause \"USR-99\""]);
    place
        .run(&["run", "--component", "shop"])
        .check(2, &["unknown component \"shop\"; allowed: user-service"]);
    place
        .run(&["run", "--tags", "@a and"])
        .check(2, &["--tags is no tag expression"]);
    place
        .run(&["run", "--name", "("])
        .check(2, &["--name is no regular expression"]);
    place
        .run(&["run", "--patience", "0.5"])
        .check(2, &["--patience 0.5 is not between 1 and 100"]);
    place.run(&["run", "--failed"]).check(2, &["--report"]);
}

#[test]
fn a_clause_is_explained_with_its_scenarios() {
    Place::new().run(&["explain", "usr-7"]).check(
        0,
        &["USR-7", "An email belongs to at most one user", "users/"],
    );
}

#[test]
fn a_clause_without_scenarios_says_so() {
    Place::new()
        .run(&["explain", "DEP-1"])
        .check(0, &["DEP-1 has no scenario yet"]);
    Place::new()
        .run(&["explain", "ABC-1"])
        .check(2, &["ABC-1 is no clause"]);
}

#[test]
fn the_list_names_what_is_not_judged() {
    Place::new()
        .run(&["list"])
        .check(0, &["USR-7", "not judged yet:", "DEP-1, DEP-2"]);
}

#[test]
fn the_manifest_to_start_from_is_accepted() {
    let place = Place::new();
    let made = place.run(&["init"]);
    place.write("conformance.toml", &made.text);
    place
        .run(&[
            "run",
            "--clause",
            "USR-1",
            "--name",
            "^no scenario is called this$",
        ])
        .check(2, &["the selection matches no scenario"]);
}

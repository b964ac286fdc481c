//! What is wrong with a manifest: file, line, what is allowed, exit status 2.

use crate::support::{Place, manifest};

#[track_caller]
fn check(text: &str, said: &[&str]) {
    let place = Place::new();
    place.write("conformance.toml", text);
    place.run(&["run"]).check(2, said);
    place.assert_nothing_left();
}

#[test]
fn an_unknown_capability_is_refused() {
    let text = manifest("\"x\"").replace(
        "contract = \"1\"",
        "contract = \"1\"\ncapabilities = [\"tsl\"]",
    );
    check(
        &text,
        &["conformance.toml:5: unknown capability \"tsl\"; allowed: feature-flags,"],
    );
}

#[test]
fn an_unknown_component_is_refused() {
    let text = manifest("\"x\"").replace("user-service", "user-servise");
    check(
        &text,
        &[
            "conformance.toml:6: unknown component \"user-servise\"; allowed: user-service, gateway, operator",
        ],
    );
}

#[test]
fn an_unknown_key_is_refused() {
    let text = manifest("\"x\"").replace("command", "comand");
    check(
        &text,
        &["conformance.toml:7: unknown field `comand`, expected one of `command`"],
    );
}

#[test]
fn a_manifest_that_is_not_there_is_named() {
    Place::new().run(&["run"]).check(
        2,
        &[
            "conformance.toml: cannot read the manifest",
            "conformance init",
        ],
    );
}

#[test]
fn a_deviation_from_a_scenario_that_does_not_exist_is_refused() {
    let text = format!(
        "{}\n[[known_deviations]]\nclause = \"USR-7\"\nscenario = \"Nothing\"\nreason = \"x\"\n",
        manifest("\"x\"")
    );
    check(&text, &["conformance.toml:10", "USR-7", "\"Nothing\""]);
}

#[test]
fn a_build_that_fails_ends_the_run() {
    let text =
        manifest("\"x\"").replace("contract = \"1\"", "contract = \"1\"\nbuild = [\"false\"]");
    check(&text, &["the manifest's build command \"false\" failed"]);
}

/// A report that an older run left.
fn old_report(place: &Place) {
    place.write("out/junit.xml", "<testsuites/>");
    place.write("out/verdict.json", "{}");
}

#[track_caller]
fn check_report(place: &Place, said: &str) {
    let read = |name: &str| {
        std::fs::read_to_string(place.path().join("out").join(name)).expect("a report")
    };
    let verdict: serde_json::Value = serde_json::from_str(&read("verdict.json")).expect("JSON");
    assert_eq!(verdict["complete"], false, "{verdict}");
    assert_eq!(verdict["scenarios"].as_array().map(Vec::len), Some(0));
    let trouble = verdict["trouble"].as_str().unwrap_or_default();
    assert!(trouble.contains(said), "{verdict}");
    let junit = read("junit.xml");
    assert!(
        junit.contains("errors=\"1\"") && junit.contains(said),
        "{junit}"
    );
}

#[test]
fn a_missing_manifest_leaves_no_older_report() {
    let place = Place::new();
    old_report(&place);
    place
        .run(&["run", "--report", "out"])
        .check(2, &["cannot read the manifest"]);
    check_report(&place, "cannot read the manifest");
}

#[test]
fn a_build_that_fails_leaves_no_older_report() {
    let place = Place::new();
    old_report(&place);
    let text =
        manifest("\"x\"").replace("contract = \"1\"", "contract = \"1\"\nbuild = [\"false\"]");
    place.write("conformance.toml", &text);
    place
        .run(&["run", "--report", "out"])
        .check(2, &["the manifest's build command"]);
    // XML writes the apostrophe otherwise.
    check_report(&place, "build command");
    place.assert_nothing_left();
}

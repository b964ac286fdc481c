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

//! Valid and invalid manifests.

use super::*;
use crate::catalogue::{Component, Family};

const CATALOGUE: Catalogue = Catalogue {
    contract: "1",
    components: &[Component {
        name: "shop",
        judged: true,
    }],
    capabilities: &["tls"],
    families: &[Family {
        prefix: "SHP",
        last: 2,
        pending: &[],
    }],
};

const VALID_MANIFEST: &str = "[subject]\nname = \"x\"\nversion = \"1\"\ncontract = \"1\"\n\n[components.shop]\ncommand = [\"shop\"]\n";

/// Replaces `from` by `to` in the valid manifest and expects an error with this text.
fn check_error(from: &str, to: &str, expected: &str) {
    let text = VALID_MANIFEST.replace(from, to);
    let error = Manifest::parse(Path::new("dir/c.toml"), &text, &CATALOGUE)
        .expect_err("an invalid manifest must be refused");
    let shown = error.to_string();
    assert!(shown.contains(expected), "{shown:?} lacks {expected:?}");
}

#[test]
fn a_valid_manifest_is_read() {
    let manifest =
        Manifest::parse(Path::new("c.toml"), VALID_MANIFEST, &CATALOGUE).expect("a valid manifest");
    assert_eq!(manifest.components["shop"].command, ["shop"]);
}

#[test]
fn an_unknown_capability_is_named_with_its_line_and_what_is_allowed() {
    check_error(
        "contract = \"1\"\n",
        "contract = \"1\"\ncapabilities = [\"tsl\"]\n",
        "dir/c.toml:5: unknown capability \"tsl\"; allowed: tls",
    );
}

#[test]
fn an_unknown_component_is_named_with_its_line_and_what_is_allowed() {
    check_error(
        "components.shop",
        "components.shed",
        "dir/c.toml:6: unknown component \"shed\"; allowed: shop",
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_what_is_allowed() {
    check_error(
        "command =",
        "comand =",
        "dir/c.toml:7: unknown field `comand`, expected one of",
    );
}

#[test]
fn a_component_without_a_command_is_refused() {
    check_error(
        "command = [\"shop\"]\n",
        "",
        "needs exactly one of: command, image, endpoint",
    );
}

#[test]
fn a_contract_that_the_suite_does_not_judge_is_refused() {
    check_error(
        "contract = \"1\"",
        "contract = \"2\"",
        "dir/c.toml:4: this suite does not judge contract \"2\"",
    );
}

#[test]
fn a_missing_key_is_named() {
    check_error("version = \"1\"\n", "", "missing field `version`");
}

#[test]
fn a_known_deviation_from_an_unknown_clause_is_refused() {
    let text =
        format!("{VALID_MANIFEST}[[known_deviations]]\nclause = \"SHP-3\"\nreason = \"y\"\n");
    check_error(
        VALID_MANIFEST,
        &text,
        "dir/c.toml:9: unknown clause \"SHP-3\"",
    );
}

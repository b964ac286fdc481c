//! Manifests, right and wrong.

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

const GOOD: &str = "[subject]\nname = \"x\"\nversion = \"1\"\ncontract = \"1\"\n\n[components.shop]\ncommand = [\"shop\"]\n";

fn check(from: &str, to: &str, expected: &str) {
    let text = GOOD.replace(from, to);
    let error = Manifest::parse(Path::new("dir/c.toml"), &text, &CATALOGUE)
        .expect_err("a wrong manifest must be refused");
    let shown = error.to_string();
    assert!(shown.contains(expected), "{shown:?} lacks {expected:?}");
}

#[test]
fn a_good_manifest_is_read() {
    let manifest = Manifest::parse(Path::new("c.toml"), GOOD, &CATALOGUE).expect("good");
    assert_eq!(manifest.components["shop"].command, ["shop"]);
}

#[test]
fn an_unknown_capability_is_named_with_its_line_and_what_is_allowed() {
    check(
        "contract = \"1\"\n",
        "contract = \"1\"\ncapabilities = [\"tsl\"]\n",
        "dir/c.toml:5: unknown capability \"tsl\"; allowed: tls",
    );
}

#[test]
fn an_unknown_component_is_named_with_its_line_and_what_is_allowed() {
    check(
        "components.shop",
        "components.shed",
        "dir/c.toml:6: unknown component \"shed\"; allowed: shop",
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_what_is_allowed() {
    check(
        "command =",
        "comand =",
        "dir/c.toml:7: unknown field `comand`, expected one of",
    );
}

#[test]
fn a_component_without_a_source_is_refused() {
    check(
        "command = [\"shop\"]\n",
        "",
        "needs exactly one of: command, image, endpoint",
    );
}

#[test]
fn another_contract_is_refused() {
    check(
        "contract = \"1\"",
        "contract = \"2\"",
        "dir/c.toml:4: contract \"2\"",
    );
}

#[test]
fn a_missing_key_is_named() {
    check("version = \"1\"\n", "", "missing field `version`");
}

#[test]
fn a_deviation_from_no_clause_is_refused() {
    let text = format!("{GOOD}[[known_deviations]]\nclause = \"SHP-3\"\nreason = \"y\"\n");
    check(GOOD, &text, "dir/c.toml:9: unknown clause \"SHP-3\"");
}

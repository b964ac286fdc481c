//! Each module uses only those above it in its parent's list.
//!
//! The list is the documentation: the lines ``//! - [`name`]: ...`` at the beginning of `lib.rs` and of each
//! `mod.rs`. A module that is not in the list of its parent is an error, except where the parent has no list.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::files::{File, files, root};

/// A module of a list, possibly more than one in a line.
static LISTED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`(\w+)`").expect("a valid pattern"));

/// A path within the crate.
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bcrate((?:::\w+)*)(?:::\{([^}]*)\})?").expect("a valid pattern")
});

/// A path from the parent of the file's module.
static FROM_PARENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bsuper::(\w+)\b(?:::)?").expect("a valid pattern"));

/// The modules of each folder, in the order of its list.
type Lists = BTreeMap<String, Vec<String>>;

/// The folder `src` of a crate, whose files use each other.
fn violations(sources: &[File], src: &str) -> Vec<String> {
    let (lists, mut violations) = lists(sources, src);
    for file in sources {
        if is_test(&file.path) {
            continue;
        }
        let module = module_of(&file.path, src);
        for (number, line) in code(&file.text) {
            for used in used(line, &module) {
                if let Some(problem) = problem(&lists, &module, &used) {
                    violations.push(format!("{}:{number}: {problem}", file.path));
                }
            }
        }
    }
    violations
}

/// The list of each folder that has one, and modules that are missing in it.
fn lists(sources: &[File], src: &str) -> (Lists, Vec<String>) {
    let mut lists = Lists::new();
    let mut missing = Vec::new();
    let declared = Regex::new(r"(?m)^(?:pub(?:\([\w: ]+\))? )?mod (\w+);").expect("a pattern");
    for file in sources {
        let Some(folder) = folder_of(&file.path, src) else {
            continue;
        };
        let listed = file.text.lines().flat_map(listed);
        let listed: Vec<String> = listed.collect();
        if listed.is_empty() {
            continue;
        }
        for module in declared
            .captures_iter(&file.text)
            .map(|it| it[1].to_owned())
        {
            let is_listed = listed.contains(&module) || is_test_module(&module);
            if !is_listed {
                missing.push(format!(
                    "{}: module `{module}` is not in the list at the beginning of the file",
                    file.path
                ));
            }
        }
        lists.insert(folder, listed);
    }
    (lists, missing)
}

/// The modules of one line of a list: those before the first colon that ends a word.
fn listed(line: &str) -> Vec<String> {
    let entry = line.strip_prefix("//! - ").unwrap_or_default();
    let names = entry.split(": ").next().unwrap_or_default();
    let names = LISTED.captures_iter(names);
    names.map(|captures| captures[1].to_owned()).collect()
}

/// `run` of `src/run/mod.rs`, nothing of `src/lib.rs` and `src/main.rs`; none for any other file.
fn folder_of(path: &str, src: &str) -> Option<String> {
    let inside = path.strip_prefix(src)?.trim_start_matches('/');
    match inside {
        "lib.rs" | "main.rs" => Some(String::new()),
        _ => Some(inside.strip_suffix("/mod.rs")?.replace('/', "::")),
    }
}

/// `run::verdict` of `src/run/verdict.rs`, `run` of `src/run/mod.rs`.
fn module_of(path: &str, src: &str) -> String {
    let inside = path.strip_prefix(src).unwrap_or(path);
    let inside = inside.trim_start_matches('/').trim_end_matches(".rs");
    let inside = inside.trim_end_matches("/mod");
    match inside {
        "lib" | "main" => String::new(),
        _ => inside.replace('/', "::"),
    }
}

fn is_test(path: &str) -> bool {
    let parts = path.trim_end_matches(".rs").split('/');
    parts.into_iter().any(is_test_module)
}

fn is_test_module(name: &str) -> bool {
    name == "tests" || name == "samples"
}

/// The lines before the unit tests that are no comment, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .take_while(|(_, line)| *line != "#[cfg(test)]" && *line != "mod tests {")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
}

/// The modules that a line uses, as paths from the crate's root.
fn used(line: &str, module: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for captures in PATH.captures_iter(line) {
        let path = captures[1].trim_start_matches("::").to_owned();
        match captures.get(2) {
            Some(several) => {
                let several = several.as_str().split(',').map(str::trim);
                let separator = if path.is_empty() { "" } else { "::" };
                paths.extend(several.map(|name| format!("{path}{separator}{name}")));
            }
            None => paths.push(path),
        }
    }
    let parent = module.rsplit_once("::").map_or("", |it| it.0);
    for captures in FROM_PARENT.captures_iter(line) {
        let name = &captures[1];
        if name != "super" {
            let separator = if parent.is_empty() { "" } else { "::" };
            paths.push(format!("{parent}{separator}{name}"));
        }
    }
    paths
}

/// What is wrong with the use of one module by another: where their paths part, the user is above.
fn problem(lists: &Lists, module: &str, used: &str) -> Option<String> {
    let mut folder = String::new();
    let (mut mine, mut theirs) = (module.split("::"), used.split("::"));
    loop {
        let (own, other) = (mine.next()?, theirs.next()?);
        if own != other {
            let list = lists.get(&folder)?;
            let position = |name: &str| list.iter().position(|it| it == name);
            let (own_place, other_place) = (position(own)?, position(other)?);
            return (own_place < other_place).then(|| {
                format!("`{own}` uses `{other}`, which is below it in the list of `{folder}`")
            });
        }
        if !folder.is_empty() {
            folder.push_str("::");
        }
        folder.push_str(own);
    }
}

/// The workspace's own crates among the dependencies of a crate that are not allowed.
fn forbidden_dependencies(manifest: &str, forbidden: &[&str]) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest");
    let mut found = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let table = manifest.get(section).and_then(toml::Value::as_table);
        let names = table.into_iter().flat_map(toml::Table::keys);
        let names = names.filter(|name| forbidden.contains(&name.as_str()));
        found.extend(names.map(|name| format!("{section}: {name}")));
    }
    found
}

#[track_caller]
fn holds(src: &str) {
    let sources = files(src, ".rs");
    assert!(!sources.is_empty(), "no sources in {src}");
    let (lists, _) = lists(&sources, src);
    let top = lists.get("").map_or(0, Vec::len);
    assert!(top > 2, "{src} begins with no list of its modules");
    let violations = violations(&sources, src);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn modules_of_the_engine_use_only_those_above_them() {
    holds("harness/engine/src");
}

#[test]
fn modules_of_the_suite_use_only_those_above_them() {
    holds("harness/suite/src");
}

#[test]
fn the_harness_depends_on_no_part_of_the_reference() {
    let reference = ["platform", "user-service", "gateway", "operator"];
    let platform = ["user-proto", "conformance"];
    for (path, forbidden) in [
        (
            "harness/engine/Cargo.toml",
            [&reference[..], &platform].concat(),
        ),
        ("harness/suite/Cargo.toml", reference.to_vec()),
    ] {
        let manifest = std::fs::read_to_string(root().join(path)).expect("a manifest");
        let found = forbidden_dependencies(&manifest, &forbidden);
        assert!(found.is_empty(), "{path}: {found:?}");
    }
}

/// The violations in a sample crate to which this file is added. Its list has `low`, then `mid`, then `high`: each may use
/// those before it.
fn violations_with(path: &str, text: &str) -> Vec<String> {
    let file = |path: &str, text: &str| File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let list = "//! - [`low`]: x\n//! - `mid`: x\n//! - [`high`](mod@high): x: y `z`\n\nmod high;\nmod low;\nmod mid;\n";
    let inner = "//! - `one`: x\n//! - `two`: x\n\nmod one;\nmod two;\n";
    let sources = [
        file("src/lib.rs", list),
        file("src/mid/mod.rs", inner),
        file(path, text),
    ];
    violations(&sources, "src")
}

#[test]
fn a_module_that_uses_one_below_it_is_found() {
    for text in [
        "use crate::high::Thing;\n",
        "use crate::{low, high};\n",
        "fn f() { crate::high::f() }\n",
        "use super::high::Thing;\n",
    ] {
        let found = violations_with("src/low.rs", text);
        assert_eq!(
            found,
            ["src/low.rs:1: `low` uses `high`, which is below it in the list of ``"]
        );
    }
}

#[test]
fn a_module_that_uses_one_above_it_is_fine() {
    for text in [
        "use crate::low::Thing;\n",
        "use crate::mid::one;\n",
        "// crate::high is not used\n",
        "#[cfg(test)]\nuse crate::high::Thing;\n",
    ] {
        assert_eq!(
            violations_with("src/mid/two.rs", text),
            Vec::<String>::new()
        );
    }
}

#[test]
fn within_a_folder_the_order_of_its_own_list_holds() {
    for text in [
        "use super::two::f;\n",
        "use crate::mid::two::f;\n",
        "use crate::mid::{two, X};\n",
    ] {
        let found = violations_with("src/mid/one.rs", text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("src/mid/one.rs:1: `one` uses `two`"));
    }
    assert_eq!(
        violations_with("src/mid/two.rs", "use super::one::f;\n"),
        Vec::<String>::new()
    );
}

#[test]
fn a_module_that_is_in_no_list_is_found() {
    let found = violations_with("src/low/mod.rs", "//! - `one`: x\n\nmod one;\nmod other;\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("module `other` is not in the list"));
}

#[test]
fn a_dependency_on_the_reference_is_found() {
    let manifest =
        "[dependencies]\ngateway.workspace = true\n[dev-dependencies]\nplatform = \"1\"\n";
    let found = forbidden_dependencies(manifest, &["gateway", "platform"]);
    assert_eq!(
        found,
        ["dependencies: gateway", "dev-dependencies: platform"]
    );
}

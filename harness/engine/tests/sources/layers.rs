//! Checks that each module uses only modules above it in its parent's list.
//!
//! The list consists of the lines ``//! - [`name`]: ...`` in the module documentation of `lib.rs` and of each
//! `mod.rs`. A module that is not in its parent's list is an error, unless the parent has no list.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::files::{File, files, root};

/// A module's name in a line of a list, which may have several.
static MODULE_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"`(\w+)`").expect("a valid pattern"));

/// A path that starts with `crate`.
static CRATE_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bcrate((?:::\w+)*)(?:::\{([^}]*)\})?").expect("a valid pattern")
});

/// A path that starts with `super`.
static SUPER_PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bsuper::(\w+)\b(?:::)?").expect("a valid pattern"));

/// Which lists of a crate are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The list of `lib.rs`.
    TopLevel,
    /// The lists of all folders.
    AllLevels,
}

/// The listed modules of each folder, in order.
type Lists = BTreeMap<String, Vec<String>>;

/// The violations of the order of modules in the source files of a crate.
fn violations(sources: &[File], src: &str, scope: Scope) -> Vec<String> {
    let (mut lists, mut violations) = lists(sources, src);
    if scope == Scope::TopLevel {
        lists.retain(|folder, _| folder.is_empty());
        violations.retain(|problem| !problem.contains("/mod.rs: module"));
    }
    for file in sources {
        if is_test(&file.path) {
            continue;
        }
        let module = module_of(&file.path, src);
        for (number, line) in code_lines(&file.text) {
            for used in used_modules(line, &module) {
                if let Some(problem) = order_violation(&lists, &module, &used) {
                    violations.push(format!("{}:{number}: {problem}", file.path));
                }
            }
        }
    }
    violations
}

/// The lists of all folders, and errors for modules that are missing in their list.
fn lists(sources: &[File], src: &str) -> (Lists, Vec<String>) {
    let mut lists = Lists::new();
    let mut missing = Vec::new();
    let declaration = Regex::new(r"(?m)^(?:pub(?:\([\w: ]+\))? )?mod (\w+);").expect("a pattern");
    for file in sources {
        let Some(folder) = folder_of(&file.path, src) else {
            continue;
        };
        let listed: Vec<String> = file.text.lines().flat_map(listed_modules).collect();
        if listed.is_empty() {
            continue;
        }
        for module in declaration
            .captures_iter(&file.text)
            .map(|captures| captures[1].to_owned())
        {
            let is_listed = listed.contains(&module) || is_test_module(&module);
            if !is_listed {
                missing.push(format!(
                    "{}: module `{module}` is not in the list at the start of the file",
                    file.path
                ));
            }
        }
        lists.insert(folder, listed);
    }
    (lists, missing)
}

/// The modules in one line of a list: the names before the first colon that is followed by a space.
fn listed_modules(line: &str) -> Vec<String> {
    let entry = line.strip_prefix("//! - ").unwrap_or_default();
    let names = entry.split(": ").next().unwrap_or_default();
    let names = MODULE_NAME.captures_iter(names);
    names.map(|captures| captures[1].to_owned()).collect()
}

/// The module path of a folder: `run` for `src/run/mod.rs`, empty for `src/lib.rs` and `src/main.rs`, `None` for any
/// other file.
fn folder_of(path: &str, src: &str) -> Option<String> {
    let inside = path.strip_prefix(src)?.trim_start_matches('/');
    match inside {
        "lib.rs" | "main.rs" => Some(String::new()),
        _ => Some(inside.strip_suffix("/mod.rs")?.replace('/', "::")),
    }
}

/// The module path of a file: `run::verdict` for `src/run/verdict.rs`, `run` for `src/run/mod.rs`.
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

/// The lines of code before the unit tests, with line numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .take_while(|(_, line)| *line != "#[cfg(test)]" && *line != "mod tests {")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
}

/// The modules that a line uses, as paths from the crate root.
fn used_modules(line: &str, module: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for captures in CRATE_PATH.captures_iter(line) {
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
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    for captures in SUPER_PATH.captures_iter(line) {
        let name = &captures[1];
        if name != "super" {
            let separator = if parent.is_empty() { "" } else { "::" };
            paths.push(format!("{parent}{separator}{name}"));
        }
    }
    paths
}

/// An error if `module` uses a module that is below it in the list of their common ancestor.
fn order_violation(lists: &Lists, module: &str, used: &str) -> Option<String> {
    let mut folder = String::new();
    let (mut mine, mut theirs) = (module.split("::"), used.split("::"));
    loop {
        let (own, other) = (mine.next()?, theirs.next()?);
        if own != other {
            let list = lists.get(&folder)?;
            let position = |name: &str| list.iter().position(|listed| listed == name);
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

/// The dependencies in a crate's manifest that are forbidden.
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
fn check_order(src: &str, scope: Scope) {
    let sources = files(src, ".rs");
    assert!(!sources.is_empty(), "no sources in {src}");
    let (lists, _) = lists(&sources, src);
    let top = lists.get("").map_or(0, Vec::len);
    assert!(top > 2, "the root of {src} has no list of modules");
    let violations = violations(&sources, src, scope);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn modules_of_the_engine_use_only_modules_above_them() {
    check_order("harness/engine/src", Scope::AllLevels);
}

#[test]
fn modules_of_the_suite_use_only_modules_above_them() {
    check_order("harness/suite/src", Scope::TopLevel);
}

#[test]
fn the_harness_does_not_depend_on_the_reference() {
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

/// The violations in a crate with the modules `low`, `mid` and `high`, listed in this order, and one given file.
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
    violations(&sources, "src", Scope::AllLevels)
}

#[test]
fn using_a_module_below_is_a_violation() {
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
fn using_a_module_above_is_allowed() {
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
fn the_order_of_a_folder_s_list_is_checked_within_the_folder() {
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
fn a_module_that_is_not_listed_is_a_violation() {
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

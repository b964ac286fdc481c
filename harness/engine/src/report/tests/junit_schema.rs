//! Checks `junit.xml` against the schema `junit-10` of Jenkins' xUnit plugin, which is the strictest reader: it
//! refuses the whole file for one violation.

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use regex::Regex;

use super::super::junit;
use super::super::samples::{run, run_with_all_outcomes};
use super::any_run;
use crate::run::model::RunReport;

/// The allowed attributes and contents of an element.
struct Rule {
    element: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    /// Whether the element may contain text.
    text: bool,
}

const RULES: &[Rule] = &[
    Rule {
        element: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
        text: false,
    },
    Rule {
        element: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        children: &[
            "testsuite",
            "properties",
            "testcase",
            "system-out",
            "system-err",
        ],
        text: false,
    },
    Rule {
        element: "properties",
        required: &[],
        optional: &[],
        children: &["property"],
        text: false,
    },
    Rule {
        element: "property",
        required: &["name", "value"],
        optional: &[],
        children: &[],
        text: false,
    },
    Rule {
        element: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    outcome("failure"),
    outcome("error"),
    outcome("skipped"),
    plain_text("system-out"),
    plain_text("system-err"),
];

/// An element that states why a case did not pass.
const fn outcome(element: &'static str) -> Rule {
    Rule {
        optional: &["type", "message"],
        ..plain_text(element)
    }
}

/// An element with text and without attributes.
const fn plain_text(element: &'static str) -> Rule {
    Rule {
        element,
        required: &[],
        optional: &[],
        children: &[],
        text: true,
    }
}

fn rule(element: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.element == element)
}

/// Descriptions of the rules that a document violates.
fn violations(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut open, mut found) = (Vec::<String>::new(), Vec::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                check_start(&start, open.last(), &mut found);
                open.push(name(&start));
            }
            Ok(Event::Empty(start)) => check_start(&start, open.last(), &mut found),
            Ok(Event::End(_)) => drop(open.pop()),
            Ok(Event::Text(text)) => {
                let may_contain_text = open
                    .last()
                    .and_then(|element| rule(element))
                    .is_some_and(|rule| rule.text);
                if !may_contain_text && !text.iter().all(u8::is_ascii_whitespace) {
                    found.push(format!("text in {open:?}"));
                }
            }
            Ok(Event::Eof) => return found,
            Ok(_) => {}
            Err(error) => {
                found.push(format!("not valid XML: {error}"));
                return found;
            }
        }
    }
}

fn name(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.name().as_ref()).into_owned()
}

fn check_start(start: &BytesStart<'_>, parent: Option<&String>, found: &mut Vec<String>) {
    let name = name(start);
    let is_allowed = match parent {
        None => name == "testsuites",
        Some(parent) => rule(parent).is_some_and(|rule| rule.children.contains(&name.as_str())),
    };
    if !is_allowed {
        found.push(format!("<{name}> in {parent:?}"));
    }
    let Some(rule) = rule(&name) else { return };
    let mut seen = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.expect("a unique, quoted attribute");
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let value = String::from_utf8_lossy(&attribute.value).into_owned();
        let is_suite = name.starts_with("testsuite");
        if is_suite && key == "time" && !is_time(&value) {
            found.push(format!("<{name} time={value:?}>"));
        }
        if ![rule.required, rule.optional]
            .concat()
            .contains(&key.as_str())
        {
            found.push(format!("<{name} {key}>"));
        }
        seen.push(key);
    }
    let missing = rule
        .required
        .iter()
        .filter(|required| !seen.iter().any(|key| key == *required));
    found.extend(missing.map(|key| format!("<{name}> without {key}")));
}

/// Whether the value is a number of seconds, with optional thousands separators and fraction.
fn is_time(value: &str) -> bool {
    let pattern = Regex::new(r"^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$");
    pattern.expect("a valid pattern").is_match(value)
}

#[track_caller]
fn check(run: &RunReport) {
    let xml = junit::render(run);
    assert_eq!(violations(&xml), Vec::<String>::new(), "{xml}");
}

#[test]
fn a_report_with_every_outcome_is_valid() {
    check(&run_with_all_outcomes());
    check(&RunReport::without_scenarios(
        "1",
        "1",
        "no manifest".to_owned(),
    ));
    let mut long = run(Vec::new(), 1.0);
    long.duration = std::time::Duration::from_secs(123_456);
    check(&long);
}

#[test]
fn violations_of_the_schema_are_found() {
    let broken = [
        ("<testsuites skipped=\"1\"/>", "<testsuites skipped>"),
        ("<testsuites time=\"1 s\"/>", "<testsuites time=\"1 s\">"),
        ("<testsuites>text</testsuites>", "text in [\"testsuites\"]"),
        (
            "<testsuites><testcase name=\"x\"/></testsuites>",
            "<testcase> in Some(\"testsuites\")",
        ),
        (
            "<testsuites><testsuite name=\"x\" tests=\"1\" errors=\"0\"/></testsuites>",
            "<testsuite> without failures",
        ),
        (
            "<testsuite name=\"x\" tests=\"0\" failures=\"0\" errors=\"0\"/>",
            "<testsuite> in None",
        ),
    ];
    for (xml, violation) in broken {
        assert_eq!(violations(xml), [violation], "{xml}");
    }
}

proptest! {
    #[test]
    fn every_report_is_valid(run in any_run()) {
        let xml = junit::render(&run);
        prop_assert_eq!(violations(&xml), Vec::<String>::new(), "{}", xml);
    }
}

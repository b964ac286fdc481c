//! Weaving, also of what does not fit.

use super::*;

const FILE: &str = "user-service/src/name.rs";

fn edits(edits: &[(&str, &str, &str)]) -> Vec<EditedMutant> {
    let mutant = |(id, text, instead): &(&str, &str, &str)| EditedMutant {
        id: (*id).to_owned(),
        clause: "USR-4".to_owned(),
        wrong: "something".to_owned(),
        component: Target::UserService,
        edit: vec![Edit {
            file: FILE.to_owned(),
            after: String::new(),
            text: (*text).to_owned(),
            instead: (*instead).to_owned(),
        }],
    };
    edits.iter().map(mutant).collect()
}

fn woven_as(file: &str, source: &str, mutants: &[EditedMutant]) -> Result<String, Vec<WeaveError>> {
    let files = BTreeMap::from([(file.to_owned(), source.to_owned())]);
    let mut woven = weave(&files, mutants)?;
    Ok(woven.remove(file).expect("the file is edited"))
}

/// What weaving makes of a source, with its white space made even.
#[track_caller]
fn check(source: &str, mutants: &[(&str, &str, &str)], expected: &str) {
    let woven = woven_as(FILE, source, &edits(mutants)).expect("the edits fit");
    let even = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(even(&woven), even(expected));
}

#[track_caller]
fn check_refused(source: &str, mutants: &[(&str, &str, &str)], expected: &str) {
    let errors = woven_as(FILE, source, &edits(mutants)).expect_err("one does not fit");
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.join("; "), expected);
}

#[test]
fn an_expression_becomes_a_choice_in_parentheses() {
    check(
        "fn f() -> bool { g() <= 256 && h() }",
        &[("a", "g() <= 256", "g() <= 255")],
        r#"fn f() -> bool { (if ::platform::mutant::is("a") { g() <= 255 } else { g() <= 256 }) && h() }"#,
    );
}

#[test]
fn a_statement_becomes_a_statement() {
    check(
        "fn f() { g(); h(); }",
        &[("a", "g();", "")],
        r#"fn f() { if ::platform::mutant::is("a") { } else { g(); } h(); }"#,
    );
    check(
        "fn f() { if g() { return; } h(); }",
        &[("a", "if g() { return; }", "")],
        r#"fn f() { if ::platform::mutant::is("a") { } else { if g() { return; } } h(); }"#,
    );
    check(
        "let a = match g() { _ => 1 };",
        &[("a", "match g() { _ => 1 }", "2")],
        r#"let a = (if ::platform::mutant::is("a") { 2 } else { match g() { _ => 1 } });"#,
    );
}

#[test]
fn several_edits_of_one_text_become_one_chain() {
    check(
        "f(g())",
        &[("a", "g()", "1"), ("b", "g()", "2")],
        r#"f((if ::platform::mutant::is("a") { 1 } else if ::platform::mutant::is("b") { 2 } else { g() }))"#,
    );
}

#[test]
fn a_text_may_stand_inside_another() {
    check(
        "x(f(g()))",
        &[("a", "g()", "1"), ("b", "f(g())", "2")],
        r#"x((if ::platform::mutant::is("b") { 2 } else { f((if ::platform::mutant::is("a") { 1 } else { g() })) }))"#,
    );
}

#[test]
fn white_space_may_differ() {
    check(
        "f(\n    a,\n    b\n)",
        &[("a", "\na, b\n", "b, a")],
        r#"f( (if ::platform::mutant::is("a") { b, a } else { a, b }) )"#,
    );
}

#[test]
fn unit_tests_are_not_edited() {
    check(
        "f(g()) #[cfg(test)] mod tests { g() }",
        &[("a", "g()", "1")],
        r#"f((if ::platform::mutant::is("a") { 1 } else { g() })) #[cfg(test)] mod tests { g() }"#,
    );
}

#[test]
fn an_edit_of_the_platform_uses_the_switch_of_its_own_crate() {
    let mut mutants = edits(&[("a", "g()", "1")]);
    let file = "platform/src/lib.rs";
    mutants[0].edit[0].file = file.to_owned();
    let woven = woven_as(file, "g()", &mutants).expect("it fits");
    assert!(woven.contains(r#"if crate::mutant::is("a")"#), "{woven}");
}

#[test]
fn a_text_must_be_there_exactly_once() {
    check_refused(
        "f()",
        &[("a", " g() ", "1")],
        "mutant a: user-service/src/name.rs holds this text 0 times instead of once: g()",
    );
    check_refused(
        "g() + g()",
        &[("a", "g()", "1"), ("b", "", "2")],
        "mutant a: user-service/src/name.rs holds this text 2 times instead of once: g(); \
         mutant b: user-service/src/name.rs holds this text 0 times instead of once: ",
    );
}

#[test]
fn a_text_may_be_found_behind_another() {
    let mut mutants = edits(&[("a", "h()", "1")]);
    mutants[0].edit[0].after = "g(".to_owned();
    let woven = woven_as(FILE, "f(h()) g(h()) i(h())", &mutants).expect("it fits");
    let parts: Vec<&str> = woven.split("(if ").collect();
    assert_eq!((parts.len(), parts[0]), (2, "f(h()) g("), "{woven}");
    for ambiguous in ["f(h()) g() g(h())", "f(h()) g()", "h()"] {
        woven_as(FILE, ambiguous, &mutants).expect_err(ambiguous);
    }
}

#[test]
fn texts_that_overlap_are_refused() {
    check_refused(
        "a + b + c",
        &[("a", "a + b", "1"), ("b", "b + c", "2")],
        "mutants a and b: their texts in user-service/src/name.rs overlap, and neither contains the other",
    );
}

#[test]
fn a_file_must_exist() {
    let errors = weave(&BTreeMap::new(), &edits(&[("a", "g()", "1")])).expect_err("no file");
    assert_eq!(
        errors[0].to_string(),
        "mutant a: the reference has no file user-service/src/name.rs"
    );
}

const WRITTEN: &str = r#"
    [[mutant]]
    id = "a"
    clause = "USR-4"
    wrong = "something"
    component = "both"

    [[mutant.edit]]
    file = "platform/src/lib.rs"
    text = '''
    g();
    '''
    instead = ""
"#;

#[test]
fn edits_are_read_from_their_files() {
    let mutants = parse([("a.toml", WRITTEN), ("empty.toml", "")]).expect("edits");
    assert_eq!((mutants.len(), mutants[0].component), (1, Target::Both));
    assert!(list_module(&mutants).contains("user_service: true, gateway: true"));
}

#[test]
fn bad_files_of_edits_are_refused() {
    let errors = |text: &str| parse([("a.toml", text)]).expect_err("refused");
    assert_eq!(
        errors(&WRITTEN.repeat(2)),
        [WeaveError::SameId("a".to_owned())]
    );
    let nothing = WRITTEN.split("[[mutant.edit]]").next().expect("a head");
    assert_eq!(
        errors(&format!("{nothing}\nedit = []")),
        [WeaveError::NoEdit("a".to_owned())]
    );
    for bad in [
        "mutant = 1",
        nothing,
        &WRITTEN.replace("both", "operator"),
        &WRITTEN.replace("instead", "with"),
    ] {
        assert!(
            matches!(&errors(bad)[..], [WeaveError::Unreadable { file, .. }] if file == "a.toml"),
            "{bad}"
        );
    }
}

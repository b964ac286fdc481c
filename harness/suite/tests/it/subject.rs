//! Programs that do not start, do not get ready, or misbehave: the scenario fails, with the cause.

use crate::support::{Place, manifest, reference};

/// A quick scenario that needs a running program.
const ONE: &[&str] = &["run", "--clause", "USR-1", "--fail-fast", "--jobs", "1"];

#[track_caller]
fn check(place: &Place, status: i32, said: &[&str]) {
    place.run(ONE).check(status, said);
    place.assert_nothing_left();
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let place = Place::new();
    place.write("conformance.toml", &manifest("\"./nowhere\""));
    check(
        &place,
        2,
        &[
            "cannot start user-service",
            "nowhere",
            "check `command` in the manifest",
        ],
    );
}

#[test]
fn a_script_without_its_interpreter_is_named() {
    let place = Place::new();
    place.subject_script("");
    let script = place.path().join("subject");
    std::fs::write(script, "#!/no/such/interpreter\n").expect("a script");
    check(&place, 2, &["cannot start user-service", "interpreter"]);
}

#[test]
fn a_folder_is_no_program() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("subject")).expect("a folder");
    place.write("conformance.toml", &manifest("\"./subject\""));
    check(&place, 2, &["cannot start user-service", "it is a folder"]);
}

#[test]
fn a_program_that_does_not_start_fails_once_and_soon() {
    let place = Place::new();
    place.subject_script("[ \"$1\" = migrate ] && exit 0\necho no licence; exit 3");
    let begun = std::time::Instant::now();
    place.run(&["run", "--report", "out"]).check(
        1,
        &[
            "exit status 3",
            "no licence",
            "not conformant",
            "0 passed, 1 failed",
        ],
    );
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    place.assert_nothing_left();
}

#[test]
fn variables_of_the_manifest_win_over_those_of_the_caller() {
    let place = Place::new();
    place.script("bin/program", "echo \"HOME is $HOME\" >&2; exit 9");
    let folder = place.path().join("bin");
    let text = format!(
        "{}env = {{ PATH = \"{}\", HOME = \"/nowhere\" }}\n",
        manifest("\"program\""),
        folder.display()
    );
    place.write("conformance.toml", &text);
    check(&place, 1, &["exit status 9", "HOME is /nowhere"]);
}

#[test]
fn a_file_that_is_no_program_is_named() {
    let place = Place::new();
    place.write("subject", "text");
    place.write("conformance.toml", &manifest("\"./subject\""));
    check(&place, 2, &["cannot start", "chmod +x"]);
}

#[test]
fn a_program_that_exits_at_once_shows_its_status_and_its_log() {
    let place = Place::new();
    place.subject_script("[ \"$1\" = migrate ] && exit 0\necho goodbye; exit 3");
    check(&place, 1, &["exit status 3", "goodbye", "not conformant"]);
}

#[test]
fn a_migrate_that_fails_is_reported() {
    let place = Place::new();
    place.subject_script("echo no disk; exit 4");
    check(
        &place,
        1,
        &[
            "`migrate` prepares an empty database",
            "exit status 4",
            "no disk",
        ],
    );
}

#[test]
fn a_program_that_never_gets_ready_is_given_up() {
    let place = Place::new();
    place.subject_script("[ \"$1\" = migrate ] && exit 0\nexec tail -f /dev/null");
    check(&place, 1, &["is ready within", "not conformant"]);
}

#[test]
fn binary_rubbish_and_a_flood_of_log_are_no_problem() {
    let place = Place::new();
    place.subject_script(
        "[ \"$1\" = migrate ] && exit 0\nhead -c 3000000 /dev/urandom\nhead -c 100000000 /dev/zero | tr '\\0' 'x'\nyes 2>&1 | head -c 20000000\necho the end\nexit 5",
    );
    check(&place, 1, &["exit status 5", "the end"]);
}

#[test]
fn a_child_that_leaves_its_group_is_ended_too() {
    let place = Place::new();
    place.subject_script(
        "[ \"$1\" = migrate ] && exit 0\nsetsid tail -f /dev/null >/dev/null 2>&1 &\nexit 6",
    );
    check(&place, 1, &["exit status 6"]);
}

#[test]
fn a_path_with_spaces_and_umlauts_is_a_path() {
    let place = Place::named("ein übler 'Pfad' ");
    std::os::unix::fs::symlink(reference(), place.path().join("der Dienst ✓")).expect("a link");
    let path = place.write("mein Manifest ✓.toml", &manifest("\"./der Dienst ✓\""));
    let manifest = path.to_str().expect("text");
    place
        .run(&[
            "run",
            "--manifest",
            manifest,
            "--clause",
            "USR-1",
            "--report",
            "mein Bericht ✓",
        ])
        .check(0, &["passed, 0 failed"]);
    assert!(place.path().join("mein Bericht ✓/verdict.json").exists());
    place.assert_nothing_left();
}

#[test]
fn a_program_has_a_clean_environment() {
    let place = Place::new();
    place.subject_script("env >&2; exit 8");
    let ran = Place::command(&place, ONE)
        .env("SECRET_OF_THE_USER", "keep-this-secret")
        .output();
    let text = String::from_utf8_lossy(&ran.expect("the suite runs").stdout).into_owned();
    assert!(text.contains("exit status 8"), "{text}");
    assert!(!text.contains("keep-this-secret"), "{text}");
}

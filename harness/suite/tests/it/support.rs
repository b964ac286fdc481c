//! A folder of its own for each test, and what a run left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

/// Path of the suite's program.
pub fn suite() -> &'static str {
    env!("CARGO_BIN_EXE_conformance")
}

/// A manifest around one command line of the user service.
pub fn manifest(command: &str) -> String {
    format!(
        "[subject]\nname = \"tested\"\nversion = \"1\"\ncontract = \"1\"\n\n[components.user-service]\ncommand = [{command}]\n"
    )
}

/// A folder that a run of the suite takes place in; its temporary folder is inside, so that a test sees what is left.
pub struct Place {
    folder: tempfile::TempDir,
    /// What others left in memory before.
    stale: Vec<String>,
}

impl Place {
    pub fn new() -> Self {
        Self::named("place")
    }

    /// With a name of its own, for paths that are hard on programs.
    pub fn named(name: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(name)
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let place = Self {
            folder,
            stale: stale_memory(),
        };
        fs::create_dir(place.temp()).expect("a folder for temporary files");
        // PostgreSQL's unprivileged user must get through.
        fs::set_permissions(place.temp(), fs::Permissions::from_mode(0o1777)).expect("its mode");
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn temp(&self) -> PathBuf {
        self.path().join("tmp")
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// An executable shell script.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.write(name, &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }

    /// A manifest `conformance.toml` whose program is this script.
    pub fn subject_script(&self, body: &str) {
        self.script("subject", body);
        self.write("conformance.toml", &manifest("\"./subject\""));
    }

    /// A manifest `conformance.toml` whose program is the reference.
    pub fn reference(&self) {
        let command = format!("\"{}\"", reference().display());
        self.write("conformance.toml", &manifest(&command));
    }

    /// The suite with these arguments, in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(suite());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("TMPDIR", self.temp())
            .env("CI", "true")
            .env_remove("CONFORMANCE_POSTGRES_URL")
            .env_remove("CONFORMANCE_REDIS_URL")
            .env_remove("CONFORMANCE_JAEGER_URL")
            .env_remove("CONFORMANCE_JAEGER_IMAGE")
            .env_remove("CONFORMANCE_POSTGRES_IMAGE")
            .env_remove("CONFORMANCE_REDIS_IMAGE")
            .env_remove("CONFORMANCE_PROMETHEUS_URL")
            .env_remove("CONFORMANCE_PROMETHEUS_IMAGE")
            .stdin(Stdio::null());
        command
    }

    /// Runs the suite to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("the suite runs"))
    }

    /// Starts the suite, its output into files.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let out = fs::File::create(self.path().join("out")).expect("a file");
        let err = fs::File::create(self.path().join("err")).expect("a file");
        self.command(arguments)
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the suite starts")
    }

    /// What a started suite wrote so far.
    pub fn written(&self) -> String {
        let read = |name| fs::read(self.path().join(name)).unwrap_or_default();
        format!(
            "{}{}",
            String::from_utf8_lossy(&read("out")),
            String::from_utf8_lossy(&read("err"))
        )
    }

    /// Folders and files that a run left in its temporary folder.
    pub fn left_files(&self) -> Vec<String> {
        fs::read_dir(self.temp())
            .expect("the temporary folder")
            .filter_map(Result::ok)
            .map(|it| it.file_name().to_string_lossy().into_owned())
            // The folder of port locks is shared by all runs and stays; its files do not.
            .filter(|it| it != "conformance-ports")
            .chain(self.left_locks())
            .chain(
                stale_memory()
                    .into_iter()
                    .filter(|it| !self.stale.contains(it)),
            )
            .collect()
    }

    fn left_locks(&self) -> Vec<String> {
        fs::read_dir(self.temp().join("conformance-ports"))
            .map(|entries| {
                entries
                    .filter_map(Result::ok)
                    .map(|it| format!("lock {}", it.file_name().to_string_lossy()))
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Processes whose environment or arguments name this place.
    pub fn left_processes(&self) -> Vec<String> {
        let name = self.path().to_string_lossy().into_owned();
        fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(Result::ok)
            .filter(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .bytes()
                    .all(|it| it.is_ascii_digit())
            })
            .filter_map(|entry| {
                let environment = fs::read(entry.path().join("environ")).ok()?;
                let arguments = fs::read(entry.path().join("cmdline")).ok()?;
                let all = [environment, arguments.clone()].concat();
                let names = String::from_utf8_lossy(&all).contains(&name);
                names.then(|| {
                    format!(
                        "{}: {}",
                        entry.file_name().to_string_lossy(),
                        String::from_utf8_lossy(&arguments).replace('\0', " ")
                    )
                })
            })
            .collect()
    }

    /// Kills the watchdog of the run that is under way, so that nothing cleans up after it.
    pub fn kill_watchdog(&self) {
        let processes = self.left_processes();
        let watchdog = processes
            .iter()
            .find(|it| it.ends_with("conformance watchdog "));
        let watchdog = watchdog.unwrap_or_else(|| panic!("no watchdog: {processes:#?}"));
        let pid = watchdog.split(':').next().expect("a number");
        let status = Command::new("kill").args(["-KILL", pid]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Nothing is left, at the latest after a few seconds: the watchdog works while the test looks.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let left = [self.left_processes(), self.left_files()].concat();
            if left.is_empty() {
                return;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "left behind: {left:#?}"
            );
            std::thread::yield_now();
        }
    }
}

/// Folders and segments of databases in shared memory that no process uses any more, of any run.
///
/// A run whose database was killed still has other processes that were started in its folder.
fn stale_memory() -> Vec<String> {
    let names: Vec<String> = fs::read_dir("/dev/shm")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .filter(|it| it.starts_with("conformance-") || it.starts_with("PostgreSQL."))
        .collect();
    let used: Vec<String> = fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(Result::ok)
        .map(|entry| {
            let read = |name| fs::read(entry.path().join(name)).unwrap_or_default();
            let all = [read("maps"), read("environ"), read("cmdline")].concat();
            let place = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            format!("{} {}", String::from_utf8_lossy(&all), place.display())
        })
        .collect();
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    // KEY ID RIGHTS SIZE CREATOR LAST-USER ATTACHED ...
    let segments = segments.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(6) == Some(&"0")).then(|| format!("segment {}", fields[1]))
    });
    let unused = names
        .into_iter()
        .filter(|name| !used.iter().any(|it| it.contains(name.as_str())));
    unused.chain(segments).collect()
}

/// How a run of the suite ended.
pub struct Ran {
    pub status: Option<i32>,
    pub text: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            text: format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

impl Ran {
    /// It ended with this status and said each of these.
    #[track_caller]
    pub fn check(&self, status: i32, said: &[&str]) {
        assert_eq!(self.status, Some(status), "{}", self.text);
        for text in said {
            assert!(
                self.text.contains(text),
                "{text:?} is missing in:\n{}",
                self.text
            );
        }
    }
}

/// The reference, built once.
pub fn reference() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let status = Command::new(env!("CARGO"))
            // Without `--package`: with the features of the whole workspace, as everything else is built.
            .args(["build", "--quiet", "--bin", "user-service"])
            .current_dir(&root)
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the reference does not build");
        fs::canonicalize(root.join("target/debug/user-service")).expect("the reference")
    });
    &PROGRAM
}

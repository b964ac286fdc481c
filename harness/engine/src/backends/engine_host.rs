//! Where the container engine is: as docker's own client decides it, and podman's socket.
//!
//! The library that starts containers reads `DOCKER_HOST` only, takes an empty one for an address, and does
//! not read contexts. So the program starts itself again with the variable set, where this makes a difference.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sandbox::host::Host;

/// Names the engine, if it is not the one of this machine.
pub(super) const HOST: &str = "DOCKER_HOST";

/// Names a context, which has an engine.
const CONTEXT: &str = "DOCKER_CONTEXT";

/// The context that means: without one.
const NO_CONTEXT: &str = "default";

/// Where the engine is, unless anything says otherwise.
const USUAL: &str = "unix:///var/run/docker.sock";

/// The address of the engine; the error says why a context has none.
///
/// `DOCKER_HOST` wins over `DOCKER_CONTEXT`, that over the context of `~/.docker/config.json`, and that over
/// the sockets, of which the first one counts on which something listens.
pub(super) fn resolve(host: &Host) -> Result<String, String> {
    if let Some(named) = host.variable(HOST) {
        return Ok(named.to_owned());
    }
    let folder = settings_folder(host);
    let context = host.variable(CONTEXT).map(str::to_owned);
    let source = if context.is_some() {
        CONTEXT
    } else {
        "config.json"
    };
    let context = context.or_else(|| current_context(folder.as_deref()?));
    match context.filter(|it| it != NO_CONTEXT) {
        Some(context) => address(folder.as_deref(), &context)
            .ok_or_else(|| format!("{source} names the context `{context}`, which has no engine: see `docker context ls`")),
        None => Ok(socket(host)),
    }
}

/// The value of `DOCKER_HOST` with which this program has to start itself again, if that is necessary.
pub fn for_restart(host: &Host, raw: Option<&str>) -> Option<String> {
    // An error is reported by what asks for the engine.
    let resolved = resolve(host).ok()?;
    let is_found = match raw {
        Some(raw) => raw == resolved,
        None => resolved == USUAL,
    };
    (!is_found).then_some(resolved)
}

/// Where docker's client keeps its settings.
fn settings_folder(host: &Host) -> Option<PathBuf> {
    let named = host.variable("DOCKER_CONFIG").map(PathBuf::from);
    named.or_else(|| Some(Path::new(host.variable("HOME")?).join(".docker")))
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// The context that `docker context use` chose.
fn current_context(folder: &Path) -> Option<String> {
    let settings = read(&folder.join("config.json"))?;
    let context = settings["currentContext"].as_str()?;
    (!context.is_empty()).then(|| context.to_owned())
}

/// The address of a context's engine. Each context has a folder whose name is a digest; its file has its name.
fn address(folder: Option<&Path>, context: &str) -> Option<String> {
    let contexts = std::fs::read_dir(folder?.join("contexts/meta")).ok()?;
    let mut contexts = contexts
        .flatten()
        .filter_map(|it| read(&it.path().join("meta.json")));
    let found = contexts.find(|it| it["Name"] == context)?;
    let address = found["Endpoints"]["docker"]["Host"].as_str()?;
    (!address.is_empty()).then(|| address.to_owned())
}

/// The first socket on which something listens, else the first that is there, else the usual one.
fn socket(host: &Host) -> String {
    let runtime = host.variable("XDG_RUNTIME_DIR").map(Path::new);
    let home = host.variable("HOME").map(Path::new);
    let below = |folder: Option<&Path>, path: &str| folder.map(|it| it.join(path));
    let sockets = [
        Some(PathBuf::from("/var/run/docker.sock")),
        below(runtime, "docker.sock"),
        below(home, ".docker/run/docker.sock"),
        below(home, ".docker/desktop/docker.sock"),
        below(runtime, "podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    first_socket(sockets.into_iter().flatten().collect())
}

fn first_socket(mut sockets: Vec<PathBuf>) -> String {
    sockets.retain(|it| it.exists());
    let listening = sockets.iter().find(|it| UnixStream::connect(it).is_ok());
    let found = listening.or(sockets.first());
    found.map_or_else(|| USUAL.to_owned(), |it| format!("unix://{}", it.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A home with a context `far` that was chosen.
    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let meta = home.path().join(".docker/contexts/meta/0123abcd");
        std::fs::create_dir_all(&meta).unwrap();
        let context = r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:2375","SkipTLSVerify":false}}}"#;
        std::fs::write(meta.join("meta.json"), context).unwrap();
        choose(&home, "far");
        home
    }

    fn choose(home: &tempfile::TempDir, context: &str) {
        let settings = format!(r#"{{"auths":{{}},"currentContext":"{context}"}}"#);
        std::fs::write(home.path().join(".docker/config.json"), settings).unwrap();
    }

    fn resolved(home: &tempfile::TempDir, variables: &[(&str, &str)]) -> Result<String, String> {
        let home = [("HOME", home.path().to_str().unwrap())];
        resolve(&Host::bare(
            home.into_iter().chain(variables.iter().copied()),
        ))
    }

    #[test]
    fn a_host_wins_over_a_context_and_an_empty_one_counts_as_unset() {
        let home = home();
        let far = Ok("tcp://far:2375".to_owned());
        assert_eq!(resolved(&home, &[]), far);
        assert_eq!(resolved(&home, &[(HOST, "")]), far);
        assert_eq!(
            resolved(&home, &[(HOST, "unix:///x")]),
            Ok("unix:///x".to_owned())
        );
        choose(&home, "other");
        assert_eq!(
            resolved(&home, &[(CONTEXT, "far")]),
            far,
            "a variable wins over a file"
        );
    }

    #[test]
    fn a_context_that_is_not_there_is_named_with_what_names_it() {
        let home = home();
        let error = resolved(&home, &[(CONTEXT, "gone")]).unwrap_err();
        assert!(
            error.contains(CONTEXT) && error.contains("`gone`"),
            "{error}"
        );
        choose(&home, "lost");
        let error = resolved(&home, &[]).unwrap_err();
        assert!(
            error.contains("config.json") && error.contains("`lost`"),
            "{error}"
        );
    }

    #[test]
    fn the_settings_may_lie_elsewhere() {
        let (home, empty) = (home(), tempfile::tempdir().unwrap());
        let folder = home.path().join(".docker");
        let settings = [("DOCKER_CONFIG", folder.to_str().unwrap())];
        assert_eq!(resolved(&empty, &settings), Ok("tcp://far:2375".to_owned()));
    }

    #[test]
    fn a_socket_with_a_listener_wins_over_one_that_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let [stale, alive, absent] = ["stale", "alive", "absent"].map(|it| folder.path().join(it));
        drop(UnixListener::bind(&stale).unwrap());
        let _listener = UnixListener::bind(&alive).unwrap();
        let url = |path: &Path| format!("unix://{}", path.display());
        let all = vec![absent.clone(), stale.clone(), alive.clone()];
        assert_eq!(first_socket(all), url(&alive));
        assert_eq!(
            first_socket(vec![absent.clone(), stale.clone()]),
            url(&stale)
        );
        assert_eq!(first_socket(vec![absent]), USUAL);
    }

    #[test]
    fn rootless_sockets_are_found_without_a_variable_that_names_them() {
        let runtime = tempfile::tempdir().unwrap();
        std::fs::create_dir(runtime.path().join("podman")).unwrap();
        let path = runtime.path().join("podman/podman.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let host = Host::bare([("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap())]);
        let found = resolve(&host).unwrap();
        // A machine whose own engine runs has that one.
        let usual = UnixStream::connect("/var/run/docker.sock").is_ok();
        assert_eq!(found == USUAL, usual, "{found}");
        assert!(
            usual || found == format!("unix://{}", path.display()),
            "{found}"
        );
    }

    #[test]
    fn the_program_starts_again_only_where_the_library_would_look_elsewhere() {
        let home = home();
        let home = home.path().to_str().unwrap();
        let far = Host::bare([("HOME", home)]);
        assert_eq!(for_restart(&far, None).as_deref(), Some("tcp://far:2375"));
        assert_eq!(
            for_restart(&far, Some("")).as_deref(),
            Some("tcp://far:2375")
        );
        let named = Host::bare([("HOME", home), (HOST, "tcp://far:2375")]);
        assert_eq!(for_restart(&named, Some("tcp://far:2375")), None);
        let gone = Host::bare([("HOME", home), (CONTEXT, "gone")]);
        assert_eq!(
            for_restart(&gone, None),
            None,
            "its error is reported later"
        );
        let plain = Host::bare([(CONTEXT, "default"), (HOST, USUAL)]);
        assert_eq!(for_restart(&plain, Some(USUAL)), None);
    }
}

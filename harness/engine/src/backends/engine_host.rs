//! The address of the container engine, found as docker's client does; podman's sockets in addition.
//!
//! The library that starts containers reads only `DOCKER_HOST`, takes an empty value for an address, and does
//! not read contexts. So the program restarts itself with this variable set, where it makes a difference.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sandbox::host::Host;

/// The variable with the engine's address.
pub(super) const HOST_VARIABLE: &str = "DOCKER_HOST";

/// The variable with the name of a docker context, which contains an engine's address.
const CONTEXT_VARIABLE: &str = "DOCKER_CONTEXT";

/// The name that selects no context.
const DEFAULT_CONTEXT: &str = "default";

/// The address that the library uses without `DOCKER_HOST`.
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";

/// The address of the engine; fails if the selected context has none.
///
/// `DOCKER_HOST` takes precedence over `DOCKER_CONTEXT`, this over the context in `~/.docker/config.json`, and
/// this over the sockets, the first of which with a listener is used.
pub(super) fn resolve(host: &Host) -> Result<String, String> {
    if let Some(address) = host.variable(HOST_VARIABLE) {
        return Ok(address.to_owned());
    }
    let folder = config_folder(host);
    let context = host.variable(CONTEXT_VARIABLE).map(str::to_owned);
    let source = if context.is_some() {
        CONTEXT_VARIABLE
    } else {
        "config.json"
    };
    let context = context.or_else(|| current_context(folder.as_deref()?));
    let Some(context) = context.filter(|name| name != DEFAULT_CONTEXT) else {
        return Ok(find_socket(host));
    };
    context_address(folder.as_deref(), &context).ok_or_else(|| {
        format!(
            "{source} names the context `{context}`, which has no engine: see `docker context ls`"
        )
    })
}

/// The value of `DOCKER_HOST` with which this program has to restart itself; `None` if the library uses the
/// right engine with the present value `raw`.
pub fn address_for_restart(host: &Host, raw: Option<&str>) -> Option<String> {
    // An error is reported when the engine is needed.
    let resolved = resolve(host).ok()?;
    let is_used = match raw {
        Some(raw) => raw == resolved,
        None => resolved == DEFAULT_ADDRESS,
    };
    (!is_used).then_some(resolved)
}

/// The folder with the configuration of docker's client.
fn config_folder(host: &Host) -> Option<PathBuf> {
    let configured = host.variable("DOCKER_CONFIG").map(PathBuf::from);
    configured.or_else(|| Some(Path::new(host.variable("HOME")?).join(".docker")))
}

fn read_json(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// The context that was selected by `docker context use`.
fn current_context(folder: &Path) -> Option<String> {
    let config = read_json(&folder.join("config.json"))?;
    let context = config["currentContext"].as_str()?;
    (!context.is_empty()).then(|| context.to_owned())
}

/// The address of a context's engine. The name of a context's folder is a digest; its `meta.json` contains the
/// context's name.
fn context_address(folder: Option<&Path>, context: &str) -> Option<String> {
    let contexts = std::fs::read_dir(folder?.join("contexts/meta")).ok()?;
    let mut contexts = contexts
        .flatten()
        .filter_map(|entry| read_json(&entry.path().join("meta.json")));
    let found = contexts.find(|meta| meta["Name"] == context)?;
    let address = found["Endpoints"]["docker"]["Host"].as_str()?;
    (!address.is_empty()).then(|| address.to_owned())
}

/// The first socket with a listener, or else the first that exists, or else the default.
fn find_socket(host: &Host) -> String {
    let runtime = host.variable("XDG_RUNTIME_DIR").map(Path::new);
    let home = host.variable("HOME").map(Path::new);
    let below = |folder: Option<&Path>, path: &str| folder.map(|folder| folder.join(path));
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
    sockets.retain(|path| path.exists());
    let listening = sockets
        .iter()
        .find(|path| UnixStream::connect(path).is_ok());
    let found = listening.or(sockets.first());
    found.map_or_else(
        || DEFAULT_ADDRESS.to_owned(),
        |path| format!("unix://{}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A home folder with a selected context `far`.
    fn home_with_context() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let meta = home.path().join(".docker/contexts/meta/0123abcd");
        std::fs::create_dir_all(&meta).unwrap();
        let context = r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:2375","SkipTLSVerify":false}}}"#;
        std::fs::write(meta.join("meta.json"), context).unwrap();
        select_context(&home, "far");
        home
    }

    fn select_context(home: &tempfile::TempDir, context: &str) {
        let config = format!(r#"{{"auths":{{}},"currentContext":"{context}"}}"#);
        std::fs::write(home.path().join(".docker/config.json"), config).unwrap();
    }

    fn resolve_in(home: &tempfile::TempDir, variables: &[(&str, &str)]) -> Result<String, String> {
        let home = [("HOME", home.path().to_str().unwrap())];
        resolve(&Host::with_variables(
            home.into_iter().chain(variables.iter().copied()),
        ))
    }

    #[test]
    fn an_address_takes_precedence_over_a_context_and_an_empty_one_counts_as_unset() {
        let home = home_with_context();
        let far = Ok("tcp://far:2375".to_owned());
        assert_eq!(resolve_in(&home, &[]), far);
        assert_eq!(resolve_in(&home, &[(HOST_VARIABLE, "")]), far);
        assert_eq!(
            resolve_in(&home, &[(HOST_VARIABLE, "unix:///x")]),
            Ok("unix:///x".to_owned())
        );
        select_context(&home, "other");
        assert_eq!(
            resolve_in(&home, &[(CONTEXT_VARIABLE, "far")]),
            far,
            "the variable takes precedence over the file"
        );
    }

    #[test]
    fn an_unknown_context_is_reported_with_its_source() {
        let home = home_with_context();
        let error = resolve_in(&home, &[(CONTEXT_VARIABLE, "gone")]).unwrap_err();
        assert!(
            error.contains(CONTEXT_VARIABLE) && error.contains("`gone`"),
            "{error}"
        );
        select_context(&home, "lost");
        let error = resolve_in(&home, &[]).unwrap_err();
        assert!(
            error.contains("config.json") && error.contains("`lost`"),
            "{error}"
        );
    }

    #[test]
    fn the_configuration_folder_may_be_set() {
        let (home, empty) = (home_with_context(), tempfile::tempdir().unwrap());
        let folder = home.path().join(".docker");
        let config = [("DOCKER_CONFIG", folder.to_str().unwrap())];
        assert_eq!(resolve_in(&empty, &config), Ok("tcp://far:2375".to_owned()));
    }

    #[test]
    fn a_socket_with_a_listener_is_preferred_to_a_stale_one() {
        let folder = tempfile::tempdir().unwrap();
        let [stale, alive, absent] =
            ["stale", "alive", "absent"].map(|name| folder.path().join(name));
        drop(UnixListener::bind(&stale).unwrap());
        let _listener = UnixListener::bind(&alive).unwrap();
        let url = |path: &Path| format!("unix://{}", path.display());
        let all = vec![absent.clone(), stale.clone(), alive.clone()];
        assert_eq!(first_socket(all), url(&alive));
        assert_eq!(
            first_socket(vec![absent.clone(), stale.clone()]),
            url(&stale)
        );
        assert_eq!(first_socket(vec![absent]), DEFAULT_ADDRESS);
    }

    #[test]
    fn rootless_sockets_are_found_without_a_variable() {
        let runtime = tempfile::tempdir().unwrap();
        std::fs::create_dir(runtime.path().join("podman")).unwrap();
        let path = runtime.path().join("podman/podman.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let host = Host::with_variables([("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap())]);
        let found = resolve(&host).unwrap();
        // On a machine with docker, its default socket comes first.
        let has_docker = UnixStream::connect("/var/run/docker.sock").is_ok();
        assert_eq!(found == DEFAULT_ADDRESS, has_docker, "{found}");
        assert!(
            has_docker || found == format!("unix://{}", path.display()),
            "{found}"
        );
    }

    #[test]
    fn the_program_restarts_only_if_the_library_would_use_another_engine() {
        let home = home_with_context();
        let home = home.path().to_str().unwrap();
        let far = Host::with_variables([("HOME", home)]);
        assert_eq!(
            address_for_restart(&far, None).as_deref(),
            Some("tcp://far:2375")
        );
        assert_eq!(
            address_for_restart(&far, Some("")).as_deref(),
            Some("tcp://far:2375")
        );
        let explicit = Host::with_variables([("HOME", home), (HOST_VARIABLE, "tcp://far:2375")]);
        assert_eq!(address_for_restart(&explicit, Some("tcp://far:2375")), None);
        let gone = Host::with_variables([("HOME", home), (CONTEXT_VARIABLE, "gone")]);
        assert_eq!(
            address_for_restart(&gone, None),
            None,
            "its error is reported later"
        );
        let plain = Host::with_variables([
            (CONTEXT_VARIABLE, "default"),
            (HOST_VARIABLE, DEFAULT_ADDRESS),
        ]);
        assert_eq!(address_for_restart(&plain, Some(DEFAULT_ADDRESS)), None);
    }
}

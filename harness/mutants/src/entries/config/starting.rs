//! CFG-4, CFG-7: what a program does with what it is started with.

use std::net::ToSocketAddrs as _;
use std::process::ExitCode;

use crate::entries::life;
use crate::entry::{Entry, Variables, plain};

pub fn entries() -> Vec<Entry> {
    vec![
        life(
            "migrate-later",
            "CFG-4",
            "`migrate` does nothing, and `serve` migrates",
            |command, variables| match command {
                "migrate" => ExitCode::SUCCESS,
                "serve" => {
                    plain("migrate", variables.clone());
                    plain(command, variables)
                }
                _ => plain(command, variables),
            },
        ),
        life(
            "start-needs-names",
            "CFG-7",
            "a host that does not resolve stops it",
            |command, variables| {
                if command == "serve" && !every_host_resolves(&variables) {
                    return ExitCode::FAILURE;
                }
                plain(command, variables)
            },
        ),
    ]
}

/// Whether the host of every resource has an address.
fn every_host_resolves(variables: &Variables) -> bool {
    let urls = ["DATABASE_URL", "REDIS_URL", "USER_SERVICE_ADDR"];
    let urls = urls.iter().filter_map(|it| variables.get(*it));
    let hosts = urls.filter_map(|url| {
        let (_, rest) = url.split_once("://")?;
        let place = rest.split(['/', '?']).next()?;
        place.rsplit('@').next()
    });
    hosts
        .map(str::to_owned)
        .all(|it| it.to_socket_addrs().is_ok())
}

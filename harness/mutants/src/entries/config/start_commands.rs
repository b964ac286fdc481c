//! CFG-4, CFG-7: migrations at start, and unresolvable host names.

use std::net::ToSocketAddrs as _;
use std::process::ExitCode;

use crate::entries::main_mutant;
use crate::mutant::{Mutant, Variables, run_reference};

pub fn mutants() -> Vec<Mutant> {
    vec![
        main_mutant(
            "migrate-later",
            "CFG-4",
            "`migrate` does nothing, and `serve` migrates",
            |command, variables| match command {
                "migrate" => ExitCode::SUCCESS,
                "serve" => {
                    run_reference("migrate", variables.clone());
                    run_reference(command, variables)
                }
                _ => run_reference(command, variables),
            },
        ),
        main_mutant(
            "start-needs-names",
            "CFG-7",
            "the program exits at start if a host name does not resolve",
            |command, variables| {
                if command == "serve" && !every_host_resolves(&variables) {
                    return ExitCode::FAILURE;
                }
                run_reference(command, variables)
            },
        ),
    ]
}

/// Whether the host of every resource has an address.
fn every_host_resolves(variables: &Variables) -> bool {
    let names = ["DATABASE_URL", "REDIS_URL", "USER_SERVICE_ADDR"];
    let urls = names.iter().filter_map(|name| variables.get(*name));
    let hosts = urls.filter_map(|url| {
        let (_, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?']).next()?;
        authority.rsplit('@').next()
    });
    hosts
        .map(str::to_owned)
        .all(|host| host.to_socket_addrs().is_ok())
}

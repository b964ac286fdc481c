//! CFG-3: the ports that the program binds.

use std::net::{Ipv6Addr, TcpListener};

use crate::entries::{environment_mutant, output_mutant, set_variable};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "ports-next-one",
            "CFG-3",
            "the program binds another port if its port is taken",
            |variables| {
                for name in ["PORT", "METRICS_PORT", "GRPC_PORT"] {
                    let port: u16 = variables
                        .get(name)
                        .and_then(|it| it.parse().ok())
                        .unwrap_or(0);
                    if TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_err() {
                        set_variable(variables, name, "0");
                    }
                }
            },
        ),
        output_mutant(
            "ports-not-named",
            "CFG-3",
            "the error line does not name the port",
            |line| {
                let digits = |it: char| it.is_ascii_digit();
                Some(if line.contains("ERROR") {
                    line.split(digits).collect::<Vec<_>>().join("2")
                } else {
                    line
                })
            },
        ),
    ]
}

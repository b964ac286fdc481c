//! CFG-3: the ports that are bound.

use std::net::{Ipv6Addr, TcpListener};

use crate::entries::{environment, output, set};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        environment(
            "ports-next-one",
            "CFG-3",
            "a port already taken makes it take another",
            |variables| {
                for name in ["PORT", "METRICS_PORT", "GRPC_PORT"] {
                    let port: u16 = variables
                        .get(name)
                        .and_then(|it| it.parse().ok())
                        .unwrap_or(0);
                    if TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_err() {
                        set(variables, name, "0");
                    }
                }
            },
        ),
        output(
            "ports-not-named",
            "CFG-3",
            "the line does not name the port",
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

//! This platform's catalogue: components, capabilities and the clauses of its contract.

use conformance_engine::catalogue::{Catalogue, Component, Family};

/// What this suite declares of itself.
pub const CATALOGUE: Catalogue = Catalogue {
    contract: "1",
    components: &[
        Component {
            name: "user-service",
            judged: true,
        },
        Component {
            name: "gateway",
            judged: true,
        },
        Component {
            name: "operator",
            judged: false,
        },
    ],
    capabilities: &[
        "feature-flags",
        "grpc-connection-limits",
        "grpc-keepalive",
        "openapi",
        "client-keepalive",
        "leader-election",
        "tls",
        "mtls",
        "auth",
        "deployment",
    ],
    families: &[
        family("CFG", 10, &[]),
        family("HLT", 9, &[]),
        family("USR", 20, &[]),
        family("STR", 6, &[6]),
        family("GRP", 5, &[]),
        family("GWY", 9, &[]),
        family("RES", 6, &[]),
        family("LOG", 5, &[3, 4]),
        family("MET", 6, &[1, 2, 3, 4, 5, 6]),
        family("TRC", 7, &[1, 2, 3, 4, 5, 6, 7]),
        family("OPR", 14, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        family("SEC", 6, &[1, 2, 3, 4, 5, 6]),
        family("DEP", 5, &[1, 2, 3, 4, 5]),
    ],
};

const fn family(prefix: &'static str, last: u16, pending: &'static [u16]) -> Family {
    Family {
        prefix,
        last,
        pending,
    }
}

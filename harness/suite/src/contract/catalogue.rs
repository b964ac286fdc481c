//! This platform's catalogue: components, capabilities and the clauses of its contract.

use conformance_engine::catalogue::{Catalogue, Component as Entry, Family};
use conformance_engine::features::cases::Case;

use super::components::Component;
use super::components::gateway::GATEWAY;
use super::components::user_service::USER_SERVICE;

/// Every component that this version judges.
pub const COMPONENTS: &[&Component] = &[&USER_SERVICE, &GATEWAY];

impl Component {
    /// The component that a case judges, if this version judges it.
    pub fn of(case: &Case) -> Option<&'static Self> {
        COMPONENTS
            .iter()
            .copied()
            .find(|it| it.name == case.component)
    }
}

/// Components of the contract that this version cannot judge yet.
const UNJUDGED: &[&str] = &["operator"];

/// What this suite declares of itself.
pub const CATALOGUE: Catalogue = Catalogue {
    contract: "1",
    components: &ENTRIES,
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
        family("STR", 6, &[]),
        family("GRP", 5, &[]),
        family("GWY", 9, &[]),
        family("RES", 6, &[]),
        family("LOG", 5, &[]),
        family("MET", 6, &[]),
        family("TRC", 7, &[]),
        family("OPR", 14, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        family("SEC", 6, &[1, 2, 3, 4, 5, 6]),
        family("DEP", 5, &[1, 2, 3, 4, 5]),
    ],
};

const ENTRIES: [Entry; COMPONENTS.len() + UNJUDGED.len()] = entries();

const fn entries() -> [Entry; COMPONENTS.len() + UNJUDGED.len()] {
    let mut entries = [Entry {
        name: "",
        judged: false,
    }; COMPONENTS.len() + UNJUDGED.len()];
    let mut index = 0;
    while index < entries.len() {
        entries[index] = if index < COMPONENTS.len() {
            Entry {
                name: COMPONENTS[index].name,
                judged: true,
            }
        } else {
            Entry {
                name: UNJUDGED[index - COMPONENTS.len()],
                judged: false,
            }
        };
        index += 1;
    }
    entries
}

const fn family(prefix: &'static str, last: u16, pending: &'static [u16]) -> Family {
    Family {
        prefix,
        last,
        pending,
    }
}

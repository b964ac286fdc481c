//! Scenarios that need not kill a mutant, by name, each with the reason.

/// A scenario by its name (an outline's by the part before its first column), and why.
pub type Exemption = (&'static str, &'static str);

/// Scenarios that no mutant of their clause fails.
pub const FROM_KILLING: &[Exemption] = &[(
    "A body with two different lengths does no harm to others",
    "what the reference's HTTP library refuses reaches nothing that could be made wrong",
)];

const STAND_IN: &str =
    "the stand-in answers, and the command exits with 0 as it does for everything";
const AT_ONCE: &str = "a program without work that a signal ends at once has ended gracefully";

/// Scenarios that a standing mutant passes.
pub const FROM_STANDING: &[Exemption] = &[
    ("`healthcheck` exits with 0 when /health answers", STAND_IN),
    ("`healthcheck` waits for an answer that takes 3 s", STAND_IN),
    (
        "What is served on METRICS_PORT is served on all interfaces",
        "what metrics hold is not judged yet, so that 200 is all that counts",
    ),
    ("SIGTERM ends a program that has nothing to do", AT_ONCE),
    ("SIGINT ends a program that has nothing to do", AT_ONCE),
    (
        "The program ends in time though an idle connection is open to every port",
        AT_ONCE,
    ),
    (
        "The program ends in time though half a request was sent to every port",
        AT_ONCE,
    ),
    (
        "The program ends in time though every resource is hung",
        AT_ONCE,
    ),
    (
        "0 users in pages of 10 end with page 1",
        "an empty answer is the right one",
    ),
];

/// Whether the scenario is exempt by this list.
pub fn exempt(list: &[Exemption], name: &str) -> bool {
    list.iter().any(|(prefix, _)| name.starts_with(prefix))
}

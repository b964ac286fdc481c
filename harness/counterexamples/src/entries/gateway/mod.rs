//! Wrong gateways, by area.

mod api;
mod breaker;
mod connections;
mod follows;
mod resilience;

use gateway::parts::Parts;
use gateway::rules::Rules;
use gateway::settings::Settings;

use crate::entry::{Entry, How, Variables};

/// What is wrong with a user service in the same way, by its name there.
const TWINS: &[&str] = &[];

/// Every wrong gateway; `others` are those of the user service.
pub fn entries(others: &[Entry]) -> Vec<Entry> {
    let has_twin = |it: &&Entry| TWINS.contains(&it.id.as_ref());
    let twins = others.iter().filter(has_twin).filter_map(Entry::twin);
    let mut all: Vec<Entry> = twins.collect();
    all.extend(api::entries());
    all.extend(resilience::entries());
    all.extend(breaker::entries());
    all.extend(connections::entries());
    all.extend(follows::entries());
    all
}

/// An entry with other rules.
fn rules(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    spoil: impl FnOnce(&mut Rules) + 'static,
) -> Entry {
    parts(id, clause, wrong, |settings| {
        let mut rules = Rules::default();
        spoil(&mut rules);
        Parts::with_rules(settings, rules)
    })
}

/// An entry that replaces a part.
fn parts_with(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    spoil: impl FnOnce(&mut Parts) + 'static,
) -> Entry {
    parts(id, clause, wrong, |settings| {
        let mut parts = Parts::contract(settings);
        spoil(&mut parts);
        parts
    })
}

/// An entry that changes the environment before anything reads it.
fn environment(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    spoil: fn(&mut Variables),
) -> Entry {
    Entry::of_gateway(id, clause, wrong, How::Environment(spoil))
}

/// An entry that is put together otherwise.
fn parts(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    assemble: impl FnOnce(&Settings) -> Parts + 'static,
) -> Entry {
    Entry::of_gateway(id, clause, wrong, How::Gateway(Box::new(assemble)))
}

//! Lists the step functions of a suite, as registered by cucumber's attributes.

use cucumber::codegen::{StepConstructor, WorldInventory, inventory};

/// The definition of a step: an attribute of a step function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepDefinition {
    /// The kind: `Given`, `When` or `Then`.
    pub kind: &'static str,
    /// The regular expression that steps must match.
    pub regex: String,
    /// File and line of the attribute: `src/steps/users.rs:12`.
    pub location: String,
}

/// All step definitions of a world.
pub fn step_definitions<W: WorldInventory + std::fmt::Debug>() -> Vec<StepDefinition>
where
    W::Given: inventory::Collect + StepConstructor<W>,
{
    fn definition<W>(kind: &'static str, constructor: &impl StepConstructor<W>) -> StepDefinition {
        let (location, regex, _) = constructor.inner();
        StepDefinition {
            kind,
            regex: regex().as_str().to_owned(),
            location: format!("{}:{}", location.path, location.line),
        }
    }
    let given = inventory::iter::<W::Given>
        .into_iter()
        .map(|constructor| definition("Given", constructor));
    let when = inventory::iter::<W::When>
        .into_iter()
        .map(|constructor| definition("When", constructor));
    let then = inventory::iter::<W::Then>
        .into_iter()
        .map(|constructor| definition("Then", constructor));
    let mut definitions: Vec<_> = given.chain(when).chain(then).collect();
    definitions.sort();
    definitions
}

//! The step functions of a suite, as its world collects them.

use cucumber::codegen::{StepConstructor, WorldInventory, inventory};

/// A step function of the suite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// `Given`, `When` or `Then`.
    pub kind: &'static str,
    /// Its regular expression.
    pub regex: String,
    /// `src/steps/users.rs:12`.
    pub location: String,
}

/// Every step function of a world.
pub fn patterns<W: WorldInventory + std::fmt::Debug>() -> Vec<Pattern>
where
    W::Given: inventory::Collect + StepConstructor<W>,
{
    fn pattern<W>(kind: &'static str, it: &impl StepConstructor<W>) -> Pattern {
        let (location, regex, _) = it.inner();
        Pattern {
            kind,
            regex: regex().as_str().to_owned(),
            location: format!("{}:{}", location.path, location.line),
        }
    }
    let given = inventory::iter::<W::Given>
        .into_iter()
        .map(|it| pattern("Given", it));
    let when = inventory::iter::<W::When>
        .into_iter()
        .map(|it| pattern("When", it));
    let then = inventory::iter::<W::Then>
        .into_iter()
        .map(|it| pattern("Then", it));
    let mut patterns: Vec<_> = given.chain(when).chain(then).collect();
    patterns.sort();
    patterns
}

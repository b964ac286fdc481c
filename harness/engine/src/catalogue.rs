//! A platform's suite as data: components, capabilities, clauses.

/// A platform, as its suite describes it.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    /// The contract's version, as `subject.contract` of a manifest names it.
    pub contract: &'static str,
    /// The programs that an implementation may consist of.
    pub components: &'static [Component],
    /// What an implementation may declare beyond the core.
    pub capabilities: &'static [&'static str],
    /// The contract's clauses, by family.
    pub families: &'static [Family],
}

/// One program of the platform.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// As manifests and tags name it.
    pub name: &'static str,
    /// Whether this version of the suite can judge it.
    pub judged: bool,
}

/// The clauses whose ids share a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// `USR` of `USR-7`.
    pub prefix: &'static str,
    /// The highest number in use; numbers begin at 1 and leave no gap.
    pub last: u16,
    /// Numbers of clauses whose scenarios are still to be written: no verdict claims them.
    pub pending: &'static [u16],
}

/// The tag of scenarios that every judged component has to pass.
pub const EVERY_COMPONENT: &str = "every-component";

impl Catalogue {
    /// The components that a scenario with these tags judges: those that the tags name, or all with
    /// [`EVERY_COMPONENT`].
    pub fn owners(&self, tags: &[String]) -> Vec<&'static str> {
        let every = tags.iter().any(|tag| tag == EVERY_COMPONENT);
        let named = |component: &&Component| tags.iter().any(|tag| tag == component.name);
        self.components
            .iter()
            .filter(|component| named(component) || (every && component.judged))
            .map(|component| component.name)
            .collect()
    }

    /// The component of that name.
    pub fn component(&self, name: &str) -> Option<&'static Component> {
        self.components.iter().find(|it| it.name == name)
    }

    /// Every clause id, in the contract's order.
    pub fn clauses(&self) -> impl Iterator<Item = String> {
        self.families.iter().flat_map(|family| {
            (1..=family.last).map(|number| format!("{}-{number}", family.prefix))
        })
    }

    /// The clauses that have no scenario yet.
    pub fn pending(&self) -> Vec<String> {
        self.families
            .iter()
            .flat_map(|family| {
                family
                    .pending
                    .iter()
                    .map(|number| format!("{}-{number}", family.prefix))
            })
            .collect()
    }

    /// Whether the contract has this clause.
    pub fn has_clause(&self, id: &str) -> bool {
        self.clauses().any(|it| it == id)
    }
}

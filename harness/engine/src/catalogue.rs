//! A platform's suite as data: components, capabilities, clauses.

/// The description of a platform by its suite.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    /// The contract's version, the value of `subject.contract` in a manifest.
    pub contract: &'static str,
    /// The programs of which an implementation may consist.
    pub components: &'static [Component],
    /// Optional features that an implementation may declare.
    pub capabilities: &'static [&'static str],
    /// The contract's clauses, by family.
    pub families: &'static [Family],
}

/// One program of the platform.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// The name in manifests and tags: `user-service`.
    pub name: &'static str,
    /// Whether this version of the suite can judge the component.
    pub judged: bool,
}

/// The clauses whose ids share a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The part of the id before the number: `USR` of `USR-7`.
    pub prefix: &'static str,
    /// The highest number in use; numbers start at 1 without gaps.
    pub last: u16,
    /// Numbers of clauses without scenarios yet; no verdict covers them.
    pub pending: &'static [u16],
}

/// The tag of scenarios that are run for every judged component.
pub const EVERY_COMPONENT: &str = "every-component";

impl Catalogue {
    /// The components for which a scenario with these tags is run: those that the tags name, or all with
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

    /// The component with this name.
    pub fn component(&self, name: &str) -> Option<&'static Component> {
        self.components
            .iter()
            .find(|component| component.name == name)
    }

    /// All clause ids, in the contract's order.
    pub fn clauses(&self) -> impl Iterator<Item = String> {
        self.families.iter().flat_map(|family| {
            (1..=family.last).map(|number| format!("{}-{number}", family.prefix))
        })
    }

    /// The ids of clauses without scenarios yet.
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

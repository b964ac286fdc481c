//! Sample cases for the tests of this module.

use std::sync::Arc;

use gherkin::{LineCol, Span, Step, StepType};

use crate::features::cases::Case;

/// A case without steps.
pub(super) fn case(name: &str, tags: &[&str]) -> Arc<Case> {
    Arc::new(Case {
        clause: "SHP-1".to_owned(),
        title: "A title".to_owned(),
        text: "The clause.".to_owned(),
        component: "shop".to_owned(),
        name: name.to_owned(),
        feature: "shop.feature".to_owned(),
        line: 3,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        steps: Vec::new(),
    })
}

/// A case with these steps.
pub(super) fn case_with_steps(name: &str, tags: &[&str], steps: &[&str]) -> Arc<Case> {
    let mut case = case(name, tags);
    let step = |(number, text): (usize, &&str)| Step {
        keyword: "When ".to_owned(),
        ty: StepType::When,
        value: (*text).to_owned(),
        docstring: None,
        table: None,
        span: Span { start: 0, end: 0 },
        position: LineCol {
            line: number + 4,
            col: 1,
        },
    };
    Arc::make_mut(&mut case).steps = steps.iter().enumerate().map(step).collect();
    case
}

//! GRP-2, GRP-3: gRPC reflection, deadlines and messages.
//!
//! - [`reflection`]: the reflection service (GRP-2)
//! - [`calls`]: deadlines, limits and invalid messages (GRP-3)

mod calls;
mod reflection;

use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    [reflection::mutants(), calls::deadlines(), calls::messages()]
        .into_iter()
        .flatten()
        .collect()
}

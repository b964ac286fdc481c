//! USR-1, USR-7 to USR-12, USR-15: single users and what reads return.

mod ids;
mod owners;
pub mod reads;
mod single_instance;
mod timestamps;
mod updates;

use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    [
        single_instance::mutants(),
        owners::mutants(),
        ids::mutants(),
        updates::mutants(),
        timestamps::mutants(),
        reads::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! The suite tested as a whole, by the commands that a user types.
//!
//! - [`manifest`]: what is wrong with a manifest
//! - [`selection`]: what is selected, listed and explained
//! - [`features`]: what is wrong with features; lint
//! - [`subject`]: programs that do not start, do not get ready, or misbehave
//! - [`backends`]: backends that are missing, wrong, or die
//! - [`doctor`]: `doctor` reports what would fail a run
//! - [`external_redis`]: a Redis server that already runs
//! - [`ending`]: a run leaves nothing behind, however it ends
//! - [`support`]: a folder of its own for each test, and what a run left behind

mod backends;
mod containers;
mod doctor;
mod ending;
mod external_redis;
mod features;
mod manifest;
mod selection;
mod subject;
mod support;

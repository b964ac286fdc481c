//! This platform's conformance suite: the library behind the program `conformance`.
//!
//! In the order of layers: a module uses only those above it.
//!
//! - `contract`: the catalogue, and what each component serves and depends on
//! - `placeholders`, `field_value`, `params`: how features write texts, fields and parameters
//! - `model`: users as the contract describes them, without a service
//! - `checks`: pure judgements of what was observed
//! - `drivers`: verbs of the domain
//! - `doubles`: what stands in for a peer
//! - `environment`: what scenarios share and own: backends, deployments, dependencies
//! - `properties`: statements about all inputs
//! - `world`: what one scenario owns
//! - `steps`: what the features' sentences do
//! - `features`: the specification, inside the binary
//! - `session`: one run, from the request to the exit status
//! - `self_check`: every wrong program against the scenarios of its clause
//! - [`cli`]: arguments in, exit status out

mod checks;
pub mod cli;
mod contract;
mod doubles;
mod drivers;
mod environment;
mod features;
mod field_value;
mod model;
mod params;
mod placeholders;
mod properties;
mod self_check;
mod session;
mod steps;
mod world;

//! What stands in for a peer.
//!
//! - [`fake_health_endpoint`]: answers `/health` with a given status
//! - [`user_service`]: a user service that answers by the contract or by a script

pub mod fake_health_endpoint;
pub mod user_service;

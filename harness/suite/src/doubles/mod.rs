//! What stands in for a peer.
//!
//! - [`stand_in`]: a program that answers `/health` as it is told
//! - [`user_service`]: a user service that answers as the contract says, or as it is told

pub mod stand_in;
pub mod user_service;

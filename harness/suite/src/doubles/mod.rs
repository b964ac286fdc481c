//! What stands in for a peer.
//!
//! - [`stand_in`]: a program that answers `/health` as it is told
//! - [`user_service`]: a user service that answers as the contract says, or as it is told

pub mod stand_in;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the gateway's steps are to use it")
)]
pub mod user_service;

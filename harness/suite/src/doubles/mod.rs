//! What stands in for a peer.
//!
//! - [`stand_in`]: a program that answers `/health` as it is told

pub mod stand_in;

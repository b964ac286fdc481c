//! A user service that answers as the contract says: what a gateway under test has behind it.
//!
//! - [`store`]: what the contract answers, over users in memory

mod store;

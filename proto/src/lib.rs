//! The wire interface of the user service.
//!
//! - [`v1`]: messages, client and server of `user.v1.UserService`, generated from `user.proto`
//! - [`FILE_DESCRIPTOR_SET`]: the same interface as data, for reflection

/// Package `user.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("user.v1");
}

/// The encoded `FileDescriptorSet` of `user/v1/user.proto` and of what it imports.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/user.v1.bin"));

/// Full name of the service, as reflection, health and traces show it.
pub const SERVICE_NAME: &str = "user.v1.UserService";

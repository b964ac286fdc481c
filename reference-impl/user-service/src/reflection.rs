//! The interface as data, for clients that ask for it (GRP-2).

use prost_types::FileDescriptorSet;
use tonic::service::Routes;
use tonic_reflection::server::Builder;

/// Every file that reflection shows: the users' interface, and that of gRPC's health.
fn descriptors() -> Vec<FileDescriptorSet> {
    [
        user_proto::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
    ]
    .into_iter()
    .map(|encoded| prost::Message::decode(encoded).expect("the build encoded them"))
    .collect()
}

/// Adds reflection, in the version that clients use and in the one before.
pub fn add(routes: Routes) -> Routes {
    const WHOLE: &str = "what the files import is among them";
    let builder = || {
        let files = descriptors().into_iter();
        files.fold(Builder::configure(), Builder::register_file_descriptor_set)
    };
    routes
        .add_service(builder().build_v1().expect(WHOLE))
        .add_service(builder().build_v1alpha().expect(WHOLE))
}

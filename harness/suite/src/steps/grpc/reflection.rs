//! Compares the interface that gRPC server reflection reports with user.proto (GRP-2).

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::{then, when};
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::checks::all;
use crate::checks::interface::{Part, disagreements, statements};
use crate::drivers::reflection::Reflection;
use crate::world::World;

/// The package of the interface.
const PACKAGE: &str = "user.v1";

async fn client(world: &mut World) -> StepResult<Reflection> {
    let journal = world.scenario.journal.clone();
    let url = world.deployment().await?.slot(0)?.grpc_url()?;
    Reflection::connect(&url, &journal)
}

/// The interface as it is compiled into the suite.
fn wanted() -> StepResult<Vec<FileDescriptorProto>> {
    FileDescriptorSet::decode(user_proto::FILE_DESCRIPTOR_SET)
        .map(|it| it.file)
        .map_err(Failure::broken)
}

#[when("reflection is queried for the services")]
async fn queried_for_services(world: &mut World) -> StepResult {
    world.grpc.services = client(world).await?.services().await?;
    Ok(())
}

#[then(regex = r#"^it lists "(.+)"$"#)]
async fn it_lists(world: &mut World, name: String) -> StepResult {
    let services = &world.grpc.services;
    ensure(services.contains(&name), name, format!("{services:?}"))
}

#[when("reflection is queried for every symbol of user.proto")]
async fn queried_for_symbols(world: &mut World) -> StepResult {
    let client = client(world).await?;
    // An implementation may distribute symbols over files as it likes, so each symbol is requested.
    let symbols = statements(&wanted()?, PACKAGE)
        .into_iter()
        .filter_map(|(part, it)| match part {
            Part::Services => it.split_once('/').map(|(service, _)| service.to_owned()),
            // Nested types come with the type that contains them.
            Part::Messages => (it.matches('.').count() == 2).then_some(it),
            Part::Values => it.rsplit_once('.').map(|(name, _)| name.to_owned()),
            Part::Fields => None,
        });
    for symbol in symbols.collect::<BTreeSet<_>>() {
        let files = client.files(&symbol).await?;
        world.grpc.files.push((symbol, files));
    }
    Ok(())
}

#[then(
    regex = r"^the descriptors have the (services and methods|messages|fields|values of enums) of user.proto$"
)]
async fn the_descriptors_have(world: &mut World, what: String) -> StepResult {
    let part = Part::by_words(&what);
    let part = part.ok_or_else(|| Failure::broken(format!("unknown part {what:?}")))?;
    let answers = &world.grpc.files;
    ensure(!answers.is_empty(), "answers of reflection", "none")?;
    let (wrong, count) = disagreements(&wanted()?, answers, PACKAGE, part);
    let expected = format!("the {what} of user.proto in every answer");
    all(&expected, wrong, count)
}

//! Access by a feature flag (CFG-10).

use conformance_engine::failure::{StepResult, ensure};
use cucumber::{given, then};

use crate::checks::all;
use crate::drivers::Code;
use crate::drivers::streams::callers;
use crate::drivers::users::shown;
use crate::world::World;

/// Ids that no other scenario uses.
fn ids(world: &World, count: usize) -> Vec<Option<String>> {
    let id = |number| Some(format!("caller-{number}-{}", world.scenario.id));
    (0..count).map(id).collect()
}

/// Whether StreamUsers is open for each of the ids; a refusal must be UNIMPLEMENTED.
async fn open_for(
    world: &mut World,
    instance: usize,
    ids: &[Option<String>],
) -> StepResult<Vec<bool>> {
    let url = world.deployment().await?.slot(instance)?.grpc_url()?;
    let answers = callers(&url, ids, &world.scenario).await?;
    let strange = answers.iter().flatten();
    let strange = strange.filter(|it| it.code() != Code::Unimplemented);
    let expected = "a stream that is open, or UNIMPLEMENTED";
    all(expected, strange.map(shown).collect(), answers.len())?;
    Ok(answers.iter().map(Option::is_none).collect())
}

#[then(regex = r"^of (\d+) callers StreamUsers is open for (\d+) to (\d+)$")]
async fn share(world: &mut World, count: usize, least: usize, most: usize) -> StepResult {
    let ids = ids(world, count);
    let open = open_for(world, 0, &ids).await?;
    let open = open.into_iter().filter(|it| *it).count();
    ensure(
        (least..=most).contains(&open),
        format!("of {count} callers, {least} to {most} get a stream"),
        format!("{open} do"),
    )
}

#[given(regex = r"^StreamUsers was called by (\d+) callers on both instances$")]
async fn called_on_both(world: &mut World, count: usize) -> StepResult {
    let ids = ids(world, count);
    let first = open_for(world, 0, &ids).await?;
    let second = open_for(world, 1, &ids).await?;
    same(&first, &second, "on the second instance")?;
    ensure(
        first.contains(&true) && first.contains(&false),
        "some callers get a stream, and some do not",
        "all get the same answer",
    )?;
    world.streams.before = first;
    Ok(())
}

#[then("each caller gets the same answer again on both instances")]
async fn same_again(world: &mut World) -> StepResult {
    let ids = ids(world, world.streams.before.len());
    for instance in [0, 1] {
        let again = open_for(world, instance, &ids).await?;
        same(&world.streams.before, &again, "afterwards")?;
    }
    Ok(())
}

fn same(before: &[bool], after: &[bool], when: &str) -> StepResult {
    let others = before.iter().zip(after).enumerate();
    let wrong = others.filter(|(_, (before, after))| before != after);
    let wrong = wrong.map(|(number, _)| format!("caller {number} gets another {when}"));
    all(
        "each caller gets the same answer",
        wrong.collect(),
        before.len(),
    )
}

#[then(
    regex = r"^StreamUsers is (open|UNIMPLEMENTED) for a caller (without an id|with an empty id|with any id)$"
)]
async fn for_a_caller(world: &mut World, wanted: String, who: String) -> StepResult {
    let ids = match who.as_str() {
        "without an id" => vec![None],
        "with an empty id" => vec![Some(String::new())],
        _ => ids(world, 100),
    };
    let open = open_for(world, 0, &ids).await?;
    let wrong = open.iter().filter(|it| **it != (wanted == "open"));
    let wrong = wrong.map(|is_open| if *is_open { "open" } else { "UNIMPLEMENTED" }.to_owned());
    let expected = format!("StreamUsers is {wanted} for a caller {who}");
    all(&expected, wrong.collect(), open.len())
}

//! Ports and starts.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{Journal, eventually};
use cucumber::{given, then, when};

use crate::checks::all;
use crate::drivers::health_service::HealthService;
use crate::drivers::probes;
use crate::environment::deployment::{Deployment, Settings};
use crate::params::Span;
use crate::world::World;
use crate::world::process::PortHolder;

/// The ports that scenarios of this run hold now: two scenarios may hold the same port, and the last one releases it.
static HELD: LazyLock<Mutex<HashMap<u16, Weak<PortHolder>>>> = LazyLock::new(Mutex::default);

/// Time limit for a port to be taken.
const TAKE_LIMIT: Duration = Duration::from_secs(5);

fn hold(port: u16) -> Arc<PortHolder> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(holder) = held.get(&port).and_then(Weak::upgrade) {
        return holder;
    }
    let task = tokio::spawn(async move {
        // The listener of another process holds the port as well, as long as it exists.
        let mut polls = tokio::time::interval(Duration::from_millis(20));
        let _kept = loop {
            polls.tick().await;
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
                break listener;
            }
        };
        std::future::pending::<()>().await;
    });
    let holder = Arc::new(PortHolder {
        task: task.abort_handle(),
    });
    held.insert(port, Arc::downgrade(&holder));
    holder
}

#[given(regex = r"^port (\d+) is taken$")]
async fn port_is_taken(world: &mut World, port: u16) -> StepResult {
    take(world, port).await
}

/// Holds the port for the scenario, and waits until it is taken.
async fn take(world: &mut World, port: u16) -> StepResult {
    world.process.held.push(hold(port));
    eventually(
        format!("port {port} is taken"),
        TAKE_LIMIT,
        async || match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
            Ok(_) => Err("it is free"),
            Err(_) => Ok(()),
        },
    )
    .await
    .map_err(Failure::broken)
}

#[given(regex = r"^the ((?:[A-Z]+_)?PORT) is held by another (instance|program)$")]
async fn port_is_held(world: &mut World, variable: String, holder: String) -> StepResult {
    if holder == "instance" {
        return share_port(world.own()?, &variable).await;
    }
    let port = world.own()?.slot(0)?.port(&variable)?;
    take(world, port).await
}

/// Starts another instance, and gives the first slot the port of that one.
async fn share_port(deployment: &mut Deployment, variable: &str) -> StepResult {
    let other = deployment.start_ready().await?;
    let port = deployment.slot(other)?.port(variable)?;
    let mut settings = Settings::default();
    settings.set(variable, port.to_string());
    deployment.set_slot(0, &settings);
    Ok(())
}

#[when("the program is started")]
async fn is_started(world: &mut World) -> StepResult {
    world.own()?.start(0).await
}

#[when("the program is started as `serve`")]
async fn is_started_as_serve(world: &mut World) -> StepResult {
    world.own()?.start_with(0, &["serve"]).await
}

#[given("the program was started and is ready")]
async fn started_and_ready(world: &mut World) -> StepResult {
    let deployment = world.own()?;
    deployment.start(0).await?;
    deployment.ready(0).await
}

#[given("every instance was killed")]
async fn every_instance_was_killed(world: &mut World) -> StepResult {
    for slot in world.own()?.slots() {
        slot.instance()?.kill().await;
    }
    world.forget_clients();
    Ok(())
}

#[given("every instance was killed and started again")]
#[when("every instance is killed and started again")]
async fn killed_and_started_again(world: &mut World) -> StepResult {
    every_instance_was_killed(world).await?;
    let deployment = world.own()?;
    for index in 0..deployment.slots().len() {
        deployment.start(index).await?;
        deployment.ready(index).await?;
    }
    Ok(())
}

#[when("the first instance is killed")]
async fn first_is_killed(world: &mut World) -> StepResult {
    world.own()?.slot(0)?.instance()?.kill().await;
    Ok(())
}

#[then(regex = r"^the program stops within (\d+ s), with an exit status other than 0$")]
async fn stops(world: &mut World, limit: Span) -> StepResult {
    let limit = world.environment.stretch_start(limit.0);
    let instance = world.own()?.slot(0)?.instance()?;
    match tokio::time::timeout(limit, instance.wait_for_exit()).await {
        Ok(exit) => ensure(
            exit.code.is_some_and(|it| it != 0),
            "an exit status other than 0",
            exit,
        ),
        Err(_) => Err(Failure::mismatch(
            "a program that stops",
            format!("it still runs after {:.0} s", limit.as_secs_f64()),
        )),
    }
}

#[when(regex = r"^((?:[A-Z]+_)?PORT) is requested on two local addresses$")]
async fn is_requested_on_two_addresses(world: &mut World, variable: String) -> StepResult {
    let journal = world.scenario.journal.clone();
    let port = world.deployment().await?.slot(0)?.port(&variable)?;
    let mut answers = Vec::new();
    for host in ["127.0.0.1", "127.0.0.2"] {
        let url = format!("http://{host}:{port}");
        answers.push(request_port(&variable, &url, &journal).await?);
    }
    world.process.addresses = answers;
    Ok(())
}

/// Requests what the port of this variable serves.
async fn request_port(
    variable: &str,
    url: &str,
    journal: &Journal,
) -> StepResult<Result<(), String>> {
    Ok(match variable {
        "GRPC_PORT" => match HealthService::connect(url, journal)?.check("").await {
            Ok("SERVING") => Ok(()),
            other => Err(format!("{url}: {other:?}")),
        },
        // HLT-1 says what is served on PORT; what metrics hold is not judged yet.
        "PORT" => served(&format!("{url}/live"), "alive", journal).await,
        _ => served(&format!("{url}/metrics"), "", journal).await,
    })
}

/// Whether the page is there and holds the word.
async fn served(url: &str, word: &str, journal: &Journal) -> Result<(), String> {
    match probes::get_logged(url, journal).await {
        Ok(answer) if answer.status == 200 && answer.body.contains(word) => Ok(()),
        Ok(answer) => Err(format!("{url}: {}", answer.status)),
        Err(error) => Err(format!("{url}: {error}")),
    }
}

#[then("both addresses answer")]
async fn both_answer(world: &mut World) -> StepResult {
    let answers = &world.process.addresses;
    let wrong = answers.iter().filter_map(|it| it.clone().err()).collect();
    all("an answer on both addresses", wrong, answers.len())
}

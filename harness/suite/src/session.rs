//! One run, from what was asked to the exit status.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conformance_engine::backends::Backends;
use conformance_engine::backends::provider::Choice;
use conformance_engine::features::cases::{self, Case};
use conformance_engine::features::select::{Selected, Selection, select};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::report::{self, Timings};
use conformance_engine::run::assemble::{RunFacts, assemble};
use conformance_engine::run::execute::{self, Plan};
use conformance_engine::run::{deviations, scenario};
use conformance_engine::sandbox::Sandbox;
use cucumber::World as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::contract::catalogue::{CATALOGUE, COMPONENTS};
use crate::contract::components::Component;
use crate::environment::{Environment, cores};
use crate::features;
use crate::world::{Hooks, World};

/// Options of one run.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the command line, and any combination is allowed"
)]
pub struct RunRequest {
    /// Path of the manifest.
    pub manifest: PathBuf,
    /// A folder of features instead of the embedded ones.
    pub features: Option<PathBuf>,
    /// Which cases.
    pub selection: Selection,
    /// Where backends come from.
    pub backends: Choice,
    /// Scenarios at once; none means as many as fit the subject.
    pub jobs: Option<usize>,
    /// Seed of the scenario order and of generated inputs.
    pub seed: u64,
    /// For a slow machine.
    pub patience: Patience,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// A missing backend is accepted.
    pub allow_missing: bool,
    /// Where reports go.
    pub report: Option<PathBuf>,
    /// Say where the time went.
    pub timings: bool,
    /// Keep the folder of the run.
    pub keep: bool,
}

/// Runs and reports; answers the exit status.
pub fn run(request: &RunRequest) -> anyhow::Result<u8> {
    let manifest = Manifest::load(&request.manifest, &CATALOGUE)?;
    let documents = features::load(request.features.as_deref())?;
    let cases = cases::cases(&documents, &CATALOGUE);
    deviations::check(&manifest, &cases, &request.manifest.display().to_string())?;
    let selected = select(&cases, &request.selection, &manifest);
    ensure!(
        !(selected.run.is_empty() && selected.skipped.is_empty()),
        "the selection matches no scenario of {}; `conformance list` with the same options shows what it matches",
        manifest
            .components
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    );
    if let Some(folder) = &request.report {
        report::prepare(folder)?;
    }
    build(&manifest)?;
    scenario::quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(execute(request, manifest, &cases, selected))
}

/// Runs the manifest's `build` command, if there is one.
pub fn build(manifest: &Manifest) -> anyhow::Result<()> {
    let Some([program, arguments @ ..]) = manifest.build.as_deref() else {
        return Ok(());
    };
    let status = std::process::Command::new(program)
        .args(arguments)
        .current_dir(&manifest.folder)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run the manifest's build command {program:?}"))?;
    ensure!(
        status.success(),
        "the manifest's build command {program:?} failed: {status}"
    );
    Ok(())
}

async fn execute(
    request: &RunRequest,
    manifest: Manifest,
    cases: &[Arc<Case>],
    selected: Selected,
) -> anyhow::Result<u8> {
    let begun = Instant::now();
    let started_at = chrono::Utc::now();
    let cancel = cancel_on_signal()?;
    let home = Sandbox::create(request.keep)?;
    let backends = Rc::new(Backends::new(home, request.backends));
    let judged = components(&selected.run);
    let environment = Rc::new(Environment::new(
        manifest.clone(),
        backends.clone(),
        request.patience,
        judged.clone(),
    ));
    let progress = report::progress::Progress::begin(selected.run.len());
    let needed = backends_of(&judged);
    let mut plan = plan(request);
    let hooks = Rc::new(Hooks {
        environment: environment.clone(),
    });
    let executed = async {
        tokio::select! {
            () = backends.warm_up(&needed) => {}
            // A server that hangs holds up no ctrl-C.
            () = cancel.cancelled() => {}
        }
        let ready = begun.elapsed();
        if request.jobs.is_none() && selected.run.len() > plan.jobs {
            tokio::select! {
                jobs = environment.suitable_jobs() => {
                    plan.jobs = jobs;
                    let cost = environment.start_cost().as_secs_f64();
                    progress.tell(&format!("{jobs} scenarios at once; a start costs {cost:.2} s of a core"));
                }
                () = cancel.cancelled() => {}
            }
        }
        let steps = World::collection();
        let run = selected.run.clone();
        (
            ready,
            execute::execute(hooks, steps, run, &plan, &progress, &cancel).await,
        )
    };
    let (ready, executed) = executed.await;
    progress.end();
    let backend_infos = backends.infos();
    let phases = vec![
        ("backends up".to_owned(), ready),
        (
            "scenarios".to_owned(),
            begun.elapsed().saturating_sub(ready),
        ),
    ];
    environment.end().await;
    backends.end().await;
    let subjects_cpu = environment.subjects_cpu();
    let interrupted = cancel.is_cancelled();
    let facts = RunFacts {
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: CATALOGUE.contract.to_owned(),
        seed: request.seed,
        patience: request.patience,
        started_at,
        duration: begun.elapsed(),
        backends: backend_infos,
        unjudged: CATALOGUE.pending(),
        interrupted,
        fail_fast: request.fail_fast,
        allow_missing: request.allow_missing,
    };
    let run = assemble(facts, &manifest, cases, &selected, executed);
    let timings = request.timings.then(|| Timings {
        wall: begun.elapsed(),
        suite_cpu: used(nix::sys::resource::UsageWho::RUSAGE_SELF),
        subjects_cpu,
        backends_cpu: used(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)
            .saturating_sub(subjects_cpu),
        phases,
    });
    report::publish(&run, timings.as_ref(), request.report.as_deref())
}

/// The components that these cases judge.
pub fn components(cases: &[Arc<Case>]) -> Vec<&'static Component> {
    let has = |component: &&Component| cases.iter().any(|it| it.component == component.name);
    COMPONENTS.iter().copied().filter(has).collect()
}

/// The names of the backends that these components depend on.
pub fn backends_of(components: &[&'static Component]) -> Vec<&'static str> {
    let resources = components.iter().flat_map(|it| it.resources);
    resources.filter_map(|it| it.kind.backend()).collect()
}

fn plan(request: &RunRequest) -> Plan {
    let mut rerun = "conformance run".to_owned();
    if request.manifest != Path::new("conformance.toml") {
        rerun = format!("{rerun} --manifest '{}'", request.manifest.display());
    }
    Plan {
        jobs: request.jobs.unwrap_or_else(|| 2 * cores()),
        seed: request.seed,
        patience: request.patience,
        fail_fast: request.fail_fast,
        rerun,
    }
}

/// A token that the first SIGINT, SIGTERM or SIGHUP cancels.
pub fn cancel_on_signal() -> anyhow::Result<CancellationToken> {
    let cancel = CancellationToken::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind)?;
        let cancel = cancel.clone();
        tokio::spawn(async move {
            signals.recv().await;
            cancel.cancel();
        });
    }
    Ok(cancel)
}

fn used(who: nix::sys::resource::UsageWho) -> Duration {
    let Ok(usage) = nix::sys::resource::getrusage(who) else {
        return Duration::ZERO;
    };
    let seconds = |it: nix::sys::time::TimeVal| {
        Duration::from_secs(u64::try_from(it.tv_sec()).unwrap_or(0))
            + Duration::from_micros(u64::try_from(it.tv_usec()).unwrap_or(0))
    };
    seconds(usage.user_time()) + seconds(usage.system_time())
}

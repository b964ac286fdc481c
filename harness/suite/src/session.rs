//! One run, from what was asked to the exit status.
//!
//! - `build`: the manifest's own build
//! - `unstartable`: components that do not start at all

mod build;
mod unstartable;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use chrono::{DateTime, Utc};
use conformance_engine::backends::Backends;
use conformance_engine::backends::provider::Choice;
use conformance_engine::features::cases::{self, Case};
use conformance_engine::features::select::{Selected, Selection, select};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::report::progress::Progress;
use conformance_engine::report::recorder::Recorder;
use conformance_engine::report::{self, Timings};
use conformance_engine::run::assemble::{RunFacts, assemble};
use conformance_engine::run::execute::{self, Plan, Watcher, shell_quote};
use conformance_engine::run::model::RunReport;
use conformance_engine::run::outcome::ScenarioResult;
use conformance_engine::run::{deviations, scenario};
use conformance_engine::sandbox::{Sandbox, descriptors};
use conformance_engine::subject;
use cucumber::World as _;
use nix::sys::resource::UsageWho;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::contract::catalogue::{CATALOGUE, COMPONENTS};
use crate::contract::components::Component;
use crate::environment::{Environment, cores};
use crate::features;
use crate::world::{Hooks, World};

/// A signal ended the run before a scenario could begin.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before the first scenario")]
pub struct Interrupted;

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
    let Some(folder) = &request.report else {
        return judge(request);
    };
    report::prepare_folder(folder)?;
    judge(request).inspect_err(|error| {
        let trouble = format!("{error:#}");
        let version = env!("CARGO_PKG_VERSION");
        let run = RunReport::without_scenarios(version, CATALOGUE.contract, trouble);
        // The error is printed either way; a folder that cannot be written holds nothing old.
        let _ = report::write_files(&run, folder);
    })
}

fn judge(request: &RunRequest) -> anyhow::Result<u8> {
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
    scenario::silence_scenario_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(execute(request, manifest, &cases, selected))
}

async fn execute(
    request: &RunRequest,
    manifest: Manifest,
    cases: &[Arc<Case>],
    selected: Selected,
) -> anyhow::Result<u8> {
    let started = Started::now();
    let cancel = cancel_on_signal()?;
    let sandbox = Sandbox::create(request.keep)?;
    let judged = components(&selected.run);
    if !build::run(&manifest, &sandbox, &cancel).await? {
        sandbox.finish().await;
        bail!(Interrupted);
    }
    for component in &judged {
        subject::create_subject(&manifest, component.name, &sandbox)?.check()?;
    }
    let backends = Rc::new(Backends::new(sandbox, request.backends));
    let environment = Rc::new(Environment::new(
        manifest.clone(),
        backends.clone(),
        request.patience,
        judged.clone(),
    ));
    let progress = Progress::start(selected.run.len());
    let recorder = Recorder::start(&progress, request.report.clone(), |results| {
        let facts = facts(request, &started, &backends, true);
        assemble(facts, &manifest, cases, &selected, results)
    });
    let needed = backends_of(&judged);
    tokio::select! {
        () = backends.warm_up(&needed) => {}
        // A server that hangs holds up no ctrl-C.
        () = cancel.cancelled() => {}
    }
    let ready = started.instant.elapsed();
    let watchers = (&progress, &recorder);
    let executed = scenarios(request, &environment, &selected.run, watchers, &cancel).await;
    progress.finish();
    recorder.finish().await;
    let interrupted = cancel.is_cancelled();
    let facts = facts(request, &started, &backends, interrupted);
    environment.end().await;
    backends.stop().await;
    let run = assemble(facts, &manifest, cases, &selected, executed);
    let timings = request
        .timings
        .then(|| timings(&started, ready, environment.subjects_cpu()));
    report::publish(&run, timings.as_ref(), request.report.as_deref())
}

/// When a run began.
struct Started {
    at: DateTime<Utc>,
    instant: Instant,
}

impl Started {
    fn now() -> Self {
        Self {
            at: Utc::now(),
            instant: Instant::now(),
        }
    }
}

/// Runs the selected cases. In a run of many, a component that cannot be started at all fails one of its scenarios, and
/// the others are not run.
async fn scenarios(
    request: &RunRequest,
    environment: &Rc<Environment>,
    cases: &[Arc<Case>],
    (progress, watcher): (&Progress, &impl Watcher),
    cancel: &CancellationToken,
) -> Vec<ScenarioResult> {
    let mut plan = plan(request);
    let mut run = cases.to_vec();
    let mut results = Vec::new();
    if cases.len() > plan.jobs {
        let unstartable = tokio::select! {
            unstartable = environment.unstartable() => unstartable,
            () = cancel.cancelled() => Vec::new(),
        };
        for (component, failure) in unstartable {
            let (of_component, others) = run.into_iter().partition(|it| it.component == component);
            run = others;
            results.extend(unstartable::results(of_component, &failure, &plan));
        }
        for result in &results {
            watcher.finished(result);
        }
        if request.jobs.is_none() {
            tokio::select! {
                jobs = environment.suitable_jobs() => {
                    plan.jobs = jobs.min(descriptors::max_scenarios());
                    let cost = environment.start_cost().as_millis();
                    progress.print_line(&format!(
                        "{} scenarios at once; a start costs {cost} ms of a core",
                        plan.jobs
                    ));
                }
                () = cancel.cancelled() => {}
            }
        }
    }
    let hooks = Rc::new(Hooks {
        environment: environment.clone(),
    });
    let steps = World::collection();
    results.extend(execute::execute(hooks, steps, run, &plan, watcher, cancel).await);
    results
}

fn facts(
    request: &RunRequest,
    started: &Started,
    backends: &Backends,
    interrupted: bool,
) -> RunFacts {
    RunFacts {
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: CATALOGUE.contract.to_owned(),
        seed: request.seed,
        patience: request.patience,
        started_at: started.at,
        duration: started.instant.elapsed(),
        backends: backends.infos(),
        unjudged: CATALOGUE.pending(),
        interrupted,
        fail_fast: request.fail_fast,
        allow_missing: request.allow_missing,
    }
}

fn timings(started: &Started, ready: Duration, subjects_cpu: Duration) -> Timings {
    let wall = started.instant.elapsed();
    Timings {
        wall,
        suite_cpu: used(UsageWho::RUSAGE_SELF),
        subjects_cpu,
        backends_cpu: used(UsageWho::RUSAGE_CHILDREN).saturating_sub(subjects_cpu),
        phases: vec![
            ("backends up".to_owned(), ready),
            ("scenarios".to_owned(), wall.saturating_sub(ready)),
        ],
    }
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
    let mut add = |option: &str, value: &str| {
        rerun = format!("{rerun} --{option} {}", shell_quote(value));
    };
    if request.manifest != Path::new("conformance.toml") {
        add("manifest", &request.manifest.to_string_lossy());
    }
    if let Some(features) = &request.features {
        add("features", &features.to_string_lossy());
    }
    if request.patience.factor() > 1.0 {
        add("patience", &request.patience.factor().to_string());
    }
    match request.backends {
        Choice::Auto => {}
        Choice::Process => add("backends", "process"),
        Choice::Container => add("backends", "container"),
    }
    Plan {
        jobs: request
            .jobs
            .unwrap_or_else(|| 2 * cores())
            .min(descriptors::max_scenarios()),
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

fn used(who: UsageWho) -> Duration {
    let Ok(usage) = nix::sys::resource::getrusage(who) else {
        return Duration::ZERO;
    };
    let seconds = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(u64::try_from(time.tv_sec()).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or(0))
    };
    seconds(usage.user_time()) + seconds(usage.system_time())
}

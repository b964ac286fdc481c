//! One run, from what was asked to the exit status.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use conformance_engine::backends::provider::Choice;
use conformance_engine::features::cases::{self, Case};
use conformance_engine::features::select::{Selected, Selection, select};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::report::{self, Timings};
use conformance_engine::run::execute::{self, Plan, Watcher};
use conformance_engine::run::outcome::{Evidence, Outcome, RunReport, ScenarioResult, SubjectInfo};
use conformance_engine::run::{deviations, scenario, verdict};
use conformance_engine::sandbox::Sandbox;
use cucumber::World as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::contract::catalogue::{CATALOGUE, COMPONENTS};
use crate::contract::components::Component;
use crate::environment::{Backends, Environment, cores};
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
    let watcher = ProgressWatcher(&progress);
    let mut plan = plan(request);
    let hooks = Rc::new(Hooks {
        environment: environment.clone(),
    });
    let executed = async {
        tokio::select! {
            () = backends.warm_up(&judged) => {}
            // A server that hangs holds up no ctrl-C.
            () = cancel.cancelled() => {}
        }
        let ready = begun.elapsed();
        if request.jobs.is_none() && selected.run.len() > plan.jobs {
            tokio::select! {
                jobs = environment.suitable_jobs() => plan.jobs = jobs,
                () = cancel.cancelled() => {}
            }
        }
        let steps = World::collection();
        let run = selected.run.clone();
        (
            ready,
            execute::execute(hooks, steps, run, &plan, &watcher, &cancel).await,
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
    let whole = !interrupted && !request.fail_fast;
    let results = collect(&selected, executed, &manifest, whole);
    let mut deselected = unexecuted(&selected, &results);
    deselected.extend(selected.deselected.iter().cloned());
    let run = RunReport {
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: CATALOGUE.contract.to_owned(),
        patience: request.patience.factor(),
        subject: SubjectInfo {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
        },
        seed: request.seed,
        started_at,
        duration: begun.elapsed(),
        backends: backend_infos,
        verdicts: verdict::judge(&manifest, &results, &deselected, request.patience),
        scenarios: in_order(results, cases),
        unjudged: CATALOGUE.pending(),
        interrupted,
        allow_missing: request.allow_missing,
    };
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

struct ProgressWatcher<'a>(&'a report::progress::Progress);

impl Watcher for ProgressWatcher<'_> {
    fn started(&self, case: &Case) {
        self.0.started(case);
    }

    fn finished(&self, result: &ScenarioResult) {
        self.0.finished(result);
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

/// Results of all selected cases; with `whole`, a case without a result is an error.
fn collect(
    selected: &Selected,
    executed: Vec<ScenarioResult>,
    manifest: &Manifest,
    whole: bool,
) -> Vec<ScenarioResult> {
    let mut results = executed;
    if whole {
        let lost: Vec<_> = unexecuted(selected, &results);
        results.extend(lost.into_iter().map(|case| {
            let line = case.line;
            let evidence = Evidence {
                step: "the whole scenario".to_owned(),
                line,
                got: "the suite lost this scenario: it ended without a result".to_owned(),
                ..Evidence::default()
            };
            result(case, Outcome::Error, Some(evidence))
        }));
    }
    results.extend(selected.skipped.iter().map(|(case, reason)| {
        let reason = reason.clone();
        result(case.clone(), Outcome::Skipped { reason }, None)
    }));
    deviations::apply(manifest, &mut results);
    results
}

fn result(case: Arc<Case>, outcome: Outcome, evidence: Option<Evidence>) -> ScenarioResult {
    ScenarioResult {
        case,
        outcome,
        duration: Duration::ZERO,
        evidence,
        steps: Vec::new(),
    }
}

/// The cases without a result: those that were not selected, and those that an early end left out.
fn unexecuted(selected: &Selected, results: &[ScenarioResult]) -> Vec<Arc<Case>> {
    let has_result = |case: &Arc<Case>| results.iter().any(|it| Arc::ptr_eq(&it.case, case));
    selected
        .run
        .iter()
        .filter(|it| !has_result(it))
        .cloned()
        .collect()
}

fn in_order(mut results: Vec<ScenarioResult>, cases: &[Arc<Case>]) -> Vec<ScenarioResult> {
    results.sort_by_key(|it| cases.iter().position(|case| Arc::ptr_eq(case, &it.case)));
    results
}

//! Any sequence of calls, answers and abandoned calls agrees with the model of the breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance_engine::failure::StepResult;
use conformance_engine::observe::elapse;
use futures::FutureExt as _;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use tokio::task::JoinHandle;

use super::{Tried, holds, unique};
use crate::checks::breaker::{BreakerSettings, Event, Interval, Model, Outcome};
use crate::checks::gateway_answer;
use crate::checks::http_answer::HttpAnswer;
use crate::doubles::user_service::UserServiceDouble;
use crate::doubles::user_service::answer::{Gate, ScriptedAnswer};
use crate::doubles::user_service::records::Ending;
use crate::drivers::Code;
use crate::drivers::gateway::{Gateway, TransportError, whole};

/// Interval between two observations.
const LOOK: Duration = Duration::from_millis(1);

/// Time limit of an expected event.
const GIVE_UP: Duration = Duration::from_secs(10);

/// How long a gateway may take to notice that its client has cancelled.
const NOTICE: Duration = Duration::from_secs(2);

/// The same for one that has missed it before.
const BLIND_NOTICE: Duration = Duration::from_millis(100);

/// When a gateway has counted an answer whose client has gone, so that no request shows it.
const UNSEEN: Duration = Duration::from_millis(100);

/// Whether the gateway sees its clients leave, as far as is known: a servlet does not.
#[derive(Clone, Debug, Default)]
struct Sight(Arc<AtomicBool>);

impl Sight {
    fn is_known_blind(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set_blind(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The next action. Running calls are addressed by their age.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Starts a call whose answer, with this code, is held back.
    Begin(Code),
    /// Releases the answer of a running call.
    Answer(usize),
    /// Cancels a running call by its client.
    Abandon(usize),
    /// Starts a call and releases its answer.
    Whole(Code),
    /// Waits for a part of the reset timeout, in hundredths.
    Wait(u32),
}

fn codes() -> impl Strategy<Value = Code> {
    prop_oneof![
        3 => select(&[Code::Unavailable, Code::Internal, Code::Unknown, Code::DeadlineExceeded][..]),
        1 => select(&[Code::Ok, Code::NotFound, Code::Aborted][..]),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => codes().prop_map(Action::Begin),
        4 => (0_usize..4).prop_map(Action::Answer),
        2 => (0_usize..4).prop_map(Action::Abandon),
        6 => codes().prop_map(Action::Whole),
        1 => (10_u32..70).prop_map(Action::Wait),
        1 => Just(Action::Wait(150)),
    ];
    proptest::collection::vec(action, 6..24)
}

/// A running call.
struct RunningCall {
    call: usize,
    id: String,
    gate: Gate,
    task: JoinHandle<Result<HttpAnswer, TransportError>>,
    code: Code,
}

/// Any sequence agrees with the model.
pub async fn check(
    gateway: Gateway,
    double: Arc<UserServiceDouble>,
    settings: BreakerSettings,
    seed: u64,
) -> StepResult {
    let sight = Sight::default();
    holds(
        "any sequence of calls agrees with RES-3 and RES-4",
        seed,
        8,
        actions,
        move |actions| {
            let (gateway, double, sight) = (gateway.clone(), double.clone(), sight.clone());
            async move {
                let mut attempt = Attempt::begin(&gateway, &double, settings, sight).await?;
                let performed = attempt.perform(&actions).await;
                attempt.finish().await;
                performed
            }
            .boxed()
        },
    )
    .await
}

struct Attempt<'a> {
    gateway: &'a Gateway,
    double: &'a UserServiceDouble,
    model: Model,
    settings: BreakerSettings,
    epoch: Instant,
    calls: usize,
    running: Vec<RunningCall>,
    sight: Sight,
}

impl<'a> Attempt<'a> {
    /// Starts with a closed breaker; the state that the previous attempt left does not matter.
    async fn begin(
        gateway: &'a Gateway,
        double: &'a UserServiceDouble,
        settings: BreakerSettings,
        sight: Sight,
    ) -> Result<Self, String> {
        double.forget_calls();
        let until = Instant::now() + GIVE_UP;
        loop {
            let request = gateway.request("DELETE", "/api/v1/users/x");
            let request = whole(request, "").map_err(|it| it.to_string())?;
            match gateway.send(request).await {
                Ok(answer) if answer.status == 404 => break,
                other if Instant::now() > until => {
                    return Err(format!("the breaker does not close again: {other:?}"));
                }
                _ => elapse(settings.reset / 4).await,
            }
        }
        Ok(Self {
            gateway,
            double,
            model: Model::closed(settings),
            settings,
            epoch: Instant::now(),
            calls: 0,
            running: Vec::new(),
            sight,
        })
    }

    async fn perform(&mut self, actions: &[Action]) -> Tried {
        for (index, action) in actions.iter().enumerate() {
            let located = |it: String| format!("action {} {action:?}: {it}", index + 1);
            self.act(*action).await.map_err(located)?;
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Tried {
        match action {
            Action::Begin(code) => self.start(code).await.map(|_| ()),
            Action::Whole(code) => {
                if self.start(code).await? {
                    return self.answer(self.running.len() - 1).await;
                }
                Ok(())
            }
            Action::Answer(age) if age < self.running.len() => self.answer(age).await,
            Action::Abandon(age) if age < self.running.len() => self.abandon(age).await,
            Action::Wait(part) => {
                elapse(self.settings.reset * part / 100).await;
                Ok(())
            }
            Action::Answer(_) | Action::Abandon(_) => Ok(()),
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Starts a call; whether it reached the user service.
    async fn start(&mut self, code: Code) -> Result<bool, String> {
        self.calls += 1;
        let (call, gate) = (self.calls, Gate::new());
        let id = format!("breaker-{}", unique());
        let answer = match code {
            Code::Ok => ScriptedAnswer::Message(Bytes::new()),
            code => ScriptedAnswer::status(code, "scripted by the sequence"),
        };
        self.double.script_for(&id, answer.held_by(&gate));
        let request = self.gateway.request("DELETE", "/api/v1/users/x");
        let request =
            whole(request.header("x-request-id", &id), "").map_err(|it| it.to_string())?;
        let client = self.gateway.clone();
        let begun = self.now();
        let task = tokio::spawn(async move { client.send(request).await });
        let passed = self.reached_or_refused(&id, &task).await?;
        let at = Interval(begun, self.now());
        self.model.observe(Event::Requested { call, at, passed })?;
        if passed {
            self.running.push(RunningCall {
                call,
                id,
                gate,
                task,
                code,
            });
        } else {
            refusal(task.await.map_err(|it| it.to_string())?)?;
        }
        Ok(passed)
    }

    /// Waits until the call has reached the user service or was refused.
    async fn reached_or_refused(
        &self,
        id: &str,
        task: &JoinHandle<Result<HttpAnswer, TransportError>>,
    ) -> Result<bool, String> {
        let until = Instant::now() + GIVE_UP;
        loop {
            // In this order: a call may be answered as soon as it has arrived.
            let over = task.is_finished();
            if self.has_arrived(id) {
                return Ok(true);
            }
            if over {
                return Ok(false);
            }
            if Instant::now() > until {
                return Err("a call neither reaches the user service nor is refused".to_owned());
            }
            elapse(LOOK).await;
        }
    }

    fn has_arrived(&self, id: &str) -> bool {
        let calls = self.double.calls();
        calls.iter().any(|it| it.request_id() == Some(id))
    }

    /// Releases the answer of a running call.
    async fn answer(&mut self, age: usize) -> Tried {
        let it = self.running.remove(age);
        let from = self.now();
        it.gate.open();
        let answer = it.task.await.map_err(|error| error.to_string())?;
        let at = Interval(from, self.now());
        let answer = answer.map_err(|error| format!("no answer: {error}"))?;
        let (how, status) = outcome(it.code);
        // The request whose own call opened the breaker may be answered as refused.
        let says_open = how == Outcome::Failure && gateway_answer::breaker_is_open(&answer).is_ok();
        if answer.status != status && !says_open {
            return Err(format!("{:?} became {}", it.code, answer.shown()));
        }
        let call = it.call;
        self.model.observe(Event::Completed { call, at, how })
    }

    /// Cancels a running call by its client.
    async fn abandon(&mut self, age: usize) -> Tried {
        let it = self.running.remove(age);
        let from = self.now();
        it.task.abort();
        let notice = if self.sight.is_known_blind() {
            BLIND_NOTICE
        } else {
            NOTICE
        };
        let until = Instant::now() + notice;
        while !self.is_given_up(&it.id) && Instant::now() < until {
            elapse(LOOK).await;
        }
        let call = it.call;
        if self.is_given_up(&it.id) {
            let (at, how) = (Interval(from, self.now()), Outcome::Abandoned);
            return self.model.observe(Event::Completed { call, at, how });
        }
        self.sight.set_blind();
        // The gateway lets the call go on: it counts what the call ends with, or nothing.
        it.gate.open();
        self.is_over(&it.id).await?;
        elapse(UNSEEN).await;
        let (at, how) = (Interval(from, self.now()), outcome(it.code).0);
        self.model.observe(Event::CompletedUnseen { call, at, how })
    }

    /// Waits until the double has answered a call.
    async fn is_over(&self, id: &str) -> Tried {
        let until = Instant::now() + GIVE_UP;
        while self.ending(id) == Some(Ending::Open) {
            if Instant::now() > until {
                return Err("an answer never leaves the user service".to_owned());
            }
            elapse(LOOK).await;
        }
        Ok(())
    }

    fn ending(&self, id: &str) -> Option<Ending> {
        let calls = self.double.calls();
        let call = calls.iter().find(|it| it.request_id() == Some(id));
        call.map(|it| it.ending)
    }

    fn is_given_up(&self, id: &str) -> bool {
        matches!(self.ending(id), Some(Ending::AbandonedByClient(_)))
    }

    /// Ends all running calls, for the next attempt.
    async fn finish(&mut self) {
        for it in self.running.drain(..) {
            it.gate.open();
            let _ = it.task.await;
        }
    }
}

/// How a code counts, and its HTTP status (GWY-5).
fn outcome(code: Code) -> (Outcome, u16) {
    match code {
        Code::Ok => (Outcome::Success, 204),
        Code::NotFound => (Outcome::Success, 404),
        Code::Aborted => (Outcome::Success, 409),
        Code::Unavailable => (Outcome::Failure, 503),
        Code::DeadlineExceeded => (Outcome::Failure, 504),
        _ => (Outcome::Failure, 500),
    }
}

/// Checks that a refusal is that of an open breaker (RES-3).
fn refusal(answer: Result<HttpAnswer, TransportError>) -> Tried {
    let answer = answer.map_err(|error| format!("no answer: {error}"))?;
    gateway_answer::breaker_is_open(&answer).map(|_| ())
}

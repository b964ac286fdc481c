//! Any sequence of calls, answers and abandoned calls agrees with the model of the breaker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance_engine::failure::StepResult;
use conformance_engine::observe::elapse;
use futures::FutureExt as _;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use tokio::task::JoinHandle;
use tonic::Code;

use super::{Tried, holds, unique};
use crate::checks::breaker::{Between, End, Event, Model, Terms};
use crate::checks::gateway_answer;
use crate::doubles::user_service::UserServiceDouble;
use crate::doubles::user_service::answer::{Answer, Gate};
use crate::doubles::user_service::records::Ending;
use crate::drivers::gateway::{Answer as HttpAnswer, Gateway, NoAnswer, whole};

/// How often a look is taken at what happens.
const LOOK: Duration = Duration::from_millis(1);

/// When something that ought to happen is given up.
const GIVE_UP: Duration = Duration::from_secs(10);

/// How long a gateway may take to notice that its client has gone.
const NOTICE: Duration = Duration::from_secs(2);

/// What is done next. Calls under way are counted by their age.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// A call begins, whose answer is this code and is kept.
    Begin(Code),
    /// A call under way gets its answer.
    Answer(usize),
    /// The client of a call under way goes away.
    Abandon(usize),
    /// A call from beginning to end.
    Whole(Code),
    /// A part of the breaker's period passes, in hundredths.
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

/// A call under way.
struct UnderWay {
    call: usize,
    id: String,
    gate: Gate,
    task: JoinHandle<Result<HttpAnswer, NoAnswer>>,
    code: Code,
}

/// Any sequence agrees with the model.
pub async fn check(
    gateway: Gateway,
    double: Arc<UserServiceDouble>,
    terms: Terms,
    seed: u64,
) -> StepResult {
    holds(
        "any sequence of calls agrees with RES-3 and RES-4",
        seed,
        8,
        actions,
        move |actions| {
            let (gateway, double) = (gateway.clone(), double.clone());
            async move {
                let mut attempt = Attempt::begin(&gateway, &double, terms).await?;
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
    terms: Terms,
    epoch: Instant,
    calls: usize,
    under_way: Vec<UnderWay>,
}

impl<'a> Attempt<'a> {
    /// Begins with a closed breaker: whatever the attempt before has left.
    async fn begin(
        gateway: &'a Gateway,
        double: &'a UserServiceDouble,
        terms: Terms,
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
                _ => elapse(terms.reset / 4).await,
            }
        }
        Ok(Self {
            gateway,
            double,
            model: Model::closed(terms),
            terms,
            epoch: Instant::now(),
            calls: 0,
            under_way: Vec::new(),
        })
    }

    async fn perform(&mut self, actions: &[Action]) -> Tried {
        for (index, action) in actions.iter().enumerate() {
            let told = |it: String| format!("action {} {action:?}: {it}", index + 1);
            self.act(*action).await.map_err(told)?;
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Tried {
        match action {
            Action::Begin(code) => self.start(code).await.map(|_| ()),
            Action::Whole(code) => {
                if self.start(code).await? {
                    return self.answer(self.under_way.len() - 1).await;
                }
                Ok(())
            }
            Action::Answer(age) if age < self.under_way.len() => self.answer(age).await,
            Action::Abandon(age) if age < self.under_way.len() => self.abandon(age).await,
            Action::Wait(part) => {
                elapse(self.terms.reset * part / 100).await;
                Ok(())
            }
            Action::Answer(_) | Action::Abandon(_) => Ok(()),
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Begins a call; whether it reached the user service.
    async fn start(&mut self, code: Code) -> Result<bool, String> {
        self.calls += 1;
        let (call, gate) = (self.calls, Gate::new());
        let id = format!("breaker-{}", unique());
        let answer = match code {
            Code::Ok => Answer::Message(Bytes::new()),
            code => Answer::status(code, "told by the sequence"),
        };
        self.double.script_for(&id, answer.held_by(&gate));
        let request = self.gateway.request("DELETE", "/api/v1/users/x");
        let request =
            whole(request.header("x-request-id", &id), "").map_err(|it| it.to_string())?;
        let client = self.gateway.clone();
        let begun = self.now();
        let task = tokio::spawn(async move { client.send(request).await });
        let passed = self.reached_or_refused(&id, &task).await?;
        let at = Between(begun, self.now());
        self.model.see(Event::Asked { call, at, passed })?;
        if passed {
            self.under_way.push(UnderWay {
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

    /// Waits until one of both is seen.
    async fn reached_or_refused(
        &self,
        id: &str,
        task: &JoinHandle<Result<HttpAnswer, NoAnswer>>,
    ) -> Result<bool, String> {
        let until = Instant::now() + GIVE_UP;
        loop {
            // In this order: a call may be answered as soon as it is there.
            let over = task.is_finished();
            if self.is_there(id) {
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

    fn is_there(&self, id: &str) -> bool {
        let calls = self.double.calls();
        calls.iter().any(|it| it.request_id() == Some(id))
    }

    /// Lets a call under way have its answer.
    async fn answer(&mut self, age: usize) -> Tried {
        let it = self.under_way.remove(age);
        let from = self.now();
        it.gate.open();
        let answer = it.task.await.map_err(|error| error.to_string())?;
        let at = Between(from, self.now());
        let answer = answer.map_err(|error| format!("no answer: {error}"))?;
        let (how, status) = outcome(it.code);
        // The request whose own call opened the breaker may say so.
        let says_open = how == End::Failure && gateway_answer::breaker_is_open(&answer).is_ok();
        if answer.status != status && !says_open {
            return Err(format!("{:?} became {}", it.code, answer.shown()));
        }
        let call = it.call;
        self.model.see(Event::Ended { call, at, how })
    }

    /// The client of a call under way goes away.
    async fn abandon(&mut self, age: usize) -> Tried {
        let it = self.under_way.remove(age);
        let from = self.now();
        it.task.abort();
        let until = Instant::now() + NOTICE;
        while !self.is_given_up(&it.id) && Instant::now() < until {
            elapse(LOOK).await;
        }
        let at = Between(from, self.now());
        // A gateway that lets the call go on must not count its answer all the same.
        it.gate.open();
        let (call, how) = (it.call, End::Abandoned);
        self.model.see(Event::Ended { call, at, how })
    }

    fn is_given_up(&self, id: &str) -> bool {
        let calls = self.double.calls();
        let call = calls.iter().find(|it| it.request_id() == Some(id));
        call.is_some_and(|it| matches!(it.ending, Ending::AbandonedByClient(_)))
    }

    /// Ends what is under way, for the next attempt.
    async fn finish(&mut self) {
        for it in self.under_way.drain(..) {
            it.gate.open();
            let _ = it.task.await;
        }
    }
}

/// What a code counts as, and the status that it becomes (GWY-5).
fn outcome(code: Code) -> (End, u16) {
    match code {
        Code::Ok => (End::Success, 204),
        Code::NotFound => (End::Success, 404),
        Code::Aborted => (End::Success, 409),
        Code::Unavailable => (End::Failure, 503),
        Code::DeadlineExceeded => (End::Failure, 504),
        _ => (End::Failure, 500),
    }
}

/// That a refusal is that of an open breaker (RES-3).
fn refusal(answer: Result<HttpAnswer, NoAnswer>) -> Tried {
    let answer = answer.map_err(|error| format!("no answer: {error}"))?;
    gateway_answer::breaker_is_open(&answer)
}

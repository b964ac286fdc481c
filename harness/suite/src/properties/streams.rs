//! Any interleaving of writers, streams and outages is delivered as STR-1, STR-3 and STR-5 say.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use conformance_engine::failure::StepResult;
use conformance_engine::observe::elapse;
use conformance_engine::run::scenario::ScenarioContext;
use futures::FutureExt as _;
use futures::future::join_all;
use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};
use user_proto::v1::{ListUsersRequest, UpdateUserRequest, User, UserStatus};

use super::{Tried, created, holds, unique};
use crate::checks::stream_history::{Expectation, StateKey, faults, key};
use crate::contract::components::Resource;
use crate::contract::components::user_service::{DATABASE, REDIS};
use crate::drivers::streams::{Pace, UserStream};
use crate::drivers::users::{Users, shown};
use crate::drivers::{Code, Status};
use crate::model::{FilterTerm, filter};

/// STR-5: time limit for the delivery of missed changes.
const CAUGHT_UP: Duration = Duration::from_secs(10);

/// After everything has arrived, nothing else may arrive for this time.
const QUIET: Duration = Duration::from_millis(200);

/// Interval between two observations.
const LOOK: Duration = Duration::from_millis(20);

/// Maximum time of the actions.
const BUDGET: Duration = Duration::from_secs(12);

/// Number of users that are changed.
const USERS: usize = 3;

/// A change of one link, and the sender that reports it done.
#[derive(Debug)]
pub struct Outage {
    /// The instance whose link it is.
    pub instance: usize,
    /// The resource of the link.
    pub resource: Resource,
    /// The new state of the link.
    pub state: LinkState,
    /// Notified when it is done.
    pub done: oneshot::Sender<()>,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It works.
    Well,
    /// Connections are refused.
    Cut,
    /// Connections are accepted and silent.
    Hung,
}

/// Two instances, their clients and links.
#[derive(Clone)]
pub struct Ground {
    /// A client of each instance.
    pub clients: [Users; 2],
    /// The gRPC URL of each instance.
    pub urls: [String; 2],
    /// Sends outages to the task that holds the links.
    pub outages: mpsc::UnboundedSender<Outage>,
    /// The context of the scenario.
    pub scenario: ScenarioContext,
}

/// One action.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// So many changes at once, on both instances in turn, of the users from this one on.
    Change {
        user: usize,
        count: usize,
        suspends: bool,
    },
    /// A stream on this instance: of all users, of the active ones, or of the first user.
    Open { instance: usize, of: usize },
    /// The database of the first instance.
    Database(LinkState),
    /// The Redis of an instance.
    Redis(usize, LinkState),
    /// Nothing, for so many milliseconds.
    Wait(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let state = prop_oneof![
        Just(LinkState::Cut),
        Just(LinkState::Hung),
        Just(LinkState::Well)
    ];
    let change = (0..USERS, 1_usize..9, any::<bool>());
    let change = change.prop_map(|(user, count, suspends)| Action::Change {
        user,
        count,
        suspends,
    });
    let open = (0_usize..2, 0_usize..3).prop_map(|(instance, of)| Action::Open { instance, of });
    let action = prop_oneof![
        6 => change,
        2 => open,
        1 => state.clone().prop_map(Action::Database),
        1 => (0_usize..2, state).prop_map(|(instance, state)| Action::Redis(instance, state)),
        2 => (1_u64..120).prop_map(Action::Wait),
    ];
    proptest::collection::vec(action, 20..30)
}

/// Tries interleavings one after the other on the same instances.
pub async fn check(ground: Ground) -> StepResult {
    let (seed, patience) = (ground.scenario.seed, ground.scenario.patience);
    let statement =
        "every stream delivers every change, in order, each once, or ends with UNAVAILABLE";
    holds(statement, seed, 2, actions, move |plan| {
        let ground = ground.clone();
        let limit = patience.stretch(CAUGHT_UP);
        async move { attempt(&ground, plan, limit).await }.boxed()
    })
    .await
}

/// A stream that was accepted.
struct Followed {
    stream: UserStream,
    terms: Vec<FilterTerm>,
    opened: Instant,
}

struct Attempt<'a> {
    ground: &'a Ground,
    tag: String,
    users: Vec<User>,
    /// Every acknowledged change, and when it was sent.
    changes: Vec<(User, Instant)>,
    followed: Vec<Followed>,
    /// Whether the first instance has had its database all the time: how soon it serves again after
    /// an outage is another clause's business (USR-18).
    is_first_well: bool,
}

async fn attempt(ground: &Ground, plan: Vec<Action>, limit: Duration) -> Tried {
    let tag = unique();
    serves_again(&ground.clients[0], limit).await?;
    let mut users = Vec::new();
    for number in 0..USERS {
        let email = format!("{number}-{tag}@example.com");
        users.push(created(&ground.clients[1], &email, &tag).await?);
    }
    let mut attempt = Attempt {
        ground,
        tag,
        users,
        changes: Vec::new(),
        followed: Vec::new(),
        is_first_well: true,
    };
    let done = attempt.perform(plan).await;
    // After any outcome, the next attempt begins with working links, as this one did.
    for (instance, resource) in [(0, DATABASE), (0, REDIS), (1, REDIS)] {
        attempt.link(instance, resource, LinkState::Well).await?;
    }
    done?;
    attempt.change(0, USERS, false).await?;
    let judged = attempt.followed.iter().map(|it| attempt.judge(it, limit));
    join_all(judged).await.into_iter().collect()
}

/// The attempt before may have left the first instance without its database a moment ago.
async fn serves_again(client: &Users, limit: Duration) -> Tried {
    let until = Instant::now() + limit;
    loop {
        match client.list(ListUsersRequest::default()).await.result {
            Ok(_) => return Ok(()),
            Err(status) if Instant::now() > until => {
                return Err(format!("ListUsers still gives {}", shown(&status)));
            }
            Err(_) => elapse(LOOK).await,
        }
    }
}

impl Attempt<'_> {
    async fn perform(&mut self, plan: Vec<Action>) -> Tried {
        let begun = Instant::now();
        for action in plan {
            // Calls of an implementation that waits for Redis may take their time (USR-19).
            if begun.elapsed() > BUDGET {
                break;
            }
            match action {
                Action::Change {
                    user,
                    count,
                    suspends,
                } => self.change(user, count, suspends).await?,
                Action::Open { instance, of } => self.open(instance, of).await?,
                Action::Database(state) => {
                    self.link(0, DATABASE, state).await?;
                    self.is_first_well &= state == LinkState::Well;
                }
                Action::Redis(instance, state) => {
                    self.link(instance, REDIS, state).await?;
                }
                Action::Wait(milliseconds) => elapse(Duration::from_millis(milliseconds)).await,
            }
        }
        Ok(())
    }

    async fn link(&self, instance: usize, resource: Resource, state: LinkState) -> Tried {
        let (done, is_done) = oneshot::channel();
        let outage = Outage {
            instance,
            resource,
            state,
            done,
        };
        let gone = || "the suite: the links are not there".to_owned();
        self.ground.outages.send(outage).map_err(|_| gone())?;
        is_done.await.map_err(|_| gone())
    }

    /// Changes at once, through instances that must answer.
    async fn change(&mut self, user: usize, count: usize, suspends: bool) -> Tried {
        let status = if suspends {
            UserStatus::Suspended
        } else {
            UserStatus::Active
        };
        let first = self.changes.len();
        let calls = (0..count).map(|number| {
            let client = &self.ground.clients[if self.is_first_well { number % 2 } else { 1 }];
            let mut request = UpdateUserRequest {
                id: self.users[(user + number / 2) % USERS].id.clone(),
                status: Some(status as i32),
                ..Default::default()
            };
            let value = (first + number).to_string();
            request.metadata.insert("change".to_owned(), value);
            async move {
                let sent = Instant::now();
                super::ok(client.update(request).await).map(|user| (user, sent))
            }
        });
        for done in join_all(calls).await {
            self.changes.push(done?);
        }
        Ok(())
    }

    async fn open(&mut self, instance: usize, of: usize) -> Tried {
        let mut terms = vec![FilterTerm::Name(self.tag.clone(), false)];
        match of {
            0 => {}
            1 => terms.push(FilterTerm::Status(UserStatus::Active)),
            _ => terms = vec![FilterTerm::Email(self.users[0].email.to_uppercase(), false)],
        }
        let request = ListUsersRequest {
            filter: filter(&terms),
            ..Default::default()
        };
        // What becomes of a stream that is asked for without a database has scenarios of its own.
        let instance = if self.is_first_well { instance } else { 1 };
        let (url, scenario) = (&self.ground.urls[instance], &self.ground.scenario);
        let opened = UserStream::open(
            url,
            request,
            Pace::AtOnce,
            Duration::from_secs(30),
            scenario,
        )
        .await;
        match opened.map_err(|failure| failure.to_string())? {
            Ok(stream) => self.followed.push(Followed {
                stream,
                terms,
                opened: Instant::now(),
            }),
            // STR-5; away is what was away lately, too.
            Err(status) if status.code() == Code::Unavailable => {}
            Err(status) => return Err(format!("a new stream gives {}", shown(&status))),
        }
        Ok(())
    }

    async fn judge(&self, followed: &Followed, limit: Duration) -> Tried {
        let wants = |user: &User| followed.terms.iter().all(|it| it.holds(user));
        let due = self.changes.iter();
        let due = due.filter(|(user, sent)| *sent >= followed.opened && wants(user));
        let due: BTreeSet<StateKey> = due.map(|(user, _)| key(user)).collect();
        let is_complete = || {
            let came = followed.stream.arrivals();
            let came: BTreeSet<StateKey> = came.iter().map(|it| key(&it.user)).collect();
            due.is_subset(&came) || followed.stream.end().is_some()
        };
        // Missing states are reported below, with all other faults.
        let until = Instant::now() + limit;
        while !is_complete() && Instant::now() < until {
            elapse(LOOK).await;
        }
        elapse(QUIET).await;
        let end: Option<Status> = followed.stream.end();
        if let Some(end) = end.as_ref().filter(|it| it.code() != Code::Unavailable) {
            return Err(format!("a stream ended with {}", shown(end)));
        }
        let states = self.users.iter().chain(self.changes.iter().map(|it| &it.0));
        let expected = Expectation {
            acknowledged: states.collect(),
            due,
            has_ended: end.is_some(),
        };
        let arrivals = followed.stream.arrivals();
        let wrong = faults(&expected, arrivals.iter().map(|it| &it.user), wants);
        match wrong.first() {
            None => Ok(()),
            Some(first) => Err(format!("{} faults; the first: {first}", wrong.len())),
        }
    }
}

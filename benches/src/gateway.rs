//! A GET through the gateway beside the same call straight to the user service, and beside a route
//! of axum that does nothing.

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use futures::future::FutureExt as _;
use uuid::Uuid;

use crate::crowd::{Act, CALLERS, Total, in_turn, nth};
use crate::processors::Who::{self, Callers, Database, Floor, Gateway, UserService};
use crate::routes::Routes;
use crate::stage::Stage;
use crate::table::{Row, Table, Value};
use crate::times::Times;
use crate::{calls, guards};

const WHAT: &str = "GET by the gateway";
const STRAIGHT: &str = "straight call";
const EMPTY: &str = "empty route";

/// The three that are measured in turn.
struct Three<T> {
    gateway: T,
    straight: T,
    empty: T,
}

/// Measures one caller, many, and what the guards cost.
pub fn bench(criterion: &mut Criterion, stage: &Stage, table: &mut Table) {
    one(criterion, stage, table);
    let mut gateway = None;
    for callers in CALLERS {
        let found = many(criterion, stage, table, callers);
        if callers == guards::CALLERS {
            gateway = found.map(|it| it.gateway.cpu(&[Gateway]));
        }
    }
    guards::bench(criterion, stage, table, gateway);
}

/// One call after the other: what the gateway adds.
fn one(criterion: &mut Criterion, stage: &Stage, table: &mut Table) {
    let Stage {
        runtime,
        client,
        routes,
        empty_route,
        ..
    } = stage;
    let mut times = Three::<Times> {
        gateway: Times::default(),
        straight: Times::default(),
        empty: Times::default(),
    };
    let mut number = 0;
    criterion.bench_function(WHAT, |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    number += 1;
                    let id = stage.id(number);
                    spent += times.gateway.of(routes.get(id)).await;
                    times.straight.of(calls::get(client, id)).await;
                    times.empty.of(empty_route.get(id)).await;
                }
                spent
            })
        });
    });
    if times.gateway.is_empty() {
        return;
    }
    let p50 = |times: &Times| times.quantile(0.5);
    let (straight, empty) = (p50(&times.straight), p50(&times.empty));
    let gateway = p50(&times.gateway);
    table.add_times((WHAT, "p50"), gateway, (STRAIGHT, straight), "");
    table.add_times((WHAT, "p50"), gateway, (EMPTY, empty), "");
    table.add_times(
        (WHAT, "p50, added to the call"),
        gateway.saturating_sub(straight),
        (EMPTY, empty),
        "subject under 1 ms",
    );
}

/// Many callers at once: calls a second, and whose processor time they take.
fn many(
    criterion: &mut Criterion,
    stage: &Stage,
    table: &mut Table,
    callers: u64,
) -> Option<Three<Total>> {
    let what = format!("{WHAT}, {callers} at once");
    let [gateway, straight, empty] = in_turn(criterion, stage, &what, callers, &acts(stage))?;
    let three = Three {
        gateway,
        straight,
        empty,
    };
    rates(table, &what, &three);
    processor_times(table, &what, &three, callers == guards::CALLERS);
    Some(three)
}

fn acts(stage: &Stage) -> [Act; 3] {
    let ids: Arc<[Uuid]> = stage.ids.clone().into();
    let route = |routes: &Routes| -> Act {
        let (routes, ids) = (routes.clone(), ids.clone());
        Arc::new(move |n| {
            let (routes, id) = (routes.clone(), nth(&ids, n));
            async move { routes.get(id).await }.boxed()
        })
    };
    let (gateway, empty) = (route(&stage.routes), route(&stage.empty_route));
    let client = stage.client.clone();
    let straight: Act = Arc::new(move |n| {
        let (client, id) = (client.clone(), nth(&ids, n));
        async move { calls::get(&client, id).await }.boxed()
    });
    [gateway, straight, empty]
}

fn rates(table: &mut Table, what: &str, three: &Three<Total>) {
    for (floor, base) in [(STRAIGHT, &three.straight), (EMPTY, &three.empty)] {
        table.add(Row {
            what: what.to_owned(),
            figure: "calls a second",
            subject: Value::Rate(three.gateway.rate()),
            floor,
            base: Value::Rate(base.rate()),
            wanted: "",
        });
    }
}

/// Whose processor time a call takes; all of them told apart only where it is wanted.
fn processor_times(table: &mut Table, what: &str, three: &Three<Total>, is_split: bool) {
    let Three {
        gateway,
        straight,
        empty,
    } = three;
    let mut add = |figure, who: &[Who], (floor, base), wanted| {
        table.add_times((what, figure), gateway.cpu(who), (floor, base), wanted);
    };
    let servers = (STRAIGHT, straight.cpu(&[UserService]));
    let wanted = if is_split { "at most 2" } else { "" };
    add("CPU, servers", &[Gateway, UserService], servers, wanted);
    if !is_split {
        return;
    }
    // What a gateway does at least: it serves a route and makes a call.
    let parts = empty.cpu(&[Floor]) + straight.cpu(&[Callers]);
    add(
        "CPU, gateway",
        &[Gateway],
        ("empty route + caller", parts),
        "",
    );
    add("CPU, user service", &[UserService], servers, "");
    for (figure, who) in [
        ("CPU, database", &[Database][..]),
        ("CPU, callers", &[Callers]),
        (
            "CPU, all of them",
            &[Callers, Gateway, UserService, Database],
        ),
    ] {
        add(figure, who, (STRAIGHT, straight.cpu(who)), "");
    }
}

//! A GET through the gateway, compared with the same call directly to the user service, and with an empty axum
//! route.

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use futures::future::FutureExt as _;
use uuid::Uuid;

use crate::concurrent::{CALLERS, Total, Workload, in_turn, nth};
use crate::fixture::Fixture;
use crate::processors::Who::{self, Baseline, Callers, Database, Gateway, UserService};
use crate::routes::Routes;
use crate::table::{Row, Table, Value};
use crate::times::Times;
use crate::{calls, overhead};

const WHAT: &str = "GET by the gateway";
const DIRECT: &str = "direct call";
const EMPTY: &str = "empty route";

/// The three workloads that are measured alternately.
struct Three<T> {
    gateway: T,
    direct: T,
    empty: T,
}

/// Measures one caller, concurrent callers, and the cost of breaker and request id.
pub fn bench(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    one(criterion, fixture, table);
    let mut gateway = None;
    for callers in CALLERS {
        let found = many(criterion, fixture, table, callers);
        if callers == overhead::CALLERS {
            gateway = found.map(|it| it.gateway.cpu(&[Gateway]));
        }
    }
    overhead::bench(criterion, fixture, table, gateway);
}

/// Sequential calls: what the gateway adds.
fn one(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    let Fixture {
        runtime,
        client,
        routes,
        empty_route,
        ..
    } = fixture;
    let mut times = Three::<Times> {
        gateway: Times::default(),
        direct: Times::default(),
        empty: Times::default(),
    };
    let mut number = 0;
    criterion.bench_function(WHAT, |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    number += 1;
                    let id = fixture.id(number);
                    spent += times.gateway.of(routes.get(id)).await;
                    times.direct.of(calls::get(client, id)).await;
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
    let (direct, empty) = (p50(&times.direct), p50(&times.empty));
    let gateway = p50(&times.gateway);
    table.add_times((WHAT, "p50"), gateway, (DIRECT, direct), "");
    table.add_times((WHAT, "p50"), gateway, (EMPTY, empty), "");
    table.add_times(
        (WHAT, "p50, added to the call"),
        gateway.saturating_sub(direct),
        (EMPTY, empty),
        "subject under 1 ms",
    );
}

/// Concurrent callers: calls a second, and processor time by process.
fn many(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
    callers: u64,
) -> Option<Three<Total>> {
    let what = format!("{WHAT}, {callers} at once");
    let [gateway, direct, empty] =
        in_turn(criterion, fixture, &what, callers, &workloads(fixture))?;
    let three = Three {
        gateway,
        direct,
        empty,
    };
    rates(table, &what, &three);
    processor_times(table, &what, &three, callers == overhead::CALLERS);
    Some(three)
}

fn workloads(fixture: &Fixture) -> [Workload; 3] {
    let ids: Arc<[Uuid]> = fixture.ids.clone().into();
    let route = |routes: &Routes| -> Workload {
        let (routes, ids) = (routes.clone(), ids.clone());
        Arc::new(move |n| {
            let (routes, id) = (routes.clone(), nth(&ids, n));
            async move { routes.get(id).await }.boxed()
        })
    };
    let (gateway, empty) = (route(&fixture.routes), route(&fixture.empty_route));
    let client = fixture.client.clone();
    let direct: Workload = Arc::new(move |n| {
        let (client, id) = (client.clone(), nth(&ids, n));
        async move { calls::get(&client, id).await }.boxed()
    });
    [gateway, direct, empty]
}

fn rates(table: &mut Table, what: &str, three: &Three<Total>) {
    for (baseline, base) in [(DIRECT, &three.direct), (EMPTY, &three.empty)] {
        table.add(Row {
            what: what.to_owned(),
            figure: "calls a second",
            subject: Value::Rate(three.gateway.rate()),
            baseline,
            base: Value::Rate(base.rate()),
            wanted: "",
        });
    }
}

/// The processor time of a call by process; with `is_split` each process has a row.
fn processor_times(table: &mut Table, what: &str, three: &Three<Total>, is_split: bool) {
    let Three {
        gateway,
        direct,
        empty,
    } = three;
    let mut add = |figure, who: &[Who], (baseline, base), wanted| {
        table.add_times((what, figure), gateway.cpu(who), (baseline, base), wanted);
    };
    let servers = (DIRECT, direct.cpu(&[UserService]));
    let wanted = if is_split { "at most 2" } else { "" };
    add("CPU, servers", &[Gateway, UserService], servers, wanted);
    if !is_split {
        return;
    }
    // What a gateway does at least: it serves a route and makes a call.
    let parts = empty.cpu(&[Baseline]) + direct.cpu(&[Callers]);
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
        add(figure, who, (DIRECT, direct.cpu(who)), "");
    }
}

//! A GET through the gateway, compared with the direct call of the user service and with an empty route of axum.

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use futures::future::FutureExt as _;
use uuid::Uuid;

use crate::cpu_time::Process::{self, Baseline, Callers, Database, Gateway, UserService};
use crate::fixture::Fixture;
use crate::http_client::HttpClient;
use crate::latencies::Latencies;
use crate::table::{Quantity, Row, Table};
use crate::throughput::{CALLERS, Measurement, Workload, measure_alternately, pick_id};
use crate::{calls, middleware_overhead};

const NAME: &str = "GET through the gateway";
const DIRECT_CALL: &str = "direct call";
const EMPTY_ROUTE: &str = "empty route";

/// Results of the three variants that are measured alternately.
struct Variants<T> {
    gateway: T,
    direct: T,
    empty: T,
}

/// Measures one caller, concurrent callers, and the overhead of the middleware.
pub fn bench(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    measure_latency(criterion, fixture, table);
    let mut gateway = None;
    for callers in CALLERS {
        let found = measure_throughput(criterion, fixture, table, callers);
        if callers == middleware_overhead::CALLERS {
            gateway = found.map(|it| it.gateway.cpu_time(&[Gateway]));
        }
    }
    middleware_overhead::bench(criterion, fixture, table, gateway);
}

/// Measures sequential calls, and the latency that the gateway adds.
fn measure_latency(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    let Fixture {
        runtime,
        client,
        gateway_http,
        baseline_http,
        ..
    } = fixture;
    let mut latencies = Variants::<Latencies> {
        gateway: Latencies::default(),
        direct: Latencies::default(),
        empty: Latencies::default(),
    };
    let mut number = 0;
    criterion.bench_function(NAME, |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    number += 1;
                    let id = fixture.id(number);
                    spent += latencies.gateway.measure(gateway_http.get(id)).await;
                    latencies.direct.measure(calls::get(client, id)).await;
                    latencies.empty.measure(baseline_http.get(id)).await;
                }
                spent
            })
        });
    });
    if latencies.gateway.is_empty() {
        return;
    }
    let p50 = |latencies: &Latencies| latencies.quantile(0.5);
    let (direct, empty) = (p50(&latencies.direct), p50(&latencies.empty));
    let gateway = p50(&latencies.gateway);
    table.add_durations((NAME, "p50"), gateway, (DIRECT_CALL, direct), "");
    table.add_durations((NAME, "p50"), gateway, (EMPTY_ROUTE, empty), "");
    table.add_durations(
        (NAME, "p50, overhead"),
        gateway.saturating_sub(direct),
        (EMPTY_ROUTE, empty),
        "subject under 1 ms",
    );
}

/// Measures concurrent callers: calls per second, and CPU time by process.
fn measure_throughput(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
    callers: u64,
) -> Option<Variants<Measurement>> {
    let workload = format!("{NAME}, {callers} concurrent");
    let [gateway, direct, empty] =
        measure_alternately(criterion, fixture, &workload, callers, &workloads(fixture))?;
    let variants = Variants {
        gateway,
        direct,
        empty,
    };
    add_rates(table, &workload, &variants);
    add_cpu_times(
        table,
        &workload,
        &variants,
        callers == middleware_overhead::CALLERS,
    );
    Some(variants)
}

/// The operations through the gateway, directly and on the empty route.
fn workloads(fixture: &Fixture) -> [Workload; 3] {
    let ids: Arc<[Uuid]> = fixture.ids.clone().into();
    let get_workload = |http: &HttpClient| -> Workload {
        let (http, ids) = (http.clone(), ids.clone());
        Arc::new(move |n| {
            let (http, id) = (http.clone(), pick_id(&ids, n));
            async move { http.get(id).await }.boxed()
        })
    };
    let (gateway, empty) = (
        get_workload(&fixture.gateway_http),
        get_workload(&fixture.baseline_http),
    );
    let client = fixture.client.clone();
    let direct: Workload = Arc::new(move |n| {
        let (client, id) = (client.clone(), pick_id(&ids, n));
        async move { calls::get(&client, id).await }.boxed()
    });
    [gateway, direct, empty]
}

fn add_rates(table: &mut Table, workload: &str, variants: &Variants<Measurement>) {
    for (baseline, base) in [
        (DIRECT_CALL, &variants.direct),
        (EMPTY_ROUTE, &variants.empty),
    ] {
        table.add(Row {
            workload: workload.to_owned(),
            metric: "calls per second",
            subject: Quantity::Rate(variants.gateway.rate()),
            baseline,
            baseline_value: Quantity::Rate(base.rate()),
            target: "",
        });
    }
}

/// Adds the CPU time of a call; split by process only if `is_split`.
fn add_cpu_times(
    table: &mut Table,
    workload: &str,
    variants: &Variants<Measurement>,
    is_split: bool,
) {
    let Variants {
        gateway,
        direct,
        empty,
    } = variants;
    let mut add = |metric, processes: &[Process], (baseline, base), target| {
        table.add_durations(
            (workload, metric),
            gateway.cpu_time(processes),
            (baseline, base),
            target,
        );
    };
    let servers = (DIRECT_CALL, direct.cpu_time(&[UserService]));
    let target = if is_split { "at most 2" } else { "" };
    add("CPU, servers", &[Gateway, UserService], servers, target);
    if !is_split {
        return;
    }
    // The minimum work of a gateway: it serves a route and makes a call.
    let minimum = empty.cpu_time(&[Baseline]) + direct.cpu_time(&[Callers]);
    add(
        "CPU, gateway",
        &[Gateway],
        ("empty route + caller", minimum),
        "",
    );
    add("CPU, user service", &[UserService], servers, "");
    for (metric, processes) in [
        ("CPU, database", &[Database][..]),
        ("CPU, callers", &[Callers]),
        (
            "CPU, all processes",
            &[Callers, Gateway, UserService, Database],
        ),
    ] {
        add(
            metric,
            processes,
            (DIRECT_CALL, direct.cpu_time(processes)),
            "",
        );
    }
}

//! Latency of sequential calls, compared with an empty call and a plain statement.

use std::time::Duration;

use anyhow::ensure;
use criterion::Criterion;
use user_proto::v1::{
    CreateUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest,
};
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::latencies::Latencies;
use crate::server::Client;
use crate::table::Table;

/// A filter that few users match.
const SELECTIVE_FILTER: &str = "status=INACTIVE";

/// Measures every unary call except `DeleteUser`.
pub fn bench(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
) -> anyhow::Result<()> {
    let late_token = fixture.runtime.block_on(late_page_token(&fixture.client))?;
    let mut bench = CallBench {
        criterion,
        fixture,
        table,
    };
    let Fixture {
        client, statements, ..
    } = fixture;
    bench.measure(
        "GetUser",
        async |n| get(client, fixture.id(n)).await,
        async |n| statements.get(fixture.id(n)).await,
    );
    bench.measure(
        "CreateUser",
        async |_| create(client, "").await,
        async |_| statements.create().await,
    );
    bench.measure(
        "CreateUser with a password",
        async |_| create(client, "correct horse").await,
        async |_| statements.create().await,
    );
    bench.measure(
        "UpdateUser",
        async |n| update(client, fixture.id(n), &format!("Ada {n}")).await,
        async |n| statements.update(fixture.id(n), &format!("Ada {n}")).await,
    );
    let first = bench.measure(
        "ListUsers, first page",
        async |_| list(client, "", "").await.map(|_| ()),
        async |_| statements.page(false).await,
    );
    let late = bench.measure(
        "ListUsers, late page",
        async |_| list(client, "", &late_token).await.map(|_| ()),
        async |_| statements.page(false).await,
    );
    bench.measure(
        "ListUsers, filtered",
        async |_| list(client, SELECTIVE_FILTER, "").await.map(|_| ()),
        async |_| statements.page(true).await,
    );
    let target = "at most 3";
    table.add_quantile(
        "ListUsers, late page",
        P50,
        &late,
        ("first page", &first),
        target,
    );
    Ok(())
}

/// The quantile that calls are compared by.
const P50: (&str, f64) = ("p50", 0.5);

/// Measures calls and adds the results to the table.
struct CallBench<'a> {
    criterion: &'a mut Criterion,
    fixture: &'a Fixture,
    table: &'a mut Table,
}

impl CallBench<'_> {
    /// Measures a call, an empty call and a plain statement alternately; returns the latencies of the call.
    fn measure(
        &mut self,
        name: &str,
        mut call: impl AsyncFnMut(u64) -> anyhow::Result<()>,
        mut statement: impl AsyncFnMut(u64) -> anyhow::Result<()>,
    ) -> Latencies {
        let Fixture {
            runtime,
            empty_call,
            ..
        } = self.fixture;
        let mut calls = Latencies::default();
        let (mut empty_calls, mut plain) = (Latencies::default(), Latencies::default());
        let mut number = 0;
        self.criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..iterations {
                        number += 1;
                        spent += calls.measure(call(number)).await;
                        empty_calls.measure(get(empty_call, Uuid::nil())).await;
                        plain.measure(statement(number)).await;
                    }
                    spent
                })
            });
        });
        let target = if name == "ListUsers, first page" {
            "at most 4"
        } else {
            ""
        };
        let table = &mut *self.table;
        table.add_quantile(name, P50, &calls, ("empty call", &empty_calls), "");
        table.add_quantile(name, P50, &calls, ("plain statement", &plain), target);
        calls
    }
}

/// Calls `GetUser`, which the baseline server answers too.
pub async fn get(client: &Client, id: Uuid) -> anyhow::Result<()> {
    let request = GetUserRequest { id: id.to_string() };
    client.clone().get_user(request).await?;
    Ok(())
}

/// Calls `CreateUser` with a new email; an empty password means none.
pub async fn create(client: &Client, password: &str) -> anyhow::Result<()> {
    let request = CreateUserRequest {
        email: format!("{}@example.com", Uuid::now_v7()),
        name: "Ada".to_owned(),
        password: password.to_owned(),
        ..CreateUserRequest::default()
    };
    client.clone().create_user(request).await?;
    Ok(())
}

/// Calls `UpdateUser` with a new name.
pub async fn update(client: &Client, id: Uuid, name: &str) -> anyhow::Result<()> {
    let request = UpdateUserRequest {
        id: id.to_string(),
        name: Some(name.to_owned()),
        ..UpdateUserRequest::default()
    };
    client.clone().update_user(request).await?;
    Ok(())
}

/// Calls `ListUsers` for 20 users.
async fn list(client: &Client, filter: &str, token: &str) -> anyhow::Result<ListUsersResponse> {
    page(client, filter, token, 20).await
}

async fn page(
    client: &Client,
    filter: &str,
    token: &str,
    size: i32,
) -> anyhow::Result<ListUsersResponse> {
    let request = ListUsersRequest {
        page_size: size,
        page_token: token.to_owned(),
        filter: filter.to_owned(),
        ..ListUsersRequest::default()
    };
    Ok(client.clone().list_users(request).await?.into_inner())
}

/// Reads page after page until near the end; returns the token of the next page.
async fn late_page_token(client: &Client) -> anyhow::Result<String> {
    let mut token = String::new();
    let mut left = i32::MAX;
    while left > 200 {
        let found = page(client, "", &token, 100).await?;
        ensure!(!found.next_page_token.is_empty(), "there are too few users");
        left = left.min(found.total_count) - 100;
        token = found.next_page_token;
    }
    Ok(token)
}

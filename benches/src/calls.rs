//! Sequential calls, each compared with an empty call and its plain statement.

use std::time::Duration;

use anyhow::ensure;
use criterion::Criterion;
use user_proto::v1::{
    CreateUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest,
};
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::server::Client;
use crate::table::Table;
use crate::times::Times;

/// The filter that few users match.
const FEW: &str = "status=INACTIVE";

/// Measures every unary call but `DeleteUser`.
pub fn bench(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
) -> anyhow::Result<()> {
    let late = fixture.runtime.block_on(late_page(&fixture.client))?;
    let mut comparison = Comparison {
        criterion,
        fixture,
        table,
    };
    let Fixture {
        client, statements, ..
    } = fixture;
    comparison.bench(
        "GetUser",
        async |n| get(client, fixture.id(n)).await,
        async |n| statements.get(fixture.id(n)).await,
    );
    comparison.bench(
        "CreateUser",
        async |_| create(client, "").await,
        async |_| statements.create().await,
    );
    comparison.bench(
        "CreateUser with a password",
        async |_| create(client, "correct horse").await,
        async |_| statements.create().await,
    );
    comparison.bench(
        "UpdateUser",
        async |n| update(client, fixture.id(n), &format!("Ada {n}")).await,
        async |n| statements.update(fixture.id(n), &format!("Ada {n}")).await,
    );
    let first = comparison.bench(
        "ListUsers, first page",
        async |_| list(client, "", "").await.map(|_| ()),
        async |_| statements.page(false).await,
    );
    let last = comparison.bench(
        "ListUsers, late page",
        async |_| list(client, "", &late).await.map(|_| ()),
        async |_| statements.page(false).await,
    );
    comparison.bench(
        "ListUsers, filtered",
        async |_| list(client, FEW, "").await.map(|_| ()),
        async |_| statements.page(true).await,
    );
    let wanted = "at most 3";
    table.add_quantile(
        "ListUsers, late page",
        P50,
        &last,
        ("first page", &first),
        wanted,
    );
    Ok(())
}

/// The percentile that calls are compared by.
const P50: (&str, f64) = ("p50", 0.5);

/// Measures calls, each compared with its baselines.
struct Comparison<'a> {
    criterion: &'a mut Criterion,
    fixture: &'a Fixture,
    table: &'a mut Table,
}

impl Comparison<'_> {
    /// Measures a call, an empty call and a plain statement alternately; returns the times of the call.
    fn bench(
        &mut self,
        name: &str,
        mut call: impl AsyncFnMut(u64) -> anyhow::Result<()>,
        mut statement: impl AsyncFnMut(u64) -> anyhow::Result<()>,
    ) -> Times {
        let Fixture { runtime, empty, .. } = self.fixture;
        let mut calls = Times::default();
        let (mut empty_times, mut statement_times) = (Times::default(), Times::default());
        let mut number = 0;
        self.criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..iterations {
                        number += 1;
                        spent += calls.of(call(number)).await;
                        empty_times.of(get(empty, Uuid::nil())).await;
                        statement_times.of(statement(number)).await;
                    }
                    spent
                })
            });
        });
        let wanted = if name == "ListUsers, first page" {
            "at most 4"
        } else {
            ""
        };
        let table = &mut *self.table;
        table.add_quantile(name, P50, &calls, ("empty call", &empty_times), "");
        table.add_quantile(
            name,
            P50,
            &calls,
            ("plain statement", &statement_times),
            wanted,
        );
        calls
    }
}

/// `GetUser`, which the server of the empty call answers too.
pub async fn get(client: &Client, id: Uuid) -> anyhow::Result<()> {
    let request = GetUserRequest { id: id.to_string() };
    client.clone().get_user(request).await?;
    Ok(())
}

/// `CreateUser` of a new user; without a password if that is empty.
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

/// `UpdateUser`: a new name.
pub async fn update(client: &Client, id: Uuid, name: &str) -> anyhow::Result<()> {
    let request = UpdateUserRequest {
        id: id.to_string(),
        name: Some(name.to_owned()),
        ..UpdateUserRequest::default()
    };
    client.clone().update_user(request).await?;
    Ok(())
}

/// `ListUsers`: 20 users.
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

/// The token of a page near the end, found by listing all pages before it.
async fn late_page(client: &Client) -> anyhow::Result<String> {
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

//! One call after the other, each beside an empty call and its bare statement.

use std::time::Duration;

use anyhow::ensure;
use criterion::Criterion;
use user_proto::v1::{
    CreateUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest,
};
use uuid::Uuid;

use crate::server::Client;
use crate::stage::Stage;
use crate::table::Table;
use crate::times::Times;

/// The filter that few users match.
const FEW: &str = "status=INACTIVE";

/// Measures every unary call but `DeleteUser`.
pub fn bench(criterion: &mut Criterion, stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let late = stage.runtime.block_on(late_page(&stage.client))?;
    let mut beside = Beside {
        criterion,
        stage,
        table,
    };
    let Stage { client, bare, .. } = stage;
    beside.bench(
        "GetUser",
        async |n| get(client, stage.id(n)).await,
        async |n| bare.get(stage.id(n)).await,
    );
    beside.bench(
        "CreateUser",
        async |_| create(client, "").await,
        async |_| bare.create().await,
    );
    beside.bench(
        "CreateUser with a password",
        async |_| create(client, "correct horse").await,
        async |_| bare.create().await,
    );
    beside.bench(
        "UpdateUser",
        async |n| update(client, stage.id(n), &format!("Ada {n}")).await,
        async |n| bare.update(stage.id(n), &format!("Ada {n}")).await,
    );
    let first = beside.bench(
        "ListUsers, first page",
        async |_| list(client, "", "").await.map(|_| ()),
        async |_| bare.page(false).await,
    );
    let last = beside.bench(
        "ListUsers, late page",
        async |_| list(client, "", &late).await.map(|_| ()),
        async |_| bare.page(false).await,
    );
    beside.bench(
        "ListUsers, filtered",
        async |_| list(client, FEW, "").await.map(|_| ()),
        async |_| bare.page(true).await,
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

/// What each bench needs.
struct Beside<'a> {
    criterion: &'a mut Criterion,
    stage: &'a Stage,
    table: &'a mut Table,
}

impl Beside<'_> {
    /// Measures a call, an empty call and a bare statement in turn; returns the times of the call.
    fn bench(
        &mut self,
        name: &str,
        mut call: impl AsyncFnMut(u64) -> anyhow::Result<()>,
        mut bare: impl AsyncFnMut(u64) -> anyhow::Result<()>,
    ) -> Times {
        let Stage { runtime, empty, .. } = self.stage;
        let mut calls = Times::default();
        let (mut empties, mut bares) = (Times::default(), Times::default());
        let mut number = 0;
        self.criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..iterations {
                        number += 1;
                        spent += calls.of(call(number)).await;
                        empties.of(get(empty, Uuid::nil())).await;
                        bares.of(bare(number)).await;
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
        table.add_quantile(name, P50, &calls, ("empty call", &empties), "");
        table.add_quantile(name, P50, &calls, ("bare statement", &bares), wanted);
        calls
    }
}

/// `GetUser`, which the server of the empty call answers too.
pub async fn get(client: &Client, id: Uuid) -> anyhow::Result<()> {
    let request = GetUserRequest { id: id.to_string() };
    client.clone().get_user(request).await?;
    Ok(())
}

/// `CreateUser` of a user that is not there; without a password if that is empty.
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

/// The token of a page near the end, had by walking there.
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

//! The statement of a list: one snapshot for the page and for the total.

use sqlx::postgres::PgRow;
use sqlx::{FromRow as _, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{Key, KeysetCursor, ListQuery, Page};
use crate::filter::Filter;
use crate::order::Order;
use crate::user::{User, UserStatus};

/// The statement that [`page`] reads. It reads one user more, to find out whether more follow.
/// All text from a client is bound, never part of the statement (USR-17).
pub(super) fn statement(query: &ListQuery) -> QueryBuilder<Postgres> {
    let ListQuery {
        filter,
        order,
        after,
        size,
    } = query;
    let mut sql = QueryBuilder::new(
        "WITH matching AS NOT MATERIALIZED (\
         SELECT id, email, name, status, created_at, updated_at, metadata FROM users",
    );
    push_filter(&mut sql, filter);
    sql.push("), page AS (SELECT * FROM matching");
    if let Some(cursor) = after {
        push_after(&mut sql, *order, cursor);
    }
    push_order(&mut sql, *order);
    sql.push(" LIMIT ").push_bind(i64::from(*size) + 1);
    sql.push(") SELECT total, page.* FROM (");
    push_total(&mut sql, filter);
    // The total is there even if the page is empty.
    sql.push(") AS counted LEFT JOIN page ON true");
    push_order(&mut sql, *order);
    sql
}

/// The page of `size` users at most that these rows hold.
pub(super) fn page(rows: &[PgRow], size: u32) -> sqlx::Result<Page> {
    let total = rows
        .first()
        .ok_or(sqlx::Error::RowNotFound)?
        .try_get("total")?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut users = Vec::with_capacity(rows.len());
    for row in rows.iter().take(size) {
        if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
            users.push(User::from_row(row)?);
        }
    }
    Ok(Page {
        users,
        has_more: rows.len() > size,
        total,
    })
}

fn push_filter(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if filter.is_contradictory {
        sql.push(" WHERE false");
        return;
    }
    sql.push(" WHERE true");
    if let Some(status) = filter.status.map(UserStatus::name) {
        sql.push(" AND status = ").push_bind(status);
    }
    if let Some(email) = &filter.email {
        sql.push(" AND lower(email) = ").push_bind(email.clone());
    }
    if let Some(name) = &filter.name {
        sql.push(" AND name = ").push_bind(name.clone());
    }
}

/// How many match. Those of a status are counted already; with an email or a name there is an index
/// to count by.
fn push_total(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if filter.is_contradictory || filter.email.is_some() || filter.name.is_some() {
        sql.push("SELECT count(*) AS total FROM matching");
        return;
    }
    sql.push("SELECT coalesce(sum(users), 0)::bigint AS total FROM user_counts");
    if let Some(status) = filter.status.map(UserStatus::name) {
        sql.push(" WHERE status = ").push_bind(status);
    }
}

/// Only users that come after the cursor (USR-16).
fn push_after(sql: &mut QueryBuilder<Postgres>, order: Order, cursor: &KeysetCursor) {
    let comparison = if order.descending { "<" } else { ">" };
    sql.push(format_args!(
        " WHERE ({}, id) {comparison} (",
        order.field.name()
    ));
    match &cursor.key {
        Key::Time(time) => sql.push_bind(*time),
        Key::Text(text) => sql.push_bind(text.clone()),
    };
    sql.push(", ").push_bind(cursor.id).push(")");
}

fn push_order(sql: &mut QueryBuilder<Postgres>, order: Order) {
    let direction = if order.descending { "DESC" } else { "ASC" };
    sql.push(format_args!(
        " ORDER BY {} {direction}, id {direction}",
        order.field.name()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{filter, order};

    #[track_caller]
    fn check(filter: &str, order_by: &str, after: Option<Key>, expected: [&str; 3]) {
        let query = ListQuery {
            filter: filter::parse(filter).expect("a filter"),
            order: order::parse(order_by).expect("an order"),
            after: after.map(|key| KeysetCursor {
                key,
                id: Uuid::nil(),
            }),
            size: 20,
        };
        let statement = statement(&query).into_sql();
        let statement = statement.as_str();
        for part in expected {
            assert!(statement.contains(part), "{part:?} is not in {statement}");
        }
    }

    #[test]
    fn nothing_of_a_client_stands_in_the_statement() {
        check(
            r#"status=ACTIVE AND email="'; DROP" AND name=%"#,
            "name desc",
            Some(Key::Text("'; --".to_owned())),
            [
                "WHERE true AND status = $1 AND lower(email) = $2 AND name = $3)",
                "WHERE (name, id) < ($4, $5) ORDER BY name DESC, id DESC LIMIT $6)",
                "ON true ORDER BY name DESC, id DESC",
            ],
        );
    }

    #[test]
    fn users_of_a_status_are_not_counted_again() {
        check(
            "status=ACTIVE",
            "",
            None,
            [
                "WHERE true AND status = $1)",
                "LIMIT $2)",
                "sum(users), 0)::bigint AS total FROM user_counts WHERE status = $3)",
            ],
        );
    }

    #[test]
    fn a_contradiction_matches_no_user() {
        check(
            "name=a AND name=b",
            "",
            None,
            [
                "FROM users WHERE false)",
                "LIMIT $1",
                "created_at ASC, id ASC",
            ],
        );
    }
}

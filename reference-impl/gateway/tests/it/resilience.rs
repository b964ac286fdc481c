//! RES-1 to RES-4 over the trait.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use crate::fake::Fake;
use crate::gateway::{Gateway, request};

const ONE: &str = "/api/v1/users/ada";

#[tokio::test(start_paused = true)]
async fn a_get_is_repeated_while_the_user_service_is_unavailable() {
    let fake = Fake::new(|number| {
        Some(if number < 3 {
            Err(Status::unavailable("not yet"))
        } else {
            Ok(())
        })
    });
    let gateway = Gateway::over(&fake, &[]);
    let begin = Instant::now();
    gateway.ask("GET", ONE).await.check(200);
    assert_eq!(fake.count(), 3);
    assert!(
        (75..=227).contains(&begin.elapsed().as_millis()),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_repeated() {
    for (method, body) in [("POST", "{}"), ("PUT", "{}"), ("DELETE", "")] {
        let fake = Fake::new(|_| Some(Err(Status::unavailable("no"))));
        let gateway = Gateway::over(&fake, &[]);
        let path = if method == "POST" {
            "/api/v1/users"
        } else {
            ONE
        };
        let answer = gateway.send(request(method, path, body)).await;
        answer.check_error(503, "service unavailable");
        assert_eq!(fake.count(), 1);
    }
    let fake = Fake::new(|_| Some(Err(Status::internal("no"))));
    Gateway::over(&fake, &[]).ask("GET", ONE).await.check(500);
    assert_eq!(fake.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_time_for_the_next_pause_the_error_comes_at_once() {
    let fake = Fake::new(|_| Some(Err(Status::unavailable("no"))));
    let settings = [("REQUEST_TIMEOUT", "1s"), ("RETRY_BASE_DELAY", "10s")];
    let gateway = Gateway::over(&fake, &settings);
    let begin = Instant::now();
    gateway
        .ask("GET", ONE)
        .await
        .check_error(503, "service unavailable");
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(fake.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_allows_no_call_until_its_period_is_over() {
    let fake = Fake::new(|number| {
        Some(if number <= 5 {
            Err(Status::unknown("no"))
        } else {
            Ok(())
        })
    });
    let gateway = Gateway::over(&fake, &[]);
    for _ in 0..5 {
        gateway.ask("GET", ONE).await.check(500);
    }
    let answer = gateway.ask("GET", ONE).await;
    answer.check_error(503, "circuit breaker is open");
    assert_eq!(answer.headers["retry-after"], "30");
    assert_eq!(fake.count(), 5);
    tokio::time::advance(Duration::from_secs(30)).await;
    gateway.ask("GET", ONE).await.check(200);
    gateway.ask("GET", ONE).await.check(200);
}

#[tokio::test(start_paused = true)]
async fn the_attempt_that_opens_the_breaker_is_the_last() {
    let fake = Fake::new(|_| Some(Err(Status::unavailable("no"))));
    let gateway = Gateway::over(&fake, &[("BREAKER_MAX_FAILURES", "2")]);
    gateway
        .ask("GET", ONE)
        .await
        .check_error(503, "circuit breaker is open");
    assert_eq!(fake.count(), 2);
    // The trial is not repeated.
    tokio::time::advance(Duration::from_secs(30)).await;
    gateway.ask("GET", ONE).await.check(503);
    assert_eq!(fake.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_trial_makes_the_next_call_the_trial() {
    let fake = Fake::new(|number| match number {
        1 => Some(Err(Status::unavailable("no"))),
        2 => None,
        _ => Some(Ok(())),
    });
    let gateway = Gateway::over(&fake, &[("BREAKER_MAX_FAILURES", "1")]);
    gateway.ask("GET", ONE).await.check(503);
    tokio::time::advance(Duration::from_secs(30)).await;
    let trial = gateway.ask("GET", ONE);
    let abandoned = tokio::time::timeout(Duration::from_secs(1), trial).await;
    assert!(abandoned.is_err());
    gateway.ask("GET", ONE).await.check(200);
    assert_eq!(fake.count(), 3);
}

use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::*;
use crate::doubles::user_service::health::Health;

const USERS: &str = user_proto::SERVICE_NAME;

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

fn health_client(double: &UserServiceDouble) -> HealthClient<Channel> {
    HealthClient::new(endpoint(double).connect_lazy())
}

async fn check(double: &UserServiceDouble, service: &str) -> Result<ServingStatus, Code> {
    let answer = health_client(double).check(request(service)).await;
    answer
        .map(|it| it.into_inner().status())
        .map_err(|it| it.code())
}

#[tokio::test]
async fn health_is_as_it_was_set() {
    let double = double().await;
    assert_eq!(check(&double, "").await, Ok(ServingStatus::Serving));
    assert_eq!(check(&double, USERS).await, Ok(ServingStatus::Serving));
    assert_eq!(check(&double, "other").await, Err(Code::NotFound));
    for (health, answer) in [
        (
            Health::Is(ServingStatus::NotServing),
            Ok(ServingStatus::NotServing),
        ),
        (
            Health::Is(ServingStatus::Unknown),
            Ok(ServingStatus::Unknown),
        ),
        (Health::Fails(Code::Unimplemented), Err(Code::Unimplemented)),
        (Health::Fails(Code::NotFound), Err(Code::NotFound)),
        (
            Health::Is(ServingStatus::Serving),
            Ok(ServingStatus::Serving),
        ),
    ] {
        double.set_health(USERS, health);
        assert_eq!(check(&double, USERS).await, answer);
    }
    double.set_health(USERS, Health::NeverAnswers);
    let answer = timeout(Duration::from_millis(100), check(&double, USERS)).await;
    assert!(answer.is_err(), "{answer:?}");
    let checks = double.health_checks();
    assert_eq!(checks.len(), 9);
    assert_eq!(
        (checks[2].service.as_str(), checks[2].watch),
        ("other", false)
    );
    assert!(double.calls().is_empty());
}

#[tokio::test]
async fn a_watch_sends_every_change() {
    let double = double().await;
    let watch = health_client(&double).watch(request(USERS)).await;
    let mut watch = watch.expect("it is served").into_inner();
    for (health, sent) in [
        (None, ServingStatus::Serving),
        (
            Some(Health::Is(ServingStatus::NotServing)),
            ServingStatus::NotServing,
        ),
        (
            Some(Health::Fails(Code::NotFound)),
            ServingStatus::ServiceUnknown,
        ),
        (
            Some(Health::Is(ServingStatus::Serving)),
            ServingStatus::Serving,
        ),
    ] {
        if let Some(health) = health {
            double.set_health(USERS, health);
            double.set_health("another", Health::NeverAnswers);
        }
        let answer = timeout(SOON, watch.message()).await.expect("in time");
        assert_eq!(answer.expect("no end").map(|it| it.status()), Some(sent));
    }
    double.set_health(USERS, Health::Fails(Code::Unavailable));
    let end = timeout(SOON, watch.message()).await.expect("in time");
    assert_eq!(end.expect_err("it ends").code(), Code::Unavailable);
    assert!(double.health_checks()[0].watch);
}

#[tokio::test]
async fn a_watch_of_an_unknown_service_says_so_and_waits() {
    let double = double().await;
    let watch = health_client(&double).watch(request("other")).await;
    let mut watch = watch.expect("it is served").into_inner();
    let answer = watch.message().await.expect("no end").expect("a status");
    assert_eq!(answer.status(), ServingStatus::ServiceUnknown);
    double.set_health("other", Health::Is(ServingStatus::Serving));
    let answer = watch.message().await.expect("no end").expect("a status");
    assert_eq!(answer.status(), ServingStatus::Serving);
}

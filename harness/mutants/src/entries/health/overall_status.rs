//! HLT-3: the overall status, made from the components.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use platform::health::{Check, CheckFailed};

use super::health_mutant;
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        health_mutant(
            "healthy-is-204",
            "HLT-3",
            "/health is 204 when all components are healthy",
            |probe| {
                if probe.status == StatusCode::OK {
                    probe.status = StatusCode::NO_CONTENT;
                }
            },
        ),
        user_service_mutant(
            "check-is-a-connect",
            "HLT-3",
            "the database is healthy as long as its port accepts connections",
            |settings, dependencies| {
                let options = &settings.database;
                let address = format!("{}:{}", options.get_host(), options.get_port());
                dependencies.components[0].check = Arc::new(ConnectCheck(address));
            },
        ),
    ]
}

/// A check that opens a TCP connection and sends nothing.
struct ConnectCheck(String);

#[async_trait]
impl Check for ConnectCheck {
    async fn check(&self) -> Result<(), CheckFailed> {
        tokio::net::TcpStream::connect(&self.0)
            .await
            .map(|_| ())
            .map_err(|_| CheckFailed("cannot connect"))
    }
}

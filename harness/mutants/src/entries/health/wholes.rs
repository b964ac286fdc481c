//! HLT-3: how the components make the whole.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use platform::health::{Check, Unwell};

use super::health;
use crate::entries::parts;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        health(
            "healthy-is-204",
            "HLT-3",
            "/health is 204 when all is well",
            |probe| {
                if probe.status == StatusCode::OK {
                    probe.status = StatusCode::NO_CONTENT;
                }
            },
        ),
        parts(
            "check-is-a-connect",
            "HLT-3",
            "the database is well as long as it takes connections",
            |settings, dependencies| {
                let options = &settings.database;
                let address = format!("{}:{}", options.get_host(), options.get_port());
                dependencies.components[0].check = Arc::new(Connects(address));
            },
        ),
    ]
}

/// A check that connects and sends nothing.
struct Connects(String);

#[async_trait]
impl Check for Connects {
    async fn check(&self) -> Result<(), Unwell> {
        tokio::net::TcpStream::connect(&self.0)
            .await
            .map(|_| ())
            .map_err(|_| Unwell("cannot connect"))
    }
}

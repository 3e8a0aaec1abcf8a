//! `/health`: whether this monitor does its work, for load balancers and other monitors.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use serde::Serialize;

use super::answer::{Answer, JSON, body, json};
use super::routes::Asked;
use crate::view::dashboard::state_word;

/// How soon to ask again.
const AGAIN: Duration = Duration::from_secs(15);

/// `/health`
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// healthy, or stale: no cycle has ended for longer than their rhythm explains.
    status: &'static str,
    /// What is watched: ok, low, medium, high, critical or unknown. It does not change the status code.
    state: &'static str,
    /// When the last cycle ended.
    #[serde(rename = "lastCycle")]
    last_cycle: Option<String>,
    age_seconds: Option<f64>,
    version: &'static str,
    timestamp: String,
}

/// 200 while cycles are done, 503 when none has ended for too long or the database cannot be read.
pub async fn health(asked: Asked) -> Answer {
    let moment = asked.site.moment().await?;
    let age = asked.site.age(&moment);
    let health = Health {
        status: if age.stale { "stale" } else { "healthy" },
        state: state_word(if age.stale { crate::view::snapshot::State::Unknown } else { moment.snapshot.state() }),
        last_cycle: moment.snapshot.cycle.map(|cycle| cycle.finished.rfc3339()),
        age_seconds: age.seconds,
        version: env!("CARGO_PKG_VERSION"),
        timestamp: age.now.rfc3339(),
    };
    let status = if age.stale { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut response = body(status, JSON, json(&health)?);
    if age.stale {
        response.headers_mut().insert(RETRY_AFTER, AGAIN.as_secs().into());
    }
    Ok(response)
}

//! `/monitoring/*`: the documents of `view::api` in their envelope.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::IF_NONE_MATCH;
use axum::response::Response;

use super::answer::{Answer, JSON, body, envelope, json, tagged};
use super::routes::Asked;
use super::site::{DASHBOARD, Moment};
use crate::config::Config;
use crate::model::trouble::Trouble;
use crate::view::api::alerts::Alerts;
use crate::view::api::health::HealthChecks;
use crate::view::api::migration::Migration;
use crate::view::api::reserves::Reserves;
use crate::view::api::system::System;
use crate::view::dashboard::Dashboard;
use crate::view::silences::Row;
use crate::view::snapshot::Snapshot;

/// `/monitoring/system`
pub async fn system(asked: Asked) -> Answer {
    document(&asked, "system", |snapshot, config| json(&System::new(snapshot, config))).await
}

/// `/monitoring/migration`
pub async fn migration(asked: Asked) -> Answer {
    document(&asked, "migration", |snapshot, _| json(&Migration::new(snapshot))).await
}

/// `/monitoring/reserves`
pub async fn reserves(asked: Asked) -> Answer {
    document(&asked, "reserves", |snapshot, _| json(&Reserves::new(snapshot))).await
}

/// `/monitoring/alerts`
pub async fn alerts(asked: Asked) -> Answer {
    document(&asked, "alerts", |snapshot, config| json(&Alerts::new(snapshot, config))).await
}

/// `/monitoring/health-checks`
pub async fn health_checks(asked: Asked) -> Answer {
    document(&asked, "health-checks", |snapshot, _| json(&HealthChecks::new(snapshot))).await
}

/// `/monitoring/silences`
pub async fn silences(asked: Asked) -> Answer {
    let moment = asked.site.moment().await?;
    let rows = asked.site.read(|reader, _, now| json(&reader.silences(now)?.iter().map(Row::new).collect::<Vec<_>>()));
    let data = rows.await?;
    Ok(body(StatusCode::OK, JSON, envelope(&data, asked.site.age(&moment))))
}

/// `/monitoring/dashboard`
pub async fn dashboard(asked: Asked) -> Answer {
    document(&asked, DASHBOARD, |snapshot, config| json(&Dashboard::new(snapshot, config))).await
}

/// The document of this name in its envelope, unless the client has it already.
async fn document(
    asked: &Asked,
    name: &'static str,
    make: impl FnOnce(&Snapshot, &Config) -> Result<Bytes, Trouble>,
) -> Answer {
    let moment = asked.site.moment().await?;
    if let Some(answer) = unchanged(asked, &moment) {
        return Ok(answer);
    }
    let data = moment.document(name, make)?;
    Ok(tagged(body(StatusCode::OK, JSON, envelope(&data, asked.site.age(&moment))), &moment.tag))
}

/// 304, where the client has what this state of the database gives.
pub fn unchanged(asked: &Asked, moment: &Arc<Moment>) -> Option<Response> {
    let known = asked.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = |tags: &str| tags.split(',').map(str::trim).any(|tag| tag == moment.tag || tag == "*");
    let mut known = known.filter(|tags| is_known(tags));
    known.next().map(|_| {
        let mut response = body(StatusCode::NOT_MODIFIED, JSON, Bytes::new());
        response.headers_mut().remove(axum::http::header::CONTENT_TYPE);
        tagged(response, &moment.tag)
    })
}

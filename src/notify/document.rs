//! A notification as JSON for machines: every field of the message under its own name. Nothing in it is shortened or made
//! harmless: JSON's own escapes do that, and a machine wants what was said.

use std::collections::BTreeMap;

use serde::Serialize;

use super::render;
use crate::model::delivery::Delivery;
use crate::model::message::Message;

/// The form of [`Document`]; a field may be added without a new number.
const VERSION: u32 = 1;

/// What a webhook is posted and a program finds on its standard input.
#[derive(Serialize)]
pub struct Document<'a> {
    version: u32,
    /// The same on every repeat.
    id: i64,
    /// An earlier attempt may have arrived.
    possible_repeat: bool,
    attempt: u32,
    created: String,
    kind: &'static str,
    severity: &'static str,
    alert: &'a str,
    number: Option<u64>,
    headline: String,
    summary: &'a str,
    value: Option<&'a str>,
    limit: Option<&'a str>,
    worst: Option<&'a str>,
    labels: BTreeMap<&'a str, &'a str>,
    since: String,
    at: String,
    system: &'a str,
    environment: &'a str,
    host: &'a str,
    action: Option<&'a str>,
    runbook_url: Option<&'a str>,
    note: Option<&'a str>,
}

impl<'a> From<&'a Delivery> for Document<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        let Message {
            kind,
            severity,
            alert,
            number,
            summary,
            value,
            limit,
            worst,
            labels,
            since,
            at,
            system,
            environment,
            host,
            action,
            runbook_url,
            note,
            // a machine draws its own picture, and gets each alert by itself
            trend: _,
            responses: _,
            list: _,
        } = &delivery.message;
        Self {
            version: VERSION,
            id: delivery.id,
            possible_repeat: delivery.maybe_repeat,
            attempt: delivery.attempts,
            created: delivery.created.rfc3339(),
            kind: kind.name(),
            severity: severity.name(),
            alert,
            number: *number,
            headline: render::headline(&delivery.message),
            summary,
            value: value.as_deref(),
            limit: limit.as_deref(),
            worst: worst.as_deref(),
            labels: labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            since: since.rfc3339(),
            at: at.rfc3339(),
            system,
            environment,
            host,
            action: action.as_deref(),
            runbook_url: runbook_url.as_deref(),
            note: note.as_deref(),
        }
    }
}

impl Document<'_> {
    /// The document on one line.
    pub fn json(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| format!("the message cannot be written as JSON: {error}"))
    }
}

//! PagerDuty, Events API v2. A machine: each alert comes by itself, and all events about one share its `dedup_key`, so
//! that a repeat changes nothing and "resolved" ends the incident.
//!
//! Contract: <https://developer.pagerduty.com/docs/events-api-v2/overview/>. Success is status 202.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use toml::Spanned;

use super::post::{post, refused, words};
use super::{address, address::place_of_secret, render};
use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::Fault;
use crate::model::message::{Kind, Message};
use crate::model::secret::Secret;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::Request;
use crate::text::check::Check;
use crate::text::safe::{clip, one_line};

/// Their limits for a summary and for a key.
const MAX_SUMMARY: usize = 1024;
const MAX_KEY: usize = 255;

/// `[channels.NAME.pagerduty]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The integration key of an "Events API V2" integration: a literal, `env:NAME` or `file:PATH`.
    routing_key: Option<Spanned<String>>,
    /// Default `https://events.pagerduty.com`; in the EU `https://events.eu.pagerduty.com`.
    base_url: Option<Spanned<String>>,
    /// Allow `http://` to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pagerduty::Settings(***)")
    }
}

impl Settings {
    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<PagerDuty> {
        let help = "set it to the integration key of an \"Events API V2\" integration, better to \"env:NAME\"";
        let key = check.required(self.routing_key.as_ref(), table, "routing_key", help).and_then(|given| {
            let key = check.secret(given)?;
            let is_key = key.expose().len() == 32 && key.expose().chars().all(|c| c.is_ascii_alphanumeric());
            if !is_key {
                let what = format!("channel `{name}`: `routing_key` is not 32 letters and digits");
                check.fault(Fault::error(what, place_of_secret(given)).help(help));
            }
            is_key.then_some(key)
        });
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        let base = address::base(name, self.base_url.as_ref(), "https://events.pagerduty.com", allow_plain, check);
        let (base, host) = base?;
        Some(PagerDuty { name: name.to_owned(), key: key?, url: Secret::new(&format!("{base}/v2/enqueue")), host })
    }
}

/// A PagerDuty service, ready to be used.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    name: String,
    key: Secret,
    url: Secret,
    host: String,
}

impl PagerDuty {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `events at events.pagerduty.com`.
    pub fn describe(&self) -> String {
        format!("events at {}", self.host)
    }

    /// Sends the event.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        let body = event(delivery, self.key.expose()).to_string().into_bytes();
        let request = Request::post(self.url.clone(), "application/json", body);
        let reply = match post(request, net, deadline).await {
            Ok(reply) => reply,
            Err(outcome) => return outcome,
        };
        let said = words(&reply, &told(&reply.body), &[self.key.expose()]);
        if reply.status.as_u16() == 202 {
            Outcome::sent(said)
        } else {
            refused(&reply, said, "PagerDuty's answer", now)
        }
    }
}

/// The words of an answer: of JSON its message and its errors, else all of it.
fn told(body: &[u8]) -> String {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten();
    let all = answer.get("message").into_iter().chain(errors);
    all.filter_map(Value::as_str).collect::<Vec<_>>().join(": ")
}

/// The event; only one that begins or goes on carries a payload.
fn event(delivery: &Delivery, routing_key: &str) -> Value {
    let message = &delivery.message;
    let action = action(message.kind);
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(message),
    });
    if let (TRIGGER, Value::Object(map)) = (action, &mut event) {
        map.insert("client".to_owned(), Value::from(clip(&format!("sippar-mon on {}", render::host(message)), 100)));
        map.insert("payload".to_owned(), payload(delivery));
        let links: Vec<Value> =
            render::runbook(message).map(|url| json!({"href": url, "text": "Runbook"})).into_iter().collect();
        map.insert("links".to_owned(), Value::Array(links));
    }
    event
}

const TRIGGER: &str = "trigger";

const fn action(kind: Kind) -> &'static str {
    match kind {
        Kind::Resolved => "resolve",
        Kind::Acknowledged => "acknowledge",
        Kind::Firing | Kind::Raised | Kind::Eased | Kind::Escalated | Kind::Reminder | Kind::Test => TRIGGER,
    }
}

/// The same for all events about one alert. Numbers are given once by each database, and the host says whose it is.
fn dedup_key(message: &Message) -> String {
    let number = match (message.number, message.kind) {
        (Some(number), _) => number.to_string(),
        (None, Kind::Test) => "test".to_owned(),
        (None, _) => "monitor".to_owned(),
    };
    clip(&one_line(&format!("sippar-mon/{}/{number}/{}", message.host, message.alert)), MAX_KEY)
}

fn payload(delivery: &Delivery) -> Value {
    let message = &delivery.message;
    let mut details: Map<String, Value> =
        render::rows(message).into_iter().map(|row| (row.name, Value::from(row.value))).collect();
    details.insert("Action required".to_owned(), Value::from(render::action(message)));
    details.insert("Id".to_owned(), Value::from(render::id(delivery)));
    json!({
        "summary": clip(&render::headline(message), MAX_SUMMARY),
        "source": render::host(message),
        "severity": severity(message.severity),
        "timestamp": message.at.rfc3339(),
        "component": render::system(message),
        "class": clip(&one_line(&message.alert), 100),
        "custom_details": details,
    })
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "info",
    }
}

#[cfg(test)]
pub mod tests;

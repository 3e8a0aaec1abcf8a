//! Alertmanager, v2 API: the way into a cluster that has its own routes. A machine: each alert comes by itself.
//!
//! Contract: <https://prometheus.io/docs/alerting/latest/alerts_api/>. The labels are the alert's identity there, and the
//! same ones as `rules export` gives: `alertname`, `severity` and those of the alert. An alert that goes to another
//! severity is another alert, so the one it was is ended in the same post. Alertmanager keeps what fires in memory and takes it
//! for over at `endsAt`, so it must hear of it again and again: [`Alertmanager::remind`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use toml::Spanned;

use super::post::{post, refused, words};
use super::{address, render};
use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::{Fault, Place};
use crate::model::message::{Kind, Message};
use crate::model::secret::Secret;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::Request;
use crate::text::check::Check;
use crate::text::safe::clip;

/// How long it takes an alert for firing that it does not hear of again.
const HOLD: Duration = Duration::from_hours(1);
/// How often it hears of what fires.
pub const RESEND: Duration = Duration::from_mins(1);
/// How long a test fires there.
const TEST: Duration = Duration::from_mins(5);
/// The longest text of an annotation.
const MAX_TEXT: usize = 1000;

/// `[channels.NAME.alertmanager]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its address, without `/api/v2`: a literal, `env:NAME` or `file:PATH`.
    url: Option<Spanned<String>>,
    /// Request headers; values may be `env:NAME` or `file:PATH`.
    headers: Option<BTreeMap<String, Spanned<String>>>,
    /// How long it takes an alert for firing without hearing of it again; default 1h.
    hold: Option<Spanned<String>>,
    /// Allow `http://` to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("alertmanager::Settings(***)")
    }
}

impl Settings {
    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Alertmanager> {
        let shape = "it looks like http://127.0.0.1:9093, without /api/v2";
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        let place = check.required(self.url.as_ref(), table, "url", shape).and_then(|given| {
            let url = check.reference(given)?;
            match address::host(&url, allow_plain, shape) {
                Ok(host) => Some((Secret::new(&format!("{}/api/v2/alerts", url.trim_end_matches('/'))), host)),
                Err(wrong) => {
                    // a literal may hold a password before its host
                    check.fault(address::fault(name, "url", &wrong, address::place_of_secret(given)));
                    None
                }
            }
        });
        let headers = address::headers(self.headers.as_ref(), &["content-type"], check);
        let hold = self.hold(check);
        let (url, host) = place?;
        Some(Alertmanager { name: name.to_owned(), url, host, headers: headers?, hold: hold? })
    }

    fn hold(&self, check: &mut Check<'_>) -> Option<Duration> {
        let hold = check.duration(self.hold.as_ref(), HOLD)?;
        // a few posts may be lost without an end that is none
        let least = 5 * RESEND.max(check.interval);
        if hold >= least {
            return Some(hold);
        }
        let place = self.hold.as_ref().map_or(Place::Nowhere, |key| Place::File(key.span()));
        let what = "`hold` is shorter than five posts: an alert would end there while it fires";
        check.fault(Fault::error(what, place).help(format!("write at least {}s", least.as_secs())));
        None
    }
}

/// An Alertmanager, ready to be used.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    name: String,
    url: Secret,
    host: String,
    headers: Vec<(String, Secret)>,
    hold: Duration,
}

/// One alert as the API wants it.
#[derive(Serialize)]
struct Posted {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    #[serde(rename = "startsAt")]
    starts_at: String,
    #[serde(rename = "endsAt")]
    ends_at: String,
}

impl Alertmanager {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `Alertmanager at alerts.example.org`.
    pub fn describe(&self) -> String {
        format!("Alertmanager at {}", self.host)
    }

    /// Posts what the message says.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        self.post(&self.posted(&delivery.message, now), net, now, deadline).await
    }

    /// Posts once more what fires: `told` are the last messages about alerts that do.
    pub async fn remind(&self, told: &[Delivery], net: &Net, now: Time, deadline: Instant) -> Outcome {
        let firing: Vec<Posted> =
            told.iter().map(|told| posted(&told.message, told.message.severity, now + self.hold)).collect();
        self.post(&firing, net, now, deadline).await
    }

    /// The alert at its severity, and the end of what it was at any other.
    fn posted(&self, message: &Message, now: Time) -> Vec<Posted> {
        let at = |severity: Severity| match message.kind {
            Kind::Test => posted(message, severity, now + TEST),
            Kind::Resolved => posted(message, severity, now),
            _ if severity == message.severity => posted(message, severity, now + self.hold),
            _ => posted(message, severity, now),
        };
        match message.kind {
            // it may have been another one there
            Kind::Raised | Kind::Eased | Kind::Resolved => Severity::ALL.into_iter().map(at).collect(),
            Kind::Firing | Kind::Escalated | Kind::Reminder | Kind::Acknowledged | Kind::Test => {
                vec![at(message.severity)]
            }
        }
    }

    async fn post(&self, alerts: &[Posted], net: &Net, now: Time, deadline: Instant) -> Outcome {
        let body = match serde_json::to_vec(alerts) {
            Ok(body) => body,
            Err(error) => return Outcome::dead(format!("the alerts cannot be written as JSON: {error}")),
        };
        let request =
            Request { headers: self.headers.clone(), ..Request::post(self.url.clone(), "application/json", body) };
        let reply = match post(request, net, deadline).await {
            Ok(reply) => reply,
            Err(outcome) => return outcome,
        };
        let said = words(&reply, &reply.text(), &self.secrets());
        if reply.status.as_u16() == 200 {
            Outcome::sent(said)
        } else {
            refused(&reply, said, "Alertmanager's answer", now)
        }
    }

    fn secrets(&self) -> Vec<&str> {
        let tokens = self.headers.iter().flat_map(|(_, value)| {
            let value = value.expose();
            [value, value.split_once(' ').map_or(value, |(_, token)| token)]
        });
        std::iter::once(self.url.expose()).chain(tokens).collect()
    }
}

/// The alert at `severity`, as it stands until `ends`.
fn posted(message: &Message, severity: Severity, ends: Time) -> Posted {
    let mut labels: BTreeMap<String, String> = message.labels.iter().cloned().collect();
    labels.insert("alertname".to_owned(), message.alert.clone());
    labels.insert("severity".to_owned(), severity.name().to_owned());
    let known = |value: &Option<String>| value.as_deref().map(|value| clip(value, MAX_TEXT));
    let annotations = [
        ("summary", Some(clip(&message.summary, MAX_TEXT))),
        ("value", known(&message.value)),
        ("limit", known(&message.limit)),
        ("worst", known(&message.worst)),
        ("note", known(&message.note)),
        ("action", known(&message.action)),
        ("runbook_url", render::runbook(message).map(str::to_owned)),
        ("system", Some(render::system(message))),
        ("host", Some(render::host(message))),
        ("number", message.number.map(|number| number.to_string())),
    ];
    let annotations = annotations.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    Posted { labels, annotations, starts_at: message.since.rfc3339(), ends_at: ends.rfc3339() }
}

#[cfg(test)]
pub mod tests;

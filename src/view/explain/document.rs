//! `rules explain --json` and `alert explain --json`. What is not known is null.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Case, Explanation, Life, Standing, channels};
use crate::alert::stand::Stand;
use crate::model::delivery::Delivery;
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::Value;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::verdict::{Level, NoData, Says};
use crate::rules::Rule;
use crate::rules::explain::{Found, Outcome, Seen, Tree};
use crate::store::alerts::TransitionRow;
use crate::view::dashboard::AlertRow;

/// A rule at one tick.
#[derive(Serialize)]
pub struct Document<'a> {
    rule: &'a str,
    origin: String,
    /// The tick that is explained.
    at: String,
    /// Another one than the last: pending starts are not known then.
    past: bool,
    /// The last check is longer ago than it should be.
    stale: bool,
    /// `judged`, `unknown` or `failed`.
    outcome: &'static str,
    reason: Option<&'a str>,
    no_data: NoData,
    expr: Node<'a>,
    when: Option<Node<'a>>,
    results: Vec<Result<'a>>,
    /// The channels that hear of each severity of the rule.
    told: BTreeMap<&'static str, Vec<&'a str>>,
}

/// An alert, and its rule where that is still configured.
#[derive(Serialize)]
pub struct AlertDocument<'a> {
    alert: AlertRow<'a>,
    history: Vec<Event>,
    deliveries: Vec<Sent<'a>>,
    explanation: Option<Document<'a>>,
}

/// A part of an expression.
#[derive(Serialize)]
struct Node<'a> {
    text: &'a str,
    /// `number`, `text`, `elements`, `samples`, `unknown` or `failed`.
    yields: &'static str,
    value: Option<f64>,
    unit: Option<Unit>,
    reason: Option<&'a str>,
    range_seconds: Option<f64>,
    elements: Vec<Element<'a>>,
    notes: &'a [String],
    parts: Vec<Self>,
}

#[derive(Serialize)]
struct Element<'a> {
    metric: Option<&'a str>,
    labels: &'a Labels,
    value: Option<f64>,
    reason: Option<&'a str>,
    measured: Option<String>,
    samples: Option<usize>,
    unknown_since: Option<String>,
}

#[derive(Serialize)]
struct Result<'a> {
    labels: &'a Labels,
    value: Option<f64>,
    reason: Option<&'a str>,
    /// Whether `when` holds; null for a rule without.
    when: Option<bool>,
    left_out_by: Option<&'a str>,
    alert: Option<u64>,
    firing: Option<Severity>,
    since: Option<String>,
    severities: Vec<Step>,
    deliveries: Vec<Sent<'a>>,
}

/// How a severity stands.
#[derive(Serialize)]
struct Step {
    severity: Severity,
    limit: Option<f64>,
    clear: Option<f64>,
    /// What holds it: `not_true`, `in_band`, `begins`, `pending`, `stopped`, `firing`, `not_clear`, `keeping`, `ends`,
    /// `held`, `unknown`; of the past `true`, `not_true`, `in_band` or `unknown`.
    stand: &'static str,
    since: Option<String>,
    /// When it fires, or ends, if everything stays as it is.
    until: Option<String>,
    left_seconds: Option<f64>,
}

#[derive(Serialize)]
struct Sent<'a> {
    channel: &'a str,
    kind: &'static str,
    at: String,
    state: &'static str,
    answer: Option<&'a str>,
}

#[derive(Serialize)]
struct Event {
    time: String,
    what: &'static str,
    severity: Severity,
    value: Option<f64>,
}

impl<'a> Document<'a> {
    /// The document of an explanation.
    pub fn new(explanation: &'a Explanation<'a>) -> Self {
        let Explanation { rule, at, now: _, is_past, is_stale, explained, cases, routes } = explanation;
        let (outcome, reason) = match &explained.outcome {
            Outcome::Judged(_) => ("judged", None),
            Outcome::Unknown(reason) => ("unknown", Some(reason.as_str())),
            Outcome::Failed(why) => ("failed", Some(why.as_str())),
        };
        let own = rule.policy.severities.iter().filter(|(_, has)| **has);
        Self {
            rule: &rule.name,
            origin: rule.origin.to_string(),
            at: at.rfc3339(),
            past: *is_past,
            stale: *is_stale,
            outcome,
            reason,
            no_data: rule.policy.no_data,
            expr: Node::new(&explained.tree),
            when: explained.when.as_ref().map(Node::new),
            results: cases.iter().map(|case| Result::new(rule, case)).collect(),
            told: own.map(|(severity, _)| (severity.name(), channels(routes, severity))).collect(),
        }
    }
}

impl<'a> AlertDocument<'a> {
    /// The document of an alert; the explanation is `None` where the rule is gone.
    pub fn new(life: &'a Life, explanation: Option<&'a Explanation<'a>>) -> Self {
        let mut document = explanation.map(Document::new);
        if let Some(document) = &mut document {
            document.results.retain(|result| *result.labels == life.alert.key.labels);
        }
        Self {
            alert: AlertRow::new(&life.alert),
            history: life.history.iter().map(Event::new).collect(),
            deliveries: life.deliveries.iter().map(Sent::new).collect(),
            explanation: document,
        }
    }
}

impl<'a> Node<'a> {
    fn new(tree: &'a Tree) -> Self {
        let (mut value, mut reason, mut range) = (None, None, None);
        let yields = match &tree.found {
            Found::Number(number) => {
                value = finite(*number);
                "number"
            }
            Found::Text(_) => "text",
            Found::Elements(_) => "elements",
            Found::Samples(over, _) => {
                range = Some(over.as_secs_f64());
                "samples"
            }
            Found::Unknown(why) => {
                reason = Some(why.as_str());
                "unknown"
            }
            Found::Failed(why) => {
                reason = Some(why.as_str());
                "failed"
            }
        };
        Self {
            text: &tree.text,
            yields,
            value,
            unit: tree.unit,
            reason,
            range_seconds: range,
            elements: tree.found.seen().iter().map(Element::new).collect(),
            notes: &tree.notes,
            parts: tree.parts.iter().map(Self::new).collect(),
        }
    }
}

impl<'a> Element<'a> {
    fn new(seen: &'a Seen) -> Self {
        let (value, reason) = match &seen.element.value {
            Value::Known(value) => (finite(*value), None),
            Value::Unknown(reason) => (None, Some(reason.as_str())),
        };
        Self {
            metric: seen.element.name.as_deref(),
            labels: seen.labels(),
            value,
            reason,
            measured: seen.measured.map(Time::rfc3339),
            samples: seen.samples,
            unknown_since: seen.unknown_since.map(Time::rfc3339),
        }
    }
}

impl<'a> Result<'a> {
    fn new(rule: &Rule, case: &'a Case) -> Self {
        let Case { labels, weighed, alert, fires, severities, deliveries } = case;
        let weighed = weighed.as_ref();
        let (value, reason) = match weighed.map(|weighed| &weighed.says) {
            Some(Says::Measured { value, .. }) => (finite(*value), None),
            Some(Says::Unknown(reason)) => (None, Some(reason.as_str())),
            None => (None, None),
        };
        Self {
            labels,
            value,
            reason,
            when: weighed.and_then(|weighed| weighed.allowed),
            left_out_by: weighed.and_then(|weighed| weighed.left_out_by.as_deref()),
            alert: alert.as_ref().and_then(|alert| alert.number),
            firing: *fires,
            since: alert.as_ref().map(|alert| alert.since.rfc3339()),
            severities: severities.iter().map(|(severity, standing)| Step::new(rule, *severity, *standing)).collect(),
            deliveries: deliveries.iter().map(Sent::new).collect(),
        }
    }
}

impl Step {
    fn new(rule: &Rule, severity: Severity, standing: Standing) -> Self {
        let (stand, since, until) = match standing {
            Standing::Now(stand) => now(stand),
            Standing::Then(None) => ("unknown", None, None),
            Standing::Then(Some(Level::Within)) => ("not_true", None, None),
            Standing::Then(Some(Level::Band)) => ("in_band", None, None),
            Standing::Then(Some(Level::Beyond)) => ("true", None, None),
        };
        let left = match standing {
            Standing::Now(Stand::Stopped { left, .. }) => Some(left.as_secs_f64()),
            _ => None,
        };
        let rung = rule.rung(severity);
        Self {
            severity,
            limit: rung.map(|rung| rung.limit),
            clear: rung.and_then(|rung| rung.clear),
            stand,
            since: since.map(Time::rfc3339),
            until: until.map(Time::rfc3339),
            left_seconds: left,
        }
    }
}

/// The word, since when, and until when.
const fn now(stand: Stand) -> (&'static str, Option<Time>, Option<Time>) {
    match stand {
        Stand::NotTrue => ("not_true", None, None),
        Stand::Band => ("in_band", None, None),
        Stand::Begins => ("begins", None, None),
        Stand::Pending { since, fires_at } => ("pending", Some(since), Some(fires_at)),
        Stand::Stopped { since, .. } => ("stopped", Some(since), None),
        Stand::Firing { since } => ("firing", Some(since), None),
        Stand::NotClear { since } => ("not_clear", Some(since), None),
        Stand::Keeping { since, until, .. } => ("keeping", Some(since), Some(until)),
        Stand::Ends { since } => ("ends", Some(since), None),
        Stand::Held { since } => ("held", Some(since), None),
        Stand::Blind => ("unknown", None, None),
    }
}

impl<'a> Sent<'a> {
    fn new(delivery: &'a Delivery) -> Self {
        Self {
            channel: &delivery.destination.channel,
            kind: delivery.message.kind.name(),
            at: delivery.message.at.rfc3339(),
            state: delivery.state.name(),
            answer: delivery.last_answer.as_deref(),
        }
    }
}

impl Event {
    fn new(row: &TransitionRow) -> Self {
        Self {
            time: row.tick.rfc3339(),
            what: row.transition.name(),
            severity: row.transition.severity(),
            value: row.value.and_then(finite),
        }
    }
}

/// JSON has neither NaN nor infinity.
fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

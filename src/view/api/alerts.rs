//! Alerts as documents: of the commands, and as clients of the original read them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::labels::Labels;
use crate::model::message::Texts;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::notify::OF_ENVIRONMENT;
use crate::store::deliveries::Tally;
use crate::view::snapshot::Snapshot;

/// How many alerts `/monitoring/alerts` shows of the past.
const HISTORY: usize = 20;

/// How many of them are recent.
const RECENT: usize = 10;

/// An alert as `alert list --json` prints it.
#[derive(Serialize)]
pub struct AlertRow<'a> {
    id: Option<u64>,
    #[serde(flatten)]
    facts: Facts<'a>,
}

/// What is known of an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertFacts)]
#[serde(rename_all = "camelCase")]
pub struct Facts<'a> {
    /// The rule.
    #[serde(rename = "type")]
    kind: &'a str,
    /// LOW, MEDIUM, HIGH or CRITICAL; the highest it had where it is over.
    severity: Option<&'static str>,
    /// pending, firing or resolved.
    state: &'static str,
    #[schema(value_type = BTreeMap<String, String>)]
    labels: &'a Labels,
    value: Option<f64>,
    worst: Option<f64>,
    since: String,
    fired_at: Option<String>,
    ended_at: Option<String>,
    /// Since when nothing is measured, and why.
    not_measured_since: Option<String>,
    not_measured_reason: Option<&'a str>,
    acknowledged_by: Option<&'a str>,
    acknowledged_at: Option<String>,
    acknowledged_because: Option<&'a str>,
    /// Why people are not told.
    withheld: Option<String>,
    timestamp: String,
    resolved: bool,
}

/// An alert as clients of the original read it, with all that is known of it beside.
#[derive(Serialize, ToSchema)]
#[schema(as = Alert)]
#[serde(rename_all = "camelCase")]
pub struct ApiAlert<'a> {
    /// `alert-7`; the number of a pending one is not given yet.
    id: String,
    /// The number that people use.
    number: Option<u64>,
    /// The rule's sentence about it.
    message: String,
    /// The value against its limit.
    details: Details<'a>,
    /// What to do.
    action_required: Option<String>,
    resolved_at: Option<String>,
    #[serde(flatten)]
    facts: Facts<'a>,
}

/// The value against its limit.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertDetails)]
pub struct Details<'a> {
    /// In its unit.
    value: Option<String>,
    limit: Option<String>,
    worst: Option<String>,
    /// The runbook.
    runbook: Option<String>,
    /// The expression of the rule.
    expr: Option<&'a str>,
}

/// `/monitoring/alerts`
#[derive(Serialize, ToSchema)]
pub struct Alerts<'a> {
    /// Those that fire, the most severe first.
    #[serde(rename = "activeAlerts")]
    active: Vec<ApiAlert<'a>>,
    /// The newest that ever fired, at most 20.
    #[serde(rename = "alertHistory")]
    history: Vec<ApiAlert<'a>>,
    #[serde(rename = "totalActiveAlerts")]
    total_active: usize,
}

/// `alerts` of the dashboard.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertsOverview)]
pub struct Overview<'a> {
    active: Vec<ApiAlert<'a>>,
    recent: Vec<ApiAlert<'a>>,
    statistics: Statistics<'a>,
}

/// What became of notifications.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics<'a> {
    /// Alerts that ever fired.
    total_alerts: u64,
    /// Of the newest 1000 deliveries.
    successful_deliveries: u64,
    /// Given up, over all that is kept.
    failed_deliveries: u64,
    /// Milliseconds from the decision to the provider's word, of the newest 1000.
    average_delivery_time: Option<f64>,
    pending_deliveries: u64,
    channel_stats: BTreeMap<&'a str, ChannelStats>,
}

/// What became of the newest deliveries of a channel.
#[derive(Serialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct ChannelStats {
    success: u64,
    failed: u64,
    /// Milliseconds.
    avg_time: Option<f64>,
}

impl<'a> AlertRow<'a> {
    /// The row of an alert.
    pub fn new(alert: &'a Alert) -> Self {
        Self { id: alert.number, facts: Facts::new(alert) }
    }
}

impl<'a> Facts<'a> {
    fn new(alert: &'a Alert) -> Self {
        Self {
            kind: &alert.key.rule,
            severity: alert.severity().or(alert.peak).map(Severity::name),
            state: alert.state(),
            labels: &alert.key.labels,
            value: alert.value,
            worst: alert.worst,
            since: alert.since.rfc3339(),
            fired_at: alert.fired_at.map(Time::rfc3339),
            ended_at: alert.ended.map(|(at, _)| at.rfc3339()),
            not_measured_since: alert.unknown.as_ref().map(|(since, _)| since.rfc3339()),
            not_measured_reason: alert.unknown.as_ref().map(|(_, reason)| reason.as_str()),
            acknowledged_by: alert.ack.as_ref().map(|ack| ack.who.as_str()),
            acknowledged_at: alert.ack.as_ref().map(|ack| ack.at.rfc3339()),
            acknowledged_because: alert.ack.as_ref().map(|ack| ack.why.as_str()),
            withheld: alert.hold.as_ref().map(ToString::to_string),
            timestamp: alert.stands_since().rfc3339(),
            resolved: alert.ended.is_some(),
        }
    }
}

impl<'a> ApiAlert<'a> {
    /// An alert with the words of its rule, where that is still there.
    pub fn new(alert: &'a Alert, config: &'a Config) -> Self {
        let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
        let severity = alert.severity().or(alert.peak).unwrap_or(Severity::Low);
        let plain = || Texts { summary: alert.key.to_string(), ..Texts::default() };
        let texts = rule.map_or_else(plain, |rule| rule.texts(alert, severity));
        Self {
            id: alert.number.map_or_else(|| format!("pending-{}", alert.key), |number| format!("alert-{number}")),
            number: alert.number,
            message: texts.summary,
            details: Details {
                value: texts.value,
                limit: texts.limit,
                worst: texts.worst,
                runbook: texts.runbook_url,
                expr: rule.map(|rule| &*rule.text),
            },
            action_required: texts.action,
            resolved_at: alert.ended.map(|(at, _)| at.rfc3339()),
            facts: Facts::new(alert),
        }
    }
}

/// Alerts in this form.
pub fn rows<'a>(alerts: impl IntoIterator<Item = &'a Alert>, config: &'a Config) -> Vec<ApiAlert<'a>> {
    alerts.into_iter().map(|alert| ApiAlert::new(alert, config)).collect()
}

impl<'a> Alerts<'a> {
    /// The document of a picture.
    pub fn new(snapshot: &'a Snapshot, config: &'a Config) -> Self {
        Self {
            active: rows(snapshot.firing.iter().map(|(_, alert)| alert), config),
            history: rows(snapshot.newest.iter().map(|(_, alert)| alert).take(HISTORY), config),
            total_active: snapshot.firing.len(),
        }
    }
}

impl<'a> Overview<'a> {
    /// The same for the dashboard.
    pub fn new(snapshot: &'a Snapshot, config: &'a Config) -> Self {
        Self {
            active: rows(snapshot.firing.iter().map(|(_, alert)| alert), config),
            recent: rows(snapshot.recent().take(RECENT), config),
            statistics: Statistics::new(snapshot),
        }
    }
}

impl<'a> Statistics<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let sent: u64 = snapshot.tallies.iter().map(|tally| tally.sent).sum();
        let time: f64 = snapshot.tallies.iter().filter_map(|tally| Some(tally.mean_millis? * tally.sent as f64)).sum();
        let of = |tally: &'a Tally| {
            let stats = ChannelStats { success: tally.sent, failed: tally.dead, avg_time: tally.mean_millis };
            (tally.channel.as_str(), stats)
        };
        // clients of the original look for these three
        let usual = OF_ENVIRONMENT.map(|kind| (kind, ChannelStats::default())).into_iter();
        Self {
            total_alerts: snapshot.newest.first().and_then(|(_, alert)| alert.number).unwrap_or(0),
            successful_deliveries: sent,
            failed_deliveries: snapshot.outbox.dead,
            average_delivery_time: (sent > 0).then(|| time / sent as f64),
            pending_deliveries: snapshot.outbox.pending,
            channel_stats: usual.chain(snapshot.tallies.iter().map(of)).collect(),
        }
    }
}

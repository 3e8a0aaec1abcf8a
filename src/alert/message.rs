//! The words of a notification, built once when it is decided.

use crate::model::alert::{Ack, Alert, Ended};
use crate::model::message::{Kind, Message, Texts};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::text::units;

/// Who is speaking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The watched system's name.
    pub system: String,
    /// `production`, `testnet`, …; may be empty.
    pub environment: String,
    /// The machine's host name.
    pub host: String,
}

/// What a message is about, beside the alert itself.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Why it is sent.
    pub kind: Kind,
    /// The severity now, or the last one.
    pub severity: Severity,
    /// An earlier message about this alert never arrived.
    pub first_word: bool,
    /// The tick at which it is decided.
    pub at: Time,
    /// Further sentences.
    pub remarks: &'a [String],
}

/// Builds the message about `alert`.
pub fn build(occasion: &Occasion<'_>, alert: &Alert, texts: Texts, identity: &Identity) -> Message {
    let note = note(occasion, alert, texts.cause.as_deref());
    Message {
        kind: occasion.kind,
        severity: occasion.severity,
        alert: alert.key.rule.to_string(),
        number: alert.number,
        summary: texts.summary,
        value: texts.value,
        limit: texts.limit,
        worst: texts.worst,
        labels: alert.key.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        since: alert.since,
        at: occasion.at,
        system: identity.system.clone(),
        environment: identity.environment.clone(),
        host: identity.host.clone(),
        action: texts.action,
        runbook_url: texts.runbook_url,
        note,
        trend: None,
        responses: Vec::new(),
        list: Vec::new(),
    }
}

/// The test notification: nothing is wrong, a person wants to see it arrive.
pub fn test(severity: Severity, identity: &Identity, at: Time) -> Message {
    Message {
        kind: Kind::Test,
        severity,
        alert: "TEST_ALERT".to_owned(),
        number: None,
        summary: "This is a test of the alert channels. Nothing is wrong.".to_owned(),
        value: None,
        limit: None,
        worst: None,
        labels: Vec::new(),
        since: at,
        at,
        system: identity.system.clone(),
        environment: identity.environment.clone(),
        host: identity.host.clone(),
        action: None,
        runbook_url: None,
        note: None,
        trend: None,
        responses: Vec::new(),
        list: Vec::new(),
    }
}

fn note(occasion: &Occasion<'_>, alert: &Alert, cause: Option<&str>) -> Option<String> {
    let mut notes: Vec<String> = cause.map(|cause| format!("Cause: {cause}.")).into_iter().collect();
    notes.extend(alert.ended.map(|(ended, why)| end(why, &units::duration(ended.since(alert.since)))));
    if let Some((since, reason)) = &alert.unknown {
        notes.push(format!("Not measured since {since} ({reason})."));
    }
    notes.extend_from_slice(occasion.remarks);
    if occasion.first_word {
        notes.push(match (occasion.kind, alert.fired_at) {
            (Kind::Resolved, Some(fired)) => {
                format!(
                    "It fired at {fired} and ended before that could be delivered; this is the only message about it."
                )
            }
            (_, Some(fired)) => format!("It fired at {fired}; an earlier message could not be delivered."),
            (_, None) => "An earlier message could not be delivered.".to_owned(),
        });
    }
    if let Some(Ack { at, who, why, .. }) = &alert.ack {
        notes.push(format!("Acknowledged by {who} at {at}: {why}"));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// How long it lasted, and why it ended.
fn end(why: Ended, lasted: &str) -> String {
    match why {
        Ended::Cleared => format!("It lasted {lasted}."),
        Ended::Gone => format!("It ended after {lasted} because what it watched is no longer reported."),
        Ended::RuleRemoved => format!("It ended after {lasted} because its rule was removed or disabled."),
        Ended::Closed => format!("It was closed by hand after {lasted}."),
    }
}

//! Deliveries as documents, with every attempt and what the provider answered.

use serde::Serialize;

use crate::model::alert::{Alert, Deed, DeedKind, Transition};
use crate::model::delivery::{Delivery, State};
use crate::model::time::Time;
use crate::store::alerts::TransitionRow;
use crate::store::deliveries::Attempt;
use crate::store::{Reader, Result};
use crate::text::safe;
use crate::view::snapshot;

/// What was tried for a delivery.
pub struct Tried {
    /// It waits, and its channel is not configured any more.
    pub is_stranded: bool,
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// How many alerts the message is about that carries it; one where it has one of its own.
    pub together: u32,
}

impl Tried {
    /// Looks it up.
    pub fn of(reader: &Reader, delivery: &Delivery) -> Result<Self> {
        let together = delivery.parcel.map_or(Ok(1), |parcel| reader.parcel_size(parcel))?;
        let waits = delivery.state == State::Pending;
        let leaving = if waits { snapshot::leaving(reader)? } else { None };
        let is_stranded = leaving.is_some_and(|names| !names.contains(&delivery.destination.channel));
        Ok(Self { is_stranded, attempts: reader.attempts(delivery.id)?, together })
    }
}

/// Why nothing was ever queued for an alert that fired: something withheld it, or nobody hears of such alerts.
pub fn why_nobody(alert: &Alert, deeds: &[Deed]) -> String {
    let now = alert.hold.as_ref().map(ToString::to_string);
    let withheld = deeds.iter().rfind(|deed| deed.kind == DeedKind::Withheld);
    match now.or_else(|| withheld.map(|deed| deed.text.clone())) {
        Some(hold) => format!("withheld: {}", safe::answer(&hold)),
        None => "no channel hears of this severity".to_owned(),
    }
}

/// What withheld an alert with this history at a tick.
pub fn withheld_at(deeds: &[Deed], tick: Time) -> Option<&Deed> {
    let turns = |deed: &&Deed| matches!(deed.kind, DeedKind::Withheld | DeedKind::Released) && deed.at <= tick;
    deeds.iter().rfind(turns).filter(|deed| deed.kind == DeedKind::Withheld)
}

/// A delivery as `alert deliveries --json` and `alert show --json` print it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRow<'a> {
    id: i64,
    state: &'static str,
    channel: &'a str,
    address: &'a str,
    kind: &'static str,
    severity: &'static str,
    alert: &'a str,
    number: Option<u64>,
    summary: &'a str,
    created: String,
    /// When it is tried next; null where it is not.
    due: Option<String>,
    answer: Option<&'a str>,
    maybe_repeat: bool,
    /// The delivery whose message carries it, where several go as one.
    message_of: Option<i64>,
    attempts: Vec<AttemptRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptRow<'a> {
    started: String,
    seconds: Option<f64>,
    /// Null while it lasts.
    outcome: Option<&'a str>,
    answer: Option<&'a str>,
    message_of: Option<i64>,
}

/// A step in the life of an alert.
#[derive(Serialize)]
pub struct HistoryRow<'a> {
    time: String,
    what: &'static str,
    severity: &'static str,
    note: Option<&'a str>,
}

/// What was done about an alert.
#[derive(Serialize)]
pub struct DeedRow<'a> {
    time: String,
    what: DeedKind,
    by: &'a str,
    text: &'a str,
}

impl<'a> DeedRow<'a> {
    /// The row of a deed.
    pub fn new(deed: &'a Deed) -> Self {
        Self { time: deed.at.rfc3339(), what: deed.kind, by: &deed.who, text: &deed.text }
    }
}

impl<'a> DeliveryRow<'a> {
    /// The row of a delivery.
    pub fn new(delivery: &'a Delivery, tried: &'a Tried) -> Self {
        let Delivery { destination, message, state, .. } = delivery;
        let waits = *state == crate::model::delivery::State::Pending;
        Self {
            id: delivery.id,
            state: state.name(),
            channel: &destination.channel,
            address: &destination.address,
            kind: message.kind.name(),
            severity: message.severity.name(),
            alert: &message.alert,
            number: message.number,
            summary: &message.summary,
            created: delivery.created.rfc3339(),
            due: waits.then(|| delivery.due.rfc3339()),
            answer: delivery.last_answer.as_deref(),
            maybe_repeat: delivery.maybe_repeat,
            message_of: delivery.parcel,
            attempts: tried.attempts.iter().map(AttemptRow::new).collect(),
        }
    }
}

impl<'a> AttemptRow<'a> {
    fn new(attempt: &'a Attempt) -> Self {
        Self {
            started: attempt.started.rfc3339(),
            seconds: attempt.took.map(|took| took.as_secs_f64()),
            outcome: attempt.outcome.as_deref(),
            answer: attempt.answer.as_deref(),
            message_of: attempt.parcel,
        }
    }
}

impl<'a> HistoryRow<'a> {
    /// The row of a transition.
    pub fn new(row: &'a TransitionRow) -> Self {
        let transition: Transition = row.transition;
        let severity = transition.severity().name();
        Self { time: row.tick.rfc3339(), what: transition.name(), severity, note: row.note.as_deref() }
    }
}

//! Alerts and their history.

use super::rows::{Cells, Float, Unread, json_of, of_word, word_of};
use super::{Reader, Result, Tx};
use crate::model::alert::{Alert, Ended, Transition};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::text::safe;

/// The row of an alert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AlertId(pub i64);

/// Which alerts to list; the default is all that ever fired.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AlertFilter {
    /// Only those that were not over at this time.
    pub since: Option<Time>,
    /// Only those at least this severe: now, or at their worst when they are over.
    pub at_least: Option<Severity>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// One entry of an alert's history.
#[derive(Clone, PartialEq, Debug)]
pub struct TransitionRow {
    /// Grows with each entry, also when the clock goes back.
    pub id: i64,
    /// When it was decided.
    pub tick: Time,
    /// What happened.
    pub transition: Transition,
    /// The value at that time, where it was measured.
    pub value: Option<f64>,
    /// A further word.
    pub note: Option<String>,
}

/// The alert in a row of `id, record, value, worst`.
fn alert(cells: &Cells<'_>) -> std::result::Result<(AlertId, Alert), Unread> {
    let record: Alert = cells.json("record")?;
    let alert = Alert { value: cells.float("value")?, worst: cells.float("worst")?, ..record };
    Ok((AlertId(cells.get("id")?), alert))
}

/// The transition in a row of `transition`.
fn transition(cells: &Cells<'_>) -> std::result::Result<TransitionRow, Unread> {
    let to: Severity = cells.word("severity", |word| word.parse().ok())?;
    let from: Option<Severity> = cells.word_if_any("from_severity", |word| word.parse().ok())?;
    let ended: Option<Ended> = cells.word_if_any("ended", of_word)?;
    let kind: String = cells.get("kind")?;
    let transition = match (kind.as_str(), from, ended) {
        ("fired", None, None) => Transition::Fired(to),
        ("raised", Some(from), None) => Transition::Raised(from, to),
        ("eased", Some(from), None) => Transition::Eased(from, to),
        ("resolved", None, Some(ended)) => Transition::Resolved(to, ended),
        _ => return Err(cells.strange("kind", &format!("`{}` with the wrong companions", safe::answer(&kind)))),
    };
    Ok(TransitionRow {
        id: cells.get("id")?,
        tick: cells.time("tick")?,
        transition,
        value: cells.float("value")?,
        note: cells.get("note")?,
    })
}

impl Reader {
    /// Alerts that are not over: pending and firing, oldest first.
    pub fn open_alerts(&self) -> Result<Vec<(AlertId, Alert)>> {
        let sql = "SELECT id, record, value, worst FROM alert WHERE ended_at IS NULL ORDER BY id";
        self.all("alert", sql, [], alert)
    }

    /// The alert that people call by `number`.
    pub fn alert_by_number(&self, number: u64) -> Result<Option<(AlertId, Alert)>> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        self.first("alert", "SELECT id, record, value, worst FROM alert WHERE number = ?1", [number], alert)
    }

    /// Alerts that fired, newest first.
    pub fn alerts(&self, filter: &AlertFilter) -> Result<Vec<(AlertId, Alert)>> {
        let severities: Vec<&str> = Severity::ALL
            .into_iter()
            .filter(|severity| filter.at_least.is_none_or(|least| *severity >= least))
            .map(Severity::name)
            .collect();
        self.all(
            "alert",
            "SELECT id, record, value, worst FROM alert
             WHERE number IS NOT NULL
               AND (?1 IS NULL OR ended_at IS NULL OR ended_at >= ?1)
               AND severity IN (SELECT value FROM json_each(?2))
             ORDER BY number DESC LIMIT ?3",
            (
                filter.since.map(Time::millis),
                json_of(&severities)?,
                // a negative limit is none
                filter.limit.map_or(-1, i64::from),
            ),
            alert,
        )
    }

    /// The history of an alert, oldest first.
    pub fn transitions(&self, alert: AlertId) -> Result<Vec<TransitionRow>> {
        self.all(
            "transition",
            "SELECT id, tick, kind, from_severity, severity, ended, value, note
             FROM transition WHERE alert = ?1 ORDER BY id",
            [alert.0],
            transition,
        )
    }
}

impl Tx<'_> {
    /// Keeps an alert: a new one without `id`. One that has fired and has no number yet is given one.
    pub fn save_alert(&self, id: Option<AlertId>, alert: &mut Alert) -> Result<AlertId> {
        if alert.fired_at.is_some() && alert.number.is_none() {
            self.count_up("alert_number", 1)?;
            alert.number = Some(self.counter("alert_number")?);
        }
        let number = alert.number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        let labels = json_of(&alert.key.labels)?;
        let record = json_of(alert)?;
        let columns = rusqlite::named_params! {
            ":id": id.map(|id| id.0),
            ":number": number,
            ":rule": alert.key.rule,
            ":labels": labels,
            ":state": alert.state(),
            ":severity": alert.severity().or(alert.peak).map(Severity::name),
            ":since": alert.since.millis(),
            ":fired_at": alert.fired_at.map(Time::millis),
            ":ended_at": alert.ended.map(|(at, _)| at.millis()),
            ":value": Float(alert.value),
            ":worst": Float(alert.worst),
            ":record": record,
        };
        let Some(AlertId(id)) = id else {
            return self.insert(INSERT_ALERT, columns).map(AlertId);
        };
        if self.execute(UPDATE_ALERT, columns)? == 0 {
            return Err(Trouble::new(Kind::Bug, format!("there is no alert row {id} to save {} in", alert.key)));
        }
        Ok(AlertId(id))
    }

    /// Drops an alert that was over before it fired; one that fired is history and stays.
    pub fn forget_alert(&self, id: AlertId) -> Result<()> {
        self.execute("DELETE FROM alert WHERE id = ?1 AND number IS NULL", [id.0])?;
        Ok(())
    }

    /// Adds to the history of an alert.
    pub fn put_transition(
        &self,
        alert: AlertId,
        tick: Time,
        transition: Transition,
        value: Option<f64>,
        note: Option<&str>,
    ) -> Result<i64> {
        let (from, ended) = match transition {
            Transition::Fired(_) => (None, None),
            Transition::Raised(from, _) | Transition::Eased(from, _) => (Some(from.name()), None),
            Transition::Resolved(_, ended) => (None, Some(word_of(&ended)?)),
        };
        self.insert(
            "INSERT INTO transition (alert, tick, kind, from_severity, severity, ended, value, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                alert.0,
                tick.millis(),
                transition.name(),
                from,
                transition.severity().name(),
                ended,
                Float(value),
                note.map(safe::answer),
            ),
        )
    }
}

/// The columns of an alert; `:id` is NULL for a new one.
const INSERT_ALERT: &str = "
    INSERT INTO alert (id, number, rule, labels, state, severity, since, fired_at, ended_at, value, worst, record)
    VALUES (:id, :number, :rule, :labels, :state, :severity, :since, :fired_at, :ended_at, :value, :worst, :record)";

/// The same columns of one that is there.
const UPDATE_ALERT: &str = "
    UPDATE alert SET number = :number, rule = :rule, labels = :labels, state = :state, severity = :severity,
        since = :since, fired_at = :fired_at, ended_at = :ended_at, value = :value, worst = :worst, record = :record
    WHERE id = :id";

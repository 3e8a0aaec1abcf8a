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
pub(super) fn transition(cells: &Cells<'_>) -> std::result::Result<TransitionRow, Unread> {
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

    /// The alert in this row.
    pub fn alert(&self, id: AlertId) -> Result<Option<Alert>> {
        let found = self.first("alert", "SELECT id, record, value, worst FROM alert WHERE id = ?1", [id.0], alert)?;
        Ok(found.map(|(_, alert)| alert))
    }

    /// The alert that people call by `number`.
    pub fn alert_by_number(&self, number: u64) -> Result<Option<(AlertId, Alert)>> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        self.first("alert", "SELECT id, record, value, worst FROM alert WHERE number = ?1", [number], alert)
    }

    /// Alerts that fired, newest first.
    pub fn alerts(&self, filter: &AlertFilter) -> Result<Vec<(AlertId, Alert)>> {
        let at_least =
            |least| Severity::ALL.into_iter().filter(|severity| *severity >= least).map(Severity::name).collect();
        let severities: Option<Vec<&str>> = filter.at_least.map(at_least);
        self.all(
            "alert",
            "SELECT id, record, value, worst FROM alert
             WHERE number IS NOT NULL
               AND (?1 IS NULL OR ended_at IS NULL OR ended_at >= ?1)
               AND (?2 IS NULL OR severity IN (SELECT value FROM json_each(?2)))
             ORDER BY number DESC LIMIT ?3",
            (
                filter.since.map(Time::millis),
                severities.map(|severities| json_of(&severities)).transpose()?,
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

#[cfg(test)]
mod tests {
    use super::super::kit::{at, firing, pending, store};
    use super::*;
    use crate::model::alert::Phase;
    use crate::model::reading::Reason;
    use crate::model::severity::BySeverity;

    /// The same alert, over since `second`.
    fn over(alert: &Alert, second: i64) -> Alert {
        let phases = BySeverity::from_fn(|_| Phase::Inactive);
        Alert { phases, ended: Some((at(second), Ended::Cleared)), ..alert.clone() }
    }

    #[test]
    fn every_field_of_an_alert_survives() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let numbers = [None, Some(0.1), Some(-0.0), Some(f64::INFINITY), Some(f64::NEG_INFINITY)];
        for (value, rule) in numbers.into_iter().zip(["A", "B", "C", "D", "E"]) {
            let mut alert = Alert {
                value,
                worst: value,
                unknown: Some((at(30), Reason::new("é \"quoted\""))),
                ..firing(rule, Severity::Critical)
            };
            let id = tx.save_alert(None, &mut alert).unwrap();
            assert_eq!(tx.open_alerts().unwrap().pop(), Some((id, alert)));
        }
        let nan = &mut Alert { value: Some(f64::NAN), ..pending("F") };
        tx.save_alert(None, nan).unwrap();
        assert!(tx.open_alerts().unwrap().pop().unwrap().1.value.unwrap().is_nan());
    }

    #[test]
    fn numbers_are_given_at_the_first_firing_and_never_again() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let mut first = pending("A");
        let id = tx.save_alert(None, &mut first).unwrap();
        assert_eq!(first.number, None);
        let mut first = firing("A", Severity::High);
        assert_eq!(tx.save_alert(Some(id), &mut first).unwrap(), id);
        tx.save_alert(Some(id), &mut first).unwrap();
        let mut second = firing("B", Severity::High);
        tx.save_alert(None, &mut second).unwrap();
        assert_eq!((first.number, second.number), (Some(1), Some(2)));
        assert_eq!(tx.alert_by_number(1).unwrap(), Some((id, first)));
        assert_eq!(tx.alert_by_number(3).unwrap(), None);
        assert_eq!(tx.alert_by_number(u64::MAX).unwrap(), None);
    }

    #[test]
    fn one_rule_and_label_set_has_one_open_alert_and_any_number_of_old_ones() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for second in [60, 120] {
            let mut alert = firing("A", Severity::High);
            let id = tx.save_alert(None, &mut alert).unwrap();
            assert_eq!(tx.save_alert(None, &mut pending("A")).unwrap_err().kind, Kind::Bug, "a second open one");
            tx.save_alert(Some(id), &mut over(&alert, second)).unwrap();
            assert_eq!(tx.open_alerts().unwrap(), []);
        }
        assert_eq!(tx.alerts(&AlertFilter::default()).unwrap().len(), 2);
    }

    #[test]
    fn filters_choose() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        tx.save_alert(None, &mut pending("PENDING")).unwrap();
        for (rule, severity, end) in [
            ("OLD", Severity::Critical, Some(100)),
            ("RECENT", Severity::Medium, Some(200)),
            ("HIGH", Severity::High, None),
        ] {
            let mut alert = firing(rule, severity);
            let id = tx.save_alert(None, &mut alert).unwrap();
            if let Some(second) = end {
                tx.save_alert(Some(id), &mut over(&alert, second)).unwrap();
            }
        }
        let all = AlertFilter::default();
        for (filter, expected) in [
            (all.clone(), vec!["HIGH", "RECENT", "OLD"]),
            (AlertFilter { since: Some(at(200)), ..all.clone() }, vec!["HIGH", "RECENT"]),
            (AlertFilter { at_least: Some(Severity::High), ..all.clone() }, vec!["HIGH", "OLD"]),
            (AlertFilter { limit: Some(1), ..all.clone() }, vec!["HIGH"]),
        ] {
            let found = tx.alerts(&filter).unwrap();
            let rules: Vec<&str> = found.iter().map(|(_, alert)| alert.key.rule.as_ref()).collect();
            assert_eq!(rules, expected, "{filter:?}");
        }
    }

    #[test]
    fn history_survives_in_order() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let id = tx.save_alert(None, &mut firing("A", Severity::High)).unwrap();
        let written = [
            (Transition::Fired(Severity::High), Some(0.9), Some("first seen")),
            (Transition::Raised(Severity::High, Severity::Critical), Some(f64::INFINITY), None),
            (Transition::Eased(Severity::Critical, Severity::Low), Some(-0.0), None),
            (Transition::Resolved(Severity::Low, Ended::Cleared), Some(0.1), None),
            (Transition::Resolved(Severity::Low, Ended::Gone), None, None),
            (Transition::Resolved(Severity::Low, Ended::RuleRemoved), None, None),
        ];
        // the clock goes back with each entry: the order is that of writing
        for ((transition, value, note), second) in written.into_iter().zip([6, 5, 4, 3, 2, 1]) {
            tx.put_transition(id, at(second), transition, value, note).unwrap();
        }
        let read = tx.transitions(id).unwrap();
        let read: Vec<_> = read.iter().map(|row| (row.transition, row.value, row.note.as_deref())).collect();
        assert_eq!(read, written);
        assert_eq!(tx.transitions(AlertId(99)).unwrap(), []);
    }

    #[test]
    fn only_what_never_fired_is_forgotten() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let quiet = tx.save_alert(None, &mut pending("QUIET")).unwrap();
        let loud = tx.save_alert(None, &mut firing("LOUD", Severity::Low)).unwrap();
        for id in [quiet, loud, AlertId(99)] {
            tx.forget_alert(id).unwrap();
        }
        let left: Vec<AlertId> = tx.open_alerts().unwrap().into_iter().map(|(id, _)| id).collect();
        assert_eq!(left, [loud]);
        assert_eq!(tx.save_alert(Some(quiet), &mut pending("QUIET")).unwrap_err().kind, Kind::Bug);
    }

    #[test]
    fn words_that_nobody_wrote_are_named_with_their_place() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let id = tx.save_alert(None, &mut firing("A", Severity::High)).unwrap();
        tx.put_transition(id, at(0), Transition::Fired(Severity::High), None, None).unwrap();
        let place = tx.path.display().to_string();
        for (change, expected) in [
            ("severity = 'AWFUL'", "table transition, row 1, column severity: unknown word `AWFUL`"),
            ("severity = 'HIGH', ended = 'x'", "table transition, row 1, column ended: unknown word `x`"),
            (
                "ended = NULL, kind = 'raised'",
                "table transition, row 1, column kind: `raised` with the wrong companions",
            ),
            ("kind = 'fired', value = 'many'", "table transition, row 1, column value: a number is not kept as Text"),
        ] {
            tx.execute(&format!("UPDATE transition SET {change}"), []).unwrap();
            let error = tx.transitions(id).unwrap_err();
            assert_eq!((error.kind, error.what), (Kind::Io, format!("{place}: {expected}")));
        }
    }
}

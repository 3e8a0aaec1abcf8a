//! What people do about alerts: silences, and the deeds in an alert's history. And how often an alert fired lately.

use std::collections::BTreeMap;

use super::alerts::AlertId;
use super::rows::{Cells, Unread, json_of, of_word, word_of};
use super::{Reader, Result, Tx};
use crate::model::alert::{AlertKey, Deed, DeedKind};
use crate::model::hold::{Fired, Silence};
use crate::model::scope::Scope;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::text::safe;

/// The silence in a row of `silence`.
fn silence(cells: &Cells<'_>) -> std::result::Result<Silence, Unread> {
    Ok(Silence {
        number: u64::try_from(cells.get::<i64>("number")?)
            .map_err(|_| cells.strange("number", "a number below zero"))?,
        scope: cells.json("scope")?,
        from: cells.time("since")?,
        until: cells.time("until")?,
        who: cells.get("who")?,
        why: cells.get("why")?,
    })
}

impl Reader {
    /// Silences that have not ended at this time, oldest first.
    pub fn silences(&self, at: Time) -> Result<Vec<Silence>> {
        let sql = "SELECT number AS id, * FROM silence WHERE until > ?1 ORDER BY number";
        self.all("silence", sql, [at.millis()], silence)
    }

    /// The silence with this number, over or not.
    pub fn silence(&self, number: u64) -> Result<Option<Silence>> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        self.first("silence", "SELECT number AS id, * FROM silence WHERE number = ?1", [number], silence)
    }

    /// What was done about an alert, oldest first.
    pub fn deeds(&self, alert: AlertId) -> Result<Vec<Deed>> {
        self.all("deed", "SELECT id, at, kind, who, text FROM deed WHERE alert = ?1 ORDER BY id", [alert.0], |cells| {
            Ok(Deed {
                at: cells.time("at")?,
                kind: cells.word("kind", of_word)?,
                who: cells.get("who")?,
                text: cells.get("text")?,
            })
        })
    }

    /// How often each alert fired after `since` and up to `now`.
    pub fn fired_between(&self, since: Time, now: Time) -> Result<BTreeMap<AlertKey, Fired>> {
        let rows = self.all(
            "alert",
            "SELECT id, rule, labels, severity, ended_at IS NOT NULL AS over FROM alert
             WHERE fired_at > ?1 AND fired_at <= ?2",
            [since.millis(), now.millis()],
            |cells| {
                let key = AlertKey { rule: cells.get::<String>("rule")?.into(), labels: cells.json("labels")? };
                let severity: Option<Severity> = cells.word_if_any("severity", |word| word.parse().ok())?;
                let is_over: bool = cells.get("over")?;
                Ok((key, severity.filter(|_| is_over)))
            },
        )?;
        let mut fired: BTreeMap<AlertKey, Fired> = BTreeMap::new();
        for (key, worst) in rows {
            let fired = fired.entry(key).or_default();
            fired.times += 1;
            fired.worst = fired.worst.max(worst);
        }
        Ok(fired)
    }
}

impl Tx<'_> {
    /// Keeps a silence; its number. Words are clipped.
    pub fn put_silence(&self, scope: &Scope, from: Time, until: Time, who: &str, why: &str) -> Result<u64> {
        let number = self.insert(
            "INSERT INTO silence (scope, since, until, who, why) VALUES (?1, ?2, ?3, ?4, ?5)",
            (json_of(scope)?, from.millis(), until.millis(), safe::answer(who), safe::answer(why)),
        )?;
        Ok(u64::try_from(number).unwrap_or_default())
    }

    /// Ends a silence that has not ended yet. False where there is none.
    pub fn end_silence(&self, number: u64, at: Time) -> Result<bool> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let sql = "UPDATE silence SET until = ?2 WHERE number = ?1 AND until > ?2";
        Ok(self.execute(sql, (number, at.millis()))? == 1)
    }

    /// Adds to the history of an alert; words are clipped.
    pub fn put_deed(&self, alert: AlertId, deed: &Deed) -> Result<()> {
        let Deed { at, kind, who, text } = deed;
        self.insert(
            "INSERT INTO deed (alert, at, kind, who, text) VALUES (?1, ?2, ?3, ?4, ?5)",
            (alert.0, at.millis(), word_of::<DeedKind>(kind)?, safe::answer(who), safe::answer(text)),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, firing, pending, store};
    use super::*;
    use crate::model::alert::{Alert, Ended};
    use crate::model::severity::BySeverity;

    #[test]
    fn a_silence_lasts_until_its_end_or_until_it_is_ended() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let scope = Scope { rule: Some("R".to_owned()), ..Scope::default() };
        let numbers = [60, 120].map(|until| tx.put_silence(&scope, at(0), at(until), "eva", "deploy").unwrap());
        assert_eq!(numbers, [1, 2]);
        let lasting = |second| tx.silences(at(second)).unwrap().iter().map(|one| one.number).collect::<Vec<_>>();
        assert_eq!((lasting(59), lasting(60), lasting(120)), (vec![1, 2], vec![2], vec![]));
        assert!(tx.end_silence(2, at(70)).unwrap());
        assert!(!tx.end_silence(2, at(71)).unwrap() && !tx.end_silence(9, at(71)).unwrap());
        let ended = tx.silence(2).unwrap().unwrap();
        assert_eq!((ended.until, ended.who.as_str(), ended.scope.to_string()), (at(70), "eva", "R".to_owned()));
        assert!(tx.silence(9).unwrap().is_none());
    }

    #[test]
    fn every_deed_is_kept_in_order() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let id = tx.save_alert(None, &mut firing("A", Severity::High)).unwrap();
        let kinds = [
            DeedKind::Acknowledged,
            DeedKind::AckEnded,
            DeedKind::Withheld,
            DeedKind::Released,
            DeedKind::Closed,
            DeedKind::Responded,
        ];
        let deeds = kinds.map(|kind| Deed { at: at(1), kind, who: "eva".to_owned(), text: "a word".to_owned() });
        for deed in &deeds {
            tx.put_deed(id, deed).unwrap();
        }
        assert_eq!(tx.deeds(id).unwrap(), deeds);
    }

    #[test]
    fn firings_are_counted_with_the_worst_of_those_that_are_over() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for severity in [Severity::Medium, Severity::High] {
            let mut alert = firing("A", severity);
            let id = tx.save_alert(None, &mut alert).unwrap();
            let phases = BySeverity::default();
            tx.save_alert(Some(id), &mut Alert { phases, ended: Some((at(70), Ended::Cleared)), ..alert }).unwrap();
        }
        tx.save_alert(None, &mut firing("A", Severity::Critical)).unwrap();
        tx.save_alert(None, &mut pending("B")).unwrap();
        let fired = tx.fired_between(at(59), at(60)).unwrap();
        assert_eq!(fired.len(), 1);
        assert_eq!(fired[&firing("A", Severity::High).key], Fired { times: 3, worst: Some(Severity::High) });
        assert!(tx.fired_between(at(60), at(99)).unwrap().is_empty());
        assert!(tx.fired_between(at(0), at(59)).unwrap().is_empty(), "the clock went back");
    }
}

//! What happened in a span of time, across all alerts: for the screens that tell a story.

use std::time::Duration;

use super::alerts::{TransitionRow, transition};
use super::cycles::{Note, NoteKind};
use super::rows::{Cells, Unread, of_word};
use super::{Reader, Result};
use crate::model::alert::{AlertKey, Deed};
use crate::model::delivery::State;
use crate::model::message::Destination;
use crate::model::time::Time;

/// Which alert an entry is about.
#[derive(Clone, PartialEq, Debug)]
pub struct About {
    /// Its number.
    pub number: u64,
    /// Rule and labels.
    pub key: AlertKey,
}

/// A delivery, reduced to how it went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Its id.
    pub id: i64,
    /// Where to.
    pub to: Destination,
    /// Where it stands.
    pub state: State,
    /// When it was decided.
    pub created: Time,
    /// When the provider had taken it.
    pub arrived: Option<Time>,
    /// How the last attempt went, in words.
    pub answer: Option<String>,
    /// The number of its alert; none for a test.
    pub number: Option<u64>,
}

/// The alert in the columns `number`, `rule` and `labels`.
fn about(cells: &Cells<'_>) -> std::result::Result<About, Unread> {
    let number = number(cells)?.ok_or_else(|| cells.strange("number", "none"))?;
    Ok(About { number, key: AlertKey { rule: cells.get::<String>("rule")?.into(), labels: cells.json("labels")? } })
}

fn number(cells: &Cells<'_>) -> std::result::Result<Option<u64>, Unread> {
    let number: Option<i64> = cells.get("number")?;
    number.map(|number| u64::try_from(number).map_err(|_| cells.strange("number", "a number below zero"))).transpose()
}

impl Reader {
    /// The newest `limit` transitions from `from` to `to`, newest first.
    pub fn transitions_between(&self, from: Time, to: Time, limit: u32) -> Result<Vec<(About, TransitionRow)>> {
        self.all(
            "transition",
            "SELECT t.id, t.tick, t.kind, t.from_severity, t.severity, t.ended, t.value, t.note,
                    a.number, a.rule, a.labels
             FROM transition t JOIN alert a ON a.id = t.alert
             WHERE t.tick BETWEEN ?1 AND ?2 AND a.number IS NOT NULL ORDER BY t.id DESC LIMIT ?3",
            (from.millis(), to.millis(), limit),
            |cells| Ok((about(cells)?, transition(cells)?)),
        )
    }

    /// The newest `limit` deeds from `from` to `to`, newest first.
    pub fn deeds_between(&self, from: Time, to: Time, limit: u32) -> Result<Vec<(About, Deed)>> {
        self.all(
            "deed",
            "SELECT d.id, d.at, d.kind, d.who, d.text, a.number, a.rule, a.labels
             FROM deed d JOIN alert a ON a.id = d.alert
             WHERE d.at BETWEEN ?1 AND ?2 AND a.number IS NOT NULL ORDER BY d.id DESC LIMIT ?3",
            (from.millis(), to.millis(), limit),
            |cells| {
                let deed = Deed {
                    at: cells.time("at")?,
                    kind: cells.word("kind", of_word)?,
                    who: cells.get("who")?,
                    text: cells.get("text")?,
                };
                Ok((about(cells)?, deed))
            },
        )
    }

    /// The newest `limit` notes from `from` to `to`, newest first.
    pub fn notes_between(&self, from: Time, to: Time, limit: u32) -> Result<Vec<Note>> {
        self.all(
            "note",
            "SELECT id, at, kind, text FROM note WHERE at BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3",
            (from.millis(), to.millis(), limit),
            |cells| {
                Ok(Note {
                    at: cells.time("at")?,
                    kind: cells.word("kind", |word| NoteKind::ALL.into_iter().find(|kind| kind.name() == word))?,
                    text: cells.get("text")?,
                })
            },
        )
    }

    /// The newest `limit` deliveries that were decided from `from` to `to`, newest first.
    pub fn told_between(&self, from: Time, to: Time, limit: u32) -> Result<Vec<Told>> {
        // ids grow with time: the newest are at the end of the table, and nothing older is read than asked for
        self.all(
            "outbox",
            "SELECT o.id, o.channel, o.address, o.state, o.created, o.last_answer, a.number,
                    (SELECT min(t.started + t.took_ms) FROM attempt t WHERE t.outbox = o.id AND t.outcome = 'sent')
                        AS arrived
             FROM outbox o LEFT JOIN alert a ON a.id = o.alert
             WHERE o.created BETWEEN ?1 AND ?2 ORDER BY o.id DESC LIMIT ?3",
            (from.millis(), to.millis(), limit),
            |cells| {
                Ok(Told {
                    id: cells.get("id")?,
                    to: Destination { channel: cells.get("channel")?, address: cells.get("address")? },
                    state: cells.word("state", |word| State::ALL.into_iter().find(|state| state.name() == word))?,
                    created: cells.time("created")?,
                    arrived: cells.time_if_any("arrived")?,
                    answer: cells.get("last_answer")?,
                    number: number(cells)?,
                })
            },
        )
    }
}

impl Told {
    /// How long it took from the decision until the provider had it.
    pub fn delay(&self) -> Option<Duration> {
        self.arrived.map(|arrived| arrived.since(self.created))
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, firing, message, store, to};
    use super::*;
    use crate::model::alert::{DeedKind, Transition};
    use crate::model::severity::Severity;

    #[test]
    fn a_span_has_what_lies_in_it_newest_first() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let mut alert = firing("A", Severity::High);
        let id = tx.save_alert(None, &mut alert).unwrap();
        for second in [60, 120, 180] {
            tx.put_transition(id, at(second), Transition::Fired(Severity::High), Some(0.9), None).unwrap();
            let deed = Deed { at: at(second), kind: DeedKind::Closed, who: "eva".to_owned(), text: "x".to_owned() };
            tx.put_deed(id, &deed).unwrap();
            tx.note(at(second), NoteKind::Missed, "a word").unwrap();
        }
        tx.enqueue(Some(id), &to("mail", "a@b"), &message("x"), at(120)).unwrap();
        tx.commit().unwrap();
        let ticks = |found: Vec<(About, TransitionRow)>| found.iter().map(|(_, row)| row.tick).collect::<Vec<_>>();
        assert_eq!(ticks(store.transitions_between(at(0), at(120), 9).unwrap()), [at(120), at(60)]);
        assert_eq!(ticks(store.transitions_between(at(0), at(999), 1).unwrap()), [at(180)]);
        let deeds = store.deeds_between(at(100), at(999), 9).unwrap();
        assert_eq!(
            deeds.iter().map(|(about, deed)| (about.number, deed.at)).collect::<Vec<_>>(),
            [(1, at(180)), (1, at(120))]
        );
        assert_eq!(store.notes_between(at(60), at(60), 9).unwrap().len(), 1);
        let told = store.told_between(at(0), at(999), 9).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].number, told[0].state, told[0].delay()), (Some(1), State::Pending, None));
    }
}

//! Cycles, what sources remember between them, and what happened to the monitor itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rows::{Cells, Unread};
use super::{Reader, Result, Tx};
use crate::model::time::{Time, millis_of};
use crate::text::safe;

/// Longest text of a note, in characters.
const NOTE_LENGTH: usize = 1000;

/// The name under which the cycle keeps what people may know of the channels.
pub const FACES: &str = "monitor/channels";

/// One cycle that was committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CycleRow {
    /// Its tick.
    pub tick: Time,
    /// When it began to collect.
    pub started: Time,
    /// When it had judged.
    pub finished: Time,
    /// Ticks without a cycle since the one before.
    pub missed: u32,
    /// The interval it ran with; a cycle from before format 14 does not say.
    pub interval: Option<Duration>,
}

/// Sums over the whole life of the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CycleCounts {
    /// Ticks with a cycle.
    pub done: u64,
    /// Ticks without one.
    pub missed: u64,
}

/// What a note is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoteKind {
    /// The clock went back.
    ClockBack,
    /// Nothing ran for a while.
    Missed,
    /// The database was found empty.
    StateReset,
    /// The database was brought to a newer format.
    Migrated,
    /// A backup took the place of the database.
    Restored,
    /// A part of the history cannot be read.
    Damaged,
    /// A response did not end as it should.
    Response,
}

impl NoteKind {
    /// All kinds; the compiler does not check this list, the round-trip test does.
    pub const ALL: [Self; 7] = [
        Self::ClockBack,
        Self::Missed,
        Self::StateReset,
        Self::Migrated,
        Self::Restored,
        Self::Damaged,
        Self::Response,
    ];

    /// The word in the store and on the screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClockBack => "clock_back",
            Self::Missed => "missed",
            Self::StateReset => "state_reset",
            Self::Migrated => "migrated",
            Self::Restored => "restored",
            Self::Damaged => "damaged",
            Self::Response => "response",
        }
    }
}

/// Something that happened to the monitor itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// When.
    pub at: Time,
    /// What it is about.
    pub kind: NoteKind,
    /// What happened, in a sentence.
    pub text: String,
}

/// The cycle in a row of `cycle`.
pub(super) fn cycle(cells: &Cells<'_>) -> std::result::Result<CycleRow, Unread> {
    Ok(CycleRow {
        tick: cells.time("tick")?,
        started: cells.time("started")?,
        finished: cells.time("finished")?,
        missed: cells.get("missed")?,
        interval: cells.duration_if_any("interval_ms")?,
    })
}

#[cfg(test)]
impl CycleRow {
    /// A cycle a minute long that took no time, with so many ticks `missed` before it.
    pub fn quick(at: Time, missed: u32) -> Self {
        Self { tick: at, started: at, finished: at, missed, interval: Some(Duration::from_mins(1)) }
    }
}

impl Reader {
    /// The cycle committed last; after the clock went back that is not the one with the latest tick.
    pub fn last_cycle(&self) -> Result<Option<CycleRow>> {
        self.first("cycle", "SELECT * FROM cycle ORDER BY id DESC LIMIT 1", [], cycle)
    }

    /// The tick at which to look where nothing else is said: that of the last cycle, or in a database that was only
    /// imported into that of the newest sample.
    pub fn last_tick(&self) -> Result<Option<Time>> {
        let newest =
            || self.first("latest", "SELECT max(tick) AS tick FROM latest", [], |cells| cells.time_if_any("tick"));
        Ok(match self.last_cycle()? {
            Some(cycle) => Some(cycle.tick),
            None => newest()?.flatten(),
        })
    }

    /// The cycle that was the last one at `time`.
    pub fn cycle_at(&self, time: Time) -> Result<Option<CycleRow>> {
        let sql = "SELECT * FROM cycle WHERE tick <= ?1 ORDER BY id DESC LIMIT 1";
        self.first("cycle", sql, [time.millis()], cycle)
    }

    /// How many cycles were done and missed since then.
    pub fn cycles_since(&self, since: Time) -> Result<CycleCounts> {
        let sql = "SELECT count(*) AS done, coalesce(sum(missed), 0) AS missed FROM cycle WHERE tick > ?1";
        let counts = self.first("cycle", sql, [since.millis()], |cells| {
            let missed = cells.get::<u32>("missed")?;
            Ok(CycleCounts { done: u64::from(cells.get::<u32>("done")?), missed: u64::from(missed) })
        });
        Ok(counts?.unwrap_or_default())
    }

    /// How many cycles were done in a time, both ends included.
    pub fn cycles_between(&self, from: Time, to: Time) -> Result<u64> {
        let sql = "SELECT count(*) AS done FROM cycle WHERE tick BETWEEN ?1 AND ?2";
        let done = self.first("cycle", sql, [from.millis(), to.millis()], |cells| cells.get::<u32>("done"))?;
        Ok(u64::from(done.unwrap_or(0)))
    }

    /// How many cycles were done and missed in all.
    pub fn cycle_counts(&self) -> Result<CycleCounts> {
        Ok(CycleCounts { done: self.counter("cycles_done")?, missed: self.counter("cycles_missed")? })
    }

    /// The newest notes, newest first.
    pub fn notes(&self, limit: u32) -> Result<Vec<Note>> {
        self.all("note", "SELECT id, at, kind, text FROM note ORDER BY id DESC LIMIT ?1", [limit], |cells| {
            Ok(Note {
                at: cells.time("at")?,
                kind: cells.word("kind", |word| NoteKind::ALL.into_iter().find(|kind| kind.name() == word))?,
                text: cells.get("text")?,
            })
        })
    }

    /// What every source remembers, and the tick it last ran at.
    pub fn memories(&self) -> Result<BTreeMap<String, (serde_json::Value, Time)>> {
        let rows = self.all("memory", "SELECT source AS id, source, json, tick FROM memory", [], |cells| {
            Ok((cells.get("source")?, (cells.json("json")?, cells.time("tick")?)))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// What `source` remembered last.
    pub fn memory(&self, source: &str) -> Result<Option<serde_json::Value>> {
        self.first("memory", "SELECT json FROM memory WHERE source = ?1", [source], |cells| cells.json("json"))
    }

    /// A sum that only grows; 0 when it never did.
    pub(super) fn counter(&self, name: &str) -> Result<u64> {
        let found = self.first("counter", "SELECT value FROM counter WHERE name = ?1", [name], |cells| {
            u64::try_from(cells.get::<i64>("value")?).map_err(|_| cells.strange("value", "a count below zero"))
        });
        Ok(found?.unwrap_or(0))
    }
}

impl Tx<'_> {
    /// Keeps a cycle. A second one in the same tick takes the first one's place, and is not counted again; of both
    /// intervals the shorter one stands, since a loop of 15 s goes on whoever looks once a minute beside it.
    pub fn put_cycle(&self, cycle: &CycleRow) -> Result<()> {
        let CycleRow { tick, started, finished, missed, interval } = *cycle;
        let values = (tick.millis(), started.millis(), finished.millis(), missed, interval.map(millis_of));
        let replaced = self.execute(
            "UPDATE cycle SET started = ?2, finished = ?3, missed = missed + ?4,
                 interval_ms = min(coalesce(interval_ms, ?5), coalesce(?5, interval_ms))
             WHERE id = (SELECT max(id) FROM cycle) AND tick = ?1",
            values,
        )?;
        if replaced == 0 {
            self.insert(
                "INSERT INTO cycle (tick, started, finished, missed, interval_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                values,
            )?;
            self.count_up("cycles_done", 1)?;
        }
        self.count_up("cycles_missed", missed)
    }

    /// Keeps a note; a long text is clipped.
    pub fn note(&self, at: Time, kind: NoteKind, text: &str) -> Result<()> {
        let text = safe::clip(&safe::one_line(text), NOTE_LENGTH);
        self.insert("INSERT INTO note (at, kind, text) VALUES (?1, ?2, ?3)", (at.millis(), kind.name(), text))?;
        Ok(())
    }

    /// Keeps what `source` wants to know in its next cycle.
    pub fn remember(&self, source: &str, memory: &serde_json::Value, tick: Time) -> Result<()> {
        self.execute(
            "INSERT INTO memory (source, json, tick) VALUES (?1, ?2, ?3)
             ON CONFLICT (source) DO UPDATE SET json = excluded.json, tick = excluded.tick",
            (source, memory.to_string(), tick.millis()),
        )?;
        Ok(())
    }

    /// Adds to a sum.
    pub(super) fn count_up(&self, name: &str, by: u32) -> Result<()> {
        self.execute(
            "INSERT INTO counter (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            (name, by),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, store};
    use super::*;

    fn cycle(second: i64, missed: u32) -> CycleRow {
        CycleRow { started: at(second + 1), finished: at(second + 2), ..CycleRow::quick(at(second), missed) }
    }

    #[test]
    fn the_last_cycle_is_the_one_committed_last() {
        let (_folder, mut store) = store();
        assert_eq!(store.last_cycle().unwrap(), None);
        let tx = store.begin().unwrap();
        tx.put_cycle(&cycle(3600, 2)).unwrap();
        // the clock went back
        tx.put_cycle(&cycle(0, 0)).unwrap();
        tx.commit().unwrap();
        assert_eq!(store.last_cycle().unwrap(), Some(cycle(0, 0)));
        assert_eq!(store.cycle_counts().unwrap(), CycleCounts { done: 2, missed: 2 });
    }

    #[test]
    fn the_cycle_of_a_time_is_the_one_before_it() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for second in [60, 120] {
            tx.put_cycle(&cycle(second, 0)).unwrap();
        }
        for (time, wanted) in [(59, None), (60, Some(60)), (119, Some(60)), (500, Some(120))] {
            assert_eq!(tx.cycle_at(at(time)).unwrap(), wanted.map(|second| cycle(second, 0)), "{time}");
        }
    }

    #[test]
    fn cycles_of_a_day_are_counted() {
        let (_folder, mut store) = store();
        assert_eq!(
            (store.cycles_since(at(0)).unwrap(), store.oldest_sample().unwrap()),
            (CycleCounts::default(), None)
        );
        let tx = store.begin().unwrap();
        for (second, missed) in [(0, 5), (60, 0), (300, 3)] {
            tx.put_cycle(&cycle(second, missed)).unwrap();
        }
        assert_eq!(tx.cycles_since(at(0)).unwrap(), CycleCounts { done: 2, missed: 3 });
    }

    #[test]
    fn a_second_cycle_in_a_tick_is_not_counted_again() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        tx.put_cycle(&cycle(0, 3)).unwrap();
        let second = CycleRow { finished: at(9), interval: Some(Duration::from_hours(1)), ..cycle(0, 0) };
        tx.put_cycle(&second).unwrap();
        let first = cycle(0, 3).interval;
        assert_eq!(
            tx.last_cycle().unwrap(),
            Some(CycleRow { missed: 3, interval: first, ..second }),
            "the shorter one"
        );
        assert_eq!(tx.cycle_counts().unwrap(), CycleCounts { done: 1, missed: 3 });
    }

    #[test]
    fn notes_of_every_kind_come_back_newest_first() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for (kind, second) in NoteKind::ALL.into_iter().zip(0..) {
            tx.note(at(second), kind, "a\nb").unwrap();
        }
        let notes = tx.notes(2).unwrap();
        let note = |second, kind| Note { at: at(second), kind, text: "a b".to_owned() };
        assert_eq!(notes, [note(6, NoteKind::Response), note(5, NoteKind::Damaged)]);
        assert_eq!(tx.notes(99).unwrap().len(), NoteKind::ALL.len());
        tx.note(at(9), NoteKind::Missed, &"x".repeat(5000)).unwrap();
        assert_eq!(tx.notes(1).unwrap()[0].text.chars().count(), NOTE_LENGTH);
    }

    #[test]
    fn a_source_is_told_what_it_remembered_last() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        assert_eq!(tx.memory("system").unwrap(), None);
        for round in [u64::MAX, 7] {
            let memory = serde_json::json!({ "round": round, "text": "é\n", "list": [null, 0.1] });
            tx.remember("system", &memory, at(0)).unwrap();
            assert_eq!(tx.memory("system").unwrap(), Some(memory));
        }
        assert_eq!(tx.memory("other").unwrap(), None);
    }
}

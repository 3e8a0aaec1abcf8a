//! Retention: what is older than it is kept for goes, the oldest first, a little after each cycle.
//!
//! Samples are what takes the room, so they alone are held to an age and to a size, whichever is reached first. The
//! history of alerts is kept [`TIMES`] as long, deliveries in it as long as samples; both have a number of rows as well, so that
//! no storm takes the room of the samples. What is open is never touched: an alert that is not over with all its
//! deliveries, a delivery that waits, samples of the hours that rules look back every day. The reserve log is kept as long as
//! samples, and takes no more than a share of the room (see [`looks`]).
//!
//! The clock alone does not make anything old. Age is counted from a tick that a day of cycles has confirmed, so a clock
//! that jumps ahead for an hour costs nothing.
//!
//! Freed pages are used again. Where there are many, the file is cut down to what it holds, some pages a step.

pub mod looks;
mod sweep;

use std::time::Duration;

use self::looks::Cut;
use super::chunks::{DAY, at};
use super::rows::Unread;
use super::{Reader, Result, refuse};
use crate::model::time::Time;

/// How much of the past is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Samples that are older go.
    pub age: Duration,
    /// While the database is larger, the oldest samples go.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { age: Duration::from_hours(400 * 24), bytes: 450_000_000 }
    }
}

/// The history of alerts is kept so many times as long as samples.
const TIMES: u32 = 10;

/// The part of the room that alerts' history may take, and that deliveries may.
const SHARE: u64 = 8;

/// What an alert with its history takes, and what a delivery with its attempts does.
const ROW: u64 = 1024;

/// Notes that are kept.
const NOTES: i64 = 10_000;

/// Free pages that are left in the file: so many, or [`SLACK`] of it. Sealing takes and gives back as many each day.
const SPARE: u64 = 256;

/// The part of the file that may be free.
const SLACK: u64 = 16;

/// Something that goes, in the order in which it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sweep {
    /// Samples that were set aside, and chunks that were.
    Aside(Time),
    /// Chunks that end before this.
    Chunks(Time),
    /// The oldest chunks, until the database takes no more than this.
    Bytes(u64),
    /// Cycles before this tick: there is no sample that they saw.
    Cycles(Time),
    /// Deliveries that were finished before this.
    Deliveries(Time),
    /// Deliveries of these ids and below.
    DeliveriesUpTo(i64),
    /// Alerts that ended before this.
    Alerts(Time),
    /// Alerts of these numbers and below.
    AlertsUpTo(i64),
    /// Notes of these ids and below.
    NotesUpTo(i64),
    /// The beginning of the reserve log.
    Looks(Cut),
}

/// What is to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excess {
    sweeps: Vec<Sweep>,
    /// The tick that lets go of it.
    tick: Time,
    /// The file is to be cut down to so many pages, as far as they are free.
    cut_to: Option<u64>,
    /// The database is too large although nothing is left in it that could go.
    pub is_full: bool,
}

impl Excess {
    /// Whether there is nothing to let go.
    pub fn is_empty(&self) -> bool {
        self.sweeps.is_empty() && self.cut_to.is_none()
    }
}

/// The oldest of everything, and how much there is.
struct Edges {
    chunk: Option<Time>,
    aside: Option<Time>,
    cycle: Option<Time>,
    sample: Option<Time>,
    finished: Option<Time>,
    ended: Option<Time>,
    deliveries: (i64, i64),
    alerts: (i64, i64),
    notes: (i64, i64),
}

/// Pages of the file.
struct Pages {
    all: u64,
    free: u64,
    bytes: u64,
    /// Whether the file can be cut down.
    can_shrink: bool,
}

impl Pages {
    const fn used(&self) -> u64 {
        (self.all - self.free) * self.bytes
    }
}

impl Reader {
    /// What is beyond `limits` after a cycle of `tick`, one of which comes each `interval`. Of the reserve log stays what
    /// was seen while an alert of `about_reserves` lasts; that is asked only where something of it is to go.
    pub fn excess<'a>(
        &self,
        limits: Limits,
        tick: Time,
        interval: Duration,
        about_reserves: impl FnOnce() -> Vec<&'a str>,
    ) -> Result<Excess> {
        let (edges, pages) = (self.edges()?, self.pages()?);
        let mut log = self.old_end()?;
        if log.by_size(limits.bytes).or(log.by_age(tick - limits.age)).is_some() {
            log.held = self.open_since(&about_reserves())?;
        }
        let mut sweeps = edges.by_count(limits);
        sweeps.extend(log.by_size(limits.bytes).map(Sweep::Looks));
        let by_age = |tick: Time| {
            let mut sweeps = edges.by_age(limits, tick);
            sweeps.extend(log.by_age(tick - limits.age).map(Sweep::Looks));
            sweeps
        };
        if !by_age(tick).is_empty() {
            // the clock says so; do the cycles?
            sweeps.splice(0..0, self.settled(tick, interval)?.map(by_age).unwrap_or_default());
        }
        let is_over = pages.used() > limits.bytes;
        if is_over {
            sweeps.extend(edges.aside.is_some().then_some(Sweep::Aside(at(i64::MAX))));
            sweeps.extend(edges.chunk.is_some().then_some(Sweep::Bytes(limits.bytes)));
        }
        let is_full = is_over && edges.aside.is_none() && edges.chunk.is_none();
        Ok(Excess { sweeps, tick, cut_to: pages.cut_to(limits), is_full })
    }

    /// The latest tick that is no later than `tick` and that a day of cycles has come after.
    fn settled(&self, tick: Time, interval: Duration) -> Result<Option<Time>> {
        let day = Duration::from_hours(24).as_millis() / interval.as_millis().max(1);
        let sql = "SELECT tick FROM cycle ORDER BY id DESC LIMIT 1 OFFSET ?1";
        let found = self.first("cycle", sql, [i64::try_from(day).unwrap_or(i64::MAX)], |cells| cells.time("tick"))?;
        Ok(found.map(|settled| settled.min(tick)))
    }

    fn edges(&self) -> Result<Edges> {
        let sql = "SELECT (SELECT min(start) FROM chunk) AS chunk,
                          (SELECT min(set_aside) FROM sample_aside) AS aside,
                          (SELECT min(start) FROM chunk_aside) AS damaged,
                          (SELECT tick FROM cycle WHERE tick <= (SELECT tick FROM cycle ORDER BY id DESC LIMIT 1)
                           ORDER BY id LIMIT 1) AS cycle,
                          (SELECT min(tick) FROM sample) AS sample,
                          (SELECT min(finished) FROM outbox WHERE finished IS NOT NULL) AS finished,
                          (SELECT min(ended_at) FROM alert) AS ended,
                          (SELECT min(id) FROM outbox) AS first_delivery, (SELECT max(id) FROM outbox) AS last_delivery,
                          (SELECT min(number) FROM alert) AS first_alert, (SELECT max(number) FROM alert) AS last_alert,
                          (SELECT min(id) FROM note) AS first_note, (SELECT max(id) FROM note) AS last_note";
        let found = self.first("sqlite_schema", sql, [], |cells| {
            let pair = |first, last| {
                let of = |column| Ok::<_, Unread>(cells.get::<Option<i64>>(column)?.unwrap_or(0));
                Ok::<_, Unread>((of(first)?, of(last)?))
            };
            Ok(Edges {
                chunk: cells.time_if_any("chunk")?,
                aside: [cells.time_if_any("aside")?, cells.time_if_any("damaged")?].into_iter().flatten().min(),
                cycle: cells.time_if_any("cycle")?,
                sample: cells.time_if_any("sample")?,
                finished: cells.time_if_any("finished")?,
                ended: cells.time_if_any("ended")?,
                deliveries: pair("first_delivery", "last_delivery")?,
                alerts: pair("first_alert", "last_alert")?,
                notes: pair("first_note", "last_note")?,
            })
        })?;
        found.ok_or_else(|| refuse::failure(&self.path, &rusqlite::Error::QueryReturnedNoRows))
    }

    fn pages(&self) -> Result<Pages> {
        let ask = |pragma: &str| self.connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
        let asked = || -> rusqlite::Result<Pages> {
            Ok(Pages {
                all: u64::from(ask("page_count")?),
                free: u64::from(ask("freelist_count")?),
                bytes: u64::from(ask("page_size")?),
                can_shrink: ask("auto_vacuum")? > 0,
            })
        };
        asked().map_err(|error| refuse::failure(&self.path, &error))
    }
}

impl Pages {
    /// What the file is cut down to: spare pages stay, unless it is larger than it may be.
    fn cut_to(&self, limits: Limits) -> Option<u64> {
        let most = if self.all * self.bytes > limits.bytes { 0 } else { SPARE.max(self.all / SLACK) };
        let to = self.all - self.free + most;
        (self.can_shrink && self.all > to).then_some(to)
    }
}

impl Edges {
    /// What is too old at `tick`.
    fn by_age(&self, limits: Limits, tick: Time) -> Vec<Sweep> {
        let (samples, alerts) = (tick - limits.age, tick - limits.age.saturating_mul(TIMES));
        let is_before = |edge: Option<Time>, limit: Time| edge.is_some_and(|edge| edge < limit);
        // a chunk ends a day after its beginning, at the latest
        let chunks = at(samples.millis().saturating_sub(DAY));
        let oldest = [self.chunk, self.sample].into_iter().flatten().min().unwrap_or(samples).min(samples);
        [
            (is_before(self.aside, samples), Sweep::Aside(samples)),
            (is_before(self.chunk, chunks), Sweep::Chunks(chunks)),
            (is_before(self.cycle, oldest), Sweep::Cycles(oldest)),
            (is_before(self.finished, samples), Sweep::Deliveries(samples)),
            (is_before(self.ended, alerts), Sweep::Alerts(alerts)),
        ]
        .into_iter()
        .filter_map(|(is_due, sweep)| is_due.then_some(sweep))
        .collect()
    }

    /// What there is too much of.
    fn by_count(&self, limits: Limits) -> Vec<Sweep> {
        let rows = i64::try_from(limits.bytes / SHARE / ROW).unwrap_or(i64::MAX);
        let beyond =
            |(first, last): (i64, i64), most: i64| Some(last - most).filter(|upto| *upto >= first && first > 0);
        [
            beyond(self.deliveries, rows).map(Sweep::DeliveriesUpTo),
            beyond(self.alerts, rows).map(Sweep::AlertsUpTo),
            beyond(self.notes, NOTES).map(Sweep::NotesUpTo),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests;

//! Reading sealed samples, beside the rows that are not sealed yet.

use std::collections::BTreeMap;

use super::chunk::{self, Flaw, Place};
use super::rows::Cells;
use super::{Reader, Result, refuse};
use crate::model::labels::SeriesKey;
use crate::model::reading::Point;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// Milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;

/// Milliseconds of a day.
pub(super) const DAY: i64 = 24 * HOUR;

/// The counter that holds the end of the newest span that was ever sealed: no need to look for chunks after it.
pub(super) const SEALED_UNTIL: &str = "sealed_until";

/// The row of a chunk.
pub(super) struct Sealed {
    pub(super) id: i64,
    pub(super) place: Place,
    pub(super) data: Vec<u8>,
}

impl Sealed {
    /// Its samples.
    pub(super) fn points(&self) -> std::result::Result<Vec<Point>, Flaw> {
        chunk::decode(self.place, &self.data)
    }

    /// When the first of them was taken.
    pub(super) fn first_tick(&self) -> std::result::Result<Time, Flaw> {
        chunk::first_tick(self.place, &self.data)
    }
}

/// What is sealed of a series in a span.
pub(super) enum Past {
    /// Its samples.
    Points(Vec<Point>),
    /// A part of it cannot be read.
    Damaged(Trouble),
}

impl Reader {
    /// The end of the newest span that was ever sealed.
    pub(super) fn sealed_until(&self) -> Result<Time> {
        Ok(Time::from_millis(i64::try_from(self.counter(SEALED_UNTIL)?).unwrap_or(i64::MAX)))
    }

    /// The chunks of `series` that may hold samples from `from` to `to`, oldest first.
    pub(super) fn chunks_of(&self, series: i64, from: Time, to: Time) -> Result<Vec<Sealed>> {
        self.all(
            "chunk",
            "SELECT id, series, start, data FROM chunk WHERE series = ?1 AND start BETWEEN ?2 AND ?3 ORDER BY start",
            (series, from.millis().saturating_sub(DAY), to.millis()),
            sealed,
        )
    }

    /// The first chunk of `series` that begins after `start`.
    pub(super) fn chunk_after(&self, series: i64, start: i64) -> Result<Option<Sealed>> {
        self.first(
            "chunk",
            "SELECT id, series, start, data FROM chunk WHERE series = ?1 AND start > ?2 ORDER BY start LIMIT 1",
            (series, start),
            sealed,
        )
    }

    /// The last chunk of `series` that begins before `start`.
    pub(super) fn chunk_before(&self, series: i64, start: i64) -> Result<Option<Sealed>> {
        self.first(
            "chunk",
            "SELECT id, series, start, data FROM chunk WHERE series = ?1 AND start < ?2 ORDER BY start DESC LIMIT 1",
            (series, start),
            sealed,
        )
    }

    /// What is sealed of the series `id` from `from` to `to`.
    pub(super) fn past(&self, id: i64, key: &SeriesKey, from: Time, to: Time) -> Result<Past> {
        let mut points = Vec::new();
        for sealed in self.chunks_of(id, from, to)? {
            match sealed.points() {
                Ok(found) => points.extend(found.into_iter().filter(|point| point.tick >= from && point.tick <= to)),
                Err(flaw) => return Ok(Past::Damaged(self.damaged(key, sealed.place, &flaw))),
            }
        }
        Ok(Past::Points(points))
    }

    /// The trouble with a chunk that cannot be read.
    pub(super) fn damaged(&self, key: &SeriesKey, place: Place, flaw: &Flaw) -> Trouble {
        let what =
            format!("{}: the history of {key} from {} is damaged: {}", self.path.display(), at(place.start), flaw.0);
        Trouble::new(Kind::Io, what).help(refuse::DAMAGED)
    }
}

/// The row of a chunk with `id`, `series`, `start` and `data`.
pub(super) fn sealed(cells: &Cells<'_>) -> std::result::Result<Sealed, super::Unread> {
    let place = Place { series: cells.get("series")?, start: cells.get("start")? };
    Ok(Sealed { id: cells.get("id")?, place, data: cells.get("data")? })
}

/// A span by its beginning.
pub(super) fn at(start: i64) -> Time {
    Time::from_millis(start)
}

/// Two histories of one series as one; where both have a sample, the newer writing wins.
pub(super) fn merge(old: Vec<Point>, new: Vec<Point>) -> Vec<Point> {
    let is_after = old.last().zip(new.first()).is_none_or(|(last, first)| last.tick < first.tick);
    if is_after {
        let mut all = old;
        all.extend(new);
        return all;
    }
    let all: BTreeMap<Time, Point> = old.into_iter().chain(new).map(|point| (point.tick, point)).collect();
    all.into_values().collect()
}

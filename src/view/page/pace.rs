//! How points follow each other: by the intervals that the cycles of then ran with, which are not always those of now.

use std::time::Duration;

use super::span::Span;
use crate::model::time::{Time, millis_of};
use crate::store::{Reader, Result};

/// The intervals of a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rhythm {
    /// Each with the tick from which on it counts, in order.
    changes: Vec<(Time, Duration)>,
    /// What holds where no cycle says anything.
    usual: Duration,
}

impl Rhythm {
    /// Always the same.
    pub const fn even(interval: Duration) -> Self {
        Self { changes: Vec::new(), usual: interval }
    }

    /// That of the cycles of a span; `usual` where there are none.
    pub fn read(reader: &Reader, from: Time, to: Time, usual: Duration) -> Result<Self> {
        Ok(Self { changes: reader.intervals(from, to)?, usual })
    }

    /// The interval of then.
    fn at(&self, time: Time) -> Duration {
        let begun = self.changes.partition_point(|(since, _)| *since <= time);
        // before the first one that is known it was no other
        self.changes.get(begun.saturating_sub(1)).map_or(self.usual, |(_, interval)| *interval)
    }
}

/// How the points of a series follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Pace<'a> {
    /// How often its source is to measure.
    pub every: Duration,
    /// The intervals of the cycles, in which it can.
    pub rhythm: &'a Rhythm,
}

impl Pace<'_> {
    /// The time between two points then: a source runs in the first cycle at which its time is over.
    pub fn at(self, time: Time) -> Duration {
        let interval = self.rhythm.at(time).max(Duration::from_millis(1));
        let cycles = self.every.as_millis().div_ceil(interval.as_millis()).max(1);
        interval.saturating_mul(u32::try_from(cycles).unwrap_or(u32::MAX))
    }

    /// How long after one point the next one is due: nobody knows when between the two a changed interval began to
    /// count, so the longer one does.
    pub fn between(self, one: Time, next: Time) -> Duration {
        self.at(one).max(self.at(next))
    }

    /// The longest time between two points of a span.
    pub fn longest(self, from: Time, to: Time) -> Duration {
        let within = self.rhythm.changes.iter().map(|(since, _)| *since).filter(|since| *since > from && *since <= to);
        within.map(|since| self.at(since)).fold(self.between(from, to), Duration::max)
    }

    /// How often it is asked, and no more often than there are cycles: that long its newest value stands.
    pub fn asked(self, time: Time) -> Duration {
        self.every.max(self.rhythm.at(time))
    }

    /// How many points a span has.
    pub fn count(self, span: Span) -> i64 {
        let within = self.rhythm.changes.iter().map(|(since, _)| *since);
        let ends = within.filter(|since| *since > span.from && *since < span.to).chain([span.to]);
        let mut from = span.from;
        let count = |to: Time| {
            let begins = std::mem::replace(&mut from, to);
            millis_of(to.since(begins)) / millis_of(self.at(begins)).max(1)
        };
        ends.map(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(minute: i64) -> Time {
        Time::from_millis(1_795_424_400_000 + minute * 60_000)
    }

    #[test]
    fn a_source_runs_in_the_first_cycle_after_its_time() {
        let rhythm = Rhythm::even(MINUTE);
        for (every, seconds) in [(0, 60), (15, 60), (60, 60), (70, 120), (90, 120), (120, 120), (3600, 3600)] {
            let pace = Pace { every: Duration::from_secs(every), rhythm: &rhythm };
            assert_eq!(pace.at(at(0)).as_secs(), seconds, "{every}");
        }
    }

    #[test]
    fn the_interval_is_the_one_of_then() {
        let quarter = Duration::from_secs(15);
        let rhythm = Rhythm { changes: vec![(at(0), MINUTE), (at(60), quarter)], usual: Duration::from_secs(1) };
        let pace = Pace { every: Duration::ZERO, rhythm: &rhythm };
        assert_eq!([-5, 0, 59, 60, 99].map(|minute| pace.at(at(minute)).as_secs()), [60, 60, 60, 15, 15]);
        assert_eq!((pace.between(at(59), at(60)), pace.between(at(61), at(62))), (MINUTE, quarter));
        assert_eq!((pace.longest(at(50), at(99)), pace.longest(at(70), at(99))), (MINUTE, quarter));
        assert_eq!(pace.count(Span::between(at(0), at(120))), 60 + 240);
    }
}

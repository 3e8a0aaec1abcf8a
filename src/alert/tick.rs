//! Which tick this is, and what lies between it and the one before.

use std::time::Duration;

use super::step::Passage;
use crate::model::time::Time;

/// Longer than this without a look, and pending alerts start anew.
const LONG_GAP: Duration = Duration::from_hours(1);

/// What is known of the previous cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Last {
    /// Its tick.
    pub tick: Time,
    /// When it started, by the clock of then.
    pub started: Time,
    /// The interval it ran with, where that is known.
    pub interval: Option<Duration>,
}

impl Last {
    /// How long after it the next cycle was due that runs with `interval`: nobody knows when between the two a changed
    /// interval began to count, so the longer one does.
    fn due_within(self, interval: Duration) -> Duration {
        self.interval.map_or(interval, |own| own.max(interval))
    }
}

/// How this cycle follows the previous one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Follows {
    /// The tick of this cycle.
    pub tick: Time,
    /// What it means for pending alerts.
    pub passage: Passage,
    /// Ticks of the present interval that passed without a cycle although one was due.
    pub missed: u32,
    /// This tick had a cycle already: samples are replaced, nothing is stepped.
    pub again: bool,
    /// The clock went back by this much.
    pub back: Option<Duration>,
}

/// Compares a cycle that started at `started` with the last one, where there was one. The clock went back when this
/// cycle started before the last one did; a tick that is not later for another reason (the interval was changed, or
/// differs between a loop and a person) is the last tick again.
pub fn follows(started: Time, last: Option<Last>, interval: Duration) -> Follows {
    let tick = started.floor(interval);
    let plain = Follows { tick, passage: Passage::Ordinary, missed: 0, again: false, back: None };
    let Some(last) = last else { return plain };
    if started < last.started {
        return Follows { passage: Passage::Anew, back: Some(last.started.since(started)), ..plain };
    }
    if tick <= last.tick {
        return Follows { tick: last.tick, again: true, ..plain };
    }
    let (gap, due) = (tick.since(last.tick), last.due_within(interval));
    let missed = gap.saturating_sub(due).as_millis() / interval.as_millis().max(1);
    Follows { passage: passage(gap, due), missed: u32::try_from(missed).unwrap_or(u32::MAX), ..plain }
}

/// How a cycle of the past followed the one before it, with so many ticks `missed` between them. Where it does not say
/// its interval, those do.
pub fn followed(cycle: Last, missed: u32, before: Option<Last>) -> Passage {
    let Some(before) = before else { return Passage::Ordinary };
    if cycle.started < before.started || cycle.tick < before.tick {
        return Passage::Anew;
    }
    let gap = cycle.tick.since(before.tick);
    let interval = cycle.interval.unwrap_or_else(|| gap / missed.saturating_add(1));
    passage(gap, before.due_within(interval))
}

fn passage(gap: Duration, interval: Duration) -> Passage {
    match gap {
        gap if gap > LONG_GAP => Passage::Anew,
        // this cycle stands for one interval of its own: a rhythm that is always late still counts
        gap if gap > interval * 2 => Passage::Gap(gap.saturating_sub(interval)),
        _ => Passage::Ordinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_a_cycle_can_follow() {
        let minute = Duration::from_mins(1);
        let at = |minutes: i64| Time::from_millis(minutes * 60_000);
        let last = |minutes: i64| {
            let (tick, started) = (at(minutes), at(minutes) + Duration::from_secs(1));
            Last { tick, started, interval: Some(minute) }
        };
        for (minutes, before, expected) in [
            (5, None, (5, Passage::Ordinary, 0, false, None)),
            (5, Some(4), (5, Passage::Ordinary, 0, false, None)),
            (5, Some(5), (5, Passage::Ordinary, 0, true, None)),
            (5, Some(3), (5, Passage::Ordinary, 1, false, None)),
            (10, Some(5), (10, Passage::Gap(minute * 4), 4, false, None)),
            (65, Some(5), (65, Passage::Gap(minute * 59), 59, false, None)),
            (66, Some(5), (66, Passage::Anew, 60, false, None)),
            (5, Some(8), (5, Passage::Anew, 0, false, Some(minute * 3))),
        ] {
            let (tick, passage, missed, again, back) = expected;
            let expected = Follows { tick: at(tick), passage, missed, again, back };
            let started = at(minutes) + Duration::from_secs(1);
            assert_eq!(follows(started, before.map(last), minute), expected, "{minutes} after {before:?}");
            for interval in [Some(minute), None] {
                let cycle = Last { tick: at(tick), started, interval };
                let recorded = followed(cycle, missed, before.map(last));
                assert!(
                    again || recorded == passage,
                    "{minutes} after {before:?}, recorded {interval:?}: {recorded:?}"
                );
            }
        }
    }

    #[test]
    fn a_changed_interval_is_no_missed_cycle() {
        let at = |seconds: i64| Time::from_millis(seconds * 1000);
        let (seconds, quarter, minute) = (Duration::from_secs, Duration::from_secs(15), Duration::from_mins(1));
        for (tick, (own, now), missed, passage) in [
            (60, (Some(minute), quarter), 0, Passage::Ordinary),
            (15, (Some(minute), quarter), 0, Passage::Ordinary),
            (60, (Some(quarter), minute), 0, Passage::Ordinary),
            // it stood still: from when the next one was due
            (600, (Some(minute), quarter), 36, Passage::Gap(seconds(540))),
            (600, (Some(quarter), minute), 9, Passage::Gap(seconds(540))),
            // a cycle of before does not say: what is asked now counts
            (60, (None, quarter), 3, Passage::Gap(seconds(45))),
        ] {
            let last = Last { tick: at(0), started: at(0), interval: own };
            let follows = follows(at(tick), Some(last), now);
            assert_eq!((follows.missed, follows.passage), (missed, passage), "{tick} {own:?} {now:?}");
            let cycle = Last { tick: at(tick), started: at(tick), interval: Some(now) };
            assert_eq!(followed(cycle, missed, Some(last)), passage, "{tick} {own:?} {now:?}, recorded");
        }
    }

    #[test]
    fn a_longer_interval_repeats_the_last_tick_and_is_no_clock_that_went_back() {
        let at = |seconds: i64| Time::from_millis(seconds * 1000);
        let last = Last { tick: at(48), started: at(48), interval: Some(Duration::from_secs(12)) };
        let follows = follows(at(50), Some(last), Duration::from_mins(1));
        assert_eq!((follows.tick, follows.again, follows.back), (at(48), true, None));
    }
}

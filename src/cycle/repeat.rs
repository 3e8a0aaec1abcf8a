//! `check --repeat`: one loop of cycles per minute of cron. A new process waits for the old one's lock and joins at the
//! next tick, so that cycles follow each other without a hole and without overlap.

use std::time::Duration;

use crate::model::time::Time;

/// How long into the next minute a loop that has not ended waits for the process that would take over.
pub const GRACE: Duration = Duration::from_secs(3);

/// For how many minutes a loop that has not ended goes on where nobody takes over: the longest response ends within them.
pub const MOST_FOLLOWING: Duration = Duration::from_mins(6);

/// When a loop that takes over begins: at once, unless the loop before it has done this tick already.
pub fn first(now: Time, last: Option<Time>, interval: Duration, end: Time) -> Option<Time> {
    if last == Some(now.floor(interval)) { next(now, interval, end) } else { Some(now) }
}

/// When the next cycle of a loop begins, and whether it still belongs to this process: its minute ends at `end`.
pub fn next(now: Time, interval: Duration, end: Time) -> Option<Time> {
    let next = now.floor(interval) + interval;
    (next < end).then_some(next)
}

/// The end of the minute that cron's process of `started` is responsible for. A process that cron started a little late
/// (or just before the full minute) covers the minute it belongs to.
pub fn minute_end(started: Time) -> Time {
    let minute = Duration::from_mins(1);
    let slack = Duration::from_secs(2);
    (started + slack).floor(minute) + minute
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    #[test]
    fn four_cycles_fit_into_a_minute_of_fifteen_seconds() {
        let quarter = Duration::from_secs(15);
        let end = minute_end(at(60));
        let mut cycles = vec![at(60).floor(quarter)];
        while let Some(then) = next(*cycles.last().unwrap(), quarter, end) {
            cycles.push(then);
        }
        assert_eq!(cycles, [at(60), at(75), at(90), at(105)]);
    }

    #[test]
    fn a_loop_that_takes_over_does_no_tick_twice() {
        let quarter = Duration::from_secs(15);
        assert_eq!(first(at(61), None, quarter, at(120)), Some(at(61)));
        assert_eq!(first(at(61), Some(at(45)), quarter, at(120)), Some(at(61)));
        assert_eq!(first(at(61), Some(at(60)), quarter, at(120)), Some(at(75)));
    }

    #[test]
    fn an_early_or_late_start_covers_the_minute_it_was_meant_for() {
        assert_eq!(minute_end(at(61)), at(120));
        assert_eq!(minute_end(at(59)), at(120));
        assert_eq!(next(at(107), Duration::from_secs(15), at(120)), None);
    }
}

//! How old the last cycle is, and whether that is too old; or that it lies ahead of a clock that went back.

use std::time::Duration;

use crate::model::time::Time;
use crate::store::cycles::CycleRow;
use crate::text::units;

/// What is older than this many intervals, and [`GRACE`], is stale.
const STALE_INTERVALS: f64 = 2.5;
/// Beside the intervals: a cycle takes a while, and a clock is set by a few seconds.
const GRACE: Duration = Duration::from_secs(15);

/// Whether more time has passed since `cycle` than the rhythm of `interval` explains. Of a cycle that lies in the
/// future nobody knows how long ago it was.
pub fn is_stale(cycle: &CycleRow, interval: Duration, now: Time) -> bool {
    ahead(cycle, now).is_some() || now.since(cycle.finished) > interval.mul_f64(STALE_INTERVALS) + GRACE
}

/// By how much a cycle lies in the future, where the clock went back behind it.
pub fn ahead(cycle: &CycleRow, now: Time) -> Option<Duration> {
    Some(cycle.finished.since(now)).filter(|ahead| *ahead > GRACE)
}

/// How long ago a cycle ended; not known where it lies in the future.
pub fn age(cycle: &CycleRow, now: Time) -> Option<Duration> {
    if ahead(cycle, now).is_some() { None } else { Some(now.since(cycle.finished)) }
}

/// What is wrong with a last cycle that is stale, as a clause.
pub fn silence(cycle: &CycleRow, now: Time) -> String {
    match ahead(cycle, now) {
        Some(ahead) => future(ahead),
        None => format!("nothing has been checked for {}", units::duration(now.since(cycle.finished))),
    }
}

/// The words about a last cycle that lies so far in the future.
pub fn future(ahead: Duration) -> String {
    format!("the last check is {} in the future: the clock went back", units::duration(ahead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_in_the_future_is_stale_and_has_no_age() {
        let (cycle, minute) = (CycleRow::quick(Time::from_millis(0), 0), Duration::from_mins(1));
        let seen = |now: i64| {
            let now = Time::from_millis(now * 1000);
            (is_stale(&cycle, minute, now), age(&cycle, now).map(|age| age.as_secs()), silence(&cycle, now))
        };
        assert_eq!(seen(165), (false, Some(165), "nothing has been checked for 2 min 45 s".to_owned()));
        assert_eq!(seen(166), (true, Some(166), "nothing has been checked for 2 min 46 s".to_owned()));
        // a clock that is set by a little is no news
        assert_eq!((seen(-15).0, seen(-15).1), (false, Some(0)));
        let words = "the last check is 1 h 44 min in the future: the clock went back";
        assert_eq!(seen(-6240), (true, None, words.to_owned()));
    }
}

//! Which tick this is, and what lies between it and the one before.

use std::time::Duration;

use crate::alert::step::Passage;
use crate::model::time::Time;

/// Longer than this without a look, and pending alerts start anew.
const LONG_GAP: Duration = Duration::from_hours(1);

/// How this cycle follows the previous one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Follows {
    /// What it means for pending alerts.
    pub passage: Passage,
    /// Ticks that passed without a cycle.
    pub missed: u32,
    /// This tick had a cycle already: samples are replaced, nothing is stepped.
    pub again: bool,
    /// The clock went back by this much.
    pub back: Option<Duration>,
}

/// Compares a tick with the last cycle's, where there was one.
pub fn follows(tick: Time, last: Option<Time>, interval: Duration) -> Follows {
    let plain = Follows { passage: Passage::Ordinary, missed: 0, again: false, back: None };
    let Some(last) = last else { return plain };
    if tick == last {
        return Follows { again: true, ..plain };
    }
    if tick < last {
        return Follows { passage: Passage::Anew, back: Some(last.since(tick)), ..plain };
    }
    let gap = tick.since(last);
    let missed = (gap.as_millis() / interval.as_millis().max(1)).saturating_sub(1);
    let passage = match gap {
        gap if gap > LONG_GAP => Passage::Anew,
        gap if gap > interval * 2 => Passage::Gap(gap),
        _ => Passage::Ordinary,
    };
    Follows { passage, missed: u32::try_from(missed).unwrap_or(u32::MAX), ..plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_a_tick_can_follow() {
        let minute = Duration::from_mins(1);
        let at = |minutes: i64| Time::from_millis(minutes * 60_000);
        let plain = Follows { passage: Passage::Ordinary, missed: 0, again: false, back: None };
        for (tick, last, expected) in [
            (5, None, plain),
            (5, Some(4), plain),
            (5, Some(5), Follows { again: true, ..plain }),
            (5, Some(3), Follows { missed: 1, ..plain }),
            (10, Some(5), Follows { missed: 4, passage: Passage::Gap(minute * 5), ..plain }),
            (65, Some(5), Follows { missed: 59, passage: Passage::Gap(minute * 60), ..plain }),
            (66, Some(5), Follows { missed: 60, passage: Passage::Anew, ..plain }),
            (5, Some(8), Follows { passage: Passage::Anew, back: Some(minute * 3), ..plain }),
        ] {
            assert_eq!(follows(at(tick), last.map(at), minute), expected, "{tick} after {last:?}");
        }
    }
}

//! What text messages may cost: a bucket of tokens over all of them. Each message takes one; they come back slowly. Nothing
//! is dropped when they run out: the last ones are kept for messages that carry everything that waits for a number, and
//! what comes after them waits, visibly, until there is a token again.

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::model::time::Time;
use crate::text::check::Check;

/// Tokens at most, and those that come back in an hour, unless the settings say otherwise.
const BURST: u32 = 20;
const PER_HOUR: u32 = 20;
const HOUR: Duration = Duration::from_hours(1);

/// `[routes] sms_budget`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many may go out at once; default 20.
    burst: Option<Spanned<u32>>,
    /// How many may go out in the long run; default 20.
    per_hour: Option<Spanned<u32>>,
}

impl Settings {
    /// The budget, or faults in `check`.
    pub fn build(&self, check: &mut Check<'_>) -> Budget {
        let Self { burst, per_hour } = self;
        Budget {
            burst: within("burst", burst.as_ref(), 1..1001, BURST, check),
            per_hour: within("per_hour", per_hour.as_ref(), 1..3601, PER_HOUR, check),
        }
    }
}

fn within(key: &str, given: Option<&Spanned<u32>>, range: Range<u32>, default: u32, check: &mut Check<'_>) -> u32 {
    let Some(given) = given else { return default };
    if !range.contains(given.get_ref()) {
        let what = format!("`{key}` is not between {} and {}", range.start, range.end - 1);
        check.fault(Fault::error(what, Place::File(given.span())).help(format!("{default} is the default")));
        return default;
    }
    *given.get_ref()
}

/// How many text messages may go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// At once.
    pub burst: u32,
    /// In the long run, in an hour.
    pub per_hour: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { burst: BURST, per_hour: PER_HOUR }
    }
}

/// What is left, at an instant. Tokens are counted in milliseconds of waiting for them, so that nothing is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// What is left: so long it would take to refill this much.
    pub filled: Duration,
    /// At this time.
    pub at: Time,
}

impl Budget {
    /// How long it takes for a token to come back.
    fn pause(self) -> Duration {
        HOUR / self.per_hour.max(1)
    }

    /// The bucket as it stands `now`, from how it stood when it was used last; full where it never was. A clock that went
    /// back brings nothing and takes nothing.
    pub fn at(self, last: Option<Bucket>, now: Time) -> Bucket {
        let full = self.pause() * self.burst;
        let filled = last.map_or(full, |last| (last.filled + now.since(last.at)).min(full));
        Bucket { filled, at: now }
    }

    /// Whole tokens in the bucket.
    pub fn tokens(self, bucket: Bucket) -> u32 {
        u32::try_from(bucket.filled.as_nanos() / self.pause().as_nanos().max(1)).unwrap_or(u32::MAX)
    }

    /// The bucket after a message.
    pub fn less(self, bucket: Bucket) -> Bucket {
        Bucket { filled: bucket.filled.saturating_sub(self.pause()), ..bucket }
    }

    /// The bucket after a message turned out to have cost nothing.
    pub fn more(self, bucket: Bucket) -> Bucket {
        Bucket { filled: (bucket.filled + self.pause()).min(self.pause() * self.burst), ..bucket }
    }

    /// When there is a token, where there is none.
    pub fn next(self, bucket: Bucket) -> Time {
        bucket.at + self.pause().saturating_sub(bucket.filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { burst: 3, per_hour: 6 };

    fn at(minutes: i64) -> Time {
        Time::from_millis(minutes * 60_000)
    }

    #[test]
    fn it_empties_at_once_and_fills_slowly() {
        let mut bucket = BUDGET.at(None, at(0));
        for left in [3, 2, 1, 0] {
            assert_eq!(BUDGET.tokens(bucket), left);
            if left > 0 {
                bucket = BUDGET.less(bucket);
            }
        }
        assert_eq!(BUDGET.next(bucket), at(10));
        for (minutes, tokens) in [(9, 0), (10, 1), (19, 1), (20, 2), (30, 3), (500, 3)] {
            assert_eq!(BUDGET.tokens(BUDGET.at(Some(bucket), at(minutes))), tokens, "{minutes}");
        }
        // looked at each minute it fills no slower
        let often = (1..=10).fold(bucket, |bucket, minutes| BUDGET.at(Some(bucket), at(minutes)));
        assert_eq!((BUDGET.tokens(often), BUDGET.next(bucket)), (1, at(10)));
    }

    #[test]
    fn it_is_never_more_than_full_and_no_clock_fills_it() {
        let full = BUDGET.at(None, at(0));
        assert_eq!(BUDGET.more(full), full);
        assert_eq!(BUDGET.more(BUDGET.less(full)), full);
        let used = BUDGET.less(BUDGET.at(None, at(100)));
        assert_eq!(BUDGET.tokens(BUDGET.at(Some(used), at(0))), 2, "the clock went back");
    }

    #[test]
    fn a_smaller_budget_takes_effect_at_once() {
        let full = BUDGET.at(None, at(0));
        let smaller = Budget { burst: 1, per_hour: 6 };
        assert_eq!(smaller.tokens(smaller.at(Some(full), at(0))), 1);
    }
}

//! How much something grew in a window of time: rates, and means of what was finished lately.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::memory::{Life, is_other};
use crate::model::reading::Reason;
use crate::model::time::Time;

/// A window: how far back it reaches, and how far apart the looks are that it keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) length: Duration,
    pub(super) spacing: Duration,
}

/// Looks at a count and at a sum that belongs to it, oldest first, all of one life of the backend.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Growth {
    looks: Vec<Look>,
    life: Life,
}

/// One look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) at: Time,
    /// How many were finished since the backend started.
    pub(super) count: u64,
    /// What belongs to them, such as the milliseconds they took together.
    pub(super) sum: u64,
}

impl Growth {
    /// The window after `look`. A restart, or a count that fell, begins a new one.
    pub(super) fn next(&self, look: Look, life: Life, span: Span) -> Self {
        let last = self.looks.last();
        let begins = is_other(self.life, life) || last.is_some_and(|last| look.count < last.count);
        let mut looks = if begins { Vec::new() } else { self.looks.clone() };
        // looks of a clock that went back lie in the future
        looks.retain(|before| before.at < look.at);
        let in_window = |before: &Look| look.at.since(before.at) < span.length;
        // the newest one before the window is where it begins
        let first = looks.iter().position(in_window).unwrap_or(looks.len());
        looks.drain(..first.saturating_sub(1));
        if looks.last().is_none_or(|last| look.at.since(last.at) >= span.spacing) {
            looks.push(look);
        }
        // where nobody can say which life it is, it is taken for the last one: a count that falls tells otherwise
        Self { looks, life: if begins { life } else { life.or(self.life) } }
    }

    /// How many per hour were finished in the window, once it is long enough to say so.
    pub(super) fn per_hour(&self, now: Look, span: Span) -> Result<f64, Reason> {
        let first = self.looks.first().filter(|first| now.at.since(first.at) >= span.spacing);
        let first = first.ok_or(Reason::WARMING_UP)?;
        Ok(now.count.saturating_sub(first.count) as f64 * 3600.0 / now.at.since(first.at).as_secs_f64())
    }

    /// Whether the window just lost what it had, by a restart or because all of it is too long ago. For one look its mean
    /// is then no more: an alert about it ends, where one about something that is merely unknown would go on for ever on
    /// an idle bridge.
    pub(super) fn has_ended(&self, before: &Self, now: Look) -> bool {
        let Some(first) = before.looks.first() else { return false };
        let begins = self.looks == [now];
        let is_empty = self.looks.first().is_some_and(|first| first.count == now.count);
        begins || (is_empty && first.count < now.count)
    }

    /// The mean of what belongs to each that was finished in the window.
    pub(super) fn mean(&self, now: Look) -> Result<f64, Reason> {
        let first = self.looks.first().filter(|first| first.at < now.at).ok_or(Reason::WARMING_UP)?;
        let count = now.count.saturating_sub(first.count);
        if count == 0 {
            return Err(Reason::NOTHING_TO_DIVIDE);
        }
        match now.sum.checked_sub(first.sum) {
            Some(sum) => Ok(sum as f64 / count as f64),
            None => Err(Reason::new("the backend's mean and its count contradict each other")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { length: Duration::from_mins(15), spacing: Duration::from_mins(1) };

    fn look(minute: i64, count: u64, sum: u64) -> Look {
        Look { at: Time::from_millis(minute * 60_000), count, sum }
    }

    /// What the window says after each look.
    fn said(looks: &[(Look, Life)]) -> Vec<(Result<f64, Reason>, Result<f64, Reason>)> {
        let mut growth = Growth::default();
        let mut said = Vec::new();
        for (look, life) in looks {
            growth = growth.next(*look, *life, SPAN);
            said.push((growth.per_hour(*look, SPAN), growth.mean(*look)));
        }
        said
    }

    #[test]
    fn rate_and_mean_are_of_the_window_alone() {
        let life = Some(0);
        let said = said(&[
            (look(0, 30, 9_000), life),
            (look(1, 30, 9_000), life),
            (look(2, 32, 9_600), life),
            (look(17, 32, 9_600), life),
            (look(18, 33, 9_700), life),
        ]);
        let (warming, nothing) = (Err(Reason::WARMING_UP), Err(Reason::NOTHING_TO_DIVIDE));
        assert_eq!(
            said,
            [
                (warming.clone(), warming),
                (Ok(0.0), nothing.clone()),
                (Ok(60.0), Ok(300.0)),
                (Ok(0.0), nothing),
                (Ok(3.75), Ok(100.0)),
            ]
        );
    }

    #[test]
    fn a_restart_begins_a_new_window_and_a_look_between_two_kept_ones_counts() {
        let half = Look { at: Time::from_millis(90_000), count: 12, sum: 600 };
        let said = said(&[
            (look(0, 10, 100), Some(0)),
            (look(1, 10, 100), Some(0)),
            (half, Some(0)),
            (look(2, 3, 30), Some(1)),
            (look(3, 4, 50), Some(1)),
            (look(4, 1, 5), None),
            (look(5, 2, 9), Some(1)),
        ]);
        let means: Vec<_> = said.into_iter().map(|(_, mean)| mean).collect();
        let warming = || Err(Reason::WARMING_UP);
        assert_eq!(
            means,
            [warming(), Err(Reason::NOTHING_TO_DIVIDE), Ok(250.0), warming(), Ok(20.0), warming(), Ok(4.0)]
        );
    }

    #[test]
    fn a_mean_ends_once_when_its_window_empties_or_begins_anew() {
        let mut growth = Growth::default();
        let mut ended = Vec::new();
        for (minute, count, life) in
            [(0, 1, 0), (1, 2, 0), (10, 2, 0), (16, 2, 0), (17, 2, 0), (18, 3, 0), (19, 0, 1), (20, 0, 1)]
        {
            let look = look(minute, count, 0);
            let next = growth.next(look, Some(life), SPAN);
            if next.has_ended(&growth, look) {
                ended.push(minute);
            }
            growth = next;
        }
        assert_eq!(ended, [16, 19]);
    }

    #[test]
    fn a_sum_that_falls_while_its_count_grows_is_no_mean() {
        let said = said(&[(look(0, 1, 50), None), (look(1, 2, 40), None)]);
        assert_eq!(said[1].1, Err(Reason::new("the backend's mean and its count contradict each other")));
    }

    #[test]
    fn a_window_keeps_few_looks_and_survives_json_and_a_clock_that_goes_back() {
        let mut growth = Growth::default();
        for tick in 0..400 {
            let look = Look { at: Time::from_millis(tick * 15_000), count: 0, sum: 0 };
            growth = growth.next(look, Some(0), SPAN);
        }
        assert_eq!(growth.looks.len(), 16);
        let json = serde_json::to_string(&growth).unwrap();
        assert_eq!(serde_json::from_str::<Growth>(&json).unwrap(), growth);
        let back = look(0, 0, 0);
        assert_eq!(growth.next(back, Some(0), SPAN).looks, [back]);
    }
}

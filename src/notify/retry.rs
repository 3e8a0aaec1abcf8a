//! What becomes of a delivery after an attempt: pure, so that the whole table can be tested.

use std::time::Duration;

use crate::model::delivery::{Delivery, Outcome, State};
use crate::model::time::{Time, millis_of};

/// Pauses after the first, second, … failed attempt; the last one repeats. Several providers' own clients back off
/// about like this, and greylisting mail servers accept after five minutes.
const PAUSES: [u64; 6] = [15, 30, 60, 120, 300, 600];
/// After this long nobody wants to hear of it in this way any more.
pub const GIVE_UP: Duration = Duration::from_hours(24);
/// ... but not before this many attempts: a clock that jumped a day ahead must not give up what was tried once.
const LEAST_ATTEMPTS: u32 = 10;
/// The bounds of a provider's own wish (`Retry-After`).
const MIN_ASKED: Duration = Duration::from_secs(1);
const MAX_ASKED: Duration = Duration::from_hours(1);

/// The delivery's next state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// Where it stands now.
    pub state: State,
    /// When to try again; `None` once it is settled.
    pub due: Option<Time>,
    /// Whether a further attempt must be marked as a possible repeat.
    pub maybe_repeat: bool,
}

/// What follows from `outcome` for `delivery`, whose `attempts` include the one that just ended. On a channel that
/// is `idempotent` (the receiver can tell a repeat by its id) an ambiguous outcome is like any other; elsewhere it is
/// repeated at most once.
pub fn next(outcome: &Outcome, delivery: &Delivery, idempotent: bool, now: Time) -> Next {
    let settled = |state| Next { state, due: None, maybe_repeat: delivery.maybe_repeat };
    match outcome {
        Outcome::Sent { .. } => settled(State::Sent),
        Outcome::Dead { .. } => settled(State::Dead),
        Outcome::Later { ambiguous: true, .. } if delivery.maybe_repeat && !idempotent => settled(State::Uncertain),
        Outcome::Later { after, ambiguous, .. } => {
            let due = now + after.map_or_else(|| pause(delivery), |asked| asked.clamp(MIN_ASKED, MAX_ASKED));
            let maybe_repeat = delivery.maybe_repeat || *ambiguous;
            let is_over = due.since(delivery.created) > GIVE_UP && delivery.attempts >= LEAST_ATTEMPTS;
            match (is_over, maybe_repeat) {
                (false, _) => Next { state: State::Pending, due: Some(due), maybe_repeat },
                (true, false) => settled(State::Dead),
                // an earlier attempt may have arrived: "dead" would be a claim we cannot make
                (true, true) => settled(State::Uncertain),
            }
        }
    }
}

/// The pause after this many attempts, up to a tenth longer so that deliveries that failed together spread out. The
/// spread comes from the id and the attempt: the same row gives the same plan.
fn pause(delivery: &Delivery) -> Duration {
    let step = usize::try_from(delivery.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = PAUSES.get(step).or(PAUSES.last()).copied().unwrap_or_default();
    let base = Duration::from_secs(seconds);
    // Knuth's multiplicative hash: neighbouring ids land far apart
    let mixed = (delivery.id.unsigned_abs() + u64::from(delivery.attempts)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
    let spread = u64::try_from(millis_of(base)).unwrap_or(0) / 10 * mixed / 1024;
    base + Duration::from_millis(spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Kind;
    use crate::notify::kit;

    fn later(after: Option<u64>, ambiguous: bool) -> Outcome {
        Outcome::Later { why: "busy".to_owned(), after: after.map(Duration::from_secs), ambiguous }
    }

    fn row(attempts: u32, maybe_repeat: bool) -> Delivery {
        Delivery { attempts, maybe_repeat, ..kit::delivery(Kind::Firing) }
    }

    #[test]
    fn the_end_of_an_attempt_decides() {
        use State::{Dead, Pending, Sent, Uncertain};
        let sent = Outcome::sent("ok");
        let dead = Outcome::Dead { why: "gone".to_owned() };
        let (slack, webhook) = (false, true);
        for (outcome, was_repeat, idempotent, state, repeat) in [
            (sent.clone(), false, slack, Sent, false),
            (dead.clone(), true, slack, Dead, true),
            (later(None, false), false, slack, Pending, false),
            (later(None, false), true, slack, Pending, true),
            (later(None, true), false, slack, Pending, true),
            (later(None, true), true, slack, Uncertain, true),
            (later(None, true), false, webhook, Pending, true),
            (later(None, true), true, webhook, Pending, true),
        ] {
            let delivery = row(1, was_repeat);
            let next = next(&outcome, &delivery, idempotent, delivery.created);
            assert_eq!((next.state, next.maybe_repeat), (state, repeat), "{outcome:?} {was_repeat} {idempotent}");
            assert_eq!(next.due.is_some(), state == Pending, "{outcome:?}");
        }
    }

    #[test]
    fn pauses_grow_to_ten_minutes_and_are_spread_by_a_tenth_at_most() {
        for (attempts, seconds) in [(1, 15), (2, 30), (3, 60), (4, 120), (5, 300), (6, 600), (7, 600), (90, 600)] {
            for id in 0..200 {
                let pause = pause(&Delivery { id, ..row(attempts, false) });
                let (least, most) = (Duration::from_secs(seconds), Duration::from_millis(seconds * 1100));
                assert!((least..=most).contains(&pause), "attempt {attempts} of {id}: {pause:?}");
            }
        }
        let distinct: std::collections::BTreeSet<_> =
            (0..50).map(|id| pause(&Delivery { id, ..row(6, false) })).collect();
        assert!(distinct.len() > 40, "{distinct:?}");
    }

    #[test]
    fn the_provider_s_wish_wins_within_bounds() {
        for (asked, expected) in [(0, 1), (1, 1), (30, 30), (3600, 3600), (86_400, 3600)] {
            let delivery = row(5, false);
            let due = next(&later(Some(asked), false), &delivery, false, delivery.created).due;
            assert_eq!(due, Some(delivery.created + Duration::from_secs(expected)), "{asked}");
        }
    }

    #[test]
    fn after_a_day_it_is_given_up_honestly() {
        let delivery = row(150, false);
        let late = delivery.created + GIVE_UP;
        for (at, repeat, state) in [
            (late - Duration::from_mins(12), false, State::Pending),
            (late, false, State::Dead),
            (late, true, State::Uncertain),
        ] {
            assert_eq!(next(&later(None, false), &row(150, repeat), true, at).state, state, "{at}");
        }
    }
}

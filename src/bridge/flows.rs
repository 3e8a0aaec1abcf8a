//! What moved without its counterpart: ckALGO minted for nothing, ALGO gone without a burn, a supply that vanished.
//!
//! Custody less what it must back is the surplus. A deposit raises it before its mint lowers it again, a burn before its
//! withdrawal: in honest operation it never falls below where it was, but for fees. So the floor is learned at first sight
//! and kept; what the surplus is below it is unmatched, and stays so until it comes back or a person accepts it. That also
//! finds a theft out of a surplus, which no ratio shows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::micro::Micro;
use crate::model::time::Time;

/// What is remembered of the flows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flows {
    /// Since when they have been watched.
    since: Time,
    /// The surplus that was there before anything unmatched.
    floor: Micro,
    /// Custody and what it had to back, when both were seen last.
    custody: Micro,
    backed: Micro,
    /// What is unmatched, by which leg moved.
    mint: Micro,
    outflow: Micro,
    /// Fees of withdrawals that the floor was lowered by.
    pub fees: Micro,
}

/// What the flows come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unmatched {
    /// Minted without a deposit, micro-units.
    pub mint: i128,
    /// Gone without a burn, micro-units.
    pub outflow: i128,
}

/// Custody and what it must back at one moment, micro-units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Levels {
    /// Spendable ALGO.
    pub custody: i128,
    /// ckALGO that ALGO must back.
    pub backed: i128,
}

impl Levels {
    const fn surplus(self) -> i128 {
        self.custody.saturating_sub(self.backed)
    }
}

impl Flows {
    /// First sight.
    pub fn begin(levels: Levels, now: Time) -> Self {
        Self {
            since: now,
            floor: Micro(levels.surplus()),
            custody: Micro(levels.custody),
            backed: Micro(levels.backed),
            mint: Micro(0),
            outflow: Micro(0),
            fees: Micro(0),
        }
    }

    /// The flows after `levels` were seen. What was on its way at first sight arrives within `settle`: meanwhile the floor
    /// follows the surplus down. `tolerance`: what withdrawals may have cost since the last look.
    #[must_use]
    pub fn step(&self, levels: Levels, now: Time, settle: Duration, tolerance: i128) -> Self {
        let mut next = Self { custody: Micro(levels.custody), backed: Micro(levels.backed), ..self.clone() };
        let surplus = levels.surplus();
        if !self.is_settled(now, settle) {
            next.floor = self.floor.min(Micro(surplus));
            return next;
        }
        let missing = self.floor.0.saturating_sub(surplus).max(0);
        let before = Levels { custody: self.custody.0, backed: self.backed.0 };
        let (grown, fallen) =
            (levels.backed.saturating_sub(before.backed), before.custody.saturating_sub(levels.custody));
        let had_credit = before.surplus() > self.floor.0;
        if missing > 0 && missing <= tolerance && (had_credit || grown != 0) {
            // the fee of a withdrawal whose burn was seen
            next.floor = Micro(surplus);
            (next.mint, next.outflow) = (Micro(0), Micro(0));
            next.fees = Micro(self.fees.0.saturating_add(missing));
            return next;
        }
        let more = missing.saturating_sub(self.mint.0.saturating_add(self.outflow.0));
        if more >= 0 {
            let minted = more.min(grown.max(0));
            next.mint = Micro(self.mint.0.saturating_add(minted));
            next.outflow = Micro(self.outflow.0.saturating_add(more - minted));
        } else {
            // it comes back: ALGO for what went out, a burn for what was minted
            let back = more.unsigned_abs();
            let back = i128::try_from(back).unwrap_or(i128::MAX);
            let first = if fallen < 0 { self.outflow.0 } else { 0 };
            let of_outflow = first.min(back);
            let of_mint = self.mint.0.min(back - of_outflow);
            next.mint = Micro(self.mint.0 - of_mint);
            next.outflow = Micro(self.outflow.0.saturating_sub(back - of_mint).max(0));
        }
        next
    }

    /// Whether what was on its way at first sight has arrived.
    pub fn is_settled(&self, now: Time, settle: Duration) -> bool {
        now.since(self.since) >= settle
    }

    /// What is unmatched, exactly nothing within `tolerance`.
    pub fn unmatched(&self, tolerance: i128) -> Unmatched {
        if self.mint.0.saturating_add(self.outflow.0) <= tolerance {
            return Unmatched { mint: 0, outflow: 0 };
        }
        Unmatched { mint: self.mint.0, outflow: self.outflow.0 }
    }

    /// The surplus that there would be but for fees and what is unmatched: what people accept.
    pub const fn baseline(&self) -> i128 {
        let lost = self.mint.0.saturating_add(self.outflow.0);
        self.floor.0.saturating_add(self.fees.0).saturating_sub(lost)
    }

    /// A person has accepted what is: from now on this is the surplus that there should be, but for fees.
    #[must_use]
    pub fn rebased(&self, baseline: i128) -> Self {
        let floor = Micro(baseline.saturating_sub(self.fees.0));
        Self { floor, mint: Micro(0), outflow: Micro(0), ..self.clone() }
    }
}

/// A supply that was there and is not: all of it gone at once is a lost state, not holders who left. Remembered until it is
/// back in full, or accepted.
pub fn vanished(remembered: Option<u128>, last: Option<u128>, supply: u128) -> Option<u128> {
    match (remembered, last) {
        (Some(missed), _) if supply < missed => Some(missed),
        (None, Some(last)) if last > 0 && supply == 0 => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_mins(30);
    const TOLERANCE: i128 = 10_000;
    const ALGO: i128 = 1_000_000;

    fn at(minutes: u64) -> Time {
        Time::from_millis(0) + Duration::from_mins(minutes)
    }

    /// Plays levels in thousandths of an ALGO, a minute apart, on a bridge that was watched for an hour; what is unmatched
    /// at each.
    fn play(levels: &[(i128, i128)]) -> Vec<(i128, i128)> {
        let level = |(custody, backed): (i128, i128)| Levels { custody: custody * 1000, backed: backed * 1000 };
        let mut flows = Flows::begin(level(levels[0]), at(0));
        let mut out = Vec::new();
        for (levels, minute) in levels.iter().zip(60..) {
            flows = flows.step(level(*levels), at(minute), SETTLE, TOLERANCE);
            let Unmatched { mint, outflow } = flows.unmatched(TOLERANCE);
            out.push((mint / 1000, outflow / 1000));
        }
        out
    }

    #[test]
    fn honest_work_in_any_order_is_matched() {
        let quiet = |levels: &[(i128, i128)]| play(levels).into_iter().all(|unmatched| unmatched == (0, 0));
        let (c, s) = (23_519, 23_419);
        assert!(quiet(&[(c, s), (c + 5_000, s), (c + 5_000, s + 5_000)]), "deposit, then mint");
        assert!(quiet(&[(c, s), (c + 5_000, s + 5_000)]), "both between two looks");
        assert!(quiet(&[(c, s), (c, s - 500), (c - 501, s - 500)]), "burn, then withdrawal with its fee");
        assert!(quiet(&[(c, s), (c - 501, s - 500), (c - 1_002, s - 1_000)]), "again and again");
        assert!(
            quiet(&[(c, s), (c + 5_000, s - 500), (c + 4_499, s - 500), (c + 4_499, s + 4_500)]),
            "a deposit and a burn at once"
        );
        assert!(quiet(&[(c, s), (c + 50, s), (c + 50, s)]), "a deposit too small to be minted");
        assert!(quiet(&[(c, s), (c - 1, s), (c - 2, s)]), "fees of transfers between custody addresses");
        let many: Vec<(i128, i128)> = (0..200).map(|n| (c - n * 101, s - n * 100)).collect();
        assert!(quiet(&many), "fees add up without end");
    }

    #[test]
    fn what_has_no_counterpart_is_named_by_its_leg_and_stays() {
        let (c, s) = (23_519, 23_419);
        assert_eq!(play(&[(c, s), (c, s + 5_000), (c, s + 5_000)])[1..], [(5_000, 0), (5_000, 0)]);
        assert_eq!(play(&[(c, s), (c - 3_000, s), (c - 3_000, s)])[1..], [(0, 3_000), (0, 3_000)]);
        assert_eq!(play(&[(c, s), (c - 3_000, s + 5_000)])[1], (5_000, 3_000), "both at once");
        assert_eq!(play(&[(c, s), (c - 3_000, s - 1_000)])[1], (0, 2_000), "a burn for a part of it");
        assert_eq!(play(&[(c, s), (c + 1_000, s + 5_000)])[1], (4_000, 0), "a deposit for a part of it");
        assert_eq!(play(&[(c, s), (c - 3_000, s), (c - 3_000, s + 2_000)])[1..], [(0, 3_000), (2_000, 3_000)]);
        // drips below the tolerance are counted until they are beyond it
        let drips: Vec<(i128, i128)> = (0..15).map(|n| (c - n, s)).collect();
        assert_eq!(play(&drips)[10..12], [(0, 0), (0, 11)]);
        // a surplus hides nothing
        assert_eq!(play(&[(99_000, s), (90_000, s)])[1], (0, 9_000));
    }

    #[test]
    fn what_comes_back_is_reconciled() {
        let (c, s) = (23_519, 23_419);
        let outflow = play(&[(c, s), (c - 3_000, s), (c - 1_000, s), (c, s), (c, s)]);
        assert_eq!(outflow[1..], [(0, 3_000), (0, 1_000), (0, 0), (0, 0)]);
        let mint = play(&[(c, s), (c, s + 5_000), (c, s + 2_000), (c, s)]);
        assert_eq!(mint[1..], [(5_000, 0), (2_000, 0), (0, 0)]);
    }

    #[test]
    fn what_was_on_its_way_at_first_sight_is_no_alarm() {
        let level = |custody, backed| Levels { custody: custody * ALGO, backed: backed * ALGO };
        let first = Flows::begin(level(30, 23), at(0));
        let next = first.step(level(30, 29), at(29), SETTLE, TOLERANCE);
        assert!(!next.is_settled(at(29), SETTLE));
        let next = next.step(level(30, 29), at(30), SETTLE, TOLERANCE);
        assert_eq!((next.is_settled(at(30), SETTLE), next.unmatched(TOLERANCE).mint), (true, 0));
        let next = next.step(level(30, 30), at(31), SETTLE, TOLERANCE);
        assert_eq!(next.unmatched(TOLERANCE), Unmatched { mint: ALGO, outflow: 0 });
        assert_eq!((first.baseline(), next.baseline()), (7 * ALGO, 0));
        let accepted = next.rebased(next.baseline()).step(level(30, 30), at(32), SETTLE, TOLERANCE);
        assert_eq!(accepted.unmatched(TOLERANCE), Unmatched { mint: 0, outflow: 0 });
        assert!(accepted.is_settled(at(32), SETTLE), "accepting is not first sight");
        let json = serde_json::to_value(&next).unwrap();
        assert_eq!(serde_json::from_value::<Flows>(json).unwrap(), next);
    }

    #[test]
    fn a_supply_that_vanished_is_missed_until_it_is_back() {
        for (remembered, last, supply, wanted) in [
            (None, None, 0, None),
            (None, Some(0), 0, None),
            (None, Some(23), 22, None),
            (None, Some(23), 0, Some(23)),
            (Some(23), Some(0), 0, Some(23)),
            (Some(23), Some(0), 5, Some(23)),
            (Some(23), Some(5), 23, None),
            (Some(23), Some(0), 40, None),
        ] {
            assert_eq!(vanished(remembered, last, supply), wanted, "{remembered:?} {last:?} {supply}");
        }
    }
}

//! What one look comes to, before anybody believes it.

use std::time::Duration;

use super::Reserves;
use super::memory::{Memory, is_rekeyed};
use crate::bridge::custody::{Agreed, Holding, agree};
use crate::bridge::flows::{Flows, Levels, Unmatched, vanished};
use crate::bridge::micro::{Micro, signed};
use crate::bridge::supply::SupplyLeg;
use crate::bridge::verdict::{Sandwich, Verdict, verdict};
use crate::model::baseline::Baselines;
use crate::model::reading::Reason;
use crate::model::time::Time;

/// What one look comes to.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What was read.
    pub sandwich: Sandwich,
    /// What follows of it alone.
    pub verdict: Verdict,
    /// Every address, as the nodes together see it.
    pub holdings: Vec<Holding>,
    /// The flows after it, where both chains stood still while they were read.
    pub flows: Option<Flows>,
    /// Whether they are.
    pub has_flowed: bool,
    /// The supply that is missed.
    pub vanished: Option<Micro>,
}

impl Finding {
    /// Draws the conclusions of a look.
    pub fn of(sandwich: Sandwich, reserves: &Reserves, before: &Memory, now: Time) -> Self {
        let terms = reserves.terms(now);
        let verdict = verdict(&sandwich, &reserves.spendable, &terms);
        let holdings = agree(&sandwich.said, &reserves.addresses);
        let mut finding = Self {
            sandwich,
            verdict,
            holdings,
            flows: before.flows.clone(),
            has_flowed: false,
            vanished: before.vanished,
        };
        if let Some(leg) = finding.still() {
            let unsigned = |micro: Micro| u128::try_from(micro.0).unwrap_or_default();
            let lost = vanished(before.vanished.map(unsigned), before.supply.map(unsigned), leg.supply);
            finding.vanished = lost.map(Micro::of);
        }
        if let (Some(levels), None) = (finding.levels(&reserves.spendable), finding.vanished) {
            let tolerance = signed(reserves.tolerance);
            finding.has_flowed = true;
            finding.flows = Some(match &before.flows {
                None => Flows::begin(levels, now),
                Some(flows) => flows.step(levels, now, reserves.settle, tolerance),
            });
        }
        finding
    }

    /// The supply, where both legs say the same.
    pub fn still(&self) -> Option<SupplyLeg> {
        let (before, after) = (self.sandwich.before.as_ref().ok()?, self.sandwich.after.as_ref().ok()?);
        let is_same = (before.supply, before.cketh_backed) == (after.supply, after.cketh_backed);
        is_same.then_some(*after)
    }

    /// The newest supply.
    pub fn supply(&self) -> Result<SupplyLeg, Reason> {
        match (&self.sandwich.after, &self.sandwich.before) {
            (Ok(leg), _) | (Err(_), Ok(leg)) => Ok(*leg),
            (Err(fault), Err(_)) => Err(fault.reason()),
        }
    }

    /// What the nodes agree on for the first `count` addresses, which are those that count; the reason of the first one
    /// where that is not all.
    pub fn agreed(&self, count: usize) -> Result<Vec<&Agreed>, Reason> {
        self.holdings.iter().take(count).map(|holding| holding.account.as_ref().map_err(Clone::clone)).collect()
    }

    fn levels(&self, spendable: &[crate::bridge::address::Address]) -> Option<Levels> {
        let backed = self.still()?.algo_backed();
        let held = self.agreed(spendable.len()).ok()?;
        let custody = held.iter().map(|one| u128::from(one.amount)).sum();
        Some(Levels { custody: signed(custody), backed: signed(backed) })
    }

    /// Whether it shows something bad that was not there before: worth a second look before anybody is woken.
    pub fn is_doubtful(&self, reserves: &Reserves, before: &Memory, baselines: &Baselines) -> bool {
        let tolerance = signed(reserves.tolerance);
        let none = Unmatched { mint: 0, outflow: 0 };
        let unmatched = |flows: &Option<Flows>| flows.as_ref().map_or(none, |flows| flows.unmatched(tolerance));
        let (then, now) = (unmatched(&before.flows), unmatched(&self.flows));
        let gap = self.still().map_or(0, |leg| leg.gap());
        let is_moving = self.supply().is_ok() && self.still().is_none();
        let of_address = |holding: &Holding| {
            let is_new = holding.disagree && !before.disagree.contains(&holding.address);
            is_new || (signer(holding, baselines) == Some(true) && !before.rekeyed.contains(&holding.address))
        };
        (matches!(self.verdict, Verdict::Short { .. }) && !before.short)
            || now.mint > then.mint
            || now.outflow > then.outflow
            || (self.vanished.is_some() && before.vanished.is_none())
            || (gap != 0 && before.gap.0 == 0)
            || (is_moving && matches!(self.verdict, Verdict::Unknown(_)))
            || self.holdings.iter().any(of_address)
    }

    /// Whether the supply is certified by the subnet.
    pub fn is_certified(&self) -> bool {
        self.sandwich.after.as_ref().is_ok_and(|leg| leg.trust == crate::bridge::supply::Trust::Certified)
    }

    /// How long the look took.
    pub const fn took(&self) -> Duration {
        self.sandwich.took
    }
}

/// Whether another key than the accepted one signs for an address; `None` where that is not known.
pub fn signer(holding: &Holding, baselines: &Baselines) -> Option<bool> {
    let held = holding.account.as_ref().ok()?;
    Some(is_rekeyed(&holding.address, held.auth.as_deref(), baselines))
}

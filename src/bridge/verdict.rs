//! Whether the bridge is backed: the decision, made of integers alone.
//!
//! In honest operation both legs move to the safe side: ALGO arrives before ckALGO is minted, ckALGO is burned before ALGO
//! leaves. What breaks that is reading them one after the other, so custody is read between two reads of the supply, and
//! short is only what is short of the smaller one. Whatever cannot be decided is unknown: it fires nothing, and resolves
//! nothing.

use std::time::Duration;

use super::address::Address;
use super::custody::Said;
use super::micro::signed;
use super::supply::{SupplyFault, SupplyLeg};
use crate::model::reading::Reason;
use crate::text::{money, units};

/// How far a certificate's time may be from this machine's clock.
const CLOCK: Duration = Duration::from_mins(1);
/// The longest that one look may take: figures further apart do not belong together.
pub const WHOLE: Duration = Duration::from_secs(30);

/// A supply leg or why there is none.
pub type Leg = Result<SupplyLeg, SupplyFault>;

/// What is held against a shortfall before it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// Micro-algos that may always be missing: fees are paid out of custody.
    pub tolerance: u128,
    /// The same as millionths of what must be backed.
    pub tolerance_ppm: u128,
    /// A shortfall that people know of, as long as it is in force.
    pub known: u128,
}

impl Terms {
    /// What may be missing of `need`, beside the known shortfall.
    pub fn slack(&self, need: u128) -> u128 {
        self.tolerance.max(need / 1_000_000 * self.tolerance_ppm)
    }
}

/// Both supply legs and what each node says in between.
#[derive(Clone, PartialEq, Debug)]
pub struct Sandwich {
    /// The supply before custody was read.
    pub before: Leg,
    /// Custody.
    pub said: Vec<Said>,
    /// The supply after it.
    pub after: Leg,
    /// How long all of it took.
    pub took: Duration,
}

/// The decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Custody covers what ALGO must back.
    Backed {
        /// Not every account could be read, and those that could suffice.
        partial: bool,
    },
    /// Custody does not cover it, beyond tolerance and what is known.
    Short {
        /// By how much in all, micro-algos; the known part is not in it.
        by: u128,
        /// How many nodes say so.
        nodes: usize,
    },
    /// It cannot be said.
    Unknown(Reason),
}

impl Verdict {
    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Backed { partial: false } => "backed",
            Self::Backed { partial: true } => "backed in part",
            Self::Short { .. } => "short",
            Self::Unknown(_) => "unknown",
        }
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(Reason::new(why.into()))
    }
}

/// What one node's figures come to.
enum Opinion {
    Covers {
        is_whole: bool,
    },
    Short(u128),
    /// Whole, and the supply moved across the answer.
    Moving,
    Cannot,
}

/// Decides. `spendable`: the custody that counts.
pub fn verdict(sandwich: &Sandwich, spendable: &[Address], terms: &Terms) -> Verdict {
    let (before, after) = match legs(sandwich) {
        Ok(legs) => legs,
        Err(unknown) => return unknown,
    };
    let needs = [before.algo_backed(), after.algo_backed()];
    let usable: Vec<&Said> = sandwich.said.iter().filter(|said| said.round.is_ok()).collect();
    let (mut covers, mut whole, mut moving, mut short) = (0, 0, 0, Vec::new());
    for said in &usable {
        match opinion(said.sum(spendable), needs, terms) {
            Opinion::Covers { is_whole } => {
                covers += 1;
                whole += usize::from(is_whole);
            }
            Opinion::Short(by) => short.push(by),
            Opinion::Moving => moving += 1,
            Opinion::Cannot => {}
        }
    }
    let holdings = super::custody::agree(&sandwich.said, spendable);
    let disagree = holdings.iter().find(|holding| holding.disagree);
    let nodes = short.len();
    match (short.into_iter().min(), disagree) {
        (Some(by), _) if nodes > 1 && nodes > covers => Verdict::Short { by, nodes },
        (_, Some(holding)) => Verdict::Unknown(why(holding)),
        (Some(by), None) if covers == 0 => Verdict::Short { by, nodes },
        (Some(_), None) => Verdict::unknown("some nodes cover what the others are short of"),
        (None, None) if covers > 0 => Verdict::Backed { partial: whole == 0 },
        (None, None) if moving > 0 => Verdict::unknown("the supply moved while it was read"),
        (None, None) => {
            let unread = holdings.iter().find(|holding| holding.account.is_err());
            unread.map_or_else(
                || Verdict::unknown("the accounts are too many rounds apart"),
                |one| Verdict::Unknown(why(one)),
            )
        }
    }
}

fn why(holding: &super::custody::Holding) -> Reason {
    match &holding.account {
        Err(reason) if *reason == Reason::TIMEOUT => Reason::TIMEOUT,
        Err(reason) => Reason::new(format!("{}: {reason}", holding.address.short())),
        Ok(_) => Reason::new(format!("{}: not read", holding.address.short())),
    }
}

/// Both legs, where they can be used.
fn legs(sandwich: &Sandwich) -> Result<(SupplyLeg, SupplyLeg), Verdict> {
    let (before, after) = match (&sandwich.before, &sandwich.after) {
        (Ok(before), Ok(after)) => (*before, *after),
        (Err(fault), _) | (_, Err(fault)) => return Err(Verdict::Unknown(fault.reason())),
    };
    for leg in [before, after] {
        let apart = leg.certified_at.map_or(Duration::ZERO, |at| at.since(leg.at).max(leg.at.since(at)));
        if apart > CLOCK {
            let apart = units::duration(apart);
            return Err(Verdict::unknown(format!("the canister's time and this machine's are {apart} apart")));
        }
    }
    if sandwich.took > WHOLE {
        let took = units::duration(sandwich.took);
        return Err(Verdict::unknown(format!("the look took {took}: its figures do not belong together")));
    }
    Ok((before, after))
}

fn opinion((sum, is_whole): (u128, bool), needs: [u128; 2], terms: &Terms) -> Opinion {
    let [low, high] = [needs[0].min(needs[1]), needs[0].max(needs[1])];
    let have = sum.saturating_add(terms.known);
    if have.saturating_add(terms.slack(high)) >= high {
        Opinion::Covers { is_whole }
    } else if !is_whole {
        Opinion::Cannot
    } else if have.saturating_add(terms.slack(low)) < low {
        Opinion::Short(low - have)
    } else {
        Opinion::Moving
    }
}

/// What a second look makes of the first one. A shortfall counts when two nodes have said so twice, or one node twice with
/// a supply that the subnet has certified.
pub fn confirm(first: &Verdict, second: Verdict, is_certified: bool) -> Verdict {
    match (first, second) {
        (Verdict::Short { nodes: then, .. }, Verdict::Short { by, nodes: now }) => {
            if (*then > 1 && now > 1) || is_certified {
                Verdict::Short { by, nodes: now }
            } else {
                let by = money::amount(signed(by));
                Verdict::unknown(format!(
                    "one node alone says that {by} ALGO are missing, and no certified supply confirms it"
                ))
            }
        }
        (Verdict::Short { by, .. }, Verdict::Unknown(why)) => {
            let by = money::amount(signed(*by));
            Verdict::unknown(format!("{by} ALGO seemed to be missing, and the second look failed: {why}"))
        }
        (_, Verdict::Short { by, .. }) => {
            let by = money::amount(signed(by));
            Verdict::unknown(format!("{by} ALGO seem to be missing; the next look will tell"))
        }
        (_, second) => second,
    }
}

#[cfg(test)]
mod tests;

//! A look as the reserve log keeps it.

use super::finding::Finding;
use super::{Reserves, Verdict};
use crate::bridge::custody::Holding;
use crate::bridge::log::{Account, Entry, State, Supply};
use crate::bridge::micro::{Micro, signed};
use crate::bridge::supply::SupplyLeg;
use crate::model::time::Time;
use crate::text::{money, safe};

/// What a person should know of a verdict beyond its word.
pub fn why(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Backed { partial: false } => None,
        Verdict::Backed { partial: true } => {
            Some("not every account could be read, and those that could suffice".to_owned())
        }
        Verdict::Short { by, nodes } => {
            let by = money::amount(signed(*by));
            let nodes = if *nodes == 1 { "one node says so".to_owned() } else { format!("{nodes} nodes say so") };
            Some(format!("{by} ALGO are missing; {nodes}"))
        }
        Verdict::Unknown(why) => Some(safe::answer(why.as_str())),
    }
}

/// The entry of a look that ended at `at`.
pub fn entry(finding: &Finding, verdict: &Verdict, reserves: &Reserves, at: Time) -> Entry {
    let said = &finding.sandwich.said;
    let legs = [&finding.sandwich.before, &finding.sandwich.after];
    let times = legs.iter().filter_map(|leg| leg.as_ref().ok()?.certified_at);
    let terms = reserves.terms(at);
    let short = match verdict {
        Verdict::Short { by, .. } => Some(Micro::of(*by)),
        Verdict::Backed { .. } | Verdict::Unknown(_) => None,
    };
    let mut supply: Vec<Supply> = legs.iter().filter_map(|leg| leg.as_ref().ok().map(of_leg)).collect();
    supply.dedup();
    let spendable = reserves.spendable.len();
    let custody = finding.holdings.iter().enumerate().map(|(at, holding)| account(holding, at < spendable)).collect();
    let unusable = said.iter().filter_map(|one| Some((one.node.clone(), one.round.as_ref().err()?.to_string())));
    Entry {
        at: at.rfc3339(),
        rounds: said.iter().filter_map(|one| Some((one.node.clone(), *one.round.as_ref().ok()?))).collect(),
        certified: times.map(Time::rfc3339).collect(),
        state: State {
            verdict: verdict.word().to_owned(),
            why: why(verdict),
            short,
            supply,
            custody,
            unusable: unusable.collect(),
            tolerance: Micro::of(terms.slack(finding.supply().map_or(0, |leg| leg.algo_backed()))),
            known_shortfall: Micro::of(terms.known),
        },
    }
}

fn of_leg(leg: &SupplyLeg) -> Supply {
    let SupplyLeg { supply, locked, cketh_backed, trust, .. } = *leg;
    Supply { supply: Micro::of(supply), locked: Micro::of(locked), cketh_backed: Micro::of(cketh_backed), trust }
}

fn account(holding: &Holding, spendable: bool) -> Account {
    let held = holding.account.as_ref().ok();
    Account {
        address: holding.address.clone(),
        spendable,
        amount: held.map(|held| Micro::of(held.amount.into())),
        min_balance: held.map(|held| Micro::of(held.min_balance.into())),
        auth: held.and_then(|held| held.auth.clone()),
        nodes: held.map(|held| held.nodes.clone()).unwrap_or_default(),
        why: holding.account.as_ref().err().map(|why| safe::answer(why.as_str())),
    }
}

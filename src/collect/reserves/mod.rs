//! The reserve check: custody on Algorand against the supply on the Internet Computer, read by ourselves.
//!
//! Something bad is looked at twice before it counts, within the time that the cycle has; where there is none, the next
//! cycle is the second look. The source never fails whole: what it cannot read is unknown, and how old the last verdict is
//! is always known.

mod entry;
mod finding;
mod ledger;
mod memory;
mod readings;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::finding::{Finding, signer};
pub use self::ledger::{Chains, Ground, Ledger, Part};
use self::memory::{Doubt, Memory};
pub use self::settings::Settings;
use super::Report;
use crate::bridge::address::Address;
use crate::bridge::custody::{Holding, Watch};
use crate::bridge::freshness::Past;
use crate::bridge::look::{self, look};
use crate::bridge::micro::Micro;
use crate::bridge::verdict::{Terms, Verdict, confirm};
use crate::model::baseline::Baselines;
use crate::model::reading::Reason;
use crate::model::time::Time;
use crate::net::Net;
use crate::text::money;

pub use self::readings::compare_claims;

/// How long something bad that was seen once is worth a second look.
const DOUBT: Duration = Duration::from_mins(5);
/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(4);

/// The source, ready to collect.
#[derive(Clone, Debug)]
pub struct Reserves {
    /// How often.
    pub every: Duration,
    /// What is read.
    pub chains: Chains,
    /// Custody that counts.
    pub spendable: Vec<Address>,
    /// The same, and behind it custody that nobody can sign for.
    pub addresses: Vec<Address>,
    /// What may always be missing, micro-algos.
    pub tolerance: u128,
    /// The same in millionths of what must be backed.
    pub tolerance_ppm: u128,
    /// Between two looks.
    pub confirm_after: Duration,
    /// How long what is on its way at first sight may take.
    pub settle: Duration,
    /// A shortfall that people know of.
    pub known: Option<Known>,
    /// Whether the backend is asked for what it claims.
    pub has_claims: bool,
}

/// A shortfall that people know of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Micro-algos.
    pub amount: u128,
    /// Why.
    pub reason: String,
    /// Until when it does not count.
    pub until: Time,
}

impl Reserves {
    /// What is held against a shortfall at `now`.
    pub fn terms(&self, now: Time) -> Terms {
        let known = self.known.as_ref().filter(|known| now < known.until).map_or(0, |known| known.amount);
        Terms { tolerance: self.tolerance, tolerance_ppm: self.tolerance_ppm, known }
    }
}

/// What a look goes by.
struct Look<'a, L> {
    reserves: &'a Reserves,
    ledger: &'a L,
    before: Memory,
    baselines: &'a Baselines,
    now: Time,
    begun: Instant,
    deadline: Duration,
    net: &'a Arc<Net>,
}

/// Checks the reserves.
pub async fn collect(
    reserves: &Reserves,
    memory: Option<&serde_json::Value>,
    baselines: &Baselines,
    now: Time,
    deadline: Duration,
    net: &Arc<Net>,
) -> Report {
    collect_with(reserves, &reserves.chains.ledger, memory, baselines, (now, deadline), net).await
}

async fn collect_with<L: look::Ledger>(
    reserves: &Reserves,
    ledger: &L,
    memory: Option<&serde_json::Value>,
    baselines: &Baselines,
    (now, deadline): (Time, Duration),
    net: &Arc<Net>,
) -> Report {
    let before = Memory::read(memory, baselines, now);
    let look = Look { reserves, ledger, before, baselines, now, begun: Instant::now(), deadline, net };
    let (finding, verdict, is_sure) = look.twice_if_needed().await;
    look.conclude(&finding, verdict, is_sure)
}

impl<L: look::Ledger> Look<'_, L> {
    /// The look that counts, what it comes to, and whether what is bad in it was seen before.
    async fn twice_if_needed(&self) -> (Finding, Verdict, bool) {
        let doubt = self.before.doubt.filter(|doubt| self.now.since(doubt.at) <= DOUBT);
        let first = self.once(doubt.is_some()).await;
        if let Some(doubt) = doubt.filter(|doubt| self.now.since(doubt.at) >= self.reserves.confirm_after) {
            let verdict = confirm(&seen_before(doubt), first.verdict.clone(), first.is_certified());
            return (first, verdict, true);
        }
        if !first.is_doubtful(self.reserves, &self.before, self.baselines) {
            let verdict = first.verdict.clone();
            return (first, verdict, true);
        }
        // the second look takes about as long as the first one, and asks for more
        let left = self.deadline.saturating_sub(self.begun.elapsed());
        if left < self.reserves.confirm_after + first.took() * 2 {
            let verdict = confirm(&Verdict::Unknown(Reason::WARMING_UP), first.verdict.clone(), false);
            return (first, verdict, false);
        }
        sleep(self.reserves.confirm_after).await;
        let second = self.once(true).await;
        let verdict = confirm(&first.verdict, second.verdict.clone(), second.is_certified());
        (second, verdict, true)
    }

    async fn once(&self, is_second: bool) -> Finding {
        let limit = CALL.min(self.deadline / 10);
        let Chains { nodes, network, .. } = &self.reserves.chains;
        let watch = Watch { nodes, network, addresses: &self.reserves.addresses, limit };
        let certified = is_second.then(|| (limit * 4).min(self.deadline.saturating_sub(self.begun.elapsed()) / 2));
        let now = self.now + self.begun.elapsed();
        let sandwich = look(&watch, self.ledger, certified, &self.before.rounds, now, self.net).await;
        Finding::of(sandwich, self.reserves, &self.before, now)
    }

    fn conclude(&self, finding: &Finding, verdict: Verdict, is_sure: bool) -> Report {
        let Self { before, baselines, reserves, .. } = self;
        let now = self.now + self.begun.elapsed();
        let mut after = before.clone();
        for said in &finding.sandwich.said {
            if let Some(round) = said.claims {
                let past = Past::next(before.rounds.get(&said.node).copied(), round, now);
                after.rounds.insert(said.node.clone(), past);
            }
        }
        // a single voice cannot take a contradiction back
        let disagrees = |one: &&Holding| one.disagree || (!one.is_shared() && before.disagree.contains(&one.address));
        after.disagree = finding.holdings.iter().filter(disagrees).map(|one| one.address.clone()).collect();
        if is_sure {
            after.flows.clone_from(&finding.flows);
            after.vanished = finding.vanished;
            if let Some(leg) = finding.still() {
                (after.supply, after.gap) = (Some(Micro::of(leg.supply)), Micro(leg.gap()));
            }
            let rekeyed = finding.holdings.iter().filter(|one| signer(one, baselines) == Some(true));
            let known: Vec<&Address> =
                finding.holdings.iter().filter(|one| one.account.is_ok()).map(|one| &one.address).collect();
            after.rekeyed.retain(|address| !known.contains(&address));
            after.rekeyed.extend(rekeyed.map(|one| one.address.clone()));
        }
        let verdict = match after.vanished {
            Some(lost) => {
                Verdict::Unknown(Reason::new(format!("the supply vanished: it was {}", money::amount(lost.0))))
            }
            None => verdict,
        };
        after.doubt = doubt(before.doubt, &finding.verdict, &verdict, is_sure, self.now);
        match &verdict {
            Verdict::Backed { .. } => (after.short, after.proof) = (false, Some(now)),
            Verdict::Short { .. } => (after.short, after.proof) = (true, Some(now)),
            Verdict::Unknown(_) => {}
        }
        after.why = entry::why(&verdict);
        let conclusion = readings::Conclusion { reserves, finding, verdict: &verdict, memory: &after, baselines, now };
        conclusion.report(is_sure)
    }
}

/// What a doubt says was seen.
fn seen_before(doubt: Doubt) -> Verdict {
    match doubt.nodes {
        0 => Verdict::Backed { partial: false },
        nodes => Verdict::Short { by: 0, nodes },
    }
}

/// What is worth a second look at the next cycle.
fn doubt(before: Option<Doubt>, seen: &Verdict, believed: &Verdict, is_sure: bool, now: Time) -> Option<Doubt> {
    let nodes = match (seen, believed) {
        (Verdict::Short { nodes, .. }, Verdict::Unknown(_)) => *nodes,
        _ if is_sure => return None,
        _ => 0,
    };
    // what was seen before keeps its time: otherwise short intervals would wait for ever
    let at = before.filter(|before| !is_sure && before.nodes == nodes && now.since(before.at) <= DOUBT);
    Some(Doubt { at: at.map_or(now, |before| before.at), nodes })
}

#[cfg(test)]
mod kit;
#[cfg(test)]
mod tests;

//! What a look comes to, as readings: each figure with how far it can be believed.

use std::collections::BTreeMap;

use super::finding::{Finding, signer};
use super::memory::Memory;
use super::{Reserves, Verdict, entry};
use crate::bridge::custody::{Agreed, Holding};
use crate::bridge::micro::signed;
use crate::bridge::supply::{SupplyLeg, Trust};
use crate::collect::run::Collected;
use crate::collect::{Origin, Report, catalogue};
use crate::model::baseline::Baselines;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Reading, Reason, Value};
use crate::model::time::Time;
use crate::text::money;

/// Ratios are cut after the ninth decimal: never rounded up to 1.
const RATIO: u128 = 1_000_000_000;

/// A look, what it comes to, and what is remembered after it.
pub struct Conclusion<'a> {
    pub reserves: &'a Reserves,
    pub finding: &'a Finding,
    pub verdict: &'a Verdict,
    pub memory: &'a Memory,
    pub baselines: &'a Baselines,
    pub now: Time,
}

/// An amount in micro-units, or why there is none.
type Amount = Result<i128, Reason>;

#[derive(Default)]
struct Out {
    readings: Vec<Reading>,
    origins: BTreeMap<SeriesKey, Origin>,
}

impl Out {
    fn push(&mut self, metric: &'static str, labels: Labels, value: Result<f64, Reason>, origin: Option<Origin>) {
        let series = SeriesKey::new(metric, labels);
        if let (Ok(_), Some(origin)) = (&value, origin) {
            self.origins.insert(series.clone(), origin);
        }
        self.readings.push(Reading { series, value: value.map_or_else(Value::Unknown, Value::Known) });
    }

    fn plain(&mut self, metric: &'static str, value: Result<f64, Reason>, origin: Origin) {
        self.push(metric, Labels::empty(), value, Some(origin));
    }

    fn money(&mut self, metric: &'static str, amount: &Amount, origin: Origin) {
        let micro = amount.as_ref().ok().copied();
        self.plain(metric, amount.clone().map(money::units), Origin { micro, ..origin });
    }
}

impl Conclusion<'_> {
    /// The report of the source. `is_sure`: what is bad in the look was seen twice.
    pub fn report(&self, is_sure: bool) -> Report {
        let mut out = Out::default();
        self.amounts(&mut out);
        self.verdict(&mut out);
        self.flows(&mut out);
        for (at, holding) in self.finding.holdings.iter().enumerate() {
            self.holding(holding, at < self.reserves.spendable.len(), is_sure, &mut out);
        }
        let counted = self.finding.holdings.iter().take(self.reserves.spendable.len());
        let signers: Vec<_> = counted
            .filter_map(|holding| Some((&holding.address, holding.account.as_ref().ok()?.auth.as_deref())))
            .collect();
        let settled = self.memory.flows.as_ref().is_some_and(|flows| flows.is_settled(self.now, self.reserves.settle));
        Report {
            seen: if is_sure { self.memory.sightings(&signers, settled, self.baselines) } else { Vec::new() },
            entry: Some(Box::new(entry::entry(self.finding, self.verdict, self.reserves, self.now))),
            origins: out.origins,
            ..Report::new(out.readings, serde_json::to_value(self.memory).ok())
        }
    }

    fn origin(&self, trust: Trust) -> Origin {
        Origin { trust, at: self.now, micro: None }
    }

    fn amounts(&self, out: &mut Out) {
        let held = self.finding.agreed(self.reserves.spendable.len());
        let sum = |of: fn(&Agreed) -> u64| {
            let held = held.as_ref().map_err(Clone::clone)?;
            Ok(held.iter().map(|one| u128::from(of(one))).sum::<u128>())
        };
        let (custody, fixed) = (sum(|one| one.amount), sum(|one| one.min_balance));
        let of_custody = held.iter().flatten().map(|one| one.trust()).max().unwrap_or(Trust::SingleNode);
        let leg = self.finding.supply();
        let of_supply = leg.as_ref().map_or(Trust::SingleNode, |leg| leg.trust);
        let supply = |of: fn(&SupplyLeg) -> u128| leg.as_ref().map(of).map_err(Clone::clone);
        let (all, cketh, backed) =
            (supply(|leg| leg.supply), supply(|leg| leg.cketh_backed), supply(SupplyLeg::algo_backed));
        let custody_origin = self.origin(of_custody);
        let supply_origin = Origin { at: leg.as_ref().map_or(self.now, |leg| leg.at), ..self.origin(of_supply) };
        let both = Origin { trust: of_custody.max(of_supply), ..supply_origin };
        let amount = |value: &Result<u128, Reason>| value.clone().map(signed);
        out.money("reserves_custody_algo", &amount(&custody), custody_origin);
        out.money("reserves_supply_ckalgo", &amount(&all), supply_origin);
        out.money("reserves_cketh_backed_ckalgo", &amount(&cketh), supply_origin);
        out.plain("reserves_ratio", ratio(&custody, &backed), both);
        out.plain("reserves_strict_ratio", ratio(&custody, &all), both);
        let free = custody.clone().and_then(|custody| Ok(custody.saturating_sub(fixed?)));
        out.plain("reserves_redeemable_ratio", ratio(&free, &backed), both);
        let surplus = custody.and_then(|custody| Ok(signed(custody).saturating_sub(signed(backed?))));
        out.money("reserves_surplus_algo", &surplus, both);
    }

    fn verdict(&self, out: &mut Out) {
        let shortfall = match self.verdict {
            Verdict::Backed { .. } => Ok(0),
            Verdict::Short { by, .. } => Ok(signed(*by)),
            Verdict::Unknown(why) => Err(why.clone()),
        };
        let trust = match self.verdict {
            Verdict::Short { nodes: 1, .. } => Trust::SingleNode,
            _ => self.finding.supply().map_or(Trust::SingleNode, |leg| leg.trust),
        };
        out.money("reserves_shortfall_algo", &shortfall, self.origin(trust));
        let known = signed(self.reserves.terms(self.now).known);
        out.push("reserves_known_shortfall_algo", Labels::empty(), Ok(money::units(known)), None);
        let since = self.memory.proof.or(self.memory.began).unwrap_or(self.now);
        out.push("reserves_proof_age_seconds", Labels::empty(), Ok(self.now.since(since).as_secs_f64()), None);
        if self.reserves.has_claims {
            let why = Reason::new("the backend was not asked at the same time");
            out.push("reserves_claim_deviation_ratio", Labels::empty(), Err(why), None);
        }
    }

    fn flows(&self, out: &mut Out) {
        let leg = self.finding.supply();
        let why = || match (&leg, self.verdict) {
            (Err(why), _) | (Ok(_), Verdict::Unknown(why)) => why.clone(),
            (Ok(_), _) => Reason::new("not every account could be read"),
        };
        let flows = self.memory.flows.as_ref().filter(|_| self.finding.has_flowed).ok_or_else(why);
        let settled = flows.and_then(|flows| {
            let is_settled = flows.is_settled(self.now, self.reserves.settle);
            if is_settled { Ok(flows.unmatched(signed(self.reserves.tolerance))) } else { Err(Reason::WARMING_UP) }
        });
        let origin = self.origin(leg.as_ref().map_or(Trust::SingleNode, |leg| leg.trust));
        out.money("reserves_unmatched_mint_algo", &settled.clone().map(|one| one.mint), origin);
        out.money("reserves_unmatched_outflow_algo", &settled.map(|one| one.outflow), origin);
        let still = self.finding.still().ok_or_else(why);
        let vanished = if self.memory.vanished.is_some() { 1.0 } else { 0.0 };
        out.plain("reserves_supply_vanished", still.clone().map(|_| vanished), origin);
        out.money("reserves_books_gap_algo", &still.map(|_| self.memory.gap.0), origin);
    }

    fn holding(&self, holding: &Holding, counts: bool, is_sure: bool, out: &mut Out) {
        let labels = Labels::new([("address", holding.address.as_str())]);
        let held = holding.account.as_ref().map_err(Clone::clone);
        let trust = held.as_ref().map_or(Trust::SingleNode, |held| held.trust());
        let micro = held.as_ref().ok().map(|held| i128::from(held.amount));
        let origin = Origin { micro, ..self.origin(trust) };
        let amount = held.as_ref().map(|held| money::units(held.amount.into())).map_err(Clone::clone);
        out.push("reserves_custody_balance_algo", labels.clone(), amount, Some(origin));
        let once = || Reason::new("seen once; the next look will tell");
        if counts {
            let rekeyed = match signer(holding, self.baselines) {
                Some(true) if !is_sure && !self.memory.rekeyed.contains(&holding.address) => Err(once()),
                Some(is_rekeyed) => Ok(if is_rekeyed { 1.0 } else { 0.0 }),
                None => Err(held.err().unwrap_or_else(once)),
            };
            out.push("custody_rekeyed", labels.clone(), rekeyed, Some(self.origin(trust)));
        }
        if self.reserves.chains.nodes.len() > 1 {
            let disagree = match (holding.disagree, self.memory.disagree.contains(&holding.address)) {
                (true, _) if !is_sure => Err(once()),
                (true, _) => Ok(1.0),
                (false, true) => Err(Reason::new("only one node can say now")),
                (false, false) => Ok(0.0),
            };
            out.push("custody_nodes_disagree", labels, disagree, None);
        }
    }
}

/// A ratio that is never better than what it is of.
fn ratio(have: &Result<u128, Reason>, need: &Result<u128, Reason>) -> Result<f64, Reason> {
    let (have, need) = (have.clone()?, need.clone()?);
    if need == 0 {
        return Err(Reason::NOTHING_TO_DIVIDE);
    }
    // custody is a sum of 64-bit amounts: this cannot overflow
    Ok((have.saturating_mul(RATIO) / need) as f64 / RATIO as f64)
}

/// Compares what the backend claims with what the chains say, where both were asked at the same tick. Only a claim that is
/// better than the truth deviates upwards: a surplus is nobody's lie.
pub fn compare_claims(all: &mut [Collected]) {
    let known = |all: &[Collected], metric: &str| {
        let readings = all.iter().filter_map(|one| one.report.readings.as_ref().ok()).flatten();
        readings.filter(|reading| &*reading.series.metric == metric).map(|reading| reading.value.clone()).next()
    };
    let Some(claim) = known(all, catalogue::CLAIM) else { return };
    let Some(truth) = known(all, "reserves_ratio") else { return };
    let deviation = match (claim, truth) {
        (Value::Known(claim), Value::Known(truth)) => Value::Known(claim - truth),
        (_, Value::Unknown(why)) | (Value::Unknown(why), _) => Value::Unknown(why),
    };
    let readings = all.iter_mut().filter_map(|one| one.report.readings.as_mut().ok()).flatten();
    for reading in readings.filter(|reading| &*reading.series.metric == "reserves_claim_deviation_ratio") {
        reading.value = deviation.clone();
    }
}

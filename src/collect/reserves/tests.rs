//! The check on two fake nodes and a scripted canister: what it says, and what it believes only at the second look.

use std::collections::BTreeMap;

use super::kit::{BACKED, NOW, Scripted, leg, reserves};
use super::*;
use crate::bridge::supply::{SupplyFault, SupplyLeg, Trust};
use crate::model::reading::Value;
use crate::support::algorand::{AlgodFake, address};

/// A bridge that is watched minute by minute.
struct Bridge {
    fakes: Vec<AlgodFake>,
    ledger: Scripted,
    reserves: Reserves,
    baselines: Baselines,
    memory: Option<serde_json::Value>,
    minute: u64,
    deadline: Duration,
    last: Option<Report>,
}

impl Bridge {
    fn start(nodes: usize) -> Self {
        let fakes: Vec<AlgodFake> = (0..nodes).map(|_| AlgodFake::start()).collect();
        let reserves = reserves(&fakes);
        let bridge = Self {
            fakes,
            ledger: Scripted::saying(BACKED),
            reserves,
            baselines: Baselines::new(),
            memory: None,
            minute: 0,
            deadline: Duration::from_secs(20),
            last: None,
        };
        bridge.custody(23_519_000);
        for fake in &bridge.fakes {
            fake.set_amount(&address(3), 24_120_000);
        }
        bridge
    }

    fn custody(&self, amount: u64) {
        for fake in &self.fakes {
            fake.set_amount(&address(1), amount);
        }
    }

    /// Looks a minute later; the supply moves along with the clock.
    async fn check(&mut self) {
        let net = Arc::new(Net::new(None, None));
        let now = NOW + Duration::from_mins(self.minute);
        self.minute += 1;
        for fake in &self.fakes {
            fake.set_round(fake.round() + 21);
        }
        let given = (now, self.deadline);
        let report =
            collect_with(&self.reserves, &self.ledger, self.memory.as_ref(), &self.baselines, given, &net).await;
        self.memory.clone_from(&report.memory);
        for seen in &report.seen {
            self.baselines.entry(seen.name.clone()).or_insert(seen.value.clone());
        }
        self.last = Some(report);
    }

    fn accept(&mut self, name: &str) {
        let seen = self.last.as_ref().unwrap().seen.iter().find(|seen| seen.name == name).unwrap();
        self.baselines.insert(seen.name.clone(), seen.value.clone());
    }

    /// The readings of a metric, labels left out.
    fn all(&self, metric: &str) -> Vec<String> {
        let readings = self.last.as_ref().unwrap().readings.as_ref().unwrap();
        let of = readings.iter().filter(|reading| &*reading.series.metric == metric);
        of.map(|reading| match &reading.value {
            Value::Known(value) => value.to_string(),
            Value::Unknown(why) => format!("unknown: {why}"),
        })
        .collect()
    }

    fn one(&self, metric: &str) -> String {
        let [one] = <[String; 1]>::try_from(self.all(metric)).unwrap();
        one
    }

    fn shortfall(&self) -> String {
        self.one("reserves_shortfall_algo").replace(&self.reserves.spendable[0].short(), "X")
    }

    fn entry(&self) -> &crate::bridge::log::Entry {
        self.last.as_ref().unwrap().entry.as_ref().unwrap()
    }
}

/// A leg at the minute that the certificates of [`leg`] lie behind.
fn without_time(leg: SupplyLeg) -> SupplyLeg {
    SupplyLeg { certified_at: None, ..leg }
}

#[tokio::test]
async fn a_backed_bridge_says_every_figure_with_its_trust() {
    let mut bridge = Bridge::start(2);
    bridge.check().await;
    let figures: BTreeMap<&str, String> = [
        "reserves_custody_algo",
        "reserves_supply_ckalgo",
        "reserves_cketh_backed_ckalgo",
        "reserves_ratio",
        "reserves_strict_ratio",
        "reserves_redeemable_ratio",
        "reserves_surplus_algo",
        "reserves_shortfall_algo",
        "reserves_known_shortfall_algo",
        "reserves_unmatched_mint_algo",
        "reserves_unmatched_outflow_algo",
        "reserves_supply_vanished",
        "reserves_books_gap_algo",
    ]
    .map(|metric| (metric, bridge.one(metric)))
    .into();
    let wanted = [
        ("reserves_books_gap_algo", "0"),
        ("reserves_cketh_backed_ckalgo", "5.395549"),
        ("reserves_custody_algo", "23.519"),
        ("reserves_known_shortfall_algo", "0"),
        ("reserves_ratio", "1.004270037"),
        ("reserves_redeemable_ratio", "1"),
        ("reserves_shortfall_algo", "0"),
        ("reserves_strict_ratio", "0.816219611"),
        ("reserves_supply_ckalgo", "28.814549"),
        ("reserves_supply_vanished", "0"),
        ("reserves_surplus_algo", "0.1"),
        ("reserves_unmatched_mint_algo", "0"),
        ("reserves_unmatched_outflow_algo", "0"),
    ];
    assert_eq!(figures.iter().map(|(metric, value)| (*metric, value.as_str())).collect::<Vec<_>>(), wanted);
    assert_eq!(bridge.all("reserves_custody_balance_algo"), ["23.519", "24.12"], "what nobody can spend is shown");
    assert_eq!(bridge.all("custody_nodes_disagree"), ["0", "0"]);
    assert_eq!(bridge.all("custody_rekeyed"), ["0"]);
    let report = bridge.last.as_ref().unwrap();
    let origin = |metric: &str| report.origins.iter().find(|(series, _)| &*series.metric == metric).unwrap().1;
    assert_eq!(
        (origin("reserves_custody_algo").trust, origin("reserves_custody_algo").micro),
        (Trust::Verified, Some(23_519_000))
    );
    assert_eq!(*bridge.ledger.asked.lock().unwrap(), 0, "nobody pays for a bridge that is fine");
    let entry = bridge.entry();
    assert_eq!((entry.state.verdict.as_str(), entry.rounds.len(), entry.state.supply.len()), ("backed", 2, 1));
    assert!(entry.state.custody[0].spendable && !entry.state.custody[1].spendable);
}

#[tokio::test]
async fn a_shortfall_is_said_in_the_same_cycle_after_a_second_look() {
    let mut bridge = Bridge::start(2);
    bridge.custody(21_000_000);
    bridge.check().await;
    assert_eq!((bridge.shortfall().as_str(), bridge.one("reserves_ratio").as_str()), ("2.419", "0.896707801"));
    assert_eq!(*bridge.ledger.asked.lock().unwrap(), 1, "the subnet has certified the supply");
    assert_eq!(bridge.entry().state.supply.last().unwrap().trust, Trust::Certified);
    assert_eq!(bridge.entry().state.why.as_deref(), Some("2.419 ALGO are missing; 2 nodes say so"));
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.check().await;
    assert_eq!((bridge.shortfall().as_str(), *bridge.ledger.asked.lock().unwrap()), ("2.419", 1), "it is known now");
    bridge.custody(23_418_000);
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "0", "fees are no shortfall");
    bridge.reserves.tolerance = 999;
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "0.001");
}

#[tokio::test]
async fn what_goes_away_at_the_second_look_was_none() {
    let mut bridge = Bridge::start(2);
    bridge.custody(21_000_000);
    // each of the two nodes has answered twice when the second look begins
    for fake in &bridge.fakes {
        fake.set_amount_later(2, &address(1), 23_519_000);
    }
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "0");
    // a burn that the canister told too late: the certified supply counts
    bridge.custody(21_000_000);
    let certified = SupplyLeg { trust: Trust::Certified, ..without_time(leg(21_000_000)) };
    bridge.ledger.now_certifies(Ok(certified));
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.check().await;
    let told =
        "unknown: 2.419 ALGO seemed to be missing, and the second look failed: the supply moved while it was read";
    assert_eq!(bridge.shortfall(), told);
}

#[tokio::test]
async fn one_node_alone_needs_the_subnets_word() {
    let mut bridge = Bridge::start(2);
    bridge.fakes[1].set_broken(Some(503));
    bridge.custody(21_000_000);
    bridge.ledger.now_certifies(Err(SupplyFault::Timeout));
    bridge.check().await;
    let alone = "unknown: one node alone says that 2.419 ALGO are missing, and no certified supply confirms it";
    assert_eq!(bridge.shortfall(), alone);
    let certified = SupplyLeg { trust: Trust::Certified, ..without_time(leg(BACKED)) };
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.ledger.now_certifies(Ok(certified));
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "2.419");
}

#[tokio::test]
async fn where_the_cycle_is_too_short_the_next_one_is_the_second_look() {
    let mut bridge = Bridge::start(2);
    bridge.reserves.confirm_after = Duration::from_secs(5);
    bridge.deadline = Duration::from_secs(4);
    bridge.custody(21_000_000);
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "unknown: 2.419 ALGO seem to be missing; the next look will tell");
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.ledger.now_certifies(Err(SupplyFault::Timeout));
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "2.419");
}

#[tokio::test]
async fn nodes_that_contradict_each_other_decide_nothing() {
    let mut bridge = Bridge::start(2);
    bridge.fakes[1].set_amount(&address(1), 0);
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "unknown: X: the nodes disagree: a: 23.519, b: 0");
    assert_eq!(bridge.all("custody_nodes_disagree"), ["1", "0"]);
    assert!(bridge.one("reserves_custody_algo").starts_with("unknown: the nodes disagree"));
    // the liar is gone: that the other one is right, nobody says
    bridge.fakes[1].set_broken(Some(503));
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.check().await;
    assert_eq!(bridge.all("custody_nodes_disagree"), ["unknown: only one node can say now", "0"]);
    bridge.fakes[1].set_broken(None);
    bridge.fakes[1].set_amount(&address(1), 23_519_000);
    bridge.check().await;
    assert_eq!((bridge.shortfall().as_str(), bridge.all("custody_nodes_disagree")), ("0", vec!["0".to_owned(); 2]));
}

#[tokio::test]
async fn while_nothing_can_be_read_only_the_age_of_the_last_verdict_is_known() {
    let mut bridge = Bridge::start(2);
    bridge.check().await;
    assert_eq!(bridge.one("reserves_proof_age_seconds"), "0");
    bridge.ledger.now_says([Err(SupplyFault::Unreachable("connection refused".to_owned()))]);
    for fake in &bridge.fakes {
        fake.set_broken(Some(502));
    }
    for _ in 0..3 {
        bridge.check().await;
    }
    assert_eq!(bridge.shortfall(), "unknown: no answer: connection refused");
    let age: f64 = bridge.one("reserves_proof_age_seconds").parse().unwrap();
    assert!((179.0..190.0).contains(&age), "{age}");
    assert_eq!(bridge.one("reserves_unmatched_outflow_algo"), "unknown: no answer: connection refused");
    assert_eq!(bridge.entry().state.unusable.len(), 2);
}

#[tokio::test]
async fn flows_without_a_counterpart_latch_until_somebody_accepts_them() {
    let mut bridge = Bridge::start(2);
    bridge.custody(40_000_000);
    bridge.check().await;
    let says = |bridge: &Bridge, backed| bridge.ledger.now_says([Ok(without_time(leg(backed)))]);
    says(&bridge, BACKED);
    bridge.check().await;
    // a theft out of the surplus: no ratio falls below one
    bridge.custody(35_000_000);
    let certified = SupplyLeg { trust: Trust::Certified, ..without_time(leg(BACKED)) };
    bridge.ledger.now_certifies(Ok(certified));
    bridge.check().await;
    let flows =
        |bridge: &Bridge| (bridge.one("reserves_unmatched_mint_algo"), bridge.one("reserves_unmatched_outflow_algo"));
    let pair = |mint: &str, outflow: &str| (mint.to_owned(), outflow.to_owned());
    assert_eq!((bridge.shortfall().as_str(), flows(&bridge)), ("0", pair("0", "5")));
    says(&bridge, BACKED + 1_000_000);
    bridge.ledger.now_certifies(Ok(SupplyLeg { trust: Trust::Certified, ..without_time(leg(BACKED + 1_000_000)) }));
    bridge.check().await;
    assert_eq!(flows(&bridge), pair("1", "5"));
    bridge.check().await;
    assert_eq!(flows(&bridge), pair("1", "5"), "it stays");
    bridge.accept(memory::SURPLUS);
    bridge.check().await;
    assert_eq!(flows(&bridge), pair("0", "0"));
}

#[tokio::test]
async fn a_supply_of_nothing_after_something_is_a_loss_and_proves_nothing() {
    let mut bridge = Bridge::start(2);
    bridge.check().await;
    let empty = SupplyLeg { supply: 0, locked: 0, cketh_backed: 0, ..without_time(leg(BACKED)) };
    bridge.ledger.now_says([Ok(empty)]);
    bridge.ledger.now_certifies(Ok(SupplyLeg { trust: Trust::Certified, ..empty }));
    bridge.check().await;
    assert_eq!(bridge.one("reserves_supply_vanished"), "1");
    assert_eq!(bridge.shortfall(), "unknown: the supply vanished: it was 28.814549");
    assert_eq!(bridge.one("reserves_ratio"), "unknown: nothing_to_divide");
    bridge.check().await;
    assert_eq!(bridge.one("reserves_supply_vanished"), "1", "it does not get used to it");
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.check().await;
    assert_eq!((bridge.one("reserves_supply_vanished").as_str(), bridge.shortfall().as_str()), ("0", "0"));
}

#[tokio::test]
async fn an_account_that_another_key_signs_for_stays_so_until_it_is_accepted() {
    let mut bridge = Bridge::start(2);
    bridge.check().await;
    for fake in &bridge.fakes {
        fake.set_auth(&address(1), Some(&address(66)));
    }
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.ledger.now_certifies(Err(SupplyFault::Timeout));
    bridge.check().await;
    assert_eq!((bridge.all("custody_rekeyed"), bridge.shortfall().as_str()), (vec!["1".to_owned()], "0"));
    bridge.accept(&memory::signer(&bridge.reserves.spendable[0].clone()));
    bridge.check().await;
    assert_eq!(bridge.all("custody_rekeyed"), ["0"]);
}

#[tokio::test]
async fn a_shortfall_that_people_know_of_ends_on_its_day() {
    let mut bridge = Bridge::start(2);
    bridge.custody(3_419_000);
    let until = NOW + Duration::from_secs(90);
    bridge.reserves.known = Some(Known { amount: 20_000_000, reason: "written off".to_owned(), until });
    bridge.check().await;
    assert_eq!((bridge.shortfall().as_str(), bridge.one("reserves_known_shortfall_algo").as_str()), ("0", "20"));
    bridge.ledger.now_says([Ok(without_time(leg(BACKED)))]);
    bridge.ledger.now_certifies(Err(SupplyFault::Timeout));
    bridge.check().await;
    assert_eq!(bridge.shortfall(), "0");
    bridge.check().await;
    assert_eq!((bridge.shortfall().as_str(), bridge.one("reserves_known_shortfall_algo").as_str()), ("20", "0"));
}

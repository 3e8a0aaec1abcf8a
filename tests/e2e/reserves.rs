//! The bridge as its chains show it: two fake nodes of Algorand, a signing fake of the Internet Computer, and the real
//! program. What is bad is told within one cycle, after a second look; what only looks bad is not told at all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::serving::Serving;
use crate::support::algorand::{AlgodFake, IndexerFake, address};
use crate::support::backend::BackendFake;
use crate::support::client::ask;
use crate::support::http::{Answer, HttpFake};
use crate::support::replica::{BRIDGE, Health, Lie, Replica, World as Subnet};
use crate::world::{Ran, World, slack, told};

/// ALGO that backs what the fake canister says in the beginning, and its minimum balance.
const CUSTODY: u64 = 23_519_000;
/// Between two ticks.
const TICK: Duration = Duration::from_secs(10);

/// A bridge and its monitor.
struct Bridge {
    world: World,
    nodes: [AlgodFake; 2],
    replica: Replica,
    chat: HttpFake,
    pager: HttpFake,
    began: Duration,
    ticks: u32,
}

impl Bridge {
    fn start() -> Self {
        Self::with("")
    }

    /// With more of the configuration.
    fn with(more: &str) -> Self {
        let nodes = [AlgodFake::start(), AlgodFake::start()];
        let (replica, chat, pager) =
            (Replica::start(), HttpFake::start([Answer::new(200, "ok")]), HttpFake::start([Answer::new(200, "ok")]));
        let config = format!(
            r#"
[monitor]
interval = "10s"

[sources.system]
enabled = false

[sources.algorand]
nodes = ["{}", "{}"]
every = "10s"

{}

[sources.reserves]
custody = ["{}"]
unspendable = ["{}"]
confirm_after = "200ms"
settle = "0s"
every = "10s"

{}
[channels.pager.slack]
webhook_url = "{}"

{more}
"#,
            nodes[0].url(),
            nodes[1].url(),
            replica.config("10s"),
            address(1),
            address(3),
            slack(&chat),
            pager.url("/services/T1/B1/key"),
        );
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let bridge = Self { world: World::new(&config), nodes, replica, chat, pager, began, ticks: 0 };
        bridge.custody(CUSTODY);
        for node in &bridge.nodes {
            node.set_amount(&address(3), 24_120_000);
        }
        bridge
    }

    /// What both nodes say of custody from now on.
    fn custody(&self, amount: u64) {
        for node in &self.nodes {
            node.set_amount(&address(1), amount);
        }
    }

    /// What the canister says from now on: what ALGO must back, beside the same part for ckETH.
    fn backed(&self, amount: u128) {
        self.replica.set(move |subnet| back(subnet, amount));
    }

    /// A cycle at the next tick. The clock is a little ahead, so that no tick is waited for.
    fn check(&mut self) -> Ran {
        self.ticks += 1;
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ahead = (self.began + TICK * self.ticks).max(real);
        self.check_at(ahead)
    }

    fn check_at(&mut self, time: Duration) -> Ran {
        self.world.set("SIPPAR_MON_CLOCK", &time.as_millis().to_string());
        for node in &self.nodes {
            node.set_round(node.round() + 5);
        }
        self.world.run(&["check"])
    }

    /// The alerts that fire, in order of their names.
    fn firing(&self) -> Vec<String> {
        let status = self.world.status();
        let active = status["alerts"]["active"].as_array().unwrap();
        let mut names: Vec<String> = active.iter().map(|alert| alert["type"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// What the rows of `collect --json` say of a metric without an address.
    fn row(&self, metric: &str) -> Value {
        let rows = self.world.run(&["collect", "--json", "--source", "reserves"]).json();
        rows.as_array().unwrap().iter().find(|row| row["metric"] == metric).unwrap().clone()
    }

    fn shown(&self) -> Value {
        self.world.run(&["reserves", "show", "--json"]).json()
    }
}

fn back(subnet: &mut Subnet, amount: u128) {
    let bridge = subnet.bridge();
    (bridge.locked, bridge.supply) = (amount, amount + bridge.cketh_backed);
}

#[test]
fn a_bridge_that_is_backed_says_every_figure_with_its_source_and_trust() {
    let mut bridge = Bridge::start();
    assert_eq!(bridge.check(), Ran::silent(0));
    let shown = bridge.shown();
    assert_eq!((&shown["verdict"], &shown["ratio"]), (&json!("backed"), &json!(1.004_270_037)));
    let figures: Vec<String> = shown["figures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|figure| format!("{} {} {}", figure["figure"], figure["micro"], figure["trust"]).replace('"', ""))
        .collect();
    assert_eq!(
        figures,
        [
            "custody 23519000 verified",
            "supply 28814549 verified",
            "backed by ckETH 5395549 verified",
            "to be backed by ALGO 23419000 verified",
            "surplus 100000 verified",
        ]
    );
    let both: Vec<String> = bridge.nodes.iter().map(AlgodFake::name).collect();
    let source = shown["figures"][0]["source"].as_str().unwrap();
    assert!(both.iter().all(|node| source.contains(node.as_str())), "{source}");
    assert_eq!(shown["accounts"][1]["spendable"], json!(false));
    let row = bridge.row("reserves_custody_algo");
    assert_eq!(
        (&row["value"], &row["micro"], &row["trust"], &row["source"], &row["unit"]),
        (&json!(23.519), &json!("23519000"), &json!("verified"), &json!("reserves"), &json!("algo"))
    );
    assert!(row["age"].as_f64().unwrap() < 60.0, "{row}");
    let status = bridge.world.status();
    let served = &status["reserves"];
    assert_eq!((&served["reserveRatio"], &served["backingHealth"]), (&json!(1.004_270_037), &json!("HEALTHY")));
    assert_eq!((&served["totalAlgoLocked"], &served["totalCkAlgoSupply"]), (&json!(23.519), &json!(28.814_549)));
    let health = json!({ "simplifiedBridge": "HEALTHY", "thresholdSigner": "HEALTHY" });
    assert_eq!((&served["canisterHealth"], &served["thresholdStatus"]), (&health, &json!("OPERATIONAL")));
    let checks = status["healthChecks"]["results"].as_array().unwrap();
    let of = |name: &str| checks.iter().find(|check| check["component"] == name).unwrap()["status"].clone();
    let all = ["simplified_bridge", "threshold_signer", "algorand_network", "storage"].map(of);
    assert_eq!(all, ["HEALTHY", "HEALTHY", "HEALTHY", "UNKNOWN"]);
    let status = bridge.world.status();
    assert_eq!(status["reserves"]["backingHealth"], "HEALTHY");
    assert_eq!(status["reserves"]["figures"], shown["figures"]);
    let screen = bridge.world.run(&["reserves", "show", "--since", "1h"]);
    assert_eq!((screen.code, screen.err.as_str()), (0, ""));
    assert_eq!(told(&bridge.chat), [""; 0]);
}

#[test]
fn a_shortfall_is_told_on_all_channels_in_the_cycle_that_finds_it_and_its_end_as_well() {
    let mut bridge = Bridge::start();
    bridge.custody(21_000_000);
    assert_eq!(bridge.check().code, 2);
    let short = "[CRITICAL] UNDER_COLLATERALIZED: Missing in custody: 2.419 ALGO of what ALGO must back | id 1-2";
    assert_eq!(told(&bridge.chat), [short]);
    assert_eq!(told(&bridge.pager).len(), 1);
    assert!(bridge.replica.asked().iter().any(|path| path.ends_with("/call")), "the supply is certified");
    let shown = bridge.shown();
    assert_eq!((&shown["verdict"], &shown["short"]), (&json!("short"), &json!("2419000")));
    assert_eq!(shown["figures"][1]["trust"], json!("certified"));
    bridge.custody(CUSTODY);
    assert_eq!(bridge.check().code, 0);
    assert_eq!((told(&bridge.chat).len(), told(&bridge.pager).len()), (2, 2));
}

#[test]
fn a_backend_that_claims_more_than_the_chains_show_is_told_of_and_they_are_believed() {
    let backend = BackendFake::start();
    // two minutes of a pretended clock would be two minutes between it and the time that the replica signs
    let soon = "[[rule]]\nalert = \"RESERVE_CLAIM_DEVIATES\"\nfor = \"20s\"\n";
    let mut bridge =
        Bridge::with(&format!("[sources.backend]\nurl = \"{}\"\nevery = \"10s\"\n\n{soon}", backend.url()));
    assert_eq!(bridge.check().code, 0);
    // what must be backed is 23.419 ALGO
    bridge.custody(22_716_430);
    for is_told in [false, false, true] {
        assert_eq!(bridge.check().code, 2);
        assert_eq!(bridge.firing().contains(&"RESERVE_CLAIM_DEVIATES".to_owned()), is_told);
    }
    let shown = bridge.shown();
    assert_eq!((&shown["verdict"], &shown["ratio"]), (&json!("short"), &json!(0.97)));
    bridge.custody(CUSTODY);
    assert_eq!(bridge.check().code, 0);
    let told = told(&bridge.chat);
    let claims = told.iter().filter_map(|line| line.split_once(" | ")).map(|(text, _)| text);
    let claims: Vec<&str> = claims.filter(|text| text.contains("RESERVE_CLAIM_DEVIATES")).collect();
    let rest = "better than what the chains show";
    assert_eq!(
        claims,
        [
            format!("[HIGH] RESERVE_CLAIM_DEVIATES: The reserve ratio that the backend claims is 3 % {rest}"),
            format!(
                "[HIGH] Resolved: RESERVE_CLAIM_DEVIATES: The reserve ratio that the backend claims is again no {rest}"
            ),
        ]
    );
}

#[test]
fn what_is_missing_by_fees_alone_is_quiet() {
    let mut bridge = Bridge::start();
    bridge.custody(23_417_000);
    assert_eq!(bridge.check(), Ran::silent(0));
    assert_eq!(bridge.firing(), [""; 0]);
    assert_eq!(bridge.row("reserves_shortfall_algo")["value"], json!(0.0));
    assert_eq!(bridge.world.status()["reserves"]["backingHealth"], "WARNING");
}

#[test]
fn what_happens_in_the_middle_of_a_look_is_quiet() {
    // a deposit and its mint after custody was read, a redemption and its withdrawal before; each time the supply that
    // is read last, or first, does not go with it
    let mut deposit = Bridge::start();
    deposit.custody(23_419_000);
    let nodes = deposit.nodes.clone();
    deposit.replica.before("icrc1_total_supply", |_| {});
    deposit.replica.before("icrc1_total_supply", move |subnet| {
        back(subnet, 28_419_000);
        for node in &nodes {
            node.set_amount(&address(1), 28_419_000);
        }
    });
    assert_eq!(deposit.check(), Ran::silent(0));
    assert_eq!((deposit.firing(), told(&deposit.chat)), (Vec::<String>::new(), Vec::<String>::new()));

    let mut redemption = Bridge::start();
    redemption.custody(23_419_000);
    for node in &redemption.nodes {
        node.set_amount_later(1, &address(3), 24_120_000);
    }
    assert_eq!(redemption.check(), Ran::silent(0));
    redemption.backed(22_419_000);
    redemption.custody(22_418_000);
    assert_eq!(redemption.check(), Ran::silent(0));
    assert_eq!(told(&redemption.chat), [""; 0]);

    // minted for ckETH: both the supply and its part grow, whenever that is
    let mut cketh = Bridge::start();
    cketh.replica.before("icrc1_total_supply", |subnet| {
        let bridge = subnet.bridge();
        (bridge.supply, bridge.cketh_backed) = (bridge.supply + 7_000_000, bridge.cketh_backed + 7_000_000);
    });
    assert_eq!(cketh.check(), Ran::silent(0));
    assert_eq!(cketh.row("reserves_shortfall_algo")["value"], json!(0.0));
}

#[test]
fn a_node_that_is_down_late_or_lying_makes_nobody_short() {
    let mut bridge = Bridge::with(
        "[[rule]]\nalert = \"ALGORAND_NODE_STALE\"\nfor = \"0s\"\n\n[[rule]]\nalert = \"ALGORAND_NODES_DISAGREE\"\nfor = \"0s\"\n",
    );
    bridge.nodes[1].set_broken(Some(503));
    assert_eq!(bridge.check().code, 1);
    assert_eq!(bridge.firing(), ["ALGORAND_NODE_STALE"]);
    assert_eq!(bridge.row("reserves_custody_algo")["trust"], json!("single_node"));
    bridge.nodes[1].set_broken(None);
    bridge.nodes[1].set_since(Duration::from_mins(67));
    assert_eq!(bridge.check().code, 1);
    assert_eq!(bridge.firing(), ["ALGORAND_NODE_STALE"]);
    assert_eq!(bridge.row("reserves_shortfall_algo")["value"], json!(0.0), "a late node is not asked");
    bridge.nodes[1].set_since(Duration::from_secs(1));
    bridge.nodes[1].set_amount(&address(1), 0);
    let ran = bridge.check();
    assert_eq!(ran.code, 3, "whether it is backed is not known: {ran:?}");
    assert_eq!(bridge.firing(), ["ALGORAND_NODES_DISAGREE"]);
    let row = bridge.row("reserves_shortfall_algo");
    assert_eq!(row["value"], Value::Null);
    assert!(row["reason"].as_str().unwrap().contains("the nodes disagree"), "{row}");
}

#[test]
fn an_account_that_was_rekeyed_is_told_and_stays_so_until_it_is_accepted() {
    let mut bridge = Bridge::start();
    assert_eq!(bridge.check().code, 0);
    for node in &bridge.nodes {
        node.set_auth(&address(1), Some(&address(66)));
    }
    for _ in 0..2 {
        assert_eq!(bridge.check().code, 2);
        assert_eq!(bridge.firing(), ["CUSTODY_REKEYED"]);
    }
    let name = format!("signer/{}", address(1));
    assert_eq!(bridge.world.run(&["baseline", "accept", &name, "-m", "moved to the new signer"]).code, 0);
    assert_eq!(bridge.check().code, 0);
}

#[test]
fn what_was_minted_for_cketh_needs_no_algo() {
    let mut bridge = Bridge::start();
    // the canister's own ratio is 0.81, and nothing is wrong
    assert_eq!(bridge.check(), Ran::silent(0));
    assert_eq!(bridge.row("reserves_strict_ratio")["value"], json!(0.816_219_611));
}

#[test]
fn a_frozen_canister_and_a_host_that_lies_give_no_number() {
    for (change, reason) in [
        (None, "the canister is FROZEN"),
        (Some(Lie::BrokenSignature), "untrusted reply"),
        (Some(Lie::Status(502)), "no answer"),
    ] {
        let mut bridge = Bridge::start();
        match change {
            None => bridge.replica.set(|subnet| subnet.canister(BRIDGE).health = Health::FROZEN),
            Some(lie) => bridge.replica.lie(lie),
        }
        bridge.custody(0);
        assert_eq!(bridge.check().code, 3);
        assert!(!bridge.firing().contains(&"UNDER_COLLATERALIZED".to_owned()), "{:?}", bridge.firing());
        let row = bridge.row("reserves_shortfall_algo");
        assert!(row["reason"].as_str().unwrap().starts_with(reason), "{row}");
    }
}

#[test]
fn a_supply_of_zero_after_twenty_three_is_told_and_is_no_proof() {
    let mut bridge = Bridge::start();
    assert_eq!(bridge.check().code, 0);
    bridge.replica.set(|subnet| {
        let bridge = subnet.bridge();
        (bridge.supply, bridge.locked, bridge.cketh_backed) = (0, 0, 0);
    });
    assert_eq!(bridge.check().code, 2);
    assert_eq!(bridge.firing(), ["SUPPLY_VANISHED"]);
    assert_eq!(bridge.shown()["verdict"], json!("unknown"));
    assert_eq!(bridge.world.status()["reserves"]["backingHealth"], "UNKNOWN");
    assert_eq!(bridge.world.run(&["baseline", "accept", "supply/present", "-m", "all redeemed"]).code, 0);
    assert_eq!(bridge.check().code, 0);
}

#[test]
fn what_moves_without_its_counterpart_is_told_by_its_leg() {
    let mut bridge = Bridge::start();
    bridge.custody(40_000_000);
    assert_eq!(bridge.check().code, 0);
    bridge.backed(25_419_000);
    assert_eq!(bridge.check().code, 2);
    assert_eq!(bridge.firing(), ["MINT_WITHOUT_DEPOSIT"]);
    bridge.custody(39_000_000);
    assert_eq!(bridge.check().code, 2);
    assert_eq!(bridge.firing(), ["MINT_WITHOUT_DEPOSIT", "OUTFLOW_WITHOUT_BURN"]);
    assert_eq!(bridge.check().code, 2);
    assert_eq!(bridge.world.run(&["baseline", "accept", "reserves/surplus", "-m", "our own transfer"]).code, 0);
    assert_eq!(bridge.check().code, 0);
    assert_eq!(bridge.firing(), [""; 0]);
}

#[test]
fn forty_minutes_of_silence_make_the_data_stale_and_resolve_nothing() {
    let mut bridge = Bridge::start();
    bridge.custody(21_000_000);
    assert_eq!(bridge.check().code, 2);
    for node in &bridge.nodes {
        node.set_broken(Some(502));
    }
    bridge.replica.lie(Lie::Status(502));
    let begun = bridge.began + TICK;
    for minute in 1..=40 {
        bridge.check_at(begun + Duration::from_mins(minute));
    }
    let firing = bridge.firing();
    assert!(firing.contains(&"RESERVE_DATA_STALE".to_owned()), "{firing:?}");
    assert!(firing.contains(&"UNDER_COLLATERALIZED".to_owned()), "{firing:?}");
    let told = told(&bridge.chat);
    let of = |alert: &str| told.iter().filter(|line| line.contains(alert)).cloned().collect::<Vec<_>>();
    let short = of("UNDER_COLLATERALIZED");
    assert!(
        !short.is_empty() && short.iter().all(|line| !line.contains("Resolved")),
        "reminded, not resolved: {told:?}"
    );
    let stale = of("RESERVE_DATA_STALE");
    assert!(stale[0].starts_with("[HIGH]") && stale[1].starts_with("[CRITICAL]"), "{stale:?}");
}

#[test]
fn a_proof_holds_until_somebody_touches_it_or_the_log() {
    let indexer = IndexerFake::start();
    let mut bridge = Bridge::start();
    for _ in 0..3 {
        assert_eq!(bridge.check().code, 0);
    }
    let proof = bridge.world.run(&["reserves", "proof"]);
    assert_eq!((proof.code, proof.json()["look"]["record"]["n"].clone()), (0, json!(3)));
    assert_eq!(proof.json()["state_of"]["record"]["state"]["custody"][0]["amount"], json!("23519000"));
    bridge.world.write("proof.json", &proof.out, 0o644);
    let good = bridge.world.run(&["reserves", "verify", "proof.json"]);
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{}", good.out);
    assert!(good.out.contains("the log is unbroken: 3 records"), "{}", good.out);
    assert!(good.out.ends_with("the proof holds\n"), "{}", good.out);

    let serving = Serving::start(&bridge.world);
    let served = ask(serving.at, "GET", "/reserves/proof.json?look=3", &[("accept", "application/json")], "");
    assert_eq!((served.status, served.json()), (200, proof.json()));
    bridge.world.write("served.json", served.text(), 0o644);
    assert_eq!(bridge.world.run(&["reserves", "verify", "served.json"]).code, 0);
    drop(serving);

    bridge.world.write("forged.json", &proof.out.replace("\"23519000\"", "\"99519000\""), 0o644);
    let forged = bridge.world.run(&["reserves", "verify", "forged.json"]);
    assert_eq!(forged.code, 1);
    assert!(forged.out.contains("record 1 is not what was written"), "{}", forged.out);
    assert_eq!(bridge.world.run(&["reserves", "verify", "config.toml"]).code, 65);

    let database = rusqlite::Connection::open(bridge.world.database()).unwrap();
    let touch = "UPDATE reserve_log SET text = replace(text, 'backed', 'short') WHERE n = 2";
    assert!(database.execute(touch, []).is_err(), "a log is only added to");
    database.execute("DROP TRIGGER reserve_log_is_not_changed", []).unwrap();
    database.execute(touch, []).unwrap();
    drop(database);
    let broken = bridge.world.run(&["reserves", "verify", "proof.json"]);
    assert_eq!(broken.code, 1);
    assert!(broken.out.contains("the log is broken: record 2 is not what was written"), "{}", broken.out);
    drop(indexer);
}

#[test]
fn with_an_indexer_what_left_is_shown_and_what_was_is_verified() {
    let indexer = IndexerFake::start();
    let mut bridge = Bridge::start();
    let config = std::fs::read_to_string(bridge.world.path("config.toml")).unwrap();
    let line = format!("[sources.algorand]\nindexer = \"{}\"\n", indexer.url());
    bridge.world.configure(&config.replace("[sources.algorand]\n", &line));
    assert_eq!(bridge.check().code, 0);
    let proof = bridge.world.run(&["reserves", "proof"]);
    bridge.world.write("proof.json", &proof.out, 0o644);
    let round = bridge.nodes[0].round();
    indexer.hold(&address(1), CUSTODY, 1000);
    indexer.hold(&address(3), 24_120_000, 1000);
    let good = bridge.world.run(&["reserves", "verify", "proof.json"]);
    assert_eq!(good.code, 0, "{}", good.out);
    assert!(good.out.contains("held 23.519 then, by the indexer"), "{}", good.out);

    indexer.pay(&address(1), &address(66), 3_000_000, round + 100);
    bridge.custody(20_519_000);
    bridge.backed(20_419_000);
    assert_eq!(bridge.check().code, 0);
    let shown = bridge.world.run(&["reserves", "show", "--since", "1h", "--json"]).json();
    assert_eq!(shown["moved"], json!("custody fell by 3; what ALGO must back fell by 3"));
    assert_eq!(shown["accounts"][0]["change"], json!("-3000000"));
    assert_eq!((&shown["payments"][0]["to"], &shown["payments"][0]["micro"]), (&json!(address(66)), &json!("3000000")));
}

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

/// Looks that go on from the log's last one, a state in every 500th, as they are kept; the number of the last.
fn continue_log(database: &std::path::Path, looks: u32) -> u32 {
    let mut database = rusqlite::Connection::open(database).unwrap();
    let tx = database.transaction().unwrap();
    let last = "SELECT n, at, text, hash FROM reserve_log ORDER BY n DESC LIMIT 1";
    let (n, at, text, mut hash): (u32, i64, String, Vec<u8>) =
        tx.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    let head = format!("{{\"n\":{n},");
    let mut said = n;
    for next in n + 1..=n + looks {
        let whole = text.replacen(&head, &format!("{{\"n\":{next},"), 1);
        let text = if next % 500 == 0 {
            said = next;
            whole
        } else {
            format!("{},\"same\":{said}}}", whole.split_once(",\"state\":").unwrap().0)
        };
        let mut chain = ring::digest::Context::new(&ring::digest::SHA256);
        chain.update(&hash);
        chain.update(text.as_bytes());
        hash = chain.finish().as_ref().to_vec();
        let at = at + i64::from(next - n);
        tx.execute("INSERT INTO reserve_log VALUES (?1, ?2, ?3, ?4)", (next, at, text, &hash)).unwrap();
    }
    tx.commit().unwrap();
    n + looks
}

/// The first number in the log, and of the last look that was let go.
fn begins(database: &std::path::Path) -> (u32, u32) {
    let database = rusqlite::Connection::open(database).unwrap();
    let sql = "SELECT (SELECT min(n) FROM reserve_log), n FROM reserve_anchor";
    database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn a_log_that_outgrows_its_share_is_let_go_from_its_beginning_and_what_is_left_is_proved() {
    let mut bridge = Bridge::with("[store]\nmax_size = \"10MB\"\n");
    assert_eq!(bridge.check().code, 0);
    let old = bridge.world.run(&["reserves", "proof"]);
    bridge.world.write("old.json", &old.out, 0o644);
    let last = continue_log(&bridge.world.database(), 14_000);
    assert_eq!(bridge.world.run(&["db", "backup", "before.db"]), Ran::silent(0));
    let mut checks = 0;
    // some of it each time: until it is no larger than a quarter of 10 MB
    let gone = loop {
        assert_eq!(bridge.check().code, 0);
        checks += 1;
        let (first, gone) = begins(&bridge.world.database());
        if gone > 2000 && first == gone + 1 {
            break gone;
        }
        assert!(checks < 60, "after {checks} checks the log begins with {first}");
    };
    assert_eq!(gone % 500, 499, "it begins with a look that says its state");
    assert_eq!(bridge.world.run(&["db", "check"]), Ran::silent(0));

    let proof = bridge.world.run(&["reserves", "proof"]);
    bridge.world.write("proof.json", &proof.out, 0o644);
    let good = bridge.world.run(&["reserves", "verify", "proof.json"]);
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{}", good.out);
    let head = last + checks;
    let words = format!("looks 1 to {gone} were let go on 20");
    assert!(good.out.contains(&words), "{}", good.out);
    let words = format!("; the log is unbroken from {} to {head}, anchored at hash ", gone + 1);
    assert!(good.out.contains(&words), "{}", good.out);
    let help = "a backup from before then has them: sippar-mon --db BACKUP reserves";
    let refused = bridge.world.run(&["reserves", "verify", "old.json"]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    let words = format!("the log cannot show any more that it contained this look; {help} verify FILE");
    assert!(refused.out.contains(&words), "{}", refused.out);
    let kept = bridge.world.run(&["--db", "before.db", "reserves", "verify", "old.json"]);
    assert_eq!((kept.code, kept.err.as_str()), (0, ""), "{}", kept.out);
    assert!(kept.out.contains(&format!("the log is unbroken: {last} records")), "{}", kept.out);

    let then = bridge.world.run(&["reserves", "proof", "--at", "2026-01-02T03:04:05Z"]);
    assert_eq!(then.code, 69, "{then:?}");
    assert!(then.err.starts_with(&format!("sippar-mon: looks 1 to {gone} were let go on 20")), "{then:?}");
    assert!(then.err.ends_with(&format!("\n  help: {help} proof --at 2026-01-02T03:04:05Z\n")), "{then:?}");
    let serving = Serving::start(&bridge.world);
    let page = serving.get("/reserves/proof?look=7");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("This look is not kept any more") && page.text().contains(help), "{}", page.text());
    let first = serving.get(&format!("/reserves/proof?look={}", gone + 1));
    assert_eq!(first.status, 200);
    assert!(!first.text().contains("the look before") && first.text().contains("the next one"), "{}", first.text());
    assert_eq!(serving.get(&format!("/reserves/proof?look={}", head + 9)).status, 404);
}

#[test]
fn what_is_left_of_a_log_does_not_hold_once_somebody_touches_it_or_its_anchor() {
    let mut bridge = Bridge::start();
    assert_eq!(bridge.check().code, 0);
    continue_log(&bridge.world.database(), 1200);
    let cut =
        "UPDATE reserve_anchor SET (n, at, hash, moved) = (SELECT n, at, hash, at FROM reserve_log WHERE n = 499);
               DELETE FROM reserve_log WHERE n < 500";
    bridge.world.change(cut);
    assert_eq!(bridge.check().code, 0);
    bridge.world.write("proof.json", &bridge.world.run(&["reserves", "proof"]).out, 0o644);
    assert_eq!(bridge.world.run(&["db", "backup", "good.db"]), Ran::silent(0));
    let of_anchor = "DROP TRIGGER reserve_anchor_moves_on; UPDATE reserve_anchor SET ";
    for (touch, expected) in [
        ("SELECT 1".to_owned(), "looks 1 to 499 were let go on "),
        (format!("{of_anchor} hash = zeroblob(32)"), "the log is broken: record 500 is not what was written"),
        (format!("{of_anchor} n = 498"), "the log is broken: record 499 is missing: after it comes 500"),
        (format!("{of_anchor} n = 500"), "the log is broken: record 501 is not what was written"),
        (format!("{of_anchor} n = 9999"), "the log is broken: it ends with record 9999"),
        (
            "DROP TRIGGER reserve_log_is_not_shortened; DELETE FROM reserve_log WHERE n = 700".to_owned(),
            "the log is broken: record 700 is missing: after it comes 701",
        ),
        (
            "DROP TRIGGER reserve_log_is_not_shortened; DELETE FROM reserve_log WHERE n = 500".to_owned(),
            "the log is broken: record 500 is missing: after it comes 501",
        ),
        (
            "DROP TRIGGER reserve_log_is_not_changed; UPDATE reserve_log SET text = text || ' ' WHERE n = 501"
                .to_owned(),
            "the log is broken: record 501 is not what was written",
        ),
    ] {
        let file = bridge.world.path("touched.db");
        std::fs::copy(bridge.world.path("good.db"), &file).unwrap();
        rusqlite::Connection::open(&file).unwrap().execute_batch(&touch).unwrap();
        let ran = bridge.world.run(&["--db", "touched.db", "reserves", "verify", "proof.json"]);
        assert_eq!(ran.code, i32::from(touch != "SELECT 1"), "{touch}: {}", ran.out);
        assert!(ran.out.contains(expected), "{touch}: {}", ran.out);
    }
    // a proof says how the log went on: another one is not it, even where it is unbroken
    let proof = bridge.world.run(&["reserves", "proof"]).json();
    let hash = proof["head"]["hash"].as_str().unwrap();
    let other = proof.to_string().replace(&format!("\"head\":{{\"hash\":\"{hash}\""), "\"head\":{\"hash\":\"00\"");
    bridge.world.write("other.json", &other, 0o644);
    let ran = bridge.world.run(&["reserves", "verify", "other.json"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains(" is another one than when this proof was written"), "{}", ran.out);
}

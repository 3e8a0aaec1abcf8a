use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::model::labels::Labels;
use crate::model::reading::{Reading, Value as Measured};
use crate::support::replica::{self, Lie, Replica};
use crate::text::check::Check;

fn build(text: &str) -> (Option<Icp>, Vec<String>) {
    let resolve = |_: &str| Err("no secrets here".to_owned());
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let icp = toml::from_str::<Settings>(text).unwrap().build(&(0..0), &mut check);
    (icp, check.faults.into_iter().map(|located| located.fault.what).collect())
}

/// The source that watches the two canisters of a fake subnet.
fn icp(replica: &Replica, more: &str) -> Icp {
    let (url, key) = (replica.url(), Replica::root_key());
    let text = format!(
        "hosts = ['{url}']\nroot_key = '{key}'\n[canisters.simplified_bridge]\nid = '{}'\n{more}\n\
         [canisters.threshold_signer]\nid = '{}'\n",
        replica::BRIDGE,
        replica::SIGNER,
    );
    build(&text).0.unwrap()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the library under test checks signatures against the clock of the machine"
)]
fn now() -> Time {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Time::from_millis(i64::try_from(millis).unwrap())
}

async fn collect(icp: &Icp, memory: Option<&Value>, baselines: &Baselines) -> Report {
    let net = Arc::new(Net::new(None, None));
    icp.collect(memory, baselines, now(), Duration::from_secs(40), &net).await
}

fn value(report: &Report, metric: &str, canister: &str) -> Result<f64, String> {
    let labels = Labels::new([("canister", canister)]);
    let found = |reading: &&Reading| &*reading.series.metric == metric && reading.series.labels == labels;
    match &report.readings.as_ref().unwrap().iter().find(found).unwrap().value {
        Measured::Known(value) => Ok(*value),
        Measured::Unknown(reason) => Err(reason.to_string()),
    }
}

fn why(report: &Report) -> String {
    Memory::read(report.memory.as_ref()).why.unwrap_or_default()
}

const BRIDGE: &str = "simplified_bridge";
const SIGNER: &str = "threshold_signer";

#[tokio::test]
async fn canisters_in_order_are_up_and_unchanged() {
    let replica = Replica::start();
    replica.set(|world| world.canister(replica::SIGNER).cycles = Some(70_000_000_000_000));
    let icp = icp(&replica, "");
    let report = collect(&icp, None, &Baselines::new()).await;
    for name in [BRIDGE, SIGNER] {
        assert_eq!(value(&report, "canister_up", name), Ok(1.0));
        assert_eq!(value(&report, "canister_code_changed", name), Ok(0.0), "the first sight of it");
        assert_eq!(value(&report, "canister_controllers_changed", name), Ok(0.0));
        assert_eq!(value(&report, "canister_untrusted_replies", name), Ok(0.0));
        assert!(value(&report, "canister_certificate_age_seconds", name).unwrap() < 15.0);
        assert!(value(&report, "canister_subnet_updates_total", name).unwrap() >= 1e6);
    }
    assert_eq!(value(&report, "canister_cycles", SIGNER), Ok(7e13));
    let advice = value(&report, "canister_cycles", BRIDGE).unwrap_err();
    assert!(advice.contains("set status_visibility to public"), "{advice}");
    let code = "11".repeat(32);
    let seen: Vec<(&str, &str)> = report.seen.iter().map(|seen| (seen.name.as_str(), seen.value.as_str())).collect();
    let expected = [
        ("code/simplified_bridge", code.as_str()),
        ("controllers/simplified_bridge", "2vxsx-fae"),
        ("code/threshold_signer", &code),
        ("controllers/threshold_signer", "2vxsx-fae"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(why(&report), "");
    // the certified read is not due again within the hour
    let calls = || replica.asked().iter().filter(|path| path.ends_with("/call")).count();
    assert_eq!(calls(), 3);
    let again = collect(&icp, report.memory.as_ref(), &Baselines::new()).await;
    assert_eq!((calls(), Memory::read(again.memory.as_ref())), (3, Memory::read(report.memory.as_ref())));
}

#[tokio::test]
async fn a_change_is_held_against_the_baseline_and_a_pin_beats_it() {
    let replica = Replica::start();
    let accepted: Baselines =
        [("code/simplified_bridge", "22".repeat(32)), ("controllers/threshold_signer", "aaaaa-aa".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    let plain = collect(&icp(&replica, ""), None, &accepted).await;
    assert_eq!(value(&plain, "canister_code_changed", BRIDGE), Ok(1.0));
    assert_eq!(value(&plain, "canister_code_changed", SIGNER), Ok(0.0));
    assert_eq!(value(&plain, "canister_controllers_changed", SIGNER), Ok(1.0));
    let code = format!("code {}, accepted {}", "11".repeat(32), "22".repeat(32));
    let controllers = "controllers 2vxsx-fae, accepted aaaaa-aa";
    assert_eq!(why(&plain), format!("simplified_bridge: {code}; threshold_signer: {controllers}"));
    assert_eq!(crate::collect::icp::why(plain.memory.as_ref().unwrap(), SIGNER), Some(controllers));
    let pinned = icp(&replica, &format!("code = '0x{}'\ncontrollers = ['aaaaa-aa', '2vxsx-fae']", "AB".repeat(32)));
    let pins = [
        Sighting::new("code/simplified_bridge", "ab".repeat(32)),
        Sighting::new("controllers/simplified_bridge", "2vxsx-fae, aaaaa-aa"),
    ];
    assert_eq!(pinned.pins(), pins);
}

#[tokio::test]
async fn what_a_canister_refuses_is_a_measurement() {
    let replica = Replica::start();
    let icp = icp(&replica, "");
    for (health, up, word) in [
        (replica::Health::FROZEN, Ok(0.0), "FROZEN"),
        (replica::Health::STOPPED, Ok(0.0), "STOPPED"),
        (replica::Health::Gone, Ok(0.0), "GONE"),
        (replica::Health::Refuses(2, "IC0208", "try again"), Err(()), "IC0208"),
    ] {
        replica.set(|world| world.bridge().health = health.clone());
        let report = collect(&icp, None, &Baselines::new()).await;
        assert_eq!(value(&report, "canister_up", BRIDGE).map_err(drop), up, "{health:?}");
        assert_eq!(value(&report, "canister_up", SIGNER), Ok(1.0), "{health:?}");
        assert!(why(&report).contains(word), "{}", why(&report));
    }
    // code that is certified to be absent outweighs any answer
    replica.set(|world| {
        *world.bridge() = replica::Canister { code: None, ..replica::Canister::default() };
    });
    let report = collect(&icp, None, &Baselines::new()).await;
    assert_eq!(value(&report, "canister_up", BRIDGE), Ok(0.0));
}

#[tokio::test]
async fn a_lie_is_counted_and_gives_no_number() {
    let replica = Replica::start();
    for (lie, known) in [
        (Lie::BrokenSignature, 0.0),
        (Lie::StrangersCertificate, f64::NAN),
        (Lie::Old(Duration::from_mins(9)), f64::NAN),
    ] {
        replica.lie(lie);
        // the keys of nodes that were verified once are believed for five minutes, so each lie meets a new source
        let report = collect(&icp(&replica, ""), None, &Baselines::new()).await;
        for name in [BRIDGE, SIGNER] {
            assert!(value(&report, "canister_untrusted_replies", name).unwrap() >= 1.0, "{lie:?}");
            assert!(value(&report, "canister_up", name).unwrap_err().starts_with("untrusted reply: "), "{lie:?}");
            let changed = value(&report, "canister_code_changed", name);
            assert_eq!(changed.is_ok(), known == 0.0, "{lie:?}: {changed:?}");
        }
        assert_eq!(report.seen.is_empty(), known.is_nan(), "what is not believed becomes no baseline");
        assert!(why(&report).contains("threshold_signer: untrusted reply: "), "{}", why(&report));
        assert_eq!(why(&report).matches("threshold_signer").count(), 1, "{}", why(&report));
    }
}

#[tokio::test]
async fn nodes_that_differ_from_the_subnet_are_not_believed() {
    let replica = Replica::start();
    replica.lie(Lie::LyingNode(1_000_000));
    let report = collect(&icp(&replica, ""), None, &Baselines::new()).await;
    assert_eq!(value(&report, "canister_untrusted_replies", BRIDGE), Ok(1.0));
    let expected = "untrusted reply: nodes say that the supply is 29814549, and the subnet certifies 28814549";
    assert_eq!(why(&report), format!("simplified_bridge: {expected}"));
}

#[tokio::test]
async fn where_nobody_answers_the_source_is_down() {
    let replica = Replica::start();
    replica.lie(Lie::Status(503));
    let report = collect(&icp(&replica, ""), None, &Baselines::new()).await;
    assert_eq!(report.readings, Err(Reason::new("no answer: HTTP 503 no healthy upstream")));
    assert!(report.seen.is_empty());
}

#[test]
fn what_is_written_is_taken_or_refused() {
    let one = "[canisters.simplified_bridge]\nid = 'hldvt-2yaaa-aaaak-qulxa-cai'\n";
    let (good, faults) = build(one);
    let good = good.unwrap();
    assert_eq!((faults, good.every, good.certified_every), (vec![], Duration::from_mins(1), Duration::from_hours(1)));
    assert_eq!(good.bridge().map(|canister| canister.name.as_str()), Some(BRIDGE));
    let signer = "[canisters.threshold_signer]\nid = 'vj7ly-diaaa-aaaae-abvoq-cai'\n";
    assert!(build(signer).0.unwrap().bridge().is_none());
    for (text, fault) in [
        (String::new(), "`[sources.icp]` names no canister"),
        (format!("hosts = []\n{one}"), "`hosts` is empty"),
        (format!("{one}role = 'signer'\n"), "the canister of the role signer is called threshold_signer"),
        (format!("{one}role = 'other'\n"), "the canister simplified_bridge has the role bridge"),
    ] {
        let (icp, faults) = build(&text);
        assert!(icp.is_none() && faults == [fault], "{faults:?}");
    }
    assert!(build(&format!("danger_allow_plaintext = true\nhosts = ['http://example.org']\n{one}")).0.is_some());
}

//! Every way in which an answer can be no good, against a subnet that signs.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::bridge::supply::{Health, Trust};
use crate::support::replica::{self, BRIDGE, Lie, Replica, World};
use crate::support::skip::skipped;

const LIMIT: Duration = Duration::from_secs(20);

fn net() -> Arc<Net> {
    Arc::new(Net::new(None, None))
}

#[allow(
    clippy::disallowed_methods,
    reason = "the library under test checks signatures against the clock of the machine"
)]
fn now() -> Time {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Time::from_millis(i64::try_from(millis).unwrap())
}

fn network(replicas: &[&Replica]) -> Arc<Network> {
    let hosts = replicas.iter().map(|replica| replica.url()).collect();
    Arc::new(Network { hosts, root_key: Some(RootKey::parse(&Replica::root_key()).unwrap()) })
}

fn bridge(replicas: &[&Replica]) -> Canister {
    Canister::new("simplified_bridge", BRIDGE, network(replicas)).unwrap()
}

async fn supply(canister: &Canister) -> Result<SupplyLeg, SupplyFault> {
    canister.supply(&net(), now(), LIMIT).await
}

async fn certified(canister: &Canister) -> Result<SupplyLeg, SupplyFault> {
    canister.certified_supply(&net(), now(), LIMIT).await
}

async fn state(canister: &Canister) -> Result<State, SupplyFault> {
    canister.state(&net(), now(), LIMIT).await
}

/// A change of a canister, and a word of the fault that it makes.
type Change = (fn(&mut World), &'static str);

fn figures(leg: &SupplyLeg) -> (u128, u128, u128, Trust) {
    (leg.supply, leg.locked, leg.cketh_backed, leg.trust)
}

#[tokio::test]
async fn what_is_signed_is_read() {
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    let leg = supply(&canister).await.unwrap();
    assert_eq!(figures(&leg), (28_814_549, 23_419_000, 5_395_549, Trust::Verified));
    assert!(leg.at.since(leg.certified_at.unwrap()) < Duration::from_secs(15), "{leg:?}");
    assert_eq!(leg.gap(), 0);
    let leg = certified(&canister).await.unwrap();
    assert_eq!(figures(&leg), (28_814_549, 23_419_000, 5_395_549, Trust::Certified));
    assert!(leg.at.since(leg.certified_at.unwrap()) < Duration::from_secs(15), "{leg:?}");

    let seen = state(&canister).await.unwrap();
    assert_eq!((seen.code, seen.controllers), (Some("11".repeat(32)), vec!["2vxsx-fae".to_owned()]));
    assert!(now().since(seen.certified_at) < Duration::from_secs(15), "{}", seen.certified_at);
    canister.ping(&net(), now(), LIMIT).await.unwrap();
    assert_eq!(canister.subnet_updates(&net(), now(), LIMIT).await, Ok(1_000_003), "three calls were executed");
    assert_eq!(canister.doubts(), Vec::<String>::new());
}

#[tokio::test]
async fn amounts_above_2_53_are_exact() {
    let replica = Replica::start();
    let big = u128::from(u64::MAX) * 1_000_003;
    replica.set(|world| (world.bridge().supply, world.bridge().locked) = (big + 5_395_549, big));
    let canister = bridge(&[&replica]);
    assert_eq!(supply(&canister).await.unwrap().supply, big + 5_395_549);
    assert_eq!(certified(&canister).await.unwrap().algo_backed(), big);
}

/// What each lie makes of the three kinds of answers: untrusted, unreachable, or believed since the lie does not touch it.
#[tokio::test]
async fn no_lie_gives_a_number() {
    const U: &str = "untrusted";
    const N: &str = "nobody";
    const OK: &str = "believed";
    let replica = Replica::start();
    let minutes = Duration::from_mins;
    for (lie, query, call, tree) in [
        (Lie::Old(minutes(10)), U, U, U),
        // old enough for a leg that should be of now, not for the state tree
        (Lie::Old(Duration::from_secs(90)), U, U, OK),
        (Lie::Early(minutes(10)), U, U, U),
        (Lie::OutOfRange, U, U, U),
        (Lie::StrangersDelegation, U, U, U),
        (Lie::StrangersCertificate, U, U, U),
        (Lie::DelegatedTwice, U, U, U),
        (Lie::BrokenSignature, U, OK, OK),
        (Lie::NoSignature, U, OK, OK),
        (Lie::StrangersSignature, U, OK, OK),
        (Lie::ChangedReply, U, OK, OK),
        (Lie::Html, N, N, N),
        (Lie::Status(429), N, N, N),
        (Lie::Status(503), N, N, N),
    ] {
        replica.lie(lie);
        let canister = bridge(&[&replica]);
        let judged = |fault: Option<SupplyFault>| match fault {
            None => OK,
            Some(SupplyFault::Untrusted(_)) => U,
            Some(SupplyFault::Unreachable(_)) => N,
            Some(other) => panic!("{lie:?}: {other}"),
        };
        let of_query = supply(&canister).await.err();
        let of_ping = canister.ping(&net(), now(), LIMIT).await.err();
        assert_eq!(
            (judged(of_query), canister.doubts().is_empty()),
            (query, query == N && of_ping.is_some()),
            "{lie:?}"
        );
        assert_eq!(judged(certified(&canister).await.err()), call, "{lie:?}");
        assert_eq!(judged(state(&canister).await.err()), tree, "{lie:?}");
    }
}

#[tokio::test]
async fn the_key_of_another_network_is_believed_nothing() {
    let replica = Replica::start();
    let network = Network { hosts: vec![replica.url()], root_key: None };
    let canister = Canister::new("simplified_bridge", BRIDGE, Arc::new(network)).unwrap();
    let fault = SupplyFault::Untrusted("the certificate is not signed by the network".to_owned());
    assert_eq!(supply(&canister).await, Err(fault.clone()));
    assert_eq!(certified(&canister).await, Err(fault.clone()));
    assert_eq!(state(&canister).await, Err(fault));
}

#[tokio::test]
async fn a_silent_host_costs_its_share_of_the_time() {
    let (silent, sound) = (Replica::start(), Replica::start());
    silent.lie(Lie::Silence);
    let limit = Duration::from_secs(2);
    let canister = bridge(&[&silent]);
    assert_eq!(canister.supply(&net(), now(), limit).await, Err(SupplyFault::Timeout));
    let canister = bridge(&[&silent, &sound]);
    assert_eq!(canister.supply(&net(), now(), limit * 3).await.unwrap().supply, 28_814_549);
}

#[tokio::test]
async fn a_host_that_lies_is_told_of_although_another_one_is_sound() {
    let (liar, sound) = (Replica::start(), Replica::start());
    liar.lie(Lie::BrokenSignature);
    let canister = bridge(&[&liar, &sound]);
    assert_eq!(supply(&canister).await.unwrap().supply, 28_814_549);
    assert_eq!(canister.doubts(), ["the node's signature does not hold"]);
    assert_eq!(canister.doubts(), Vec::<String>::new(), "each is told once");
    sound.lie(Lie::Status(503));
    let fault = supply(&canister).await.unwrap_err();
    assert!(fault.is_untrusted(), "a lie outweighs an absence: {fault}");
}

#[tokio::test]
async fn a_refusal_tells_how_the_canister_is() {
    use replica::Health as Is;
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    for (is, health) in [
        (Is::FROZEN, Health::Frozen),
        (Is::STOPPED, Health::Stopped),
        (Is::EMPTY, Health::Gone),
        (Is::Gone, Health::Gone),
        (Is::Refuses(5, "IC0503", "trapped"), Health::Degraded),
        (Is::Refuses(2, "IC0208", "try again"), Health::Unknown),
    ] {
        replica.set(|world| world.bridge().health = is.clone());
        for fault in [
            supply(&canister).await.err(),
            certified(&canister).await.err(),
            canister.ping(&net(), now(), LIMIT).await.err(),
        ] {
            let Some(SupplyFault::Rejected { health: told, .. }) = fault else { panic!("{is:?}: {fault:?}") };
            assert_eq!(told, health, "{is:?}");
        }
        // the state tree answers for it, whatever it does itself
        assert_eq!(state(&canister).await.is_ok(), is != Is::Gone, "{is:?}");
    }
}

#[tokio::test]
async fn what_a_canister_no_longer_says_is_no_number() {
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    let changes: [Change; 5] = [
        (|world| world.bridge().decimals = 8, "the token has 8 decimals and not 6"),
        (|world| world.bridge().forgets = Some("get_swap_config"), "IC0536"),
        (
            |world| world.bridge().answers = Some(("get_reserve_ratio", b"DIDL\0\0".to_vec())),
            "get_reserve_ratio cannot be read",
        ),
        (|world| world.bridge().cketh_backed = 28_814_550, "more is backed by ckETH"),
        (
            |world| world.bridge().answers = Some(("icrc1_total_supply", b"DIDL\0\x01\x7d\x07".to_vec())),
            "icrc1_total_supply says 7 and get_reserve_ratio 28814549",
        ),
    ];
    for (change, expected) in changes {
        replica.set(|world| *world.bridge() = replica::Canister::default());
        replica.set(change);
        let fault = supply(&canister).await.unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
        assert!(!fault.is_untrusted() && !fault.is_of_the_host(), "{fault}");
    }
}

#[tokio::test]
async fn a_mint_in_the_middle_of_a_leg_is_read_again() {
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    replica.before("icrc1_decimals", |world| {
        world.bridge().supply += 1_000;
        world.bridge().cketh_backed += 1_000;
    });
    let leg = supply(&canister).await.unwrap();
    assert_eq!((figures(&leg), leg.gap()), ((28_815_549, 23_419_000, 5_396_549, Trust::Verified), 0));
    replica.before("get_reserve_ratio", |world| {
        world.bridge().supply += 1_000;
        world.bridge().cketh_backed += 1_000;
    });
    assert_eq!(figures(&certified(&canister).await.unwrap()), (28_816_549, 23_419_000, 5_397_549, Trust::Certified));
}

#[tokio::test]
async fn books_that_are_out_are_told_and_not_hidden() {
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    replica.set(|world| world.bridge().supply += 77);
    assert_eq!(supply(&canister).await.unwrap().gap(), 77);
    assert_eq!(certified(&canister).await.unwrap().gap(), 77);
}

#[tokio::test]
async fn a_node_that_signs_a_wrong_supply_is_not_the_subnet() {
    let replica = Replica::start();
    replica.lie(Lie::LyingNode(1_000_000));
    let canister = bridge(&[&replica]);
    assert_eq!(supply(&canister).await.unwrap().supply, 29_814_549, "one node can do that");
    assert_eq!(certified(&canister).await.unwrap().supply, 28_814_549, "and a certificate shows it");
}

#[tokio::test]
async fn a_call_that_takes_its_time_is_waited_for() {
    let replica = Replica::start();
    replica.set(|world| world.polls = true);
    assert_eq!(certified(&bridge(&[&replica])).await.unwrap().supply, 28_814_549);
}

#[tokio::test]
async fn cycles_are_known_where_everybody_may_see_them() {
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    let fault = canister.cycles(&net(), now(), LIMIT).await.unwrap_err();
    let SupplyFault::Rejected { health, .. } = &fault else { panic!("{fault}") };
    assert_eq!(*health, Health::NotPermitted);
    replica.set(|world| world.bridge().cycles = Some(2_913_551_204_118));
    assert_eq!(canister.cycles(&net(), now(), LIMIT).await, Ok(2_913_551_204_118));
}

#[tokio::test]
async fn absence_is_believed_only_where_it_is_certified() {
    let replica = Replica::start();
    let canister = bridge(&[&replica]);
    replica.set(|world| world.bridge().code = None);
    assert_eq!(state(&canister).await.unwrap().code, None);
    replica.lie(Lie::Pruned);
    let fault = state(&canister).await.unwrap_err();
    assert!(fault.is_untrusted(), "{fault}");
}

#[test]
fn a_root_key_is_whole_or_refused() {
    let good = Replica::root_key();
    assert!(RootKey::parse(&format!(" {}\n", good.to_uppercase())).is_ok());
    let odd = &good[1..];
    let other = good.replacen("3081", "3082", 1);
    for (bad, why) in
        [("xy", "hexadecimal"), ("", "133 bytes"), (&good[2..], "133 bytes"), (odd, "133 bytes"), (&other, "DER")]
    {
        assert!(RootKey::parse(bad).unwrap_err().contains(why), "{bad}");
    }
}

/// Certificates of the main network, recorded years apart, where they lie beside the project: they verify under the key
/// that is built in, and fail by their age alone.
#[test]
fn recorded_certificates_of_the_main_network_hold() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/payloads/ic/mainnet-recorded");
    if !folder.is_dir() {
        return skipped("no recorded certificates beside the project");
    }
    let agent = Agent::builder().with_url("http://localhost").with_ingress_expiry(EXPIRY).build().unwrap();
    let patient = Agent::builder()
        .with_url("http://localhost")
        .with_ingress_expiry(Duration::from_hours(800_000))
        .build()
        .unwrap();
    for (file, id) in
        [("ivg37_time.bin", "ivg37-qiaaa-aaaab-aaaga-cai"), ("224od_subnet.bin", "224od-giaaa-aaaao-ae5vq-cai")]
    {
        let body = std::fs::read(folder.join(file)).unwrap();
        let response: ic_transport_types::ReadStateResponse = serde_cbor::from_slice(&body).unwrap();
        let mut certificate: ic_agent::Certificate = serde_cbor::from_slice(&response.certificate).unwrap();
        let id = Principal::from_text(id).unwrap();
        let verdict = agent.verify(&certificate, id).map_err(|error| fault::of(&error));
        let old = "it was signed more than 240 s ago: is this machine's clock right?";
        assert_eq!(verdict, Err(SupplyFault::Untrusted(old.to_owned())), "{file}");
        patient.verify(&certificate, id).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(state::time_of(&certificate).unwrap() > 1_600_000_000_000_000_000, "{file}");
        *certificate.signature.last_mut().unwrap() ^= 1;
        assert!(patient.verify(&certificate, id).is_err(), "{file} with a bit changed");
    }
}

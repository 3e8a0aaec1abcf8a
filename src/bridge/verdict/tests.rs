//! The table of decisions, row by row.

use super::*;
use crate::bridge::custody::kit::{address, lost, said};
use crate::bridge::supply::{Health, Trust};
use crate::model::time::Time;

const NOW: Time = Time::from_millis(1_795_424_400_000);
/// What ALGO must back, where nothing else is said.
const NEED: u64 = 23_419_000;
const TERMS: Terms = Terms { tolerance: 10_000, tolerance_ppm: 0, known: 0 };

#[allow(clippy::unnecessary_wraps, reason = "a leg is a result")]
fn leg(need: u128) -> Leg {
    let cketh_backed = 5_395_549;
    let supply = need + cketh_backed;
    let (at, certified_at) = (NOW, Some(NOW));
    Ok(SupplyLeg { supply, locked: need, cketh_backed, at, certified_at, trust: Trust::Verified })
}

fn sandwich(said: Vec<Said>) -> Sandwich {
    let need = leg(NEED.into());
    Sandwich { before: need.clone(), said, after: need, took: Duration::from_secs(2) }
}

fn two() -> [Address; 2] {
    [address(1), address(2)]
}

fn decide(sandwich: &Sandwich) -> String {
    shown(&verdict(sandwich, &two(), &TERMS))
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Backed { .. } => verdict.word().to_owned(),
        Verdict::Short { by, nodes } => format!("short {by} by {nodes}"),
        Verdict::Unknown(why) => format!("unknown: {why}"),
    }
}

fn of(said: Vec<Said>) -> String {
    decide(&sandwich(said))
}

/// A node that says so much of both accounts together.
fn sum(node: &str, amount: u64) -> Said {
    said(node, &[Some(amount), Some(0)])
}

#[test]
fn the_amounts_decide_to_the_last_unit() {
    for (amount, wanted) in [
        (NEED + 100_000, "backed"),
        (NEED, "backed"),
        // fees of two withdrawals
        (NEED - 2_000, "backed"),
        (NEED - 10_000, "backed"),
        (NEED - 10_001, "short 10001 by 2"),
        (0, "short 23419000 by 2"),
    ] {
        assert_eq!(of(vec![sum("a", amount), sum("b", amount)]), wanted, "{amount}");
    }
    // above 2^53 one unit still counts
    let need = 9_007_199_254_740_993_u64;
    for (amount, wanted) in [(need - 10_000, "backed"), (need - 10_001, "short 10001 by 2")] {
        let mut sandwich = sandwich(vec![sum("a", amount), sum("b", amount)]);
        (sandwich.before, sandwich.after) = (leg(need.into()), leg(need.into()));
        assert_eq!(decide(&sandwich), wanted);
    }
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_counted_as_nothing() {
    for (nodes, wanted) in [
        (vec![lost("a", "timeout"), lost("b", "timeout")], "unknown: timeout"),
        (
            vec![lost("a", "HTTP 429: too many requests"), lost("b", "it is catching up with the network")],
            "unknown: BIAUDS…MXJAI: a: HTTP 429: too many requests; b: it is catching up with the network",
        ),
        (vec![said("a", &[Some(20_000_000), None]), said("b", &[Some(20_000_000), None])], "unknown: timeout"),
        // the part that is known covers it
        (vec![said("a", &[Some(NEED), None]), said("b", &[Some(NEED), None])], "backed in part"),
        // one node is enough where nobody contradicts it; what it is short of must be confirmed
        (vec![sum("a", NEED), lost("b", "its newest round is 1 min old")], "backed"),
        (vec![sum("a", 0), lost("b", "HTTP 502")], "short 23419000 by 1"),
        (vec![sum("a", NEED), said("b", &[Some(NEED), None])], "backed"),
        (vec![said("a", &[Some(NEED), None]), said("b", &[None, Some(0)])], "backed in part"),
    ] {
        let told = of(nodes);
        let told = told.replace(&address(1).short(), "BIAUDS…MXJAI");
        assert_eq!(told, wanted);
    }
}

#[test]
fn nodes_that_disagree_decide_nothing_unless_two_stand_against_one() {
    let (fine, liar) = (NEED + 5, 0);
    for (amounts, wanted) in [
        (vec![fine, liar], "unknown: X: the nodes disagree: a: 23.419005, b: 0"),
        (vec![NEED, NEED + 100], "unknown: X: the nodes disagree: a: 23.419, b: 23.4191"),
        (vec![fine, fine, liar], "unknown: X: the nodes disagree: a: 23.419005, b: 23.419005, c: 0"),
        (vec![0, 0, fine], "short 23419000 by 2"),
        (vec![0, 7, fine], "short 23418993 by 2"),
        (vec![0, 0, fine, fine], "unknown: X: the nodes disagree: a: 0, b: 0, c: 23.419005, d: 23.419005"),
    ] {
        let all = amounts.iter().zip('a'..).map(|(amount, name)| sum(&name.to_string(), *amount)).collect();
        assert_eq!(of(all).replace(&address(1).short(), "X"), wanted, "{amounts:?}");
    }
}

#[test]
fn what_moves_during_the_look_is_neither_short_nor_fine_by_accident() {
    let look = |before: u64, amount: u64, after: u64| {
        let mut sandwich = sandwich(vec![sum("a", amount), sum("b", amount)]);
        (sandwich.before, sandwich.after) = (leg(before.into()), leg(after.into()));
        decide(&sandwich)
    };
    // a deposit and its mint between custody and the second supply
    assert_eq!(look(10_000_000, 10_000_000, 15_000_000), "unknown: the supply moved while it was read");
    // a burn and its withdrawal between the first supply and custody
    assert_eq!(look(15_000_000, 10_000_000, 10_000_000), "unknown: the supply moved while it was read");
    assert_eq!(look(15_000_000, 15_000_000, 10_000_000), "backed");
    assert_eq!(look(15_000_000, 9_000_000, 10_000_000), "short 1000000 by 2", "short of the smaller one");
}

#[test]
fn a_supply_that_cannot_be_believed_decides_nothing() {
    for (fault, wanted) in [
        (SupplyFault::Timeout, "unknown: timeout"),
        (SupplyFault::Unreachable("429".to_owned()), "unknown: no answer: 429"),
        (
            SupplyFault::Rejected { health: Health::Frozen, text: "IC0207".to_owned() },
            "unknown: the canister is FROZEN: IC0207",
        ),
        (SupplyFault::Untrusted("no signature".to_owned()), "unknown: untrusted reply: no signature"),
        (
            SupplyFault::InterfaceChanged("decimals 8".to_owned()),
            "unknown: the canister's interface changed: decimals 8",
        ),
        (SupplyFault::InMotion, "unknown: the supply moved during each attempt to read it"),
    ] {
        for before in [true, false] {
            let mut sandwich = sandwich(vec![sum("a", 0), sum("b", 0)]);
            *(if before { &mut sandwich.before } else { &mut sandwich.after }) = Err(fault.clone());
            assert_eq!(decide(&sandwich), wanted);
        }
    }
    let mut old = sandwich(vec![sum("a", 0), sum("b", 0)]);
    if let Ok(leg) = &mut old.after {
        leg.certified_at = Some(NOW - Duration::from_secs(61));
    }
    assert_eq!(decide(&old), "unknown: the canister's time and this machine's are 1 min 1 s apart");
    let mut slow = sandwich(vec![sum("a", 0), sum("b", 0)]);
    slow.took = Duration::from_secs(31);
    assert_eq!(decide(&slow), "unknown: the look took 31 s: its figures do not belong together");
}

#[test]
fn nothing_in_circulation_needs_no_backing() {
    let mut sandwich = sandwich(vec![sum("a", 0), sum("b", 0)]);
    (sandwich.before, sandwich.after) = (leg(0), leg(0));
    assert_eq!(decide(&sandwich), "backed");
}

#[test]
fn tolerance_and_what_is_known_are_held_against_it() {
    let with = |terms: Terms, amount: u64| {
        shown(&verdict(&sandwich(vec![sum("a", amount), sum("b", amount)]), &two(), &terms))
    };
    // 1 % of 23 whole algos
    let ratio = Terms { tolerance: 0, tolerance_ppm: 10_000, known: 0 };
    assert_eq!(with(ratio, NEED - 230_000), "backed");
    assert_eq!(with(ratio, NEED - 230_001), "short 230001 by 2");
    let known = Terms { known: 20_000_000, ..TERMS };
    assert_eq!(with(known, 3_419_000), "backed");
    assert_eq!(with(known, 3_409_000), "backed");
    assert_eq!(with(known, 3_408_999), "short 10001 by 2", "what is known is not in it");
    let huge = Terms { known: u128::MAX, tolerance: u128::MAX, tolerance_ppm: 1_000_000 };
    assert_eq!(with(huge, 0), "backed");
}

#[test]
fn a_shortfall_is_believed_at_the_second_look() {
    let short = |nodes| Verdict::Short { by: 700_000, nodes };
    let backed = || Verdict::Backed { partial: false };
    let unknown = || Verdict::Unknown(Reason::TIMEOUT);
    for (first, second, is_certified, wanted) in [
        (short(2), short(2), false, "short 700000 by 2"),
        (short(3), short(2), true, "short 700000 by 2"),
        (short(1), short(1), true, "short 700000 by 1"),
        (
            short(1),
            short(1),
            false,
            "unknown: one node alone says that 0.7 ALGO are missing, and no certified supply confirms it",
        ),
        (
            short(2),
            short(1),
            false,
            "unknown: one node alone says that 0.7 ALGO are missing, and no certified supply confirms it",
        ),
        (short(2), backed(), true, "backed"),
        (short(2), unknown(), true, "unknown: 0.7 ALGO seemed to be missing, and the second look failed: timeout"),
        (backed(), short(2), true, "unknown: 0.7 ALGO seem to be missing; the next look will tell"),
        (unknown(), short(2), false, "unknown: 0.7 ALGO seem to be missing; the next look will tell"),
        (unknown(), backed(), false, "backed"),
        (backed(), unknown(), false, "unknown: timeout"),
    ] {
        assert_eq!(shown(&confirm(&first, second, is_certified)), wanted);
    }
}

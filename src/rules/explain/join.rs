//! Elements that find no partner when two vectors meet.

use std::collections::{BTreeSet, HashSet};

use super::notes::few;
use super::tree::Seen;
use crate::rules::promql::ast::{Binary, Key, Many};
use crate::rules::promql::ops::{Op, Set};
use crate::rules::promql::value::GroupKey;

/// What is to be said of `left op right` that yields `results` elements; nothing where every element finds its place.
pub fn joined(binary: &Binary, left: &[Seen], right: &[Seen], results: usize) -> Option<String> {
    let key = &binary.matching.key;
    let counts = format!("left {}, right {}, result {results}", left.len(), right.len());
    match binary.op {
        Op::Set(Set::Or) => None,
        Op::Set(Set::Unless) => {
            let taken = left.len().checked_sub(results).filter(|taken| *taken > 0)?;
            Some(format!("{counts}: the right side takes {taken} away"))
        }
        Op::Set(Set::And) => {
            if results == left.len() {
                return None;
            }
            lonely(key, left, right, "right").map(|why| format!("{counts}: {why}"))
        }
        Op::Math(_) | Op::Compare(_) => {
            let of_left = || lonely(key, left, right, "right");
            let of_right = || lonely(key, right, left, "left");
            // where one side has many for one, the other side may well have some for nobody
            let lonely = match binary.matching.many {
                Many::Neither => of_left().or_else(of_right),
                Many::Left => of_left(),
                Many::Right => of_right(),
            };
            let pairs = match binary.matching.many {
                Many::Neither => left.len().min(right.len()),
                Many::Left => left.len(),
                Many::Right => right.len(),
            };
            let is_false = || (results < pairs).then(|| "the others do not hold".to_owned());
            lonely.or_else(is_false).map(|why| format!("{counts}: {why}"))
        }
    }
}

/// Which of `ours` have no partner on the `other` side, and why.
fn lonely(key: &Key, ours: &[Seen], theirs: &[Seen], other: &str) -> Option<String> {
    if ours.is_empty() {
        return None;
    }
    if theirs.is_empty() {
        return Some(format!("the {other} side has nothing"));
    }
    let keys: HashSet<GroupKey> = theirs.iter().map(|seen| key.of(&seen.element)).collect();
    let alone: Vec<&Seen> = ours.iter().filter(|seen| !keys.contains(&key.of(&seen.element))).collect();
    if alone.len() == ours.len() {
        return Some(strangers(key, ours, theirs, other));
    }
    let names: Vec<String> = alone.iter().map(|seen| seen.element.to_string()).collect();
    let have = if names.len() == 1 { "has" } else { "have" };
    (!names.is_empty()).then(|| format!("{} {have} no partner on the {other}", few(&names)))
}

/// Why no element has a partner at all.
fn strangers(key: &Key, ours: &[Seen], theirs: &[Seen], other: &str) -> String {
    let names = |side: &[Seen]| -> BTreeSet<String> {
        let keys = side.iter().map(|seen| key.of(&seen.element).1);
        keys.flat_map(|labels| labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()).collect()
    };
    let (ours, theirs) = (names(ours), names(theirs));
    if ours == theirs {
        return format!("no two agree in {}", listed(&ours));
    }
    let (left, right) = if other == "right" { (&ours, &theirs) } else { (&theirs, &ours) };
    if let Key::Only(_) = key {
        let (fewer, more, side) = if right.is_subset(left) { (right, left, "right") } else { (left, right, "left") };
        let lacking = more.difference(fewer).cloned().collect();
        return format!("the {side} side has no label {}, which must agree", listed(&lacking));
    }
    let advice = match left.intersection(right).next() {
        Some(common) => format!("on ({common}) would compare what both have"),
        None => "on () would pair one with one".to_owned(),
    };
    format!("other labels: left has {}, right has {}; {advice}", listed(left), listed(right))
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

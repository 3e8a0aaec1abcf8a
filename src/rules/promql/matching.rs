//! Operators between two vectors: which elements are partners, and what comes of them.

use std::collections::{HashMap, HashSet};

use super::ast::{Binary, Key, Many, Matching};
use super::ops::{Op, Set};
use super::value::{Element, GroupKey, Halt, distinct};
use crate::model::reading::Value;

/// `left op right` for two vectors. An unknown element on either side makes the whole result unknown.
pub fn vectors(binary: &Binary, left: Vec<Element>, right: Vec<Element>) -> Result<Vec<Element>, Halt> {
    for element in left.iter().chain(&right) {
        element.known()?;
    }
    match binary.op {
        Op::Set(set) => distinct(sets(set, &binary.matching.key, left, right)),
        Op::Math(_) | Op::Compare(_) => pairs(binary, left, right),
    }
}

fn sets(set: Set, key: &Key, left: Vec<Element>, right: Vec<Element>) -> Vec<Element> {
    let keys = |elements: &[Element]| elements.iter().map(|element| key.of(element)).collect::<HashSet<GroupKey>>();
    match set {
        Set::And => {
            let partners = keys(&right);
            left.into_iter().filter(|element| partners.contains(&key.of(element))).collect()
        }
        Set::Unless => {
            let partners = keys(&right);
            left.into_iter().filter(|element| !partners.contains(&key.of(element))).collect()
        }
        Set::Or => {
            let partners = keys(&left);
            let others = right.into_iter().filter(|element| !partners.contains(&key.of(element)));
            let others: Vec<Element> = others.collect();
            left.into_iter().chain(others).collect()
        }
    }
}

/// Arithmetic and comparison. `ones` has one element for each key, `many` several where the operator is grouped.
fn pairs(binary: &Binary, left: Vec<Element>, right: Vec<Element>) -> Result<Vec<Element>, Halt> {
    let matching = &binary.matching;
    let is_swapped = matching.many == Many::Right;
    let (many, ones) = if is_swapped { (right, left) } else { (left, right) };
    let ones = by_key(&matching.key, ones, if is_swapped { "left" } else { "right" })?;
    let mut used = HashSet::new();
    let mut results = Vec::with_capacity(many.len());
    for element in many {
        let key = matching.key.of(&element);
        let Some(partner) = ones.get(&key) else { continue };
        let (own, other) = (element.known()?, partner.known()?);
        let (a, b) = if is_swapped { (other, own) } else { (own, other) };
        let result = result_labels(binary, element, partner);
        let is_new = match matching.many {
            Many::Neither => used.insert(key),
            Many::Left | Many::Right => used.insert((result.name.clone(), result.labels.clone())),
        };
        if !is_new {
            return Err(ambiguous(matching, &result));
        }
        if let Some(value) = binary.op.combine(a, b, binary.bool) {
            results.push(Element { value: Value::Known(value), ..result });
        }
    }
    distinct(results)
}

fn by_key(key: &Key, elements: Vec<Element>, side: &str) -> Result<HashMap<GroupKey, Element>, Halt> {
    let mut found: HashMap<GroupKey, Element> = HashMap::with_capacity(elements.len());
    for element in elements {
        let group = key.of(&element);
        if let Some(first) = found.get(&group) {
            return Err(Halt::Failed(format!(
                "{first} and {element} on the {side} side have the same matching labels {}; there must be one: aggregate \
                 them, match on more labels, or say which side has many with group_left or group_right",
                shown(&group)
            )));
        }
        found.insert(group, element);
    }
    Ok(found)
}

fn ambiguous(matching: &Matching, result: &Element) -> Halt {
    Halt::Failed(match matching.many {
        Many::Neither => format!(
            "several elements on the left side match one on the right side ({result}); if that is meant, write group_left"
        ),
        Many::Left | Many::Right => format!("two results have the same labels: {result}; match on more labels"),
    })
}

fn shown(key: &GroupKey) -> String {
    let (name, labels) = key;
    Element { name: name.clone(), labels: labels.clone(), value: Value::Known(0.0) }.to_string()
}

/// Name and labels of the result for `element` and its partner on the "one" side.
fn result_labels(binary: &Binary, element: Element, partner: &Element) -> Element {
    let matching = &binary.matching;
    let mut result = element;
    if matching.many == Many::Neither {
        let labels = match &matching.key {
            Key::Only(_) => {
                let (name, labels) = matching.key.of(&result);
                result.name = name;
                labels
            }
            Key::AllBut(_) => matching.key.of(&result).1,
        };
        result.labels = labels;
    }
    if binary.op.drops_name(binary.bool) {
        result.name = None;
    }
    for label in &matching.include {
        let value = partner.label(label).to_owned();
        result = result.with_label(label, &value);
    }
    result
}

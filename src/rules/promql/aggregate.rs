//! Aggregations: one result for each group of elements.

use std::collections::HashMap;

use super::ast::{Aggregate, Key};
use super::numeric;
use super::ops::Aggregation;
use super::value::{Element, GroupKey, Halt};
use crate::model::reading::Value;

/// The parameter of an aggregation, evaluated.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// Most have none.
    None,
    /// `k` or φ.
    Number(f64),
    /// The label of `count_values`.
    Label(String),
}

/// A group: its key, and its members with their values, in the order of the vector.
struct Group {
    key: GroupKey,
    members: Vec<(Element, f64)>,
}

/// `op by (…) (elements)`. One unknown element makes the whole result unknown.
pub fn aggregate(aggregate: &Aggregate, parameter: &Parameter, elements: Vec<Element>) -> Result<Vec<Element>, Halt> {
    let groups = groups(&aggregate.key, elements)?;
    Ok(match (aggregate.op, parameter) {
        (Aggregation::Topk, Parameter::Number(k)) => {
            groups.into_iter().flat_map(|group| top(group, *k, true)).collect()
        }
        (Aggregation::Bottomk, Parameter::Number(k)) => {
            groups.into_iter().flat_map(|group| top(group, *k, false)).collect()
        }
        (Aggregation::CountValues, Parameter::Label(label)) => count_values(groups, label),
        (op, _) => groups.into_iter().filter_map(|group| reduce(op, parameter, group)).collect(),
    })
}

fn groups(key: &Key, elements: Vec<Element>) -> Result<Vec<Group>, Halt> {
    let mut places: HashMap<GroupKey, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for element in elements {
        let value = element.known()?;
        let group = key.of(&element);
        let at = *places.entry(group.clone()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.members.push((element, value)),
            None => groups.push(Group { key: group, members: vec![(element, value)] }),
        }
    }
    Ok(groups)
}

/// The one number of a group.
fn reduce(op: Aggregation, parameter: &Parameter, group: Group) -> Option<Element> {
    let values = || group.members.iter().map(|(_, value)| *value);
    let value = match op {
        Aggregation::Sum => numeric::sum(values()),
        Aggregation::Avg => numeric::mean(values()),
        Aggregation::Min => numeric::min(values())?,
        Aggregation::Max => numeric::max(values())?,
        Aggregation::Count => group.members.len() as f64,
        Aggregation::Group => 1.0,
        Aggregation::Stdvar => numeric::variance(values()),
        Aggregation::Stddev => numeric::variance(values()).sqrt(),
        Aggregation::Quantile => match parameter {
            Parameter::Number(phi) => numeric::quantile(*phi, values().collect()),
            Parameter::None | Parameter::Label(_) => return None,
        },
        Aggregation::Topk | Aggregation::Bottomk | Aggregation::CountValues => return None,
    };
    let (name, labels) = group.key;
    Some(Element { name, labels, value: Value::Known(value) })
}

/// The `k` largest or smallest members with their own labels, NaN last.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float beyond usize saturates")]
fn top(group: Group, k: f64, largest: bool) -> Vec<Element> {
    let mut members = group.members;
    members.sort_by(|(_, a), (_, b)| {
        let order = if largest { b.partial_cmp(a) } else { a.partial_cmp(b) };
        order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
    members.into_iter().take(k as usize).map(|(element, _)| element).collect()
}

/// How often each value occurs; the value becomes the label. Groups that this label told apart become one.
fn count_values(groups: Vec<Group>, label: &str) -> Vec<Element> {
    let mut places: HashMap<GroupKey, usize> = HashMap::new();
    let mut counts: Vec<(Element, f64)> = Vec::new();
    for Group { key: (name, labels), members } in groups {
        for (_, value) in members {
            let element = Element { name: name.clone(), labels: labels.clone(), value: Value::Known(0.0) };
            let element = element.with_label(label, &go_float(value));
            let at = *places.entry((element.name.clone(), element.labels.clone())).or_insert(counts.len());
            match counts.get_mut(at) {
                Some((_, count)) => *count += 1.0,
                None => counts.push((element, 1.0)),
            }
        }
    }
    counts.into_iter().map(|(element, count)| Element { value: Value::Known(count), ..element }).collect()
}

/// A number as Prometheus prints it into a label: the shortest form without an exponent.
fn go_float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

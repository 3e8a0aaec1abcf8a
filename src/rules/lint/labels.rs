//! The labels of an expression's elements, as far as they are known before any sample is seen.
//!
//! A metric of the catalogue always has exactly its labels; matchers fix some values; `by`, `without`, `on`, `ignoring`,
//! `group_…`, `label_replace` and their like change the set. What a probe's program yields may have any label.

use super::catalogue::Catalogue;
use crate::rules::promql::NAME;
use crate::rules::promql::ast::{Aggregate, Binary, Call, Expr, Key, Many, Node, Selector, Test};
use crate::rules::promql::check::Kind;
use crate::rules::promql::functions::Body;
use crate::rules::promql::ops::{Aggregation, Op, Set};
use crate::rules::windows::ALERTS;

/// The labels that the elements of an expression may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSet<'a> {
    labels: Vec<Label<'a>>,
    /// There may be others.
    is_open: bool,
}

/// One label of every or some elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// Its name.
    pub name: &'a str,
    /// Every element has it; otherwise some may.
    pub is_certain: bool,
    /// The only value it can have, where that is known.
    pub value: Option<&'a str>,
}

impl<'a> LabelSet<'a> {
    /// The label `name`, if it is known of.
    pub fn get(&self, name: &str) -> Option<&Label<'a>> {
        self.labels.iter().find(|label| label.name == name)
    }

    /// Whether an element can have the label `name`.
    pub fn may_have(&self, name: &str) -> bool {
        self.is_open || self.get(name).is_some()
    }

    /// The names that are known of.
    pub fn names(&self) -> Vec<&'a str> {
        self.labels.iter().map(|label| label.name).collect()
    }

    fn with(mut self, label: Label<'a>) -> Self {
        self.labels.retain(|have| have.name != label.name);
        self.labels.push(label);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.labels.retain(|have| have.name != name);
        self
    }

    /// What `by` or `without`, `on` or `ignoring` leave of the set.
    fn keyed(mut self, key: &'a Key) -> Self {
        match key {
            Key::Only(names) => {
                let listed = names.iter().map(|name| &**name).filter(|name| *name != NAME);
                let of = |name| self.get(name).copied().or_else(|| self.is_open.then(|| possible(name)));
                Self { labels: listed.filter_map(of).collect(), is_open: false }
            }
            Key::AllBut(names) => {
                self.labels.retain(|label| names.iter().all(|name| **name != *label.name));
                self
            }
        }
    }

    /// What is known of elements that are of one set or of the other.
    fn or(self, other: &Self) -> Self {
        let mut labels: Vec<Label<'a>> = Vec::new();
        for label in self.labels.iter().chain(&other.labels) {
            if labels.iter().any(|have| have.name == label.name) {
                continue;
            }
            let both = self.get(label.name).zip(other.get(label.name));
            labels.push(Label {
                name: label.name,
                is_certain: both.is_some_and(|(a, b)| a.is_certain && b.is_certain),
                value: both.and_then(|(a, b)| a.value.filter(|value| b.value == Some(value))),
            });
        }
        Self { labels, is_open: self.is_open || other.is_open }
    }
}

/// What every series of [`ALERTS`] has, beside the labels of its alert.
const ALERT_LABELS: [&str; 3] = ["alertname", "alertstate", "severity"];

/// A label of which nothing is known but that it may be there.
const fn possible(name: &str) -> Label<'_> {
    Label { name, is_certain: false, value: None }
}

/// Whether no element of `expr` can have any label.
pub fn has_no_labels(expr: &Expr, catalogue: Catalogue<'_>) -> bool {
    of(expr, catalogue) == LabelSet::default()
}

/// The labels of the elements of `expr`, a vector or range; a number has none.
pub fn of<'a>(expr: &'a Expr, catalogue: Catalogue<'a>) -> LabelSet<'a> {
    match &expr.node {
        Node::Number(_) | Node::Text(_) => LabelSet::default(),
        Node::Selector(selector) => of_selector(selector, catalogue),
        Node::Subquery(subquery) => of(&subquery.of, catalogue),
        Node::Negate(inner) | Node::Paren(inner) => of(inner, catalogue),
        Node::Binary(binary) => of_binary(binary, catalogue),
        Node::Aggregate(aggregate) => of_aggregate(aggregate, catalogue),
        Node::Call(call) => of_call(call, catalogue),
    }
}

fn of_selector<'a>(selector: &'a Selector, catalogue: Catalogue<'a>) -> LabelSet<'a> {
    let certain = |name| Label { name, is_certain: true, value: None };
    let mut set = match (catalogue.metric_of(selector), selector.metric.as_deref()) {
        (Some(metric), _) => LabelSet { labels: metric.labels.iter().copied().map(certain).collect(), is_open: false },
        (None, Some(ALERTS)) => LabelSet { labels: ALERT_LABELS.map(certain).to_vec(), is_open: true },
        (None, _) => LabelSet { labels: Vec::new(), is_open: true },
    };
    for matcher in selector.matchers.iter().filter(|matcher| *matcher.label != *NAME) {
        let name = &*matcher.label;
        set = match &matcher.test {
            // a label that the metric cannot have is a fault of its own
            _ if !set.may_have(name) => set,
            Test::Is(value) if value.is_empty() => set.without(name),
            Test::Is(value) => set.with(Label { value: Some(value), ..certain(name) }),
            test if !test.accepts("") && set.get(name).is_none() => set.with(certain(name)),
            _ => set,
        };
    }
    set
}

fn of_aggregate<'a>(aggregate: &'a Aggregate, catalogue: Catalogue<'a>) -> LabelSet<'a> {
    let set = of(&aggregate.of, catalogue);
    match (aggregate.op, aggregate.parameter.as_ref().map(|parameter| &parameter.node)) {
        (Aggregation::Topk | Aggregation::Bottomk, _) => set,
        (Aggregation::CountValues, Some(Node::Text(label))) => {
            set.keyed(&aggregate.key).with(Label { is_certain: true, ..possible(label) })
        }
        (Aggregation::CountValues, _) => LabelSet { is_open: true, ..set.keyed(&aggregate.key) },
        _ => set.keyed(&aggregate.key),
    }
}

fn of_call<'a>(call: &'a Call, catalogue: Catalogue<'a>) -> LabelSet<'a> {
    let vectors = call.arguments.iter().find(|argument| matches!(argument.kind(), Kind::Vector | Kind::Range));
    let Some(vector) = vectors.filter(|_| call.function.result == Kind::Vector) else { return LabelSet::default() };
    match call.function.body {
        Body::Absent => of_absent(vector),
        Body::Histogram(_) => of(vector, catalogue).without("le"),
        Body::LabelReplace | Body::LabelJoin => match call.arguments.get(1).map(|target| &target.bare().node) {
            Some(Node::Text(target)) => of(vector, catalogue).with(possible(target)),
            _ => LabelSet { is_open: true, ..of(vector, catalogue) },
        },
        _ => of(vector, catalogue),
    }
}

/// What is absent has the labels that its selector demands by `=`.
fn of_absent(expr: &Expr) -> LabelSet<'_> {
    let Node::Selector(selector) = &expr.bare().node else { return LabelSet::default() };
    selector.matchers.iter().fold(LabelSet::default(), |set, matcher| match &matcher.test {
        Test::Is(value) if !value.is_empty() => {
            set.with(Label { name: &matcher.label, is_certain: true, value: Some(value) })
        }
        _ => set,
    })
}

fn of_binary<'a>(binary: &'a Binary, catalogue: Catalogue<'a>) -> LabelSet<'a> {
    let (left, right) = (of(&binary.left, catalogue), of(&binary.right, catalogue));
    match (binary.left.kind(), binary.right.kind(), binary.op) {
        (Kind::Scalar, _, _) => right,
        (_, Kind::Scalar, _) | (_, _, Op::Set(Set::And | Set::Unless)) => left,
        (_, _, Op::Set(Set::Or)) => left.or(&right),
        (_, _, Op::Math(_) | Op::Compare(_)) => joined(binary, left, right),
    }
}

/// The labels of the results of arithmetic or a comparison between two vectors.
fn joined<'a>(binary: &'a Binary, left: LabelSet<'a>, right: LabelSet<'a>) -> LabelSet<'a> {
    let matching = &binary.matching;
    let (many, one) = match matching.many {
        Many::Neither => return left.keyed(&matching.key),
        Many::Left => (left, right),
        Many::Right => (right, left),
    };
    matching.include.iter().fold(many, |set, name| match one.get(name) {
        Some(label) => set.with(*label),
        None if one.is_open => set.with(possible(name)),
        None => set.without(name),
    })
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;
    use crate::rules::promql;

    /// The labels of `text`: `?` behind one that only some elements have, `…` where there may be others.
    fn labels(text: &str) -> String {
        let expr = promql::parse(text).unwrap();
        let LabelSet { labels, is_open } = of(&expr, kit::CATALOGUE);
        let one = |label: &Label<'_>| {
            let value = label.value.map(|value| format!("={value}")).unwrap_or_default();
            format!("{}{value}{}", label.name, if label.is_certain { "" } else { "?" })
        };
        let mut all: Vec<String> = labels.iter().map(one).collect();
        all.extend(is_open.then(|| "…".to_owned()));
        all.join(" ")
    }

    #[test]
    fn labels_are_known_from_the_expression() {
        for (text, wanted) in [
            ("disk_ratio", "mount"),
            ("disk_ratio{mount='/'}", "mount=/"),
            ("disk_ratio{mount=~'/.*'}", "mount"),
            ("disk_ratio{mount=''}", ""),
            ("memory_ratio", ""),
            ("from_a_program", "…"),
            ("from_a_program{queue='a', kind!='', zone=~'x?'}", "queue=a kind …"),
            ("ALERTS{alertname='X', mount='/'}", "alertstate severity alertname=X mount=/ …"),
            ("{probe='web'}", "probe=web …"),
            ("sum(jobs_total)", ""),
            ("sum by (queue) (jobs_total)", "queue"),
            ("sum by (queue, zone) (jobs_total{queue='a'})", "queue=a"),
            ("sum by (zone) (from_a_program)", "zone?"),
            ("sum without (queue) (jobs_total)", "outcome"),
            ("sum without (queue) (from_a_program{queue='a'})", "…"),
            ("topk(3, jobs_total)", "queue outcome"),
            ("count_values('version', jobs_total)", "version"),
            ("count_values by (queue) ('version', jobs_total)", "queue version"),
            ("rate(jobs_total{outcome='failed'}[5m])", "queue outcome=failed"),
            ("max_over_time(sum(jobs_total)[1h:])", ""),
            ("-(disk_ratio)", "mount"),
            ("vector(1)", ""),
            ("hour()", ""),
            ("scalar(disk_ratio) + vector(1)", ""),
            ("time() - disk_ratio", "mount"),
            ("absent(jobs_total{queue='a', outcome=~'f.*'})", "queue=a"),
            ("absent(sum(jobs_total))", ""),
            ("label_replace(disk_ratio, 'fs', '$1', 'mount', '/(.*)')", "mount fs?"),
            ("label_join(memory_ratio, 'a', '-', 'b')", "a?"),
            ("histogram_quantile(0.9, from_a_program{le='1'})", "…"),
            ("disk_ratio and memory_ratio", "mount"),
            ("jobs_total{queue='a'} or disk_ratio", "outcome? queue? mount?"),
            ("jobs_total{queue='a'} or jobs_total{queue='b', outcome='x'}", "outcome queue"),
            ("jobs_total or label_replace(memory_ratio, 'queue', 'x', '', '')", "queue? outcome?"),
            ("jobs_total{queue='a'} or from_a_program", "outcome? queue? …"),
            ("jobs_total / on (queue) jobs_total", "queue"),
            ("jobs_total / ignoring (queue) jobs_total", "outcome"),
            ("jobs_total > 5", "queue outcome"),
            ("jobs_total / on () group_left () memory_ratio", "queue outcome"),
            ("memory_ratio * on () group_right (outcome) jobs_total{queue='a'}", "queue=a"),
            ("jobs_total{queue='a'} * on () group_left (mount) disk_ratio", "outcome queue=a mount"),
        ] {
            assert_eq!(labels(text), wanted, "{text}");
        }
    }
}

//! Joins whose sides never meet, and groupings by labels that are not there: both give an empty result without a word.

use std::ops::Range;

use super::catalogue::Catalogue;
use super::labels::{self, LabelSet};
use super::names::known_labels;
use crate::model::fault::{Fault, Place};
use crate::rules::promql::NAME;
use crate::rules::promql::ast::{Aggregate, Binary, Expr, Key, Many, Matching, Node};
use crate::rules::promql::check::Kind;
use crate::rules::promql::ops::{Op, Set};

/// Why no element of one side can have a partner on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict<'a> {
    /// Every element of the left has this label, none of the right.
    OnlyLeft(&'a str),
    /// The other way round.
    OnlyRight(&'a str),
    /// This label has one value on the left and another one on the right.
    Values(&'a str, &'a str, &'a str),
}

/// Whether elements of `left` and `right` that agree on `key` can exist; otherwise what keeps them apart.
pub fn conflict<'a>(key: &'a Key, left: &LabelSet<'a>, right: &LabelSet<'a>) -> Option<Conflict<'a>> {
    let names: Vec<&str> = match key {
        Key::Only(names) => names.iter().map(|name| &**name).collect(),
        Key::AllBut(names) => {
            let is_kept = |name: &&str| names.iter().all(|but| **but != **name);
            left.names().into_iter().chain(right.names()).filter(is_kept).collect()
        }
    };
    names.into_iter().filter(|name| *name != NAME).find_map(|name| {
        let certain = |set: &LabelSet<'a>| set.get(name).copied().filter(|label| label.is_certain);
        match (certain(left), certain(right)) {
            (Some(_), None) if !right.may_have(name) => Some(Conflict::OnlyLeft(name)),
            (None, Some(_)) if !left.may_have(name) => Some(Conflict::OnlyRight(name)),
            (Some(a), Some(b)) => {
                let (a, b) = a.value.zip(b.value).filter(|(a, b)| a != b)?;
                Some(Conflict::Values(name, a, b))
            }
            _ => None,
        }
    })
}

/// The faults of labels in the operators and aggregations of `expr`, written as `text`.
pub fn faults(expr: &Expr, text: &str, catalogue: Catalogue<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    gather(expr, text, catalogue, &mut faults);
    faults
}

fn gather(expr: &Expr, text: &str, catalogue: Catalogue<'_>, faults: &mut Vec<Fault>) {
    match &expr.node {
        Node::Binary(binary) if [binary.left.kind(), binary.right.kind()] == [Kind::Vector, Kind::Vector] => {
            of_binary(binary, text, catalogue, faults);
        }
        Node::Aggregate(aggregate) => faults.extend(of_aggregate(aggregate, expr, text, catalogue)),
        _ => {}
    }
    for child in expr.children() {
        gather(child, text, catalogue, faults);
    }
}

fn of_binary(binary: &Binary, text: &str, catalogue: Catalogue<'_>, faults: &mut Vec<Fault>) {
    let (left, right) = (labels::of(&binary.left, catalogue), labels::of(&binary.right, catalogue));
    let matching = &binary.matching;
    let strangers = strangers(matching, text, &left, &right);
    // `or` takes what has no partner: there a join that never matches is the normal case
    let is_union = binary.op == Op::Set(Set::Or);
    let apart = conflict(&matching.key, &left, &right).filter(|_| !is_union && strangers.is_empty());
    if let Some(conflict) = apart {
        let span = matching.span.clone().unwrap_or_else(|| binary.op_span.clone());
        let op = text.get(binary.op_span.clone()).unwrap_or_default();
        let help = way_out(binary, op, conflict, &left, &right);
        faults.push(never_meet(binary.op, conflict, span).help(help));
    }
    faults.extend(strangers);
}

fn never_meet(op: Op, conflict: Conflict<'_>, span: Range<usize>) -> Fault {
    let what = match op {
        Op::Set(Set::Unless) => "this excludes nothing, ever",
        _ => "this has no result, ever",
    };
    Fault::error(format!("{what}: {}", conflict.why("the left side", "the right side")), Place::File(span))
}

impl Conflict<'_> {
    /// What keeps the sides apart, in words that name them.
    pub fn why(&self, left: &str, right: &str) -> String {
        match self {
            Self::OnlyLeft(label) => format!("{left} has the label `{label}`, {right} never has it"),
            Self::OnlyRight(label) => format!("{right} has the label `{label}`, {left} never has it"),
            Self::Values(label, a, b) => format!("`{label}` is {a:?} in {left} and {b:?} in {right}"),
        }
    }

    const fn label(&self) -> &str {
        match self {
            Self::OnlyLeft(label) | Self::OnlyRight(label) | Self::Values(label, ..) => label,
        }
    }
}

/// The matching clause with which the sides would meet.
fn way_out(binary: &Binary, op: &str, conflict: Conflict<'_>, left: &LabelSet<'_>, right: &LabelSet<'_>) -> String {
    let label = conflict.label();
    if let Key::Only(names) = &binary.matching.key {
        let rest: Vec<&str> = names.iter().map(|name| &**name).filter(|name| *name != label).collect();
        return format!("match only on labels that both sides have: on ({})", rest.join(", "));
    }
    let is_set = matches!(binary.op, Op::Set(_));
    let group = match conflict {
        _ if is_set => "",
        Conflict::OnlyLeft(_) => " group_left",
        Conflict::OnlyRight(_) => " group_right",
        Conflict::Values(..) => "",
    };
    let shared: Vec<&str> = left.names().into_iter().filter(|name| right.may_have(name)).collect();
    match conflict {
        Conflict::Values(..) => format!("leave it out of the match: {op} ignoring ({label}) …"),
        _ if shared.is_empty() => {
            format!("if all of them belong together, match on no label: {op} on (){group} …")
        }
        _ => format!("name the labels that must agree: {op} on ({}){group} …", shared.join(", ")),
    }
}

/// Labels of `on`, `ignoring` and `group_…` that no operand has.
fn strangers(matching: &Matching, text: &str, left: &LabelSet<'_>, right: &LabelSet<'_>) -> Vec<Fault> {
    let Some(clause) = matching.span.clone() else { return Vec::new() };
    let mut faults = Vec::new();
    let (word, names) = match &matching.key {
        Key::Only(names) => ("on", names),
        Key::AllBut(names) => ("ignoring", names),
    };
    let mut known = left.names();
    known.extend(right.names().into_iter().filter(|name| left.get(name).is_none()));
    for name in names.iter().filter(|name| ***name != *NAME && !left.may_have(name) && !right.may_have(name)) {
        let what = format!("neither side has the label `{name}` that `{word}` names");
        let place = Place::File(word_in(text, clause.clone(), name).unwrap_or_else(|| clause.clone()));
        faults.push(Fault::warning(what, place).help(both_labels(name, &known)));
    }
    let one = if matching.many == Many::Right { left } else { right };
    for name in matching.include.iter().filter(|name| !one.may_have(name)) {
        let what = format!("the side with one element has no label `{name}` to copy");
        let place = Place::File(last_word_in(text, clause.clone(), name).unwrap_or_else(|| clause.clone()));
        faults.push(Fault::warning(what, place).help(known_labels(name, &one.names())));
    }
    faults
}

fn both_labels(name: &str, known: &[&str]) -> String {
    if known.is_empty() { "neither has any label".to_owned() } else { known_labels(name, known) }
}

/// Labels of `by` and `without` that the operand does not have.
fn of_aggregate(aggregate: &Aggregate, expr: &Expr, text: &str, catalogue: Catalogue<'_>) -> Vec<Fault> {
    let set = labels::of(&aggregate.of, catalogue);
    let (word, names) = match &aggregate.key {
        Key::Only(names) => ("by", names),
        Key::AllBut(names) => ("without", names),
    };
    let strange = names.iter().filter(|name| ***name != *NAME && !set.may_have(name));
    strange
        .map(|name| {
            let before = aggregate.op_span.end..aggregate.of.span.start;
            let after = aggregate.of.span.end..expr.span.end;
            let place = word_in(text, after, name).or_else(|| word_in(text, before, name));
            let what = format!("what {} takes has no label `{name}` for `{word}`", aggregate.op.name());
            let place = Place::File(place.unwrap_or_else(|| aggregate.op_span.clone()));
            Fault::warning(what, place).help(known_labels(name, &set.names()))
        })
        .collect()
}

/// Where `word` stands by itself in a part of the text: the tree keeps no places of the labels in a clause.
fn word_in(text: &str, part: Range<usize>, word: &str) -> Option<Range<usize>> {
    words_in(text, part, word).next()
}

fn last_word_in(text: &str, part: Range<usize>, word: &str) -> Option<Range<usize>> {
    words_in(text, part, word).last()
}

fn words_in<'a>(text: &'a str, part: Range<usize>, word: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let start = part.start;
    let within = text.get(part).unwrap_or_default();
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    within.match_indices(word).map(|(at, _)| at..at + word.len()).filter_map(move |at| {
        let touches_before = within.get(..at.start).is_some_and(|before| before.ends_with(is_letter));
        let touches_after = within.get(at.end..).is_some_and(|after| after.starts_with(is_letter));
        (!touches_before && !touches_after).then(|| start + at.start..start + at.end)
    })
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        kit::told(text, |expr| faults(expr, text, kit::CATALOGUE))
    }

    #[test]
    fn joins_that_can_match_pass() {
        for text in [
            "disk_ratio / free_bytes",
            "disk_ratio > 0.5 and on (mount) free_bytes < 1e9",
            "jobs_total{outcome='failed'} / ignoring (outcome) jobs_total{outcome='done'}",
            "jobs_total{outcome='failed'} / ignoring (outcome) group_left jobs_total",
            "sum(jobs_total{outcome='failed'}) / sum(jobs_total)",
            "sum by (queue) (jobs_total) / on (queue) group_right jobs_total",
            "disk_ratio and on () memory_ratio",
            "disk_ratio * on () group_left memory_ratio",
            "disk_ratio * scalar(memory_ratio)",
            "from_a_program / disk_ratio",
            "disk_ratio / from_a_program",
            "disk_ratio / label_replace(memory_ratio, 'mount', '/', '', '')",
            "(disk_ratio or memory_ratio) + (memory_ratio or disk_ratio)",
            "disk_ratio or memory_ratio",
            "jobs_total{queue='a'} or jobs_total{queue='b'}",
            "jobs_total{queue=~'a|b'} / jobs_total{queue='b'}",
            "label_replace(memory_ratio, 'mount', '/', '', '') / disk_ratio",
            "absent(jobs_total{queue='a'}) and on (queue) jobs_total",
            "sum by (__name__) (disk_ratio)",
            "vector(1) - memory_ratio",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn joins_that_never_match_are_errors() {
        for (text, wanted) in [
            (
                "disk_ratio / memory_ratio",
                "error: this has no result, ever: the left side has the label `mount`, the right side never has it \
                 [/] if all of them belong together, match on no label: / on () group_left …",
            ),
            (
                "memory_ratio > 0.5 and disk_ratio > 0.5",
                "error: this has no result, ever: the right side has the label `mount`, the left side never has it \
                 [and] if all of them belong together, match on no label: and on () …",
            ),
            (
                "disk_ratio unless probe_success",
                "error: this excludes nothing, ever: the left side has the label `mount`, the right side never has it \
                 [unless] if all of them belong together, match on no label: unless on () …",
            ),
            (
                "jobs_total{outcome='failed'} / jobs_total{outcome='done'}",
                "error: this has no result, ever: `outcome` is \"failed\" in the left side and \"done\" in the right side \
                 [/] leave it out of the match: / ignoring (outcome) …",
            ),
            (
                "jobs_total / sum by (queue) (jobs_total)",
                "error: this has no result, ever: the left side has the label `outcome`, the right side never has it \
                 [/] name the labels that must agree: / on (queue) group_left …",
            ),
            (
                "disk_ratio * on (mount) group_left memory_ratio",
                "error: this has no result, ever: the left side has the label `mount`, the right side never has it \
                 [on (mount) group_left] match only on labels that both sides have: on ()",
            ),
            (
                "disk_ratio > vector(0.5)",
                "error: this has no result, ever: the left side has the label `mount`, the right side never has it \
                 [>] if all of them belong together, match on no label: > on () group_left …",
            ),
            (
                "sum(max by (queue) (jobs_total) * memory_ratio)",
                "error: this has no result, ever: the left side has the label `queue`, the right side never has it \
                 [*] if all of them belong together, match on no label: * on () group_left …",
            ),
        ] {
            assert_eq!(told(text), [wanted], "{text}");
        }
    }

    #[test]
    fn groupings_by_labels_that_are_not_there_are_warned_of() {
        for (text, wanted) in [
            (
                "sum by (quue) (jobs_total)",
                "warning: what sum takes has no label `quue` for `by` [quue] did you mean `queue`?",
            ),
            (
                "sum(jobs_total) without (kind)",
                "warning: what sum takes has no label `kind` for `without` [kind] its labels are queue, outcome",
            ),
            (
                "max by (mount) (memory_ratio)",
                "warning: what max takes has no label `mount` for `by` [mount] it has no labels at all",
            ),
            (
                "disk_ratio / on (mont) free_bytes",
                "warning: neither side has the label `mont` that `on` names [mont] did you mean `mount`?",
            ),
            (
                "disk_ratio / ignoring (host) free_bytes",
                "warning: neither side has the label `host` that `ignoring` names [host] its labels are mount",
            ),
            (
                "memory_ratio / on (host) cpu_usage_ratio",
                "warning: neither side has the label `host` that `on` names [host] neither has any label",
            ),
            (
                "jobs_total * on (queue) group_left (mount) sum by (queue) (jobs_total)",
                "warning: the side with one element has no label `mount` to copy [mount] its labels are queue",
            ),
        ] {
            assert_eq!(told(text), [wanted], "{text}");
        }
    }
}

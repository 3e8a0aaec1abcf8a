//! The parts of an expression, each with what it yields.

use std::fmt::Write as _;

use super::lines::{LEAST, wrapped};
use super::{FEW, Look};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::Value;
use crate::model::time::Time;
use crate::rules::explain::{Found, Seen, Tree};
use crate::text::{safe, units};
use crate::view::explain::Explanation;

/// Columns kept for what a part yields.
const YIELD: usize = 26;

/// An expression with its parts, each a step further in.
pub fn tree(tree: &Tree, explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let width = widest(tree, 0).min(look.terminal.width.max(60) - YIELD);
    let mut out = String::new();
    Drawing { explanation, look, width }.part(tree, 0, &mut out);
    out
}

/// The columns of the longest part with its indentation.
fn widest(tree: &Tree, depth: usize) -> usize {
    let own = 2 * depth + tree.text.chars().count();
    tree.parts.iter().map(|part| widest(part, depth + 1)).fold(own, usize::max)
}

struct Drawing<'a> {
    explanation: &'a Explanation<'a>,
    look: &'a Look<'a>,
    /// Where the second column begins.
    width: usize,
}

impl Drawing<'_> {
    fn part(&self, tree: &Tree, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        let text = wrapped(&tree.text, self.width, &indent, &format!("{indent}    "));
        let (line, more) = text.split_once('\n').unwrap_or((&text, ""));
        out.push_str(format!("{line:width$}  {}", self.yields(tree), width = self.width).trim_end());
        out.push('\n');
        out.push_str(more);
        let (first, rest) = (format!("{indent}  - "), format!("{indent}    "));
        for note in reason(tree).iter().chain(&tree.notes) {
            out.push_str(&wrapped(&safe::one_line(note), self.look.terminal.width, &first, &rest));
        }
        if only(tree).is_none() && (tree.parts.is_empty() || self.look.all) {
            self.elements(tree, depth + 1, out);
        }
        for part in &tree.parts {
            self.part(part, depth + 1, out);
        }
    }

    /// What a part yields, in a few words.
    fn yields(&self, tree: &Tree) -> String {
        if let Some((value, seen)) = only(tree) {
            let age = seen.measured.map_or_else(String::new, |time| self.age(time));
            let joined = [text(value, tree.unit), age].into_iter().filter(|word| !word.is_empty());
            return format!("= {}", joined.collect::<Vec<_>>().join(", "));
        }
        match &tree.found {
            Found::Number(value) => format!("= {}", text(*value, tree.unit)),
            Found::Text(_) => String::new(),
            Found::Elements(seen) => {
                let is_unknown = |seen: &&Seen| matches!(seen.element.value, Value::Unknown(_));
                match seen.iter().filter(is_unknown).count() {
                    0 => counted(seen.len(), "element"),
                    unknown => format!("{}, {unknown} unknown", counted(seen.len(), "element")),
                }
            }
            Found::Samples(range, seen) => {
                let samples = seen.iter().filter_map(|seen| seen.samples).sum();
                format!("{} in {}", counted(samples, "sample"), units::duration_literal(*range))
            }
            Found::Unknown(_) => "? unknown".to_owned(),
            Found::Failed(_) => "cannot be evaluated".to_owned(),
        }
    }

    fn elements(&self, tree: &Tree, depth: usize, out: &mut String) {
        let all = tree.found.seen();
        let is_asked = |seen: &&Seen| self.look.focus.is_none_or(|focus| agrees(focus, seen.labels()));
        let asked: Vec<&Seen> = all.iter().filter(is_asked).collect();
        let shown = if self.look.all { asked.len() } else { FEW };
        let metric = |seen: &Seen| seen.element.name.clone();
        let is_mixed = all.iter().any(|seen| metric(seen) != all.first().and_then(metric));
        let rows: Vec<Row> = asked.iter().take(shown).map(|seen| self.row(seen, tree.unit, is_mixed)).collect();
        let column = |of: fn(&Row) -> &String| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
        let (name, value) = (column(|row| &row.name).min(60), column(|row| &row.value));
        let indent = "  ".repeat(depth);
        for row in &rows {
            let line = format!("{indent}{:name$}  {:>value$}  {}", row.name, row.value, row.rest);
            let room = if self.look.all { usize::MAX } else { self.look.terminal.width.max(LEAST) };
            out.push_str(safe::clip(line.trim_end(), room).trim_end());
            out.push('\n');
        }
        let others = all.len() - asked.len();
        let more = asked.len() - rows.len();
        for (count, what) in [(more, "more"), (others, "of other label sets")] {
            if count > 0 {
                let _ = writeln!(out, "{indent}and {count} {what}");
            }
        }
    }

    /// `is_mixed`: the metrics differ, and their names tell the elements apart.
    fn row(&self, seen: &Seen, unit: Option<Unit>, is_mixed: bool) -> Row {
        let name = if is_mixed { seen.element.to_string() } else { format!("{:?}", seen.labels()) };
        let mut rest: Vec<String> = Vec::new();
        rest.extend(seen.samples.filter(|samples| *samples > 0).map(|samples| counted(samples, "sample")));
        let value = match &seen.element.value {
            Value::Known(value) => {
                rest.extend(seen.measured.map(|time| self.age(time)).filter(|age| !age.is_empty()));
                text(*value, unit)
            }
            Value::Unknown(reason) => {
                rest.push(unmeasured(seen.unknown_since, reason.as_str(), self.explanation.now));
                "?".to_owned()
            }
        };
        Row { name: safe::one_line(&name), value, rest: rest.join(", ") }
    }

    /// How old a sample is; of the past nothing where it is that tick's own.
    fn age(&self, time: Time) -> String {
        let age = self.explanation.stands_at().since(time);
        if age.is_zero() && self.explanation.is_past {
            return String::new();
        }
        format!("{} old", units::duration(age))
    }
}

/// Why a part cannot be evaluated, said at the innermost one that cannot.
fn reason(tree: &Tree) -> Option<String> {
    let is_failed = |part: &Tree| matches!(part.found, Found::Failed(_));
    match &tree.found {
        Found::Failed(why) if !tree.parts.iter().any(is_failed) => Some(safe::answer(why)),
        _ => None,
    }
}

/// An element in three columns.
struct Row {
    name: String,
    value: String,
    rest: String,
}

/// `not measured since 05:58:00: timeout`.
pub fn unmeasured(since: Option<Time>, reason: &str, now: Time) -> String {
    let since = since.map_or_else(String::new, |since| format!(" since {}", since.clock(now)));
    let reason = safe::answer(reason);
    if reason == "not measured" { format!("not measured{since}") } else { format!("not measured{since}: {reason}") }
}

/// The value of the only element, where that has no labels and so needs no line of its own.
fn only(tree: &Tree) -> Option<(f64, &Seen)> {
    match tree.found.seen() {
        [seen] if seen.labels().is_empty() && seen.samples.is_none() => match seen.element.value {
            Value::Known(value) => Some((value, seen)),
            Value::Unknown(_) => None,
        },
        _ => None,
    }
}

/// Whether no label contradicts.
fn agrees(focus: &Labels, labels: &Labels) -> bool {
    labels.iter().all(|(name, value)| focus.get(name).is_none_or(|wanted| wanted == value))
}

fn text(value: f64, unit: Option<Unit>) -> String {
    unit.map_or_else(|| units::number(value), |unit| units::value(value, unit))
}

fn counted(count: usize, noun: &str) -> String {
    if count == 0 { "nothing".to_owned() } else { units::counted(count, noun) }
}

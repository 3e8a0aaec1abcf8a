//! A rule's condition for one severity as one `PromQL` expression, exact where nothing is unknown.
//!
//! Each step wraps what the one before wrote: a result beyond its limit, or still beyond `clear` while its alert fires;
//! where the guard holds; not excepted; of this severity. Labels are compared by marks, labels that `label_replace` puts
//! on and takes off again: that is exact for whatever the expression yields, which matchers in its selectors are not.

use crate::model::severity::Severity;
use crate::rules::ladder::{Ladder, Rung};
use crate::rules::promql::ast::{Expr, Key, Matcher, Node, Test as Asks};
use crate::rules::promql::check::Kind;
use crate::rules::rule::{Rule, Test, compared, filters};
use crate::rules::scope::{Except, Guard};
use crate::rules::windows::ALERTS;

/// Begins the names of labels that exist only inside an expression.
const MARK: &str = "sippar_mark";

/// What is true exactly where `rule` is bad at `severity`.
pub fn condition(rule: &Rule, severity: Severity) -> String {
    let bad = match &rule.test {
        Test::Ladder(ladder) => {
            ladder.rungs[severity].map(|rung| beyond(rule, ladder, severity, rung)).unwrap_or_default()
        }
        Test::Condition(_) => written(&rule.expr, &rule.text).to_owned(),
    };
    let bad = rule.guard.iter().fold(bad, |bad, guard| guarded(&bad, guard));
    let bad = rule.except.iter().fold(bad, |bad, except| without(&bad, except));
    of_severity(rule, severity, bad)
}

/// What is true where the rule's value is not there at all; nothing where it always is, or where a condition that does
/// not hold looks the same.
pub fn no_value(rule: &Rule) -> Option<String> {
    let value = compared(&rule.expr).map_or(&rule.expr, |compared| compared.value);
    let can_be_told = value.kind() == Kind::Vector && !filters(value);
    can_be_told.then(|| format!("absent({})", written(value, &rule.text)))
}

fn beyond(rule: &Rule, ladder: &Ladder, severity: Severity, rung: Rung) -> String {
    let (value, worse) = (operand(&rule.expr, &rule.text), ladder.worse.symbol());
    let beyond = format!("{value} {worse} {}", number(rung.limit));
    let Some(clear) = rung.clear else { return beyond };
    let own = ["alertname", "alertstate", "severity"].into_iter();
    let ignored: Vec<&str> = own.chain(rule.labels.iter().map(|(name, _)| name)).collect();
    let matchers = [("alertname", &*rule.name), ("alertstate", "firing"), ("severity", severity.name())];
    let matchers = matchers.map(|(name, value)| format!("{name}={}", quoted(value))).join(", ");
    let fires = format!("ignoring ({}) {ALERTS}{{{matchers}}}", ignored.join(", "));
    format!("{beyond} or ({value} {worse} {} and {fires})", number(clear))
}

fn guarded(bad: &str, guard: &Guard) -> String {
    let key = match &guard.key {
        Key::AllBut(labels) if labels.is_empty() => String::new(),
        Key::AllBut(labels) => format!("ignoring ({}) ", labels.join(", ")),
        Key::Only(labels) => format!("on ({}) ", labels.join(", ")),
    };
    format!("({bad}) and {key}({})", written(&guard.expr, &guard.text))
}

/// `bad` without the results whose labels pass all matchers: each matcher has a mark, which is on a result whose label
/// passes it; a negated matcher wants its mark to be off.
fn without(bad: &str, except: &Except) -> String {
    let names: Vec<String> = (1..=except.matchers.len()).map(|number| format!("{MARK}_{number}")).collect();
    let (mut marked, mut pattern) = (format!("({bad})"), "vector(1)".to_owned());
    for (name, matcher) in names.iter().zip(&except.matchers) {
        let (wants, regex) = asked(matcher);
        marked = replaced(&marked, name, "1", &matcher.label, &regex);
        if wants {
            pattern = replaced(&pattern, name, "1", "", "");
        }
    }
    let kept = format!("{marked} unless on ({}) {pattern}", names.join(", "));
    names.iter().fold(kept, |kept, name| replaced(&kept, name, "", "", ""))
}

/// Whether a matcher wants the pattern to match, and the pattern.
fn asked(matcher: &Matcher) -> (bool, String) {
    match &matcher.test {
        Asks::Is(value) => (true, regex::escape(value)),
        Asks::IsNot(value) => (false, regex::escape(value)),
        Asks::Like(pattern) => (true, bare(pattern.as_str()).to_owned()),
        Asks::Unlike(pattern) => (false, bare(pattern.as_str()).to_owned()),
    }
}

/// A pattern without the anchors that the parser put around it; Prometheus puts its own.
fn bare(pattern: &str) -> &str {
    pattern.strip_prefix("^(?s:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(pattern)
}

/// Those results of a condition that have this severity, where it depends on their labels: the mark says which one, and
/// the entry that counts, the first one, writes it last.
fn of_severity(rule: &Rule, severity: Severity, bad: String) -> String {
    let Test::Condition(own) = rule.test else { return bad };
    if rule.severity_by_label.is_empty() {
        return bad;
    }
    let marked = replaced(&format!("({bad})"), MARK, own.name(), "", "");
    let marked = rule.severity_by_label.iter().rev().fold(marked, |marked, (label, value, severity)| {
        replaced(&marked, MARK, severity.name(), label, &regex::escape(value))
    });
    let pattern = replaced("vector(1)", MARK, severity.name(), "", "");
    replaced(&format!("{marked} and on ({MARK}) {pattern}"), MARK, "", "", "")
}

fn replaced(of: &str, target: &str, with: &str, source: &str, regex: &str) -> String {
    let texts = [target, with, source, regex].map(quoted).join(", ");
    format!("label_replace({of}, {texts})")
}

/// The bytes of an expression, without comments around it.
fn written<'a>(expr: &Expr, text: &'a str) -> &'a str {
    text.get(expr.span.clone()).unwrap_or(text)
}

/// An expression as the left side of a comparison; a number without labels becomes a result.
fn operand(expr: &Expr, text: &str) -> String {
    let text = written(expr, text);
    match &expr.node {
        _ if expr.kind() == Kind::Scalar => format!("vector({text})"),
        Node::Selector(_) | Node::Call(_) | Node::Aggregate(_) | Node::Paren(_) => text.to_owned(),
        _ => format!("({text})"),
    }
}

/// A number that `PromQL` reads as the same one.
fn number(value: f64) -> String {
    let is_handy = value == 0.0 || (1e-6..1e15).contains(&value.abs());
    if is_handy { value.to_string() } else { format!("{value:e}") }
}

/// A string of `PromQL`, which knows every escape of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

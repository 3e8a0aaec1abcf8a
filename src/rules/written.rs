//! A compiled rule as TOML again: the rule in effect, whoever wrote which part of it.

use std::fmt::Write as _;
use std::time::Duration;

use toml::Spanned;

use super::ladder::{Rung, Worse};
use super::rule::{Rule, Test};
use super::template::Template;
use crate::model::metric::Unit;
use crate::model::severity::{BySeverity, Severity};
use crate::model::verdict::NoData;
use crate::text::units;

/// The `[[rule]]` that gives this rule; defaults are left out.
pub fn toml(rule: &Rule) -> String {
    let mut keys = Keys::default();
    keys.text("alert", Some(&rule.name));
    keys.text("expr", Some(&rule.text));
    keys.text("when", rule.guard.as_ref().map(|guard| guard.text.as_str()));
    match &rule.test {
        Test::Ladder(ladder) => {
            let key = if ladder.worse == Worse::Higher { "above" } else { "below" };
            let limits = |of: fn(&Rung) -> Option<f64>| {
                BySeverity::from_fn(|severity| {
                    let value = ladder.rungs[severity].as_ref().and_then(of)?;
                    Some(quantity(value, rule.unit))
                })
            };
            keys.table(key, &limits(|rung| Some(rung.limit)));
            keys.table("clear", &limits(|rung| rung.clear));
        }
        Test::Condition(severity) => keys.text("severity", Some(severity.name())),
    }
    keys.durations("for", rule, &rule.policy.pending_for);
    keys.durations("keep_firing_for", rule, &rule.policy.keep_firing_for);
    keys.text("no_data", no_data(rule.policy.no_data));
    keys.raw("worse_by", rule.worse_by.map(|value| quantity(value, rule.unit)));
    keys.names("depends_on", rule.depends_on.iter().map(|name| &**name));
    keys.route(rule);
    keys.respond(rule);
    let except: Vec<String> = rule.except.iter().map(|except| quoted(&except.text)).collect();
    keys.raw("except", (!except.is_empty()).then(|| format!("[{}]", except.join(", "))));
    let labels: Vec<String> = rule.labels.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
    keys.raw("labels", (!labels.is_empty()).then(|| format!("{{ {} }}", labels.join(", "))));
    keys.text("summary", rule.summary.as_ref().map(Template::text));
    keys.text("resolved", rule.resolved.as_ref().map(Template::text));
    keys.text("action", rule.action.as_ref().map(Template::text));
    keys.text("runbook_url", rule.runbook_url.as_deref());
    keys.document()
}

/// Keys and their values in order.
#[derive(Default)]
struct Keys(Vec<(&'static str, String)>);

impl Keys {
    fn raw(&mut self, key: &'static str, value: Option<String>) {
        self.0.extend(value.map(|value| (key, value)));
    }

    fn text(&mut self, key: &'static str, value: Option<&str>) {
        self.raw(key, value.map(quoted));
    }

    fn table(&mut self, key: &'static str, values: &BySeverity<Option<String>>) {
        let each = values.iter().filter_map(|(severity, value)| Some(format!("{severity} = {}", value.as_ref()?)));
        let each: Vec<String> = each.collect();
        self.raw(key, (!each.is_empty()).then(|| format!("{{ {} }}", each.join(", "))));
    }

    fn names<'a>(&mut self, key: &'static str, names: impl Iterator<Item = &'a str>) {
        let names: Vec<String> = names.map(quoted).collect();
        self.raw(key, (!names.is_empty()).then(|| format!("[{}]", names.join(", "))));
    }

    /// One list where all severities of the rule have the same, otherwise a table.
    fn route(&mut self, rule: &Rule) {
        let list = |severity| {
            let names: &Vec<_> = rule.route[severity].as_ref()?;
            let names: Vec<String> = names.iter().map(|name| quoted(name.get_ref())).collect();
            Some(format!("[{}]", names.join(", ")))
        };
        let lists = BySeverity::from_fn(list);
        let own: Vec<&Option<String>> =
            lists.iter().filter(|(severity, _)| rule.policy.severities[*severity]).map(|(_, list)| list).collect();
        match own.as_slice() {
            [Some(first), rest @ ..] if rest.iter().all(|other| other.as_ref() == Some(first)) => {
                self.raw("route", Some(first.clone()));
            }
            _ => self.table("route", &lists),
        }
    }

    /// One name where it is for every severity, otherwise a table.
    fn respond(&mut self, rule: &Rule) {
        let named = |severity| rule.respond[severity].as_ref().map(|name: &Spanned<String>| quoted(name.get_ref()));
        match (named(Severity::Low), Severity::ALL.iter().filter(|severity| named(**severity).is_some()).count()) {
            (Some(only), 1) => self.raw("respond", Some(only)),
            _ => self.table("respond", &BySeverity::from_fn(named)),
        }
    }

    /// One value where all severities of the rule agree, otherwise a table; nothing where there is nothing to wait for.
    fn durations(&mut self, key: &'static str, rule: &Rule, durations: &BySeverity<Duration>) {
        let own: Vec<Duration> =
            durations.iter().filter(|(s, _)| rule.policy.severities[*s]).map(|(_, duration)| *duration).collect();
        match own.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => {
                self.raw(key, (!first.is_zero()).then(|| quoted(&units::duration_literal(*first))));
            }
            _ => {
                let shown = |severity| {
                    let duration: Duration = durations[severity];
                    let counts = rule.policy.severities[severity] && !duration.is_zero();
                    counts.then(|| quoted(&units::duration_literal(duration)))
                };
                self.table(key, &BySeverity::from_fn(shown));
            }
        }
    }

    fn document(&self) -> String {
        let width = self.0.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let mut out = "[[rule]]\n".to_owned();
        for (key, value) in &self.0 {
            let _ = writeln!(out, "{key:width$} = {value}");
        }
        out
    }
}

const fn no_data(no_data: NoData) -> Option<&'static str> {
    match no_data {
        NoData::Hold => None,
        NoData::Fire => Some("fire"),
        NoData::Resolve => Some("resolve"),
    }
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A number in the unit that people write it in, where that loses nothing.
fn quantity(value: f64, unit: Unit) -> String {
    let literal = units::quantity_literal(value, unit);
    if literal.parse::<f64>().is_ok() { literal } else { quoted(&literal) }
}

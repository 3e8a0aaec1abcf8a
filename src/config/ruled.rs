//! The rules of a configuration: as they are written in its files, and as they are in force.

use std::sync::Arc;

use super::file::RulesFile;
use super::{Texts, parse};
use crate::collect::{Source, catalogue, probe};
use crate::model::fault::SourceText;
use crate::rules::{self, Cadence, Catalogue, Rule};
use crate::text::check::Check;

/// The shipped rule whose severity each probe decides for itself.
pub(super) const PROBE_FAILED: &str = "PROBE_FAILED";

/// The rules as they are written in `config.toml` and in `rules.d`.
pub(super) fn written(main: Vec<rules::Settings>, texts: &Texts, check: &mut Check<'_>) -> Vec<rules::Settings> {
    let mut written = of_text(main, texts.main.as_ref());
    for text in &texts.rules {
        written.extend(of_text(rules_file(text, check).rule, Some(text)));
    }
    written
}

/// A file of rules and their tests; what cannot be used is a fault.
pub(super) fn rules_file(text: &Arc<SourceText>, check: &mut Check<'_>) -> RulesFile {
    check.source = Some(text.clone());
    let (file, faults) = parse::parse::<RulesFile>(&text.text);
    for fault in faults {
        check.fault(fault);
    }
    file
}

/// The rules in force. `is_open`: there may be metrics that nothing here yields.
pub(super) fn compiled(
    written: Vec<rules::Settings>,
    sources: &[Arc<Source>],
    is_open: bool,
    check: &mut Check<'_>,
) -> Vec<Rule> {
    let shipped = rules::shipped::settings().unwrap_or_else(|fault| {
        check.fault(fault);
        Vec::new()
    });
    let probes: Vec<&probe::Probe> = sources.iter().filter_map(|source| source.probe()).collect();
    let is_open = is_open || probes.iter().any(|probe| probe.may_yield_metrics());
    let cadences = cadences(sources);
    let catalogue = Catalogue { metrics: catalogue::METRICS, is_open, sources: &cadences };
    let mut rules = rules::compile(written, &shipped, catalogue, check);
    for rule in rules.iter_mut().filter(|rule| &*rule.name == PROBE_FAILED) {
        for probe in &probes {
            rule.set_severity("probe", &probe.name, probe.severity);
        }
    }
    rules
}

/// How often each source measures.
pub(super) fn cadences(sources: &[Arc<Source>]) -> Vec<Cadence> {
    let of = |source: &Arc<Source>| Cadence {
        kind: source.kind(),
        name: source.name().to_string(),
        label: source.probe().map(|probe| ("probe", probe.name.clone())),
        every: source.every(),
    };
    sources.iter().map(of).collect()
}

/// Rules together with the text that their places point into.
pub(super) fn of_text(rules: Vec<rules::Settings>, text: Option<&Arc<SourceText>>) -> Vec<rules::Settings> {
    rules.into_iter().map(|rule| rules::Settings { source: text.cloned(), ..rule }).collect()
}

/// Gives the rules that the runbook has a section about a link where they have none.
pub(super) fn with_runbooks(rules: Vec<Rule>, base: &str) -> Vec<Rule> {
    let link = |mut rule: Rule| {
        if rule.runbook_url.is_none() && !base.is_empty() && rules::runbook::section(&rule.name).is_some() {
            rule.runbook_url = Some(format!("{base}#{}", rule.name.to_lowercase()));
        }
        rule
    };
    rules.into_iter().map(link).collect()
}

//! `rules list`: the rules in effect, or the metrics they can use.

use serde::Serialize;

use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::collect::catalogue::METRICS;
use crate::model::metric::{Metric, Unit};
use crate::model::severity::Severity;
use crate::output::{rules as screen, terminal};
use crate::rules::{ALERTS_METRIC, Rule, Test};
use crate::text::units;

/// One rule of `rules list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    expr: &'a str,
    when: Option<&'a str>,
    unit: Unit,
    severities: Vec<Rung>,
    origin: String,
}

/// One severity of it.
#[derive(Serialize)]
struct Rung {
    severity: Severity,
    /// In words; empty where the rule has no limit in one number.
    limit_text: String,
    /// Null for a condition.
    limit: Option<f64>,
    clear: Option<f64>,
    #[serde(rename = "for")]
    pending_for: String,
    keep_firing_for: String,
}

/// Prints the rules, or with `--metrics` the catalogue.
pub fn run(context: &Context, args: &cli::RulesList) -> Ended {
    if args.metrics {
        return metrics(context);
    }
    if args.noise {
        return super::noise::run(context, args);
    }
    let config = context.config()?;
    if context.global.json {
        print_json(&config.rules.iter().map(listed).collect::<Vec<_>>())?;
    } else if context.terminal.out {
        terminal::print(&screen::list(&config.rules, context.global.verbose > 0, &context.terminal))?;
    } else {
        terminal::print(&context.terminal.fit(&screen::lines(&config.rules)))?;
    }
    Ok(0)
}

fn metrics(context: &Context) -> Ended {
    let all: Vec<Metric> = [ALERTS_METRIC].into_iter().chain(METRICS.iter().copied()).collect();
    if context.global.json {
        print_json(&all)?;
    } else if context.terminal.out {
        terminal::print(&screen::metrics(&all, &context.terminal))?;
    } else {
        terminal::print(&context.terminal.fit(&screen::metric_lines(&all)))?;
    }
    Ok(0)
}

fn listed(rule: &Rule) -> Listed<'_> {
    let severities = Severity::ALL.into_iter().filter(|severity| rule.policy.severities[*severity]);
    Listed {
        name: &rule.name,
        expr: &rule.text,
        when: rule.guard.as_ref().map(|guard| guard.text.as_str()),
        unit: rule.unit,
        severities: severities.map(|severity| rung(rule, severity)).collect(),
        origin: rule.origin.to_string(),
    }
}

fn rung(rule: &Rule, severity: Severity) -> Rung {
    let limits = match &rule.test {
        Test::Ladder(ladder) => ladder.rungs[severity],
        Test::Condition(_) => None,
    };
    Rung {
        severity,
        limit_text: rule.limit_text(severity),
        limit: limits.map(|rung| rung.limit),
        clear: limits.and_then(|rung| rung.clear),
        pending_for: units::duration_literal(rule.policy.pending_for[severity]),
        keep_firing_for: units::duration_literal(rule.policy.keep_firing_for[severity]),
    }
}

//! `rules export`: the rules in effect in the language of another system.

use serde::Serialize;

use crate::cli::{self, System};
use crate::cmd::{Context, Ended, print_json};
use crate::collect::catalogue::METRICS;
use crate::output::terminal;
use crate::rules::Catalogue;
use crate::rules::export::{self, Inhibition};

/// `rules export --inhibit-rules --json`.
#[derive(Serialize)]
struct InhibitRules {
    inhibit_rules: Vec<Inhibition>,
}

/// Prints them as a rule file, or with `--inhibit-rules` what Alertmanager must be told besides.
pub fn run(context: &Context, args: &cli::RulesExport) -> Ended {
    let cli::RulesExport { format: System::Prometheus, inhibit_rules } = args;
    let config = context.config()?;
    let groups = export::groups(&config.rules, config.interval);
    let inhibitions = export::inhibitions(&config.rules, Catalogue::of(METRICS));
    match (context.global.json, inhibit_rules) {
        (true, true) => print_json(&InhibitRules { inhibit_rules: inhibitions })?,
        (true, false) => print_json(&groups)?,
        (false, true) => terminal::print(&export::inhibit_document(&inhibitions))?,
        (false, false) => terminal::print(&export::document(&groups, &inhibitions))?,
    }
    Ok(0)
}

//! `rules show`: the rule in effect, and who wrote it.

use std::fmt::Write as _;

use serde::Serialize;

use super::named;
use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::output::terminal;
use crate::rules::{Rule, written};
use crate::text::safe;

/// `rules show --json`.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    origin: String,
    toml: String,
}

/// Prints the rule as TOML that can be pasted into a configuration.
pub fn run(context: &Context, args: &cli::RulesShow) -> Ended {
    let config = context.config()?;
    let rule = named(&config, &args.name)?;
    if context.global.json {
        let shown = Shown { name: &rule.name, origin: rule.origin.to_string(), toml: written::toml(rule) };
        print_json(&shown)?;
    } else {
        terminal::print(&context.terminal.fit(&page(rule)))?;
    }
    Ok(0)
}

fn page(rule: &Rule) -> String {
    let mut page = format!("# {}: {}\n", rule.name, safe::one_line(&rule.origin.to_string()));
    for (label, value, severity) in &rule.severity_by_label {
        let _ = writeln!(page, "# {severity} where {label} is {}", safe::one_line(value));
    }
    page.push_str(&written::toml(rule));
    page
}

//! `rules check`: everything that is wrong or doubtful, each at its place.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::config::{self, Config, Examined, Flags};
use crate::model::fault::{Located, Weight};
use crate::model::severity::BySeverity;
use crate::model::trouble::{Kind, Trouble};
use crate::output::diagnostics;
use crate::output::terminal;
use crate::rules::{self, Rule, Windows, untold};
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::{safe, units};

/// Prints every fault; 78 where there is an error, or with `--strict` a warning.
pub fn run(context: &Context, args: cli::RulesCheck) -> Ended {
    let cli::RulesCheck { files, strict, data } = args;
    let with_routes = files.is_empty();
    let flags = Flags { rules: files, unseen: false, ..context.flags(None) };
    let Examined { config, mut faults } = config::examine(&flags, &context.env)?;
    // what rests on a broken part would be told as broken too
    if errors(&faults) == 0 {
        if with_routes {
            faults.extend(untold(
                &config.rules,
                BySeverity::from_fn(|severity| !config.routes.hears[severity].is_empty()),
            ));
        }
        if data {
            faults.extend(on_data(context, &config)?);
        }
    }
    tell(context, &config, &faults)?;
    if errors(&faults) == 0 && (faults.is_empty() || !strict) {
        return Ok(0);
    }
    let trouble = Trouble::new(Kind::Config, counted(&faults));
    let only_warnings = errors(&faults) == 0;
    Err(if only_warnings { trouble.help("with --strict a warning counts as an error") } else { trouble }.into())
}

fn errors(faults: &[Located]) -> usize {
    faults.iter().filter(|located| located.fault.weight == Weight::Error).count()
}

/// `1 error, 2 warnings`.
fn counted(faults: &[Located]) -> String {
    let errors = errors(faults);
    let part = |count: usize, noun: &str| (count > 0).then(|| units::counted(count, noun));
    let parts: Vec<String> =
        [part(errors, "error"), part(faults.len() - errors, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no faults".to_owned() } else { parts.join(", ") }
}

fn tell(context: &Context, config: &Config, faults: &[Located]) -> Result<(), Trouble> {
    if context.global.json {
        return print_json(&faults.iter().map(Row::of).collect::<Vec<_>>());
    }
    if context.global.quiet < 2 && !faults.is_empty() {
        terminal::say(context.faults(faults).trim_end());
    }
    if context.terminal.out && context.global.quiet == 0 && errors(faults) == 0 {
        terminal::print(&format!("{} rules, {}\n", config.rules.len(), counted(faults)))?;
    }
    Ok(())
}

/// What every rule meets at the last tick.
fn on_data(context: &Context, config: &Config) -> Result<Vec<Located>, Trouble> {
    let store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let Some(last) = store.last_tick()? else {
        return Err(Trouble::new(Kind::Unavailable, "nothing has been checked yet").help("run: sippar-mon check"));
    };
    let needs = rules::needs(config.rules.iter().flat_map(Rule::exprs), last);
    let mut windows = Windows::new(store.windows(&needs, last)?);
    let open = store.open_alerts()?;
    windows.set_alerts(open.iter().map(|(_, alert)| alert), last);
    Ok(config.rules.iter().flat_map(|rule| rules::data::faults(rule, &windows, last)).collect())
}

/// One fault of `rules check --json`.
#[derive(Serialize)]
struct Row {
    /// `error` or `warning`.
    severity: &'static str,
    file: Option<PathBuf>,
    line: Option<usize>,
    column: Option<usize>,
    /// The rule that it stands in.
    rule: Option<String>,
    message: String,
    help: Option<String>,
}

impl Row {
    fn of(located: &Located) -> Self {
        let Located { source, fault } = located;
        let at = diagnostics::position(located);
        Self {
            severity: if fault.weight == Weight::Error { "error" } else { "warning" },
            file: source.as_ref().map(|source| source.path.clone()),
            line: at.map(|at| at.line),
            column: at.map(|at| at.column),
            rule: source.as_ref().zip(at).and_then(|(source, at)| rule_at(&source.text, at.offset)),
            message: safe::one_line(&fault.what),
            help: fault.help.as_deref().map(safe::one_line),
        }
    }
}

/// The name of the rule in whose table the byte `at` of `text` lies.
fn rule_at(text: &str, at: usize) -> Option<String> {
    let header = "[[rule]]";
    let start = text.get(..text.floor_char_boundary(at + header.len()))?.rfind(header)?;
    let rest = text.get(start..)?;
    let is_header = |line: &str| line.trim_start().starts_with('[');
    // headers before the place are brackets of its own values
    let next = rest.match_indices('\n').map(|(end, _)| end).filter(|end| start + end >= at);
    let end = next.into_iter().find(|end| rest.get(end + 1..).is_some_and(is_header)).unwrap_or(rest.len());
    let table: toml::Table = rest.get(..end)?.parse().ok()?;
    Some(table.get("rule")?.as_array()?.first()?.get("alert")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_belongs_to_the_rule_it_stands_in() {
        let text = "[monitor]\nname = 'x'\n[[rule]]\nalert = 'A'\nabove = 1\n\n  [[rule]]\nexpr = '[1'\nalert = \"B\"\n\
                    [channels.x]\nslack = 1\n[[rule]]\nalert =";
        let at = |place: &str| rule_at(text, text.find(place).unwrap());
        assert_eq!(at("name = 'x'"), None);
        assert_eq!(at("'A'"), Some("A".to_owned()));
        assert_eq!(at("above"), Some("A".to_owned()));
        assert_eq!(at("'[1'"), Some("B".to_owned()));
        assert_eq!(at("\"B\""), Some("B".to_owned()));
        assert_eq!(rule_at(text, text.len()), None, "a table that is broken has no name");
    }

    #[test]
    fn faults_are_counted_in_words() {
        use crate::model::fault::{Fault, Place};
        let located = |fault| Located { source: None, fault };
        let (error, warning) =
            (located(Fault::error("x", Place::Nowhere)), located(Fault::warning("x", Place::Nowhere)));
        assert_eq!(counted(&[]), "no faults");
        assert_eq!(counted(&[error.clone(), warning.clone(), error]), "2 errors, 1 warning");
        assert_eq!(counted(&[warning]), "1 warning");
    }
}

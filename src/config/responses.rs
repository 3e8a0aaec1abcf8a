//! `[responses.NAME]`: programs that are run when an alert rises, and which rules name them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::net::program;
use crate::rules::Rule;
use crate::text::check::Check;
use crate::text::nearest::nearest;

/// The time limit, unless the settings say otherwise, and the longest one: a process that waits for a program holds
/// nothing up, but is there.
const TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(5);
/// How often it may be started within which time, unless the settings say otherwise.
const MAX_RUNS: u32 = 3;
const PER: Duration = Duration::from_hours(1);

/// `[responses.NAME]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The program, by its absolute path, and its arguments. No shell reads them.
    command: Option<Spanned<Vec<String>>>,
    /// After this time it and its children are killed; default 30s, at most 5m.
    timeout: Option<Spanned<String>>,
    /// How often it may be started within `per`; default 3.
    max_runs: Option<Spanned<u32>>,
    /// Default 1h.
    per: Option<Spanned<String>>,
    /// Everything but the start itself.
    dry_run: bool,
}

/// A response, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// Its name in the configuration.
    pub name: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// After this time it is killed.
    pub limit: Duration,
    /// How often the monitor may start it within [`Response::per`].
    pub max_runs: u32,
    /// See [`Response::max_runs`].
    pub per: Duration,
    /// It is never started.
    pub dry_run: bool,
}

impl Settings {
    fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Response> {
        let help = "write the program and its arguments: command = [\"/usr/local/bin/pause-bridge\", \"--now\"]";
        let key = check.required(self.command.as_ref(), table, "command", help);
        let argv = key.and_then(|key| program::command(key, "until then it cannot be started", help, check));
        let limit = self.limit(check);
        let max_runs = self.max_runs.as_ref().map_or(MAX_RUNS, |runs| *runs.get_ref());
        if let Some(runs) = self.max_runs.as_ref().filter(|_| max_runs == 0) {
            let fault = Fault::error("with `max_runs = 0` it would never be started", Place::File(runs.span()));
            check.fault(fault.help("write dry_run = true, or remove `respond` from the rules"));
        }
        let per = check.duration(self.per.as_ref(), PER);
        Some(Response { name: name.to_owned(), argv: argv?, limit: limit?, max_runs, per: per?, dry_run: self.dry_run })
    }

    fn limit(&self, check: &mut Check<'_>) -> Option<Duration> {
        let limit = check.duration(self.timeout.as_ref(), TIMEOUT)?;
        if (Duration::from_millis(100)..=LONGEST).contains(&limit) {
            return Some(limit);
        }
        let place = self.timeout.as_ref().map_or(Place::Nowhere, |key| Place::File(key.span()));
        let help = "what takes longer is started in the background by the program itself";
        check.fault(Fault::error("`timeout` is not between 100ms and 5m", place).help(help));
        None
    }
}

/// `[responses]`
pub type Table = BTreeMap<Spanned<String>, Spanned<Settings>>;

/// The responses that can be used.
pub fn responses(written: &Table, check: &mut Check<'_>) -> Vec<Response> {
    let build = |(name, settings): (&Spanned<String>, &Spanned<Settings>)| {
        settings.get_ref().build(name.get_ref(), &settings.span(), check)
    };
    written.iter().filter_map(build).collect()
}

/// Checks that each response a rule names is there, and that its alerts can rise to that severity.
pub fn check_rules(rules: &[Rule], written: &Table, check: &mut Check<'_>) {
    let declared = || written.keys().map(|name| name.get_ref().as_str());
    for rule in rules {
        check.source = rule.origin.spot().and_then(|spot| spot.source.clone());
        for (severity, name) in rule.respond.iter().filter_map(|(severity, name)| Some((severity, name.as_ref()?))) {
            let place = Place::File(name.span());
            if !declared().any(|have| have == name.get_ref()) {
                let fault = Fault::error(format!("there is no response `{}`", name.get_ref()), place);
                check.fault(match nearest(name.get_ref(), declared()) {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault.help("name a table of [responses]"),
                });
            } else if !rule.may_rise_to(severity) {
                let what = format!("no alert of {} is ever {severity} or above", rule.name);
                check.fault(Fault::error(what, place).help("name a severity that the rule has"));
            }
        }
    }
}

#[cfg(test)]
mod tests;

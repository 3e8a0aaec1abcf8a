//! A program that tells somebody: no shell, nothing of our environment, the message as JSON on its standard input. A machine:
//! each alert comes by itself.
//!
//! How it ends says what became of the message: 0 it was taken; 64, 65, 77 or 78 (sysexits.h: usage, data, permission,
//! configuration) it never will be; anything else, it is tried again. Killed at the time limit or ended by a signal it may
//! have told already.

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use toml::Spanned;

use super::document::Document;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::net::program::{Unfit, command, inspect};
use crate::net::run::{End, Program, Ran, environment, run};
use crate::text::check::Check;
use crate::text::{safe, units};

/// Bytes of output that are kept.
const MAX_OUTPUT: usize = 4096;
/// The time limit, unless the settings say otherwise, and the longest one: a little less than all of a send.
const TIMEOUT: Duration = Duration::from_secs(8);
const LONGEST: Duration = Duration::from_secs(9);

/// `[channels.NAME.exec]`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program, by its absolute path, and its arguments. Its environment is `PATH`, `LANG` and `SIPPAR_MON_CHANNEL`.
    command: Option<Spanned<Vec<String>>>,
    /// After this time it and its children are killed; default 8s, at most 9s.
    timeout: Option<Spanned<String>>,
}

impl Settings {
    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Exec> {
        let argv = self.argv(table, check);
        let timeout = self.timeout(check);
        Some(Exec { name: name.to_owned(), argv: argv?, timeout: timeout? })
    }

    fn argv(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Vec<String>> {
        let help = "write the program and its arguments: command = [\"/usr/local/bin/tell-duty\", \"--all\"]";
        let key = check.required(self.command.as_ref(), table, "command", help)?;
        command(key, "until then nothing is told", help, check)
    }

    fn timeout(&self, check: &mut Check<'_>) -> Option<Duration> {
        let timeout = check.duration(self.timeout.as_ref(), TIMEOUT)?;
        if (Duration::from_millis(100)..=LONGEST).contains(&timeout) {
            return Some(timeout);
        }
        let place = self.timeout.as_ref().map_or(Place::Nowhere, |key| Place::File(key.span()));
        check.fault(Fault::error("`timeout` is not between 100ms and 9s", place).help("a send takes 10s at most"));
        None
    }
}

/// A program, ready to be run.
#[derive(Clone, Debug)]
pub struct Exec {
    name: String,
    argv: Vec<String>,
    timeout: Duration,
}

impl Exec {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `program /usr/local/bin/tell-duty`.
    pub fn describe(&self) -> String {
        format!("program {}", safe::one_line(self.argv.first().map_or("", String::as_str)))
    }

    /// Runs the program.
    pub async fn send(&self, delivery: &Delivery, deadline: Instant) -> Outcome {
        match self.argv.first().map(|program| inspect(program.as_ref())) {
            // the program of another user is that user's to run: this message may be too
            Some(Err(Unfit::Absent(why) | Unfit::Foreign { why, .. })) => {
                return Outcome::later(safe::answer(&why), None);
            }
            Some(Err(Unfit::Unsafe(why))) => return Outcome::dead(safe::answer(&why)),
            Some(Ok(())) | None => {}
        }
        let stdin = match Document::from(delivery).json() {
            Ok(json) => json,
            Err(why) => return Outcome::Dead { why },
        };
        let mut env = environment();
        env.push(("SIPPAR_MON_CHANNEL".to_owned(), self.name.clone()));
        let program = Program {
            argv: self.argv.clone(),
            env,
            folder: None,
            stdin: Some(stdin),
            limit: self.timeout.min(deadline.saturating_duration_since(Instant::now())),
            max_output: MAX_OUTPUT,
        };
        match Box::pin(run(&program)).await {
            Ok(ran) => judged(&ran, program.limit),
            Err(why) => Outcome::later(safe::answer(&why), None),
        }
    }
}

fn judged(ran: &Ran, limit: Duration) -> Outcome {
    let ambiguous = |why| Outcome::Later { why, after: None, ambiguous: true };
    match ran.end {
        End::Exited(0) => Outcome::sent(said(ran, "exit code 0")),
        End::Exited(code @ (64 | 65 | 77 | 78)) => Outcome::dead(said(ran, &format!("exit code {code}"))),
        End::Exited(code) => Outcome::later(said(ran, &format!("exit code {code}")), None),
        End::Signalled(signal) => ambiguous(said(ran, &format!("ended by signal {signal}"))),
        End::TimedOut => {
            ambiguous(said(ran, &format!("killed after {}", units::value(limit.as_secs_f64(), Unit::Seconds))))
        }
    }
}

/// How it ended, and the first line it wrote.
fn said(ran: &Ran, ended: &str) -> String {
    ran.first_line().map_or_else(|| ended.to_owned(), |line| format!("{ended}: {line}"))
}

#[cfg(test)]
pub mod tests;

//! Probes: asking a service over HTTP or TCP, or running a program that knows how to ask.
//!
//! A failed probe is a measurement, not a failed source: `probe_success` is 0 and the duration known; what could not
//! be measured is unknown, with the reason. A failure is believed only after all attempts have failed.

mod body;
mod certificate;
pub(super) mod connect;
pub mod exec;
pub mod http;
mod memory;
mod pace;
pub mod tcp;

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use self::memory::Memory;
use super::Report;
use crate::model::fault::{Fault, Place};
use crate::model::labels::Labels;
use crate::model::reading::{Reading, Reason};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::loopback::is_loopback;
use crate::text::check::Check;

pub use self::pace::PAUSE;

/// `[probes.NAME]`: exactly one of the kinds.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Ask a web service.
    pub http: Option<http::Settings>,
    /// Open a connection.
    pub tcp: Option<tcp::Settings>,
    /// Run a program.
    pub exec: Option<exec::Settings>,
}

/// A probe, checked.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its name in the configuration: the label `probe` of its series.
    pub name: String,
    /// Time between two runs.
    pub every: Duration,
    /// Severity of `PROBE_FAILED` for it.
    pub severity: Severity,
    /// Attempts before a failure is believed, at least 1.
    pub attempts: u32,
    /// Time limit of one attempt.
    pub timeout: Duration,
    /// How it asks.
    pub kind: Kind,
}

/// How a probe asks.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A web service.
    Http(http::Http),
    /// A TCP port.
    Tcp(tcp::Tcp),
    /// A program.
    Exec(exec::Exec),
}

impl Probe {
    /// Whether it asks another machine; of a program nobody knows.
    pub fn is_beyond(&self) -> bool {
        match &self.kind {
            Kind::Http(http) => !http.url().host_str().is_some_and(is_loopback),
            Kind::Tcp(tcp) => !is_loopback(tcp.host()),
            Kind::Exec(_) => false,
        }
    }

    /// Whether it may report metrics that the catalogue does not name.
    pub const fn may_yield_metrics(&self) -> bool {
        matches!(self.kind, Kind::Exec(_))
    }
}

impl Settings {
    /// Checks the table of the probe `name`, which stands at `table` in the file; every fault found goes to `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Probe> {
        let Self { http, tcp, exec } = self;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let good_name = (1..=64).contains(&name.len()) && name.chars().all(fits);
        if !good_name {
            let what = format!("`{}` cannot be the name of a probe", name.escape_debug());
            let help = "use 1 to 64 letters, digits, `_`, `.` or `-`";
            check.fault(Fault::error(what, Place::File(table.clone())).help(help));
        }
        let (pace, kind) = match (http, tcp, exec) {
            (Some(http), None, None) => {
                let (pace, http) = (http.keys().build(check), http.build(table, check));
                (pace, http.map(Kind::Http))
            }
            (None, Some(tcp), None) => {
                let (pace, tcp) = (tcp.keys().build(check), tcp.build(table, check));
                (pace, tcp.map(Kind::Tcp))
            }
            (None, None, Some(exec)) => {
                let (pace, exec) = (exec.keys().build(check), exec.build(table, check));
                (pace, exec.map(Kind::Exec))
            }
            _ => {
                let what = format!("the probe `{name}` needs exactly one of the tables http, tcp and exec");
                let help =
                    format!("write `[probes.{name}.http]` with a `url`, or give a second kind a name of its own");
                check.fault(Fault::error(what, Place::File(table.clone())).help(help));
                return None;
            }
        };
        let (pace::Pace { every, severity, timeout, attempts }, kind) = (pace?, kind?);
        good_name.then(|| Probe { name: name.to_owned(), every, severity, attempts, timeout, kind })
    }
}

/// The name of the source that the probe `name` is: of a kind of its own, so that a probe called "system" is not the
/// system.
pub fn source_name(name: &str) -> String {
    format!("probe/{name}")
}

/// What one attempt found.
#[derive(Clone, PartialEq, Debug)]
struct Attempt {
    /// Until the end or the failure.
    took: Duration,
    /// Why it counts as failed, in a line for people.
    failure: Option<String>,
    /// Something a person should know although it succeeded.
    note: Option<String>,
    /// What it measured besides success and duration.
    readings: Vec<Reading>,
}

/// Asks, again after a failure until the attempts are used up, and reports the last attempt.
///
/// `memory` is what the previous run returned. The reason of a failure (or a note on a success) is its `why`.
pub async fn collect(probe: &Probe, memory: Option<&Value>, net: &Net, now: Time) -> Report {
    let labels = Labels::new([("probe", probe.name.as_str())]);
    let before = Memory::read(memory);
    // a program that was not run says nothing about what it watches: that is unknown, and no failure of it
    if let Kind::Exec(exec) = &probe.kind
        && let Some(why) = exec.not_ours()
    {
        return Report::failed(Reason::new(why));
    }
    let (mut last, expiry) =
        tokio::join!(ask(probe, &labels, net), certificate(probe, before.certificate.as_ref(), now));
    let mut readings = vec![
        Reading::known("probe_success", labels.clone(), if last.failure.is_none() { 1.0 } else { 0.0 }),
        Reading::known("probe_duration_seconds", labels.clone(), last.took.as_secs_f64()),
    ];
    let mut after = Memory { why: last.failure.clone().or_else(|| last.note.clone()), ..Memory::default() };
    if let Kind::Exec(_) = probe.kind {
        let reason = after.why.clone().map(Reason::new);
        after.series = memory::hold(&before.series, &mut last.readings, reason.as_ref());
    }
    readings.append(&mut last.readings);
    if let Some(expiry) = expiry {
        readings.push(certificate::reading(&expiry, labels));
        after.certificate = expiry.ok();
    }
    Report::new(readings, after.write())
}

/// The first attempt that succeeds, or the last one.
async fn ask(probe: &Probe, labels: &Labels, net: &Net) -> Attempt {
    let mut left = probe.attempts;
    loop {
        let attempt = match &probe.kind {
            Kind::Http(http) => http.attempt(probe.timeout, labels, net).await,
            Kind::Tcp(tcp) => tcp.attempt(probe.timeout).await,
            Kind::Exec(exec) => exec.attempt(&probe.name, probe.timeout).await,
        };
        left = left.saturating_sub(1);
        if attempt.failure.is_none() || left == 0 {
            return attempt;
        }
        sleep(PAUSE).await;
    }
}

/// When the certificate of the service ends; `None` for a probe without TLS.
async fn certificate(
    probe: &Probe,
    known: Option<&certificate::Certificate>,
    now: Time,
) -> Option<Result<certificate::Certificate, String>> {
    let Kind::Http(http) = &probe.kind else { return None };
    let address = http.tls_address()?;
    // What was measured within the hour is reported again: it is a constant of that certificate, and a series that a
    // successful source no longer reports would count as gone.
    match known.filter(|known| known.is_fresh(&address, now)) {
        Some(known) => Some(Ok(known.clone())),
        None => Some(certificate::measure(address, probe.timeout, now).await),
    }
}

#[cfg(test)]
mod tests;

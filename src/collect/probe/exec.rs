//! A probe that runs a program: exit code 0 is success, and what it prints in the Prometheus text format is measured.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::Attempt;
use super::pace::Keys;
use crate::collect::catalogue::METRICS;
use crate::model::labels::SeriesKey;
use crate::model::metric::{ALERTS, Unit};
use crate::model::reading::{Reading, Value};
use crate::net::program::{Unfit, command, inspect};
use crate::net::run::{End, Program, Ran, environment, run};
use crate::text::check::Check;
use crate::text::exposition::{Refused, Sample, parse};
use crate::text::{safe, units};

/// Bytes of output that are read.
const MAX_OUTPUT: usize = 1024 * 1024;
/// Most samples of one run.
pub(super) const MAX_SAMPLES: usize = 1000;
/// Refused lines that are named; the others are counted.
const NAMED: usize = 3;

/// `[probes.NAME.exec]`
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Time between two runs; default: the interval.
    pub every: Option<Spanned<String>>,
    /// Severity of `PROBE_FAILED`; default `HIGH`.
    pub severity: Option<Spanned<String>>,
    /// Time limit of one attempt; default 5 s or what fits.
    pub timeout: Option<Spanned<String>>,
    /// Attempts before a failure is believed; default 3.
    pub attempts: Option<Spanned<u32>>,
    /// The program, by its absolute path, and its arguments; required. No shell reads them; its environment is `PATH`,
    /// `LANG` and `SIPPAR_MON_PROBE` (the probe's name).
    pub command: Option<Spanned<Vec<String>>>,
}

/// An exec probe, checked.
#[derive(Clone, Debug)]
pub struct Exec {
    argv: Vec<String>,
}

impl Settings {
    /// The keys that every kind of probe has.
    pub(super) fn keys(&self) -> Keys<'_> {
        let Self { every, severity, timeout, attempts, command: _ } = self;
        Keys {
            every: every.as_ref(),
            severity: severity.as_ref(),
            timeout: timeout.as_ref(),
            attempts: attempts.as_ref(),
        }
    }

    /// Checks the keys of this kind.
    pub(super) fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Exec> {
        let help = "write the program and its arguments: command = [\"/usr/local/bin/check-queue\", \"--all\"]";
        let key = check.required(self.command.as_ref(), table, "command", help)?;
        let argv = command(key, "until then the probe fails", help, check)?;
        Some(Exec { argv })
    }
}

impl Exec {
    /// Without the checks of the settings.
    #[cfg(test)]
    pub(super) fn of(argv: &[&str]) -> Self {
        Self { argv: argv.iter().map(|&part| part.to_owned()).collect() }
    }

    /// Why this user cannot know what the program would say: it is another user's to run.
    pub(super) fn not_ours(&self) -> Option<String> {
        match inspect(self.argv.first()?.as_ref()) {
            Err(Unfit::Foreign { why, .. }) => Some(why),
            Ok(()) | Err(Unfit::Absent(_) | Unfit::Unsafe(_)) => None,
        }
    }

    /// Runs the program once.
    pub(super) async fn attempt(&self, name: &str, limit: Duration) -> Attempt {
        let began = tokio::time::Instant::now();
        let failed = |took: Duration, why: String| Attempt { took, failure: Some(why), note: None, readings: vec![] };
        if let Some(Err(unfit)) = self.argv.first().map(|path| inspect(path.as_ref())) {
            return failed(began.elapsed(), unfit.why());
        }
        let mut env = environment();
        env.push(("SIPPAR_MON_PROBE".to_owned(), name.to_owned()));
        let program =
            Program { argv: self.argv.clone(), env, folder: None, stdin: None, limit, max_output: MAX_OUTPUT };
        match Box::pin(run(&program)).await {
            Err(why) => failed(began.elapsed(), safe::answer(&why)),
            Ok(ran) => match failure(&ran, limit) {
                Some(why) => failed(ran.took, why),
                None => read(name, &ran),
            },
        }
    }
}

/// Why `ran` counts as failed: how it ended, and what it said about it.
fn failure(ran: &Ran, limit: Duration) -> Option<String> {
    let ended = match ran.end {
        End::Exited(0) => return None,
        End::Exited(code) => format!("exit code {code}"),
        End::Signalled(signal) => format!("ended by signal {signal}"),
        End::TimedOut => format!("killed after {}", units::value(limit.as_secs_f64(), Unit::Seconds)),
    };
    let said = [&ran.stderr, &ran.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    let words = said.iter().flat_map(|text| text.lines()).find(|line| !line.trim().is_empty());
    Some(words.map_or_else(|| ended.clone(), |line| format!("{ended}: {}", safe::answer(line))))
}

/// The samples of a successful run, labelled with the probe's name. What cannot be used is noted.
fn read(name: &str, ran: &Ran) -> Attempt {
    let text = String::from_utf8_lossy(whole_lines(&ran.stdout));
    let (mut seen, mut refused, mut readings) = (BTreeSet::new(), Vec::new(), Vec::new());
    for line in parse(&text) {
        match line.and_then(|sample| admit(sample, name, &mut seen)) {
            Ok(reading) => readings.push(reading),
            Err(why) => refused.push(why),
        }
    }
    let cut = ran.cut.then(|| "the output is longer than 1 MiB".to_owned());
    let note = [refusals(&refused), cut].into_iter().flatten().collect::<Vec<_>>().join("; ");
    Attempt { took: ran.took, failure: None, note: Some(note).filter(|note| !note.is_empty()), readings }
}

/// Without the line at which the output was cut: half of `12345` is another number.
fn whole_lines(output: &[u8]) -> &[u8] {
    match output.iter().rposition(|byte| *byte == b'\n') {
        Some(end) if output.len() >= MAX_OUTPUT => output.get(..end).unwrap_or_default(),
        _ => output,
    }
}

/// The reading of a sample, unless its name is ours, its series is there already, or there are too many.
fn admit(sample: Sample, probe: &str, seen: &mut BTreeSet<SeriesKey>) -> Result<Reading, Refused> {
    let Sample { line, series, value } = sample;
    let series = SeriesKey { labels: series.labels.with("probe", probe), ..series };
    let refuse = |why| Err(Refused { line, why });
    if *series.metric == *ALERTS || METRICS.iter().any(|metric| metric.name == series.metric.as_ref()) {
        return refuse("a metric of the monitor itself has this name");
    }
    if seen.len() >= MAX_SAMPLES {
        return refuse("more than 1000 samples");
    }
    if !seen.insert(series.clone()) {
        return refuse("this series was given before");
    }
    Ok(Reading { series, value: Value::Known(value) })
}

/// `3 lines are not used: line 2: expected a value; …`
fn refusals(refused: &[Refused]) -> Option<String> {
    let named: Vec<_> = refused.iter().take(NAMED).map(|Refused { line, why }| format!("line {line}: {why}")).collect();
    let more = if refused.len() > NAMED { "; …" } else { "" };
    let lines = if refused.len() == 1 { "line is" } else { "lines are" };
    (!refused.is_empty()).then(|| format!("{} {lines} not used: {}{more}", refused.len(), named.join("; ")))
}

//! `collect`: measure once and print it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Context, Ended, block_on};
use crate::bridge::supply::Trust;
use crate::cli;
use crate::collect::Source;
use crate::collect::catalogue::METRICS;
use crate::collect::run::{self, Collected, Known};
use crate::config::Config;
use crate::cycle;
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::{Reading, Value};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::nearest::nearest;
use crate::text::{safe, units};

/// Between two measurements when nothing is remembered: rates need two.
const BETWEEN: Duration = Duration::from_millis(250);

/// One reading of `collect --json`.
#[derive(Serialize)]
struct Row<'a> {
    metric: &'a str,
    labels: &'a Labels,
    value: Option<f64>,
    reason: Option<&'a str>,
    unit: Option<Unit>,
    source: &'a str,
    time: String,
    /// How far a figure of another's can be believed: certified, verified, single node, claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Trust>,
    /// Seconds since it was measured.
    age: f64,
    /// Of an amount of money, to the last micro-unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    micro: Option<String>,
}

/// Measures and prints; stores, judges and sends nothing.
pub fn run(context: &Context, args: &cli::Collect) -> Ended {
    let config = context.config()?;
    let sources = chosen(&config, &args.source)?;
    let collected = block_on(measure(context, &config, sources, config.interval))?;
    if context.shows_remarks() {
        for (source, why) in collected.iter().filter_map(|one| Some((&one.source, one.why()?))) {
            terminal::say(&context.terminal.fit(&format!("sippar-mon: {source}: {}", safe::answer(why))));
        }
    }
    let time = context.clock.now();
    let readings: Vec<(&Collected, Vec<Reading>)> = collected.iter().map(|one| (one, readings(one))).collect();
    if context.global.json {
        let rows: Vec<Row<'_>> = readings
            .iter()
            .flat_map(|(source, readings)| readings.iter().map(|reading| row(reading, source, time)))
            .collect();
        super::print_json(&rows)?;
    } else {
        terminal::print(&context.terminal.fit(&lines(&readings)))?;
    }
    Ok(0)
}

fn chosen(config: &Config, names: &[String]) -> Result<Vec<Arc<Source>>, Trouble> {
    let have = || config.sources.iter().map(|source| &**source.name());
    for name in names {
        if !have().any(|one| one == name) {
            let help = match nearest(name, have()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the sources are: {}", have().collect::<Vec<_>>().join(", ")),
            };
            return Err(Trouble::new(Kind::Usage, format!("there is no source {}", safe::one_line(name))).help(help));
        }
    }
    let wanted = |source: &&Arc<Source>| names.is_empty() || names.iter().any(|name| **name == **source.name());
    Ok(config.sources.iter().filter(wanted).cloned().collect())
}

/// Measures with what the last cycle remembers; without one, twice.
pub async fn measure(
    context: &Context,
    config: &Config,
    sources: Vec<Arc<Source>>,
    interval: Duration,
) -> Result<Vec<Collected>, Trouble> {
    let net = context.net(config);
    let now = || context.clock.now();
    let mut known = known(config, now());
    if known.memory.is_empty() {
        let baselines = known.baselines.clone();
        let first = run::run(sources.clone(), known, interval, now(), &net).await;
        let memory = first.into_iter().filter_map(|one| Some((one.source, one.report.memory?))).collect();
        known = Known { memory, baselines };
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(run::run(sources, known, interval, now(), &net).await)
}

/// What is known, where there is a database that can be read.
fn known(config: &Config, now: Time) -> Known {
    let read = |store: Store| Ok((store.memories()?, cycle::accepted(&store, config)?));
    let (memories, baselines) = Store::open(&config.database.0, Mode::Read, now).and_then(read).unwrap_or_default();
    let memory = memories.into_iter().map(|(source, (memory, _))| (Arc::from(source), memory)).collect();
    Known { memory, baselines: Arc::new(baselines) }
}

fn readings(one: &Collected) -> Vec<Reading> {
    let mut readings = one.report.readings.clone().unwrap_or_default();
    readings.sort_by(|a, b| a.series.cmp(&b.series));
    readings.into_iter().chain(one.of_itself()).collect()
}

fn row<'a>(reading: &'a Reading, collected: &'a Collected, now: Time) -> Row<'a> {
    let (value, reason) = match &reading.value {
        Value::Known(value) => (Some(*value).filter(|value| value.is_finite()), None),
        Value::Unknown(reason) => (None, Some(reason.as_str())),
    };
    let metric = &*reading.series.metric;
    let origin = collected.report.origins.get(&reading.series);
    let at = origin.map_or(now, |origin| origin.at);
    Row {
        metric,
        labels: &reading.series.labels,
        value,
        reason,
        unit: unit(metric),
        source: &collected.source,
        time: at.rfc3339(),
        trust: value.and_then(|_| collected.trust(reading)),
        age: now.since(at).as_secs_f64(),
        micro: origin.and_then(|origin| origin.micro).map(|micro| micro.to_string()),
    }
}

fn unit(metric: &str) -> Option<Unit> {
    METRICS.iter().find(|one| one.name == metric).map(|one| one.unit)
}

fn lines(all: &[(&Collected, Vec<Reading>)]) -> String {
    let mut out = String::new();
    for (source, readings) in all {
        let _ = writeln!(out, "{}", source.source);
        for reading in readings {
            let value = match &reading.value {
                Value::Known(value) => units::value(*value, unit(&reading.series.metric).unwrap_or(Unit::Count)),
                Value::Unknown(reason) => format!("unknown: {}", safe::answer(reason.as_str())),
            };
            let trust = source.trust(reading).map(|trust| format!(" ({trust})")).unwrap_or_default();
            let _ = writeln!(out, "  {:<52} {value}{trust}", safe::one_line(&reading.series.to_string()));
        }
    }
    out
}

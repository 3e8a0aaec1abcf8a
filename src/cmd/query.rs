//! `query`: a `PromQL` expression on the stored samples.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Context, Ended};
use crate::cli;
use crate::collect::catalogue::METRICS;
use crate::config::Config;
use crate::model::fault::{Fault, Located, SourceText};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::{Need, Value, Window};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::{query as screen, terminal};
use crate::rules::promql::{self, ast::Expr};
use crate::rules::{self, Catalogue, Windows};
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::units;
use crate::view::query::{Series, answer, ticks};

/// How many ticks of a series people see: more than a line has columns, few enough for any expression.
const MOST_TICKS: i64 = 500;

/// One series of `query --json`.
#[derive(Serialize)]
struct Row<'a> {
    metric: Option<&'a str>,
    labels: &'a Labels,
    /// Null when unknown, gone, without a result or not finite; `reason` says which.
    value: Option<f64>,
    reason: Option<String>,
    unit: Option<Unit>,
    time: String,
    /// With `--since`: each tick, null where there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<Vec<(String, Option<f64>)>>,
}

/// Prints what the expression yields at the last tick, with `--since` also what it yielded before.
pub fn run(context: &Context, args: &cli::Query) -> Ended {
    let since = args.since.as_deref().map(units::parse_duration).transpose();
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let expr = promql::parse(&args.expr).map_err(|faults| refuse(context, &args.expr, faults))?;
    let config = context.config_in_use()?;
    let (ticks, data) = read(context, &config, &expr, since)?;
    let series = answer(&expr, &data, &ticks, Catalogue::of(METRICS))?;
    if context.global.json {
        let rows: Vec<Row<'_>> = series.iter().map(|one| row(one, since.map(|_| ticks.as_slice()))).collect();
        super::print_json(&rows)?;
    } else if series.is_empty() {
        nothing(context, &config);
    } else if context.terminal.out {
        let table = screen::table(&series, since.is_some(), context.clock.now(), &context.terminal);
        terminal::print(&context.terminal.fit(&table))?;
    } else {
        terminal::print(&context.terminal.fit(&screen::lines(&series, since.is_some())))?;
    }
    Ok(0)
}

/// The ticks to look at, and the samples that they need.
fn read(
    context: &Context,
    config: &Config,
    expr: &Expr,
    since: Option<Duration>,
) -> Result<(Vec<Time>, Windows), Trouble> {
    let store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let Some(last) = store.last_tick()? else {
        return Err(Trouble::new(Kind::Unavailable, "nothing has been checked yet").help("run: sippar-mon check"));
    };
    let first = last - since.unwrap_or_default();
    let mut needs: Vec<Need> = rules::needs([expr], last);
    for need in &mut needs {
        need.back += last.since(first);
    }
    let windows = store.sound_windows(&needs, last)?;
    // before the first sample there is nothing to evaluate
    let oldest = windows.iter().filter_map(|window: &Window| Some(window.points.first()?.tick)).min();
    let first = oldest.unwrap_or(last).max(first);
    let most = (!context.global.json).then_some(MOST_TICKS);
    let mut data = Windows::new(windows);
    data.set_alerts(store.open_alerts()?.iter().map(|(_, alert)| alert), last);
    Ok((ticks(first, last, config.interval, most), data))
}

/// Prints the faults of the expression with carets.
fn refuse(context: &Context, text: &str, faults: Vec<Fault>) -> Trouble {
    let source = Arc::new(SourceText { path: "<expression>".into(), text: text.to_owned() });
    let faults: Vec<Located> =
        faults.into_iter().map(|fault| Located { source: Some(source.clone()), fault }).collect();
    terminal::say(context.faults(&faults).trim_end());
    Trouble::new(Kind::Data, "this is not an expression that can be evaluated")
}

fn nothing(context: &Context, config: &Config) {
    if context.global.quiet == 0 {
        let every = config.interval_text();
        terminal::say(&format!(
            "nothing (every {every} a cycle is stored; `sippar-mon rules list --metrics` lists the metrics)"
        ));
    }
}

fn row<'a>(series: &'a Series, ticks: Option<&[Time]>) -> Row<'a> {
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let (value, reason) = match &series.last {
        Some(Value::Known(value)) => (finite(*value), (!value.is_finite()).then(|| units::number(*value))),
        Some(Value::Unknown(reason)) => (None, Some(reason.to_string())),
        None => (None, Some(series.absence.word().to_owned())),
    };
    let samples = ticks.map(|ticks| {
        let values = series.values.iter().map(|value| value.and_then(finite));
        ticks.iter().map(|tick| tick.rfc3339()).zip(values).collect()
    });
    let (metric, labels, unit) = (series.metric.as_deref(), &series.labels, series.unit);
    Row { metric, labels, value, reason, unit, time: series.time.rfc3339(), samples }
}

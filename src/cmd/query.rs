//! `query`: a `PromQL` expression on the stored samples.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::{Context, Ended};
use crate::cli;
use crate::collect::catalogue::METRICS;
use crate::config::Config;
use crate::model::fault::{Fault, Located, SourceText};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::{Need, Value};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::rules::Windows;
use crate::rules::promql::ast::Expr;
use crate::rules::promql::value::{Answer, Element, Halt};
use crate::rules::{self, promql};
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::{safe, units};

/// One value of `query --json`.
#[derive(Serialize)]
struct Row {
    metric: Option<Arc<str>>,
    labels: Labels,
    /// Null when unknown or not finite.
    value: Option<f64>,
    reason: Option<String>,
    time: String,
}

/// Prints what the expression yields at the last tick, or at each tick of `--since`.
pub fn run(context: &Context, args: &cli::Query) -> Ended {
    let since = args.since.as_deref().map(units::parse_duration).transpose();
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let expr = promql::parse(&args.expr).map_err(|faults| refuse(context, &args.expr, faults))?;
    let config = context.config()?;
    let store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let Some(last) = store.last_cycle()? else {
        return Err(Trouble::new(Kind::Unavailable, "nothing has been checked yet")
            .help("run: sippar-mon check")
            .into());
    };
    let first = since.map_or(last.tick, |since| (last.tick - since).floor(config.interval));
    let mut needs: Vec<Need> = rules::needs([&expr], last.tick);
    for need in &mut needs {
        need.back += last.tick.since(first);
    }
    let mut windows = Windows::new(store.windows(&needs, last.tick)?);
    windows.set_alerts(store.open_alerts()?.iter().map(|(_, alert)| alert), last.tick);
    let mut rows = Vec::new();
    let mut tick = first;
    while tick <= last.tick {
        rows.extend(at(&expr, &windows, tick, (first, last.tick))?);
        tick = tick + config.interval;
    }
    if context.global.json {
        super::print_json(&rows)?;
    } else {
        terminal::print(&context.terminal.fit(&lines(&rows, since.is_some(), &config)))?;
    }
    Ok(0)
}

/// Prints the faults of the expression with carets.
fn refuse(context: &Context, text: &str, faults: Vec<Fault>) -> Trouble {
    let source = Arc::new(SourceText { path: "<expression>".into(), text: text.to_owned() });
    let faults: Vec<Located> =
        faults.into_iter().map(|fault| Located { source: Some(source.clone()), fault }).collect();
    terminal::say(context.faults(&faults).trim_end());
    Trouble::new(Kind::Data, "this is not an expression that can be evaluated")
}

fn at(expr: &Expr, windows: &Windows, tick: Time, query: (Time, Time)) -> Result<Vec<Row>, Trouble> {
    let row = |metric, labels, value: Value| {
        let (value, reason) = match value {
            Value::Known(value) => (Some(value), None),
            Value::Unknown(reason) => (None, Some(reason.to_string())),
        };
        Row { metric, labels, value, reason, time: tick.rfc3339() }
    };
    match rules::query(expr, windows, tick, query) {
        Ok(Answer::Scalar(value)) => Ok(vec![row(None, Labels::empty(), Value::Known(value))]),
        Ok(Answer::Text(text)) => {
            Err(Trouble::new(Kind::Data, format!("the expression is the text {text:?}, not a number")))
        }
        Ok(Answer::Vector(elements)) => {
            Ok(elements.into_iter().map(|Element { name, labels, value }| row(name, labels, value)).collect())
        }
        Err(Halt::Unknown(reason)) => Ok(vec![row(None, Labels::empty(), Value::Unknown(reason))]),
        Err(Halt::Failed(why)) => Err(Trouble::new(Kind::Data, safe::one_line(&why))),
    }
}

fn lines(rows: &[Row], with_time: bool, config: &Config) -> String {
    let mut out = String::new();
    for row in rows {
        let name = safe::one_line(&format!("{}{}", row.metric.as_deref().unwrap_or_default(), row.labels));
        let unit = METRICS.iter().find(|metric| Some(metric.name) == row.metric.as_deref()).map(|metric| metric.unit);
        let value = match (row.value, &row.reason) {
            (Some(value), _) => match unit {
                Some(Unit::Count) | None => value.to_string(),
                Some(unit) => format!("{value}  ({})", units::value(value, unit)),
            },
            (None, reason) => format!("unknown: {}", safe::answer(reason.as_deref().unwrap_or_default())),
        };
        let time = if with_time { format!("{}  ", row.time) } else { String::new() };
        let _ = writeln!(out, "{time}{}{value}", if name.is_empty() { String::new() } else { format!("{name}  ") });
    }
    if rows.is_empty() {
        let _ = writeln!(
            out,
            "nothing (every {} a cycle is stored; `sippar-mon collect` lists the metrics)",
            config.interval_text()
        );
    }
    out
}

//! `alert list`, `alert show`, and what all of `alert` has in common.

pub mod deliveries;
pub mod export;
mod hint;
pub mod life;
pub mod mark;
pub mod silence;
pub mod test;

use super::{Context, Ended};
use crate::cli;
use crate::config::Config;
use crate::model::alert::{Alert, Mark};
use crate::model::severity::Severity;
use crate::model::trouble::{Kind, Trouble};
use crate::output::alerts::{self, History, Line};
use crate::output::terminal;
use crate::store::alerts::{AlertFilter, AlertId};
use crate::store::open::Mode;
use crate::store::{Reader, Store};
use crate::text::{safe, units};
use crate::view::dashboard::AlertRow;
use crate::view::deliveries::{DeedRow, DeliveryRow, HistoryRow, Tried};

/// An alert as JSON shows it, with what was said of it.
#[derive(serde::Serialize)]
struct Marked<'a> {
    #[serde(flatten)]
    alert: AlertRow<'a>,
    mark: Option<Mark>,
}

/// One alert as `alert show --json` prints it.
#[derive(serde::Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    marked: Marked<'a>,
    history: Vec<HistoryRow<'a>>,
    deeds: Vec<DeedRow<'a>>,
    notifications: Vec<DeliveryRow<'a>>,
}

/// Lists alerts: those that are not over, or with `--all` or `--since` also those that are.
pub fn list(context: &Context, args: &cli::List) -> Ended {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let since = args.since.as_deref().map(units::parse_duration).transpose();
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let least = args.severity.as_deref().map(|text| severity("--severity", text)).transpose()?;
    let store = Store::open(&config.database.0, Mode::Read, now)?;
    let filter = AlertFilter { since: since.map(|since| now - since), at_least: least, limit: None };
    let mut found = store.alerts(&filter)?;
    context.say_stale(store.last_cycle()?, &config, now);
    if !args.all && since.is_none() {
        found.retain(|(_, alert)| alert.ended.is_none());
    }
    if context.global.json {
        let mut marks = store.marks()?;
        let row = |(id, alert)| Marked { alert: AlertRow::new(alert), mark: marks.remove(id) };
        let rows: Vec<Marked<'_>> = found.iter().map(|(id, alert)| (id, alert)).map(row).collect();
        super::print_json(&rows)?;
        return Ok(0);
    }
    let mut lines = Vec::new();
    for (id, alert) in &found {
        lines.push(line(&store, &config, *id, alert)?);
    }
    let text = if context.terminal.out { alerts::list(&lines, now, &context.terminal) } else { alerts::lines(&lines) };
    terminal::print(&text)?;
    Ok(0)
}

/// Shows one alert with its history and every attempt to tell people.
pub fn show(context: &Context, args: &cli::Show) -> Ended {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let store = Store::open(&config.database.0, Mode::Read, now)?;
    let Some((id, alert)) = store.alert_by_number(args.number)? else {
        return Err(unknown(args.number).into());
    };
    context.say_stale(store.last_cycle()?, &config, now);
    let line = line(&store, &config, id, &alert)?;
    let mut tried = Vec::new();
    for delivery in &line.deliveries {
        tried.push(Tried::of(&store, delivery)?);
    }
    let history = History { transitions: store.transitions(id)?, deeds: store.deeds(id)?, tried };
    if context.global.json {
        let marked = Marked { alert: AlertRow::new(&alert), mark: line.mark.clone() };
        let notifications: Vec<_> =
            line.deliveries.iter().zip(&history.tried).map(|(to, tried)| DeliveryRow::new(to, tried)).collect();
        let deeds: Vec<_> = history.deeds.iter().map(DeedRow::new).collect();
        let history: Vec<_> = history.transitions.iter().map(HistoryRow::new).collect();
        super::print_json(&Shown { marked, history, deeds, notifications })?;
        return Ok(0);
    }
    terminal::print(&alerts::show(&line, &history, now, &context.terminal))?;
    Ok(0)
}

/// The trouble of a number that no alert has.
pub fn unknown(number: u64) -> Trouble {
    Trouble::new(Kind::Usage, format!("there is no alert {number}")).help("`sippar-mon alert list --all` lists them")
}

fn line<'a>(store: &Reader, config: &Config, id: AlertId, alert: &'a Alert) -> Result<Line<'a>, Trouble> {
    let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
    let severity = alert.severity().or(alert.peak).unwrap_or(Severity::Low);
    let value = match (rule, alert.value) {
        (Some(rule), Some(value)) => rule.against(value, severity, rule.value_text(value)),
        (None, Some(value)) => units::number(value),
        (_, None) => "not measured".to_owned(),
    };
    let rule = rule.map(|rule| (rule.text.clone(), safe::one_line(&rule.origin.to_string())));
    Ok(Line { alert, value, deliveries: store.deliveries_of(id)?, rule, mark: store.mark_of(id)? })
}

fn severity(flag: &str, text: &str) -> Result<Severity, Trouble> {
    text.parse().map_err(|why| Trouble::new(Kind::Usage, format!("{flag} {}: {why}", safe::one_line(text))))
}

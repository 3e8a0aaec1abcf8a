//! All that is known of one alert: its life, every attempt to tell people, and how what it is about went around it.

use std::time::Duration;

use super::alerts::Line;
use super::chart::Chart;
use super::span::Span;
use super::story::{Entry, Sign, deed_words, sign_of, transition_words};
use super::{Pulse, Who, choose, limits, source};
use crate::config::Config;
use crate::model::alert::Mark;
use crate::model::delivery::Delivery;
use crate::model::time::Time;
use crate::rules::runbook;
use crate::store::{Reader, Result};
use crate::text::safe;
use crate::view::deliveries::{Tried, why_nobody};
use crate::view::snapshot::Snapshot;

/// What is shown before an alert began and after it ended, at least.
const AROUND: Duration = Duration::from_mins(30);

/// The page of an alert.
pub struct AlertPage {
    /// When it was made.
    pub at: Time,
    /// Who is watched.
    pub who: Who,
    /// Whether the monitor is alive.
    pub pulse: Pulse,
    /// The alert in a line.
    pub line: Line,
    /// The rule's expression and where it was written; none when it is no longer there.
    pub rule: Option<(String, String)>,
    /// What was said of it afterwards.
    pub mark: Option<Mark>,
    /// Its life, oldest first.
    pub life: Vec<Entry>,
    /// Why nobody was told, where nothing was queued.
    pub why_nobody: String,
    /// What was queued for it, with what was tried.
    pub deliveries: Vec<(Delivery, Tried)>,
    /// How what it is about went around it; none where that is no number.
    pub chart: Option<Chart>,
    /// What to do about it, in Markdown.
    pub runbook: Option<&'static str>,
}

/// The span around an alert that began and, if it is over, ended.
pub fn around(began: Time, ended: Option<Time>, now: Time) -> Span {
    let lasted = ended.unwrap_or(now).since(began);
    let margin = AROUND.max(lasted / 2);
    let to = ended.map_or(now, |ended| (ended + margin).min(now));
    Span::between(began - margin, to)
}

impl AlertPage {
    /// The page of the alert with this number; none where there is none.
    pub fn read(reader: &Reader, config: &Config, number: u64, now: Time) -> Result<Option<Self>> {
        let Some((id, alert)) = reader.alert_by_number(number)? else { return Ok(None) };
        let snapshot = Snapshot::of(reader, config, now)?;
        let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
        let span = around(alert.since, alert.ended.map(|(at, _)| at), now);
        let alerts = [alert];
        let [alert] = &alerts;
        let order =
            rule.filter(|rule| limits::held(rule).is_some()).map(|rule| choose::order_of_rule(rule, alert.key.clone()));
        let source = source(reader, config, &snapshot, span, &alerts)?;
        let chart = order.and_then(|order| source.chart(order));
        let found = reader.transitions(id)?;
        let mut life: Vec<Entry> = found
            .iter()
            .map(|row| Entry {
                at: row.tick,
                sign: sign_of(row.transition),
                text: transition_words(row.transition),
                number: None,
            })
            .collect();
        let deeds = reader.deeds(id)?;
        for deed in &deeds {
            life.push(Entry { at: deed.at, sign: Sign::Deed, text: deed_words(deed), number: None });
        }
        life.sort_by_key(|entry| entry.at);
        let mut deliveries = Vec::new();
        for delivery in reader.deliveries_of(id)? {
            let tried = Tried::of(reader, &delivery)?;
            deliveries.push((delivery, tried));
        }
        Ok(Some(Self {
            at: now,
            who: Who::of(config),
            pulse: Pulse::of(&snapshot, config),
            line: Line::of(reader, config, id, alert, now)?,
            rule: rule.map(|rule| (safe::one_line(&rule.text), safe::one_line(&rule.origin.to_string()))),
            mark: reader.mark_of(id)?,
            life,
            why_nobody: why_nobody(alert, &deeds),
            deliveries,
            chart,
            runbook: runbook::section(&alert.key.rule),
        }))
    }
}

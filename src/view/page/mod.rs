//! All that one page shows, read in one moment of the database: a number in it is measured, or it is said to be unknown.

pub mod alert;
pub mod alerts;
pub mod chart;
pub mod checks;
mod choose;
pub mod course;
pub mod footer;
pub mod hero;
pub mod limits;
pub mod pace;
pub mod series;
pub mod span;
pub mod story;
#[cfg(test)]
mod tests;
pub mod told;

use std::time::Duration;

use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Reason};
use crate::model::time::Time;
use crate::store::alerts::{AlertFilter, AlertId};
use crate::store::cycles::CycleRow;
use crate::store::{Reader, Result};
use crate::text::safe;
use crate::view::reserves::Picture;
use crate::view::snapshot::Snapshot;
use chart::{Chart, Of, Order, Pick, Source};
use choose::BACKING;
use footer::Footer;
use hero::Hero;
use pace::Rhythm;
use span::Span;

/// Alerts that are over and shown beside those that fire.
const RESOLVED: usize = 5;

/// More alerts than this are counted and not shown.
const MOST_ALERTS: usize = 100;

/// Deliveries that are looked at.
const MOST_TOLD: u32 = 5000;

/// Entries of the story of a page that ends now, and of one about a time that is over.
const STORY: (u32, u32) = (30, 1000);

/// Who is watched and by whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    /// The watched system.
    pub name: String,
    /// `production`, …; may be empty.
    pub environment: String,
    /// The machine that watches.
    pub host: String,
}

/// Whether the monitor itself is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pulse {
    /// The last cycle.
    pub cycle: Option<CycleRow>,
    /// The time between two.
    pub interval: Duration,
    /// Whether the last one is too old for its values to be those of now.
    pub is_stale: bool,
}

/// A source that yields nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Silent {
    /// Its name.
    pub source: String,
    /// Why.
    pub reason: String,
    /// Since when, as far back as the page reaches.
    pub since: Option<Time>,
}

/// A page.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// When it was made.
    pub at: Time,
    /// The span that it shows.
    pub span: Span,
    /// Who is watched.
    pub who: Who,
    /// Whether the monitor is alive.
    pub pulse: Pulse,
    /// The top.
    pub hero: Hero,
    /// Sources that yield nothing now.
    pub silent: Vec<Silent>,
    /// Alerts, those that need somebody first.
    pub alerts: Vec<alerts::Line>,
    /// How many more there are.
    pub more_alerts: usize,
    /// Charts.
    pub charts: Vec<Chart>,
    /// How many more there might be.
    pub more_charts: usize,
    /// What is asked each minute.
    pub checks: Vec<checks::Row>,
    /// The channels.
    pub told: Vec<told::Row>,
    /// What happened, newest first.
    pub story: Vec<story::Entry>,
    /// Whether more happened.
    pub story_goes_on: bool,
    /// What the monitor is made of.
    pub footer: Footer,
}

impl Page {
    /// The page of a span, as it is at `now`.
    pub fn read(reader: &Reader, config: &Config, now: Time, span: Span) -> Result<Self> {
        let snapshot = Snapshot::of(reader, config, now)?;
        let found = alerts_of(reader, &snapshot, span)?;
        let every: Vec<Alert> = found.iter().map(|(_, alert)| alert.clone()).collect();
        let source = source(reader, config, &snapshot, span, &every)?;
        let backing = source.chart(backing_order()).filter(|chart| chart.course.last.is_some());
        let mut lines = Vec::new();
        for (id, alert) in found.iter().take(MOST_ALERTS) {
            lines.push(alerts::Line::of(reader, config, *id, alert, now)?);
        }
        lines.sort_by_key(|line| (line.standing, std::cmp::Reverse(line.severity)));
        let is_live = span.is_live();
        let hero = if is_live {
            hero::live(&snapshot, config, &lines, found.len() > lines.len(), hero::backing(&snapshot, backing))
        } else {
            let look = then(reader, &snapshot, span.to)?;
            let checks = reader.cycles_between(span.from, span.to)?;
            hero::past(span, checks, found.len(), &lines, hero::backing_then(look.as_ref(), backing))
        };
        let firing: Vec<&Alert> = every.iter().filter(|alert| !is_live || alert.severity().is_some()).collect();
        let (orders, more_charts) = choose::orders(&snapshot.latest, &firing, config);
        let charts = orders.into_iter().filter_map(|order| source.chart(order));
        let ends = if is_live { last_minute(&snapshot, config) } else { span.to };
        let (checks, _) = checks::rows(reader, ends, config.interval)?;
        let told = reader.told_between(span.from, span.to, MOST_TOLD)?;
        let most = if is_live { STORY.0 } else { STORY.1 };
        let (story, story_goes_on) = story::entries(reader, config, (span.from, span.to), &told, most)?;
        Ok(Self {
            at: now,
            span,
            who: Who::of(config),
            pulse: Pulse::of(&snapshot, config),
            hero,
            silent: silent(reader, &snapshot, span)?,
            more_alerts: found.len().saturating_sub(lines.len()),
            alerts: lines,
            charts: charts.filter(Chart::is_worth_showing).collect(),
            more_charts,
            checks,
            told: told::rows(&told, &snapshot.channels),
            story,
            story_goes_on,
            footer: Footer::of(reader, config, &snapshot)?,
        })
    }
}

impl Who {
    /// Who is watched by this configuration.
    pub fn of(config: &Config) -> Self {
        let identity = &config.identity;
        let [name, environment, host] =
            [&identity.system, &identity.environment, &identity.host].map(|text| safe::one_line(text));
        Self { name, environment, host }
    }
}

impl Pulse {
    /// How alive it is.
    pub fn of(snapshot: &Snapshot, config: &Config) -> Self {
        Self { cycle: snapshot.cycle, interval: config.interval, is_stale: snapshot.stale }
    }
}

/// What charts are read from.
pub fn source<'a>(
    reader: &'a Reader,
    config: &'a Config,
    snapshot: &Snapshot,
    span: Span,
    alerts: &'a [Alert],
) -> Result<Source<'a>> {
    let tick = snapshot.cycle.map(|cycle| cycle.tick).or(snapshot.imported).unwrap_or(snapshot.at);
    // imported samples are looked at where they end
    let is_stale = snapshot.stale && snapshot.imported.is_none();
    let rhythm = Rhythm::read(reader, span.from, span.to, config.interval)?;
    Ok(Source { reader, config, span, rhythm, tick, is_stale, alerts })
}

/// The chart of the reserves.
fn backing_order() -> Order {
    let of = Of::Series(SeriesKey::new(BACKING, Labels::empty()));
    Order { title: "Reserve ratio".to_owned(), of, pick: Pick::Lowest }
}

/// The alerts of a span: of one that ends now all that fire and the last that ended, of another all that lasted into it.
fn alerts_of(reader: &Reader, snapshot: &Snapshot, span: Span) -> Result<Vec<(AlertId, Alert)>> {
    let filter = AlertFilter { since: Some(span.from), ..AlertFilter::default() };
    let mut found = reader.alerts(&filter)?;
    if !span.is_live() {
        found.retain(|(_, alert)| alert.fired_at.is_some_and(|at| at <= span.to));
        // of very many only the first are shown: the worst have to be among them
        found.sort_by_key(|(_, alert)| std::cmp::Reverse(alert.severity().or(alert.peak)));
        return Ok(found);
    }
    let resolved = found.into_iter().filter(|(_, alert)| alert.ended.is_some());
    let mut resolved: Vec<(AlertId, Alert)> = resolved.collect();
    resolved.sort_by_key(|(_, alert)| std::cmp::Reverse(alert.ended.map(|(at, _)| at)));
    resolved.truncate(RESOLVED);
    Ok(snapshot.firing.iter().cloned().chain(resolved).collect())
}

/// The last look at the reserves that was no younger than `at`.
fn then(reader: &Reader, snapshot: &Snapshot, at: Time) -> Result<Option<Picture>> {
    if snapshot.reserves.is_none() {
        return Ok(None);
    }
    Picture::of(reader, reader.reserve_row_at(at)?)
}

/// Where the bars end: with the last cycle, or now where that is long ago.
fn last_minute(snapshot: &Snapshot, config: &Config) -> Time {
    match snapshot.cycle {
        Some(cycle) if !snapshot.stale => cycle.tick + config.interval,
        _ => snapshot.imported.map_or(snapshot.at, |tick| tick + config.interval),
    }
}

/// Sources whose values are unknown for a reason that is trouble.
fn silent(reader: &Reader, snapshot: &Snapshot, span: Span) -> Result<Vec<Silent>> {
    let mut silent = Vec::new();
    let is_down = |latest: &&crate::store::windows::Latest| {
        &*latest.key.metric == "source_up" && latest.datum == Datum::Value(0.0)
    };
    for down in snapshot.latest.iter().filter(is_down) {
        let name = down.key.labels.get("source").unwrap_or_default();
        let its = snapshot.latest.iter().filter(|latest| latest.source == name);
        let reason = its.filter_map(|latest| latest.reason.as_ref()).find(|reason| !reason.is_benign());
        let mut since = None;
        if let Some(track) = reader.track("source_up", &down.key.labels, span.from)? {
            reader.walk(&track, span.from, snapshot.at, |point| {
                since = (point.datum != Datum::Value(1.0)).then(|| since.unwrap_or(point.tick));
            })?;
        }
        let reason =
            reason.map_or_else(|| "it does not answer".to_owned(), |reason: &Reason| safe::answer(reason.as_str()));
        silent.push(Silent { source: safe::one_line(name), reason, since });
    }
    Ok(silent)
}

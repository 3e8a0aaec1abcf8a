//! One chart: a series or what a rule evaluates, over a span, with the limits that it is held against.

use std::time::Duration;

use super::course::{Course, Trace};
use super::limits::{self, Limit};
use super::pace::{Pace, Rhythm};
use super::span::Span;
use crate::collect::catalogue::METRICS;
use crate::config::Config;
use crate::model::alert::{Alert, AlertKey};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::metric::Unit;
use crate::model::reading::{Datum, Point};
use crate::model::severity::Severity;
use crate::model::time::{Time, millis_of};
use crate::rules::promql::ast::Node;
use crate::rules::{self, Rule, Windows};
use crate::store::{Reader, Result};
use crate::text::{safe, units};
use crate::view::query;

/// An expression is evaluated at this many instants of a span at most.
const MOST_INSTANTS: i64 = 1440;

/// Samples that an expression needs are read for so long at once, so that a year of them never lies in memory.
const SLICE: Duration = Duration::from_hours(24);

/// Which of a bucket's values is drawn as the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pick {
    /// The lowest, where a dip is what hurts.
    Lowest,
    /// The highest, where a peak is.
    Highest,
    /// The mean.
    Mean,
}

impl Pick {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lowest => "lowest",
            Self::Highest => "highest",
            Self::Mean => "mean",
        }
    }
}

/// What a chart shows.
#[derive(Clone, PartialEq, Debug)]
pub enum Of {
    /// The samples of a series.
    Series(SeriesKey),
    /// What the rule of an alert evaluates for its labels.
    Rule(AlertKey),
}

/// The beginning or the end of an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// How bad it was at its worst.
    pub severity: Severity,
    /// Whether it began.
    pub begins: bool,
    /// Its number.
    pub number: Option<u64>,
}

/// A chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub of: Of,
    /// The unit of its values.
    pub unit: Unit,
    /// What is drawn of a bucket.
    pub pick: Pick,
    /// The span.
    pub span: Span,
    /// How it went.
    pub course: Course,
    /// The limits, mildest first.
    pub limits: Vec<Limit>,
    /// The newest value, where it is one of now.
    pub now: Option<f64>,
    /// The severity of the alert that fires because of it.
    pub firing: Option<Severity>,
    /// Beginnings and ends of its alerts.
    pub marks: Vec<Mark>,
    /// Why it cannot be shown.
    pub trouble: Option<String>,
}

/// What is to be drawn.
pub struct Order {
    /// What it is called.
    pub title: String,
    /// What it shows.
    pub of: Of,
    /// What is drawn of a bucket.
    pub pick: Pick,
}

/// What every chart of a page is read from.
pub struct Source<'a> {
    /// The database, in one moment.
    pub reader: &'a Reader,
    /// The configuration.
    pub config: &'a Config,
    /// The span.
    pub span: Span,
    /// The intervals of its cycles.
    pub rhythm: Rhythm,
    /// The last cycle's tick: newer than this nothing can be.
    pub tick: Time,
    /// Whether that cycle is too old for its values to be those of now.
    pub is_stale: bool,
    /// The alerts of the span.
    pub alerts: &'a [Alert],
}

impl Source<'_> {
    /// Draws it; nothing where the rule is no longer there.
    pub fn chart(&self, order: Order) -> Option<Chart> {
        let Order { title, of, pick } = order;
        let (limits, unit, course) = match &of {
            Of::Series(series) => {
                let limits = limits::of_series(series, &self.config.rules);
                let limits: Vec<Limit> = self.of_backing(series).into_iter().chain(limits).collect();
                let course = self.series(series, limits.first());
                (limits, unit_of(series), course)
            }
            Of::Rule(key) => {
                let rule = self.config.rules.iter().find(|rule| rule.name == key.rule)?;
                let limits = limits::of_rule(rule);
                let course = self.evaluated(rule, &key.labels, limits.first());
                (limits, rule.unit, course)
            }
        };
        // what cannot be read of one series must not take the page away
        let (course, trouble) = match course {
            Ok(course) => (course, None),
            Err(trouble) => (self.trace(self.config.interval, None).end(), Some(safe::answer(&trouble.what))),
        };
        let now = self.now(&course);
        let (firing, marks) = self.marks(&of, &limits);
        Some(Chart { title, of, unit, pick, span: self.span, course, limits, now, firing, marks, trouble })
    }

    /// The newest value, if that is still one of now.
    fn now(&self, course: &Course) -> Option<f64> {
        let last = course.last.filter(|last| course.newest == Some(last.at))?;
        let stands = self.tick.since(last.at) <= rules::lookback(course.every);
        (stands && self.span.is_live() && !self.is_stale).then_some(last.value)
    }

    /// The course of values that come `every` so often.
    fn trace<'a>(&'a self, every: Duration, limit: Option<&'a Limit>) -> Trace<'a> {
        Trace::new(self.span, Pace { every, rhythm: &self.rhythm }, limit)
    }

    fn series(&self, series: &SeriesKey, limit: Option<&Limit>) -> Result<Course> {
        let Span { from, to, .. } = self.span;
        // also one that ended before the span: why there is nothing of it is to be said
        let Some(track) = self.reader.track(&series.metric, &series.labels, Time::from_millis(0))? else {
            return Ok(self.trace(self.config.interval, limit).end());
        };
        // damaged history before the span takes no chart away
        let before = self.reader.before(&track, from).unwrap_or_default();
        let mut course = self.trace(track.every, limit).after(before);
        self.reader.walk(&track, from, to, |point| course.add(point))?;
        Ok(course.end())
    }

    /// Full backing is a limit by itself where a rule watches the shortfall.
    fn of_backing(&self, series: &SeriesKey) -> Option<Limit> {
        if &*series.metric != "reserves_ratio" {
            return None;
        }
        let shortfall = SeriesKey::new("reserves_shortfall_algo", Labels::empty());
        let worst = limits::of_series(&shortfall, &self.config.rules).pop()?;
        Some(Limit { value: 1.0, worse: rules::Worse::Lower, ..worst })
    }

    /// What a rule evaluates for one label set, at instants of the span.
    fn evaluated(&self, rule: &Rule, labels: &Labels, limit: Option<&Limit>) -> Result<Course> {
        let interval = self.config.interval;
        let Some(expr) = limits::held(rule) else { return Ok(self.trace(interval, limit).end()) };
        if let Node::Selector(selector) = &expr.bare().node
            && let (Some(metric), None) = (&selector.metric, selector.range)
        {
            // the rule's own labels are none of the series'
            let own = labels.filtered(|name| rule.labels.get(name).is_none());
            return self.series(&SeriesKey::new(metric.clone(), own), limit);
        }
        let first = self.span.from.max(self.reader.sampled()?.map_or(self.span.from, |(oldest, _)| oldest));
        let last = self.span.to.min(self.tick).floor(interval);
        let ticks = query::ticks(first, last, interval, Some(MOST_INSTANTS));
        let every = ticks.first().zip(ticks.get(1)).map_or(interval, |(one, two)| two.since(*one));
        // it is asked here, whatever the cycles did
        let rhythm = Rhythm::even(every);
        let mut course = Trace::new(self.span, Pace { every, rhythm: &rhythm }, limit);
        let per_slice = usize::try_from(millis_of(SLICE) / millis_of(every).max(1)).unwrap_or(1).max(1);
        for ticks in ticks.chunks(per_slice) {
            self.slice(rule, expr, labels, ticks)?.into_iter().for_each(|point| course.add(point));
        }
        Ok(course.end())
    }

    fn slice(
        &self,
        rule: &Rule,
        expr: &rules::promql::ast::Expr,
        labels: &Labels,
        ticks: &[Time],
    ) -> Result<Vec<Point>> {
        let Some((first, last)) = ticks.first().zip(ticks.last()) else { return Ok(Vec::new()) };
        let mut needs = rules::needs([expr], *last);
        for need in &mut needs {
            need.back += last.since(*first);
        }
        let data = Windows::new(self.reader.sound_windows(&needs, *last)?);
        let series = query::answer(expr, &data, ticks, rules::Catalogue::of(METRICS))?;
        let is_meant = |series: &&query::Series| series.labels.overridden(&rule.labels) == *labels;
        let values = series.into_iter().find(|series| is_meant(&series)).map(|series| series.values);
        let datum =
            |at: usize| values.as_ref().and_then(|values| *values.get(at)?).map_or(Datum::Unknown, Datum::Value);
        Ok(ticks.iter().enumerate().map(|(at, tick)| Point { tick: *tick, datum: datum(at) }).collect())
    }

    /// The alerts that the series is behind, by the rules whose limits are drawn.
    fn marks(&self, of: &Of, limits: &[Limit]) -> (Option<Severity>, Vec<Mark>) {
        let is_its = |alert: &&Alert| match of {
            Of::Rule(key) => alert.key == *key,
            Of::Series(series) => {
                let is_rule = limits.iter().any(|limit| *limit.rule == *alert.key.rule);
                is_rule && series.labels.iter().all(|(name, value)| alert.key.labels.get(name) == Some(value))
            }
        };
        let alerts: Vec<&Alert> = self.alerts.iter().filter(is_its).collect();
        let firing = alerts.iter().filter_map(|alert| alert.severity()).max();
        let marks = alerts.iter().flat_map(|alert| {
            let severity = alert.peak.unwrap_or(Severity::Low);
            let mark = |at, begins| Mark { at, severity, begins, number: alert.number };
            let begins = alert.fired_at.map(|at| mark(at, true));
            begins.into_iter().chain(alert.ended.map(|(at, _)| mark(at, false)))
        });
        let is_inside = |mark: &Mark| mark.at >= self.span.from && mark.at <= self.span.to;
        (firing, marks.filter(is_inside).collect())
    }
}

impl Chart {
    /// A name for it in the document: letters, digits and hyphens, and no other chart's. Where the words alone may be
    /// those of another one, digits of the whole name follow.
    pub fn id(&self) -> String {
        let text = match &self.of {
            Of::Series(series) => series.to_string(),
            Of::Rule(key) => key.to_string(),
        };
        let words: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let is_plain = matches!(self.of, Of::Series(_)) && words.join("_") == text && text == text.to_ascii_lowercase();
        let id = words.iter().fold("chart".to_owned(), |id, word| format!("{id}-{}", word.to_ascii_lowercase()));
        if is_plain { id } else { format!("{id}-{:08x}", digits(&text)) }
    }

    /// Whether there is anything to see: a value, that there is none although rules ask for it, or why it cannot be read.
    pub fn is_worth_showing(&self) -> bool {
        self.course.last.is_some() || !self.limits.is_empty() || self.trouble.is_some()
    }

    /// A value of it in words.
    pub fn text(&self, value: f64) -> String {
        value_text(value, self.unit, self.is_backing())
    }

    /// Whether it is the ratio of the reserves, which is never rounded up.
    pub fn is_backing(&self) -> bool {
        matches!(&self.of, Of::Series(series) if BACKING_RATIOS.contains(&&*series.metric))
    }

    /// The limits that are drawn, in words: `> 85 %`.
    pub fn limit_text(&self, limit: &Limit) -> String {
        format!("{} {}", limit.worse.symbol(), units::value(limit.value, self.unit))
    }
}

/// Ratios of what is held to what is owed: less is worse. A deviation of a claim is a ratio too, and more of it is worse.
pub const BACKING_RATIOS: [&str; 3] = ["reserves_ratio", "reserves_redeemable_ratio", "reserves_strict_ratio"];

/// A value in words; a ratio of the reserves is cut, so that what is short never reads as 100 %.
pub fn value_text(value: f64, unit: Unit, is_backing: bool) -> String {
    if is_backing { ratio_down(value) } else { units::value(value, unit) }
}

/// A ratio with two decimals, cut: 0.99999 is 99.99 %.
pub fn ratio_down(ratio: f64) -> String {
    if !ratio.is_finite() {
        return units::value(ratio, Unit::Ratio);
    }
    // a hair more than the noise of a float, so that 1.0123 is not 101.22 %
    let hundredths = (ratio * 10_000.0 + 1e-7).floor();
    let hundredths = if ratio < 1.0 { hundredths.min(9999.0) } else { hundredths };
    format!("{:.2} %", hundredths / 100.0)
}

/// A few digits that stand for a text, the same ones in every release (FNV-1a).
fn digits(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The unit of a series by the catalogue.
fn unit_of(series: &SeriesKey) -> Unit {
    METRICS.iter().find(|metric| metric.name == &*series.metric).map_or(Unit::Count, |metric| metric.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_never_rounded_up() {
        for (ratio, text) in [
            (1.0123, "101.23 %"),
            (1.012_399, "101.23 %"),
            (0.99999, "99.99 %"),
            (0.999_999_999_999_9, "99.99 %"),
            (1.0, "100.00 %"),
            (0.9841, "98.41 %"),
            (0.0, "0.00 %"),
        ] {
            assert_eq!(ratio_down(ratio), text);
        }
    }
}

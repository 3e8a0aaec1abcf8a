//! A metric over a time: lowest, highest and mean value of each bucket, for charts and tables.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::collect::catalogue::METRICS;
use crate::model::labels::Labels;
use crate::model::reading::{Datum, Point};
use crate::model::time::{Time, millis_of};
use crate::model::trouble::{Kind, Trouble};
use crate::rules::promql::{self, ast::Expr, ast::Node, ast::Selector};
use crate::store::walk::Track;
use crate::store::{Reader, Result};
use crate::text::nearest::nearest;
use crate::text::{instant, safe, units};

/// Buckets of a series where nothing else is asked; more than a chart has columns.
const USUAL: i64 = 720;

/// The most buckets of a series.
const MOST_BUCKETS: i64 = 5000;

/// The most series of an answer.
const MOST_SERIES: usize = 100;

/// The most buckets of all series together, some megabytes of JSON: as many as the most series have where no step is asked.
const MOST_IN_ALL: i64 = 72_000;

/// The time that is shown where nothing else is asked.
const DAY: Duration = Duration::from_hours(24);

/// What somebody asks for, as it is written.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// A metric, with conditions on its labels or without: `system_disk_usage_ratio{mount="/"}`.
    pub metric: String,
    /// Since when: an instant, seconds since the epoch, or how long ago.
    pub from: Option<String>,
    /// Until when.
    pub to: Option<String>,
    /// How long a bucket is.
    pub step: Option<String>,
}

/// A metric over a time.
#[derive(Serialize, ToSchema)]
pub struct Range {
    metric: String,
    /// ratio, seconds, bytes, timestamp, bool, algo or count; null where nobody knows.
    unit: Option<&'static str>,
    from: String,
    to: String,
    step_seconds: f64,
    /// One for each set of labels.
    series: Vec<Series>,
}

/// A series.
#[derive(Serialize, ToSchema)]
#[schema(as = RangeSeries)]
struct Series {
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    labels: Labels,
    /// The oldest first; every bucket of the time is there.
    buckets: Vec<Bucket>,
}

/// A piece of time; null where nothing was measured, and where that is no finite number (`samples` counts it).
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[schema(as = RangeBucket)]
pub struct Bucket {
    /// When it begins.
    time: String,
    min: Option<f64>,
    max: Option<f64>,
    avg: Option<f64>,
    /// How many values it has.
    samples: u32,
    /// How many times the source was asked and could not say.
    unknown: u32,
}

/// A question that can be answered.
struct Asked {
    expr: Expr,
    from: Time,
    to: Time,
    step: Duration,
}

impl Range {
    /// Reads it. Trouble of the kind `Usage` is one of the question.
    pub fn of(reader: &Reader, question: &Question, interval: Duration, now: Time) -> Result<Self> {
        let expr = selector(&question.metric)?;
        let last = reader.last_tick()?.unwrap_or(now);
        let asked = Asked::new(question, expr, interval, last, now)?;
        let Node::Selector(selector) = &asked.expr.bare().node else { return Err(no_selector(&question.metric)) };
        let Some(metric) = &selector.metric else { return Err(no_selector(&question.metric)) };
        let known = METRICS.iter().find(|known| known.name == &**metric);
        let tracks = reader.tracks(metric, asked.from)?;
        if tracks.is_empty() && known.is_none() {
            let trouble = Trouble::new(Kind::Usage, format!("nothing is measured under the name {metric}"));
            return Err(match nearest(metric, METRICS.iter().map(|metric| metric.name)) {
                Some(near) => trouble.help(format!("did you mean {near}?")),
                None => trouble.help("`sippar-mon rules list --metrics` lists the metrics"),
            });
        }
        let mut series = Vec::new();
        for track in tracks.iter().filter(|track| selector.selects(&track.key)) {
            if let Some(buckets) = asked.buckets(reader, track)? {
                asked.check_room(metric, series.len() + 1)?;
                series.push(Series { labels: track.key.labels.clone(), buckets });
            }
        }
        Ok(Self {
            metric: metric.to_string(),
            unit: known.map(|known| known.unit.name()),
            from: asked.from.rfc3339(),
            to: asked.to.rfc3339(),
            step_seconds: asked.step.as_secs_f64(),
            series,
        })
    }

    /// A line for each bucket of each series, empty where nothing was measured.
    pub fn csv(&self) -> String {
        let mut out = String::from("time,metric,labels,min,max,avg,samples,unknown\n");
        for Series { labels, buckets } in &self.series {
            let labels = safe::one_line(&format!("{labels:?}")).replace('"', "\"\"");
            for Bucket { time, min, max, avg, samples, unknown } in buckets {
                let number = |value: &Option<f64>| value.map_or(String::new(), in_full);
                let (min, max, avg) = (number(min), number(max), number(avg));
                let _ = writeln!(out, "{time},{},\"{labels}\",{min},{max},{avg},{samples},{unknown}", self.metric);
            }
        }
        out
    }
}

/// A value with all its digits; one that is no finite number by its name.
fn in_full(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { units::number(value) }
}

/// Reads a metric with or without conditions on its labels.
fn selector(text: &str) -> Result<Expr> {
    let expr = promql::parse(text).map_err(|faults| {
        let what = faults.into_iter().next().map_or_else(String::new, |fault| format!(": {}", fault.what));
        Trouble::new(Kind::Usage, format!("`{}` cannot be read{what}", safe::one_line(text)))
    })?;
    let is_plain = |selector: &Selector| {
        selector.metric.is_some()
            && selector.range.is_none()
            && selector.shift.offset == 0
            && selector.shift.at.is_none()
    };
    match &expr.bare().node {
        Node::Selector(selector) if is_plain(selector) => Ok(expr),
        _ => Err(no_selector(text)),
    }
}

fn no_selector(text: &str) -> Trouble {
    Trouble::new(Kind::Usage, format!("`{}` is not one metric", safe::one_line(text)))
        .help("write metric=NAME or metric=NAME{label=\"value\"}; `sippar-mon query` evaluates expressions")
}

/// Reads an instant: also as seconds since the epoch.
fn time(name: &str, text: &str, now: Time) -> Result<Time> {
    let seconds = text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000)).map(Time::from_millis);
    let read = seconds.map_or_else(|| instant::parse(text, now), |time| instant::known(time, text));
    read.map_err(|why| Trouble::new(Kind::Usage, format!("{name}: {why}")))
}

impl Asked {
    fn new(question: &Question, expr: Expr, interval: Duration, last: Time, now: Time) -> Result<Self> {
        let usage = |what: String| Trouble::new(Kind::Usage, what);
        let given = |name, text: &Option<String>| text.as_deref().map(|text| time(name, text, now)).transpose();
        let to = given("to", &question.to)?.unwrap_or(last + interval);
        let from = given("from", &question.from)?.unwrap_or_else(|| (to - DAY).max(Time::from_millis(0)));
        if from >= to {
            return Err(usage(format!("the time from {from} to {to} has no length")));
        }
        let step = question.step.as_deref().map(units::parse_duration).transpose();
        let step =
            step.map_err(|why| usage(format!("step: {why}")))?.unwrap_or_else(|| usual(to.since(from), interval));
        if step < Duration::from_secs(1) {
            return Err(usage("step: a bucket is at least one second long".to_owned()));
        }
        let asked = Self { expr, from: from.floor(step), to, step };
        if asked.count() > MOST_BUCKETS {
            let help = format!("at most {MOST_BUCKETS} are given; make `step` longer, or leave it out");
            return Err(usage(format!("that would be {} buckets", asked.count())).help(help));
        }
        Ok(asked)
    }

    /// How many buckets there are.
    fn count(&self) -> i64 {
        (self.to.millis() - self.from.millis() - 1).div_euclid(millis_of(self.step)) + 1
    }

    /// When a bucket begins.
    fn begin(&self, at: i64) -> Time {
        Time::from_millis(self.from.millis() + at * millis_of(self.step))
    }

    /// Whether an answer can have so many series.
    fn check_room(&self, metric: &str, series: usize) -> Result<()> {
        if series > MOST_SERIES {
            let what = format!("{metric} has more than {MOST_SERIES} series here");
            return Err(Trouble::new(Kind::Usage, what).help("name the labels: metric=NAME{label=\"value\"}"));
        }
        let all = self.count().saturating_mul(i64::try_from(series).unwrap_or(i64::MAX));
        if all > MOST_IN_ALL {
            let what = format!("that would be more than {MOST_IN_ALL} buckets in all");
            return Err(Trouble::new(Kind::Usage, what).help("name the labels, or make `step` longer"));
        }
        Ok(())
    }

    /// The buckets of a series; none where there is no sample of it.
    fn buckets(&self, reader: &Reader, track: &Track) -> Result<Option<Vec<Bucket>>> {
        let mut buckets = Buckets { asked: self, all: Vec::new(), sum: 0.0 };
        // the last bucket ends where the next one would begin
        reader.walk(track, self.from, self.to - Duration::from_millis(1), |point| buckets.add(point))?;
        Ok((!buckets.all.is_empty()).then(|| buckets.end()))
    }
}

/// The buckets of a series while its samples come.
struct Buckets<'a> {
    asked: &'a Asked,
    all: Vec<Bucket>,
    /// Of the values in the last one.
    sum: f64,
}

impl Buckets<'_> {
    /// `point` is no older than those before it.
    fn add(&mut self, point: Point) {
        let at = (point.tick.millis() - self.asked.from.millis()).div_euclid(millis_of(self.asked.step));
        self.reach(at + 1);
        let Some(bucket) = self.all.last_mut() else { return };
        match point.datum {
            Datum::Value(value) => {
                // of a number and none, that is the number
                bucket.min = Some(bucket.min.map_or(value, |min| min.min(value)));
                bucket.max = Some(bucket.max.map_or(value, |max| max.max(value)));
                bucket.samples += 1;
                self.sum += value;
                bucket.avg = Some(self.sum / f64::from(bucket.samples));
            }
            Datum::Unknown => bucket.unknown += 1,
            Datum::Gone => {}
        }
    }

    /// Adds empty ones until there are so many.
    fn reach(&mut self, count: i64) {
        for at in i64::try_from(self.all.len()).unwrap_or(i64::MAX)..count {
            let time = self.asked.begin(at).rfc3339();
            self.all.push(Bucket { time, min: None, max: None, avg: None, samples: 0, unknown: 0 });
            self.sum = 0.0;
        }
    }

    fn end(mut self) -> Vec<Bucket> {
        self.reach(self.asked.count());
        self.all
    }
}

/// A bucket that makes few enough of this time: a whole number of intervals.
fn usual(time: Duration, interval: Duration) -> Duration {
    let intervals = millis_of(time) / millis_of(interval).max(1);
    let each = u32::try_from((intervals + USUAL - 1) / USUAL).unwrap_or(u32::MAX).max(1);
    interval.saturating_mul(each)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(minute: i64) -> Time {
        Time::from_millis(minute * 60_000)
    }

    fn ask(from: &str, to: &str, step: Option<&str>) -> Result<Asked> {
        let question = Question {
            metric: "a".to_owned(),
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
            step: step.map(str::to_owned),
        };
        Asked::new(&question, selector("a").unwrap(), MINUTE, at(0), at(1_000_000))
    }

    #[test]
    fn buckets_have_extremes_means_and_gaps() {
        let datum = [Datum::Value(3.0), Datum::Value(1.0), Datum::Unknown, Datum::Gone, Datum::Value(f64::NAN)];
        let points = (0..5).zip(datum).map(|(minute, datum)| Point { tick: at(minute), datum });
        let asked = ask("0", "360", Some("2m")).unwrap();
        let mut buckets = Buckets { asked: &asked, all: Vec::new(), sum: 0.0 };
        points.for_each(|point| buckets.add(point));
        let shown: Vec<String> = buckets
            .end()
            .iter()
            .map(|b| format!("{} {:?} {:?} {:?} {} {}", b.time, b.min, b.max, b.avg, b.samples, b.unknown))
            .collect();
        assert_eq!(
            ["+Inf", "-Inf", "NaN", "1.5"].map(str::to_owned),
            [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.5].map(in_full)
        );
        assert_eq!(
            shown,
            [
                "1970-01-01T00:00:00Z Some(1.0) Some(3.0) Some(2.0) 2 0",
                "1970-01-01T00:02:00Z None None None 0 1",
                "1970-01-01T00:04:00Z Some(NaN) Some(NaN) Some(NaN) 1 0",
            ]
        );
    }

    #[test]
    fn steps_are_whole_intervals_and_few() {
        assert_eq!(usual(Duration::from_hours(1), MINUTE), MINUTE);
        assert_eq!(usual(Duration::from_hours(12), MINUTE), MINUTE);
        assert_eq!(usual(Duration::from_hours(24), MINUTE), MINUTE * 2);
        assert_eq!(usual(Duration::from_hours(24 * 30), MINUTE), MINUTE * 60);
        assert_eq!(usual(Duration::from_secs(1), MINUTE), MINUTE);
        assert_eq!(ask("30", "3600", None).unwrap().count(), 60);
    }

    #[test]
    fn an_answer_has_room_for_some_megabytes() {
        let room =
            |step, series| ask("0", "86400", Some(step)).unwrap().check_room("a", series).map_err(|why| why.what);
        assert_eq!(room("20s", 16), Ok(()));
        assert_eq!(room("20s", 17), Err("that would be more than 72000 buckets in all".to_owned()));
        assert_eq!(room("1h", 100), Ok(()));
        assert_eq!(room("1h", 101), Err("a has more than 100 series here".to_owned()));
    }

    #[test]
    fn questions_that_have_no_answer_say_why() {
        let why = |asked: Result<Asked>| asked.map(|_| ()).unwrap_err().what;
        assert_eq!(
            why(ask("60", "60", None)),
            "the time from 1970-01-01T00:01:00Z to 1970-01-01T00:01:00Z has no length"
        );
        assert_eq!(why(ask("0", "864000", Some("10s"))), "that would be 86400 buckets");
        assert_eq!(why(ask("0", "60", Some("1ms"))), "step: a bucket is at least one second long");
        assert!(why(ask("soon", "60", None)).starts_with("from: `soon` is not a time"));
        let outside = "from: `-99999999999999` is not in the years from 1970 to 9999";
        assert_eq!(why(ask("-99999999999999", "60", None)), outside);
        assert_eq!(
            why(ask("0", "999999999999999", None)),
            "to: `999999999999999` is not in the years from 1970 to 9999"
        );
        for bad in ["", "a b", "a[5m]", "a offset 1h", "{x=\"y\"}", "sum(a)", "a + 1", "a @ 5"] {
            assert_eq!(selector(bad).unwrap_err().kind, Kind::Usage, "{bad}");
        }
        assert!(selector("a{x=\"y\",z!~\"b.*\"}").is_ok());
    }
}

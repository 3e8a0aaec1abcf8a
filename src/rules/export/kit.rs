//! For the tests: random rules, and rules through time.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::Alerting;
use crate::model::fault::Weight;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Point, Window};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::replay::{self, Replay};
use crate::rules::promql::value::Answer;
use crate::rules::promql::{evaluate, parse};
use crate::rules::{Rule, Windows, tests};

/// Rules and what they see. Nothing is unknown; none is a sample that was not taken.
#[derive(Clone, Debug)]
pub struct Story {
    /// What it is about.
    pub name: String,
    /// `[[rule]]`s beside the shipped ones.
    pub rules: String,
    /// Those that it is about.
    pub names: Vec<String>,
    /// Severities by the value of `mount`, for conditions.
    pub by_mount: Vec<(&'static str, Severity)>,
    /// Between two ticks.
    pub interval: Duration,
    /// One sample for each tick after the first.
    pub series: Vec<(SeriesKey, Vec<Option<Datum>>)>,
}

impl Story {
    /// The rules that it is about.
    pub fn compiled(&self) -> Vec<Rule> {
        let mut rules = compiled(&self.rules);
        rules.retain(|rule| self.names.iter().any(|name| *name == *rule.name));
        for rule in &mut rules {
            self.by_mount.iter().for_each(|(mount, severity)| rule.set_severity("mount", mount, *severity));
        }
        rules
    }

    /// The ticks at which rules are looked at.
    pub fn ticks(&self) -> impl Iterator<Item = Time> + use<> {
        let count = self.series.iter().map(|(_, samples)| samples.len()).max().unwrap_or(0);
        let interval = self.interval;
        (0..=count).map(move |tick| Time::from_millis(0) + interval * u32::try_from(tick).unwrap())
    }

    /// Into how many parts the time between two ticks is cut; a sample stands where the last part begins. So no window
    /// begins or ends at one, and it is young enough for the 5 minutes of Prometheus however long the interval is.
    pub fn parts(&self) -> u32 {
        const LONGEST: u128 = 150_000;
        u32::try_from(self.interval.as_millis().div_ceil(LONGEST)).unwrap().max(3)
    }

    /// What the rules see.
    fn windows(&self) -> Vec<Window> {
        let window = |(series, samples): &(SeriesKey, Vec<Option<Datum>>)| {
            let times = self.ticks().skip(1).map(|tick| tick - self.interval / self.parts());
            let points = times.zip(samples).filter_map(|(tick, datum)| Some(Point { tick, datum: (*datum)? }));
            Window { series: series.clone(), every: self.interval, points: points.collect(), reason: None }
        };
        self.series.iter().map(window).collect()
    }

    /// What `ALERTS` is after each tick.
    pub fn alerts(&self, rules: &[Rule]) -> Vec<BTreeSet<Labels>> {
        let mut data = Windows::new(self.windows());
        let (routes, identity) = (replay::story::routes(), replay::story::identity());
        let mut replay = Replay::new(rules, &routes, &identity, self.interval);
        let alerts = parse("ALERTS").unwrap();
        let one_more = self.ticks().last().map(|tick| tick + self.interval);
        let after = self.ticks().chain(one_more).map(|tick| {
            let moment = replay.tick(tick, &mut data);
            assert!(moment.failed.is_empty(), "{:?}", moment.failed);
            // at a tick it is as the last one left it
            match evaluate(&alerts, &data, tick) {
                Ok(Answer::Vector(elements)) => elements.into_iter().map(|element| element.labels).collect(),
                other => panic!("{other:?}"),
            }
        });
        after.skip(1).collect()
    }
}

/// The shipped rules and those of `text`.
pub fn compiled(text: &str) -> Vec<Rule> {
    let (rules, faults) = tests::compiled(text, true);
    let errors: Vec<_> = faults.iter().filter(|fault| fault.weight == Weight::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    rules
}

/// An exported rule read back as a condition of ours, under the same name.
pub fn condition(rule: &Alerting) -> Rule {
    let labels = rule.labels.iter().filter(|(name, _)| *name != "severity");
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name} = {}", toml(value))).collect();
    let zero = "0s".to_owned();
    let text = format!(
        "[[rule]]\nalert = '{}'\nexpr = {}\nseverity = '{}'\nfor = '{}'\nkeep_firing_for = '{}'\nlabels = {{ {} }}\n",
        rule.alert,
        toml(&rule.expr),
        rule.labels["severity"],
        rule.pending_for.as_ref().unwrap_or(&zero),
        rule.keep_firing_for.as_ref().unwrap_or(&zero),
        labels.join(", "),
    );
    compiled(&text).into_iter().find(|compiled| *compiled.name == *rule.alert).unwrap()
}

fn toml(text: &str) -> String {
    toml::Value::from(text).to_string()
}

const VALUES: [&str; 12] = [
    "usage",
    "usage # as it is",
    "\n  usage\n+ 0 * usage # nothing is added\n",
    "-usage",
    "avg_over_time(usage[3m])",
    "max by (mount) (usage)",
    "sum(usage) by (mount)",
    "sum(usage) / 3",
    "scalar(sum(usage)) - 2",
    "usage offset 1m",
    "usage - usage offset 2m",
    "{__name__=~\"usage|none\"}",
];

const CONDITIONS: [&str; 5] = [
    "usage > 4",
    "3 <= usage",
    "usage > 2 and on (mount) usage < 7 # both",
    "usage > 6 or usage < 1",
    "sum by (mount) (usage) != 5",
];

const EXCEPTS: [&str; 8] = [
    "{mount=\"/boot\"}",
    "{mount!=\"/boot\",disk!=\"\"}",
    "{mount=~\"/.+\"}",
    "{mount!~\"/b.*|\"}",
    "{disk=\"\",mount=\"/\"}",
    "{mount=~\"/d.*|/\", disk!=\"a.b\", disk!~\"x\"}",
    "{disk!=\"\"}",
    "{disk=\"a.b\"}",
];

const GUARDS: [&str; 5] = [
    "sum(memory) > 4",
    "sum(usage) > 9",
    "usage < 8",
    "count_over_time(usage[2m]) > 1 # twice",
    "usage > 1 or memory > 6",
];

const LABELS: [&str; 4] = ["", "team = 'ops'", "disk = 'any'", "team = 'ops', disk = 'some'"];

/// Samples of a series: mostly numbers around the limits.
fn samples() -> impl Strategy<Value = Vec<Option<Datum>>> {
    let sample = prop_oneof![
        20 => (-2..10_i32).prop_map(|value| Some(Datum::Value(f64::from(value)))),
        1 => Just(Some(Datum::Value(f64::NAN))),
        1 => Just(Some(Datum::Value(f64::INFINITY))),
        2 => Just(Some(Datum::Gone)),
        1 => Just(None),
    ];
    proptest::collection::vec(sample, 24)
}

fn series() -> impl Strategy<Value = Vec<(SeriesKey, Vec<Option<Datum>>)>> {
    let usage = |mount: &str, disk: &str| SeriesKey::new("usage", Labels::new([("mount", mount), ("disk", disk)]));
    let keys =
        [usage("/", "a.b"), usage("/boot", "axb"), usage("/data", ""), SeriesKey::new("memory", Labels::empty())];
    keys.map(|key| (Just(key), samples())).into_iter().collect::<Vec<_>>()
}

/// `{ HIGH = '…', … }` for those of the severities that have one.
fn table(key: &str, values: &[Option<String>]) -> String {
    let named =
        Severity::ALL.iter().zip(values).filter_map(|(name, value)| Some(format!("{name} = {}", value.as_ref()?)));
    let named: Vec<String> = named.collect();
    if named.is_empty() { String::new() } else { format!("{key} = {{ {} }}\n", named.join(", ")) }
}

/// Limits in order, with or without `clear`, each severity with a patience of its own.
fn ladder() -> impl Strategy<Value = String> {
    let rung = (0..4_i32, proptest::option::weighted(0.7, 1..5_i32), 0..4_u32, 0..4_u32);
    let rungs = proptest::collection::vec(proptest::option::weighted(0.7, rung), 4);
    let rungs = rungs.prop_filter("no severity at all", |rungs| rungs.iter().any(Option::is_some));
    (rungs, any::<bool>(), proptest::sample::select(&VALUES[..])).prop_map(|(rungs, above, value)| {
        let (key, sign) = if above { ("above", 1) } else { ("below", -1) };
        let mut last = 0;
        let mut columns: [Vec<Option<String>>; 4] = Default::default();
        for rung in rungs {
            let rung = rung.map(|(more, clear, before, after)| {
                last += more + 1;
                let clear = clear.map(|width| (sign * (last - width)).to_string());
                [Some((sign * last).to_string()), clear, Some(format!("'{before}m'")), Some(format!("'{after}m'"))]
            });
            columns.iter_mut().zip(rung.unwrap_or_default()).for_each(|(column, value)| column.push(value));
        }
        let tables =
            [key, "clear", "for", "keep_firing_for"].into_iter().zip(&columns).map(|(key, values)| table(key, values));
        format!("expr = {}\n{}", toml(value), tables.collect::<String>())
    })
}

fn plain_condition() -> impl Strategy<Value = String> {
    let severity = proptest::sample::select(&Severity::ALL[..]);
    (proptest::sample::select(&CONDITIONS[..]), severity, 0..4_u32, 0..4_u32).prop_map(
        |(expr, severity, before, after)| {
            format!("expr = {}\nseverity = '{severity}'\nfor = '{before}m'\nkeep_firing_for = '{after}m'\n", toml(expr))
        },
    )
}

/// A story of one random rule called `name`.
pub fn story(name: &str) -> impl Strategy<Value = Story> + use<> {
    let by_mount =
        (proptest::sample::select(vec!["/", "/boot", "/data"]), proptest::sample::select(&Severity::ALL[..]));
    let by_mount = proptest::collection::vec(by_mount, 0..5);
    let test = prop_oneof![2 => (ladder(), Just(Vec::new())), 1 => (plain_condition(), by_mount)];
    let excepts = proptest::sample::subsequence(EXCEPTS.to_vec(), 0..3);
    let guard = proptest::option::weighted(0.4, proptest::sample::select(&GUARDS[..]));
    let name = name.to_owned();
    let whole = (test, excepts, guard, proptest::sample::select(&LABELS[..]), series());
    whole.prop_map(move |((test, by_mount), excepts, guard, labels, series)| {
        let excepts: Vec<String> = excepts.into_iter().map(toml).collect();
        let guard = guard.map(|guard| format!("when = {}\n", toml(guard))).unwrap_or_default();
        let rest = format!("{guard}except = [{}]\nlabels = {{ {labels} }}\n", excepts.join(", "));
        let rules = format!("[[rule]]\nalert = '{name}'\n{test}{rest}");
        Story {
            name: name.clone(),
            rules,
            names: vec![name.clone()],
            by_mount,
            interval: Duration::from_mins(1),
            series,
        }
    })
}

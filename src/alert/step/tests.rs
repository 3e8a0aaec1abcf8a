//! The machine told by stories: `tests/stories/alert/*.toml`. A story is a line of ticks and the whole timeline they make.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::model::labels::Labels;
use crate::text::units::parse_duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    story: Vec<Story>,
}

/// A story: what the rule says tick by tick, and everything that happens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    name: String,
    #[serde(default = "minute")]
    interval: String,
    /// `for` of HIGH and CRITICAL.
    #[serde(default)]
    high_for: Option<String>,
    #[serde(default)]
    critical_for: Option<String>,
    /// `keep_firing_for` of both.
    #[serde(default)]
    keep: Option<String>,
    #[serde(default)]
    no_data: NoData,
    /// `.` fine · `h` in HIGH's band · `H` beyond HIGH · `c` beyond HIGH, in CRITICAL's band · `C` beyond both ·
    /// `?` not measured · `_` gone · `-` condition false or gone · `+10m` nobody looked for that long · `<` the clock went back.
    ticks: String,
    timeline: String,
}

fn minute() -> String {
    "1m".to_owned()
}

fn key() -> AlertKey {
    AlertKey { rule: "R".into(), labels: Labels::empty() }
}

fn says(high: Level, critical: Level) -> Says {
    let value = f64::from(high as u8) + f64::from(critical as u8);
    let levels = BySeverity::from_fn(|severity| match severity {
        Severity::High => high,
        Severity::Critical => critical,
        Severity::Low | Severity::Medium => Level::Within,
    });
    Says::Measured { value, levels }
}

fn says_of(token: &str) -> Says {
    match token {
        "." => says(Level::Within, Level::Within),
        "h" => says(Level::Band, Level::Within),
        "H" => says(Level::Beyond, Level::Within),
        "c" => says(Level::Beyond, Level::Band),
        "C" => says(Level::Beyond, Level::Beyond),
        "?" => Says::Unknown(Reason::TIMEOUT),
        other => panic!("no such tick: {other}"),
    }
}

fn policy(story: &Story) -> Policy {
    let patience = |text: &Option<String>| text.as_deref().map_or(Duration::ZERO, |text| parse_duration(text).unwrap());
    Policy {
        severities: BySeverity::from_fn(|severity| severity >= Severity::High),
        pending_for: BySeverity::from_fn(|severity| match severity {
            Severity::Critical => patience(&story.critical_for),
            Severity::High => patience(&story.high_for),
            Severity::Low | Severity::Medium => Duration::ZERO,
        }),
        keep_firing_for: BySeverity::from_fn(|_| patience(&story.keep)),
        no_data: story.no_data,
        lower_is_worse: false,
    }
}

/// The timeline a story makes: one line for each tick at which something changed.
fn play(story: &Story) -> String {
    let interval = parse_duration(&story.interval).unwrap();
    let policy = policy(story);
    let (mut at, mut passage, mut open) = (Duration::ZERO, Passage::Ordinary, None::<Alert>);
    let mut timeline = String::new();
    let mut last = String::new();
    for token in story.ticks.split_whitespace() {
        if let Some(gap) = token.strip_prefix('+') {
            let gap = parse_duration(gap).unwrap();
            at = at.checked_sub(interval).unwrap() + gap;
            passage =
                if gap > Duration::from_hours(1) { Passage::Anew } else { Passage::Gap(gap.saturating_sub(interval)) };
            continue;
        }
        if token == "<" {
            passage = Passage::Anew;
            continue;
        }
        let now = Now { tick: Time::from_millis(0) + at, passage };
        let said;
        let word = match token {
            "_" => Word::Missing(Missing::Gone),
            "-" => Word::Missing(Missing::FalseOrGone),
            token => {
                said = says_of(token);
                Word::Says(&said)
            }
        };
        let step = step(&key(), open.take(), word, &policy, now);
        let state = describe(step.alert.as_ref());
        if let Some(transition) = step.transition {
            writeln!(timeline, "{} {}", clock(at), tell(transition)).unwrap();
        } else if state != last {
            writeln!(timeline, "{} {state}", clock(at)).unwrap();
        }
        last = state;
        open = step.alert.filter(|alert| alert.ended.is_none()).or(step.next);
        at += interval;
        passage = Passage::Ordinary;
    }
    timeline
}

fn clock(at: Duration) -> String {
    crate::text::units::duration_literal(at)
}

fn tell(transition: Transition) -> String {
    match transition {
        Transition::Fired(to) => format!("fired {to}"),
        Transition::Raised(from, to) => format!("raised {from} -> {to}"),
        Transition::Eased(from, to) => format!("eased {from} -> {to}"),
        Transition::Resolved(from, why) => format!("resolved {from} ({why:?})"),
    }
}

fn describe(alert: Option<&Alert>) -> String {
    alert.map_or_else(
        || "fine".to_owned(),
        |alert| match &alert.unknown {
            Some((since, reason)) => {
                format!("{}, not measured since {} ({reason})", alert.state(), clock(since.since(Time::from_millis(0))))
            }
            None => alert.state().to_owned(),
        },
    )
}

#[test]
fn stories_end_as_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/alert");
    let mut told = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file: File = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for story in &file.story {
            assert_eq!(play(story).trim(), story.timeline.trim(), "{}: {}", path.display(), story.name);
            told += 1;
        }
    }
    assert!(told >= 20, "only {told} stories were found");
}

/// Whoever waits for so many minutes of firing would wait for the jump as well.
#[test]
fn what_fires_when_the_clock_goes_back_fires_since_then() {
    let minute = |minutes: i64| Time::from_millis(minutes * 60_000);
    let policy = Policy {
        severities: BySeverity::from_fn(|severity| severity >= Severity::High),
        pending_for: BySeverity::from_fn(|_| Duration::ZERO),
        keep_firing_for: BySeverity::from_fn(|_| Duration::ZERO),
        no_data: NoData::Hold,
        lower_is_worse: false,
    };
    let went_on = |open: Option<Alert>, at, passage| {
        step(&key(), open, Word::Says(&says_of("H")), &policy, Now { tick: minute(at), passage }).alert
    };
    let fired = went_on(None, 500, Passage::Ordinary);
    assert_eq!(fired.as_ref().unwrap().began(), Some(minute(500)));
    let back = went_on(fired, 100, Passage::Anew);
    assert_eq!(back.unwrap().began(), Some(minute(100)));
}

/// Prometheus' own alert, the model each severity is held against: `for` and `keep_firing_for` in ticks.
fn prometheus(states: &[bool], patience: u32, keep: u32) -> Vec<bool> {
    let ticks = |from: usize, to: usize| u32::try_from(to - from).unwrap();
    let (mut active, mut fires, mut kept_since) = (None, false, None);
    let mut fire = |(at, &holds): (usize, &bool)| {
        if holds {
            let since = *active.get_or_insert(at);
            kept_since = None;
            fires |= ticks(since, at) >= patience;
        } else if fires && ticks(*kept_since.get_or_insert(at), at) < keep {
            // the first tick at which it is not true begins the time it is kept
        } else {
            (active, fires, kept_since) = (None, false, None);
        }
        fires
    };
    states.iter().enumerate().map(&mut fire).collect()
}

fn level() -> impl Strategy<Value = (bool, bool)> {
    prop_oneof![Just((false, false)), Just((true, false)), Just((true, true)), Just((false, true))]
}

proptest! {
    /// Without unknowns and gaps each severity alone behaves exactly as a Prometheus rule with its limit, `for` and
    /// `keep_firing_for`.
    #[test]
    fn each_severity_is_a_prometheus_alert(ticks in prop::collection::vec(level(), 1..60), high in 0u32..4, critical in 0u32..4, keep in 0u32..4) {
        let mut policy = Policy { severities: BySeverity::from_fn(|s| s >= Severity::High), ..Policy::default() };
        policy.pending_for[Severity::High] = Duration::from_secs(u64::from(high) * 60);
        policy.pending_for[Severity::Critical] = Duration::from_secs(u64::from(critical) * 60);
        policy.keep_firing_for = BySeverity::from_fn(|_| Duration::from_secs(u64::from(keep) * 60));
        let mut open = None;
        let mut seen: Vec<(bool, bool)> = Vec::new();
        let mut firing = None;
        for (at, (is_high, is_critical)) in ticks.iter().enumerate() {
            let beyond = |on: bool| if on { Level::Beyond } else { Level::Within };
            let said = says(beyond(*is_high), beyond(*is_critical));
            let now = Now { tick: Time::from_millis(i64::try_from(at).unwrap() * 60_000), passage: Passage::Ordinary };
            let step = step(&key(), open.take(), Word::Says(&said), &policy, now);
            // transitions alone tell the severity
            match step.transition {
                Some(Transition::Fired(to) | Transition::Raised(_, to) | Transition::Eased(_, to)) => firing = Some(to),
                Some(Transition::Resolved(..)) => firing = None,
                None => {}
            }
            open = step.alert.filter(|alert| alert.ended.is_none()).or(step.next);
            let phase = |severity| open.as_ref().is_some_and(|alert: &Alert| alert.phases[severity].fires());
            seen.push((phase(Severity::High), phase(Severity::Critical)));
            prop_assert_eq!(firing, open.as_ref().and_then(Alert::severity));
        }
        let (highs, criticals): (Vec<bool>, Vec<bool>) = ticks.into_iter().unzip();
        let expected: Vec<_> = prometheus(&highs, high, keep).into_iter().zip(prometheus(&criticals, critical, keep)).collect();
        prop_assert_eq!(seen, expected);
    }

    /// What is not measured never makes a transition.
    #[test]
    fn unknown_changes_nothing(ticks in prop::collection::vec(0usize..6, 1..60)) {
        let policy = Policy { severities: BySeverity::from_fn(|s| s >= Severity::High), ..Policy::default() };
        let mut open = None;
        for (at, token) in ticks.into_iter().enumerate() {
            let token = [".", "h", "H", "c", "C", "?"][token];
            let said = says_of(token);
            let now = Now { tick: Time::from_millis(i64::try_from(at).unwrap() * 60_000), passage: Passage::Ordinary };
            let step = step(&key(), open.take(), Word::Says(&said), &policy, now);
            prop_assert!(token != "?" || step.transition.is_none());
            open = step.alert.filter(|alert| alert.ended.is_none()).or(step.next);
        }
    }
}

//! Screens and sentences at fixed times.

use std::time::Duration;

use super::*;
use crate::alert::routes::Routes;
use crate::alert::stand::Stand;
use crate::collect::catalogue::METRICS;
use crate::model::alert::AlertKey;
use crate::model::labels::SeriesKey;
use crate::model::message::Destination;
use crate::model::reading::{Datum, Point, Reason, Window};
use crate::model::severity::{BySeverity, Severity};
use crate::model::verdict::Level;
use crate::rules::explain::Explained;
use crate::rules::{self, Catalogue, Windows, shipped};
use crate::text::check::Check;
use crate::view::explain::{Case, Standing};

/// 2026-11-23T09:00:00Z and so many minutes.
fn at(minute: i64) -> Time {
    Time::from_millis(1_795_424_400_000 + minute * 60_000)
}

const CATALOGUE: Catalogue<'static> = Catalogue { metrics: METRICS, is_open: false, sources: &[] };

/// The shipped rule of this name.
fn shipped_rule(name: &str) -> Rule {
    let resolve = |_: &str| Err("no secrets here".to_owned());
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let rules = rules::compile(Vec::new(), &shipped::settings().unwrap(), CATALOGUE, &mut check);
    rules.into_iter().find(|rule| &*rule.name == name).expect(name)
}

/// The rule taken apart at minute 5, where the memory was this full in each minute up to then.
fn explained(rule: &Rule, data: &[Datum]) -> Explained {
    let points = data.iter().rev().zip(0..).map(|(datum, minute)| Point { tick: at(5 - minute), datum: *datum });
    let mut points: Vec<Point> = points.collect();
    points.reverse();
    let series = SeriesKey::new("system_memory_usage_ratio", Labels::empty());
    let window = Window { series, every: Duration::from_mins(1), points, reason: Some(Reason::TIMEOUT) };
    rules::explain(rule, CATALOGUE, &Windows::new(vec![window]), at(5))
}

/// The explanation at minute 5, asked for 12 seconds later, of the one result that there is.
fn explanation<'a>(rule: &'a Rule, data: &[Datum], routes: &'a Routes) -> Explanation<'a> {
    let explained = explained(rule, data);
    let weighed = explained.results.first().cloned();
    let case = Case {
        labels: Labels::empty(),
        weighed,
        alert: None,
        fires: None,
        severities: Vec::new(),
        deliveries: Vec::new(),
    };
    let now = at(5) + Duration::from_secs(12);
    Explanation { rule, at: at(5), now, is_past: false, is_stale: false, explained, cases: vec![case], routes }
}

fn alert_since(minute: i64, fired: Option<i64>) -> Alert {
    Alert {
        number: fired.map(|_| 41),
        key: AlertKey { rule: "HIGH_MEMORY_USAGE".into(), labels: Labels::empty() },
        phases: BySeverity::default(),
        since: at(minute),
        fired_at: fired.map(at),
        ended: None,
        value: None,
        worst: None,
        peak: None,
        unknown: None,
        stepped: at(5),
        ack: None,
        unacked: None,
        hold: None,
    }
}

fn terminal() -> Terminal {
    Terminal { out: false, err: false, color: false, color_err: false, ascii: false, width: 80 }
}

fn routes() -> Routes {
    let to = |channel: &str| Destination { channel: channel.to_owned(), address: String::new() };
    let mut routes = Routes::default();
    routes.hears[Severity::High] = vec![to("mail"), to("slack"), to("mail")];
    routes
}

#[test]
fn every_way_to_stand_has_its_sentence() {
    let rule = shipped_rule("HIGH_MEMORY_USAGE");
    let (terminal, routes) = (terminal(), routes());
    let minutes = |minutes: i64| Duration::from_mins(minutes.unsigned_abs());
    for (standing, value, wanted) in [
        (Standing::Now(Stand::NotTrue), 0.4, "not true: 45 points below its limit"),
        (Standing::Now(Stand::NotTrue), 0.85, "not true: on its limit, not beyond it"),
        (Standing::Now(Stand::NotTrue), f64::NAN, "not true: NaN is beyond no limit"),
        (Standing::Now(Stand::Band), 0.83, "not true: between `clear` 80 % and its limit, which keeps only what fires"),
        (Standing::Now(Stand::Begins), 0.9, "true: 5 points above its limit; the next check begins to count"),
        (
            Standing::Now(Stand::Pending { since: at(3), fires_at: at(8) }),
            0.9,
            "pending since 09:03:00: 5 points above its limit; fires at 09:08:00 if it stays so, `for` is 5m",
        ),
        (
            Standing::Now(Stand::Stopped { since: at(3), left: minutes(3) }),
            0.9,
            "pending, and what is not measured does not count: fires after 3 min more of being true",
        ),
        (
            Standing::Now(Stand::Firing { since: at(-900) }),
            0.9,
            "fired at Nov 22 18:00:00: 5 points above its limit, `for` is 5m",
        ),
        (
            Standing::Now(Stand::NotClear { since: at(3) }),
            0.83,
            "fired at 09:03:00, not past its limit now: ends at `clear` 80 %",
        ),
        (
            Standing::Now(Stand::Keeping { fired: at(1), since: at(3), until: at(9) }),
            0.4,
            "fires on until 09:09:00: not true since 09:03:00, `keep_firing_for` is 0s",
        ),
        (Standing::Now(Stand::Ends { since: at(3) }), 0.4, "fired at 09:03:00, not true now: the next check ends it"),
        (
            Standing::Now(Stand::Held { since: at(3) }),
            0.4,
            "fired at 09:03:00, held: what is not measured ends nothing",
        ),
        (Standing::Now(Stand::Blind), 0.4, "nobody knows, and what is not measured fires nothing"),
        (Standing::Then(None), 0.4, "nobody knows: it was not measured"),
        (Standing::Then(Some(Level::Within)), 0.4, "not true: 45 points below its limit"),
        (
            Standing::Then(Some(Level::Band)),
            0.83,
            "not true: between `clear` 80 % and its limit, which keeps only what fires",
        ),
        (Standing::Then(Some(Level::Beyond)), 0.9, "true: 5 points above its limit, `for` is 5m"),
    ] {
        let mut explanation = explanation(&rule, &[Datum::Value(value)], &routes);
        explanation.cases[0].severities = vec![(Severity::High, standing)];
        let shown = case::cases(&explanation, &Look { terminal: &terminal, all: true, focus: None });
        // the second line and what it is broken into
        let sentence: Vec<&str> = shown.lines().skip(1).map(str::trim).collect();
        assert_eq!(sentence.join(" "), format!("HIGH      > 85 %  {wanted}"), "{standing:?}");
    }
}

#[test]
fn what_is_pending_is_shown_with_what_is_to_come() {
    let rule = shipped_rule("HIGH_MEMORY_USAGE");
    let (terminal, routes) = (terminal(), routes());
    let mut explanation = explanation(&rule, &[Datum::Value(0.9), Datum::Value(0.91)], &routes);
    explanation.cases[0].alert = Some(alert_since(4, None));
    explanation.cases[0].severities = vec![
        (Severity::High, Standing::Now(Stand::Pending { since: at(4), fires_at: at(9) })),
        (Severity::Critical, Standing::Now(Stand::Band)),
    ];
    assert_eq!(
        super::rule(&explanation, &Look { terminal: &terminal, all: false, focus: None }),
        "\
HIGH_MEMORY_USAGE  shipped
at 2026-11-23T09:05:00Z, 12 s ago

system_memory_usage_ratio  = 91 %, 12 s old

result  91 %  ○ pending since 09:04:00 (1 min 12 s)
  HIGH      > 85 %  pending since 09:04:00: 6 points above its limit; fires at
                    09:09:00 if it stays so, `for` is 5m
  CRITICAL  > 95 %  not true: between `clear` 90 % and its limit, which keeps
                    only what fires

who is told
  HIGH      mail, slack
  CRITICAL  nobody: no channel hears of CRITICAL
"
    );
}

#[test]
fn a_blind_past_of_which_little_is_known() {
    let rule = shipped_rule("HIGH_MEMORY_USAGE");
    let (terminal, routes) = (Terminal { ascii: true, ..terminal() }, routes());
    let mut explanation = explanation(&rule, &[Datum::Value(0.9), Datum::Unknown, Datum::Unknown], &routes);
    explanation.is_past = true;
    explanation.is_stale = true;
    explanation.cases[0].alert = Some(alert_since(1, Some(3)));
    explanation.cases[0].fires = Some(Severity::High);
    explanation.cases[0].severities = vec![(Severity::High, Standing::Then(None))];
    assert_eq!(
        super::rule(&explanation, &Look { terminal: &terminal, all: false, focus: None }),
        "\
HIGH_MEMORY_USAGE  shipped
at 2026-11-23T09:05:00Z, 12 s ago
nothing has been checked lately: the values may have changed, and nobody is
told. Is cron running?
of the past, samples and what fired are kept, and pending starts are not

system_memory_usage_ratio  1 element, 1 unknown
  {}  ?  not measured since 09:04:00: timeout

result  no value  [HIGH] firing since 09:03:00 (2 min), alert 41
  not measured: timeout
  HIGH      > 85 %  nobody knows: it was not measured
  told      nobody

who is told
  HIGH      mail, slack
  CRITICAL  nobody: no channel hears of CRITICAL
"
    );
}

#[test]
fn what_the_rule_is_as_a_whole() {
    let rule = shipped_rule("HIGH_MEMORY_USAGE");
    let (terminal, routes) = (terminal(), routes());
    let look = Look { terminal: &terminal, all: false, focus: None };
    let mut explanation = explanation(&rule, &[], &routes);
    explanation.cases.clear();
    for (outcome, wanted) in [
        (Outcome::Judged(Missing::Gone), "there is no result, so there is nothing that could fire\n"),
        (Outcome::Judged(Missing::FalseOrGone), "its condition holds for nothing, so nothing fires\n"),
        (
            Outcome::Unknown(Reason::WARMING_UP),
            "cannot be judged yet: warming_up; `no_data` is hold: what fires goes on, nothing\nnew fires\n",
        ),
        (
            Outcome::Unknown(Reason::TIMEOUT),
            "cannot be judged: timeout; `no_data` is hold: what fires goes on, nothing new\nfires\n",
        ),
        (
            Outcome::Failed("twice".to_owned()),
            "cannot be evaluated: twice; `no_data` is hold: what fires goes on, nothing new\nfires\n",
        ),
    ] {
        explanation.explained.outcome = outcome;
        assert_eq!(super::outcome(&explanation, &look), wanted);
    }
}

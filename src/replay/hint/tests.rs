use std::sync::Arc;

use super::*;
use crate::config::trial::Ground;
use crate::model::fault::SourceText;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::Datum;
use crate::model::severity::BySeverity;
use crate::replay::episodes::Story;
use crate::replay::story;
use crate::rules::written;
use crate::store::cycles::CycleRow;
use crate::store::series::Claim;

const MINUTE: Duration = Duration::from_mins(1);

fn minute(at: i64) -> Time {
    Time::from_millis((29_000_000 + at) * 60_000)
}

/// One disk whose usage in percent is that of the list, minute by minute, with a cycle for each.
fn lived(values: &[u32]) -> Store {
    let mut store = Store::in_memory(minute(0)).unwrap();
    let tx = store.begin().unwrap();
    let key = SeriesKey::new("system_disk_usage_ratio", Labels::new([("mount", "/")]));
    let Claim::Own(id) = tx.series_id(&key, "system", MINUTE).unwrap() else { panic!("{key}") };
    for (value, at) in values.iter().zip(0..) {
        tx.put_samples(minute(at), &[(id, Datum::Value(f64::from(*value) / 100.0), None)]).unwrap();
        tx.put_cycle(&CycleRow::quick(minute(at), 0)).unwrap();
    }
    tx.commit().unwrap();
    store
}

fn rule(keys: &str) -> Rule {
    let text = format!("[[rule]]\nalert = \"FULL\"\n{keys}");
    let file = Arc::new(SourceText { path: "t.toml".into(), text });
    let trial = Ground::shipped().trial(&file).unwrap_or_else(|faults| panic!("{faults:#?}"));
    trial.rules.into_iter().find(|rule| &*rule.name == "FULL").unwrap()
}

/// What came of the rule.
fn told_by(store: &mut Store, rule: &Rule) -> Story {
    let (routes, identity) = (story::routes(), story::identity());
    let around = Surroundings { routes: &routes, identity: &identity, interval: MINUTE, slice: 100 };
    let span = backtest::span(store, MINUTE * 100_000, MINUTE).unwrap().unwrap();
    backtest::run(store, &[from_ref(rule)], &span, &around, |_| ()).unwrap().remove(0).remove(0)
}

/// The hints for the episode at `place`: the lines that are new, and `vanish/useful/appear/differ of before`.
fn hints(store: &mut Store, rule: &Rule, place: usize, useful: &[usize]) -> Vec<(Kind, String, String)> {
    let lived = told_by(store, rule);
    let key = |place: usize| (lived.episodes[place].key.clone(), lived.episodes[place].fired);
    let useful: Vec<_> = useful.iter().map(|place| key(*place)).collect();
    let (routes, identity) = (story::routes(), story::identity());
    let around = Surroundings { routes: &routes, identity: &identity, interval: MINUTE, slice: 100 };
    let alert = alert(&lived.episodes[place]);
    let question = Question { rule, alert: &alert, useful: &useful, around, since: MINUTE * 100_000 };
    let Answer::Hints(hints, _) = ask(store, &question).unwrap() else { panic!("nothing to say") };
    let before = written::toml(rule);
    let shown = |hint: Hint| {
        let toml = written::toml(&hint.rule);
        let new: Vec<&str> = toml.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
        let Effect { before, vanish, useful, appear, differ } = hint.effect;
        (hint.kind, new.join("; "), format!("{vanish}/{useful}/{appear}/{differ} of {before}"))
    };
    hints.into_iter().map(shown).collect()
}

fn alert(episode: &Episode) -> Alert {
    Alert {
        number: Some(1),
        key: episode.key.clone(),
        phases: BySeverity::default(),
        since: episode.since,
        fired_at: Some(episode.fired),
        ended: episode.ended,
        value: None,
        worst: episode.worst,
        peak: Some(episode.peak),
        unknown: None,
        stepped: episode.fired,
        ack: None,
        unacked: None,
        hold: None,
    }
}

fn told(hints: &[(Kind, String, String)]) -> Vec<(Kind, &str, &str)> {
    hints.iter().map(|(kind, line, effect)| (*kind, line.as_str(), effect.as_str())).collect()
}

/// `quiet` minutes of 50 %, then `values`, and so on.
fn days(parts: &[&[u32]]) -> Vec<u32> {
    parts.iter().flat_map(|part| [50; 60].iter().chain(*part).copied()).chain([50; 60]).collect()
}

const LADDER: &str = "expr = \"system_disk_usage_ratio\"\nabove = { HIGH = \"80%\", CRITICAL = \"95%\" }\n\
                      for = { HIGH = \"2m\" }\n";

#[test]
fn the_smallest_wait_and_the_nearest_limit_are_found_with_what_else_they_change() {
    // four minutes of at most 86.2 %; a long one that was useful; one of six minutes up to 94 %
    let (short, long, higher) = ([82, 86, 84, 81], [90; 30], [82, 94, 94, 94, 94, 82]);
    let mut store = lived(&days(&[&short, &long, &higher]));
    let rule = rule(LADDER);
    let found = hints(&mut store, &rule, 0, &[1]);
    let wait = "for   = { HIGH = \"5m\" }";
    let limit = "above = { HIGH = \"86%\", CRITICAL = \"95%\" }";
    // a longer wait moves the others too, the limit makes them begin later
    let expected = [(Kind::For, wait, "1/0/0/2 of 3"), (Kind::Limit, limit, "1/0/0/1 of 3")];
    let mut found = told(&found);
    found.sort_by_key(|(kind, ..)| *kind == Kind::Limit);
    assert_eq!(found, expected);
    // what would silence the useful one comes last
    let found = hints(&mut store, &rule, 2, &[1]);
    let limit = "above = { HIGH = \"94%\", CRITICAL = \"95%\" }";
    let wait = "for   = { HIGH = \"10m\" }";
    assert_eq!(told(&found), [(Kind::For, wait, "2/0/0/1 of 3"), (Kind::Limit, limit, "3/1/0/0 of 3")]);
}

#[test]
fn what_came_back_soon_would_have_been_one_alert_with_a_clear_further_off() {
    let mut store = lived(&days(&[&[82, 83, 84, 85, 85, 79, 78, 77, 85, 84, 85, 84, 82]]));
    let rule = rule(LADDER);
    let found = hints(&mut store, &rule, 1, &[]);
    let clear = found.iter().find(|(kind, ..)| *kind == Kind::Clear).unwrap();
    assert_eq!((clear.1.as_str(), clear.2.as_str()), ("clear = { HIGH = \"76%\" }", "1/0/0/1 of 2"));
}

#[test]
fn every_severity_that_was_reached_must_wait_and_its_limit_must_give() {
    let mut store = lived(&days(&[&[82, 84, 97, 97, 85, 81], &[96, 96]]));
    let rule = rule(LADDER);
    let found = hints(&mut store, &rule, 0, &[]);
    let mut found = told(&found);
    found.sort_by_key(|(kind, ..)| *kind == Kind::Limit);
    let wait = (Kind::For, "for   = \"10m\"", "2/0/0/0 of 2");
    let limit = (Kind::Limit, "above = { HIGH = \"97%\", CRITICAL = \"97%\" }", "2/0/0/0 of 2");
    assert_eq!(found, [wait, limit]);
}

#[test]
fn a_condition_can_only_wait_and_lower_limits_give_downwards() {
    let mut store = lived(&days(&[&[9, 8, 9]]));
    let condition = rule("expr = \"system_disk_usage_ratio < 0.2\"\nseverity = \"HIGH\"\n");
    assert_eq!(told(&hints(&mut store, &condition, 0, &[])), [(Kind::For, "for      = \"3m\"", "1/0/0/0 of 1")]);
    let below = rule("expr = \"system_disk_usage_ratio\"\nbelow = { HIGH = \"20%\" }\n");
    let found = hints(&mut store, &below, 0, &[]);
    let limit = found.iter().find(|(kind, ..)| *kind == Kind::Limit).unwrap();
    assert_eq!(limit.1, "below = { HIGH = \"8%\" }");
}

#[test]
fn where_nothing_can_be_said_it_says_why() {
    let mut store = lived(&days(&[&[90; 5]]));
    let (routes, identity) = (story::routes(), story::identity());
    let mut asked = |rule: &Rule, change: fn(&mut Alert)| {
        let mut alert = alert(&told_by(&mut store, &self::rule(LADDER)).episodes[0]);
        change(&mut alert);
        let around = Surroundings { routes: &routes, identity: &identity, interval: MINUTE, slice: 100 };
        let question = Question { rule, alert: &alert, useful: &[], around, since: MINUTE * 100_000 };
        match ask(&mut store, &question).unwrap() {
            Answer::Unsure(why) => why,
            Answer::Hints(hints, _) => panic!("{hints:?}"),
        }
    };
    let other = LADDER.replace("80%", "91%");
    assert!(asked(&rule(&other), |_| ()).contains("another one now"));
    assert!(asked(&rule(LADDER), |alert| alert.fired_at = None).contains("never fired"));
    let of_others = "expr = 'count(ALERTS{alertstate=\"firing\",alertname!=\"FULL\"}) > 1'\nseverity = \"LOW\"\n";
    assert!(asked(&rule(of_others), |_| ()).contains("other alerts"));
}

#[test]
fn limits_are_rounded_away_from_the_value() {
    for (value, digits, up, wanted) in [
        (0.862, 2, true, 0.87),
        (0.862, 3, true, 0.862),
        (0.88, 2, true, 0.88),
        (0.87, 2, false, 0.87),
        (86_123.0, 2, true, 87_000.0),
        (86_123.0, 2, false, 86_000.0),
        (-12.34, 2, true, -12.0),
        (-12.34, 2, false, -13.0),
        (0.0, 2, true, 0.0_f64),
    ] {
        assert_eq!(outward(value, digits, up).to_bits(), wanted.to_bits(), "{value} {digits}");
    }
}

//! A test of rules plays what live cycles would have done: the same samples through the store and its transactions make
//! the same transitions and the same messages as in the replay.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::super::before;
use super::*;
use crate::alert::tick;
use crate::config::trial::{Ground, Trial};
use crate::config::{Flags, load};
use crate::model::alert::Transition;
use crate::model::delivery::{Outcome, State};
use crate::model::fault::SourceText;
use crate::model::message::{Destination, Message};
use crate::replay::backtest::{self, Surroundings};
use crate::replay::{What, story};
use crate::rules::testing::Test;
use crate::store::Store;
use crate::store::cycles::CycleRow;
use crate::store::series::Claim;
use crate::world::Env;

/// What came of the samples: transitions, and what who was told of them, both with their ticks.
#[derive(Default, PartialEq, Debug)]
struct Came {
    transitions: Vec<(Time, AlertKey, Transition)>,
    told: Vec<(Time, Destination, Message)>,
    failed: Vec<(Time, Arc<str>, String)>,
}

fn trial(text: String) -> Trial {
    let file = Arc::new(SourceText { path: "t.toml".into(), text });
    Ground::shipped().trial(&file).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn replayed(test: &Test, rules: &[Rule]) -> Came {
    let mut came = Came::default();
    story::each_tick(test, rules, |passed, moment| {
        let at = Time::from_millis(0) + passed;
        came.failed.extend(moment.failed.into_iter().map(|(rule, why)| (at, rule, why)));
        for change in moment.changes {
            if let What::Transition(transition) = change.what {
                came.transitions.push((at, change.alert.key, transition));
            }
            let told = change.told.into_iter().zip(change.messages);
            came.told.extend(told.map(|(telling, message)| (at, telling.to, message)));
        }
    });
    came
}

/// A configuration that differs from a fresh one in what the test is about.
fn config(test: &Test, rules: &[Rule]) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "").unwrap();
    let flags = Flags { config: Some(path), database: Some(folder.path().join("state.db")), ..Flags::default() };
    let Ok(fresh) = load(&flags, &Env::default()) else { panic!("an empty configuration is one") };
    let (identity, routes) = (story::identity(), story::routes());
    Config { identity, routes, rules: rules.to_vec(), interval: test.interval, ..fresh }
}

fn live(test: &Test, rules: &[Rule]) -> Came {
    let config = config(test, rules);
    let mut store = Store::in_memory(Time::from_millis(0)).unwrap();
    let mut came = Came::default();
    for tick in 0..test.ticks() {
        let at = Time::from_millis(0) + test.interval * u32::try_from(tick).unwrap();
        let tx = store.begin().unwrap();
        for series in &test.series {
            let Some(Some(sample)) = series.samples.get(tick) else { continue };
            let Claim::Own(id) = tx.series_id(&series.key, "test", test.interval).unwrap() else { panic!("taken") };
            tx.put_samples(at, &[(id, sample.datum, sample.reason.as_ref())]).unwrap();
        }
        let last = tx.last_cycle().unwrap().map(before);
        let follows = tick::follows(at, last, test.interval);
        let judged = judge(&tx, &config, Now { tick: follows.tick, passage: follows.passage }, at).unwrap();
        came.failed.extend(judged.failed.into_iter().map(|(rule, why)| (at, rule, why)));
        let transition = |event: Event| (at, event.alert.key, event.transition);
        came.transitions.extend(judged.events.into_iter().map(transition));
        tx.put_cycle(&CycleRow::quick(at, 0)).unwrap();
        deliver(&tx, at, &mut came);
        tx.commit().unwrap();
    }
    came
}

/// Every message arrives at once.
fn deliver(tx: &Tx<'_>, at: Time, came: &mut Came) {
    loop {
        let due = tx.due(at).unwrap();
        if due.is_empty() {
            return;
        }
        for delivery in due {
            tx.mark_sending(delivery.id, None, at).unwrap();
            let sent = Outcome::sent("");
            tx.finish(delivery.id, Duration::ZERO, &sent, State::Sent, None).unwrap();
            came.told.push((at, delivery.destination, delivery.message));
        }
    }
}

fn agrees(trial: &Trial, test: &Test) -> Came {
    let rules = story::rules_of(test, &trial.rules).unwrap();
    let (replayed, live) = (replayed(test, &rules), live(test, &rules));
    assert_eq!(replayed, live, "{}", test.name);
    live
}

/// The same samples, imported: no cycle has seen them, and all that is old is sealed.
fn imported(test: &Test) -> Store {
    let at = |tick: usize| Time::from_millis(0) + test.interval * u32::try_from(tick).unwrap();
    let mut store = Store::in_memory(at(0)).unwrap();
    let tx = store.begin().unwrap();
    for series in &test.series {
        let Claim::Own(id) = tx.series_id(&series.key, "import", test.interval).unwrap() else { panic!("taken") };
        for (tick, sample) in series.samples.iter().enumerate() {
            let samples: Vec<_> = sample.iter().map(|sample| (id, sample.datum, sample.reason.as_ref())).collect();
            tx.put_samples(at(tick), &samples).unwrap();
        }
    }
    while tx.can_seal(at(test.ticks())).unwrap() {
        tx.seal(at(test.ticks()), at(test.ticks()), Duration::ZERO).unwrap();
    }
    tx.commit().unwrap();
    store
}

/// The transitions that a backtest of the imported samples finds.
fn backtested(test: &Test, rules: &[Rule]) -> Vec<(Time, AlertKey, Transition)> {
    let mut store = imported(test);
    let (routes, identity) = (story::routes(), story::identity());
    let around = Surroundings { routes: &routes, identity: &identity, interval: test.interval, slice: 100 };
    let span = backtest::span(&store, Duration::from_hours(1_000_000), test.interval).unwrap().unwrap();
    let stories = backtest::run(&mut store, &[rules], &span, &around, |_| ()).unwrap().remove(0);
    let episodes = stories.into_iter().flat_map(|story| story.episodes);
    episodes
        .flat_map(|episode| episode.steps.into_iter().map(move |(at, what, _)| (at, episode.key.clone(), what)))
        .collect()
}

#[test]
fn a_backtest_of_imported_series_finds_what_live_cycles_would_have_done() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/rules");
    let (mut count, mut sealed) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let trial = trial(std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for test in &trial.tests {
            // all shipped rules, not only those that the story is about
            let mut live = live(test, &trial.rules).transitions;
            let mut found = backtested(test, &trial.rules);
            let order = |(at, key, what): &(Time, AlertKey, Transition)| (*at, key.clone(), format!("{what:?}"));
            live.sort_by_key(order);
            found.sort_by_key(order);
            let last = imported(test).last_tick().unwrap().unwrap();
            // a backtest ends with the last sample
            live.retain(|(at, ..)| *at <= last);
            assert_eq!(found, live, "{}", test.name);
            count += found.len();
            sealed += usize::from(
                imported(test)
                    .sampled()
                    .unwrap()
                    .is_some_and(|(first, last)| last.since(first) > Duration::from_hours(2)),
            );
        }
    }
    assert!(count >= 30 && sealed >= 1, "{count} transitions, {sealed} stories that reach into what is sealed");
}

#[test]
fn the_stories_of_the_shipped_rules_are_what_live_cycles_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/rules");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let trial = trial(std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for test in &trial.tests {
            count += agrees(&trial, test).transitions.len();
        }
    }
    assert!(count > 50, "only {count} transitions");
}

/// Rules of every kind: a ladder with clear, for and keep, one that fires blind, a condition, an aggregation, a join that
/// can fail, a guard, and one on the alerts themselves.
const RULES: &str = r#"
[[rule]]
alert = "LADDER"
expr = "probe_value"
above = { MEDIUM = 3, HIGH = 5, CRITICAL = 8 }
clear = { HIGH = 2, CRITICAL = 6 }
for = { MEDIUM = "0s", HIGH = "2m", CRITICAL = "1m" }
keep_firing_for = { HIGH = "1m" }

[[rule]]
alert = "BLIND"
expr = "max_over_time(probe_value[3m])"
above = { HIGH = 6 }
for = "1m"
no_data = "fire"

[[rule]]
alert = "CONDITION"
expr = "probe_value == 0"
severity = "CRITICAL"

[[rule]]
alert = "SUM"
expr = "sum(probe_value)"
when = "count(probe_value) >= 2"
below = { HIGH = 4 }
no_data = "resolve"

[[rule]]
alert = "JOIN"
expr = "probe_value > on () group_left () (probe_value < 2)"
severity = "LOW"

[[rule]]
alert = "ALERTED"
expr = 'count(ALERTS{alertname="LADDER", alertstate="firing"}) > 1'
severity = "MEDIUM"

[[test]]
name = "any"
rules = ["LADDER", "BLIND", "CONDITION", "SUM", "JOIN", "ALERTED"]
"#;

fn samples() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        8 => (0..10_u8).prop_map(|value| value.to_string()),
        1 => (0..10_u8).prop_map(|value| format!("{value}x2")),
        1 => Just("?(timeout)".to_owned()),
        1 => Just("_".to_owned()),
        1 => Just("stale".to_owned()),
    ];
    prop::collection::vec(one, 1..25).prop_map(|samples| samples.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_samples_make_the_same_of_both(a in samples(), b in samples()) {
        let series = format!("series = {{ 'probe_value{{probe=\"a\"}}' = '{a}', 'probe_value{{probe=\"b\"}}' = '{b}' }}\n");
        let trial = trial(format!("{RULES}{series}"));
        agrees(&trial, &trial.tests[0]);
    }
}

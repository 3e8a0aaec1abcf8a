//! The past in slices gives what it gives as a whole.

use std::sync::Arc;

use super::*;
use crate::config::trial::Ground;
use crate::model::fault::SourceText;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::Datum;
use crate::replay::episodes::{Difference, differences};
use crate::replay::story;
use crate::store::series::Claim;

const MINUTE: Duration = Duration::from_mins(1);

const RULES: &str = r#"
[[rule]]
alert = "NOW"
expr = "system_disk_usage_ratio"
above = { HIGH = 0.8, CRITICAL = 0.9 }
clear = { HIGH = 0.6 }
for = { HIGH = "3m", CRITICAL = "0s" }

[[rule]]
alert = "MEAN"
expr = "avg_over_time(system_disk_usage_ratio[30m])"
above = { MEDIUM = 0.55 }

[[rule]]
alert = "BEFORE"
expr = "system_disk_usage_ratio > 1.5 * (system_disk_usage_ratio offset 1h)"
severity = "LOW"

[[rule]]
alert = "MANY"
expr = 'count(ALERTS{alertstate="firing", alertname="NOW"}) > 1'
severity = "HIGH"
"#;

fn rules(text: &str) -> Vec<Rule> {
    let file = Arc::new(SourceText { path: "t.toml".into(), text: text.to_owned() });
    let trial = Ground::shipped().trial(&file).unwrap_or_else(|faults| panic!("{faults:#?}"));
    trial.rules.into_iter().filter(|rule| text.contains(&format!("{:?}", rule.name))).collect()
}

/// The minute `at` of a time with a beginning of its own.
fn minute(at: i64) -> Time {
    Time::from_millis((29_000_000 + at) * 60_000)
}

/// A value in waves of its own for each mount; now and then there is none.
fn datum(at: i64, mount: i64) -> Option<Datum> {
    let wave = f64::from(u32::try_from((at * (mount + 3)) % 211).unwrap()) / 211.0;
    match (at + 17 * mount) % 97 {
        0..=2 => None,
        3 | 4 => Some(Datum::Unknown),
        5 => Some(Datum::Gone),
        _ => Some(Datum::Value(wave)),
    }
}

/// Three mounts for so many minutes; cycles only where `cycle` says so.
fn filled(minutes: i64, cycle: impl Fn(i64) -> bool) -> Store {
    let mut store = Store::in_memory(minute(0)).unwrap();
    let tx = store.begin().unwrap();
    let mut last = None;
    for at in 0..minutes {
        for mount in 0..3 {
            let key = SeriesKey::new("system_disk_usage_ratio", Labels::new([("mount", format!("/{mount}"))]));
            let Claim::Own(id) = tx.series_id(&key, "system", MINUTE).unwrap() else { panic!("{key}") };
            let samples: Vec<_> = datum(at, mount).map(|datum| (id, datum, None)).into_iter().collect();
            tx.put_samples(minute(at), &samples).unwrap();
        }
        if cycle(at) {
            let missed = last.map_or(0, |last| u32::try_from(at - last - 1).unwrap());
            tx.put_cycle(&CycleRow::quick(minute(at), missed)).unwrap();
            last = Some(at);
        }
    }
    tx.commit().unwrap();
    store
}

/// What comes of the rules in the last `since`, read in slices of so many samples.
fn outcomes(store: &mut Store, sets: &[&[Rule]], since: Duration, slice: usize) -> Vec<Outcome> {
    let (routes, identity) = (story::routes(), story::identity());
    let span = span(store, since, MINUTE).unwrap().unwrap();
    let around = Surroundings { routes: &routes, identity: &identity, interval: MINUTE, slice };
    run(store, sets, &span, &around, |_| ()).unwrap()
}

const ALL: Duration = Duration::from_hours(10_000);

#[test]
fn slices_of_any_size_give_what_the_whole_gives() {
    let rules = rules(RULES);
    for cycle in [|_: i64| false, |at: i64| at % 300 < 280] {
        let mut store = filled(1500, cycle);
        let whole = outcomes(&mut store, &[&rules], ALL, usize::MAX);
        let counts: Vec<usize> = whole[0].iter().map(|story| story.episodes.len()).collect();
        assert!(counts.iter().all(|count| *count > 2), "{counts:?}");
        for slice in [1, 30, 700] {
            assert_eq!(outcomes(&mut store, &[&rules], ALL, slice), whole, "{slice}");
        }
    }
}

#[test]
fn the_whole_is_what_the_replay_of_all_samples_gives() {
    let rules = rules(RULES);
    let mut store = filled(700, |_| false);
    let (routes, identity) = (story::routes(), story::identity());
    let mut replay = Replay::new(&rules, &routes, &identity, MINUTE);
    let mut gather = Gather::new(&rules);
    let all = store.history("system_disk_usage_ratio", None, minute(0), minute(700)).unwrap();
    let all = all.into_iter().map(|window| Window { reason: None, ..window }).collect();
    let mut data = Windows::new(all);
    for at in 0..700 {
        gather.add(minute(at), replay.tick(minute(at), &mut data));
    }
    // the newest tick with a sample of any series is the last one
    assert_eq!(outcomes(&mut store, &[&rules], ALL, 50), [gather.finish(replay.open())]);
}

#[test]
fn no_cycle_is_invented_where_nobody_looked_and_imported_series_are_looked_at_every_interval() {
    let span_of = |cycle: fn(i64) -> bool, since| span(&filled(100, cycle), since, MINUTE).unwrap().unwrap();
    let imported = span_of(|_| false, ALL);
    assert_eq!((imported.cycles.len(), imported.gaps), (100, (0, Duration::ZERO)));
    let lived = span_of(|at| !(40..50).contains(&at), ALL);
    assert_eq!((lived.cycles.len(), lived.gaps), (90, (1, MINUTE * 11)));
    assert_eq!(lived.cycles[40].passage, Passage::Gap(MINUTE * 10));
    // the monitor took over at minute 60
    let both = span_of(|at| at >= 60, MINUTE * 50);
    assert_eq!((both.cycles.len(), both.length()), (51, MINUTE * 50));
    assert_eq!(both.ends(), Some((minute(49), minute(99))));
    assert!(span(&Store::in_memory(minute(0)).unwrap(), ALL, MINUTE).unwrap().is_none());
}

#[test]
fn two_sets_of_rules_go_through_the_past_side_by_side() {
    let (old, new) = (rules(RULES), rules(&RULES.replace("HIGH = \"3m\"", "HIGH = \"20m\"")));
    let mut store = filled(900, |_| false);
    let both = outcomes(&mut store, &[&old, &new], ALL, 100);
    assert_eq!(both[0], outcomes(&mut store, &[&old], ALL, 100)[0]);
    assert_eq!(both[1], outcomes(&mut store, &[&new], ALL, 100)[0]);
    let found = differences(&both[0], &both[1]);
    let names: std::collections::BTreeSet<&str> = found.iter().map(|one| &*one.episode().key.rule).collect();
    assert_eq!(names, ["MANY", "NOW"].into_iter().collect());
    assert!(found.iter().any(|one| matches!(one, Difference::Vanishes(_))), "{found:#?}");
    assert_eq!(differences(&both[0], &both[0]), []);
}

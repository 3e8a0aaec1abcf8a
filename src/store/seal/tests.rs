use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Store;
use super::super::kit::{key, own, put, store};
use super::super::open::Mode;
use super::super::refuse::DAMAGED;
use super::*;
use crate::model::reading::{Datum, Need, Reason, Window};

const MINUTE: Duration = Duration::from_mins(1);

/// The beginning of a day.
const DAY_0: i64 = 1_795_392_000_000;

fn minute(minute: i64) -> Time {
    at(DAY_0 + minute * 60_000)
}

/// A database with `metrics` that have a sample at each of `minutes`.
fn filled(metrics: &[&str], minutes: std::ops::Range<i64>) -> (tempfile::TempDir, Store) {
    let (folder, mut store) = store();
    let tx = store.begin().unwrap();
    for metric in metrics {
        let id = own(&tx, &key(metric, "/"), "system", MINUTE);
        for n in minutes.clone() {
            tx.put_samples(minute(n), &[(id, Datum::Value(n as f64 / 7.0), None)]).unwrap();
        }
    }
    tx.commit().unwrap();
    (folder, store)
}

/// Seals as if the last cycle were that of the given minute, in as many steps as it takes.
fn seal_all(store: &mut Store, until: i64) {
    while store.can_seal(minute(until)).unwrap() {
        let tx = store.begin().unwrap();
        tx.seal(minute(until), minute(until), Duration::ZERO).unwrap();
        tx.commit().unwrap();
    }
}

fn count(store: &Store, sql: &str) -> i64 {
    store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn rows_and_chunks(store: &Store) -> (i64, i64, i64) {
    let chunks = |hours| count(store, &format!("SELECT count(*) FROM chunk WHERE hours = {hours}"));
    (count(store, "SELECT count(*) FROM sample"), chunks(1), chunks(24))
}

fn history(store: &Store, metric: &str) -> Vec<(Time, String)> {
    let found = store.history(metric, None, at(i64::MIN), at(i64::MAX)).unwrap();
    let points = found.into_iter().flat_map(|window: Window| window.points);
    points.map(|point| (point.tick, shown(point.datum))).collect()
}

fn shown(datum: Datum) -> String {
    let (value, mark) = parts_of(datum);
    format!("{:?} {mark}", value.map(f64::to_bits))
}

#[test]
fn hours_are_sealed_and_merged_and_read_as_before() {
    let (_folder, mut store) = filled(&["a", "b"], 0..2500);
    let before = (history(&store, "a"), history(&store, "b"));
    seal_all(&mut store, 2499);
    // of 2500 minutes 40 hours are older than an hour, 24 of those are a whole day
    assert_eq!(rows_and_chunks(&store), (2 * 100, 2 * 16, 2));
    assert_eq!((history(&store, "a"), history(&store, "b")), before);
    let part = store.history("a", None, minute(1439), minute(1441)).unwrap();
    assert_eq!(part[0].points.iter().map(|point| point.tick).collect::<Vec<_>>(), [1439, 1440, 1441].map(minute));
}

#[test]
fn a_step_seals_a_batch_and_the_hot_hours_stay() {
    let (_folder, mut store) = filled(&["a"], 0..480);
    assert!(!store.can_seal(minute(119)).unwrap());
    assert!(store.can_seal(minute(120)).unwrap());
    let tx = store.begin().unwrap();
    tx.seal(minute(600), minute(600), Duration::ZERO).unwrap();
    tx.commit().unwrap();
    assert_eq!(rows_and_chunks(&store), (420, 1, 0), "one hour of seven");
}

#[test]
fn late_samples_are_seen_at_once_and_put_into_their_chunk() {
    let (_folder, mut store) = filled(&["a"], 0..3000);
    seal_all(&mut store, 2999);
    for n in [10, 1500] {
        put(&mut store, &key("a", "/"), minute(n), Datum::Unknown);
    }
    let half = at(minute(20).millis() + 1);
    put(&mut store, &key("a", "/"), half, Datum::Value(-0.0));
    let read = history(&store, "a");
    assert_eq!(read.len(), 3001, "two took the place of others, one is new");
    assert_eq!((read[10].1.as_str(), read[21].0), ("None 2", half));
    seal_all(&mut store, 2999);
    assert_eq!(rows_and_chunks(&store), (120, 0, 2));
    assert_eq!(history(&store, "a"), read);
}

#[test]
fn a_clock_that_goes_back_behind_what_was_sealed_finds_its_samples() {
    let (_folder, mut store) = filled(&["a"], 0..3000);
    seal_all(&mut store, 2999);
    let before = history(&store, "a");
    let tx = store.begin().unwrap();
    assert_eq!(tx.set_aside_samples_after(minute(1000), minute(1000)).unwrap(), 1999);
    tx.commit().unwrap();
    assert_eq!(history(&store, "a"), before[..=1000]);
    assert_eq!(store.latest(minute(1000)).unwrap()[0].tick, minute(1000));
    seal_all(&mut store, 2999);
    assert_eq!(history(&store, "a"), before[..=1000]);
}

#[test]
fn a_damaged_chunk_is_named_and_stops_nobody_else() {
    let (_folder, mut store) = filled(&["a", "b"], 0..3000);
    seal_all(&mut store, 2999);
    let tx = store.begin().unwrap();
    tx.execute("UPDATE chunk SET data = x'0102' WHERE series = 1 AND start = (SELECT min(start) FROM chunk)", [])
        .unwrap();
    tx.commit().unwrap();
    let path = store.path.display().to_string();
    let what = format!("{path}: the history of a{{mount=\"/\"}} from 2026-11-23T00:00:00Z is damaged: truncated");
    let trouble = Trouble::new(Kind::Io, what).help(DAMAGED);
    assert_eq!(store.history("a", None, minute(0), minute(9)).unwrap_err(), trouble);
    let needs = [Need { metric: None, back: Duration::from_hours(48), lookback: true }];
    assert_eq!(store.sound_windows(&needs, minute(2999)).unwrap_err(), trouble);

    let windows = store.windows(&needs, minute(2999)).unwrap();
    let shown: Vec<_> = windows.iter().map(|w| (w.points.len(), w.reason.as_ref().map(Reason::as_str))).collect();
    assert_eq!(shown, [(1, Some("its history is damaged")), (2886, None)]);
    assert_eq!((windows[0].points[0].tick, windows[0].points[0].datum), (minute(2999), Datum::Unknown));
    let near = [Need { back: MINUTE, ..needs[0].clone() }];
    assert_eq!(store.windows(&near, minute(2999)).unwrap()[0].points.len(), 7, "who does not look so far goes on");

    // what must grow is set aside, and sealing goes on
    put(&mut store, &key("a", "/"), minute(5), Datum::Gone);
    seal_all(&mut store, 2999);
    assert_eq!(count(&store, "SELECT count(*) FROM chunk_aside"), 1);
    let text = "history of series 1 from 2026-11-23T00:00:00Z was damaged and is set aside: truncated";
    assert_eq!(store.notes(1).unwrap()[0].text, text);
    assert_eq!(history(&store, "a").len(), 1 + 3000 - 1440);
}

#[test]
fn a_step_that_is_not_committed_changes_nothing() {
    let (_folder, mut store) = filled(&["a"], 0..1000);
    let before = history(&store, "a");
    let tx = store.begin().unwrap();
    tx.seal(minute(999), minute(999), Duration::from_secs(9)).unwrap();
    drop(tx);
    assert_eq!(rows_and_chunks(&store), (1000, 0, 0));
    let tx = store.begin().unwrap();
    tx.seal(minute(999), minute(999), Duration::from_secs(9)).unwrap();
    tx.commit().unwrap();
    let again = Store::open(&store.path, Mode::Read, minute(0)).unwrap();
    assert_eq!(history(&again, "a"), before);
}

/// What happens to a database: a sample at a minute, or sealing after it.
#[derive(Clone, Debug)]
enum Event {
    Put(i64, Datum),
    Seal(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let datum = prop_oneof![
        any::<f64>().prop_map(Datum::Value),
        Just(Datum::Value(f64::NAN)),
        Just(Datum::Value(f64::INFINITY)),
        Just(Datum::Value(-0.0)),
        Just(Datum::Unknown),
        Just(Datum::Gone),
    ];
    let put = (-3000..3000_i64, datum).prop_map(|(minute, datum)| Event::Put(minute, datum));
    prop::collection::vec(prop_oneof![8 => put, 1 => (-3000..5000_i64).prop_map(Event::Seal)], 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn whatever_is_sealed_and_when_every_sample_is_read_back_once(events in events()) {
        let (_folder, mut store) = store();
        let mut model = BTreeMap::new();
        for event in events {
            match event {
                Event::Put(n, datum) => {
                    put(&mut store, &key("m", "/"), minute(n), datum);
                    model.insert(minute(n), shown(datum));
                }
                Event::Seal(n) => seal_all(&mut store, n),
            }
            prop_assert_eq!(history(&store, "m"), model.clone().into_iter().collect::<Vec<_>>());
        }
    }
}

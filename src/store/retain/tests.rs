use std::time::Duration;

use super::super::alerts::AlertId;
use super::super::cycles::{CycleRow, NoteKind};
use super::super::kit::{at as second, firing, key, message, own, store, to};
use super::super::series::SeriesId;
use super::super::{Store, Tx, schema};
use super::sweep::{OF_ALERT, OF_DELIVERY};
use super::*;
use crate::model::alert::{Ended, Mark, Phase, Transition, Worth};
use crate::model::delivery::{Outcome, State};
use crate::model::reading::Datum;
use crate::model::severity::{BySeverity, Severity};

const HOUR: Duration = Duration::from_hours(1);

/// The beginning of an hour.
fn hour(hour: i64) -> Time {
    Time::from_millis(1_795_392_000_000 + hour * 3_600_000)
}

/// So many days of two series at an hour, sealed as far as can be, and a cycle for each sample.
fn filled(days: i64) -> (tempfile::TempDir, Store) {
    let (folder, mut store) = store();
    let tx = store.begin().unwrap();
    let ids: Vec<SeriesId> = ["a", "b"].map(|metric| own(&tx, &key(metric, "/"), "system", HOUR)).to_vec();
    for n in 0..days * 24 {
        let samples: Vec<_> = ids.iter().map(|id| (*id, Datum::Value(n as f64 / 7.0), None)).collect();
        tx.put_samples(hour(n), &samples).unwrap();
        cycle(&tx, hour(n));
    }
    tx.commit().unwrap();
    seal(&mut store, hour(days * 24 - 1));
    (folder, store)
}

fn cycle(tx: &Tx<'_>, tick: Time) {
    tx.put_cycle(&CycleRow::quick(tick, 0)).unwrap();
}

fn seal(store: &mut Store, tick: Time) {
    while store.can_seal(tick).unwrap() {
        let tx = store.begin().unwrap();
        tx.seal(tick, tick, Duration::from_secs(1)).unwrap();
        tx.commit().unwrap();
    }
}

fn days(days: u64) -> Duration {
    HOUR * 24 * u32::try_from(days).unwrap()
}

fn limits(age: u64, bytes: u64) -> Limits {
    Limits { age: days(age), bytes }
}

/// Lets go in the smallest steps until nothing is to go; how many steps it took.
fn retain(store: &mut Store, limits: Limits, tick: Time) -> usize {
    for step in 0..10_000 {
        let excess = store.excess(limits, tick, HOUR, Vec::new).unwrap();
        let tx = store.begin().unwrap();
        if excess.is_empty() || !tx.retain(&excess, Duration::ZERO).unwrap() {
            return step;
        }
        tx.commit().unwrap();
    }
    panic!("there is no end to it");
}

fn count(store: &Store, sql: &str) -> i64 {
    store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn counts<const N: usize>(store: &Store, tables: [&str; N]) -> [i64; N] {
    tables.map(|table| count(store, &format!("SELECT count(*) FROM {table}")))
}

/// The hours of the oldest and of the newest sample of `a`, and how many there are.
fn reach(store: &Store) -> (i64, i64, usize) {
    let found = store.history("a", None, at(i64::MIN), at(i64::MAX)).unwrap();
    let points = found.first().map(|window| window.points.as_slice()).unwrap_or_default();
    let hour = |tick: Time| (tick.millis() - hour(0).millis()) / 3_600_000;
    (hour(points[0].tick), hour(points[points.len() - 1].tick), points.len())
}

fn is_sound(store: &Store) -> bool {
    count(store, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == 0
        && count(store, "SELECT count(*) FROM pragma_foreign_key_check") == 0
}

#[test]
fn samples_go_by_the_day_when_they_are_too_old_and_their_cycles_with_them() {
    let (_folder, mut store) = filled(60);
    let last = hour(60 * 24 - 1);
    assert_eq!(retain(&mut store, limits(400, u64::MAX), last), 0);
    assert!(retain(&mut store, limits(20, u64::MAX), last) > 0);
    // age is counted from the tick a day of cycles ago, and a day goes when all of it is old
    let (oldest, newest, samples) = reach(&store);
    assert_eq!((oldest, newest, samples), (38 * 24, 60 * 24 - 1, 22 * 24));
    assert_eq!(count(&store, "SELECT (min(tick) - 1795392000000) / 3600000 FROM cycle"), 38 * 24);
    assert_eq!(retain(&mut store, limits(20, u64::MAX), last), 0);
    assert!(is_sound(&store));
}

#[test]
fn a_clock_that_jumps_ahead_makes_nothing_old() {
    let (_folder, mut store) = filled(30);
    let future = |hours: i64| hour(30 * 24 + 10 * 365 * 24 + hours);
    for hours in 0..24 {
        let tx = store.begin().unwrap();
        cycle(&tx, future(hours));
        tx.commit().unwrap();
        assert_eq!(retain(&mut store, limits(40, u64::MAX), future(hours)), 0, "{hours}");
    }
    // who lives there for longer than a day does mean it
    let tx = store.begin().unwrap();
    cycle(&tx, future(24));
    tx.commit().unwrap();
    assert!(retain(&mut store, limits(40, u64::MAX), future(24)) > 0);
}

#[test]
fn cycles_of_a_clock_that_was_ahead_keep_no_others() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    cycle(&tx, hour(9000 * 24));
    for n in 0..60 * 24 {
        cycle(&tx, hour(n));
    }
    tx.commit().unwrap();
    let last = hour(60 * 24 - 1);
    assert!(retain(&mut store, limits(40, u64::MAX), last) > 0);
    // 40 days up to the tick a day of cycles ago, both ends included, and the one ahead
    assert_eq!(count(&store, "SELECT count(*) FROM cycle"), 41 * 24 + 1 + 1);
}

#[test]
fn a_young_database_keeps_what_was_brought_into_it() {
    let (_folder, mut store) = store();
    super::super::kit::put(&mut store, &key("old", "/"), hour(0), Datum::Value(1.0));
    let tx = store.begin().unwrap();
    cycle(&tx, hour(1000 * 24));
    tx.commit().unwrap();
    seal(&mut store, hour(1000 * 24));
    assert_eq!(retain(&mut store, limits(400, u64::MAX), hour(1000 * 24)), 0);
}

#[test]
fn a_database_that_is_too_large_loses_its_oldest_days_and_the_file_is_cut_down() {
    let (_folder, mut store) = filled(300);
    let tx = store.begin().unwrap();
    // room that no sample takes: it must not cost more than there is to gain
    for n in 0..300 {
        tx.note(hour(n), NoteKind::Missed, &"x".repeat(900)).unwrap();
    }
    tx.execute("INSERT INTO sample_aside VALUES (1, 2, 3, 4.0, 0)", []).unwrap();
    tx.commit().unwrap();
    let last = hour(300 * 24 - 1);
    let before = store.pages().unwrap();
    let most = before.used() - 100_000;
    let steps = retain(&mut store, limits(4000, most), last);
    assert!(steps > 1, "in small steps: {steps}");
    let after = store.pages().unwrap();
    assert!(after.used() <= most && after.used() > most - 200_000, "{} of {most}", after.used());
    assert!(after.all * after.bytes <= most, "the file has {} pages of {}", after.all, before.all);
    assert_eq!(count(&store, "SELECT count(*) FROM sample_aside"), 0);
    let (oldest, newest, samples) = reach(&store);
    assert!(oldest > 0 && oldest % 24 == 0 && newest == 300 * 24 - 1, "{oldest}");
    assert_eq!(samples, usize::try_from(newest - oldest).unwrap() + 1);
    assert!(!store.excess(limits(4000, most), last, HOUR, Vec::new).unwrap().is_full);

    // the hours that rules look back each day stay, whatever is asked
    retain(&mut store, limits(4000, 1), last);
    assert_eq!(reach(&store), (300 * 24 - 2, 300 * 24 - 1, 2));
    assert!(store.excess(limits(4000, 1), last, HOUR, Vec::new).unwrap().is_full);
    assert!(is_sound(&store));
}

#[test]
fn free_pages_stay_for_the_next_days_until_there_are_many() {
    let (_folder, mut store) = filled(3);
    let fill = |store: &mut Store, notes: i64| {
        let tx = store.begin().unwrap();
        for _ in 0..notes {
            tx.note(hour(0), NoteKind::Missed, &"x".repeat(900)).unwrap();
        }
        tx.commit().unwrap();
        store.begin().unwrap().execute("DELETE FROM note", []).unwrap();
    };
    for (notes, is_cut) in [(400, false), (4000, true)] {
        fill(&mut store, notes);
        let tx = store.begin().unwrap();
        tx.execute("DELETE FROM note", []).unwrap();
        tx.commit().unwrap();
        let before = store.pages().unwrap();
        retain(&mut store, limits(400, u64::MAX), hour(71));
        let after = store.pages().unwrap();
        assert_eq!(after.all < before.all, is_cut, "{notes} notes, {} pages of {}", before.free, before.all);
        assert!(after.free <= SPARE.max(after.all / SLACK) + 1, "{} of {}", after.free, after.all);
    }
}

/// An alert that fired and was told of; over since `ended`.
fn episode(tx: &Tx<'_>, rule: &str, ended: Option<Time>, state: State) -> (AlertId, i64) {
    let mut alert = firing(rule, Severity::High);
    if let Some(at) = ended {
        alert.phases = BySeverity::from_fn(|_| Phase::Inactive);
        alert.ended = Some((at, Ended::Cleared));
    }
    let id = tx.save_alert(None, &mut alert).unwrap();
    let tick = ended.unwrap_or(hour(0));
    tx.put_transition(id, tick, Transition::Fired(Severity::High), None, None).unwrap();
    let delivery = tx.enqueue(Some(id), &to("chat", ""), &message("x"), tick).unwrap();
    if state != State::Pending {
        tx.mark_sending(delivery, None, tick).unwrap();
        tx.finish(delivery, Duration::ZERO, &Outcome::Sent { answer: "ok".to_owned(), receipt: None }, state, None)
            .unwrap();
    }
    (id, delivery)
}

const HISTORY: [&str; 5] = ["alert", "transition", "mark", "outbox", "attempt"];

#[test]
fn the_history_of_alerts_outlives_samples_and_what_is_open_outlives_all() {
    let (_folder, mut store) = filled(60);
    let last = hour(60 * 24 - 1);
    let tx = store.begin().unwrap();
    let (old, _) = episode(&tx, "OLD", Some(hour(0)), State::Sent);
    let mark = Mark { worth: Worth::False, at: hour(0), who: "eva".to_owned(), why: "noise".to_owned() };
    tx.put_mark(old, &mark).unwrap();
    episode(&tx, "UNTOLD", Some(hour(0)), State::Pending);
    episode(&tx, "FIRES", None, State::Sent);
    episode(&tx, "RECENT", Some(hour(59 * 24)), State::Sent);
    tx.commit().unwrap();
    assert_eq!(counts(&store, HISTORY), [4, 4, 1, 4, 3]);
    // three weeks: deliveries of what is over are as old as samples may be
    retain(&mut store, limits(20, u64::MAX), last);
    assert_eq!(counts(&store, HISTORY), [4, 4, 1, 3, 2]);
    // ten times five days: the alert itself
    retain(&mut store, limits(5, u64::MAX), last);
    assert_eq!(counts(&store, HISTORY), [3, 3, 0, 3, 2]);
    let left = |sql: &str| -> Vec<String> {
        let mut statement = store.connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
    };
    assert_eq!(left("SELECT rule FROM alert ORDER BY rule"), ["FIRES", "RECENT", "UNTOLD"]);
    assert_eq!(left("SELECT state FROM outbox ORDER BY id"), ["pending", "sent", "sent"]);
    assert!(is_sound(&store));
}

#[test]
fn a_storm_does_not_take_the_room_of_the_samples() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    episode(&tx, "FIRST_AND_STILL_FIRING", None, State::Sent);
    for n in 0..3000 {
        episode(&tx, "STORM", Some(second(n)), State::Sent);
    }
    episode(&tx, "WAITS", Some(second(0)), State::Pending);
    cycle(&tx, second(4000));
    tx.commit().unwrap();
    // room for 1,000 alerts and as many deliveries
    let most = Limits { bytes: 1000 * SHARE * ROW, ..Limits::default() };
    assert!(retain(&mut store, most, second(4000)) > 10);
    assert_eq!(counts(&store, HISTORY), [1001, 1001, 0, 1001, 1000]);
    let sql = "SELECT count(*) FROM alert WHERE rule = 'FIRST_AND_STILL_FIRING' OR rule = 'WAITS'";
    assert_eq!(count(&store, sql), 2);
    let mut next = firing("NEXT", Severity::High);
    store.begin().unwrap().save_alert(None, &mut next).unwrap();
    assert_eq!(next.number, Some(3003), "numbers go on");
    assert!(is_sound(&store));
}

#[test]
fn notes_are_kept_in_number() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    for n in 0..NOTES + 700 {
        tx.note(second(n), NoteKind::Missed, "x").unwrap();
    }
    tx.commit().unwrap();
    assert_eq!(retain(&mut store, Limits::default(), second(0)), 2);
    assert_eq!(counts(&store, ["note"]), [NOTES]);
    assert_eq!(count(&store, "SELECT min(id) FROM note"), 701);
}

#[test]
fn a_series_that_is_gone_is_forgotten_with_its_last_sample() {
    let (_folder, mut store) = filled(60);
    let tx = store.begin().unwrap();
    for (metric, datum) in [("gone", Datum::Gone), ("silent", Datum::Value(1.0))] {
        let id = own(&tx, &key(metric, "/"), "other", HOUR);
        tx.put_samples(hour(5), &[(id, datum, None)]).unwrap();
    }
    tx.commit().unwrap();
    let last = hour(60 * 24 - 1);
    seal(&mut store, last);
    retain(&mut store, limits(20, u64::MAX), last);
    let mut statement = store.connection.prepare("SELECT metric FROM series ORDER BY metric").unwrap();
    let left: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect();
    assert_eq!(left, ["a", "b", "silent"]);
    assert_eq!(count(&store, "SELECT count(*) FROM latest"), 3);
}

/// Whoever adds a table that belongs to an alert or to a delivery is told here to name it in `sweep.rs`.
#[test]
fn all_that_belongs_to_an_alert_goes_with_it() {
    let (_folder, store) = store();
    let belongs = |to: &str| -> Vec<(String, String)> {
        let sql = "SELECT child.name, key.\"from\" FROM sqlite_schema AS child
                   JOIN pragma_foreign_key_list(child.name) AS key
                   WHERE child.type = 'table' AND key.\"table\" = ?1 ORDER BY child.rowid";
        let mut statement = store.connection.prepare(sql).unwrap();
        statement.query_map([to], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(|row| row.unwrap()).collect()
    };
    let own = |tables: &[(&str, &str)]| -> Vec<(String, String)> {
        tables.iter().map(|(table, column)| ((*table).to_owned(), (*column).to_owned())).collect()
    };
    let mut of_alert = belongs("alert");
    of_alert.retain(|(table, _)| table != "outbox");
    assert_eq!(of_alert, own(&OF_ALERT));
    assert_eq!(belongs("outbox"), own(&OF_DELIVERY));
}

#[test]
fn a_file_of_an_older_version_is_written_anew_so_that_it_can_shrink() {
    let (_folder, path) = super::super::kit::place();
    let connection = rusqlite::Connection::open(&path).unwrap();
    for step in &schema::STEPS[..3] {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let store = Store::open(&path, super::super::open::Mode::Write, second(0)).unwrap();
    assert!(store.pages().unwrap().can_shrink);
    assert!(is_sound(&store));
}

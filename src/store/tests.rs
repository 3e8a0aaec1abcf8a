//! Tests of the store as a whole: what a crash leaves, several processes at once, a full disk, the size on the disk.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::cycles::{CycleRow, NoteKind};
use super::kit::{at, firing, key, message, own, place, put, store, to};
use super::open::Mode;
use super::*;
use crate::model::reading::Datum;
use crate::model::severity::Severity;
use crate::model::trouble::Kind;
use crate::support::skip::skipped;

#[test]
fn a_transaction_that_is_not_committed_leaves_nothing() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let id = own(&tx, &key("m", "/"), "system", Duration::from_mins(1));
    tx.put_samples(at(0), &[(id, Datum::Value(1.0), None)]).unwrap();
    let alert = tx.save_alert(None, &mut firing("R", Severity::High)).unwrap();
    tx.enqueue(Some(alert), &to("chat", ""), &message("x"), at(0)).unwrap();
    tx.put_cycle(&CycleRow { finished: at(1), ..CycleRow::quick(at(0), 0) }).unwrap();
    drop(tx);
    assert_eq!(store.latest(at(0)).unwrap(), []);
    assert_eq!(store.open_alerts().unwrap(), []);
    assert_eq!(store.due(at(9)).unwrap(), []);
    assert_eq!(store.last_cycle().unwrap(), None);
    let mut again = firing("R", Severity::High);
    store.begin().unwrap().save_alert(None, &mut again).unwrap();
    assert_eq!(again.number, Some(1));
}

#[test]
fn what_was_committed_is_there_after_the_process_ended_without_closing() {
    let (_folder, mut store) = store();
    put(&mut store, &key("m", "/"), at(0), Datum::Value(1.0));
    let path = store.path.clone();
    // a killed process closes nothing
    std::mem::forget(store);
    assert_eq!(Store::open(&path, Mode::Write, at(0)).unwrap().latest(at(0)).unwrap().len(), 1);
}

/// Commits one note, writes another, and dies.
#[test]
#[ignore = "started by the test below in a folder of its own"]
fn dies_in_a_transaction() {
    let path = Path::new("to-die-in/state.db");
    if !path.exists() {
        return skipped("only means something when `a_killed_process_leaves_what_it_committed` starts it");
    }
    let mut store = Store::open(path, Mode::Write, at(0)).unwrap();
    let tx = store.begin().unwrap();
    tx.note(at(0), NoteKind::Missed, "committed").unwrap();
    tx.commit().unwrap();
    let tx = store.begin().unwrap();
    // more than the cache holds, so that a part is in the log already
    for _ in 0..4000 {
        tx.note(at(1), NoteKind::Missed, &"x".repeat(1000)).unwrap();
    }
    std::process::abort();
}

#[test]
fn a_killed_process_leaves_what_it_committed() {
    let (folder, _) = place();
    let path = folder.path().join("to-die-in/state.db");
    drop(Store::open(&path, Mode::Write, at(0)).unwrap());
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::dies_in_a_transaction", "--ignored"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), None, "killed by a signal");
    let mut store = Store::open(&path, Mode::Write, at(2)).unwrap();
    assert!(store.wal_bytes() > WAL_LIMIT, "the log holds what was not committed");
    let texts = |store: &Store| store.notes(99).unwrap().into_iter().map(|note| note.text).collect::<Vec<_>>();
    assert_eq!(texts(&store), ["committed"]);
    let tx = store.begin().unwrap();
    tx.note(at(3), NoteKind::Missed, "after").unwrap();
    tx.commit().unwrap();
    assert_eq!((texts(&store), store.wal_bytes()), (vec!["after".to_owned(), "committed".to_owned()], 0));
}

#[test]
fn every_commit_is_flushed_to_the_disk() {
    let (_folder, store) = store();
    let synchronous = store.connection.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(synchronous, 2, "FULL");
}

#[test]
fn a_writer_waits_for_another() {
    let (_folder, mut first) = store();
    let mut second = Store::open(&first.path, Mode::Write, at(0)).unwrap();
    let (begins, begun) = mpsc::channel();
    thread::scope(|scope| {
        let tx = first.begin().unwrap();
        tx.note(at(0), NoteKind::Missed, "first").unwrap();
        let waits = scope.spawn(move || {
            begins.send(()).unwrap();
            let tx = second.begin().unwrap();
            tx.notes(9).unwrap().len()
        });
        begun.recv().unwrap();
        assert!(!waits.is_finished());
        tx.commit().unwrap();
        assert_eq!(waits.join().unwrap(), 1, "it sees what the first one wrote");
    });
}

#[test]
fn a_writer_that_waits_too_long_is_busy() {
    let (_folder, mut first) = store();
    let mut second = Store::open(&first.path, Mode::Write, at(0)).unwrap();
    second.0.connection.busy_timeout(Duration::from_millis(1)).unwrap();
    let _held = first.begin().unwrap();
    let trouble = second.begin().unwrap_err();
    let name = second.path.display();
    assert_eq!(
        trouble,
        Trouble::new(Kind::Busy, format!("another process holds the database {name}"))
            .help(format!("try again; `fuser -v {name}` shows who it is"))
    );
}

#[test]
fn a_snapshot_does_not_move() {
    let (_folder, mut writer) = store();
    put(&mut writer, &key("m", "/"), at(0), Datum::Value(1.0));
    let mut reader = Store::open(&writer.path, Mode::Read, at(0)).unwrap();
    let snapshot = reader.snapshot().unwrap();
    assert_eq!(snapshot.latest(at(99)).unwrap()[0].datum, Datum::Value(1.0));
    put(&mut writer, &key("m", "/"), at(60), Datum::Value(2.0));
    assert_eq!(snapshot.latest(at(99)).unwrap()[0].datum, Datum::Value(1.0));
    drop(snapshot);
    assert_eq!(reader.latest(at(99)).unwrap()[0].datum, Datum::Value(2.0));
}

#[test]
fn a_disk_without_room_for_the_index_of_the_log_is_a_full_one() {
    let path = std::path::Path::new("/d/state.db");
    let error = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    let of = |code| super::refuse::failure(path, &error(code)).what;
    assert_eq!(of(rusqlite::ffi::SQLITE_IOERR_SHMSIZE), "no space left for the database /d/state.db");
    assert_eq!(of(rusqlite::ffi::SQLITE_IOERR_READ), "I/O error on the database /d/state.db (SQLite code 266)");
}

#[test]
fn a_full_disk_is_said_and_nothing_is_half_written() {
    let (_folder, mut store) = store();
    let pages = store.connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap();
    store.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let tx = store.begin().unwrap();
    let text = "x".repeat(900);
    let trouble = (0..100).find_map(|_| tx.note(at(0), NoteKind::Missed, &text).err()).unwrap();
    let name = tx.path.display().to_string();
    assert_eq!((trouble.kind, trouble.what), (Kind::Io, format!("no space left for the database {name}")));
    drop(tx);
    assert_eq!(store.notes(99).unwrap(), []);
    assert_eq!(Store::open(&store.path, Mode::Read, at(0)).unwrap().notes(99).unwrap(), []);
}

#[test]
fn the_log_is_emptied_once_it_is_large_and_never_waits_for_a_reader() {
    let (_folder, mut writer) = store();
    let note = |writer: &mut Store| {
        let tx = writer.begin().unwrap();
        for _ in 0..400 {
            tx.note(at(0), NoteKind::Missed, &"x".repeat(1000)).unwrap();
        }
        tx.commit().unwrap();
    };
    let mut reader = Store::open(&writer.path, Mode::Read, at(0)).unwrap();
    let snapshot = reader.snapshot().unwrap();
    snapshot.notes(1).unwrap();
    let began = tokio::time::Instant::now();
    for _ in 0..5 {
        note(&mut writer);
    }
    assert!(began.elapsed() < BUSY_TIMEOUT);
    let held = writer.wal_bytes();
    assert!(held > WAL_LIMIT, "{held}");
    assert!(writer.size_bytes().unwrap() > held);
    drop(snapshot);
    note(&mut writer);
    assert_eq!(writer.wal_bytes(), 0);
    writer.0.connection.busy_timeout(BUSY_TIMEOUT).unwrap();
}

#[test]
fn a_reader_that_never_ends_costs_no_commit_and_no_room_for_longer_than_it_reads() {
    let (_folder, mut writer) = store();
    put(&mut writer, &key("m", "/"), at(0), Datum::Value(0.0));
    let path = writer.path.clone();
    drop(writer);
    let mut reader = Store::open(&path, Mode::Read, at(0)).unwrap();
    let snapshot = reader.snapshot().unwrap();
    assert_eq!(snapshot.latest(at(9999)).unwrap().len(), 1);
    let keys: Vec<_> = (0..100).map(|n| key(&format!("m_{n}"), "/")).collect();
    // each check is a process of its own
    let check = |second: i64| {
        let mut store = Store::open(&path, Mode::Write, at(second)).unwrap();
        let tx = store.begin().unwrap();
        let ids: Vec<_> = keys.iter().map(|key| own(&tx, key, "system", Duration::from_secs(1))).collect();
        let samples: Vec<_> = ids.iter().map(|id| (*id, Datum::Value(second as f64), None)).collect();
        tx.put_samples(at(second), &samples).unwrap();
        tx.commit().unwrap();
        store.wal_bytes()
    };
    let grown = (1..=300).map(check).max().unwrap();
    assert!(grown > 4 * WAL_LIMIT, "the log is held: {grown}");
    assert_eq!(snapshot.latest(at(9999)).unwrap().len(), 1, "it still sees the moment at which it began");
    drop(snapshot);
    assert!(check(301) <= WAL_LIMIT);
    let store = Store::open(&path, Mode::Read, at(0)).unwrap();
    assert_eq!(store.history("m_7", None, at(0), at(999)).unwrap()[0].points.len(), 301);
}

#[test]
fn four_writers_and_a_reader_lose_nothing() {
    let (_folder, path) = place();
    drop(Store::open(&path, Mode::Write, at(0)).unwrap());
    let write = |metric: &'static str| {
        let path = path.clone();
        move || {
            for second in 0..25 {
                let mut store = Store::open(&path, Mode::Write, at(0)).unwrap();
                put(&mut store, &key(metric, "/"), at(second), Datum::Value(1.0));
            }
        }
    };
    thread::scope(|scope| {
        for metric in ["a", "b", "c", "d"] {
            scope.spawn(write(metric));
        }
        for _ in 0..25 {
            Store::open(&path, Mode::Read, at(0)).unwrap().latest(at(99)).unwrap();
        }
    });
    let store = Store::open(&path, Mode::Read, at(0)).unwrap();
    for metric in ["a", "b", "c", "d"] {
        assert_eq!(store.history(metric, None, at(0), at(99)).unwrap()[0].points.len(), 25, "{metric}");
    }
    let check = store.connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(check, "ok");
}

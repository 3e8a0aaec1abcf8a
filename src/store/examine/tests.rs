use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::super::alerts::AlertId;
use super::super::cycles::CycleRow;
use super::super::kit::{at, firing, key, message, place, put, to};
use super::super::open::Mode;
use super::*;
use crate::model::alert::Transition;
use crate::model::reading::Datum;
use crate::model::severity::Severity;
use crate::model::trouble::Kind;

/// A database with some of everything, closed again.
fn filled(path: &Path) {
    let mut store = Store::open(path, Mode::Write, at(0)).unwrap();
    for second in [0, 60] {
        put(&mut store, &key("m", "/"), at(second), Datum::Value(1.0));
        let tx = store.begin().unwrap();
        tx.put_cycle(&CycleRow::quick(at(second), 0)).unwrap();
        tx.commit().unwrap();
    }
    put(&mut store, &key("n", "/"), at(60), Datum::Unknown);
    let tx = store.begin().unwrap();
    let mut alert = firing("A", Severity::High);
    let id: AlertId = tx.save_alert(None, &mut alert).unwrap();
    tx.put_transition(id, at(60), Transition::Fired(Severity::High), None, None).unwrap();
    tx.enqueue(Some(id), &to("chat", ""), &message("x"), at(60)).unwrap();
    tx.commit().unwrap();
}

/// Changes it as a stranger would, whom no reference stops.
fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

#[test]
fn a_sound_database_has_no_findings_and_its_sizes() {
    let (_folder, path) = place();
    filled(&path);
    let found = examine(&path).unwrap();
    assert_eq!(found.findings, Vec::<String>::new());
    assert_eq!((found.format, found.tick), (schema::STEPS.len(), Some(at(60))));
    let rows = |name: &str| found.tables.iter().find(|table| table.name == name).unwrap().rows;
    assert_eq!(["sample", "series", "cycle", "alert", "outbox"].map(rows), [3, 2, 2, 1, 1]);
    let samples: Vec<_> = found.series.iter().map(|size| (size.series.as_str(), size.samples, size.bytes)).collect();
    let all = found.tables.iter().find(|table| table.name == "sample").unwrap().bytes;
    assert_eq!(samples, [("m{\"mount\":\"/\"}", 2, all * 2 / 3), ("n{\"mount\":\"/\"}", 1, all / 3)]);
    let taken: u64 = found.tables.iter().map(|table| table.bytes).sum();
    assert!(taken > 0 && taken <= found.bytes + found.log_bytes, "{taken} of {} + {}", found.bytes, found.log_bytes);
}

#[test]
fn contradictions_are_told() {
    let later = at(120).millis();
    for (sql, expected) in [
        (
            format!("INSERT INTO sample VALUES ({later}, 1, 1.0, 0)"),
            vec!["samples later than the newest cycle: 1", "series with a newer sample than the one that is shown: 1"],
        ),
        ("UPDATE sample SET series = 99 WHERE series = 2".to_owned(), vec!["samples that belong to no series: 1"]),
        (
            "DELETE FROM series WHERE id = 2".to_owned(),
            vec![
                "table latest, row 2: belongs to a row of series that is not there",
                "samples that belong to no series: 1",
            ],
        ),
        ("DELETE FROM transition".to_owned(), vec!["alerts with a number and no word of when they fired: 1"]),
        (
            "UPDATE alert SET ended_at = 7".to_owned(),
            vec!["alerts that are over and were not resolved, or the other way round: 1"],
        ),
        (
            "INSERT INTO reserve_log VALUES (1, 1, 'x', zeroblob(32)), (2, 1, 'x', zeroblob(32)), (3, 1, 'x', zeroblob(32));
             DROP TRIGGER reserve_log_is_not_shortened; DELETE FROM reserve_log WHERE n = 2"
                .to_owned(),
            vec!["looks that are missing in the reserve log: 1"],
        ),
        (
            "UPDATE counter SET value = 0 WHERE name = 'alert_number'".to_owned(),
            vec!["alerts with a number that would be given again: 1"],
        ),
        (
            "UPDATE outbox SET alert = 99".to_owned(),
            vec!["table outbox, row 1: belongs to a row of alert that is not there"],
        ),
        ("UPDATE outbox SET state = 'lost'".to_owned(), vec!["deliveries in a state that does not exist: 1"]),
        (
            "INSERT INTO attempt (outbox, started) VALUES (1, 0)".to_owned(),
            vec!["attempts without an end although nothing is being sent: 1"],
        ),
    ] {
        let (_folder, path) = place();
        filled(&path);
        change(&path, &sql);
        assert_eq!(examine(&path).unwrap().findings, expected, "{sql}");
    }
}

#[test]
fn rows_that_nobody_wrote_are_named_with_their_place() {
    let (_folder, path) = place();
    filled(&path);
    change(&path, "UPDATE alert SET record = '{'; UPDATE outbox SET message = 'x'");
    let found = examine(&path).unwrap().findings;
    let starts = [
        "table alert cannot be read: PATH: table alert, row 1, column record: ",
        "table outbox cannot be read: PATH: table outbox, row 1, column message: ",
    ];
    assert_eq!(found.len(), starts.len(), "{found:?}");
    for (line, start) in found.iter().zip(starts) {
        assert!(line.starts_with(&start.replace("PATH", &path.display().to_string())), "{line}");
    }
}

/// Every page of the file in turn is filled with noise: never a panic, and a lost page is always told.
#[test]
fn a_damaged_page_is_told_wherever_it_is() {
    let (folder, path) = place();
    filled(&path);
    let whole = folder.path().join("whole.db");
    super::super::backup::backup(&path, &whole, false).unwrap();
    let bytes = fs::read(&whole).unwrap();
    let size = 4096;
    assert!(bytes.len() > 10 * size);
    let bad = folder.path().join("bad.db");
    for page in 0..bytes.len() / size {
        let mut damaged = bytes.clone();
        // of the first page the part after the file's head
        let from = page * size + if page == 0 { 100 } else { 0 };
        damaged[from..(page + 1) * size].fill(0xA5);
        fs::write(&bad, &damaged).unwrap();
        match examine(&bad) {
            Ok(found) => assert!(!found.findings.is_empty(), "page {page} is lost and nobody sees it"),
            Err(trouble) => assert_eq!(trouble.kind, Kind::Io, "page {page}: {trouble}"),
        }
    }
}

#[test]
fn what_cannot_be_opened_is_no_finding() {
    let (_folder, path) = place();
    assert_eq!(examine(&path).unwrap_err(), refuse::nothing_yet(&path));
    fs::write(&path, "groceries").unwrap();
    assert_eq!(examine(&path).unwrap_err().kind, Kind::Io);
}

#[test]
fn sealed_history_is_read_and_its_damage_told() {
    let (_folder, path) = place();
    let mut store = Store::open(&path, Mode::Write, at(0)).unwrap();
    for hour in 0..30 {
        put(&mut store, &key("m", "/"), at(hour * 3600), Datum::Value(1.0));
    }
    let day = Duration::from_hours(24);
    let last = at(29 * 3600);
    let tx = store.begin().unwrap();
    tx.put_cycle(&CycleRow::quick(last, 0)).unwrap();
    tx.seal(last, last, day).unwrap();
    tx.commit().unwrap();
    drop(store);
    let found = examine(&path).unwrap();
    assert_eq!(found.findings, Vec::<String>::new());
    let rows = found.tables.iter().find(|table| table.name == "sample").unwrap();
    assert!(rows.rows < 30, "most are sealed: {rows:?}");
    assert_eq!(found.series.iter().map(|size| size.samples).collect::<Vec<_>>(), [30]);
    change(
        &path,
        "UPDATE chunk SET data = substr(data, 1, length(data) - 1) WHERE start = (SELECT min(start) FROM chunk)",
    );
    let findings = examine(&path).unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("the history of m{\"mount\":\"/\"} from 2026-11-23T00:00:00Z: "), "{findings:?}");
}

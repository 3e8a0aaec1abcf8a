use std::os::unix::fs::MetadataExt;

use super::super::backup::backup;
use super::super::cycles::CycleRow;
use super::super::examine::examine;
use super::super::kit::{at, firing, key, message, place, put, to};
use super::super::open::Mode;
use super::*;
use crate::model::alert::Transition;
use crate::model::reading::Datum;
use crate::model::severity::Severity;

/// One more minute in the life of a database: a sample, a cycle, an alert of `rule` that fires and a word on its way.
fn minute(path: &Path, second: i64, rule: &str) {
    let mut store = Store::open(path, Mode::Write, at(second)).unwrap();
    put(&mut store, &key("m", "/"), at(second), Datum::Value(1.0));
    let tx = store.begin().unwrap();
    let id = tx.save_alert(None, &mut firing(rule, Severity::High)).unwrap();
    tx.put_transition(id, at(second), Transition::Fired(Severity::High), None, None).unwrap();
    tx.enqueue(Some(id), &to("chat", "#ops"), &message(rule), at(second)).unwrap();
    tx.put_cycle(&CycleRow::quick(at(second), 0)).unwrap();
    tx.commit().unwrap();
}

/// A database of two minutes, and a backup of the first.
fn two_minutes() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (folder, path) = place();
    minute(&path, 60, "FIRST");
    let file = folder.path().join("backup.db");
    backup(&path, &file, false).unwrap();
    minute(&path, 120, "SECOND");
    (folder, path, file)
}

fn go_back(path: &Path, file: &Path) -> Result<Restored> {
    restore(path, file, inspect(path, file)?, at(300))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn summaries(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.message.summary.as_str()).collect()
}

#[test]
fn the_last_two_replaced_databases_stay() {
    let (folder, path, file) = two_minutes();
    for name in
        ["state.db.replaced-by-me", "other.db.replaced-20261123T090000Z", "state.db.replaced-20261123T090000Z-wal"]
    {
        fs::write(folder.path().join(name), "not ours to judge").unwrap();
    }
    for second in [300, 360, 420, 480] {
        restore(&path, &file, inspect(&path, &file).unwrap(), at(second)).unwrap();
    }
    let expected = [
        "backup.db",
        "other.db.replaced-20261123T090000Z",
        "state.db",
        "state.db.replaced-20261123T090000Z-wal",
        "state.db.replaced-20261123T090700Z",
        "state.db.replaced-20261123T090800Z",
        "state.db.replaced-by-me",
    ];
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn a_backup_takes_the_place_and_nothing_is_contradicted() {
    let (folder, path, file) = two_minutes();
    let done = go_back(&path, &file).unwrap();
    let aside = folder.path().join("state.db.replaced-20261123T090500Z");
    assert_eq!((done.from.tick, done.kept.as_deref()), (Some(at(60)), Some(&*aside)));
    assert_eq!(summaries(&done.dropped), ["FIRST"]);
    let left = done.left.unwrap();
    // what waited in both waited in the replaced one too
    assert_eq!(summaries(&left.waiting), ["FIRST", "SECOND"]);
    assert_eq!(left.firing.iter().map(|alert| &*alert.key.rule).collect::<Vec<_>>(), ["SECOND"]);
    assert_eq!(names(folder.path()), ["backup.db", "state.db", "state.db.replaced-20261123T090500Z"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

    let mut store = Store::open(&path, Mode::Write, at(301)).unwrap();
    assert_eq!(store.last_cycle().unwrap().unwrap().tick, at(60));
    assert_eq!(store.due(at(9999)).unwrap(), []);
    let given_up = store.deliveries(&DeliveryFilter::default()).unwrap();
    assert_eq!(
        given_up.iter().map(|one| (one.state, one.last_answer.as_deref())).collect::<Vec<_>>(),
        [(State::Dead, Some("dropped: the database was restored from a backup"))]
    );
    let note = store.notes(1).unwrap().remove(0);
    let text = format!(
        "restored from {}, up to 2026-11-23T09:01:00Z; what came after is in {}; 1 waiting notifications were dropped",
        file.display(),
        aside.display()
    );
    assert_eq!((note.kind, note.text), (NoteKind::Restored, text));
    let tx = store.begin().unwrap();
    let mut third = firing("THIRD", Severity::High);
    let id = tx.save_alert(None, &mut third).unwrap();
    assert_eq!((id.0, third.number), (3, Some(3)), "2 was given by the replaced database");
    assert_eq!(tx.enqueue(Some(id), &to("chat", ""), &message("x"), at(301)).unwrap(), 3);
    drop(tx);
    drop(store);
    for database in [&path, &aside] {
        assert_eq!(examine(database).unwrap().findings, Vec::<String>::new(), "{}", database.display());
    }
}

#[test]
fn where_there_is_none_it_is_put() {
    let (folder, path, file) = two_minutes();
    let moved = folder.path().join("elsewhere.db");
    fs::rename(&path, moved).unwrap();
    // its log was left behind, and must not be taken for the new one's
    assert!(path.with_file_name("state.db-wal").exists());
    let done = go_back(&path, &file).unwrap();
    assert_eq!((done.kept, done.left), (None, Some(Left::default())));
    assert_eq!(done.last_number, 1);
    assert!(!path.with_file_name("state.db-wal").exists());
    assert_eq!(examine(&path).unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_damaged_database_is_replaced_and_numbers_keep_well_clear() {
    let (folder, path, file) = two_minutes();
    let mut bytes = fs::read(&path).unwrap();
    // the log is gone and the tree that names the tables is noise
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(copy::beside(&path, suffix)).unwrap();
    }
    let whole = fs::read(&file).unwrap();
    bytes.splice(.., whole);
    bytes[100..4096].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    let done = go_back(&path, &file).unwrap();
    assert_eq!((done.left, done.last_number), (None, 1001));
    assert_eq!(fs::read(done.kept.unwrap()).unwrap(), bytes);
    assert_eq!(examine(&path).unwrap().findings, Vec::<String>::new());
    assert_eq!(names(folder.path()).len(), 3);
}

#[test]
fn a_newer_version_s_database_gives_way_to_the_copy_of_before() {
    let (_folder, path, file) = two_minutes();
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99; CREATE TABLE new (x)").unwrap();
    assert_eq!(Store::open(&path, Mode::Write, at(0)).unwrap_err().kind, Kind::Io);
    let done = go_back(&path, &file).unwrap();
    assert_eq!(done.last_number, 2);
    assert_eq!(Store::open(&path, Mode::Write, at(0)).unwrap().last_cycle().unwrap().unwrap().tick, at(60));
}

/// Kept as it was when the program was killed in the middle of its transaction.
#[test]
fn what_a_killed_restore_left_does_no_harm() {
    let (folder, path, file) = two_minutes();
    let part = folder.path().join("state.db.restore.part");
    fs::copy(&file, &part).unwrap();
    let killed = Connection::open(&part).unwrap();
    killed.execute_batch("BEGIN; DELETE FROM cycle; CREATE TABLE noise AS SELECT * FROM sample").unwrap();
    let journal = fs::read(copy::beside(&part, "-journal")).unwrap();
    drop(killed);
    fs::write(copy::beside(&part, "-journal"), journal).unwrap();
    go_back(&path, &file).unwrap();
    assert_eq!(names(folder.path()), ["backup.db", "state.db", "state.db.replaced-20261123T090500Z"]);
    assert_eq!(examine(&path).unwrap().findings, Vec::<String>::new());
    assert_eq!(Store::open(&path, Mode::Read, at(0)).unwrap().last_cycle().unwrap().unwrap().tick, at(60));
}

#[test]
fn a_database_in_use_stays() {
    let (folder, path, file) = two_minutes();
    let reader = Store::open(&path, Mode::Read, at(0)).unwrap();
    let before = names(folder.path());
    // somebody looks for longer than a writer waits
    let trouble = go_back(&path, &file).unwrap_err();
    assert_eq!(trouble.kind, Kind::Busy, "{trouble}");
    assert_eq!(reader.last_cycle().unwrap().unwrap().tick, at(120));
    assert_eq!(names(folder.path()), before);
}

#[test]
fn what_is_no_backup_is_refused_and_nothing_changes() {
    let (folder, path, file) = two_minutes();
    let make = |name: &str, sql: &str| {
        let made = folder.path().join(name);
        fs::copy(&file, &made).unwrap();
        Connection::open(&made).unwrap().execute_batch(sql).unwrap();
        made
    };
    let text = folder.path().join("text");
    fs::write(&text, "dear diary ".repeat(1000)).unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let torn = make("torn", "");
    let bytes = fs::read(&torn).unwrap();
    fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    for (unfit, kind, expected) in [
        (text, Kind::Data, "NAME cannot be restored: file is not a database"),
        (empty, Kind::Data, "NAME cannot be restored: it is empty"),
        (torn, Kind::Data, "NAME cannot be restored: "),
        (make("newer", "PRAGMA user_version = 99"), Kind::Data, "NAME cannot be restored: it was made by a newer"),
        (
            make("other", "PRAGMA application_id = 7"),
            Kind::Data,
            "NAME cannot be restored: it is a database of another",
        ),
        (path.clone(), Kind::Usage, "NAME is the database itself"),
        (folder.path().join("none"), Kind::Io, "cannot look at NAME: No such file"),
    ] {
        let trouble = inspect(&path, &unfit).unwrap_err();
        let expected = expected.replace("NAME", &unfit.display().to_string());
        assert!(trouble.kind == kind && trouble.what.starts_with(&expected), "{trouble:?}");
    }
    assert_eq!(Store::open(&path, Mode::Read, at(0)).unwrap().last_cycle().unwrap().unwrap().tick, at(120));
}

#[test]
fn what_was_sent_since_is_known_as_sent() {
    let (_folder, path, file) = two_minutes();
    let mut store = Store::open(&path, Mode::Write, at(130)).unwrap();
    let tx = store.begin().unwrap();
    tx.mark_sending(1, None, at(130)).unwrap();
    let outcome = crate::model::delivery::Outcome::sent("ok");
    tx.finish(1, std::time::Duration::ZERO, &outcome, State::Sent, None).unwrap();
    tx.commit().unwrap();
    drop(store);
    let done = go_back(&path, &file).unwrap();
    assert_eq!((summaries(&done.sent), summaries(&done.dropped)), (vec!["FIRST"], vec![]));
    let store = Store::open(&path, Mode::Read, at(300)).unwrap();
    let known = store.deliveries(&DeliveryFilter::default()).unwrap().remove(0);
    assert_eq!((known.state, known.attempts, known.last_answer.as_deref()), (State::Sent, 1, Some("ok")));
}

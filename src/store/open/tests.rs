use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Barrier;

use super::super::cycles::NoteKind;
use super::super::kit::{at, key, place, put};
use super::super::retain::Limits;
use super::*;
use crate::model::reading::{Datum, Reason};
use crate::model::trouble::{Kind, Trouble};
use crate::support::skip::{root_or_skipped, skipped};

/// A user with no rights.
const NOBODY: u32 = 65_534;

/// A committed database at `path`, closed again.
fn filled(path: &Path) {
    let mut store = Store::open(path, Mode::Write, at(0)).unwrap();
    put(&mut store, &key("m", "/"), at(0), Datum::Value(1.0));
}

/// All bytes of the folder, file by file.
fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Changes a closed database by hand, as a stranger would, and leaves only the one file.
fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn text_file(path: &Path) {
    fs::write(path, "groceries:\n- milk\n".repeat(100)).unwrap();
}

fn a_folder(path: &Path) {
    fs::create_dir(path).unwrap();
}

fn foreign_tables(path: &Path) {
    change(path, "CREATE TABLE contacts (name TEXT)");
}

fn foreign_id(path: &Path) {
    filled(path);
    change(path, "PRAGMA application_id = 77");
}

fn from_the_future(path: &Path) {
    filled(path);
    change(path, "PRAGMA user_version = 99");
}

fn negative_version(path: &Path) {
    filled(path);
    change(path, "PRAGMA user_version = -1");
}

fn cut_short(path: &Path) {
    filled(path);
    change(path, "VACUUM");
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

#[test]
fn what_cannot_be_used_is_refused_in_words_and_left_as_it_is() {
    type Case = (fn(&Path), &'static str);
    let cases: [Case; 7] = [
        (text_file, "PATH is not a database"),
        (a_folder, "PATH is a folder, not a database"),
        (foreign_tables, "PATH is a database of another program"),
        (foreign_id, "PATH is a database of another program"),
        (negative_version, "PATH is a database of another program"),
        (from_the_future, "PATH was made by a newer sippar-mon (format 99; this one knows FORMAT)"),
        (cut_short, "the database PATH is damaged"),
    ];
    for (make, expected) in cases {
        let (folder, path) = place();
        make(&path);
        let before = bytes(folder.path());
        for mode in [Mode::Write, Mode::Read] {
            let trouble = Store::open(&path, mode, at(0)).unwrap_err();
            assert_eq!(
                trouble.what,
                expected.replace("PATH", &path.display().to_string()).replace("FORMAT", &FORMAT.to_string()),
                "{mode:?}"
            );
            assert_eq!(trouble.kind, Kind::Io, "{expected}");
            assert!(trouble.help.is_some(), "{expected}: a way out");
            let after: Vec<_> = bytes(folder.path()).into_iter().filter(|(name, _)| *name == path).collect();
            let before: Vec<_> = before.iter().filter(|(name, _)| *name == path).cloned().collect();
            assert!(after == before, "{expected}: the file was changed");
        }
    }
}

#[test]
fn a_link_that_leads_nowhere_is_not_followed() {
    let (folder, path) = place();
    let target = folder.path().join("elsewhere");
    symlink(&target, &path).unwrap();
    let trouble = Store::open(&path, Mode::Write, at(0)).unwrap_err();
    let what = format!("{} is not there any more, or is a link that leads nowhere", path.display());
    assert_eq!((trouble.kind, trouble.what), (Kind::Io, what));
    assert!(!target.exists());
}

#[test]
fn reading_creates_nothing() {
    let (folder, path) = place();
    let expected =
        Trouble::new(Kind::Unavailable, format!("nothing has been checked yet (no database at {})", path.display()))
            .help("run: sippar-mon check");
    assert_eq!(Store::open(&path, Mode::Read, at(0)).unwrap_err(), expected);
    let below = folder.path().join("none/state.db");
    assert_eq!(Store::open(&below, Mode::Read, at(0)).unwrap_err().kind, Kind::Unavailable);
    assert_eq!(bytes(folder.path()), []);
    fs::write(&path, "").unwrap();
    assert_eq!(Store::open(&path, Mode::Read, at(0)).unwrap_err(), expected);
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn reading_works_beside_a_writer_and_cannot_write() {
    let (_folder, path) = place();
    let mut writer = Store::open(&path, Mode::Write, at(0)).unwrap();
    put(&mut writer, &key("m", "/"), at(0), Datum::Value(1.0));
    let tx = writer.begin().unwrap();
    tx.note(at(0), NoteKind::Missed, "not committed").unwrap();
    let mut reader = Store::open(&path, Mode::Read, at(0)).unwrap();
    assert_eq!(reader.latest(at(0)).unwrap().len(), 1);
    assert_eq!(reader.notes(9).unwrap(), []);
    tx.commit().unwrap();
    assert_eq!(reader.notes(9).unwrap().len(), 1);
    assert!(reader.begin().and_then(|tx| tx.note(at(0), NoteKind::Missed, "x")).is_err());
}

#[test]
fn folder_and_files_are_for_nobody_else() {
    let (folder, _) = place();
    let path = folder.path().join("a/b/state.db");
    let mut store = Store::open(&path, Mode::Write, at(0)).unwrap();
    put(&mut store, &key("m", "/"), at(0), Datum::Value(1.0));
    let mode = |name: &str| fs::metadata(path.with_file_name(name)).unwrap().mode() & 0o777;
    assert_eq!(["", "state.db", "state.db-wal", "state.db-shm"].map(mode), [0o700, 0o600, 0o600, 0o600]);
    assert_eq!(fs::metadata(folder.path().join("a")).unwrap().mode() & 0o777, 0o700);
    drop(store);
    assert!(path.with_file_name("state.db-wal").exists(), "no checkpoint when the last connection closes");
}

#[test]
fn an_empty_file_is_taken_and_said() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    let store = Store::open(&path, Mode::Write, at(7)).unwrap();
    let notes: Vec<_> = store.notes(9).unwrap().into_iter().map(|note| (note.at, note.kind, note.text)).collect();
    assert_eq!(notes, [(at(7), NoteKind::StateReset, "state was reset: the database file was empty".to_owned())]);
    drop(store);
    assert_eq!(Store::open(&path, Mode::Write, at(8)).unwrap().notes(9).unwrap().len(), 1, "once");
}

/// Without one moment for the look at it, or the patience for the switch to WAL, some of 150 rounds failed.
#[test]
fn processes_that_create_it_at_once_all_get_it() {
    for _ in 0..10 {
        let (_folder, path) = place();
        let start = Barrier::new(8);
        let open = || {
            start.wait();
            let mut store = Store::open(&path, Mode::Write, at(0)).unwrap();
            put(&mut store, &key("m", "/"), at(0), Datum::Value(1.0));
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(open);
            }
        });
        let store = Store::open(&path, Mode::Read, at(0)).unwrap();
        assert_eq!(store.notes(9).unwrap(), [], "nobody took the newborn file for an accident");
        assert_eq!(store.latest(at(0)).unwrap().len(), 1);
    }
}

/// The format that this program makes.
#[allow(clippy::cast_possible_wrap, reason = "there are a handful of steps")]
const FORMAT: i64 = schema::STEPS.len() as i64;

/// The format of a database, by its own word.
fn version(path: &Path) -> i64 {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap()
}

/// The names in `folder` of what is not the database, its log or its index.
fn besides(folder: &Path) -> Vec<String> {
    let names = bytes(folder).into_iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| !["state.db", "state.db-wal", "state.db-shm"].contains(&name.as_str())).collect()
}

#[test]
fn an_older_database_is_copied_before_it_is_migrated() {
    let (folder, path) = place();
    filled(&path);
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let with = |step| [schema::STEPS, &[step]].concat();
    let bad = with("CREATE TABLE added (x ANY) STRICT; CREATE TABLE series (x ANY)");
    let failed = schema::migrate(&mut connection, &path, &bad, Before::Filled, at(60));
    assert_eq!(failed.unwrap_err().kind, Kind::Io);
    assert_eq!((version(&path), besides(folder.path())), (FORMAT, vec![]), "it is as it was, and needs no copy");
    let good = with("CREATE TABLE added (x ANY) STRICT");
    schema::migrate(&mut connection, &path, &good, Before::Filled, at(60)).unwrap();
    let copy = folder.path().join(format!("state.db.v{FORMAT}-20261123T090100Z"));
    assert_eq!((version(&path), version(&copy)), (FORMAT + 1, FORMAT));
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
    assert_eq!(Store::open(&copy, Mode::Write, at(0)).unwrap().latest(at(0)).unwrap().len(), 1);
    let note = connection.query_row("SELECT kind || ': ' || text FROM note", [], |row| row.get::<_, String>(0));
    assert_eq!(note.unwrap(), format!("migrated: migrated from format {FORMAT} to {}", FORMAT + 1));
}

#[test]
fn the_samples_of_the_first_format_are_there_in_the_present_one() {
    let (_folder, path) = place();
    create_file(&path).unwrap();
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    use_wal(&connection, &path).unwrap();
    schema::migrate(&mut connection, &path, &schema::STEPS[..1], Before::Nothing, at(0)).unwrap();
    let rows = "INSERT INTO series VALUES (1, 'system', 'm', '{}', 60000); INSERT INTO sample VALUES (0, 1, 0.5, 0)";
    connection.execute_batch(rows).unwrap();
    drop(connection);
    let store = Store::open(&path, Mode::Write, at(60)).unwrap();
    let history = store.history("m", None, at(-9_999_999_999), at(0)).unwrap();
    assert_eq!(history[0].points[0].datum, Datum::Value(0.5));
    assert_eq!(store.notes(9).unwrap()[0].text, format!("migrated from format 1 to {FORMAT}"));
}

#[test]
fn the_newest_samples_of_the_format_before_reasons_stayed_are_kept() {
    let (_folder, path) = place();
    create_file(&path).unwrap();
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    use_wal(&connection, &path).unwrap();
    let before = schema::STEPS.iter().position(|step| step.contains("latest_with_reasons")).unwrap();
    schema::migrate(&mut connection, &path, &schema::STEPS[..before], Before::Nothing, at(0)).unwrap();
    let rows = "INSERT INTO series VALUES (1, 'system', 'm', '{}', 60000), (2, 'system', 'n', '{}', 60000);
                INSERT INTO latest VALUES (1, 0, NULL, 2, 'timeout'), (2, 0, 0.5, 0, NULL)";
    connection.execute_batch(rows).unwrap();
    drop(connection);
    let latest = Store::open(&path, Mode::Write, at(60)).unwrap().latest(at(60)).unwrap();
    let seen: Vec<_> = latest.into_iter().map(|one| (one.datum, one.reason)).collect();
    assert_eq!(seen, [(Datum::Unknown, Some(Reason::TIMEOUT)), (Datum::Value(0.5), None)]);
}

#[test]
fn a_reserve_log_of_format_12_is_whole_in_the_present_one_and_can_be_cut() {
    let (_folder, path) = place();
    create_file(&path).unwrap();
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    use_wal(&connection, &path).unwrap();
    let before = schema::STEPS.iter().position(|step| step.contains("reserve_anchor")).unwrap();
    schema::migrate(&mut connection, &path, &schema::STEPS[..before], Before::Nothing, at(0)).unwrap();
    let rows = "INSERT INTO reserve_log VALUES (1, 60, '{\"state\":{}}', zeroblob(32)), (2, 120, '{\"é\":1}', x'%'),
                                               (3, 180, '{\"state\":{}}', zeroblob(32))";
    connection.execute_batch(&rows.replace('%', &"07".repeat(32))).unwrap();
    drop(connection);
    let mut store = Store::open(&path, Mode::Write, at(60)).unwrap();
    assert_eq!(store.reserve_rows_after(0, 9).unwrap().len(), 3);
    assert_eq!(store.reserve_anchor().unwrap(), None);
    let bytes = |store: &Store| -> i64 {
        store.connection.query_row("SELECT bytes FROM reserve_anchor", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(bytes(&store), 12 + 8 + 12 + 3 * 85);
    let limits = Limits { bytes: 4, ..Limits::default() };
    while let Ok(excess) = store.excess(limits, at(60), Duration::from_mins(1), Vec::new) {
        let tx = store.begin().unwrap();
        if !tx.retain(&excess, Duration::ZERO).unwrap() {
            break;
        }
        tx.commit().unwrap();
    }
    let anchor = store.reserve_anchor().unwrap().unwrap();
    assert_eq!((anchor.n, anchor.at, anchor.hash, anchor.moved), (2, Time::from_millis(120), [7; 32], at(60)));
    assert_eq!((store.reserve_rows_after(0, 9).unwrap().len(), bytes(&store)), (1, 97));
}

#[test]
fn the_last_two_copies_stay() {
    let (folder, path) = place();
    filled(&path);
    for name in ["state.db.v1-readme", "state.db.vx-20261123T090100Z", "other.db.v1-20261123T090100Z"] {
        fs::write(folder.path().join(name), "not a copy of this database").unwrap();
    }
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let mut steps = schema::STEPS.to_vec();
    for (step, minute) in ["CREATE TABLE a (x ANY)", "CREATE TABLE b (x ANY)", "CREATE TABLE c (x ANY)"].iter().zip(1..)
    {
        steps.push(step);
        schema::migrate(&mut connection, &path, &steps, Before::Filled, at(60 * minute)).unwrap();
    }
    let mut expected = [
        "other.db.v1-20261123T090100Z".to_owned(),
        "state.db.v1-readme".to_owned(),
        format!("state.db.v{}-20261123T090200Z", FORMAT + 1),
        format!("state.db.v{}-20261123T090300Z", FORMAT + 2),
        "state.db.vx-20261123T090100Z".to_owned(),
    ];
    // as names are sorted: v10 before v9
    expected.sort();
    assert_eq!(besides(folder.path()), expected);
}

#[test]
fn without_a_copy_nothing_is_migrated() {
    let (folder, path) = place();
    filled(&path);
    // a folder stands where the copy is to be
    let place = folder.path().join(format!("state.db.v{FORMAT}-20261123T090100Z"));
    fs::create_dir(&place).unwrap();
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let steps = [schema::STEPS, &["CREATE TABLE added (x ANY) STRICT"]].concat();
    let trouble = schema::migrate(&mut connection, &path, &steps, Before::Filled, at(60)).unwrap_err();
    let (db, copy) = (path.display(), place);
    let what = format!(
        "{db} is not migrated to a newer format, because no copy can be kept: \
         cannot create {}: Is a directory (os error 21)",
        copy.display()
    );
    assert_eq!((trouble.kind, trouble.what), (Kind::Io, what));
    assert_eq!((version(&path), besides(folder.path())), (FORMAT, vec![]));
}

#[test]
fn the_way_back_from_a_newer_version_is_named() {
    let (folder, path) = place();
    filled(&path);
    for name in ["state.db.v1-20261123T090100Z", "state.db.v1-20261123T090200Z", "state.db.v98-20261123T090300Z"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    from_the_future(&path);
    let trouble = Store::open(&path, Mode::Write, at(0)).unwrap_err();
    let copy = folder.path().join("state.db.v1-20261123T090200Z");
    let help = format!(
        "install that version again; or go back to the copy of before: sippar-mon db restore {}",
        copy.display()
    );
    assert_eq!(trouble.help, Some(help));
}

#[test]
fn root_writes_as_the_owner_of_the_folder() {
    if !root_or_skipped("act as two users") {
        return;
    }
    let (folder, path) = place();
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    filled(&path);
    let owner = |name: &str| fs::metadata(path.with_file_name(name)).unwrap().uid();
    assert_eq!(["state.db", "state.db-wal", "state.db-shm"].map(owner), [NOBODY; 3]);
}

/// What a user without rights is told who opens `inner/state.db` in `folder`.
fn told_to_nobody(folder: &Path, test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::open::tests::{test}"), "--ignored", "--nocapture"])
        .current_dir(folder)
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().find_map(|line| line.split_once("TOLD ")).map_or(printed.clone(), |(_, told)| told.to_owned())
}

fn tell(mode: Mode) {
    if !Path::new("inner").exists() {
        return skipped("only means something when `who_may_not_is_told_whose_it_is` starts it");
    }
    match Store::open(Path::new("inner/state.db"), mode, at(0)) {
        Ok(_) => println!("\nTOLD nothing, it was opened"),
        Err(trouble) => println!("\nTOLD {:?}: {trouble}", trouble.kind),
    }
}

#[test]
#[ignore = "started by the test below in a folder of its own"]
fn as_nobody_read() {
    tell(Mode::Read);
}

#[test]
#[ignore = "started by the test below in a folder of its own"]
fn as_nobody_write() {
    tell(Mode::Write);
}

#[test]
fn who_may_not_is_told_whose_it_is() {
    if !root_or_skipped("act as two users") {
        return;
    }
    let permission = |path: &str, mode: &str| {
        format!("Permission: no permission for {path} (owner uid 0, mode {mode}; this process is uid {NOBODY})")
    };
    let (file, folder) = ("inner/state.db", "inner");
    // modes of the folder and of the file, where there is one; whether its log is gone; opened to; what is said
    for (folder_mode, file_mode, lone, test, expected) in [
        (0o755, Some(0o600), false, "as_nobody_read", permission(file, "600")),
        (0o755, Some(0o600), false, "as_nobody_write", permission(file, "600")),
        (0o755, Some(0o644), false, "as_nobody_write", permission(file, "644")),
        (0o755, Some(0o666), true, "as_nobody_write", permission(folder, "755")),
        (0o755, Some(0o666), true, "as_nobody_read", permission(folder, "755")),
        (0o755, None, false, "as_nobody_write", permission(folder, "755")),
        (0o700, Some(0o600), false, "as_nobody_read", permission(folder, "700")),
        (0o700, None, false, "as_nobody_write", permission(folder, "700")),
    ] {
        let (outer, _) = place();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("state.db");
        if let Some(mode) = file_mode {
            filled(&path);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        if lone {
            change(&path, "SELECT count(*) FROM series");
            assert!(!path.with_file_name("state.db-shm").exists());
        }
        fs::set_permissions(&inner, fs::Permissions::from_mode(folder_mode)).unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(told_to_nobody(outer.path(), test), expected, "{folder_mode:o} {file_mode:?} {test}");
    }
}

//! `db backup`, `db check`, `db restore`: copies while checks run, damage that is seen, going back without a lie.

use std::fs::{self, File};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, Running, World, slack, told, until};

/// One number that a file of ours holds.
fn number(world: &World, file: &str, sql: &str) -> i64 {
    Connection::open(world.path(file)).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What `db check` says of a file.
fn examined(world: &World, file: &str) -> Ran {
    let ran = world.run(&["db", "check", "--db", file]);
    Ran { out: world.tidy(&ran.out), err: world.tidy(&ran.err), ..ran }
}

#[test]
fn a_backup_beside_running_checks_is_whole_up_to_a_tick() {
    let world = World::with_queue("");
    crate::looping::room_in_the_minute(15);
    let mut command = world.command(&["check", "--every", "1s"]);
    let checks: Running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap().into();
    until("the first cycle", || world.run(&["status"]).code == 0);
    for name in ["one.db", "two.db", "three.db", "four.db"] {
        let ran = world.run(&["db", "backup", name, "--json"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        let said = ran.json();
        assert_eq!(examined(&world, name), Ran::silent(0), "{name}");
        let measured = "SELECT count(*) FROM sample JOIN series ON series.id = series WHERE metric = 'queue_depth'";
        let cycles = number(&world, name, "SELECT count(*) FROM cycle");
        assert!(cycles > 0 && cycles == number(&world, name, measured), "{name}: a cycle is there or is not");
        let newest = Connection::open(world.path(name)).unwrap();
        let sql = "SELECT strftime('%FT%TZ', max(tick) / 1000, 'unixepoch') FROM sample";
        let newest: String = newest.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(said["tick"], newest.as_str());
        assert_eq!(said["bytes"], fs::metadata(world.path(name)).unwrap().len());
        thread::sleep(Duration::from_millis(300));
    }
    checks.kill();
    let again = world.run(&["db", "backup", "one.db"]);
    let err = "sippar-mon: one.db is there already\n  help: name another file, or replace this one with --force\n";
    assert_eq!(again, Ran { code: 73, out: String::new(), err: err.to_owned() });
    assert_eq!(world.run(&["db", "backup", "one.db", "--force"]), Ran::silent(0));
}

#[test]
fn going_back_sends_nothing_old_and_forgets_nobody_who_was_told() {
    let fake = HttpFake::start([Answer::new(503, "busy"), Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    assert_eq!(world.check().code, 1);
    assert_eq!(world.run(&["db", "backup", "waiting.db"]), Ran::silent(0));
    let fired = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1";

    // nobody was told meanwhile: the old word is dropped, and said to be
    let ran = world.run(&["db", "restore", "waiting.db", "--yes"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    let dropped = "  id 1-1  slack  [HIGH] QUEUE_LONG: 50 are waiting";
    assert_eq!(lines[2..4], ["1 dropped from the backup, not sent:", dropped], "{}", ran.out);
    let kept = lines[1].strip_prefix("the replaced database is kept: ").unwrap().to_owned();
    assert_eq!(world.check().code, 1);
    assert_eq!(told(&fake).len(), 1, "nothing but the attempt before the backup");
    assert_eq!(examined(&world, "state.db"), Ran::silent(0));

    // back to where it waits; now it is sent, and going back knows that
    thread::sleep(Duration::from_millis(1100));
    let ran = world.run(&["db", "restore", &kept, "--yes", "--json"]);
    assert_eq!((ran.code, ran.json()["dropped"].as_array().unwrap().len()), (0, 1), "{ran:?}");
    world.queue(3);
    assert_eq!(world.check().code, 0);
    world.queue(60);
    assert_eq!(world.check().code, 1);
    let last = told(&fake).pop().unwrap();
    assert_eq!(last, "[HIGH] QUEUE_LONG: 60 are waiting | id 2-2", "numbers go on");
    assert_eq!(world.run(&["db", "backup", "told.db"]), Ran::silent(0));
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(world.run(&["db", "restore", "told.db", "--yes"]).code, 0);
    world.queue(3);
    assert_eq!(world.check().code, 0);
    assert_eq!(told(&fake).pop().unwrap(), "[HIGH] Resolved: QUEUE_LONG: 3 are waiting | id 2-3");
    assert_eq!(told(&fake)[0], fired);
}

#[test]
fn nothing_is_replaced_without_a_yes_or_under_a_running_check() {
    let world = World::with_queue("");
    assert_eq!(world.check().code, 0);
    assert_eq!(world.run(&["db", "backup", "copy.db"]), Ran::silent(0));
    let before = fs::read(world.database()).unwrap();
    let err = "sippar-mon: `db restore` asks first, and there is no terminal to ask at\n  \
               help: --yes restores without a question\n";
    let ran = world.run(&["db", "restore", "copy.db"]);
    assert_eq!(ran, Ran { code: 64, out: String::new(), err: err.to_owned() });
    for name in ["schedule", "cycle", "deliver"] {
        let lock = File::create(format!("{}.{name}.lock", world.database().display())).unwrap();
        lock.try_lock().unwrap();
        let ran = world.run(&["db", "restore", "copy.db", "--yes"]);
        let err = "sippar-mon: a check is running, or cron starts one each minute; nothing was changed\n  \
                   help: take its line out of the crontab, try again when `pgrep -a sippar-mon` shows nothing, \
                   put the line back\n";
        assert_eq!(ran, Ran { code: 75, out: String::new(), err: err.to_owned() }, "{name}");
    }
    assert!(fs::read(world.database()).unwrap() == before);
}

#[test]
fn damage_is_seen() {
    let world = World::with_queue("");
    assert_eq!(world.check().code, 0);
    assert_eq!(world.run(&["db", "backup", "copy.db"]), Ran::silent(0));
    let root = number(&world, "copy.db", "SELECT rootpage FROM sqlite_schema WHERE name = 'sample'");
    let mut bytes = fs::read(world.path("copy.db")).unwrap();
    let page = usize::try_from(root - 1).unwrap() * 4096;
    bytes[page + 8..page + 4096].fill(0xFF);
    fs::write(world.path("copy.db"), bytes).unwrap();
    let ran = examined(&world, "copy.db");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{ran:?}");
    assert!(ran.out.lines().count() > 0 && ran.out.lines().all(|line| line.starts_with("file: ")), "{ran:?}");
    let ran = world.run(&["db", "check", "--db", "copy.db", "--json"]);
    assert_eq!((ran.code, ran.json()["sound"].as_bool()), (1, Some(false)));
    let refused = world.run(&["db", "restore", "copy.db", "--yes"]);
    assert_eq!((refused.code, refused.out.as_str()), (65, ""), "{refused:?}");
    assert!(refused.err.starts_with("sippar-mon: copy.db cannot be restored: "), "{refused:?}");
}

#[test]
fn after_a_downgrade_there_is_a_way_back() {
    let world = World::with_queue("");
    assert_eq!(world.check().code, 0);
    // what a newer version leaves behind: its database, and the copy it kept before it migrated
    assert_eq!(world.run(&["db", "backup", "state.db.v1-20261123T090000Z"]), Ran::silent(0));
    let ours = Connection::open(world.database()).unwrap();
    ours.execute_batch("PRAGMA user_version = 4711; CREATE TABLE chunk_of_tomorrow (x)").unwrap();
    drop(ours);
    let ran = world.run(&["check"]);
    assert_eq!(ran.code, 74);
    let command = ran.err.trim().rsplit("sippar-mon ").next().unwrap().to_owned();
    assert_eq!(world.tidy(&command), "db restore @/state.db.v1-20261123T090000Z", "{ran:?}");
    let mut words: Vec<&str> = command.split(' ').collect();
    words.push("--yes");
    assert_eq!(world.run(&words).code, 0);
    assert_eq!(world.check(), Ran::silent(0));
}

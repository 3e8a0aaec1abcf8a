//! Files that are no database of ours, or that cannot be used: a clear word, an exit code, and the file as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::support::http::{Answer, HttpFake};
use crate::support::skip::{is_root, skipped};
use crate::world::{Ran, World, slack, told};

/// Runs both a writer and a reader against the file and holds the file against what it was.
fn refused(world: &World, code: i32, err: &str) {
    let before = fs::read(world.database()).unwrap();
    for command in ["check", "status"] {
        let ran = world.run(&[command]);
        let said = Ran { err: world.tidy(&ran.err), ..ran };
        let err = if command == "check" || code != 69 { err.to_owned() } else { String::new() };
        assert_eq!(said, Ran { code, out: String::new(), err }, "{command}");
        forget_complaints(world);
    }
    assert!(fs::read(world.database()).unwrap() == before, "the file was changed");
}

/// Without a terminal the same trouble is told once an hour; here each run is the first.
fn forget_complaints(world: &World) {
    let _ = fs::remove_file(world.path("state.complaints"));
}

#[test]
fn a_text_file_is_refused() {
    let world = World::empty();
    fs::write(world.database(), "dear diary, ".repeat(500)).unwrap();
    refused(
        &world,
        74,
        "sippar-mon: @/state.db is not a database\n  \
         help: name another file with --db or move this one away; it was left as it is\n",
    );
}

#[test]
fn the_database_of_another_program_is_refused() {
    let world = World::empty();
    let theirs = Connection::open(world.database()).unwrap();
    theirs.execute_batch("PRAGMA application_id = 252006675; CREATE TABLE mails (id)").unwrap();
    drop(theirs);
    refused(
        &world,
        74,
        "sippar-mon: @/state.db is a database of another program\n  \
         help: name another file with --db; this one was left as it is\n",
    );
}

#[test]
fn the_database_of_a_newer_version_is_refused() {
    let world = World::with_queue("");
    assert_eq!(world.check(), Ran::silent(0));
    let ours = Connection::open(world.database()).unwrap();
    let version: i64 = ours.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    ours.pragma_update(None, "user_version", 4711).unwrap();
    drop(ours);
    let err = format!(
        "sippar-mon: @/state.db was made by a newer sippar-mon (format 4711; this one knows {version})\n  \
         help: install that version again, or name another file with --db; this one was left as it is\n"
    );
    refused(&world, 74, &err);
}

#[test]
fn a_folder_in_its_place_is_refused() {
    let world = World::empty();
    fs::create_dir(world.database()).unwrap();
    let ran = world.run(&["check"]);
    let err = "sippar-mon: @/state.db is a folder, not a database\n  help: name a file with --db\n".to_owned();
    assert_eq!(Ran { err: world.tidy(&ran.err), ..ran }, Ran { code: 74, out: String::new(), err });
}

#[test]
fn nothing_to_read_yet_is_no_riddle() {
    let world = World::empty();
    let ran = world.run(&["status"]);
    let err = "sippar-mon: nothing has been checked yet (no database at @/state.db)\n  help: run: sippar-mon check\n";
    assert_eq!(Ran { err: world.tidy(&ran.err), ..ran }, Ran { code: 69, out: String::new(), err: err.to_owned() });
    assert!(!world.database().exists(), "a reader makes nothing");
}

#[test]
fn trouble_is_told_once_an_hour_where_nobody_watches() {
    let world = World::empty();
    fs::write(world.database(), "dear diary, ".repeat(500)).unwrap();
    assert!(!world.run(&["check"]).err.is_empty());
    assert_eq!(world.run(&["check"]), Ran::silent(74));
}

#[test]
#[ignore = "needs root and setpriv; run by .ci/run"]
fn somebody_elses_database_is_refused() {
    let world = World::empty();
    if !is_root() || !Path::new("/usr/bin/setpriv").exists() {
        return skipped("root and setpriv are needed to become somebody else");
    }
    world.run(&["check"]);
    fs::set_permissions(world.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    let before = fs::read(world.database()).unwrap();
    for command in ["check", "status"] {
        let program = env!("CARGO_BIN_EXE_sippar-mon");
        let args = ["--reuid=65534", "--regid=65534", "--clear-groups", program, command];
        let ran = Ran::from(world.command_of(Path::new("/usr/bin/setpriv"), &args).output().unwrap());
        let err = "sippar-mon: no permission for @/state.db (owner uid 0, mode 600; this process is uid 65534)\n  \
                   help: try sudo, or run as the owner\n";
        let said = Ran { err: world.tidy(&ran.err), ..ran };
        assert_eq!(said, Ran { code: 77, out: String::new(), err: err.to_owned() }, "{command}");
    }
    assert!(fs::read(world.database()).unwrap() == before);
}

/// A mounted file system that goes away with the test.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[ignore = "needs root to mount a small disk; run by .ci/run"]
fn a_full_disk_loses_nothing_and_is_over_when_there_is_room() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let mut world = World::with_queue(&slack(&fake));
    let disk = world.path("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return skipped("root is needed to mount a small disk");
    }
    let _mounted = Mounted(disk.clone());
    let database = disk.join("state.db");
    world.set("SIPPAR_MON_DB", database.to_str().unwrap());
    assert_eq!(world.check(), Ran::silent(0));

    // whatever room there is goes into one file
    let fill = || {
        let _ = fs::write(disk.join("ballast"), vec![0_u8; 4 << 20]);
    };
    let refusal = |ran: Ran, name: &str| {
        let err = format!(
            "sippar-mon: no space left for the database @/disk/{name}\n  \
             help: free space on its disk; nothing was half written\n"
        );
        assert_eq!(Ran { err: world.tidy(&ran.err), ..ran }, Ran { code: 74, out: String::new(), err });
    };
    fill();
    let before = fs::read(&database).unwrap();
    refusal(world.check(), "state.db");
    let litter = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "new");
    assert_eq!(fs::read_dir(&disk).unwrap().map(Result::unwrap).filter(litter).count(), 0, "each minute some more");
    assert!(fs::read(&database).unwrap() == before, "the file was changed");
    assert!(world.run(&["status", "--json"]).code <= 3, "what is known can still be read");
    let words = |post: &String| world.tidy(post.split(" | ").next().unwrap());
    let failure = "[CRITICAL] MONITORING_SYSTEM_FAILURE: sippar-mon cannot store its state: \
                   no space left for the database @/disk/state.db";
    assert_eq!(told(&fake).iter().map(words).collect::<Vec<_>>(), [failure], "people hear of it all the same");

    fs::remove_file(disk.join("ballast")).unwrap();
    assert_eq!(world.check(), Ran::silent(0));
    let check: String =
        Connection::open(&database).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let over =
        "[CRITICAL] Resolved: MONITORING_SYSTEM_FAILURE: sippar-mon can store its state again; rules are judged again";
    assert_eq!(told(&fake).iter().map(words).collect::<Vec<_>>(), [failure, over]);

    // one that somebody laid there alone: even the index of its log finds no room
    let copy = disk.join("copy.db");
    fs::copy(&database, &copy).unwrap();
    fill();
    refusal(world.run(&["--db", copy.to_str().unwrap(), "status"]), "copy.db");
}

//! A power cut at any moment: the writes and flushes of a run are recorded, and what a disk may hold after each of them is
//! made again: of what was not flushed nothing, all, some of it, the last of it torn. Each is opened: it must be sound, and
//! have all that had been flushed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::support::http::{Answer, HttpFake};
use crate::support::skip::skipped;
use crate::world::{World, slack, told};

/// The files that make up a database on the disk; the index is made anew.
const FILES: [&str; 2] = ["state.db", "state.db-wal"];

/// What a process asked of the disk.
#[derive(Clone, Debug)]
enum Act {
    Write {
        file: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: usize,
        to: usize,
    },
    Flush {
        file: usize,
    },
    /// Something left for the network: whoever is there has been told.
    Told,
}

/// The content of [`FILES`].
type Disk = [Vec<u8>; 2];

fn apply(disk: &mut Disk, act: &Act) {
    match act {
        Act::Write { file, at, bytes } => {
            let (end, file) = (at + bytes.len(), &mut disk[*file]);
            file.resize(file.len().max(end), 0);
            file[*at..end].copy_from_slice(bytes);
        }
        Act::Cut { file, to } => disk[*file].truncate(*to),
        Act::Flush { .. } | Act::Told => {}
    }
}

/// Sectors of a torn write that are on the disk.
fn torn(act: &Act, random: &mut u64) -> Act {
    match act {
        Act::Write { file, at, bytes } => {
            let sectors = bytes.len().div_ceil(512);
            let kept = usize::try_from(next(random) % u64::try_from(sectors + 1).unwrap()).unwrap();
            Act::Write { file: *file, at: *at, bytes: bytes[..bytes.len().min(kept * 512)].to_vec() }
        }
        other => other.clone(),
    }
}

fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *random >> 33
}

/// What strace wrote, one call a line, those that were interrupted put together.
fn calls(log: &str) -> Vec<String> {
    let (mut open, mut calls) = (BTreeMap::new(), Vec::new());
    for line in log.lines() {
        let Some((process, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            open.insert(process, begun.to_owned());
        } else if let Some((_, rest)) = call.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            calls.extend(open.remove(process).map(|begun| begun + rest));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// The bytes of `\x61\x62`.
fn bytes(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|hex| u8::from_str_radix(&hex[..2], 16).unwrap()).collect()
}

/// What a call does to the database or to the world; none where it is about something else, or failed.
fn act(call: &str) -> Option<Act> {
    let (name, rest) = call.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let (_, rest) = arguments.split_once('<')?;
    let (path, rest) = rest.split_once('>')?;
    let path = String::from_utf8(bytes(path)).ok()?;
    if path.starts_with("socket:") {
        return Some(Act::Told);
    }
    let file = FILES.iter().position(|file| path.ends_with(&format!("/{file}")))?;
    let numbers: Vec<usize> = rest.rsplit(", ").map_while(|word| word.parse().ok()).collect();
    match (name, numbers.as_slice()) {
        ("pwrite64", [at, length, ..]) => {
            let bytes = bytes(rest);
            assert_eq!(bytes.len(), *length, "strace must show every byte");
            Some(Act::Write { file, at: *at, bytes })
        }
        ("ftruncate", [to]) => Some(Act::Cut { file, to: *to }),
        ("fsync" | "fdatasync", []) => Some(Act::Flush { file }),
        _ => panic!("what does this do? {}", &call[..call.len().min(200)]),
    }
}

/// Everything that a database holds of alerts and cycles, or why it cannot be opened.
fn content(folder: &Path) -> Result<String, String> {
    let ask = || -> rusqlite::Result<String> {
        let connection = Connection::open_with_flags(folder.join(FILES[0]), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let mut found = vec![sound];
        for (table, columns) in [
            ("cycle", "id || ' ' || tick"),
            ("alert", "id || ' ' || number || ' ' || state || ' ' || record"),
            ("transition", "id || ' ' || alert || ' ' || kind"),
            ("outbox", "id || ' ' || alert || ' ' || state || ' ' || attempts"),
            ("attempt", "id || ' ' || outbox || ' ' || coalesce(outcome, '')"),
            ("sample", "count(*) || ' ' || max(tick)"),
            ("chunk", "count(*)"),
            ("note", "count(*)"),
        ] {
            let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table}"))?;
            let rows = statement.query_map([], |row| {
                row.get::<_, Option<String>>(0).or_else(|_| row.get::<_, i64>(0).map(|n| Some(n.to_string())))
            })?;
            for row in rows {
                found.push(format!("{table} {}", row?.unwrap_or_default()));
            }
        }
        Ok(found.join("\n"))
    };
    ask().map_err(|error| error.to_string())
}

fn put(folder: &Path, disk: &Disk) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir(folder).unwrap();
    for (name, bytes) in FILES.iter().zip(disk) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn read(world: &World) -> Disk {
    FILES.map(|file| fs::read(world.path(file)).unwrap_or_default())
}

/// A world in which the next check raises an alert, tells of it, seals what is old, and empties a log that is almost full.
fn eventful(fake: &HttpFake) -> World {
    let world = World::with_queue(&slack(fake));
    world.check();
    crate::sweep::grow_old(&world);
    let connection = Connection::open(world.database()).unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    // the log is emptied above one MiB
    let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
               INSERT INTO note (at, kind, text) SELECT 0, 'missed', printf('%.*c', 900, 'x') FROM n";
    connection.execute(sql, []).unwrap();
    world
}

/// Runs a check that raises the alert; what it asked of the disk.
fn recorded(world: &World) -> Vec<Act> {
    world.queue(50);
    world.next_tick();
    let (log, calls_of) =
        (world.path("strace.log"), "trace=pwrite64,write,writev,sendto,sendmsg,ftruncate,fsync,fdatasync");
    let program = env!("CARGO_BIN_EXE_sippar-mon");
    let log_name = log.display().to_string();
    let args = ["-f", "-y", "-xx", "-s", "100000", "-e", calls_of, "-o", &log_name, program, "check"];
    let output = world.command_of(Path::new("/usr/bin/strace"), &args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    world.ticked();
    calls(&fs::read_to_string(&log).unwrap()).iter().filter_map(|call| act(call)).collect()
}

#[test]
#[ignore = "needs strace; run by .ci/run"]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    if !Path::new("/usr/bin/strace").exists() {
        return skipped("strace is needed to record what is written");
    }
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = eventful(&fake);
    let before = read(&world);
    let acts = recorded(&world);
    assert_eq!(told(&fake).len(), 1);
    let mut disk = before.clone();
    for act in &acts {
        apply(&mut disk, act);
    }
    assert!(disk == read(&world), "every write was recorded");
    assert!(acts.iter().any(|act| matches!(act, Act::Cut { .. })), "the log was emptied");

    let scratch = world.path("scratch");
    let steps = steps(&before, &acts, &scratch);
    let told_at = acts.iter().position(|act| matches!(act, Act::Told)).unwrap();
    let known = steps.iter().take_while(|(at, _)| *at < told_at).last().unwrap();
    assert!(known.1.contains("alert 1 1 firing") && known.1.contains("outbox 1 1 sending 1"), "{}", known.1);

    let (mut random, mut states) = (7, 0);
    for cut in 0..=acts.len() {
        let acknowledged = steps.iter().rposition(|(at, _)| *at < cut).unwrap_or(0);
        for (variant, disk) in after_a_cut(&before, &acts[..cut], &mut random).into_iter().enumerate() {
            put(&scratch, &disk);
            let found = content(&scratch).unwrap_or_else(|why| panic!("cut after {cut}, variant {variant}: {why}"));
            let is_known = steps[acknowledged..].iter().any(|(_, step)| *step == found);
            assert!(is_known, "cut after {cut}, variant {variant}, step {acknowledged} of {}:\n{found}", steps.len());
            states += 1;
        }
    }
    assert!(states > 1000, "{states} states");
    // the program itself goes on from such a state, and says what had not been said
    let at = acts.iter().rposition(|act| matches!(act, Act::Told)).unwrap();
    put(&scratch, &after_a_cut(&before, &acts[..=at], &mut random)[0]);
    for file in FILES {
        fs::copy(scratch.join(file), world.path(file)).unwrap();
    }
    fs::remove_file(world.path("state.db-shm")).unwrap();
    assert_eq!(world.check().code, 1);
    let repeated = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1 (possible repeat)";
    assert_eq!(told(&fake).last().map(String::as_str), Some(repeated));
}

/// What the database holds when everything up to a flush is on the disk, with the place of that flush; first what it held
/// before.
fn steps(before: &Disk, acts: &[Act], scratch: &Path) -> Vec<(usize, String)> {
    let mut disk = before.clone();
    put(scratch, &disk);
    let mut steps = vec![(0, content(scratch).unwrap())];
    for (at, act) in acts.iter().enumerate() {
        apply(&mut disk, act);
        if matches!(act, Act::Flush { .. }) {
            put(scratch, &disk);
            let now = content(scratch).unwrap();
            if steps.last().is_none_or(|(_, last)| *last != now) {
                steps.push((at, now));
            }
        }
    }
    steps
}

/// What the disk may hold when the power is cut after these: what was flushed, and of the rest nothing, all, all but a torn
/// last one, or any part of it.
fn after_a_cut(before: &Disk, acts: &[Act], random: &mut u64) -> Vec<Disk> {
    let (mut flushed, mut loose): (Disk, Vec<&Act>) = (before.clone(), Vec::new());
    for act in acts {
        match act {
            Act::Flush { file } => {
                let is_its =
                    |act: &&Act| matches!(act, Act::Write { file: of, .. } | Act::Cut { file: of, .. } if of == file);
                loose.iter().filter(|act| is_its(act)).for_each(|act| apply(&mut flushed, act));
                loose.retain(|act| !is_its(act));
            }
            Act::Told => {}
            other => loose.push(other),
        }
    }
    let with = |acts: &[Act]| {
        let mut disk = flushed.clone();
        for act in acts {
            apply(&mut disk, act);
        }
        disk
    };
    let all: Vec<Act> = loose.into_iter().cloned().collect();
    let mut variants = vec![with(&[]), with(&all)];
    if let Some((last, rest)) = all.split_last() {
        variants.push(with(&[rest, &[torn(last, random)]].concat()));
        for _ in 0..3 {
            let some: Vec<Act> = all.iter().filter(|_| next(random).is_multiple_of(2)).cloned().collect();
            variants.push(with(&some));
            let some: Vec<Act> = all.iter().map(|act| torn(act, random)).collect();
            variants.push(with(&some));
        }
    }
    variants
}

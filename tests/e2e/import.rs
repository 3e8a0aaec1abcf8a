//! `db import`: somebody's series into a database for trials, and what can then be asked of it.

use std::fmt::Write as _;

use crate::world::{Ran, World};

/// Four days of two machines at a minute, written an hour apart at times; the load is that of the hour.
fn load() -> String {
    let mut text = "Time;host;load\n".to_owned();
    for minute in 0..5760_u32 {
        // the monitor of somebody was down for 11 minutes, on the second machine twice
        let (first, second) = ((600..611).contains(&minute), (700..711).contains(&minute));
        let (day, hour, rest) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
        for host in ["a", "b"] {
            if !(first || second && host == "b") {
                let _ = writeln!(text, "2026-11-{day:02} {hour:02}:{rest:02}:07;{host};{hour}");
            }
        }
    }
    text
}

const IMPORT: [&str; 6] = ["db", "import", "load.csv", "--metric", "system_load1", "--db"];

fn import(world: &World, more: &[&str]) -> Ran {
    world.run(&[&IMPORT[..], more].concat())
}

#[test]
fn an_imported_series_is_asked_as_any_other() {
    let world = World::empty();
    world.write("load.csv", &load(), 0o644);
    let ran = import(&world, &["trial.db", "--label-column", "host"]);
    let said = "11,487 samples of 2 series, 2026-11-01 00:00 to 2026-11-04 23:59, every 1m (3 gaps, longest 12 min)\n\
                read as CSV with times as dates\n";
    assert_eq!(ran, Ran { code: 0, out: said.to_owned(), err: String::new() });
    // the same again is the same
    assert_eq!(import(&world, &["trial.db", "--label-column", "host", "-q"]), Ran::silent(0));
    let query =
        |expr, since: &[&str]| world.run(&[&["query", expr, "--json", "--db", "trial.db"], since].concat()).json();
    let rows = query("sum(count_over_time(system_load1[4d]))", &[]);
    assert_eq!((rows[0]["value"].as_f64(), rows[0]["time"].as_str()), (Some(11_487.0), Some("2026-11-04T23:59:00Z")));
    let rows = query("system_load1{host=\"a\"}", &["--since", "2h"]);
    let samples = rows[0]["samples"].as_array().unwrap();
    let values: Vec<f64> = samples.iter().map(|sample| sample[1].as_f64().unwrap()).collect();
    assert_eq!(values.len(), 121);
    assert_eq!((values[0], values[1], values[120]), (21.0, 22.0, 23.0));
    let json = import(&world, &["trial.db", "--label-column", "host", "--json"]).json();
    assert_eq!((json["samples"].as_u64(), json["longest_gap_seconds"].as_f64()), (Some(11_487), Some(720.0)));
}

#[test]
fn rules_are_explained_and_shown_on_imported_samples_where_they_end_or_anywhere() {
    let world = World::new(
        "[sources.system]\nenabled = false\n[[rule]]\nalert = \"BUSY\"\nexpr = \"system_load1\"\nabove = { HIGH = 20 }\n",
    );
    world.write("load.csv", &load(), 0o644);
    assert_eq!(import(&world, &["trial.db", "--label-column", "host", "-q"]), Ran::silent(0));
    let ask =
        |more: &[&str]| world.run(&[&["rules", "explain", "BUSY", "--json", "--db", "trial.db"], more].concat()).json();
    assert_eq!(ask(&[])["at"], "2026-11-04T23:59:00Z");
    let early = ask(&["--at", "2026-11-02T05:30:00Z"]);
    assert_eq!(
        (early["at"].as_str(), early["stale"].as_bool()),
        (Some("2026-11-02T05:30:00Z"), Some(false)),
        "{early}"
    );
    let page = world.run(&["rules", "explain", "BUSY", "--db", "trial.db", "--at", "2026-11-02T05:30:00Z"]).out;
    assert!(page.contains("\n{host=\"a\"}  5  "), "{page}");
    let status = world.run(&["status", "--db", "trial.db"]);
    assert_eq!(status.code, 3, "nobody watches: {status:?}");
    assert!(status.out.contains("BUSY{host=\"a\"}\t23\t"), "{status:?}");
}

#[test]
fn a_bad_line_stores_nothing_unless_it_is_left_out() {
    let world = World::empty();
    world.write("load.csv", "time,value\n60,1\n120,many\n180,3\n240,\n", 0o644);
    let refused = import(&world, &["trial.db"]);
    let said = "load.csv:3: `many` is not a number like 0.5, 1e-3, NaN or -Inf\n\
                sippar-mon: 1 line of load.csv cannot be read; nothing was stored\n  \
                help: put them right, or leave them out: --skip-bad\n";
    assert_eq!(refused, Ran { code: 65, out: String::new(), err: said.to_owned() });
    assert!(!world.path("trial.db").exists());
    let ran = import(&world, &["trial.db", "--skip-bad"]);
    let said = "2 samples of 1 series, 1970-01-01 00:01 to 1970-01-01 00:03, every 2m (no gaps)\n\
                read as CSV with times as seconds since 1970, 1 line without a value, 1 line left out\n";
    assert_eq!((ran.code, ran.out.as_str()), (0, said));
}

#[test]
fn a_monitors_own_database_is_left_alone() {
    let world = World::with_queue("");
    assert_eq!(world.check().code, 0);
    world.write("load.csv", "60,1\n", 0o644);
    let ran = world.run(&IMPORT[..5]);
    let said = "sippar-mon: an import goes to a database that is named\n  \
                help: name a new file, so that a monitor's own is left alone: --db trial.db\n";
    assert_eq!(ran, Ran { code: 64, out: String::new(), err: said.to_owned() });
    let ran = import(&world, &["state.db"]);
    let said = "sippar-mon: state.db is the database of a monitor; nothing is imported into it\n  \
                help: name a new file: --db trial.db\n";
    assert_eq!(ran, Ran { code: 64, out: String::new(), err: said.to_owned() });
    assert_eq!(world.run(&["query", "system_load1", "--json"]).json().as_array().map(Vec::len), Some(0));
}

#[test]
fn a_file_that_is_not_there_or_empty_says_so() {
    let world = World::empty();
    let ran = import(&world, &["trial.db"]);
    let said = "sippar-mon: cannot read load.csv: No such file or directory (os error 2)\n  \
                help: name a file of CSV or Prometheus text, or - for standard input\n";
    assert_eq!(ran, Ran { code: 74, out: String::new(), err: said.to_owned() });
    let ran = world.run(&["db", "import", "-", "--db", "trial.db"]);
    let said = "sippar-mon: standard input has no sample; nothing was stored\n";
    assert_eq!(ran, Ran { code: 65, out: String::new(), err: said.to_owned() });
}

//! A machine on which nothing was set up.

use std::fs;
use std::process::Command;

use crate::world::{Ran, World};

/// Relative difference that passes as agreement: both sides move while they are read.
const CLOSE: f64 = 0.02;

#[test]
fn the_first_check_needs_nothing_and_the_second_knows_the_cpu() {
    let world = World::empty();
    let first = world.run(&["check"]);
    assert_eq!(first, Ran::silent(first.code));
    assert!((0..=3).contains(&first.code), "{first:?}");
    assert!(world.status()["system"]["cpuUsage"].is_null(), "one look at a counter is not a rate");

    // within the same tick: a measurement is a measurement
    let second = world.run(&["check"]);
    assert_eq!(second, Ran::silent(second.code));
    let status = world.status();
    let cpu = status["system"]["cpuUsage"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&cpu), "{cpu}");
    assert!(status["monitor"]["config"].is_null());
    assert_eq!(status["monitor"]["database"], world.database().display().to_string());
    assert_eq!(status["stale"], false);
}

/// At 15 s rules that look back see the first tick, which knows no rate yet, for as long as a minute.
#[test]
fn a_fresh_start_on_a_full_minute_is_no_unknown_state() {
    let mut world = World::new(
        "[monitor]\ninterval = \"15s\"\n\
         [[rule]]\nalert = \"HIGH_MEMORY_USAGE\"\nenabled = false\n\
         [[rule]]\nalert = \"HIGH_DISK_USAGE\"\nenabled = false\n\
         [[rule]]\nalert = \"HIGH_INODE_USAGE\"\nenabled = false\n",
    );
    for tick in 0..5 {
        world.set("SIPPAR_MON_CLOCK", &(1_795_424_400_000_i64 + tick * 15_000 + 100).to_string());
        assert_eq!(world.run(&["check"]), Ran::silent(0), "tick {tick}");
        assert_eq!(world.run(&["status"]).code, 0, "tick {tick}");
    }
}

#[test]
fn without_any_variable_but_home_the_database_has_its_place() {
    let world = World::empty();
    if std::path::Path::new("/var/lib/sippar-mon").exists() {
        return crate::support::skip::skipped("this machine has a system-wide installation");
    }
    let ran = Ran::from(world.command(&["check"]).env_remove("SIPPAR_MON_DB").output().unwrap());
    assert_eq!(ran, Ran::silent(ran.code));
    assert!(world.path(".local/state/sippar-mon/state.db").is_file());

    let ran = Ran::from(world.command(&["check"]).env_remove("SIPPAR_MON_DB").env_remove("HOME").output().unwrap());
    let err = "sippar-mon: there is no place for the database: neither HOME nor XDG_STATE_HOME is set\n  \
               help: use --db FILE, set [store] path, or create /var/lib/sippar-mon\n";
    assert_eq!(ran, Ran { code: 78, out: String::new(), err: err.to_owned() });
}

#[test]
fn memory_and_disks_agree_with_the_kernel_and_df() {
    let world = World::empty();
    world.run(&["check"]);
    let status = world.status();

    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let kib = |name: &str| -> f64 {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let used = 1.0 - kib("MemAvailable") / kib("MemTotal");
    let ours = status["system"]["memoryUsage"].as_f64().unwrap();
    assert!((ours - used).abs() < CLOSE, "memory: ours {ours}, /proc/meminfo {used} (a cgroup limit?)");

    let disks = status["system"]["disks"].as_array().unwrap();
    assert!(!disks.is_empty());
    for disk in disks {
        let mount = disk["mount"].as_str().unwrap();
        let (size, free, usage) = df(mount);
        let near = |name: &str, theirs: f64| {
            let ours = disk[name].as_f64().unwrap();
            assert!((ours - theirs).abs() <= CLOSE * size.max(1.0), "{name} of {mount}: ours {ours}, df {theirs}");
        };
        near("size_bytes", size);
        near("free_bytes", free);
        let ours = disk["usage"].as_f64().unwrap();
        assert!((ours - usage).abs() <= CLOSE, "usage of {mount}: ours {ours}, df {usage}");
    }
}

/// Size and free bytes of a mount, and its usage as `df` counts it: without what is reserved for root.
fn df(mount: &str) -> (f64, f64, f64) {
    let output = Command::new("df").args(["-B1", "--output=size,used,avail", mount]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> =
        text.lines().nth(1).unwrap().split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [size, used, free] = numbers[..] else { panic!("df says {text}") };
    (size, free, used / (used + free))
}

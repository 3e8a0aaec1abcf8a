//! Pipes, full devices, small and plain terminals: what is printed adapts, and nothing panics.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use crate::support::skip::skipped;
use crate::world::{QUEUE, Ran, Running, World};

/// A world in which something fires whose words are not ASCII.
fn troubled() -> World {
    let world = World::with_queue(
        "\n[[rule]]\nalert = \"SIZE\"\nexpr = \"queue_depth\"\nabove = { MEDIUM = 1 }\nsummary = \"Zürich – größer\"\n",
    );
    world.queue(50);
    world.check();
    world
}

/// Every screen for people.
const SCREENS: [&[&str]; 11] = [
    &["status"],
    &["status", "--all"],
    &["status", "--format", "nagios"],
    &["alert", "list"],
    &["alert", "show", "1"],
    &["alert", "explain", "1"],
    &["rules", "explain", "SIZE"],
    &["check"],
    &["check", "--dry-run"],
    &["collect"],
    &["query", "queue_depth"],
];

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let world = troubled();
    for screen in SCREENS {
        let mut child = world.command(screen).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Running::from(child).wait();
        assert!(ran.err.is_empty() && (0..=3).contains(&ran.code), "{screen:?}: {ran:?}");
    }
}

#[test]
fn a_full_device_is_told() {
    let world = troubled();
    for args in [&["status"][..], &["status", "--json"], &["alert", "list"], &["query", "queue_depth"], &["--help"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::from(world.command(args).stdout(full).output().unwrap());
        let err = "sippar-mon: cannot write to standard output: No space left on device (os error 28)\n".to_owned();
        assert_eq!(ran, Ran { code: 74, out: String::new(), err }, "{args:?}");
        let full = || File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::from(world.command(args).stdout(full()).stderr(full()).output().unwrap());
        assert_eq!(ran.code, 74, "{args:?}: nobody can be told, the code remains");
    }
}

#[test]
fn without_utf8_only_ascii_is_printed() {
    let mut world = troubled();
    world.set("LANG", "C");
    for screen in SCREENS {
        let ran = world.run(screen);
        assert!((0..=3).contains(&ran.code), "{screen:?}: {ran:?}");
        assert!(ran.out.is_ascii() && ran.err.is_ascii(), "{screen:?}: {ran:?}");
    }
    world.write("bad.toml", "[monitor]\nnmae = \"Zürich\"\n", 0o600);
    let ran = world.run(&["rules", "check", "--config", "bad.toml"]);
    assert!(ran.code == 78 && ran.err.is_ascii(), "{ran:?}");
}

/// Runs a screen on a terminal.
fn on_a_terminal(world: &World, screen: &[&str], env: &[(&str, &str)]) -> Option<String> {
    let script = Path::new("/usr/bin/script");
    if !script.exists() {
        return None;
    }
    let line = [&[env!("CARGO_BIN_EXE_sippar-mon")], screen].concat().join(" ");
    let mut command = world.command_of(script, &["-qec", &line, "/dev/null"]);
    let ran = Ran::from(command.env("TERM", "xterm").envs(env.iter().copied()).output().unwrap());
    assert!((0..=3).contains(&ran.code), "{screen:?}: {ran:?}");
    Some(ran.out)
}

#[test]
fn a_terminal_gets_colour_unless_it_does_not_want_it() {
    let world = troubled();
    for screen in SCREENS {
        for (name, env) in [
            ("no colour", &[("NO_COLOR", "1")][..]),
            ("20 columns", &[("NO_COLOR", "1"), ("COLUMNS", "20")]),
            ("C", &[("NO_COLOR", "1"), ("COLUMNS", "20"), ("LANG", "C")]),
            ("a dumb terminal", &[("TERM", "dumb")]),
        ] {
            let Some(out) = on_a_terminal(&world, screen, env) else {
                return skipped("`script` of util-linux is needed to make a terminal");
            };
            assert!(!out.is_empty() && !out.contains('\u{1b}'), "{name} {screen:?}: {out:?}");
            assert!(name != "C" || out.is_ascii(), "{screen:?}: {out:?}");
        }
    }
    let out = on_a_terminal(&world, &["status"], &[]).unwrap();
    assert!(out.contains("\u{1b}[1;33m▲ HIGH\u{1b}[0m"), "{out:?}");
}

#[test]
fn what_was_not_measured_yet_is_not_counted_as_fine() {
    let off = |rule: &str| format!("[[rule]]\nalert = \"{rule}\"\nenabled = false\n");
    let world = World::new(&["HIGH_MEMORY_USAGE", "HIGH_DISK_USAGE", "HIGH_INODE_USAGE"].map(off).concat());
    assert_eq!(world.check(), Ran::silent(0));
    let Some(out) = on_a_terminal(&world, &["status"], &[("NO_COLOR", "1")]) else {
        return skipped("`script` of util-linux is needed to make a terminal");
    };
    // a share of the CPU needs two measurements
    assert!(out.starts_with("● OK  Sippar bridge: 3 of 4 rules fine, 1 not measured yet, checked "), "{out:?}");
}

/// Alerts change once a tick; whoever tries a rule by hand checks more often than that.
#[test]
fn what_turned_bad_since_its_tick_was_judged_is_not_called_fine() {
    let world = World::new(&QUEUE.replace("\"1s\"", "\"1h\""));
    world.queue(3);
    assert_eq!(world.run(&["check"]), Ran::silent(0));
    let all = world.status()["rules"].as_array().unwrap().len();
    world.queue(30);
    let Some(out) = on_a_terminal(&world, &["check"], &[("NO_COLOR", "1")]) else {
        return skipped("`script` of util-linux is needed to make a terminal");
    };
    let judged = format!(
        "  judged     {} fine, 1 pending\r\n             this tick was judged before; alerts change at the next one\r\n\
         state OK (exit 0)\r\n",
        all - 1
    );
    assert!(out.ends_with(&judged), "{out:?}");
    let status = world.status();
    let shown: Vec<_> =
        status["rules"].as_array().unwrap().iter().map(|row| (row["rule"].as_str(), row["state"].as_str())).collect();
    assert!(shown.contains(&(Some("QUEUE_LONG"), Some("pending"))), "{shown:?}");
    assert!(status["alerts"]["active"].as_array().unwrap().is_empty(), "{status}");
}

//! The surroundings change between runs: a shell without cron's variables, a folder that cannot be read, a file that is
//! gone. None of it loses a notification or ends an alert.

use std::os::unix::fs::PermissionsExt;

use crate::support::http::{Answer, HttpFake};
use crate::world::{QUEUE, Ran, World, slack, told};

const FIRING: &str = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1";

/// A world whose only channel comes from the environment.
fn world(fake: &HttpFake) -> World {
    let mut world = World::with_queue("");
    world.set("SLACK_WEBHOOK_URL", &fake.url("/services/T0/B0/x"));
    world
}

#[test]
fn a_run_without_the_channels_variable_loses_no_word() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let mut world = world(&fake);
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    world.set("SLACK_WEBHOOK_URL", "");
    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0), "the resolved word waits for its channel");
    let shown = world.run(&["alert", "show", "1"]).out;
    assert!(shown.ends_with("     channel not configured: it waits until it is, or is given up\n"), "{shown}");
    assert_eq!(world.check(), Ran::silent(0));
    world.set("SLACK_WEBHOOK_URL", &fake.url("/services/T0/B0/x"));
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(told(&fake), [FIRING, "[HIGH] Resolved: QUEUE_LONG: 3 are waiting | id 1-2"]);
}

#[test]
fn a_secret_file_that_cannot_be_read_is_a_fault_and_not_a_missing_channel() {
    let mut world = World::with_queue("");
    world.set("SLACK_WEBHOOK_URL_FILE", "/nonexistent/key");
    let ran = world.check();
    assert_eq!(ran.code, 78);
    assert_eq!(
        ran.err,
        "error: SLACK_WEBHOOK_URL: cannot read /nonexistent/key: No such file or directory (os error 2)\n |\n \
         = help: a channel of the environment is missing until this can be read\n"
    );
}

#[test]
fn what_fires_above_low_and_reaches_nobody_is_told_to_cron_once() {
    let world = World::with_queue("");
    world.queue(50);
    let said = "sippar-mon: HIGH QUEUE_LONG: 50 are waiting\n  no channel hears of this severity\n";
    assert_eq!(world.check(), Ran { code: 1, out: String::new(), err: said.to_owned() });
    assert_eq!(world.check(), Ran::silent(1));
}

#[test]
fn of_very_many_that_reach_nobody_the_first_are_told_and_the_others_counted() {
    let rule = |n| format!("[[rule]]\nalert = \"Q{n}\"\nexpr = \"queue_depth > {n}\"\nseverity = \"HIGH\"\n");
    let world = World::with_queue(&(0..12).map(rule).collect::<String>());
    world.queue(50);
    let ran = world.check();
    let lines: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("sippar-mon")).collect();
    assert_eq!(lines.len(), 11, "{ran:?}");
    assert_eq!(lines[0], "sippar-mon: HIGH QUEUE_LONG: 50 are waiting");
    assert_eq!(lines[10], "sippar-mon: and 3 more like these; `sippar-mon status` shows all");
    assert_eq!(world.check(), Ran::silent(1));
}

#[test]
fn a_configuration_that_is_gone_ends_no_alert() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    std::fs::rename(world.path("config.toml"), world.path("away.toml")).unwrap();
    let ran = world.check();
    assert_eq!(ran.code, 78);
    assert!(
        ran.err.starts_with("error: there is no configuration; this database was used with ./config.toml"),
        "{ran:?}"
    );
    std::fs::rename(world.path("away.toml"), world.path("config.toml")).unwrap();
    assert_eq!(world.check(), Ran::silent(1));
    let config = "CONFIG_BROKEN: The configuration of sippar-mon is broken; the last one that worked is in use";
    let over = config.replace("BROKEN: The", "BROKEN: No longer: The");
    assert_eq!(
        told(&fake),
        [FIRING.to_owned(), format!("[HIGH] {config} | id 2-2"), format!("[HIGH] Resolved: {over} | id 2-3")]
    );
}

#[test]
fn a_configuration_that_others_may_read_now_does_not_blind_it() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    assert_eq!(world.check(), Ran::silent(0));
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(world.path("config.toml"), open).unwrap();
    world.queue(50);
    let ran = world.check();
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("holds a literal secret") && ran.err.contains("goes on"), "{ran:?}");
    assert!(told(&fake).contains(&"[HIGH] QUEUE_LONG: 50 are waiting | id 2-2".to_owned()), "{:?}", told(&fake));
}

#[test]
fn a_check_with_a_longer_interval_is_no_clock_that_went_back() {
    let world = World::new(QUEUE);
    world.queue(0);
    for _ in 0..2 {
        assert_eq!(world.check(), Ran::silent(0));
    }
    world.configure(&QUEUE.replace("interval = \"1s\"", "interval = \"60s\""));
    assert_eq!(world.run(&["check"]), Ran::silent(0));
    // a busy machine may well miss a tick of a second
    let status = world.status();
    let notes = status["monitor"]["notes"].as_array().unwrap();
    assert!(notes.iter().all(|note| note["kind"] == "missed"), "{notes:?}");
}

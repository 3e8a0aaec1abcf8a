//! Responses: what a program is given, how it is held, and that it is never started twice.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, Running, World, slack, told, until};

/// A world in which `QUEUE_LONG` is answered by `script`, and `keys` of the response.
fn world(fake: &HttpFake, script: &str, keys: &str) -> World {
    let mut world = World::with_queue(&format!(
        r#"
respond = "act"

[responses.act]
command = ["@act.sh", "one two"]
{keys}
{}"#,
        slack(fake).replace("key\"", "CaNaRy\"")
    ));
    world.set("SECRET_TOKEN", "CaNaRy-token");
    world.write("act.sh", &format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}\n"), 0o755);
    world
}

fn ok() -> HttpFake {
    HttpFake::start([Answer::new(200, "ok")])
}

/// The lines of a history about the response.
fn history(world: &World) -> Vec<String> {
    let shown = world.run(&["alert", "show", "1", "--json"]).json();
    let deeds = shown["deeds"].as_array().unwrap().iter();
    let deeds = deeds.filter(|deed| deed["what"] == "responded").map(|deed| deed["text"].as_str().unwrap());
    deeds.map(paceless).collect()
}

/// `ended 0 after 12 ms` as `ended 0 after …`.
fn paceless(text: &str) -> String {
    let Some((head, rest)) = text.split_once(" after ") else { return text.to_owned() };
    let words: Vec<&str> = rest.splitn(3, [' ', ':']).collect();
    let tail = rest.strip_prefix(&format!("{} {}", words[0], words[1])).unwrap_or_default();
    format!("{head} after …{tail}")
}

#[test]
fn a_program_is_given_the_alert_and_nothing_of_ours() {
    let fake = ok();
    let world = world(
        &fake,
        "pwd > where.txt; cd - >/dev/null; pwd > \"$OLDPWD/folder.txt\"; cd - >/dev/null\nenv > env.txt; cat > stdin.json; echo \"$1|$#\" > argv.txt; echo paused",
        "",
    );
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    let read = |name: &str| fs::read_to_string(world.path(name)).unwrap();
    assert_eq!((read("argv.txt").as_str(), read("folder.txt").as_str()), ("one two|1\n", "/\n"));
    let env = read("env.txt");
    let mut names: Vec<&str> = env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // the shell's own
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let expected = [
        "LANG",
        "PATH",
        "SIPPAR_ALERT",
        "SIPPAR_HOST",
        "SIPPAR_KIND",
        "SIPPAR_LABEL_probe",
        "SIPPAR_LIMIT",
        "SIPPAR_NUMBER",
        "SIPPAR_RESPONSE",
        "SIPPAR_RUN",
        "SIPPAR_SEVERITY",
        "SIPPAR_SINCE",
        "SIPPAR_SUMMARY",
        "SIPPAR_SYSTEM",
        "SIPPAR_VALUE",
    ];
    assert_eq!(names, expected);
    for line in [
        "SIPPAR_ALERT=QUEUE_LONG",
        "SIPPAR_SEVERITY=HIGH",
        "SIPPAR_VALUE=50",
        "SIPPAR_LIMIT=> 10",
        "SIPPAR_NUMBER=1",
        "SIPPAR_LABEL_probe=queue",
        "SIPPAR_RESPONSE=act",
        "SIPPAR_RUN=1",
        "SIPPAR_KIND=firing",
        "SIPPAR_SYSTEM=Sippar bridge",
        "SIPPAR_SUMMARY=50 are waiting",
    ] {
        assert!(env.lines().any(|have| have == line), "{line} is missing in\n{env}");
    }
    let stdin: Value = serde_json::from_str(&read("stdin.json")).unwrap();
    let field = |name: &str| stdin[name].clone();
    assert_eq!((field("response"), field("alert"), field("value")), ("act".into(), "QUEUE_LONG".into(), "50".into()));
    assert_eq!((field("by"), field("labels")["probe"].clone()), (Value::Null, "queue".into()));
    assert!(!format!("{env}{stdin}").contains("CaNaRy"), "{env}\n{stdin}");
    assert_eq!(history(&world), ["act ended 0 after …: paused"]);
    // not again while it goes on
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(history(&world).len(), 1);
    assert_eq!(told(&fake), ["[HIGH] QUEUE_LONG: 50 are waiting | id 1-1"]);
}

#[test]
fn at_its_time_limit_it_and_its_children_are_killed_and_that_is_told() {
    let fake = ok();
    let world = world(&fake, "sleep 600 & echo $! > pid.txt\nwait", "timeout = \"300ms\"");
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    let pid = fs::read_to_string(world.path("pid.txt")).unwrap();
    let stat = Path::new("/proc").join(pid.trim()).join("stat");
    until("the end of the child", || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")));
    assert_eq!(history(&world), ["act killed at its time limit, after …"]);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake).last().unwrap(), "[HIGH] Still firing: QUEUE_LONG: 50 are waiting | id 1-2");
    let status = world.status();
    let notes = status["monitor"]["notes"].as_array().unwrap().iter();
    let notes: Vec<String> = notes.map(|note| paceless(note["text"].as_str().unwrap())).collect();
    assert!(notes.contains(&"response act for alert 1: killed at its time limit, after …".to_owned()), "{notes:?}");
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake).len(), 2, "it is told once");
}

#[test]
fn a_flood_of_output_is_cut_and_made_harmless() {
    let fake = ok();
    let world = world(&fake, "printf 'all \\033[31mred\\n'; yes | head -c 3000000", "");
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(history(&world), [r"act ended 0 after …: all \u{1b}[31mred"]);
    assert!(fs::metadata(world.database()).unwrap().len() < 1_000_000);
}

#[test]
fn killed_between_start_and_end_it_is_never_started_again() {
    let fake = ok();
    let world = world(&fake, "echo started >> starts.txt; sleep 5; echo ended >> starts.txt", "");
    world.queue(50);
    let check = world.start_check();
    let starts = || fs::read_to_string(world.path("starts.txt")).unwrap_or_default();
    until("the start", || starts() == "started\n");
    check.kill();
    assert_eq!(history(&world), [""; 0]);
    for _ in 0..2 {
        assert_eq!(world.check(), Ran::silent(1));
    }
    assert_eq!(history(&world), ["act interrupted, outcome unknown"]);
    assert_eq!(starts().matches("started").count(), 1);
    assert_eq!(told(&fake).last().unwrap(), "[HIGH] Still firing: QUEUE_LONG: 50 are waiting | id 1-2");
}

#[test]
fn killed_before_the_start_it_is_started_by_the_next_check_if_the_alert_still_fires() {
    let fake = ok();
    let world = world(&fake, "echo started >> starts.txt", "");
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    let starts = || fs::read_to_string(world.path("starts.txt")).unwrap_or_default();
    assert_eq!(starts(), "started\n");
    // as a kill right after the commit leaves it
    world.change("UPDATE response SET state = 'due', finished = NULL, outcome = NULL");
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(starts(), "started\nstarted\n");
    world.change("UPDATE response SET state = 'due', finished = NULL, outcome = NULL");
    world.queue(0);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(starts(), "started\nstarted\n");
    assert_eq!(history(&world).last().unwrap(), "act not started: what it was for was over before");
}

#[test]
fn it_holds_up_neither_messages_nor_the_next_check() {
    let fake = ok();
    let world = world(&fake, "sleep 3", "");
    world.queue(50);
    let begun = Instant::now();
    let check = world.start_check();
    until("the message", || told(&fake).len() == 1);
    assert!(begun.elapsed() < Duration::from_secs(3), "the message waited for the response");
    world.queue(0);
    // it waits neither for the response nor to start it
    assert_eq!(world.check(), Ran::silent(0));
    assert!(begun.elapsed() < Duration::from_secs(3), "the check waited for the response");
    assert_eq!(told(&fake).len(), 2);
    assert_eq!(check.wait(), Ran::silent(1));
    assert_eq!(history(&world), ["act ended 0 after …"]);
}

#[test]
fn nothing_is_started_by_a_test_a_rehearsal_or_a_look_at_the_past() {
    let fake = ok();
    let world = world(&fake, "echo started >> starts.txt", "");
    assert_eq!(world.check(), Ran::silent(0));
    world.queue(50);
    for args in [
        &["check", "--dry-run"][..],
        &["alert", "test", "--rule", "QUEUE_LONG"],
        &["alert", "test", "--severity", "HIGH"],
        &["rules", "backtest", "--since", "1h"],
        &["respond", "act", "--dry-run"],
        &["respond", "act"],
    ] {
        let ran = world.run(args);
        assert!(ran.code <= 1 || args == ["respond", "act"], "{args:?}: {ran:?}");
    }
    assert!(!world.path("starts.txt").exists());
}

#[test]
fn a_program_that_others_can_change_is_not_started() {
    let fake = ok();
    let world = world(&fake, "echo started >> starts.txt", "");
    // every command before saw a good file
    assert_eq!(world.check(), Ran::silent(0));
    world.queue(50);
    world.write("act.sh", "#!/bin/sh\necho evil >> starts.txt\n", 0o777);
    let ran = world.check();
    assert_eq!(ran.code, 78, "{ran:?}");
    assert!(ran.err.contains("can be changed by others than its owner"), "{ran:?}");
    assert!(!world.path("starts.txt").exists());
}

#[test]
fn root_starts_no_program_of_another_user() {
    // only root can give files away
    if fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() != 0) {
        return;
    }
    let fake = ok();
    let world = world(&fake, "echo started >> starts.txt", "");
    chown(world.path("act.sh"), Some(65534), None).unwrap();
    let refused = "act.sh belongs to user 65534, who could change what root runs";
    let ran = world.run(&["respond", "act", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("response act: not started: ") && ran.out.contains(refused), "{ran:?}");
    assert!(!world.path("starts.txt").exists());
    let ran = world.run(&["rules", "check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains(refused) || ran.out.contains(refused), "{ran:?}");
}

#[test]
fn by_hand_it_is_shown_before_it_is_run() {
    let fake = ok();
    let world = world(&fake, "echo started >> starts.txt", "");
    let shown = world.run(&["respond", "act", "--dry-run", "--by", "eva"]);
    let expected = "dry run: nothing is started
command
  @/act.sh
  one two
in /, for 30 s at most
environment
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  LANG=C.UTF-8
  SIPPAR_RESPONSE=act
  SIPPAR_BY=eva
  SIPPAR_ALERT=BY_HAND
  SIPPAR_KIND=firing
  SIPPAR_SEVERITY=LOW
  SIPPAR_SUMMARY=Run by hand by eva, for no alert.
";
    let out = world.tidy(&shown.out);
    let of_this_run = ["SINCE", "SYSTEM", "HOST", "RUN="];
    let plain: Vec<&str> = out.lines().filter(|line| !of_this_run.iter().any(|name| line.contains(name))).collect();
    let plain = plain.join("\n");
    assert!(plain.starts_with(expected), "{out}");
    assert!(out.contains("standard input\n  {\"response\":\"act\",\"by\":\"eva\",\"version\":1,"), "{out}");
    let json = world.run(&["respond", "act", "--dry-run", "--json"]).json();
    assert_eq!((json["environment"]["SIPPAR_RESPONSE"].as_str(), json["folder"].as_str()), (Some("act"), Some("/")));
}

/// As a timer of systemd does, nobody starts a second process while the first one waits for its response.
#[test]
fn cycles_go_on_while_a_response_outlives_the_minute() {
    let fake = ok();
    let world = world(&fake, "sleep 60", "timeout = \"2m\"");
    world.queue(50);
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
    while !(50..55).contains(&second()) {
        sleep(Duration::from_millis(100));
    }
    let (begun, rest) = (Instant::now(), Duration::from_secs(67 - second()));
    let running: Running = world.command(&["check", "--repeat"]).spawn().unwrap().into();
    until("the response", || world.run(&["alert", "list"]).out.contains("QUEUE_LONG"));
    // the rest of the minute, and the time in which another process would have taken over
    sleep(rest.saturating_sub(begun.elapsed()));
    until("a cycle of the next minute", || world.status()["age_seconds"].as_f64().is_some_and(|age| age < 2.0));
    running.terminate();
    assert_eq!(running.wait().code, 143);
    assert_eq!(history(&world), ["act killed, since the monitor was asked to stop, outcome unknown"]);
}

#[test]
fn the_example_pauses_a_bridge_only_when_it_is_critical() {
    let bridge = ok();
    let world = World::with_queue("");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/responses/pause-bridge.sh");
    world.write("pause.sh", &fs::read_to_string(example).unwrap(), 0o755);
    world.write("header", "Authorization: Bearer CaNaRy\n", 0o600);
    let rule = crate::world::QUEUE.replace("{ HIGH = 10 }", "{ HIGH = 10, CRITICAL = 90 }");
    world.configure(&format!(
        "{rule}respond = {{ HIGH = \"pause\", CRITICAL = \"pause\" }}\n\n[responses.pause]\ncommand = [\"@pause.sh\", \"{}\", \"@header\"]\n",
        bridge.url("/reserves/admin/pause")
    ));
    world.queue(50);
    world.check();
    assert_eq!(history(&world), ["pause ended 65 after …: nothing was paused: the alert is HIGH, not CRITICAL"]);
    assert_eq!(bridge.seen().len(), 0);
    world.queue(100);
    world.check();
    assert_eq!(history(&world).last().unwrap(), "pause ended 0 after …: paused for QUEUE_LONG, alert 1");
    let seen = bridge.seen();
    assert_eq!((seen.len(), seen[0].method.as_str(), seen[0].path.as_str()), (1, "POST", "/reserves/admin/pause"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer CaNaRy"));
    assert_eq!((seen[0].json()["severity"].as_str(), seen[0].json()["number"].as_u64()), (Some("CRITICAL"), Some(1)));
    // a service that refuses is no pause
    bridge.now_answer([Answer::new(503, "")]);
    world.queue(20);
    world.check();
    world.queue(100);
    world.check();
    let last = history(&world).pop().unwrap();
    assert!(last.starts_with("pause ended 22 after …: curl: (22)"), "{last}");
}

//! `doctor`: each broken installation is a finding with its way out, never an abort. The system's crontabs, units and
//! users are those of a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::http::{Answer, HttpFake};
use crate::world::{QUEUE, Ran, World, slack};

/// Arguments that let the system be a folder of the world.
fn doctor(world: &World, more: &[&str]) -> Ran {
    let root = world.path("root");
    let root = root.to_str().unwrap();
    world.run(&[&["doctor", "--root", root], more].concat())
}

/// A system with a cron daemon, a mail transport, a user of ours and a crontab.
fn system(world: &World, crontab: &str) {
    let root = world.path("root");
    let put = |name: &str, text: &str| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    };
    put("etc/passwd", "root:x:0:0::/root:/bin/sh\nsippar-mon:x:900:900::/var/lib/sippar-mon:/usr/sbin/nologin\n");
    put("proc/7/comm", "cron\n");
    put("usr/sbin/sendmail", "");
    put("usr/bin/sippar-mon", "");
    if !crontab.is_empty() {
        put("etc/cron.d/sippar-mon", crontab);
    }
}

/// What is worse than fine, of the topics that do not depend on this machine: `level topic: what => fix`.
fn bad(world: &World) -> Vec<String> {
    let ran = doctor(world, &["--json"]);
    let document = ran.json();
    assert_eq!(ran.code == 0, document["sound"].as_bool().unwrap(), "{ran:?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    // the rule of these worlds judges what a probe yields, of which the catalogue cannot know
    let is_known = |one: &Value| one["what"].as_str().unwrap().contains("there is no metric `queue_depth`");
    let is_local = |one: &Value| ["clock", "disk", "system"].contains(&one["topic"].as_str().unwrap());
    let bad = findings.filter(|one| one["level"] != "fine" && !is_known(one) && !is_local(one));
    bad.map(|one| {
        let fix = one["fix"].as_str().map(|fix| format!(" => {fix}")).unwrap_or_default();
        world.tidy(&format!("{} {}: {}{fix}", text(&one["level"]), text(&one["topic"]), text(&one["what"])))
    })
    .collect()
}

const CRONTAB: &str = "* * * * * sippar-mon sippar-mon check\n";

/// Cycles of a minute, since a crontab with a plain `check` fits to no other interval.
fn config(more: &str) -> String {
    format!("{}\n[heartbeat]\nurl = \"http://localhost:9/ping/secret\"\n{more}", QUEUE.replace("\"1s\"", "\"60s\""))
}

#[test]
fn a_world_in_order_has_nothing_to_mend() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::new(&config(&slack(&fake)));
    world.queue(0);
    system(&world, CRONTAB);
    assert_eq!(world.run(&["check"]).code, 0);
    assert_eq!(world.run(&["alert", "test"]).code, 0);
    assert_eq!(bad(&world), ["note database: no backup of it is known => sippar-mon db backup FILE"]);
    assert_eq!(world.run(&["db", "backup", "copy.db"]), Ran::silent(0));
    assert_eq!(bad(&world), [""; 0]);
    // without a terminal it is a line for each finding, of four fields
    let ran = doctor(&world, &[]);
    let topics: Vec<&str> = ran.out.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
    assert!(topics.starts_with(&["config", "config", "database", "database", "schedule", "environment"]), "{ran:?}");
    assert!(ran.out.lines().all(|line| line.split('\t').count() == 4) && ran.code == 0, "{ran:?}");
    for topic in ["probe/queue", "slack", "heartbeat", "mail", "overhead"] {
        assert!(topics.contains(&topic), "{topic} is missing in {ran:?}");
    }
    assert!(!ran.out.contains("ping/secret"), "{ran:?}");
}

#[test]
fn nothing_at_all_is_a_finding() {
    let world = World::empty();
    system(&world, "");
    let program = env!("CARGO_BIN_EXE_sippar-mon");
    let fix = format!("sudo sippar-mon init --install (or add to crontab -e: * * * * * {program} check --repeat)");
    assert_eq!(
        bad(&world),
        [
            "problem database: @/state.db (named by the environment) is not there: nothing has been checked yet => \
             sippar-mon check",
            &format!("problem schedule: nothing starts cycles: no crontab, no timer => {fix}"),
            "problem channels: there is no channel: nobody is told of anything => set SLACK_WEBHOOK_URL in the file of \
             --env-file, or add [channels.NAME.slack] to the configuration",
            "warning heartbeat: not configured: nobody notices when this machine or the monitor stops => [heartbeat] url \
             = \"env:HEARTBEAT_URL\" in the configuration (Healthchecks or a service like it)",
        ]
    );
}

#[test]
fn a_broken_configuration_is_a_finding_and_the_rest_is_looked_at() {
    let world = World::new("[monitor]\nnam = \"x\"\n[[rule]]\nalert = \"A\"\nexpr = \"nothing_known > 1\"\n");
    system(&world, CRONTAB);
    let found = bad(&world);
    assert_eq!(found[0], "problem config: ./config.toml:2: unknown key `nam` => did you mean `name`?");
    assert!(found.iter().any(|line| line.starts_with("problem database: @/state.db")), "{found:?}");
    world.write("config.toml", "[monitor", 0o600);
    assert!(bad(&world)[0].starts_with("problem config: ./config.toml:1: "), "{:?}", bad(&world));
    world.write("config.toml", "", 0o666);
    assert!(
        bad(&world)
            .iter()
            .any(|line| line.starts_with("problem config: ") && line.ends_with("chmod o-w ./config.toml"))
    );
}

#[test]
fn databases_that_cannot_be_used() {
    let world = World::new(&config(""));
    world.queue(0);
    system(&world, CRONTAB);
    fs::write(world.database(), "this is no database at all, and was never one\n".repeat(100)).unwrap();
    fs::set_permissions(world.database(), fs::Permissions::from_mode(0o600)).unwrap();
    let of_database =
        |world: &World| bad(world).into_iter().filter(|line| line.contains(" database: ")).collect::<Vec<_>>();
    assert_eq!(
        of_database(&world),
        [
            "problem database: @/state.db is not a database => name another file with --db or move this one away; it was \
             left as it is"
        ]
    );
    fs::remove_file(world.database()).unwrap();
    fs::create_dir(world.database()).unwrap();
    assert!(of_database(&world)[0].starts_with("problem database: @/state.db "), "{:?}", of_database(&world));
    fs::remove_dir(world.database()).unwrap();
    assert_eq!(world.run(&["check"]).code, 0);
    world.change("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut bytes = fs::read(world.database()).unwrap();
    for page in bytes.chunks_mut(4096).skip(1) {
        page.fill(0x55);
    }
    fs::write(world.database(), bytes).unwrap();
    assert!(!of_database(&world).is_empty());
    assert_eq!(doctor(&world, &[]).code, 1);
}

#[test]
fn crontabs_and_timers_are_read() {
    let world = World::new(&config(""));
    world.queue(0);
    system(&world, CRONTAB.trim_end());
    assert_eq!(world.run(&["check"]).code, 0);
    let of_schedule = |world: &World| {
        bad(world).into_iter().filter_map(|line| Some(line.split_once(" schedule: ")?.1.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(
        of_schedule(&world),
        ["@/root/etc/cron.d/sippar-mon has no newline at its end: cron ignores the last line, or the file => echo >> \
             @/root/etc/cron.d/sippar-mon"]
    );
    fs::remove_file(world.path("root/etc/cron.d/sippar-mon")).unwrap();
    let units = world.path("root/etc/systemd/system");
    fs::create_dir_all(units.join("timers.target.wants")).unwrap();
    for name in ["sippar-mon-check.service", "sippar-mon-check.timer"] {
        fs::copy(format!("{}/examples/systemd/{name}", env!("CARGO_MANIFEST_DIR")), units.join(name)).unwrap();
    }
    // installed and not enabled
    let nobody = format!(
        "no crontab and no timer starts them: somebody does by hand, or another scheduler => sudo sippar-mon init \
         --install (or add to crontab -e: * * * * * {} check --repeat)",
        env!("CARGO_BIN_EXE_sippar-mon")
    );
    assert_eq!(of_schedule(&world), [nobody]);
    let link = units.join("timers.target.wants/sippar-mon-check.timer");
    std::os::unix::fs::symlink("/lib/systemd/system/sippar-mon-check.timer", link).unwrap();
    assert_eq!(of_schedule(&world), [""; 0]);
    // and systemd says that it does not run
    fs::create_dir_all(world.path("root/run/systemd/system")).unwrap();
    let systemctl = world.path("root/usr/bin/systemctl");
    fs::write(&systemctl, "#!/bin/sh\necho inactive\nexit 3\n").unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        of_schedule(&world),
        ["sippar-mon-check.timer is enabled and does not run => systemctl start sippar-mon-check.timer"]
    );
    system(&world, CRONTAB);
    let found = of_schedule(&world);
    assert!(
        found.iter().any(|line| line.starts_with("cycles are started twice: by cron (@/root/etc/cron.d/")),
        "{found:?}"
    );
}

#[test]
fn what_cron_does_not_see_is_named_without_its_value() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let mut world = World::new(&config(""));
    world.queue(0);
    system(&world, CRONTAB);
    assert_eq!(world.run(&["check"]).code, 0);
    world.set("SLACK_WEBHOOK_URL", &fake.url("/services/T0/B0/canary"));
    let found = bad(&world);
    assert!(
        found.contains(
            &"problem environment: scheduled cycles do not know the channels slack (they do not have SLACK_WEBHOOK_URL) \
              => write NAME=value lines to a file (chmod 640) and name it in the crontab: check --env-file FILE"
                .to_owned()
        ),
        "{found:?}"
    );
    assert!(
        found.iter().any(|line| line.starts_with("warning slack: ") && line.ends_with("alert test --channel slack"))
    );
    assert!(!found.concat().contains("canary"));
}

#[test]
fn a_source_and_a_channel_that_fail_say_why() {
    let fake = HttpFake::start([Answer::new(404, "no_service")]);
    let world = World::new(&format!("{}\n[sources.backend]\nurl = \"http://127.0.0.1:9\"\n", config(&slack(&fake))));
    world.queue(0);
    system(&world, CRONTAB);
    world.run(&["check"]);
    world.run(&["alert", "test"]);
    let found = bad(&world);
    let has = |begin: &str, end: &str| found.iter().any(|line| line.starts_with(begin) && line.ends_with(end));
    assert!(has("problem backend: no data after ", "=> sippar-mon collect --source backend"), "{found:?}");
    assert!(has("problem slack: ", "no_service => sippar-mon alert test --channel slack"), "{found:?}");
}

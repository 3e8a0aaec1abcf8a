//! Debian's cron itself, with the crontab line that is shipped: three minutes in which every tick is there once, data is
//! never old and nothing is mailed, and then a configuration that breaks, of which there is one mail. It runs in name
//! spaces of its own, so that the machine's cron, crontabs and mail know nothing of it. `.ci/run` does it as root.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::world::{QUEUE, Running, World};

/// What a name space looks like before cron starts in it: no crontab but ours, and mail that ends in a folder.
const STAGE: &str = r#"
set -eu
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/cron.d
install -m 644 "$1/crontab" /etc/cron.d/sippar-mon
if [ -e /etc/crontab ]; then : > "$1/none"; mount --bind "$1/none" /etc/crontab; fi
mount -t tmpfs tmpfs "$1/mnt"
mkdir "$1/mnt/upper" "$1/mnt/work"
install -m 755 "$1/sendmail" "$1/mnt/upper/sendmail"
mount -t overlay overlay -o "lowerdir=/usr/sbin,upperdir=$1/mnt/upper,workdir=$1/mnt/work" /usr/sbin
exec cron -f
"#;

/// Ticks of the configuration.
const INTERVAL: i64 = 15_000;

/// The shipped crontab, for this world: another user, another place of program and secrets.
fn crontab(world: &World) -> String {
    let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cron.d/sippar-mon")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_sippar-mon")).parent().unwrap();
    let line = shipped.lines().last().unwrap();
    assert!(line.starts_with("* * * * * sippar-mon sippar-mon check --repeat "), "{line}");
    let shipped = shipped.replace("* * * * * sippar-mon sippar-mon", "* * * * * root sippar-mon");
    let shipped = shipped.replace("PATH=", &format!("PATH={}:", programs.display()));
    let shipped = shipped.replace("/etc/sippar-mon/env", &world.path("env").display().to_string());
    let config = world.path("config.toml");
    format!("SIPPAR_MON_CONFIG={}\nSIPPAR_MON_DB={}\n{shipped}", config.display(), world.database().display())
}

fn config() -> String {
    QUEUE.replace("interval = \"1s\"", "interval = \"15s\"")
}

/// Starts cron; it and all that it started end with the test.
fn start(world: &World) -> Running {
    world.configure(&config());
    world.queue(0);
    world.write("env", "UNUSED=1\n", 0o600);
    world.write("crontab", &crontab(world), 0o644);
    fs::create_dir(world.path("mail")).unwrap();
    fs::create_dir(world.path("mnt")).unwrap();
    let mail = world.path("mail");
    world.write("sendmail", &format!("#!/bin/sh\nexec cat > {}/$$-$(date +%s)\n", mail.display()), 0o755);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--mount-proc", "--pid", "--fork", "--kill-child", "sh", "-c", STAGE, "sh"]);
    command.arg(world.path("")).stdin(Stdio::null());
    command.spawn().expect("unshare is missing: apt-get install util-linux").into()
}

/// The ticks of all cycles in the order in which they were done.
fn ticks(world: &World) -> Vec<i64> {
    let Ok(database) =
        rusqlite::Connection::open_with_flags(world.database(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
    else {
        return Vec::new();
    };
    let Ok(mut query) = database.prepare("SELECT tick FROM cycle ORDER BY id") else { return Vec::new() };
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn mails(world: &World) -> Vec<String> {
    let files = fs::read_dir(world.path("mail")).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Waits for `is_so`, which cron brings about at a full minute.
fn within_minutes(minutes: u64, what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60 * minutes + 20), "waited in vain for {what}");
        sleep(Duration::from_millis(200));
    }
}

#[test]
#[ignore = "needs root and cron, and takes six minutes: .ci/run"]
fn the_shipped_line_under_debians_cron() {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    assert!(root && Path::new("/usr/sbin/cron").exists(), "this needs root and cron: apt-get install cron");
    let world = World::empty();
    let cron = start(&world);
    within_minutes(1, "the first cycle", || !ticks(&world).is_empty());
    let begun = Instant::now();
    let mut oldest = 0.0_f64;
    while begun.elapsed() < Duration::from_mins(3) {
        let status = world.status();
        oldest = oldest.max(status["age_seconds"].as_f64().unwrap());
        sleep(Duration::from_secs(1));
    }
    assert!(oldest < 30.0, "data was {oldest} s old");
    assert_eq!(mails(&world), [""; 0], "a healthy monitor mails nothing");

    world.configure(&format!("{}\nnonsense = 1\n", config()));
    within_minutes(2, "the mail about the configuration", || !mails(&world).is_empty());
    sleep(Duration::from_secs(65));
    let mails = mails(&world);
    assert_eq!(mails.len(), 1, "{mails:#?}");
    let body = mails[0].split_once("\n\n").map_or("", |(_, body)| body);
    let body = body.replace("\r\n", "\n");
    let place = format!("--> {}:", world.path("config.toml").display());
    for word in ["unknown key `nonsense`", place.as_str(), "the last configuration that worked goes on"] {
        assert!(body.contains(word), "{word} in {body}");
    }
    assert!(mails[0].contains("To: root"), "{}", mails[0]);

    let ticks = ticks(&world);
    let steps: Vec<i64> = ticks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| *step == INTERVAL), "a tick is missing or there twice: {steps:?}");
    assert!(ticks.len() > 16, "{ticks:?}");
    drop(cron);
}

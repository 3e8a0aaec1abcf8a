//! From facts to findings; a healthy installation is the base, each case breaks one thing.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::facts::{
    Channel, Clock, Config, Cost, Cycles, Database, Facts, File, Look, Source, Starts, Tab, TabKind, Unit, Works,
};
use super::{Finding, Level, Report};
use crate::config::find::Origin;
use crate::config::seen::Surroundings;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::cycles::CycleRow;

fn at(seconds: i64) -> Time {
    Time::from_millis(1_795_424_400_000 + seconds * 1000)
}

fn file(path: &str, owner: &str, uid: u32, mode: u32) -> File {
    File { path: path.into(), owner: owner.to_owned(), group: owner.to_owned(), uid, mode, bytes: 1 }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const LINE: &str = "* * * * * sippar-mon sippar-mon check --repeat\n";

fn tab(text: &str) -> Tab {
    Tab { file: file("/etc/cron.d/sippar-mon", "root", 0, 0o644), kind: TabKind::Folder, text: text.to_owned() }
}

fn starts() -> Starts {
    Starts {
        tabs: vec![tab(LINE)],
        saw_all_tabs: true,
        cron_runs: true,
        units: Vec::new(),
        server: None,
        users: names(&["root", "sippar-mon", "nina"]),
        programs: [PathBuf::from("/usr/bin/sippar-mon")].into(),
        own: PathBuf::from("/home/nina/.cargo/bin/sippar-mon"),
        root: 0,
    }
}

fn database() -> Database {
    Database {
        path: "/var/lib/sippar-mon/state.db".into(),
        origin: Origin::Default,
        file: Some(file("/var/lib/sippar-mon/state.db", "sippar-mon", 900, 0o600)),
        folder: Some(file("/var/lib/sippar-mon", "sippar-mon", 900, 0o700)),
        strangers: vec![file("/var/lib/sippar-mon/state.db", "sippar-mon", 900, 0o600)],
        trouble: None,
        look: Some(Look { format: 9, newest_format: 9, bytes: 38_000_000, findings: Vec::new() }),
        disk: Some((8 << 30, 20 << 30)),
        backup: Some((at(-86_400), "/backup/state.db".into())),
    }
}

fn healthy() -> Facts {
    let seen = Surroundings {
        user: "sippar-mon".to_owned(),
        path: Some("/usr/bin:/bin".to_owned()),
        config: Some("/etc/sippar-mon/config.toml".to_owned()),
        program: "/usr/bin/sippar-mon".to_owned(),
        version: "0.1.0".to_owned(),
        channels: names(&["slack"]),
        ..Surroundings::default()
    };
    Facts {
        now: at(0),
        config: Config {
            path: Some(("/etc/sippar-mon/config.toml".into(), Origin::Default)),
            file: Some(file("/etc/sippar-mon/config.toml", "root", 0, 0o640)),
            trouble: None,
            faults: Vec::new(),
            works: Some(Works {
                rules: 14,
                sources: 2,
                channels: 1,
                interval: Duration::from_mins(1),
                max_bytes: 450_000_000,
            }),
            uid: 0,
            root: 0,
        },
        database: Some(database()),
        cycles: Some(Cycles {
            last: Some(CycleRow { finished: at(-10), ..CycleRow::quick(at(-12), 0) }),
            done: 1440,
            missed: 0,
            ever: 43_197,
            oldest: Some(at(-2_592_000)),
            cost: Some(Cost { cycles: 1440, cpu: 0.012, memory: 14e6 }),
        }),
        starts: starts(),
        scheduled: Some(seen.clone()),
        here: seen,
        clock: Clock { synchronized: Some(Ok(true)), compared: Some(("https://node.example/".to_owned(), Ok(0.3))) },
        sources: vec![Source {
            name: "system".to_owned(),
            took: Duration::from_millis(4),
            outcome: Ok((30, 29)),
            unknown: Vec::new(),
            fails: false,
            why: None,
        }],
        channels: vec![Channel {
            name: "slack".to_owned(),
            to: "hooks.slack.com".to_owned(),
            works: Some(true),
            proven: Some(at(-3600)),
            failed: None,
        }],
        heartbeat: true,
        sendmail: true,
    }
}

/// `level topic: what => fix` of each finding that is worse than fine.
fn bad(facts: &Facts) -> Vec<String> {
    let words = |finding: &Finding| {
        let fix = finding.fix.as_deref().map(|fix| format!(" => {fix}")).unwrap_or_default();
        format!("{} {}: {}{fix}", finding.level.name(), finding.topic, finding.what)
    };
    Report::new(facts).findings.iter().filter(|finding| finding.level > Level::Fine).map(words).collect()
}

#[test]
fn a_healthy_installation_has_nothing_to_mend() {
    let report = Report::new(&healthy());
    let lines: Vec<String> =
        report.findings.iter().map(|finding| format!("{}: {}", finding.topic, finding.what)).collect();
    assert_eq!(
        lines,
        [
            "config: /etc/sippar-mon/config.toml (found in the usual place): 14 rules, 2 sources, 1 channel; mode 0640 \
             root:root",
            "database: /var/lib/sippar-mon/state.db: 36.2 MiB of 429.2 MiB, whole, format 9, 43197 cycles, oldest sample \
             2026-10-24 09:00; mode 0600 sippar-mon:sippar-mon",
            "database: last backup 1 d ago: /backup/state.db",
            "schedule: last cycle 10 s ago, took 2 s; 1440 cycles in 24 h, none missed; started by cron \
             (/etc/cron.d/sippar-mon, with --repeat)",
            "environment: scheduled cycles (user sippar-mon) see what this shell sees",
            "clock: synchronised",
            "clock: within 2 s of https://node.example/",
            "system: 29 of 30 readings in 4 ms",
            "slack: hooks.slack.com, last proven 1 h ago",
            "heartbeat: configured; whether it arrives is seen at that service",
            "mail: there is a sendmail; whether its mail arrives is not known",
            "overhead: 0.02 % of a core (12 ms a cycle), 13.4 MiB at most, over 1440 cycles of the last 24 h",
            "disk: 8 GiB free of 20 GiB where the database lies",
        ]
    );
    assert!(report.sound && (report.problems, report.warnings) == (0, 0));
}

/// Crontabs, and what is said of each.
const CRONTABS: [(&str, &[&str]); 9] = [
    (
        "* * * * * sippar-mon sippar-mon check",
        &["/etc/cron.d/sippar-mon has no newline at its end: cron ignores the last line, or the file => echo >> \
             /etc/cron.d/sippar-mon"],
    ),
    (
        "* * * * * sippar-mon check\n",
        &["/etc/cron.d/sippar-mon:1: the field of the user is missing, so cron takes `sippar-mon` for it => edit \
             /etc/cron.d/sippar-mon: * * * * * sippar-mon /usr/bin/sippar-mon check --repeat"],
    ),
    (
        "* * * * * /usr/bin/sippar-mon check\n",
        &["/etc/cron.d/sippar-mon:1: the field of the user is missing, so cron takes `/usr/bin/sippar-mon` for it => \
             edit /etc/cron.d/sippar-mon: * * * * * sippar-mon /usr/bin/sippar-mon check --repeat"],
    ),
    (
        "* * * * * otto sippar-mon check\n",
        &["/etc/cron.d/sippar-mon:1: there is no user otto on this machine => edit /etc/cron.d/sippar-mon: * * * * * \
             sippar-mon /usr/bin/sippar-mon check --repeat"],
    ),
    (
        "* * * * * sippar-mon sippar-mon check >> /tmp/$(date +%F)\n",
        &["/etc/cron.d/sippar-mon:1: cron ends the command at the first % and feeds it the rest => edit \
             /etc/cron.d/sippar-mon: write each % as \\%"],
    ),
    ("* * * * * sippar-mon sippar-mon check >> /tmp/$(date +\\%F)\n", &[]),
    (
        "PATH=/opt/bin:/bin\n*/5 * * * * nina sippar-mon check\n",
        &[
            "/etc/cron.d/sippar-mon:2: cron finds no program sippar-mon in /opt/bin:/bin => edit \
             /etc/cron.d/sippar-mon: name the program with its path, /usr/bin/sippar-mon",
            "/etc/cron.d/sippar-mon:2: `*/5 * * * *` is not each minute => edit /etc/cron.d/sippar-mon: * * * * * \
             sippar-mon /usr/bin/sippar-mon check --repeat",
        ],
    ),
    (
        "# sippar-mon check\n* * * * * root /opt/sippar-mon check > /dev/null\n",
        &[
            "/etc/cron.d/sippar-mon:2: there is no program /opt/sippar-mon => edit /etc/cron.d/sippar-mon: name the \
             program with its path, /usr/bin/sippar-mon",
            "/etc/cron.d/sippar-mon:2: what it says is thrown away, and that is how the monitor tells its own trouble \
             => edit /etc/cron.d/sippar-mon: no > /dev/null, and MAILTO= somebody who reads it",
        ],
    ),
    (
        "* * * * * root sippar-mon check\r\n",
        &["/etc/cron.d/sippar-mon has the line ends of Windows, which become part of each command => sed -i \
             's/\\r$//' /etc/cron.d/sippar-mon"],
    ),
];

#[test]
fn crontabs_that_cron_does_not_read_as_meant() {
    for (text, expected) in CRONTABS {
        let facts = Facts { starts: Starts { tabs: vec![tab(text)], ..starts() }, ..healthy() };
        let found: Vec<String> = bad(&facts)
            .into_iter()
            .map(|line| line.split_once("schedule: ").map_or(line.clone(), |(_, what)| what.to_owned()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn crontabs_whose_file_cron_refuses() {
    let strange = Tab { file: file("/etc/cron.d/sippar.mon", "nina", 1000, 0o664), ..tab(LINE) };
    let facts = Facts { starts: Starts { tabs: vec![strange], ..starts() }, ..healthy() };
    assert_eq!(
        bad(&facts),
        [
            "problem schedule: /etc/cron.d/sippar.mon: cron ignores a file whose name has more than letters, digits, _ \
             and - => mv /etc/cron.d/sippar.mon /etc/cron.d/sippar-mon",
            "problem schedule: /etc/cron.d/sippar.mon belongs to nina: cron ignores what is not root's => chown \
             root:root /etc/cron.d/sippar.mon",
            "problem schedule: /etc/cron.d/sippar.mon can be changed by others (mode 0664): cron ignores it => chmod \
             644 /etc/cron.d/sippar.mon",
        ]
    );
    let own = |text: &str| Tab {
        file: file("/var/spool/cron/crontabs/nina", "nina", 1000, 0o600),
        kind: TabKind::Personal("nina".to_owned()),
        text: text.to_owned(),
    };
    for (text, expected) in [
        ("* * * * * sippar-mon check --repeat\n", None),
        ("@reboot sippar-mon check --every 15s\n", Some("`@reboot` is not each minute")),
        (
            "* * * * * nina sippar-mon check\n",
            Some("a user's own crontab names no user, so cron runs a program `nina`"),
        ),
        (
            "* * * * * sippar-mon sippar-mon check\n",
            Some("a user's own crontab names no user, so sippar-mon is given its own name"),
        ),
    ] {
        let facts = Facts { starts: Starts { tabs: vec![own(text)], ..starts() }, ..healthy() };
        let found = bad(&facts);
        match expected {
            None => assert_eq!(found, [""; 0]),
            Some(what) => assert!(found.len() == 1 && found[0].contains(what), "{found:?}"),
        }
    }
}

#[test]
fn in_a_folder_that_several_may_write_to_the_database_is_its_makers() {
    let path = "/srv/watch/state.db";
    let folder = File { group: "ops".to_owned(), ..file("/srv/watch", "root", 0, 0o2770) };
    let with = |folder: &File, owner: (&str, u32), strangers: Vec<File>| {
        let file = File { group: "ops".to_owned(), ..file(path, owner.0, owner.1, 0o600) };
        let database = Database {
            path: path.into(),
            strangers: std::iter::once(file.clone()).chain(strangers).collect(),
            file: Some(file),
            folder: Some(folder.clone()),
            ..database()
        };
        bad(&Facts { database: Some(database), ..healthy() })
    };
    // nina runs the checks; the folder's owner would lock her out
    assert_eq!(with(&folder, ("nina", 1000), Vec::new()), [""; 0]);
    assert_eq!(
        with(&folder, ("nina", 1000), vec![file("/srv/watch/state.db-wal", "otto", 1001, 0o600)]),
        ["problem database: /srv/watch/state.db-wal belongs to otto, the database to nina: whoever runs the checks \
             cannot write it => chown nina:ops /srv/watch/state.db*"]
    );
    // root's by hand, for root makes it the folder's owner's
    let folder = File { owner: "nina".to_owned(), uid: 1000, ..folder };
    assert_eq!(
        with(&folder, ("root", 0), Vec::new()),
        ["problem database: /srv/watch/state.db belongs to root, the folder to nina: whoever runs the checks cannot \
             write it => chown nina:ops /srv/watch/state.db*"]
    );
}

/// cron looks for programs in two folders, and ours may lie elsewhere: the line names it by its path.
#[test]
fn a_line_for_a_crontab_names_the_program_by_its_path() {
    let tab = |text: &str| Tab {
        file: file("/var/spool/cron/crontabs/nina", "nina", 1000, 0o600),
        kind: TabKind::Personal("nina".to_owned()),
        text: text.to_owned(),
    };
    let told = |text: &str, own: &str| {
        let programs = [own.into()].into();
        let facts =
            Facts { starts: Starts { tabs: vec![tab(text)], programs, own: own.into(), ..starts() }, ..healthy() };
        bad(&facts)
    };
    let own = "/home/nina/.cargo/bin/sippar-mon";
    assert_eq!(
        told("* * * * * sippar-mon check --repeat\n", own),
        ["problem schedule: /var/spool/cron/crontabs/nina:1: cron finds no program sippar-mon in /usr/bin:/bin => \
             crontab -u nina -e: name the program with its path, /home/nina/.cargo/bin/sippar-mon"]
    );
    let found = told("*/5 * * * * sippar-mon check\n", own);
    assert!(found[1].ends_with("-e: * * * * * /home/nina/.cargo/bin/sippar-mon check --repeat"), "{found:?}");
    assert_eq!(told(&format!("* * * * * {own} check --repeat\n"), own), [""; 0]);
    let found = told("*/5 * * * * sippar-mon check\n", "/opt/50% off/sippar-mon");
    assert!(found[1].ends_with(r"-e: * * * * * '/opt/50\% off/sippar-mon' check --repeat"), "{found:?}");
}

/// The shipped timer.
fn unit(is_enabled: bool, is_active: Option<bool>) -> Unit {
    Unit {
        name: "sippar-mon-check.timer".to_owned(),
        service: "sippar-mon-check.service".to_owned(),
        is_enabled,
        is_active,
        text: "AccuracySec=1s\nSuccessExitStatus=1 2 3\n".to_owned(),
        path: "/etc/systemd/system/sippar-mon-check.timer".into(),
    }
}

#[test]
fn what_is_no_second_way_and_what_is_too_slow() {
    // a crontab that was taken from cron by its name is no second way
    let aside = Tab { file: file("/etc/cron.d/sippar-mon.off", "root", 0, 0o644), ..tab(LINE) };
    let starts_of = |starts: Starts| bad(&Facts { starts, ..healthy() });
    let found = starts_of(Starts { tabs: vec![aside], units: vec![unit(true, Some(true))], ..starts() });
    assert!(!found.iter().any(|what| what.contains("twice")), "{found:?}");
    // one cycle a minute is too few for an interval of 15 s
    let minutely = Unit {
        text: "OnCalendar=minutely\nAccuracySec=1s\nSuccessExitStatus=1 2 3\n".to_owned(),
        ..unit(true, Some(true))
    };
    let mut facts = Facts { starts: Starts { tabs: Vec::new(), units: vec![minutely], ..starts() }, ..healthy() };
    facts.config.works.as_mut().unwrap().interval = Duration::from_secs(15);
    assert_eq!(
        bad(&facts),
        [
            "problem schedule: sippar-mon-check.timer starts one cycle a minute, and the interval is 15 s => systemctl edit \
             sippar-mon-check.service: [Service] ExecStart= and then ExecStart=sippar-mon check --repeat"
        ]
    );
}

#[test]
fn who_starts_cycles() {
    let with = |starts: Starts| bad(&Facts { starts, ..healthy() });
    let timer = |unit: Unit| with(Starts { tabs: Vec::new(), units: vec![unit], cron_runs: false, ..starts() });
    assert_eq!(timer(unit(true, Some(true))), [""; 0]);
    assert_eq!(
        timer(unit(true, Some(false))),
        [
            "problem schedule: sippar-mon-check.timer is enabled and does not run => systemctl start sippar-mon-check.timer"
        ]
    );
    assert_eq!(
        timer(Unit { text: String::new(), ..unit(true, None) }),
        [
            "warning schedule: sippar-mon-check.timer has no AccuracySec, so systemd may be late by a minute => systemctl \
             edit sippar-mon-check.timer: [Timer] AccuracySec=1s",
            "warning schedule: sippar-mon-check.service has no SuccessExitStatus, so systemd calls each alert a failure of \
             the unit => systemctl edit sippar-mon-check.service: [Service] SuccessExitStatus=1 2 3",
        ]
    );
    assert_eq!(
        with(Starts { units: vec![unit(true, Some(true))], ..starts() }),
        ["problem schedule: cycles are started twice: by cron (/etc/cron.d/sippar-mon, with --repeat) and by \
             sippar-mon-check.timer => keep one: take the line out of /etc/cron.d/sippar-mon"]
    );
    // installed and switched off is nobody's way
    assert_eq!(with(Starts { units: vec![unit(false, Some(false))], ..starts() }), [""; 0]);
    assert_eq!(
        with(Starts { cron_runs: false, ..starts() }),
        [
            "problem schedule: no cron daemon runs, so no crontab is read => systemctl enable --now cron (not installed: \
             apt install cron)"
        ]
    );
    assert_eq!(
        with(Starts { tabs: Vec::new(), saw_all_tabs: false, ..starts() }),
        ["note schedule: what starts them is in nothing that this user can read => sudo sippar-mon doctor"]
    );
    // in a container the server makes them; beside another way it is not known whether it does
    let server = Starts { server: Some(1), cron_runs: false, ..starts() };
    assert_eq!(with(Starts { tabs: Vec::new(), ..server.clone() }), [""; 0]);
    assert_eq!(with(Starts { cron_runs: true, ..server }), [""; 0]);
}

#[test]
fn a_schedule_that_does_not_run() {
    let mut facts = healthy();
    facts.now = at(240);
    facts.cycles.as_mut().unwrap().missed = 4;
    assert_eq!(
        bad(&facts),
        ["problem schedule: last cycle 4 min 10 s ago, took 2 s; 1440 cycles in 24 h, 4 missed; started by cron \
             (/etc/cron.d/sippar-mon, with --repeat) => sippar-mon check (and: journalctl -u sippar-mon-check, or \
             cron's mail)"]
    );
    facts.starts.tabs.clear();
    let found = bad(&facts);
    assert!(
        found[0].ends_with(
            "4 missed => sudo sippar-mon init --install (or add to crontab -e: * * * * * \
             /home/nina/.cargo/bin/sippar-mon check --repeat)"
        ),
        "{found:?}"
    );
    facts.cycles.as_mut().unwrap().last = None;
    assert!(bad(&facts).iter().any(|line| line.starts_with("problem schedule: nothing has been checked yet => sudo")));
    facts.cycles = None;
    assert!(bad(&facts).iter().any(|line| line.starts_with("problem schedule: nothing starts cycles: no crontab")));
}

#[test]
fn a_fast_interval_needs_a_loop() {
    let mut facts = healthy();
    facts.config.works.as_mut().unwrap().interval = Duration::from_secs(15);
    assert_eq!(bad(&facts), [""; 0]);
    facts.starts.tabs = vec![tab("* * * * * sippar-mon sippar-mon check\n")];
    assert_eq!(
        bad(&facts),
        ["problem schedule: /etc/cron.d/sippar-mon:1: one cycle a minute, and the interval is 15 s => edit \
             /etc/cron.d/sippar-mon: check --repeat"]
    );
}

#[test]
fn what_is_wrong_with_the_database() {
    let with = |database: Database| bad(&Facts { database: Some(database), ..healthy() });
    let stranger = file("/var/lib/sippar-mon/state.db-wal", "root", 0, 0o600);
    assert_eq!(
        with(Database { strangers: vec![stranger], ..database() }),
        ["problem database: /var/lib/sippar-mon/state.db-wal belongs to root, the folder to sippar-mon: whoever runs \
             the checks cannot write it => chown sippar-mon:sippar-mon /var/lib/sippar-mon/state.db*"]
    );
    let open = file("/var/lib/sippar-mon/state.db", "sippar-mon", 900, 0o644);
    assert_eq!(
        with(Database { file: Some(open), ..database() }),
        ["warning database: /var/lib/sippar-mon/state.db can be used by others (mode 0644 sippar-mon:sippar-mon) => \
             chmod 600 /var/lib/sippar-mon/state.db"]
    );
    let damaged = Look { findings: vec!["page 4 is odd".to_owned()], ..database().look.unwrap() };
    assert_eq!(
        with(Database { look: Some(damaged), ..database() }),
        [
            "problem database: /var/lib/sippar-mon/state.db: page 4 is odd => sippar-mon db restore FILE (a backup; this \
             file is kept)"
        ]
    );
    let trouble = Trouble::new(Kind::Io, "state.db is not a database").help("move it away");
    assert_eq!(
        with(Database { trouble: Some(trouble), look: None, ..database() }),
        ["problem database: state.db is not a database => move it away"]
    );
    let older = Look { format: 8, bytes: 449_000_000, ..database().look.unwrap() };
    assert_eq!(
        with(Database { look: Some(older), backup: None, disk: Some((300 << 20, 1 << 30)), ..database() }),
        [
            "note database: format 8 is that of an older version; the next check brings it to 9 => sippar-mon check",
            "note database: it takes 428.2 MiB of 429.2 MiB: the oldest samples go before their time => a larger [store] \
             max_size in the configuration",
            "note database: no backup of it is known => sippar-mon db backup FILE",
            "warning disk: 300 MiB free of 1 GiB where the database lies => find what takes the room: du -xh / | sort -h \
             | tail",
        ]
    );
}

#[test]
fn what_a_scheduled_cycle_does_not_see() {
    let mut facts = healthy();
    facts.here.channels = names(&["email", "slack"]);
    facts.here.variables = names(&["SMTP_HOST"]);
    facts.here.path = None;
    facts.here.config = None;
    assert_eq!(
        bad(&facts),
        [
            "problem environment: scheduled cycles do not know the channels email (they do not have SMTP_HOST) => write \
             NAME=value lines to a file (chmod 640) and name it in the crontab: check --env-file FILE",
            "warning environment: scheduled cycles use /etc/sippar-mon/config.toml as their configuration, this shell no \
             file => name one for both: --config FILE",
            "note environment: PATH of scheduled cycles: /usr/bin:/bin; here: not set",
        ]
    );
    facts.scheduled = None;
    assert_eq!(
        bad(&facts),
        ["note environment: no cycle was started without a terminal yet, so it is not known what a scheduled one sees"]
    );
}

#[test]
fn channels_sources_and_the_rest() {
    let mut facts = healthy();
    let channel = facts.channels[0].clone();
    facts.channels = vec![
        Channel { name: "mail".to_owned(), works: None, proven: None, ..channel.clone() },
        Channel { works: Some(false), failed: Some((at(-60), "404: no_service".to_owned())), ..channel.clone() },
        Channel { name: "old".to_owned(), proven: Some(at(-40 * 86_400)), ..channel },
    ];
    let source = facts.sources[0].clone();
    facts.sources = vec![
        Source { name: "backend".to_owned(), outcome: Err("timeout".to_owned()), ..source.clone() },
        Source {
            name: "probe/x".to_owned(),
            fails: true,
            why: Some("connection refused".to_owned()),
            ..source.clone()
        },
        Source { unknown: vec!["no /proc/pressure".to_owned()], ..source },
    ];
    facts.clock =
        Clock { synchronized: Some(Ok(false)), compared: Some(("https://node.example/".to_owned(), Ok(-90.0))) };
    facts.heartbeat = false;
    facts.sendmail = false;
    facts.cycles.as_mut().unwrap().cost = Some(Cost { cycles: 1, cpu: 6.0, memory: 1e6 });
    assert_eq!(
        bad(&facts),
        [
            "warning clock: a time service runs, and has not set the clock for hours => chronyc tracking (or: timedatectl \
             timesync-status)",
            "problem clock: 1 min 30 s behind https://node.example/ => chronyc makestep (or: timedatectl set-ntp true)",
            "problem backend: no data after 4 ms: timeout => sippar-mon collect --source backend",
            "warning probe/x: what it watches fails, 4 ms: connection refused => sippar-mon collect --source probe/x",
            "note system: 29 of 30 readings in 4 ms; unknown: no /proc/pressure => sippar-mon collect --source system",
            "warning mail: hooks.slack.com: configured, never tested => sippar-mon alert test --channel mail",
            "problem slack: hooks.slack.com: does not deliver, last proven 1 h ago; failed 1 min ago: 404: no_service => \
             sippar-mon alert test --channel slack",
            "warning old: hooks.slack.com, last proven 40 d ago => sippar-mon alert test --channel old",
            "warning heartbeat: not configured: nobody notices when this machine or the monitor stops => [heartbeat] url = \
             \"env:HEARTBEAT_URL\" in the configuration (Healthchecks or a service like it)",
            "warning mail: there is no sendmail: what cron's runs print, the last resort, reaches nobody => apt install dma \
             (or another mail transport), and MAILTO= in the crontab",
            "warning overhead: 10.00 % of a core (6000 ms a cycle), 976.6 KiB at most, over 1 cycle of the last 24 h; 5 % and \
             100 MB are allowed => a longer interval, or fewer rules: sippar-mon rules list",
        ]
    );
}

#[test]
fn a_configuration_that_others_can_change() {
    let mut facts = healthy();
    facts.config.file = Some(file("/etc/sippar-mon/config.toml", "nina", 1000, 0o660));
    assert_eq!(
        bad(&facts),
        [
            "problem config: /etc/sippar-mon/config.toml: the group nina can change it (mode 0660 nina:nina), and it names \
             programs to run => chmod go-w /etc/sippar-mon/config.toml",
            "warning config: /etc/sippar-mon/config.toml belongs to nina, who is neither root nor the user that runs this => \
             chown root /etc/sippar-mon/config.toml",
        ]
    );
    facts.channels.clear();
    assert!(bad(&facts).iter().any(|line| line.starts_with("problem channels: there is no channel")));
}

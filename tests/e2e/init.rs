//! `init`: what it writes loads and is judged, what is there is never overwritten, and an installation is done once.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::http::{Answer, HttpFake};
use crate::support::skip::is_root;
use crate::world::{Ran, World};

/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// A system with two services, of which one is worth watching.
fn system(world: &World) -> String {
    let root = world.path("root");
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants).unwrap();
    fs::create_dir_all(root.join("run/systemd/system")).unwrap();
    for service in ["nginx.service", "sippar-backend.service", "sippar-mon-serve.service", "getty@tty1.service"] {
        fs::write(wants.join(service), "").unwrap();
    }
    root.to_str().unwrap().to_owned()
}

#[test]
fn what_it_writes_loads_and_is_judged() {
    let backend = HttpFake::start([Answer::new(200, r#"{"status":"healthy"}"#)]);
    let mut world = World::empty();
    let root = system(&world);
    world.set("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/canary");
    let url = backend.url("");
    let ran = world.run(&["init", "conf/config.toml", "--root", &root, "--backend", &url]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        (ran.code, &lines[1..], ran.err.as_str()),
        (
            0,
            &[
                "next:",
                "  sippar-mon alert test   does each channel arrive?",
                "  sippar-mon status       what it looks like now",
                "  sippar-mon doctor       what is still missing",
            ][..],
            ""
        )
    );
    assert!(
        lines[0].starts_with("wrote conf/config.toml: ") && lines[0].ends_with(" rules, 2 sources, 1 channel"),
        "{lines:?}"
    );
    let text = fs::read_to_string(world.path("conf/config.toml")).unwrap();
    assert_eq!(world.path("conf/config.toml").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(text.contains("\nservices = [\"nginx.service\", \"sippar-backend.service\"]\n"), "{text}");
    assert!(text.contains(&format!("\n[sources.backend]\nurl = \"{url}\"\n")) && !text.contains("canary"), "{text}");
    // what was printed is what was written
    let printed = world.run(&["init", "--print", "--root", &root, "--backend", &url]);
    assert_eq!((printed.code, printed.out.as_str()), (0, text.as_str()));
    let loads = world.run(&["--config", "conf/config.toml", "rules", "check"]);
    assert_eq!((loads.code, loads.err.as_str()), (0, ""), "{loads:?}");
    let check = world.run(&["--config", "conf/config.toml", "check"]);
    assert!(check.code <= 3, "{check:?}");
    // and a second one is refused, whoever asks
    let again = world.run(&["init", "conf/config.toml", "--root", &root]);
    assert_eq!(
        again,
        Ran {
            code: 73,
            out: String::new(),
            err: "sippar-mon: conf/config.toml is there already; it was left as it is\n  help: name another file: \
                  sippar-mon init FILE; or compare: sippar-mon init --print\n"
                .to_owned()
        }
    );
    assert_eq!(fs::read_to_string(world.path("conf/config.toml")).unwrap(), text);
}

#[test]
fn a_bare_machine_gets_a_configuration_too() {
    let world = World::empty();
    fs::create_dir(world.path("root")).unwrap();
    let root = world.path("root");
    let ran = world.run(&["init", "config.toml", "--root", root.to_str().unwrap(), "--backend", NOBODY, "--json"]);
    let document = ran.json();
    assert_eq!((ran.code, &document["file"], &document["sources"]), (0, &"config.toml".into(), &1.into()), "{ran:?}");
    let text = fs::read_to_string(world.path("config.toml")).unwrap();
    assert!(text.contains("\n#[sources.backend]\n") && text.contains("\n#services = []\n"), "{text}");
    assert!(world.run(&["check"]).code <= 3);
}

#[test]
fn a_dry_run_says_each_step_and_does_none() {
    let world = World::empty();
    let root = system(&world);
    fs::create_dir_all(world.path("root/usr/bin")).unwrap();
    fs::write(world.path("root/usr/bin/sippar-mon"), "").unwrap();
    let listed = |path: &Path| {
        let out = Command::new("find").arg(path).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let before = listed(Path::new(&root));
    let steps = |schedule: &str| {
        format!(
            "\
kept   program /usr/bin/sippar-mon
would  user sippar-mon: useradd --system --user-group --no-create-home --home-dir /var/lib/sippar-mon --shell \
/usr/sbin/nologin --prefix @/root sippar-mon
would  folder /etc/sippar-mon: make @/root/etc/sippar-mon (0750 root:sippar-mon)
would  folder /var/lib/sippar-mon: make @/root/var/lib/sippar-mon (0700 sippar-mon:sippar-mon)
would  secrets in /etc/sippar-mon/env: write @/root/etc/sippar-mon/env (0640 root:sippar-mon)
would  configuration /etc/sippar-mon/config.toml: write @/root/etc/sippar-mon/config.toml (0640 root:sippar-mon)
{schedule}next:
  sippar-mon alert test   does each channel arrive?
  sippar-mon status       what it looks like now
  sippar-mon doctor       what is still missing
"
        )
    };
    let timer = "\
would  unit /etc/systemd/system/sippar-mon-check.service: write @/root/etc/systemd/system/sippar-mon-check.service (0644 \
root:root)
would  unit /etc/systemd/system/sippar-mon-check.timer: write @/root/etc/systemd/system/sippar-mon-check.timer (0644 \
root:root)
would  timer sippar-mon-check.timer: systemctl --root=@/root enable sippar-mon-check.timer
";
    let install = |more: &[&str]| {
        let ran =
            world.run(&[&["init", "--install", "--dry-run", "--root", &root, "--backend", NOBODY], more].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        world.tidy(&ran.out)
    };
    assert_eq!(install(&[]), steps(timer));
    assert_eq!(install(&["--timer"]), steps(timer));
    assert_eq!(listed(Path::new(&root)), before);
    let units = world.path("root/etc/systemd/system");
    leave_masked(&units);
    let unmask = "would  sippar-mon-check.timer is allowed to start: systemctl --root=@/root unmask \
                  sippar-mon-check.timer\n";
    assert_eq!(install(&[]), steps(&format!("{unmask}{timer}")));
    fs::remove_dir_all(&units).unwrap();
    fs::create_dir_all(world.path("root/etc/cron.d")).unwrap();
    fs::create_dir_all(world.path("root/usr/sbin")).unwrap();
    fs::write(world.path("root/usr/sbin/cron"), "").unwrap();
    let cron = "would  crontab /etc/cron.d/sippar-mon: write @/root/etc/cron.d/sippar-mon (0644 root:root)\n";
    assert_eq!(install(&["--cron"]), steps(cron));
    // never both: what is ours goes, what is somebody's own is named
    let crontab = include_str!("../../examples/cron.d/sippar-mon");
    fs::write(world.path("root/etc/cron.d/sippar-mon"), crontab).unwrap();
    assert!(install(&[]).contains("would  no line for cron beside the timer: rm @/root/etc/cron.d/sippar-mon\n"));
    fs::write(world.path("root/etc/cron.d/sippar-mon"), "* * * * * nina sippar-mon check\n").unwrap();
    let ran = world.run(&["init", "--install", "--dry-run", "--root", &root]);
    assert_eq!((ran.code, ran.out.as_str()), (73, ""), "{ran:?}");
    assert!(ran.err.contains("starts it already, and is not the shipped one"), "{ran:?}");
}

/// A package that was removed leaves its timer masked, and the link by which it was enabled.
fn leave_masked(units: &Path) {
    let wants = units.join("timers.target.wants");
    fs::create_dir_all(&wants).unwrap();
    symlink("/lib/systemd/system/sippar-mon-check.timer", wants.join("sippar-mon-check.timer")).unwrap();
    symlink("/dev/null", units.join("sippar-mon-check.timer")).unwrap();
}

#[test]
fn what_the_environment_says_is_carried_over_or_said_loudly() {
    let mut world = World::empty();
    let root = world.path("root");
    for folder in ["etc/cron.d", "usr/bin", "usr/sbin", "run/secrets", "etc/sippar-mon"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for program in ["usr/bin/sippar-mon", "usr/sbin/cron"] {
        fs::write(root.join(program), "").unwrap();
    }
    for (name, mode) in [("slack", 0o644), ("pass", 0o600)] {
        fs::write(root.join("run/secrets").join(name), "canary").unwrap();
        fs::set_permissions(root.join("run/secrets").join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    world.set("SLACK_WEBHOOK_URL_FILE", "/run/secrets/slack");
    world.set("SMTP_PASS_FILE", "/run/secrets/pass");
    world.set("HEARTBEAT_URL", "https://hc/canary");
    let warned = |world: &World| {
        let root = world.path("root");
        let arguments = ["init", "--install", "--dry-run", "--cron", "--root", root.to_str().unwrap()];
        let ran = world.run(&[&arguments[..], &["--backend", NOBODY]].concat());
        assert!(ran.code == 0 && !ran.out.contains("canary"), "{ran:?}");
        let lines = ran.out.lines().filter_map(|line| line.strip_prefix("warn   "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        warned(&world),
        [
            "SMTP_PASS_FILE is not carried over: the user sippar-mon cannot read /run/secrets/pass => let sippar-mon read \
          it, as by its group (chgrp sippar-mon, chmod 640), then set it in /etc/sippar-mon/env"
        ]
    );
    // what is there is kept, and what it lacks is said
    fs::write(root.join("etc/sippar-mon/env"), "HEARTBEAT_URL=https://hc/x\nSMTP_PASS=x\n").unwrap();
    fs::write(root.join("etc/sippar-mon/config.toml"), "").unwrap();
    fs::remove_file(root.join("usr/sbin/cron")).unwrap();
    assert_eq!(
        warned(&world),
        [
            "SLACK_WEBHOOK_URL_FILE is not carried over: /etc/sippar-mon/env was there and does not set it => write it \
             there: SLACK_WEBHOOK_URL_FILE=…",
            "HEARTBEAT_URL is not used: /etc/sippar-mon/config.toml was there and has no [heartbeat] => add to it: \
             [heartbeat] and url = \"env:HEARTBEAT_URL\"",
            "nothing is watched yet: cron is not installed, so nobody reads the crontab => apt install cron",
        ]
    );
}

#[test]
fn only_root_installs() {
    let world = World::empty();
    // where somebody else can get at it, whose test this may be
    let program = world.path("sippar-mon");
    fs::copy(env!("CARGO_BIN_EXE_sippar-mon"), &program).unwrap();
    fs::set_permissions(world.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(if is_root() { "setpriv" } else { "env" });
    if is_root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    let ran: Ran = command.arg(&program).args(["init", "--install"]).env_clear().output().unwrap().into();
    let err = "sippar-mon: only root can install\n  \
               help: try sudo, or see what it would do: sippar-mon init --install --dry-run\n";
    assert_eq!(ran, Ran { code: 77, out: String::new(), err: err.to_owned() });
}

/// The whole of it in a folder that stands for a system, twice; `doctor` looks at what came of it.
#[test]
#[ignore = "needs root"]
fn an_installation_is_done_once() {
    assert!(is_root(), "run this test as root");
    let world = World::empty();
    let root = world.path("root");
    for folder in ["etc/cron.d", "usr/bin", "usr/local/bin", "usr/sbin"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("usr/sbin/cron"), "").unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
    let install = || world.run(&["init", "--install", "--cron", "--root", root.to_str().unwrap(), "--backend", NOBODY]);
    let next = "next:\n  sippar-mon alert test   does each channel arrive?\n  sippar-mon status       what it looks like \
                now\n  sippar-mon doctor       what is still missing\n";
    let lines = |state: &str| {
        let what = [
            "program /usr/local/bin/sippar-mon",
            "user sippar-mon",
            "folder /etc/sippar-mon",
            "folder /var/lib/sippar-mon",
            "secrets in /etc/sippar-mon/env",
            "configuration /etc/sippar-mon/config.toml",
            "crontab /etc/cron.d/sippar-mon",
        ];
        what.map(|what| format!("{state}   {what}\n")).concat()
    };
    let (first, second) = (install(), install());
    assert_eq!(first, Ran { code: 0, out: format!("{}{next}", lines("done")), err: String::new() });
    let unchanged = "all of it was there; nothing was changed\n";
    assert_eq!(second, Ran { code: 0, out: format!("{}{unchanged}{next}", lines("kept")), err: String::new() });
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    let id: u32 = passwd.lines().last().unwrap().split(':').nth(2).unwrap().parse().unwrap();
    for (path, mode, owner, group) in [
        ("etc/sippar-mon", 0o750, 0, id),
        ("var/lib/sippar-mon", 0o700, id, id),
        ("etc/sippar-mon/env", 0o640, 0, id),
        ("etc/sippar-mon/config.toml", 0o640, 0, id),
        ("etc/cron.d/sippar-mon", 0o644, 0, 0),
        ("usr/local/bin/sippar-mon", 0o755, 0, 0),
    ] {
        let meta = root.join(path).metadata().unwrap();
        let group_of = |gid: u32| {
            if path.starts_with("etc/cron") || path.starts_with("usr") { gid == 0 } else { gid == meta.gid() }
        };
        assert_eq!((meta.mode() & 0o7777, meta.uid()), (mode, owner), "{path}");
        assert!(group_of(group) || meta.gid() == group, "{path}");
    }
    let crontab = fs::read_to_string(root.join("etc/cron.d/sippar-mon")).unwrap();
    assert_eq!(crontab, include_str!("../../examples/cron.d/sippar-mon"));
    // cron reads it as meant
    let found = world.run(&["doctor", "--root", root.to_str().unwrap(), "--json"]).json();
    let of_schedule: Vec<String> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["topic"] == "schedule")
        .map(|one| one["what"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of_schedule.len(), 2, "{of_schedule:?}");
    assert!(of_schedule[0].starts_with("started by cron ("), "{of_schedule:?}");
    assert_eq!(of_schedule[1], "no cron daemon runs, so no crontab is read");
}

/// A copy of this machine that goes away with the process: whatever is written lies in memory.
const COPY: &str = r#"
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/m"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/m"
mount -t proc proc "$1/m/proc"
mount --bind /dev "$1/m/dev"
rm -rf "$1/m/etc/sippar-mon" "$1/m/var/lib/sippar-mon" "$1"/m/etc/cron.d/* "$1/m/run/systemd/system"
mkdir -p "$1/m/etc/cron.d"
cp "$2" "$1/m/root/sippar-mon"
inside() { chroot "$1/m" env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 HOME=/root "${@:2}"; }
inside "$1" /root/sippar-mon init --install --backend http://127.0.0.1:9
inside "$1" sippar-mon init --install --backend http://127.0.0.1:9 | grep -v ^kept
inside "$1" cron
cycles() { inside "$1" sippar-mon status --json | grep -o '"cycles_done": [0-9]*' | grep -o '[0-9]*$'; }
for second in $(seq 1 150); do [ "$(cycles "$1")" -lt 2 ] || break; sleep 0.5; done
inside "$1" sippar-mon doctor | grep -P '\tschedule\t' | sed -E 's/last cycle [^,]*, took [^;]*;/last cycle,/; s/^(.*[^\t])\t*$/\1/'
ls -A "$1/m/var/mail"
"#;

/// Installed on a copy of this very machine, then cron does what its line says, and has nothing to mail.
#[test]
#[ignore = "needs root, cron, and a kernel with overlayfs"]
fn an_installed_machine_watches_itself_within_the_minute() {
    assert!(is_root(), "run this test as root");
    let folder = tempfile::tempdir().unwrap();
    let ran: Ran = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "bash", "-c", COPY, "copy"])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_sippar-mon"))
        .output()
        .expect("unshare is missing: install Debian's package util-linux")
        .into();
    let next = "next:\n  sippar-mon alert test   does each channel arrive?\n  sippar-mon status       what it looks like \
                now\n  sippar-mon doctor       what is still missing\n";
    // the copy has no cron yet
    let silent = "warn   nothing is watched yet: no cron daemon runs, so nobody reads the crontab => systemctl enable --now \
                  cron (or: service cron start)\n";
    let out = format!(
        "\
done   program /usr/local/bin/sippar-mon
done   user sippar-mon
done   folder /etc/sippar-mon
done   folder /var/lib/sippar-mon
done   secrets in /etc/sippar-mon/env
done   configuration /etc/sippar-mon/config.toml
done   first check
done   crontab /etc/cron.d/sippar-mon
{silent}{next}{silent}all of it was there; nothing was changed
{next}fine\tschedule\tlast cycle, 2 cycles in 24 h, none missed; started by cron (/etc/cron.d/sippar-mon, with --repeat)
"
    );
    assert_eq!(ran, Ran { code: 0, out, err: String::new() });
}

/// A copy of this machine on which systemd seems to run, its timer enabled and stopped until somebody starts it.
const STOPPED: &str = r#"
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/m"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/m"
mount --bind /dev "$1/m/dev"
rm -rf "$1/m/etc/sippar-mon" "$1/m/var/lib/sippar-mon" "$1"/m/etc/cron.d/* "$1"/m/*/lib/systemd/system/sippar-mon*
mkdir -p "$1/m/run/systemd/system" "$1/m/etc/systemd/system/timers.target.wants"
cp "$2" "$1/m/usr/local/bin/sippar-mon"
ln -s /nowhere "$1/m/etc/systemd/system/timers.target.wants/sippar-mon-check.timer"
rm -f "$1/m/usr/bin/systemctl"
cat > "$1/m/usr/bin/systemctl" <<'END'
#!/bin/sh
case "$*" in
is-active*) [ -e /run/started ] && echo active || { echo inactive; exit 3; } ;;
*--now*) touch /run/started ;;
esac
END
chmod 755 "$1/m/usr/bin/systemctl"
for again in 1 2; do
    chroot "$1/m" env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
        sippar-mon init --install --timer --backend http://127.0.0.1:9 | grep timer
done
"#;

#[test]
#[ignore = "needs root and a kernel with overlayfs"]
fn a_timer_that_is_enabled_and_stopped_is_started() {
    assert!(is_root(), "run this test as root");
    let folder = tempfile::tempdir().unwrap();
    let ran: Ran = Command::new("unshare")
        .args(["--mount", "bash", "-c", STOPPED, "copy"])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_sippar-mon"))
        .output()
        .expect("unshare is missing: install Debian's package util-linux")
        .into();
    let lines = |state: &str| {
        format!("{state}   unit /etc/systemd/system/sippar-mon-check.timer\n{state}   timer sippar-mon-check.timer\n")
    };
    assert_eq!(ran, Ran { code: 0, out: lines("done") + &lines("kept"), err: String::new() });
}

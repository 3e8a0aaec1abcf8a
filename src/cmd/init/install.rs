//! `init --install`: user, folders, configuration, schedule, a first check. What is there is kept, so that a second run
//! changes nothing and says so; cron and a timer are never both there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::carry::{self, Carried, Remark, Target};
use super::look;
use super::steps::{Deed, Names, Step};
use crate::cli;
use crate::cmd::doctor::Machine;
use crate::cmd::{Context, Ended, print_json};
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::text::safe;
use crate::view::init::{self, Found};
use crate::world::{Env, program};

/// The user, the group and the program.
const NAME: &str = "sippar-mon";

const CRONTAB: &str = include_str!("../../../examples/cron.d/sippar-mon");
const SERVICE: &str = include_str!("../../../examples/systemd/sippar-mon-check.service");
const TIMER: &str = include_str!("../../../examples/systemd/sippar-mon-check.timer");

/// The unit that does the cycles, and the one that is enabled.
const SERVICE_NAME: &str = "sippar-mon-check.service";
const TIMER_NAME: &str = "sippar-mon-check.timer";

/// One line of `--json`.
#[derive(Serialize)]
struct Line {
    /// `kept`, `done`, `would`, and `warn` of what people must know.
    state: &'static str,
    what: String,
    how: String,
}

/// Does the steps one by one, each with its line.
pub async fn run(context: &Context, args: &cli::Init) -> Ended {
    if !args.dry_run && !rustix::process::geteuid().is_root() {
        let help = "try sudo, or see what it would do: sippar-mon init --install --dry-run";
        return Err(Trouble::new(Kind::Permission, "only root can install").help(help).into());
    }
    let plan = Plan { root: args.root.clone(), by_timer: by_timer(args)? };
    let names = Names::of(&args.root);
    let (steps, remarks) = plan.steps(context, args).await?;
    let mut lines = Vec::new();
    for step in steps {
        let state = if step.is_done(&names) {
            "kept"
        } else if args.dry_run {
            "would"
        } else {
            step.apply(&names).await?;
            "done"
        };
        let line = Line { state, what: safe::one_line(&step.what), how: safe::one_line(&step.how()) };
        if !context.global.json {
            terminal::print(&context.terminal.fit(&words(&line)))?;
        }
        lines.push(line);
    }
    let is_news = lines.iter().any(|line| line.state != "kept");
    for Remark { what, fix } in remarks {
        let line = Line { state: "warn", what: safe::one_line(&what), how: safe::one_line(&fix) };
        if !context.global.json {
            terminal::print(&context.terminal.fit(&words(&line)))?;
        }
        lines.push(line);
    }
    if context.global.json {
        print_json(&lines)?;
        return Ok(0);
    }
    let mut end = String::new();
    if !is_news {
        let _ = writeln!(end, "all of it was there; nothing was changed");
    }
    terminal::print(&context.terminal.fit(&format!("{end}{}", super::NEXT)))?;
    Ok(0)
}

fn words(line: &Line) -> String {
    let Line { state, what, how } = line;
    match *state {
        "would" => format!("{state:5}  {what}: {how}\n"),
        "warn" => format!("{state:5}  {what} => {how}\n"),
        _ => format!("{state:5}  {what}\n"),
    }
}

/// Whether systemd is to start it: as asked, else where it runs.
fn by_timer(args: &cli::Init) -> Result<bool, Trouble> {
    let has_systemd = args.root.join("run/systemd/system").is_dir();
    if args.timer && !has_systemd && args.root == Path::new("/") {
        return Err(
            Trouble::new(Kind::Unavailable, "systemd does not run here").help("sippar-mon init --install --cron")
        );
    }
    Ok(args.timer || (has_systemd && !args.cron))
}

/// What is to be where.
struct Plan {
    root: PathBuf,
    by_timer: bool,
}

impl Plan {
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn is_real(&self) -> bool {
        self.root == Path::new("/")
    }

    async fn steps(&self, context: &Context, args: &cli::Init) -> Result<(Vec<Step>, Vec<Remark>), Trouble> {
        let mut steps: Vec<Step> = self.program()?.into_iter().collect();
        steps.push(self.user());
        let ours = || ("root".to_owned(), NAME.to_owned());
        let place = |what: &str, path: &str, content: Option<Vec<u8>>, owner, mode| Step {
            what: what.to_owned(),
            deed: Deed::Place { path: self.path(path), content, owner, mode },
        };
        steps.push(place("folder /etc/sippar-mon", "/etc/sippar-mon", None, ours(), 0o750));
        let state = (NAME.to_owned(), NAME.to_owned());
        steps.push(place("folder /var/lib/sippar-mon", "/var/lib/sippar-mon", None, state, 0o700));
        let carried = self.carried(&context.env);
        let variables = carried.text.clone().into_bytes();
        steps.push(place("secrets in /etc/sippar-mon/env", carry::FILE, Some(variables), ours(), 0o640));
        let found =
            Found { heartbeat: carried.has_heartbeat(), ..look::found(context, args, Some(carry::FILE)).await? };
        let config = init::config(&found).into_bytes();
        let what = "configuration /etc/sippar-mon/config.toml";
        steps.push(place(what, "/etc/sippar-mon/config.toml", Some(config), ours(), 0o640));
        let silent = self.silent_heartbeat(&carried);
        let mut remarks = carried.remarks;
        remarks.extend(silent);
        // before the schedule, which would be busy with a check of its own
        let schedule = if self.by_timer { self.timer().await? } else { self.cron()? };
        steps.extend(self.first_check());
        steps.extend(schedule);
        remarks.extend(if self.by_timer { None } else { self.no_cron() });
        Ok((steps, remarks))
    }

    /// What of this environment the schedule will have.
    fn carried(&self, env: &Env) -> Carried {
        let names = Names::of(&self.root);
        let user = names.number("passwd", NAME).zip(names.number("group", NAME));
        match std::fs::read_to_string(self.path(carry::FILE)) {
            Ok(text) => Carried::kept(text, env),
            Err(_) => Carried::fresh(env, &Target { root: &self.root, user }),
        }
    }

    /// The address is known, and a configuration that was there sends nothing to it.
    fn silent_heartbeat(&self, carried: &Carried) -> Option<Remark> {
        let text = std::fs::read_to_string(self.path("/etc/sippar-mon/config.toml")).ok()?;
        let is_silent = carried.has_heartbeat() && !text.lines().any(|line| line.trim() == "[heartbeat]");
        is_silent.then(|| Remark {
            what: "HEARTBEAT_URL is not used: /etc/sippar-mon/config.toml was there and has no [heartbeat]".to_owned(),
            fix: "add to it: [heartbeat] and url = \"env:HEARTBEAT_URL\"".to_owned(),
        })
    }

    /// The crontab is in its folder, and nobody reads it.
    fn no_cron(&self) -> Option<Remark> {
        let machine = Machine::new(&self.root);
        if !machine.has_cron() {
            let what = "nothing is watched yet: cron is not installed, so nobody reads the crontab".to_owned();
            return Some(Remark { what, fix: "apt install cron".to_owned() });
        }
        let what = "nothing is watched yet: no cron daemon runs, so nobody reads the crontab".to_owned();
        let fix = "systemctl enable --now cron (or: service cron start)".to_owned();
        (self.is_real() && !machine.cron_runs()).then_some(Remark { what, fix })
    }

    /// The program, where cron and systemd look for it.
    fn program(&self) -> Result<Option<Step>, Trouble> {
        let places = ["/usr/local/bin/sippar-mon", "/usr/bin/sippar-mon"];
        if let Some(place) = places.iter().find(|place| self.path(place).is_file()) {
            let deed = Deed::Run { argv: Vec::new(), is_done: true, good: 0..=0 };
            return Ok(Some(Step { what: format!("program {place}"), deed }));
        }
        let own =
            program().ok_or_else(|| Trouble::new(Kind::Io, "this program does not know where its own file is"))?;
        let argv = ["install", "-m", "0755"].map(str::to_owned).into_iter();
        let argv = argv.chain([own.display().to_string(), self.path(places[0]).display().to_string()]);
        let deed = Deed::Run { argv: argv.collect(), is_done: false, good: 0..=0 };
        Ok(Some(Step { what: format!("program {}", places[0]), deed }))
    }

    fn user(&self) -> Step {
        let names = Names::of(&self.root);
        let is_done = names.number("passwd", NAME).is_some() && names.number("group", NAME).is_some();
        let mut argv: Vec<String> =
            ["useradd", "--system", "--user-group", "--no-create-home"].map(str::to_owned).into();
        argv.extend(["--home-dir", "/var/lib/sippar-mon", "--shell", "/usr/sbin/nologin"].map(str::to_owned));
        if !self.is_real() {
            argv.extend(["--prefix".to_owned(), self.root.display().to_string()]);
        }
        argv.push(NAME.to_owned());
        Step { what: format!("user {NAME}"), deed: Deed::Run { argv, is_done, good: 0..=0 } }
    }

    /// Files of root's that everybody may read.
    fn public(&self, what: &str, path: &str, text: &str) -> Step {
        let owner = ("root".to_owned(), "root".to_owned());
        let deed = Deed::Place { path: self.path(path), content: Some(text.as_bytes().to_vec()), owner, mode: 0o644 };
        Step { what: what.to_owned(), deed }
    }

    fn systemctl(&self, what: &str, words: &[&str], is_done: bool) -> Step {
        let mut argv = vec!["systemctl".to_owned()];
        if !self.is_real() {
            argv.push(format!("--root={}", self.root.display()));
        }
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        Step { what: what.to_owned(), deed: Deed::Run { argv, is_done, good: 0..=0 } }
    }

    fn is_enabled(&self) -> bool {
        self.path("/etc/systemd/system/timers.target.wants").join(TIMER_NAME).symlink_metadata().is_ok()
    }

    /// Whether systemd is forbidden to start it, as when a package of ours was removed.
    fn is_masked(&self, name: &str) -> bool {
        let link = std::fs::read_link(self.path("/etc/systemd/system").join(name));
        link.is_ok_and(|to| to == Path::new("/dev/null"))
    }

    /// Whether the timer starts cycles: now, and when the system begins anew. One of a system that does not run stands where
    /// it is enabled.
    async fn stands(&self) -> bool {
        let runs = async || Machine::new(&self.root).is_active(TIMER_NAME).await.unwrap_or(true);
        self.is_enabled() && (!self.is_real() || runs().await)
    }

    /// The timer, and no crontab beside it.
    async fn timer(&self) -> Result<Vec<Step>, Trouble> {
        let mut steps = Vec::new();
        let crontab = self.path("/etc/cron.d/sippar-mon");
        if crontab.exists() {
            if std::fs::read_to_string(&crontab).ok().as_deref() != Some(CRONTAB) {
                let what = format!("{} starts it already, and is not the shipped one", crontab.display());
                let help = format!("keep it with --cron, or take it away: rm {}", crontab.display());
                return Err(Trouble::new(Kind::CannotCreate, what).help(help));
            }
            steps.push(Step { what: "no line for cron beside the timer".to_owned(), deed: Deed::Remove(crontab) });
        }
        // a package brings its own
        let folders = ["/usr/lib/systemd/system", "/lib/systemd/system"];
        let is_packaged = folders.iter().any(|folder| self.path(folder).join(TIMER_NAME).is_file());
        let mut fresh = false;
        for name in [SERVICE_NAME, TIMER_NAME].into_iter().filter(|name| self.is_masked(name)) {
            steps.push(self.systemctl(&format!("{name} is allowed to start"), &["unmask", name], false));
            fresh = true;
        }
        if !is_packaged {
            for (name, text) in [(SERVICE_NAME, SERVICE), (TIMER_NAME, TIMER)] {
                let path = format!("/etc/systemd/system/{name}");
                fresh |= !self.path(&path).is_file();
                steps.push(self.public(&format!("unit {path}"), &path, text));
            }
        }
        if fresh && self.is_real() {
            steps.push(self.systemctl("systemd knows the units", &["daemon-reload"], false));
        }
        let words: &[&str] = if self.is_real() { &["enable", "--now", TIMER_NAME] } else { &["enable", TIMER_NAME] };
        let is_done = !fresh && self.stands().await;
        steps.push(self.systemctl(&format!("timer {TIMER_NAME}"), words, is_done));
        Ok(steps)
    }

    /// The crontab, and no timer beside it.
    fn cron(&self) -> Result<Vec<Step>, Trouble> {
        let mut steps = Vec::new();
        if self.is_enabled() {
            let words: &[&str] =
                if self.is_real() { &["disable", "--now", TIMER_NAME] } else { &["disable", TIMER_NAME] };
            steps.push(self.systemctl("no timer beside the line for cron", words, false));
        }
        if !self.path("/etc/cron.d").is_dir() {
            let help = "apt install cron, or --timer";
            return Err(Trouble::new(Kind::Unavailable, "there is no cron on this system: no /etc/cron.d").help(help));
        }
        steps.push(self.public("crontab /etc/cron.d/sippar-mon", "/etc/cron.d/sippar-mon", CRONTAB));
        Ok(steps)
    }

    /// A check as the user who will run them; none of a system that is only a folder.
    fn first_check(&self) -> Option<Step> {
        if !self.is_real() {
            return None;
        }
        let is_done = self.path("/var/lib/sippar-mon/state.db").is_file();
        let words = ["runuser", "-u", NAME, "--", "env", "HOME=/var/lib/sippar-mon", NAME, "check"];
        let argv = words.map(str::to_owned).into();
        // 0 to 3 are states of what is watched
        Some(Step { what: "first check".to_owned(), deed: Deed::Run { argv, is_done, good: 0..=3 } })
    }
}

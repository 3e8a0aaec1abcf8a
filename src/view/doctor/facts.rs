//! What `doctor` looked at: values, so that every judgement about them is a function of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::find::Origin;
use crate::config::seen::Surroundings;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::store::cycles::CycleRow;

/// Everything.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When it was looked at.
    pub now: Time,
    /// The configuration.
    pub config: Config,
    /// The database, where it is known which one.
    pub database: Option<Database>,
    /// What the database knows of cycles, where it can be read.
    pub cycles: Option<Cycles>,
    /// What starts cycles on this machine.
    pub starts: Starts,
    /// What a scheduled cycle saw last of its surroundings.
    pub scheduled: Option<Surroundings>,
    /// What this process sees.
    pub here: Surroundings,
    /// The clock.
    pub clock: Clock,
    /// Each source, measured just now.
    pub sources: Vec<Source>,
    /// Each channel.
    pub channels: Vec<Channel>,
    /// Whether `[heartbeat]` is configured.
    pub heartbeat: bool,
    /// Whether mail can leave: there is a `sendmail`.
    pub sendmail: bool,
}

/// A file or folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Where.
    pub path: PathBuf,
    /// The owner's name, or number.
    pub owner: String,
    /// The group's.
    pub group: String,
    /// The owner's number.
    pub uid: u32,
    /// Permissions, `0o640`.
    pub mode: u32,
    /// Its size.
    pub bytes: u64,
}

/// The configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which file, and why that one; none where there is none.
    pub path: Option<(PathBuf, Origin)>,
    /// The file, where it can be looked at.
    pub file: Option<File>,
    /// What is wrong around the texts.
    pub trouble: Option<Trouble>,
    /// Errors and remarks in the texts.
    pub faults: Vec<Fault>,
    /// What works of it.
    pub works: Option<Works>,
    /// Number of the user that runs `doctor`.
    pub uid: u32,
    /// Number of the user that owns this system's root folder.
    pub root: u32,
}

/// What works of a configuration.
#[derive(Clone, Debug)]
pub struct Works {
    /// Rules that are judged.
    pub rules: usize,
    /// Sources.
    pub sources: usize,
    /// Channels.
    pub channels: usize,
    /// Between two ticks.
    pub interval: Duration,
    /// What the database may take.
    pub max_bytes: u64,
}

/// One fault of a configuration.
#[derive(Clone, Debug)]
pub struct Fault {
    /// It cannot be used.
    pub is_error: bool,
    /// `config.toml:3: unknown key`.
    pub what: String,
    /// The way out.
    pub help: Option<String>,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where, and why there.
    pub path: PathBuf,
    /// Why there.
    pub origin: Origin,
    /// The file, where there is one.
    pub file: Option<File>,
    /// Its folder, where there is one.
    pub folder: Option<File>,
    /// Files that belong to it and are somebody else's than the folder.
    pub strangers: Vec<File>,
    /// Why it cannot be read, where it cannot.
    pub trouble: Option<Trouble>,
    /// What a look at every page found.
    pub look: Option<Look>,
    /// Bytes that are free where it lies, and all bytes there.
    pub disk: Option<(u64, u64)>,
    /// The copy that was made last, as far as that is known: when, and where.
    pub backup: Option<(Time, PathBuf)>,
}

/// A look at every page of the database.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its format.
    pub format: usize,
    /// The format of this version.
    pub newest_format: usize,
    /// Bytes, its log included.
    pub bytes: u64,
    /// What is wrong, in sentences.
    pub findings: Vec<String>,
}

/// What the database knows of cycles.
#[derive(Clone, Debug)]
pub struct Cycles {
    /// The last one.
    pub last: Option<CycleRow>,
    /// How many were done in the last 24 h.
    pub done: u64,
    /// How many were missed in the last 24 h, the time since the last one included.
    pub missed: u64,
    /// How many were done ever.
    pub ever: u64,
    /// When the oldest sample was taken.
    pub oldest: Option<Time>,
    /// What the cycles of the last 24 h have cost, where that is recorded.
    pub cost: Option<Cost>,
}

/// What cycles cost.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cost {
    /// How many of them were measured.
    pub cycles: usize,
    /// Seconds of CPU of one of them, on average.
    pub cpu: f64,
    /// Bytes of memory at most.
    pub memory: f64,
}

/// What starts cycles.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    /// Crontabs that speak of us.
    pub tabs: Vec<Tab>,
    /// Whether crontabs of all users could be looked at.
    pub saw_all_tabs: bool,
    /// Whether a cron daemon runs.
    pub cron_runs: bool,
    /// Units of systemd that start us.
    pub units: Vec<Unit>,
    /// A process that serves and makes cycles, as in a container, where neither cron nor systemd is.
    pub server: Option<u32>,
    /// Users of this machine.
    pub users: BTreeSet<String>,
    /// Programs of our name that crontabs can find or name.
    pub programs: BTreeSet<PathBuf>,
    /// The program that looks: cron finds it by this path wherever it lies.
    pub own: PathBuf,
    /// Number of the user whose files cron trusts.
    pub root: u32,
}

/// Whose a crontab is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TabKind {
    /// `/etc/crontab`: lines name a user.
    System,
    /// `/etc/cron.d/NAME`: lines name a user.
    Folder,
    /// A user's own: lines name none.
    Personal(String),
}

/// A crontab that speaks of us.
#[derive(Clone, Debug)]
pub struct Tab {
    /// The file.
    pub file: File,
    /// Whose it is.
    pub kind: TabKind,
    /// What it says.
    pub text: String,
}

/// A unit of systemd that starts cycles: a service with its timer, or one that repeats by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The unit to enable: `sippar-mon-check.timer`.
    pub name: String,
    /// The service that it starts.
    pub service: String,
    /// Whether it begins with the system.
    pub is_enabled: bool,
    /// Whether systemd runs it now; none where that cannot be asked.
    pub is_active: Option<bool>,
    /// What timer and service say, with what was added to them.
    pub text: String,
    /// The file of the unit.
    pub path: PathBuf,
}

/// The clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Whether a time server sets it, or why that is not known; none where the machine is not watched.
    pub synchronized: Option<Result<bool, String>>,
    /// Whom its time was compared with, and how many seconds it is ahead, or why not.
    pub compared: Option<(String, Result<f64, String>)>,
}

/// A source, measured just now.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// Readings, and how many of them are known; or why there are none.
    pub outcome: Result<(usize, usize), String>,
    /// Why readings are unknown that should be known, each once.
    pub unknown: Vec<String>,
    /// What it watches fails: a probe without success.
    pub fails: bool,
    /// What a person should know beyond the readings.
    pub why: Option<String>,
}

/// A channel.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Where it goes, without any secret.
    pub to: String,
    /// Whether the last attempt went through; none before the first one.
    pub works: Option<bool>,
    /// Since when each of its destinations has taken something; none while one of them has not.
    pub proven: Option<Time>,
    /// The last attempt that failed: when, and the answer.
    pub failed: Option<(Time, String)>,
}

//! What the machine's files say: whose a file is, who runs cron, which crontabs and units speak of us. All paths are below
//! one root folder, `/` unless somebody looks at another system's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::net::run::{End, Program, run};
use crate::view::doctor::crontab::has_command;
use crate::view::doctor::facts::{File, Starts, Tab, TabKind, Unit};
use crate::world::program;

/// The name of our program.
const NAME: &str = "sippar-mon";

/// Folders of units, those that win first.
const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Folders of programs.
const PROGRAMS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// What systemd-cron brings.
const GENERATOR: &str = "/usr/lib/systemd/system-generators/systemd-crontab-generator";

/// A file of configuration is small; more is not read.
const MOST_BYTES: u64 = 1 << 20;

/// How long another program may take.
const LIMIT: Duration = Duration::from_secs(3);

/// A system below a folder.
pub struct Machine {
    root: PathBuf,
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Machine {
    /// The system below `root`.
    pub fn new(root: &Path) -> Self {
        let mut machine = Self { root: root.to_owned(), users: BTreeMap::new(), groups: BTreeMap::new() };
        machine.users = numbered(&machine.read("/etc/passwd"));
        machine.groups = numbered(&machine.read("/etc/group"));
        machine
    }

    /// A path of that system.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Number of the user who owns the root folder.
    pub fn root_user(&self) -> u32 {
        self.root.metadata().map_or(0, |meta| meta.uid())
    }

    /// Whose a file is; none where it is not there or cannot be looked at.
    pub fn file(&self, path: &Path) -> Option<File> {
        let meta = path.metadata().ok()?;
        let name = |names: &BTreeMap<u32, String>, id: u32| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        Some(File {
            path: path.to_owned(),
            owner: name(&self.users, meta.uid()),
            group: name(&self.groups, meta.gid()),
            uid: meta.uid(),
            mode: meta.mode() & 0o7777,
            bytes: meta.len(),
        })
    }

    /// Whether there is a program that takes mail.
    pub fn has_sendmail(&self) -> bool {
        ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/sendmail"].iter().any(|path| self.path(path).exists())
    }

    /// What starts cycles.
    pub async fn starts(&self) -> Starts {
        let mut tabs = vec![("/etc/crontab".to_owned(), TabKind::System)];
        tabs.extend(self.list("/etc/cron.d").unwrap_or_default().into_iter().map(|path| (path, TabKind::Folder)));
        let mut saw_all_tabs = true;
        for folder in ["/var/spool/cron/crontabs", "/var/spool/cron"] {
            match self.list(folder) {
                Ok(paths) => tabs.extend(paths.into_iter().map(|path| {
                    let user = path.rsplit('/').next().unwrap_or_default().to_owned();
                    (path, TabKind::Personal(user))
                })),
                Err(kind) => saw_all_tabs &= kind == ErrorKind::NotFound,
            }
        }
        let mut tabs: Vec<Tab> = tabs.into_iter().filter_map(|(path, kind)| self.tab(&path, kind)).collect();
        if !saw_all_tabs {
            tabs.extend(self.own_tab().await);
        }
        let programs = self.programs(&tabs);
        Starts {
            tabs,
            saw_all_tabs,
            cron_runs: self.cron_runs(),
            units: self.units().await,
            server: self.server(),
            users: self.users.values().cloned().collect(),
            programs,
            own: program().unwrap_or_else(|| PathBuf::from(NAME)),
            root: self.root_user(),
        }
    }

    /// Whether somebody reads crontabs: a daemon, or systemd-cron, which has none and makes timers of them.
    pub fn cron_runs(&self) -> bool {
        let by_systemd = self.path("/run/systemd/system").is_dir() && self.path(GENERATOR).is_file();
        by_systemd || self.runs(&["cron", "crond", "fcron", "systemd-cron"])
    }

    /// Whether there is a program that would read a crontab.
    pub fn has_cron(&self) -> bool {
        let folders = ["/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        let mut daemons =
            folders.iter().flat_map(|folder| ["cron", "crond", "fcron"].map(|name| format!("{folder}/{name}")));
        let has = |path: &str| self.path(path).is_file();
        self.cron_runs() || has(GENERATOR) || daemons.any(|path| has(&path))
    }

    /// Whether systemd runs a unit now; none where that cannot be asked.
    pub async fn is_active(&self, unit: &str) -> Option<bool> {
        if !self.path("/run/systemd/system").is_dir() {
            return None;
        }
        self.output("systemctl", &["is-active", unit]).await.map(|word| word.trim() == "active")
    }

    fn read(&self, path: &str) -> String {
        let path = self.path(path);
        let is_small = path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MOST_BYTES);
        let bytes = if is_small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The files of a folder, as paths of that system.
    fn list(&self, folder: &str) -> Result<Vec<String>, ErrorKind> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(self.path(folder)).map_err(|error| error.kind())? {
            let entry = entry.map_err(|error| error.kind())?;
            if entry.path().is_file() {
                paths.push(format!("{folder}/{}", entry.file_name().to_string_lossy()));
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// A crontab, if it speaks of us.
    fn tab(&self, path: &str, kind: TabKind) -> Option<Tab> {
        let text = self.read(path);
        let is_ours = text.contains(NAME);
        is_ours.then(|| Some(Tab { file: self.file(&self.path(path))?, kind, text }))?
    }

    /// The crontab of the user who runs this, which its program may read.
    async fn own_tab(&self) -> Option<Tab> {
        let text = self.output("crontab", &["-l"]).await?;
        let uid = rustix::process::geteuid().as_raw();
        let user = self.users.get(&uid).cloned().unwrap_or_else(|| uid.to_string());
        let path = PathBuf::from(format!("/var/spool/cron/crontabs/{user}"));
        let file = File { path, owner: user.clone(), group: String::new(), uid, mode: 0o600, bytes: 0 };
        Some(Tab { file, kind: TabKind::Personal(user), text }).filter(|tab| tab.text.contains(NAME))
    }

    /// Programs of our name, in the usual folders and in those that crontabs name.
    fn programs(&self, tabs: &[Tab]) -> BTreeSet<PathBuf> {
        let words =
            tabs.iter().flat_map(|tab| tab.text.split(|c: char| c.is_whitespace() || matches!(c, '=' | ':' | '"')));
        let named = words.filter(|word| word.starts_with('/'));
        let file = |word: &str| {
            let is_it = word.ends_with(NAME);
            if is_it { PathBuf::from(word) } else { Path::new(word).join(NAME) }
        };
        let all = PROGRAMS.into_iter().chain(named).map(file);
        all.filter(|path| self.path(&path.display().to_string()).is_file()).collect()
    }

    /// Whether a process of one of these names lives.
    fn runs(&self, names: &[&str]) -> bool {
        let Ok(processes) = std::fs::read_dir(self.path("/proc")) else { return false };
        let is_one = |comm: std::io::Result<String>| comm.is_ok_and(|comm| names.contains(&comm.trim()));
        processes.flatten().any(|process| is_one(std::fs::read_to_string(process.path().join("comm"))))
    }

    /// A process that serves and makes cycles.
    fn server(&self) -> Option<u32> {
        let processes = std::fs::read_dir(self.path("/proc")).ok()?.flatten();
        let server = |process: DirEntry| {
            let number = process.file_name().to_str()?.parse().ok()?;
            let words = std::fs::read_to_string(process.path().join("cmdline")).ok()?;
            serves_and_repeats(&words).then_some(number)
        };
        processes.filter_map(server).min()
    }

    /// Units that start cycles: timers of services that check, services that serve and check by themselves.
    async fn units(&self) -> Vec<Unit> {
        let mut texts: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
        for folder in UNITS {
            for path in self.list(folder).unwrap_or_default() {
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                if is_a("service", &name) || is_a("timer", &name) {
                    let text = self.read(&path);
                    texts.entry(name).or_insert_with(|| (self.path(&path), text));
                }
            }
        }
        let mut units = Vec::new();
        for (service, (path, text)) in texts.iter().filter(|(name, _)| is_a("service", name)) {
            if starts(text, "check") {
                for (timer, (path, own)) in texts.iter().filter(|(name, own)| is_timer_of(name, &own.1, service)) {
                    let text = format!("{own}\n{}\n{text}\n{}", self.added(timer), self.added(service));
                    units.push(self.unit(timer, service, text, path).await);
                }
            } else if starts(text, "serve") && starts(text, "--repeat") {
                units.push(self.unit(service, service, text.clone(), path).await);
            }
        }
        units
    }

    /// What was added to a unit (`systemctl edit`).
    fn added(&self, name: &str) -> String {
        let files = UNITS.iter().flat_map(|folder| self.list(&format!("{folder}/{name}.d")).unwrap_or_default());
        files.map(|path| self.read(&path)).collect::<Vec<_>>().join("\n")
    }

    async fn unit(&self, name: &str, service: &str, text: String, path: &Path) -> Unit {
        let wants = ["timers.target.wants", "multi-user.target.wants"];
        let is_enabled = wants.iter().any(|folder| {
            let link = self.path(&format!("/etc/systemd/system/{folder}/{name}"));
            link.symlink_metadata().is_ok()
        });
        let is_active = self.is_active(name).await;
        Unit { name: name.to_owned(), service: service.to_owned(), is_enabled, is_active, text, path: path.to_owned() }
    }

    /// What a program of that system says, however it ends.
    async fn output(&self, name: &str, arguments: &[&str]) -> Option<String> {
        let paths = ["/usr/bin", "/bin"].map(|folder| self.path(&format!("{folder}/{name}")));
        let program = paths.into_iter().find(|path| path.is_file())?;
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let program = Program {
            argv: std::iter::once(program.display().to_string()).chain(arguments).collect(),
            env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned()), ("LC_ALL".to_owned(), "C".to_owned())],
            stdin: None,
            folder: None,
            limit: LIMIT,
            max_output: 64 * 1024,
        };
        let ran = run(&program).await.ok().filter(|ran| matches!(ran.end, End::Exited(_)))?;
        Some(String::from_utf8_lossy(&ran.stdout).into_owned())
    }
}

/// The names in a file like `/etc/passwd`, by number.
fn numbered(text: &str) -> BTreeMap<u32, String> {
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((fields.nth(1)?.parse().ok()?, name.to_owned()))
    };
    // the first name of a number is the one that is shown
    text.lines().rev().filter_map(entry).collect()
}

/// Whether a unit is of that sort.
fn is_a(sort: &str, name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == sort)
}

/// Whether a service runs our program with this word.
fn starts(text: &str, word: &str) -> bool {
    text.lines().filter_map(|line| line.trim().strip_prefix("ExecStart=")).any(|command| {
        let mut words = command.split_whitespace();
        let is_ours = words.next().is_some_and(|program| program.rsplit('/').next() == Some(NAME));
        is_ours && has_command(words, word)
    })
}

/// Whether the words of a process, as the kernel keeps them, are those of a server that makes cycles.
fn serves_and_repeats(words: &str) -> bool {
    let words: Vec<&str> = words.split_terminator('\0').collect();
    starts(&format!("ExecStart={}", words.join(" ")), "serve") && words.contains(&"--repeat")
}

/// Whether the timer `name` starts `service`: it names it, or has its name.
fn is_timer_of(name: &str, text: &str, service: &str) -> bool {
    let Some(stem) = name.strip_suffix(".timer") else { return false };
    let named = text.lines().find_map(|line| line.trim().strip_prefix("Unit="));
    named.map_or_else(|| service == format!("{stem}.service"), |named| named.trim() == service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_units_are_read() {
        let names = numbered("root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nnobody:x:65534:\nbroken\n");
        assert_eq!(names.get(&0).map(String::as_str), Some("root"));
        assert_eq!(names.len(), 2);
        assert!(starts("[Service]\nExecStart=/usr/bin/sippar-mon check\n", "check"));
        assert!(!starts("ExecStart=/usr/bin/sippar-mon serve\n", "check"));
        assert!(!starts("ExecStart=/usr/bin/sippar-mon db check\n", "check"));
        assert!(!starts("ExecStart=/bin/sh -c 'sippar-mon check'\n", "check"));
        assert!(serves_and_repeats("sippar-mon\0serve\0--repeat\0"));
        assert!(serves_and_repeats("/usr/bin/sippar-mon\0--config\0c.toml\0serve\0--repeat\0"));
        assert!(!serves_and_repeats("sippar-mon\0serve\0") && !serves_and_repeats("sippar-mon\0check\0--repeat\0"));
        assert!(!serves_and_repeats(""));
        assert!(
            is_timer_of("a.timer", "[Timer]\n", "a.service") && !is_timer_of("a.timer", "Unit=b.service", "a.service")
        );
    }
}

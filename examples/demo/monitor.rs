//! The monitor itself: the built program, run over and over as cron would.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The time between two looks.
pub const EVERY: Duration = Duration::from_secs(4);

/// The program and the folder of this world.
#[derive(Clone)]
pub struct Monitor {
    program: PathBuf,
    folder: PathBuf,
}

/// The looks, which go on until they are ended.
pub struct Looks {
    more: Sender<()>,
    thread: JoinHandle<()>,
}

impl Looks {
    /// Ends them after the one that is under way, which may have something to tell.
    pub fn end(self) {
        drop(self.more);
        self.thread.join().unwrap();
    }
}

impl Monitor {
    /// Writes the configuration and begins to look; whatever an earlier run left in the folder is forgotten.
    pub fn start(folder: PathBuf, config: &str) -> Result<(Self, Looks), String> {
        let program = program()?;
        let monitor = Self { program, folder };
        monitor.write(config).map_err(|error| format!("{}: {error}", monitor.folder.display()))?;
        let (looking, (more, ended)) = (monitor.clone(), channel());
        let thread = thread::spawn(move || looking.look(&ended));
        Ok((monitor, Looks { more, thread }))
    }

    fn write(&self, config: &str) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("state.db") || name == "config.toml" {
                fs::remove_file(path)?;
            }
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(self.config())?.write_all(config.as_bytes())
    }

    fn config(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.config()).arg("--db").arg(self.folder.join("state.db"));
        command
    }

    /// Looks until nobody wants more; says when the state changes.
    fn look(&self, ended: &Receiver<()>) {
        let mut last = None;
        loop {
            let status = self.command().arg("check").stdin(Stdio::null()).stdout(Stdio::null()).status();
            let code = status.ok().and_then(|status| status.code());
            if code != last {
                println!("  state: {}", word(code));
                last = code;
            }
            if ended.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// What a person types to run a command on this world.
    pub fn line(&self, words: &str) -> String {
        let (program, config) = (self.program.display(), self.config());
        format!("{program} --config {} --db {}/state.db {words}", config.display(), self.folder.display())
    }

    /// Runs a command on this world and shows what it prints.
    pub fn run(&self, words: &str) {
        let ended = self.command().args(words.split_whitespace()).stdin(Stdio::null()).status();
        if let Err(error) = ended {
            println!("  {error}");
        }
    }
}

const fn word(code: Option<i32>) -> &'static str {
    match code {
        Some(0) => "all is well",
        Some(1) => "MEDIUM or HIGH",
        Some(2) => "CRITICAL",
        Some(3) => "something that a rule needs is unknown",
        _ => "sippar-mon is in trouble itself; its words stand above",
    }
}

/// The program that was built beside this one.
fn program() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let built = this.parent().and_then(Path::parent).map(|folder| folder.join("sippar-mon"));
    built.filter(|path| path.is_file()).ok_or_else(|| "first build the program itself: cargo build".to_owned())
}

//! A world for one run of the story: a folder that is home, working folder and place of the database in one.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::http::{HttpFake, Seen};

/// How long a test waits for something that should happen at once, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What most configurations begin with: ticks of a second, nothing that depends on this machine's state, and one
/// value that the test writes ([`World::queue`]).
pub const QUEUE: &str = r#"
[monitor]
interval = "1s"

[sources.system]
enabled = false

[probes.queue.exec]
command = ["/bin/cat", "@queue.prom"]
attempts = 1
timeout = "700ms"

[[rule]]
alert = "PROBE_FAILED"
enabled = false

[[rule]]
alert = "MISSED_CYCLES"
enabled = false

[[rule]]
alert = "QUEUE_LONG"
expr = "queue_depth"
above = { HIGH = 10 }
summary = "{{ value }} are waiting"
"#;

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// What a healthy run without a terminal looks like: only its code speaks.
    pub fn silent(code: i32) -> Self {
        Self { code, out: String::new(), err: String::new() }
    }

    /// Standard output as a JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        // a signal has no code
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A world.
pub struct World {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
    last_tick: Cell<u64>,
}

impl World {
    /// Without a configuration.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, env: Vec::new(), last_tick: Cell::new(0) }
    }

    /// With a configuration; `@name` in it becomes the path of a file of this world.
    pub fn new(config: &str) -> Self {
        let world = Self::empty();
        world.configure(config);
        world
    }

    /// A queue that a rule watches, and whatever channels `more` adds.
    pub fn with_queue(more: &str) -> Self {
        let world = Self::new(&format!("{QUEUE}{more}"));
        world.queue(0);
        world
    }

    /// Writes the configuration, private as one with secrets in it must be.
    pub fn configure(&self, config: &str) {
        let config = config.replace("\"@", &format!("\"{}/", self.folder.path().display()));
        self.write("config.toml", &config, 0o600);
    }

    /// Sets a variable for every run from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// A path in this world.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.path("state.db")
    }

    /// Writes a file, in one step for whoever reads it.
    pub fn write(&self, name: &str, text: &str, mode: u32) {
        let (path, fresh) = (self.path(name), self.path(&format!("{name}.new")));
        fs::write(&fresh, text).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(fresh, path).unwrap();
    }

    /// How long the queue is from now on.
    pub fn queue(&self, depth: u32) {
        self.write("queue.prom", &format!("queue_depth {depth}\n"), 0o644);
    }

    /// The program with these arguments, in this world's folder, with nothing of the test's own environment.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_sippar-mon")), args)
    }

    /// Another program in the same surroundings.
    pub fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
        command.env("SIPPAR_MON_DB", self.database());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end, without a terminal.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Runs one cycle in a tick of its own.
    pub fn check(&self) -> Ran {
        self.next_tick();
        let ran = self.run(&["check"]);
        self.ticked();
        ran
    }

    /// Begins a cycle in a tick of its own, and leaves it to the test how it ends.
    pub fn start_check(&self) -> Running {
        self.next_tick();
        let mut command = self.command(&["check"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        self.ticked();
        Running(Some(child))
    }

    /// Waits for a tick that has seen no check of this world.
    pub fn next_tick(&self) {
        until("the next tick", || second() > self.last_tick.get());
    }

    /// Notes that the present tick has seen a check.
    pub fn ticked(&self) {
        self.last_tick.set(second());
    }

    /// Changes the database by hand, as time or a disk would.
    pub fn change(&self, sql: &str) {
        rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }

    /// Lets the outbox grow older by so many hours, and makes what waits due.
    pub fn wait_hours(&self, hours: u32) {
        let by = i64::from(hours) * 3_600_000;
        self.change(&format!(
            "UPDATE outbox SET created = created - {by}; UPDATE outbox SET due = 0 WHERE state = 'pending';
             UPDATE attempt SET started = started - {by};"
        ));
    }

    /// `status --json`.
    pub fn status(&self) -> Value {
        self.run(&["status", "--json"]).json()
    }

    /// Every path of this world as `@`, so that what is printed can be compared.
    pub fn tidy(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "@")
    }
}

/// A run that goes on; it does not outlive the test.
pub struct Running(Option<Child>);

impl Running {
    /// `kill -9`.
    pub fn kill(mut self) {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let child = self.0.as_ref().unwrap();
        kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    }

    /// Its end.
    pub fn wait(mut self) -> Ran {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl From<Child> for Running {
    fn from(child: Child) -> Self {
        Self(Some(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for something that happens by itself.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A Slack channel at a fake server.
pub fn slack(fake: &HttpFake) -> String {
    format!("[channels.slack.slack]\nwebhook_url = \"{}\"\n", fake.url("/services/T0/B0/key"))
}

/// What Slack was told, a line for each post: the text that a phone shows, and the id at the end of the message.
pub fn told(fake: &HttpFake) -> Vec<String> {
    fake.seen().iter().map(line).collect()
}

fn line(post: &Seen) -> String {
    let json = post.json();
    let text = json["text"].as_str().unwrap_or_default();
    let blocks = json["blocks"].as_array().cloned().unwrap_or_default();
    let footer = blocks.last().and_then(|block| block["elements"][0]["text"].as_str()).unwrap_or_default().to_owned();
    format!("{text} | {}", footer.rsplit(" · ").next().unwrap_or_default())
}

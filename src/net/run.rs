//! Running another program: no shell, an environment of its own, a time limit for it and all its children, capped output.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::text::safe;

/// How long output is still read after the program itself has ended: a child it left behind may hold the pipe open.
const LINGER: Duration = Duration::from_millis(250);

/// What to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments, as they are: no shell reads them.
    pub argv: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub env: Vec<(String, String)>,
    /// The folder it works in; that of this process when `None`.
    pub folder: Option<PathBuf>,
    /// What it finds on its standard input; nothing when `None`.
    pub stdin: Option<Vec<u8>>,
    /// After this time it and its process group are killed.
    pub limit: Duration,
    /// Bytes of standard output, and of standard error, that are kept; the rest is read and thrown away.
    pub max_output: usize,
}

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It was killed at the time limit.
    TimedOut,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// Its standard output, at most `max_output` bytes.
    pub stdout: Vec<u8>,
    /// Its standard error, at most `max_output` bytes.
    pub stderr: Vec<u8>,
    /// Whether something was thrown away.
    pub cut: bool,
    /// Time from start to end.
    pub took: Duration,
}

impl Ran {
    /// The first line it wrote, made harmless: about a failure on its standard error, else on its output.
    pub fn first_line(&self) -> Option<String> {
        let streams = match self.end {
            End::Exited(0) => [&self.stdout, &self.stderr],
            _ => [&self.stderr, &self.stdout],
        };
        let texts = streams.map(|bytes| String::from_utf8_lossy(bytes));
        let line = texts.iter().flat_map(|text| text.lines()).find(|line| !line.trim().is_empty());
        line.map(safe::answer)
    }
}

/// What the environment of every program begins with.
pub fn environment() -> Vec<(String, String)> {
    let pairs = [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Runs `program` to its end or its time limit; an error, in one line, is a program that could not be started.
/// Dropping the future kills the whole process group.
pub async fn run(program: &Program) -> Result<Ran, String> {
    let started = Instant::now();
    let mut child = spawn(program)?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (mut stdout, mut stderr) = (Kept::new(program.max_output), Kept::new(program.max_output));
    let end = {
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let talk = async {
            tokio::join!(feed(pipes.0, program.stdin.as_deref()), stdout.read(pipes.1), stderr.read(pipes.2));
        };
        tokio::time::timeout(program.limit, finish(&mut child, talk, &mut group)).await
    };
    let end = if let Ok(end) = end {
        end?
    } else {
        group.kill();
        let _ = child.wait().await;
        End::TimedOut
    };
    group.release();
    let cut = stdout.cut || stderr.cut;
    Ok(Ran { end, stdout: stdout.bytes, stderr: stderr.bytes, cut, took: started.elapsed() })
}

fn spawn(program: &Program) -> Result<Child, String> {
    let (name, arguments) = program.argv.split_first().ok_or("no program is named")?;
    let stdin = if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut command = Command::new(name);
    if let Some(folder) = &program.folder {
        command.current_dir(folder);
    }
    command
        .args(arguments)
        .env_clear()
        .envs(program.env.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {name}: {error}"))
}

/// Waits for the end while `talk` moves input and output; what the program leaves running is killed if it keeps the
/// pipes open.
async fn finish(child: &mut Child, talk: impl Future<Output = ()>, group: &mut Group) -> Result<End, String> {
    tokio::pin!(talk);
    let status = tokio::select! {
        status = child.wait() => {
            if tokio::time::timeout(LINGER, talk).await.is_err() {
                group.kill();
            }
            status
        }
        () = &mut talk => child.wait().await,
    };
    let status = status.map_err(|error| format!("cannot wait for the program: {error}"))?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    Ok(match (status.code(), signal) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or_default()),
    })
}

/// A program may end without reading its input; that is its choice and no error.
async fn feed(pipe: Option<tokio::process::ChildStdin>, input: Option<&[u8]>) {
    if let (Some(mut pipe), Some(input)) = (pipe, input) {
        let _ = pipe.write_all(input).await;
        let _ = pipe.shutdown().await;
    }
}

/// The first bytes of an output.
struct Kept {
    bytes: Vec<u8>,
    max: usize,
    cut: bool,
}

impl Kept {
    fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max, cut: false }
    }

    async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = vec![0_u8; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            let room = count.min(self.max.saturating_sub(self.bytes.len()));
            self.bytes.extend(buffer.iter().take(room));
            self.cut |= room < count;
        }
    }
}

/// The process group of a running program; killed unless it was released.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        if let Some(pid) = self.0.take() {
            // the group may be gone already: nothing is left to do then
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("GREETING".to_owned(), "hello".to_owned())],
            folder: None,
            stdin: None,
            limit: Duration::from_secs(10),
            max_output: 16,
        }
    }

    async fn ran(program: &Program) -> (End, String, String, bool) {
        let Ran { end, stdout, stderr, cut, took: _ } = run(program).await.unwrap();
        (end, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap(), cut)
    }

    #[tokio::test]
    async fn the_end_and_the_output_are_told() {
        let fed = Program { stdin: Some(b"in".to_vec()), ..shell("cat; echo err >&2") };
        for (program, expected) in [
            (shell("echo $GREETING; exit 3"), (End::Exited(3), "hello\n", "", false)),
            (shell("kill -9 $$"), (End::Signalled(9), "", "", false)),
            (fed, (End::Exited(0), "in", "err\n", false)),
            (shell("printf '%020d' 7"), (End::Exited(0), "0000000000000000", "", true)),
            (shell("echo ${HOME:-nothing inherited}"), (End::Exited(0), "nothing inherite", "", true)),
            (Program { folder: Some("/usr".into()), ..shell("pwd") }, (End::Exited(0), "/usr\n", "", false)),
        ] {
            let (end, stdout, stderr, cut) = expected;
            assert_eq!(ran(&program).await, (end, stdout.to_owned(), stderr.to_owned(), cut), "{:?}", program.argv);
        }
    }

    #[tokio::test]
    async fn a_program_that_ignores_its_input_is_no_error() {
        let program = Program { stdin: Some(vec![b'x'; 1 << 20]), ..shell("exit 0") };
        assert_eq!(ran(&program).await.0, End::Exited(0));
    }

    #[tokio::test]
    async fn the_time_limit_ends_the_children_too() {
        let program = Program { limit: Duration::from_millis(300), ..shell("sleep 600 & echo $!; wait") };
        let ran = run(&program).await.unwrap();
        assert_eq!(ran.end, End::TimedOut);
        assert_gone(&ran.stdout);
    }

    #[tokio::test]
    async fn what_is_left_behind_holding_the_pipe_does_not_hold_us() {
        let ran = run(&shell("sleep 600 & echo $!")).await.unwrap();
        assert_eq!(ran.end, End::Exited(0));
        assert!(ran.took < Duration::from_secs(5), "{:?}", ran.took);
        assert_gone(&ran.stdout);
    }

    #[tokio::test]
    async fn dropping_the_call_ends_the_children_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let program = shell(&format!("sleep 600 & echo $! > {}; wait", path.display()));
        let started = async {
            while !std::fs::read(&path).is_ok_and(|text| text.ends_with(b"\n")) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ran = run(&program) => panic!("ended: {ran:?}"),
            () = started => {}
        }
        assert_gone(&std::fs::read(&path).unwrap());
    }

    /// The process whose number was printed is dead, or a zombie waiting for its new parent.
    fn assert_gone(printed: &[u8]) {
        let pid = String::from_utf8_lossy(printed).trim().to_owned();
        let alive = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        };
        assert!(
            (0..200).any(|_| !alive() || {
                std::thread::sleep(Duration::from_millis(5));
                false
            }),
            "{pid} lives"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_started_is_named() {
        let program = Program { argv: vec!["/nonexistent/tool".to_owned()], ..shell("") };
        let expected = "cannot start /nonexistent/tool: No such file or directory (os error 2)";
        assert_eq!(run(&program).await.unwrap_err(), expected);
        assert_eq!(run(&Program { argv: vec![], ..shell("") }).await.unwrap_err(), "no program is named");
    }
}

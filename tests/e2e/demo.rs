//! The demonstration, played by a script: the fake world breaks, people are told, it is mended, and they are told that too.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long the world may take until it is well; on a busy machine its first looks come too late.
const PATIENCE: Duration = Duration::from_mins(2);

/// Plays a script once all is well, and gives what was printed.
fn play(script: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_sippar-mon"));
    let demo = program.with_file_name("examples").join("demo");
    assert!(demo.is_file(), "build it first: cargo build --example demo");
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(&demo)
        .arg(folder.path().join("world"))
        .env_clear()
        .env("HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut typed, script) = (child.stdin.take().unwrap(), script.to_owned());
    let (well, is_well) = channel();
    let typing = thread::spawn(move || {
        // without the script the end of what is typed ends it
        let in_time = is_well.recv_timeout(PATIENCE).is_ok();
        in_time && typed.write_all(script.as_bytes()).is_ok()
    });
    let (mut printed, mut out) = (BufReader::new(child.stdout.take().unwrap()), String::new());
    while !out.contains("state: all is well") && printed.read_line(&mut out).unwrap() > 0 {}
    let _ = well.send(());
    printed.read_to_string(&mut out).unwrap();
    assert!(typing.join().unwrap(), "it was not well in time: {out}");
    let ended = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && err.is_empty(), "{out}\n{err}");
    out
}

/// Whether `alert list` shows an alert.
fn lists(out: &str, alert: &str) -> bool {
    out.lines().any(|row| row.contains('\t') && row.contains(alert))
}

#[test]
fn the_fake_world_breaks_and_is_told_of() {
    let out = play(
        "\
expect-nothing
work
down
expect [CRITICAL] BACKEND_DOWN: The bridge's backend does not answer
up
expect [CRITICAL] Resolved: BACKEND_DOWN
stuck
expect [HIGH] WITHDRAWAL_STUCK
sent
expect [HIGH] Resolved: WITHDRAWAL_STUCK
errors
expect HIGH_MIGRATION_ERROR_RATE
restart
run alert list --all
quit
",
    );
    assert!(out.contains("there is no expect-nothing; help lists what there is"), "{out}");
    assert!(out.contains("state: CRITICAL"), "{out}");
    for alert in ["BACKEND_DOWN", "WITHDRAWAL_STUCK", "HIGH_MIGRATION_ERROR_RATE"] {
        assert!(lists(&out, alert), "{alert}: {out}");
    }
}

#[test]
fn its_bridge_is_quiet_while_it_is_backed_and_short_is_told_of() {
    let out = play(
        "\
run reserves show --json
short
expect [CRITICAL] UNDER_COLLATERALIZED: Missing in custody: 2.419 ALGO of what ALGO must back
expect [HIGH] RESERVE_CLAIM_DEVIATES
mend
expect [CRITICAL] Resolved: UNDER_COLLATERALIZED
run alert list --all
quit
",
    );
    let (before, after) = out.split_once("2.519 ALGO leave custody").unwrap();
    assert!(before.contains("state: all is well") && !before.contains("\n> "), "{out}");
    assert!(before.contains("\"verdict\": \"backed\""), "{out}");
    assert!(after.contains("state: CRITICAL"), "{out}");
    for alert in ["UNDER_COLLATERALIZED", "OUTFLOW_WITHOUT_BURN", "RESERVE_CLAIM_DEVIATES"] {
        assert!(lists(after, alert), "{alert}: {out}");
    }
}

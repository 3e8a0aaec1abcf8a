//! The demonstration, played by a script: the fake world breaks, people are told, it is mended, and they are told that too.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is broken and mended, and what people must be told of it.
const SCRIPT: &str = "\
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
";

#[test]
fn the_fake_world_breaks_and_is_told_of() {
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
    child.stdin.take().unwrap().write_all(SCRIPT.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{out}\n{err}");
    assert!(out.contains("there is no expect-nothing; help lists what there is"), "{out}");
    assert!(out.contains("state: CRITICAL") && out.contains("state: all is well"), "{out}");
    // what `alert list --all` shows
    for line in ["BACKEND_DOWN", "WITHDRAWAL_STUCK", "HIGH_MIGRATION_ERROR_RATE"] {
        assert!(out.lines().any(|row| row.contains('\t') && row.contains(line)), "{line}: {out}");
    }
}

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{build, collect, net, probe, run, shown, why};
use crate::collect::Report;
use crate::collect::probe::Probe;
use crate::model::time::Time;
use crate::support::skip::root_or_skipped;

fn shell(script: &str) -> Probe {
    probe("exec", &format!("timeout = '5s'\ncommand = ['/bin/sh', '-c', '''{script}''']"))
}

async fn next(script: &str, memory: Option<&serde_json::Value>) -> Report {
    collect(&shell(script), memory, &net(None), Time::from_millis(0)).await
}

#[tokio::test]
async fn what_a_program_prints_is_measured() {
    let script = "echo \"# HELP jobs Waiting.\njobs{queue=\\\"a\\\",probe=\\\"mine\\\"} 3 1395066363000\nage_seconds NaN\
                  \nenv_is{v=\\\"$SIPPAR_MON_PROBE$HOME\\\"} 1\"";
    let report = run(&shell(script)).await;
    assert_eq!(
        shown(&report),
        [
            r#"probe_success{probe="p"} 1"#,
            r#"jobs{probe="p",queue="a"} 3"#,
            r#"age_seconds{probe="p"} NaN"#,
            r#"env_is{probe="p",v="p"} 1"#,
        ]
    );
    let series = json!([["jobs", {"probe": "p", "queue": "a"}], ["age_seconds", {"probe": "p"}], ["env_is", {"probe": "p", "v": "p"}]]);
    assert_eq!(report.memory, Some(json!({ "series": series })));
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_the_rest_is_used() {
    let many = "i=0; while [ $i -lt 1003 ]; do echo \"m$i 1\"; i=$((i+1)); done";
    for (script, used, note) in [
        ("printf 'a 1\\nb\\n'", 1, "1 line is not used: line 2: expected a value"),
        (
            "printf 'probe_success 0\\na 1\\na 2\\n\\377 1\\n{\\n'",
            1,
            "4 lines are not used: line 1: a metric of the monitor itself has this name; line 3: this series was given \
             before; line 4: expected the name of a metric; …",
        ),
        ("echo 'ALERTS 1'", 0, "1 line is not used: line 1: a metric of the monitor itself has this name"),
        (
            many,
            1000,
            "3 lines are not used: line 1001: more than 1000 samples; line 1002: more than 1000 samples; line 1003: more \
             than 1000 samples",
        ),
        // 1 MiB ends within the second line: half of a number is another number
        ("echo 'a 1'; yes ' ' | head -c 1048566; echo 'b 12345'", 1, "the output is longer than 1 MiB"),
    ] {
        let report = run(&shell(script)).await;
        assert_eq!((shown(&report).len(), why(&report)), (used + 1, Some(note)), "{script}");
        assert_eq!(shown(&report)[0], r#"probe_success{probe="p"} 1"#, "{script}");
    }
}

#[tokio::test]
async fn a_failure_tells_how_it_ended_and_what_was_said() {
    for (script, reason) in [
        ("echo 'jobs 3'; exit 3", "exit code 3: jobs 3"),
        ("echo out; echo; printf '\\n\\033[31mno queue\\n' >&2; exit 1", r"exit code 1: \u{1b}[31mno queue"),
        ("exit 2", "exit code 2"),
        ("kill -9 $$", "ended by signal 9"),
    ] {
        let report = run(&shell(script)).await;
        assert_eq!(shown(&report), [r#"probe_success{probe="p"} 0"#], "no sample of a failed run is used");
        assert_eq!(why(&report), Some(reason));
    }
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let script = format!("sleep 600 & echo $! > {}; yes", pids.display());
    let probe = Probe { timeout: Duration::from_millis(300), ..shell(&script) };
    let report = run(&probe).await;
    assert_eq!(why(&report), Some("killed after 300 ms: y"), "the flood of output is no hindrance");
    let child = std::fs::read_to_string(pids).unwrap();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
    let gone = || stat().is_empty() || stat().contains(") Z ");
    for _ in 0..200 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("process {child} lives");
}

#[tokio::test]
async fn series_of_a_program_that_fails_are_unknown_and_only_silence_makes_them_gone() {
    let good = next("printf 'a 1\\nb 2\\n'", None).await;
    let failed = next("exit 3", good.memory.as_ref()).await;
    let unknown = [r#"probe_success{probe="p"} 0"#, r#"a{probe="p"} - exit code 3"#, r#"b{probe="p"} - exit code 3"#];
    assert_eq!(shown(&failed), unknown);
    assert_eq!(shown(&next("exit 3", failed.memory.as_ref()).await), unknown, "also at the second failure");

    let partial = next("printf 'a 1\\nb x\\n'", failed.memory.as_ref()).await;
    let note = "1 line is not used: line 2: the value is not a number";
    let want = [
        r#"probe_success{probe="p"} 1"#.to_owned(),
        r#"a{probe="p"} 1"#.to_owned(),
        format!(r#"b{{probe="p"}} - {note}"#),
    ];
    assert_eq!(shown(&partial), want);

    let whole = next("echo a 1", partial.memory.as_ref()).await;
    assert_eq!(shown(&whole), want[..2]);
    assert_eq!(whole.memory, Some(json!({"series": [["a", {"probe": "p"}]]})));
}

#[tokio::test]
async fn a_program_that_others_can_change_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let tool = dir.path().join("tool");
    std::fs::write(&tool, "").unwrap();
    let set = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let text = format!("[probes.p.exec]\nattempts = 1\ncommand = ['{}']", tool.display());
    let shown = tool.display();

    set(&tool, 0o755);
    let probe = build(&text).unwrap().remove(0);
    let changed = format!("{shown} can be changed by others than its owner");
    let replaced = format!("{shown} can be replaced by anybody who can write to {}", dir.path().display());
    let unfit = format!("{shown} is not an executable file");
    let safe = "take the right to write from others: chmod go-w";
    for (folder, file, reason, help) in [
        (0o700, 0o757, &changed, safe),
        (0o700, 0o775, &changed, safe),
        (0o777, 0o755, &replaced, safe),
        (0o700, 0o644, &unfit, "until then the probe fails"),
    ] {
        set(dir.path(), folder);
        set(&tool, file);
        assert_eq!(why(&run(&probe).await), Some(reason.as_str()));
        assert_eq!(build(&text).unwrap_err(), [format!("['{shown}'] | {reason} | {help}")]);
    }
    set(&tool, 0o755);
    set(dir.path(), 0o1777);
    assert!(build(&text).is_ok(), "nobody can replace a file in a sticky folder");
}

#[tokio::test]
async fn a_program_of_another_user_is_not_run_and_what_it_watches_is_unknown() {
    if !root_or_skipped("give files away") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let tool = dir.path().join("tool");
    std::fs::write(&tool, format!("#!/bin/sh\ntouch {}/ran\n", dir.path().display())).unwrap();
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    let shown = tool.display();
    let text = format!("[probes.p.exec]\ncommand = ['{shown}']");
    let probe = build(&text).unwrap().remove(0);
    std::os::unix::fs::chown(&tool, Some(65534), None).unwrap();
    let why = format!("{shown} belongs to user 65534, who could change what root runs");
    let remark = format!("['{shown}'] | {why} | chown root {shown}; until then it is not run");
    assert_eq!(build(&text).unwrap_err(), [remark]);
    let report = run(&probe).await;
    assert_eq!(report.readings.unwrap_err().as_str(), why);
    assert!(!dir.path().join("ran").exists());

    std::os::unix::fs::chown(&tool, Some(0), None).unwrap();
    assert!(run(&probe).await.readings.is_ok() && dir.path().join("ran").exists());
}

//! The shipped ways of being started: the systemd units as systemd itself judges them, the crontab line, the container.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The units, with the line that starts each of them.
const UNITS: [(&str, &str); 3] = [
    ("sippar-mon-check.service", "ExecStart=sippar-mon check --repeat"),
    ("sippar-mon-check.timer", "Unit=sippar-mon-check.service"),
    ("sippar-mon-serve.service", "ExecStart=sippar-mon serve --env-file /etc/sippar-mon/env"),
];

/// What `systemd-analyze security` may count, in tenths.
const MOST_EXPOSURE: &str = "20";

fn example(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

/// The units in a folder of their own. The program stands in for itself by its path: here it is not installed.
fn laid_out(folder: &Path) -> Vec<PathBuf> {
    let program = format!("ExecStart={}", env!("CARGO_BIN_EXE_sippar-mon"));
    let lay = |(name, line): &(&str, &str)| {
        let text = example(&format!("systemd/{name}"));
        assert!(text.lines().any(|have| have == *line), "{name} has no line {line}");
        fs::write(folder.join(name), text.replace("ExecStart=sippar-mon", &program)).unwrap();
        folder.join(name)
    };
    UNITS.iter().map(lay).collect()
}

fn analyze(arguments: &[&str], unit: &Path) -> (bool, String) {
    let Output { status, stdout, stderr } = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output()
        .expect("systemd-analyze is missing: install Debian's package systemd");
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_accepts_the_units_and_finds_them_closed() {
    let folder = tempfile::tempdir().unwrap();
    for unit in laid_out(folder.path()) {
        // what it does not know it only mentions
        assert_eq!(analyze(&["verify", "--man=no"], &unit), (true, String::new()), "{}", unit.display());
        if unit.extension().is_some_and(|extension| extension == "service") {
            let limit = format!("--threshold={MOST_EXPOSURE}");
            let (is_closed, text) = analyze(&["security", "--offline=true", "--no-pager", &limit], &unit);
            assert!(is_closed && text.contains("Overall exposure level"), "{text}");
        }
    }
}

#[test]
fn the_timer_is_punctual_and_states_are_no_failures() {
    let has = |name: &str, line: &str| {
        assert!(example(name).lines().any(|have| have == line), "{name}: {line}");
    };
    has("systemd/sippar-mon-check.timer", "OnCalendar=minutely");
    has("systemd/sippar-mon-check.timer", "AccuracySec=1s");
    has("systemd/sippar-mon-check.timer", "OnActiveSec=1s");
    has("systemd/sippar-mon-check.service", "SuccessExitStatus=1 2 3");
    // neither an installation nor an upgrade waits for the end of a minute
    has("systemd/sippar-mon-check.service", "Type=exec");
    // both services are closed alike
    let closed = |name: &str| {
        let text = example(name);
        let from = text.find("CapabilityBoundingSet=").unwrap();
        text[from..].lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = closed("systemd/sippar-mon-check.service");
    assert!(lines.len() > 20, "{lines:?}");
    assert_eq!(lines, closed("systemd/sippar-mon-serve.service"));
}

#[test]
fn the_crontab_is_one_that_cron_reads_to_its_end() {
    let text = example("cron.d/sippar-mon");
    assert!(text.ends_with('\n'));
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            "MAILTO=root",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "* * * * * sippar-mon sippar-mon check --repeat --env-file /etc/sippar-mon/env",
        ]
    );
}

#[test]
fn a_container_is_built_without_what_is_built_outside_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = |name: &str| {
        let text = fs::read_to_string(root.join(name)).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.trim_start_matches('/').to_owned()).collect::<Vec<_>>()
    };
    let ignored = lines(".dockerignore");
    assert_eq!(ignored, [vec![".git".to_owned()], lines(".gitignore")].concat());
}

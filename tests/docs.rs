//! The documents say what is true: links lead somewhere, examples load, tables agree with the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sippar-mon");

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Runs the program in an empty home with a nearly empty environment.
fn run(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(PROGRAM)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("HOME", home.path())
        .env("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x")
        .output()
        .unwrap()
}

/// The blocks of Markdown fenced as `language`.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let text = read("README.md");
    let links: Vec<&str> = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 5);
    for link in links.into_iter().filter(|link| !link.starts_with("http")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(), "{link}");
    }
}

#[test]
fn examples_and_the_readmes_configuration_load() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec!["examples/minimal.toml".to_owned()];
    for (at, block) in blocks(&read("README.md"), "toml").into_iter().enumerate() {
        let path = folder.path().join(format!("{at}.toml"));
        std::fs::write(&path, block).unwrap();
        files.push(path.display().to_string());
    }
    assert!(files.len() > 1);
    for file in files {
        let output = run(&["--config", &file, "check", "--dry-run"]);
        let code = output.status.code().unwrap();
        assert!(code <= 3, "{file}: {code}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_commands_in_the_readme_exist() {
    let text = read("README.md");
    let shell = blocks(&text, "sh").concat();
    let lines = shell.lines().filter_map(|line| line.split("cargo run --release -- ").nth(1));
    let lines: Vec<&str> = lines.map(|line| line.split('#').next().unwrap().trim()).collect();
    assert_eq!(lines, ["check", "status --all", "alert test"]);
    for line in lines {
        let words: Vec<&str> = line.split(' ').chain(["--help"]).collect();
        assert_eq!(run(&words).status.code(), Some(0), "{line}");
    }
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let text = read("README.md");
    for code in ["64", "65", "69", "70", "73", "74", "75", "77", "78"] {
        let stands = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|word| word == code);
        assert!(stands(&help) && stands(&text), "{code}");
    }
}

#[test]
fn every_shipped_rule_is_in_the_readme() {
    let text = read("README.md");
    let rules = read("src/rules/shipped.toml");
    let names: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix("alert")?.split('"').nth(1)).collect();
    assert_eq!(names.len(), 11, "README says how many there are");
    for name in names {
        assert!(text.contains(name), "{name}");
    }
}

//! The documents say what is true: links lead somewhere, examples load, tables agree with the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

#[path = "docs/examples.rs"]
mod examples;
#[path = "docs/keys.rs"]
mod keys;
#[path = "docs/licences.rs"]
mod licences;
#[path = "docs/man.rs"]
mod man;
#[path = "docs/package.rs"]
mod package;
#[path = "docs/pages.rs"]
mod pages;

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
        .env("SMTP_PASS", "x")
        .output()
        .unwrap()
}

/// The blocks of Markdown fenced as `language`.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
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

/// Without asking anybody: it names real hosts.
#[test]
fn the_configuration_of_the_real_bridge_has_no_fault() {
    let output = run(&["--config", "examples/sippar.toml", "rules", "check"]);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.code() == Some(0) && !said.contains("-->"), "{said}");
    // every table and key has its word: a comment stands before each group of lines
    let text = read("examples/sippar.toml");
    for group in text.split("\n\n").filter(|group| group.lines().any(|line| !line.starts_with('#'))) {
        assert!(group.lines().any(|line| line.starts_with("# ")), "{group}");
    }
}

#[test]
fn the_example_of_a_rule_passes_its_tests_and_is_the_readmes() {
    let file = "examples/rules.d/machine.toml";
    let output = run(&["rules", "test", file]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let shown = blocks(&read("README.md"), "text").into_iter().find(|block| block.starts_with("[[test]]")).unwrap();
    assert!(read(file).contains(&shown), "README shows another test than {file}");
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

/// `code text` of the tool's own troubles, as `64 usage`, in the order of the codes.
fn troubles(text: &str) -> Vec<String> {
    let from = text.find("64 ").unwrap();
    let until = text[from..].find("78 configuration").unwrap() + "78 configuration".len();
    let words: Vec<&str> = text[from..from + until].split_whitespace().filter(|word| *word != "·").collect();
    let mut found: Vec<String> = Vec::new();
    for word in words {
        match found.last_mut().filter(|_| word.parse::<u8>().is_err()) {
            Some(last) => *last = format!("{last} {word}"),
            None => found.push(word.to_owned()),
        }
    }
    found
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert_eq!(troubles(&read("README.md")), troubles(&help));
    assert_eq!(troubles(&help).len(), 9);
}

#[test]
fn the_table_of_commands_names_what_exists() {
    let text = read("README.md");
    let table = text.split("## Commands").nth(1).unwrap().split("##").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() >= 6);
    for row in rows {
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let (flags, commands): (Vec<&str>, Vec<&str>) = quoted.iter().partition(|words| words.starts_with("--"));
        let mut helps = String::new();
        for command in commands {
            // arguments are written in capitals
            let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
            let words: Vec<&str> = command.split(' ').take_while(is_name).chain(["--help"]).collect();
            let output = run(&words);
            assert_eq!(output.status.code(), Some(0), "{command}");
            helps.push_str(&String::from_utf8(output.stdout).unwrap());
        }
        for flag in flags {
            let name = flag.split(' ').next().unwrap();
            assert!(helps.split_whitespace().any(|word| word == name), "{row}: {name}");
        }
    }
}

#[test]
fn the_crontabs_call_what_exists() {
    let mut count = 0;
    for page in ["README.md", "examples/cron.d/sippar-mon"] {
        let text = read(page);
        for line in text.lines().filter(|line| line.contains("* * * * *")) {
            let arguments = line.rsplit("sippar-mon check").next().unwrap().split_whitespace();
            let flags = arguments.filter(|word| word.starts_with("--"));
            let words: Vec<&str> = ["check"].into_iter().chain(flags).collect();
            let help = String::from_utf8(run(&["check", "--help"]).stdout).unwrap();
            for flag in &words[1..] {
                assert!(help.split_whitespace().any(|word| word == *flag), "{page}: {flag}");
            }
            count += 1;
        }
    }
    assert_eq!(count, 3);
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let reasons = read("docs/decisions/0001-dependencies.md");
    for section in ["[dependencies]\n", "[dev-dependencies]\n"] {
        let lines = manifest.split(section).nth(1).unwrap().lines();
        for line in lines.take_while(|line| !line.starts_with('[')) {
            let Some((name, _)) = line.split_once(" = ") else { continue };
            let is_named =
                reasons.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').any(|word| word == name);
            assert!(is_named, "{name} stands in Cargo.toml and has no reason in docs/decisions");
        }
    }
}

#[test]
fn every_shipped_rule_is_in_the_readme() {
    let text = read("README.md");
    let rules = read("src/rules/shipped.toml");
    let names: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix("alert")?.split('"').nth(1)).collect();
    assert!(names.len() >= 16, "{names:?}");
    for name in names {
        assert!(text.contains(name), "{name}");
    }
}

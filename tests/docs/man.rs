//! The man pages are those of the command line, and what a shell completes is too.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{PROGRAM, read, run};

/// The pages of commands in a folder.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|section| section == "1"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    pages.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_man_pages_are_those_of_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sippar-mon-gone.1"), "a command that is no more").unwrap();
    let ran = run(&["man", folder.path().to_str().unwrap()]);
    assert_eq!((ran.status.code(), ran.stdout, ran.stderr), (Some(0), Vec::new(), Vec::new()));
    let (now, kept) = (pages(folder.path()), pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man")));
    let names = now.keys().chain(kept.keys());
    let stale: Vec<&String> = names.filter(|name| now.get(*name) != kept.get(*name)).collect();
    assert!(stale.is_empty(), "{stale:?} are not those of the command line; write them anew: {PROGRAM} man man");
    assert!(now.len() > 40 && now["sippar-mon.1"].contains("sippar\\-mon\\-check(1)"), "{:?}", now.keys());
}

#[test]
fn what_man_pages_refer_to_exists() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap().replace('\\', "");
        for section in ["1", "5", "7"] {
            // `name(1)` of a generated page, and `.BR name (1)` of one that is written by hand
            let text = text.replace(&format!(" ({section})"), &format!("({section})"));
            for (at, _) in text.match_indices(&format!("({section})")) {
                let name = text[..at].rsplit(|c: char| c.is_whitespace() || c == '"').next().unwrap();
                let page = folder.join(format!("{name}.{section}"));
                assert!(name.is_empty() || page.exists(), "{}: {name}({section})", path.display());
            }
        }
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run(&["completions", shell]);
        let script = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(ran.status.code(), Some(0));
        for word in ["sippar-mon", "unsilence", "backtest", "ignore-acked"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

/// bash takes the script, and completes with it.
#[test]
fn bash_completes() {
    let script = String::from_utf8(run(&["completions", "bash"]).stdout).unwrap();
    let ask = "COMP_WORDS=(sippar-mon alert unsil); COMP_CWORD=2; _sippar__mon sippar-mon unsil alert; echo \"${COMPREPLY[@]}\"";
    let child = Command::new("bash").args(["--norc", "-c", &format!("{script}\n{ask}")]).stdin(Stdio::null()).output();
    let output = child.unwrap();
    assert_eq!((String::from_utf8(output.stdout).unwrap().as_str(), output.stderr.len()), ("unsilence\n", 0));
}

/// `mandoc -Tlint` has nothing to say about a page, whoever wrote it.
#[test]
#[ignore = "needs mandoc, which .ci/run installs"]
fn man_pages_pass_mandoc() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let pages = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let output = Command::new("mandoc").args(["-Tlint", "-Wstyle"]).args(pages).output();
    let output = output.expect("mandoc is missing: apt-get install mandoc");
    assert_eq!(String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), "");
}

/// A page names no other version of the program than this one.
#[test]
fn man_pages_are_of_this_version() {
    let wanted = format!("\"sippar\\-mon {}\"", env!("CARGO_PKG_VERSION"));
    for page in ["man/sippar-mon-config.5", "man/sippar-mon-rules.7"] {
        assert!(read(page).contains(&wanted), "{page}: {wanted}");
    }
}

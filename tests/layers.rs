//! The house keeps its shape: who may name whom, how long a file may be, and what no file may hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

#[path = "layers/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use source::{Source, Token, is};

/// Who may name whom. A room that is not in the table fails the test.
const TABLE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("cli", &[]),
    ("text", &["model"]),
    ("world", &["model"]),
    ("net", &["model", "text"]),
    ("alert", &ISLAND),
    ("bridge", &ISLAND),
    ("import", &ISLAND),
    ("notify", &ISLAND),
    ("rules", &ISLAND),
    ("store", &ISLAND),
    ("collect", &["model", "text", "net", "bridge"]),
    ("config", &ABOVE_ISLANDS),
    ("replay", &ABOVE_CONFIG),
    ("view", &ABOVE_CONFIG),
    ("cycle", &ABOVE_CONFIG),
    ("output", &ABOVE_VIEW),
    ("serve", &ABOVE_VIEW),
    ("cmd", &["*"]),
    ("main", &["*"]),
];
const ISLAND: [&str; 3] = ["model", "text", "net"];
const ABOVE_ISLANDS: [&str; 10] =
    ["model", "text", "net", "world", "alert", "bridge", "collect", "notify", "rules", "store"];
const ABOVE_CONFIG: [&str; 11] =
    ["model", "text", "net", "world", "alert", "bridge", "collect", "notify", "rules", "store", "config"];
const ABOVE_VIEW: [&str; 12] =
    ["model", "text", "net", "world", "alert", "bridge", "collect", "notify", "rules", "store", "config", "view"];

/// Lines of a file, not counting its tests.
const MOST_LINES: usize = 350;

struct File {
    /// `src/rules/mod.rs`
    name: String,
    /// The modules above its content: `["rules"]` for `src/rules/mod.rs`, `["rules", "rule"]` for `src/rules/rule.rs`.
    module: Vec<String>,
    text: String,
    source: Source,
}

fn file(name: &str, text: &str) -> File {
    let module = name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    File {
        name: name.to_owned(),
        module: module.split('/').map(str::to_owned).collect(),
        text: text.to_owned(),
        source: source::read(text),
    }
}

/// Every file of `src` that is compiled into the program.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let read = |path: &PathBuf| file(&name(path), &std::fs::read_to_string(path).unwrap());
    let all: Vec<File> = paths.iter().map(read).collect();
    let is_test = |file: &File| {
        all.iter().any(|other| {
            other
                .source
                .test_modules
                .iter()
                .any(|test| file.module.starts_with(&[&other.module[..], std::slice::from_ref(test)].concat()))
        })
    };
    let tests: BTreeSet<&str> = all.iter().filter(|file| is_test(file)).map(|file| file.name.as_str()).collect();
    let tests: BTreeSet<String> = tests.into_iter().map(str::to_owned).collect();
    all.into_iter().filter(|file| !tests.contains(&file.name)).collect()
}

/// The rooms that a file names by `crate::…`, or by a `super::…` that leaves its own room.
fn named(file: &File) -> BTreeSet<String> {
    let tokens = &file.source.tokens;
    let mut rooms = BTreeSet::new();
    for at in 0..tokens.len() {
        let begins = at == 0 || tokens[at - 1].text != "::";
        let ups = tokens[at..].chunks(2).take_while(|pair| is(pair, &["super", "::"])).count();
        if begins && is(&tokens[at..], &["crate", "::"]) {
            rooms.extend(heads(&tokens[at + 2..]));
        } else if begins && ups > 0 && ups >= file.module.len() {
            rooms.extend(heads(&tokens[at + 2 * ups..]));
        }
    }
    rooms
}

/// The first segments of a path: one word, or those of a group in braces.
fn heads(tokens: &[Token]) -> Vec<String> {
    if tokens.first().is_none_or(|token| token.text != "{") {
        return tokens.first().map(|token| token.text.clone()).into_iter().collect();
    }
    let mut heads = Vec::new();
    let mut depth = 0;
    for pair in tokens.windows(2) {
        match pair[0].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(pair[0].text.as_str(), "{" | ",") && pair[1].text != "}" {
            heads.push(pair[1].text.clone());
        }
    }
    heads
}

fn breaches(file: &File) -> Vec<String> {
    let room = &file.module[0];
    let Some((_, may)) = TABLE.iter().find(|(name, _)| name == room) else {
        return vec![format!("{}: the room `{room}` has no row in the table of tests/layers.rs", file.name)];
    };
    let fits = |other: &str| other == room || may.contains(&"*") || may.contains(&other);
    let bad = named(file).into_iter().filter(|other| !fits(other));
    bad.map(|other| format!("{} must not name crate::{other}", file.name)).collect()
}

/// Attributes that silence a lint must say why; `dbg!` and notes to oneself stay at home.
fn untidy(file: &File) -> Vec<String> {
    let tokens = &file.source.tokens;
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let line = tokens[at].line;
        let silences = ["allow", "expect"].iter().any(|word| is(&tokens[at..], &[word, "("]));
        if silences && at > 0 && matches!(tokens[at - 1].text.as_str(), "[" | ",") && in_attribute(&tokens[..at]) {
            let inside = tokens[at..].iter().take_while(|token| token.text != "]");
            if !inside.into_iter().any(|token| token.text == "reason") {
                found.push(format!("{}:{line}: silences a lint without a reason", file.name));
            }
        }
        if is(&tokens[at..], &["dbg", "!"]) {
            found.push(format!("{}:{line}: dbg!", file.name));
        }
    }
    for (at, line) in file.text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        if let Some(word) = words.find(|word| ["TODO", "FIXME", "XXX"].contains(word)) {
            found.push(format!("{}:{}: {word}", file.name, at + 1));
        }
    }
    found
}

fn in_attribute(before: &[Token]) -> bool {
    let open = before.iter().rposition(|token| token.text == "[").unwrap_or_default();
    open > 0 && matches!(before[open - 1].text.as_str(), "#" | "!")
}

fn tell(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn a_room_names_only_what_is_below_it() {
    tell(&files().iter().flat_map(breaches).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let long = |file: &File| {
        let lines = file.source.lines;
        (lines > MOST_LINES).then(|| format!("{}: {lines} lines without its tests, at most {MOST_LINES}", file.name))
    };
    tell(&files().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_lying_about() {
    tell(&files().iter().flat_map(untidy).collect::<Vec<_>>());
}

#[test]
fn breaches_are_seen() {
    let text = r#"
        //! crate::store in a comment
        use crate::{store::{self, Row}, model::time::Time, text};
        use super::super::cycle;
        use super::ladder;
        const A: &str = "crate::notify"; const B: char = '"'; const C: &str = r"crate::view";
        fn f<'a>(x: &'a crate::output::Screen) { super::inner::f(); dbg!(x) }
        #[allow(dead_code)]
        #[allow(unused, reason = "shown")]
        fn g() {} // TODO: later
        #[cfg(test)]
        mod tests {
            use crate::cmd;
        }
        #[cfg(test)]
        mod cases;
        fn h() { crate::config::load() }
    "#;
    let file = file("src/rules/rule.rs", text);
    assert_eq!(
        breaches(&file),
        ["config", "cycle", "output", "store"].map(|room| format!("src/rules/rule.rs must not name crate::{room}"))
    );
    assert_eq!(
        untidy(&file),
        [
            "src/rules/rule.rs:7: dbg!",
            "src/rules/rule.rs:8: silences a lint without a reason",
            "src/rules/rule.rs:10: TODO"
        ]
    );
    assert_eq!((file.source.lines, file.source.test_modules), (12, vec!["cases".to_owned()]));
    assert_eq!(
        breaches(&self::file("src/attic/mod.rs", "")),
        ["src/attic/mod.rs: the room `attic` has no row in the table of tests/layers.rs"]
    );
}

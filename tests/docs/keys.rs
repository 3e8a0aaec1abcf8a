//! Every key of the configuration is described, with its default, and no other: `config.toml.example`, which a test of the
//! program holds to the code, is the list.

use std::collections::{BTreeMap, BTreeSet};

use super::read;

/// Keys by `[table] key`, each with the default that the example shows, if any.
type Keys = BTreeMap<String, Option<String>>;

/// The table as the documents name it: what people may choose is NAME.
fn table(head: &str) -> String {
    let (open, close) = if head.starts_with("[[") { ("[[", "]]") } else { ("[", "]") };
    let mut parts: Vec<&str> = head.trim_matches(['[', ']']).split('.').collect();
    if let ["probes" | "channels", name, _] | ["sources", "icp", "canisters", name] | ["responses", name] =
        &mut parts[..]
    {
        *name = "NAME";
    }
    format!("{open}{}{close}", parts.join("."))
}

/// The keys of the example, without those of later versions.
fn example() -> Keys {
    let (mut keys, mut here) = (Keys::new(), String::new());
    for line in read("config.toml.example").lines() {
        let toml = line.strip_prefix("#+ ").or_else(|| line.strip_prefix('#')).unwrap_or(line);
        if toml.starts_with('[') && toml.ends_with(']') {
            here = table(toml);
        } else if let Some((key, value)) = toml.split_once(" = ").filter(|(key, _)| is_key(key)) {
            let is_default = line.starts_with('#') && !line.starts_with("#+");
            let default = keys.entry(format!("{here} {key}")).or_default();
            *default = default.take().or_else(|| is_default.then(|| value.to_owned()));
        }
    }
    keys
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The rows of docs/configuration.md with the cell of the default.
fn documented() -> BTreeMap<String, String> {
    let (mut rows, mut here) = (BTreeMap::new(), String::new());
    for line in read("docs/configuration.md").lines() {
        if let Some(head) = line.strip_prefix("## ") {
            head.clone_into(&mut here);
        } else if let Some(cells) = line.strip_prefix("| `").filter(|_| here.starts_with('[')) {
            let mut cells = cells.split(" | ");
            let key = cells.next().unwrap().trim_end_matches('`');
            rows.insert(format!("{here} {key}"), cells.nth(1).unwrap().to_owned());
        }
    }
    rows
}

#[test]
fn every_key_is_in_the_reference_and_no_other() {
    let (example, documented) = (example(), documented());
    let (wanted, found): (BTreeSet<_>, BTreeSet<_>) = (example.keys().collect(), documented.keys().collect());
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "docs/configuration.md has no row for {missing:?}");
    let idle: Vec<_> = found.difference(&wanted).collect();
    assert!(idle.is_empty(), "docs/configuration.md has rows for what is not in config.toml.example: {idle:?}");
    assert!(wanted.len() > 150, "{}", wanted.len());
}

#[test]
fn the_reference_has_the_defaults_of_the_example() {
    let documented = documented();
    for (key, default) in example() {
        let cell = &documented[&key];
        match default {
            // words instead of a value say how the default comes about
            Some(default) if cell.starts_with('`') => assert_eq!(*cell, format!("`{default}`"), "{key}"),
            Some(_) => assert!(!["required", "none"].contains(&cell.as_str()), "{key}: {cell}"),
            None => assert!(!cell.starts_with('`'), "{key} has no default in the example: {cell}"),
        }
    }
}

#[test]
fn the_man_page_of_the_configuration_has_every_key() {
    let (mut found, mut here) = (BTreeSet::new(), String::new());
    for line in read("man/sippar-mon-config.5").replace("\\-", "-").lines() {
        if let Some(head) = line.strip_prefix(".SS ") {
            head.trim_matches('"').clone_into(&mut here);
        } else if let Some(key) = line.strip_prefix(".BR ").filter(|_| !here.is_empty()) {
            found.insert(format!("{here} {}", key.split(' ').next().unwrap()));
        } else if line.starts_with(".SH") {
            here.clear();
        }
    }
    assert_eq!(found, example().into_keys().collect());
}

/// Whoever reads a page at night types the key that it names: `[table] key`.
#[test]
fn keys_that_pages_name_exist() {
    let known = example();
    let tables: BTreeSet<&str> = known.keys().filter_map(|key| key.rsplit_once(' ')).map(|(table, _)| table).collect();
    let mut count = 0;
    for name in
        ["README.md", "docs/monitoring-guide.md", "docs/runbook.md", "docs/security.md", "docs/troubleshooting.md"]
    {
        let page = read(name);
        let quoted =
            page.split('`').skip(1).step_by(2).filter(|words| words.starts_with('[') && words.ends_with(is_word));
        for words in quoted.map(|words| words.split_whitespace().collect::<Vec<_>>()) {
            let [head, keys @ ..] = &words[..] else { continue };
            let head = table(head);
            // `[channels]` stands for all the tables in it
            let is_known = tables.iter().any(|table| table.starts_with(head.trim_end_matches(']')));
            // [[test]] stands in files of rules, [Timer] in units
            let is_other = head.ends_with(".KIND]") || ["[[test]]", "[Timer]"].contains(&head.as_str());
            assert!(is_known || is_other, "{name}: there is no table {head}");
            for key in keys.iter().map(|key| format!("{head} {key}")) {
                assert!(known.contains_key(&key), "{name}: there is no key {key}");
                count += 1;
            }
        }
    }
    assert!(count > 15, "only {count} were found");
}

/// The end of a key or of the table that it stands in.
fn is_word(c: char) -> bool {
    c.is_ascii_lowercase() || c == '_' || c == ']'
}

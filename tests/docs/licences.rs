//! Every package in the tree, that of tests included, has a licence that deny.toml allows, and comes from where it says.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::read;

/// `deny.toml` as a value.
fn deny() -> toml::Table {
    read("deny.toml").parse().unwrap()
}

fn list(table: &str, key: &str) -> BTreeSet<String> {
    let list = deny()[table][key].as_array().unwrap().clone();
    list.iter().map(|entry| entry.as_str().unwrap().to_owned()).collect()
}

fn packages() -> Vec<Value> {
    // what is only for other platforms was not fetched to build this, and is fetched now
    let arguments = ["metadata", "--format-version", "1", "--locked"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether an SPDX expression can be met by the licences of `allowed`; those used are put into `used`. A slash is how
/// older packages write OR.
fn is_met(expression: &str, allowed: &BTreeSet<String>, used: &mut BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = either(&mut rest, allowed, used);
    assert!(rest.is_empty(), "{expression} cannot be read");
    met
}

/// Parts with OR between them.
fn either(rest: &mut &[&str], allowed: &BTreeSet<String>, used: &mut BTreeSet<String>) -> bool {
    let mut met = both(rest, allowed, used);
    while let ["OR", behind @ ..] = rest {
        *rest = behind;
        met |= both(rest, allowed, used);
    }
    met
}

/// Parts with AND between them, which binds closer.
fn both(rest: &mut &[&str], allowed: &BTreeSet<String>, used: &mut BTreeSet<String>) -> bool {
    let mut met = one(rest, allowed, used);
    while let ["AND", behind @ ..] = rest {
        *rest = behind;
        met &= one(rest, allowed, used);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>, used: &mut BTreeSet<String>) -> bool {
    if let ["(", behind @ ..] = rest {
        *rest = behind;
        let met = either(rest, allowed, used);
        assert_eq!(rest.first(), Some(&")"));
        *rest = &rest[1..];
        return met;
    }
    let (licence, behind) = match rest {
        [licence, "WITH", exception, behind @ ..] => (format!("{licence} WITH {exception}"), behind),
        [licence, behind @ ..] => ((*licence).to_owned(), behind),
        [] => (String::new(), &rest[..0]),
    };
    *rest = behind;
    let met = allowed.contains(&licence);
    used.extend(met.then_some(licence));
    met
}

#[test]
fn licences_and_sources_are_allowed() {
    let (allowed, registries) = (list("licenses", "allow"), list("sources", "allow-registry"));
    let mut used = BTreeSet::new();
    let packages = packages();
    for package in &packages {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or_default());
        assert!(is_met(licence, &allowed, &mut used), "{name}: deny.toml does not allow {licence:?}");
        let registry = package["source"].as_str().map(|source| source.trim_start_matches("registry+"));
        assert!(registry.is_none_or(|registry| registries.contains(registry)), "{name} comes from {registry:?}");
    }
    assert!(packages.len() > 100);
    let idle: Vec<_> = allowed.difference(&used).collect();
    assert!(idle.is_empty(), "nothing has these licences: {idle:?}");
}

#[test]
fn expressions_mean_what_they_say() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("GPL-3.0 AND MIT OR ISC", true),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("(ISC OR MIT) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("GPL-3.0/MIT", true),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed, &mut BTreeSet::new()), met, "{expression}");
    }
}

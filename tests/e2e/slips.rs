//! What people mistype, and the whole of what they are told: `tests/promql/slips.txt`, a transcript. `query` is asked of the
//! expression, or `check` of a rule that holds it. `UPDATE=1 cargo test --test e2e` writes the answers anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::world::{Ran, World};

#[test]
fn every_slip_is_answered_with_its_place_and_a_way_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql/slips.txt");
    let expected = fs::read_to_string(&path).unwrap();
    let slips: Vec<&str> = expected.lines().filter(|line| line.starts_with("$ ")).collect();
    assert!(slips.len() >= 90, "only {} slips", slips.len());
    let mut transcript = String::new();
    for (at, slip) in slips.iter().enumerate() {
        let blank = if at == 0 { "" } else { "\n" };
        writeln!(transcript, "{blank}{slip}\n{}", answer(slip).trim_end()).unwrap();
    }
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(&path, &transcript).unwrap();
    }
    for (said, expected) in transcript.split("\n$ ").zip(expected.split("\n$ ")) {
        assert_eq!(said.trim_end(), expected.trim_end());
    }
    assert_eq!(transcript, expected);
}

/// What the program says of `$ query 'EXPR'` or `$ rule 'EXPR'`.
fn answer(slip: &str) -> String {
    let (command, quoted) = slip.trim_start_matches("$ ").split_once(' ').unwrap();
    let expr = quoted.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
    let world = World::empty();
    let Ran { code, out, err } = match command {
        "query" => world.run(&["query", "--", expr]),
        "rule" => {
            let rule = format!("[[rule]]\nalert = \"SLIP\"\nseverity = \"HIGH\"\nexpr = '''{expr}'''\n");
            world.write("config.toml", &rule, 0o600);
            world.run(&["check"])
        }
        _ => panic!("{slip}"),
    };
    assert_eq!((code, out.as_str()), (if command == "query" { 65 } else { 78 }, ""), "{slip}\n{err}");
    let faults = err.split("\nerror: ").count();
    let (places, helps) = (err.matches("--> ").count(), err.matches("= help: ").count());
    assert!(
        places == faults && helps >= faults,
        "{slip} has {faults} faults, {places} places, {helps} ways out:\n{err}"
    );
    err
}

//! How tests ended, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{End, Outcome, Tested};
use crate::text::safe;

/// `rules test --json`.
#[derive(Serialize)]
pub struct Document<'a> {
    passed: usize,
    failed: usize,
    written: usize,
    tests: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    file: String,
    line: usize,
    name: &'a str,
    result: &'static str,
    /// What happened.
    timeline: &'a str,
    /// How it differs from what is written; null where it does not.
    difference: Option<&'a str>,
}

/// Every test of every file.
pub fn document(tested: &[Tested]) -> Document<'_> {
    let row = |tested: &Tested| {
        let (file, text) = (tested.file.path.display().to_string(), &tested.file.text);
        let one = move |outcome: &'_ Outcome| (file.clone(), line(text, outcome.test.span.start));
        tested.results.iter().map(one).collect::<Vec<_>>()
    };
    let places = tested.iter().flat_map(row);
    let outcomes = tested.iter().flat_map(|tested| &tested.results);
    let tests = places.zip(outcomes).map(|((file, line), outcome)| Row {
        file,
        line,
        name: &outcome.test.name,
        result: word(outcome.ended),
        timeline: &outcome.found,
        difference: Some(outcome.difference.as_str()).filter(|difference| !difference.is_empty()),
    });
    let [passed, failed, written] = counts(tested);
    Document { passed, failed, written, tests: tests.collect() }
}

/// The line in which a byte stands.
fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

const fn word(end: End) -> &'static str {
    match end {
        End::Passed => "ok",
        End::Failed => "failed",
        End::Written => "written",
    }
}

/// How many passed, failed and were written.
fn counts(tested: &[Tested]) -> [usize; 3] {
    let count = |end| tested.iter().flat_map(|tested| &tested.results).filter(|outcome| outcome.ended == end).count();
    [End::Passed, End::Failed, End::Written].map(count)
}

/// A line for each test, what differs under it, and the counts; `is_quiet` leaves out what passed.
pub fn page(tested: &[Tested], is_quiet: bool) -> String {
    let mut out = String::new();
    for Tested { file, results } in tested {
        let shown: Vec<&Outcome> = results.iter().filter(|outcome| !is_quiet || outcome.ended != End::Passed).collect();
        if !shown.is_empty() {
            let _ = writeln!(out, "{}", safe::one_line(&file.path.display().to_string()));
        }
        for outcome in shown {
            let word = if outcome.ended == End::Failed { "FAILED" } else { word(outcome.ended) };
            let _ = writeln!(out, "  {word:7}  {}", safe::one_line(&outcome.test.name));
            if outcome.ended == End::Failed {
                out.push_str(&why(outcome));
            }
        }
    }
    let [passed, failed, written] = counts(tested);
    let written = if written > 0 { format!(", {written} written") } else { String::new() };
    if !is_quiet || failed > 0 {
        let _ = writeln!(out, "{passed} passed, {failed} failed{written}");
    }
    out
}

/// What differs, further in than the test's name.
fn why(outcome: &Outcome) -> String {
    let mut out = String::new();
    if outcome.test.timeline.is_none() {
        let _ = writeln!(out, "           it has no timeline; --update writes what happens:");
    }
    let lines = if outcome.test.timeline.is_none() { &outcome.found } else { &outcome.difference };
    for line in lines.lines() {
        // columns of a timeline stay; what steers a terminal does not
        let shown: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let _ = writeln!(out, "           {shown}");
    }
    if lines.is_empty() {
        let _ = writeln!(out, "           (nothing)");
    }
    out
}

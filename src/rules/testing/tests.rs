//! From `[[test]]` to what can be played.

use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::model::fault::{Located, SourceText};
use crate::model::secret::Secret;

#[derive(Deserialize)]
struct File {
    test: Vec<Spanned<Settings>>,
}

fn read_text(text: &str) -> (Vec<Test>, Vec<Located>) {
    let file: File = toml::from_str(text).unwrap();
    let resolve = |_: &str| -> Result<Secret, String> { Err("no secrets here".to_owned()) };
    let mut check = Check::new(Duration::from_secs(30), &resolve);
    check.source = Some(Arc::new(SourceText { path: "t.toml".into(), text: text.to_owned() }));
    let tests = read(&file.test, &mut check);
    (tests, check.faults)
}

/// Each fault on one line: the text it points at, what, the way out.
fn faults(text: &str) -> Vec<String> {
    let one = |located: Located| {
        let fault = located.fault;
        let at = match fault.place {
            Place::File(range) => text[range].to_owned(),
            Place::Inside { outer, inner } => {
                text[outer.start + 1 + inner.start..outer.start + 1 + inner.end].to_owned()
            }
            Place::Nowhere => "nowhere".to_owned(),
        };
        format!("{at} | {} | {}", fault.what, fault.help.unwrap_or_default())
    };
    read_text(text).1.into_iter().map(one).collect()
}

#[test]
fn a_test_is_read_with_its_places() {
    let text = "[[test]]\nname = 'n'\ninterval = '15s'\nrules = ['A']\n\
                series = { m = '1 2', 'm{b=\"1\",a=\"2\"}' = '? stale _' }\ntimeline = 't'\n[[test]]\nname = 'o'\nseries.m = '1'\n";
    let (tests, faults) = read_text(text);
    assert!(faults.is_empty(), "{faults:?}");
    let first = &tests[0];
    assert_eq!((first.name.as_str(), &text[first.span.clone()], first.ticks()), ("n", "'n'", 3));
    assert_eq!((first.interval, first.timeline.as_deref()), (Duration::from_secs(15), Some("t")));
    assert_eq!(first.rules.as_ref().unwrap()[0].get_ref(), "A");
    let series: Vec<String> =
        first.series.iter().map(|series| format!("{} {}", series.key, series.samples.len())).collect();
    assert_eq!(series, ["m 2", "m{a=\"2\",b=\"1\"} 3"]);
    assert!(matches!(&first.slot, Slot::Literal(span) if &text[span.clone()] == "'t'"));
    assert_eq!((tests[1].interval, &tests[1].timeline), (Duration::from_secs(30), &None));
}

#[test]
fn a_timeline_that_is_missing_belongs_under_the_series() {
    for (text, above) in [
        ("name = 'n'\nseries = { m = '1' }\n", "series = { m = '1' }"),
        ("series = { m = '1' }\nname = 'n'\n", "name = 'n'"),
        ("name = 'n'\nseries.m = '1'\ninterval = '1m'", "interval = '1m'"),
        ("name = 'n'\nrules = [\n 'A',\n 'B',\n]\nseries = { m = '1', n = '2' }\n", "series = { m = '1', n = '2' }"),
        ("name = 'n'\ninterval = '1m'\n\n[test.series]\nm = '1'\n", "interval = '1m'"),
        ("name = 'n' # [why]\n[test.series]\nm = '1'\n", "name = 'n'"),
    ] {
        let text = format!("[[test]]\n{text}");
        let slot = read_text(&text).0[0].slot.clone();
        assert!(matches!(slot, Slot::Behind(at) if text[..at].ends_with(above)), "{text}: {slot:?}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_at_its_place() {
    for (test, wanted) in [
        ("series.m = '1'", "[[test]] | `name` is missing | say what the test shows: name = \"…\""),
        (
            "name = 'n'",
            "[[test]] | `series` is missing | say what is measured: series = { system_memory_usage_ratio = \"0.5 0.9x10 0.5\" }",
        ),
        (
            "name = 'n'\nseries = {}",
            "{} | the test has no sample, so nothing can come of it | write what is measured at each tick: \"0.5 0.9x10 0.5\"",
        ),
        (
            "name = 'n'\ninterval = '1'\nseries.m = '1'",
            "'1' | `1` is not a duration; write it like 90s, 5m, 1h30m or 500ms | ",
        ),
        ("name = 'n'\ninterval = '2h'\nseries.m = '1'", "'2h' | the interval of a test must be between 1s and 1h | "),
        (
            "name = 'n'\nseries.'m{a=~\"x\"}' = '1'",
            "'m{a=~\"x\"}' | `m{a=~\"x\"}` does not name one series | write a metric with its labels: 'system_disk_usage_ratio{mount=\"/\"}'",
        ),
        (
            "name = 'n'\nseries.'m offset 5m' = '1'",
            "'m offset 5m' | `m offset 5m` does not name one series | write a metric with its labels: 'system_disk_usage_ratio{mount=\"/\"}'",
        ),
        ("name = 'n'\nseries.'m{a=x}' = '1'", "x | expected a string, found `x` | put the value in quotes: a=\"…\""),
        (
            "name = 'n'\nseries = { 'm{a=\"1\"}' = '1', 'm{a=\"1\",}' = '2' }",
            "'m{a=\"1\",}' | the series m{a=\"1\"} stands here twice | put its samples into one line",
        ),
        ("name = 'n'\nseries.m = '1 85% 2'", "85% | `85%` is not a sample | write it as a plain number: 0.85"),
        (
            "name = 'n'\nseries.m = '1'\n[[test]]\nname = 'n'\nseries.m = '1'",
            "'n' | there are two tests named `n` | say of each what only it shows",
        ),
    ] {
        assert_eq!(faults(&format!("[[test]]\n{test}")), [wanted]);
    }
}

#[test]
fn a_test_is_bounded() {
    let series: Vec<String> = (0..26).map(|at| format!("series.m{at} = '1x19999'\n")).collect();
    let text = format!("[[test]]\nname = 'n'\n{}", series.concat());
    let told = faults(&text);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("a test has at most 500000 samples, and this has 520000"), "{told:?}");
}

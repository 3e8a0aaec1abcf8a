//! Prometheus itself as the judge: promtool loads what is exported and, fed the same samples, fires the same alerts at the
//! same ticks.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::kit::{Story, compiled, story};
use super::{Groups, groups};
use crate::config::trial::Ground;
use crate::model::fault::SourceText;
use crate::model::reading::Datum;
use crate::replay::story::rules_of;
use crate::rules::testing::Sample;
use crate::rules::{Rule, export};
use crate::text::units;

/// How many random stories are told.
const RANDOM: usize = 120;

/// Calls promtool in `folder`; its words where it is not content.
fn promtool(words: &[&str], files: &[String], folder: &Path) -> Result<(), String> {
    let run = Command::new("promtool").args(words).args(files).current_dir(folder).output();
    let output =
        run.unwrap_or_else(|error| panic!("cannot run promtool ({error}): install Debian's package prometheus"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(text) }
}

/// A story in promtool's own format. There, annotations are compared too, so the rules must have none.
fn told(story: &Story, rules: &[Rule], rule_file: &str) -> Value {
    let interval = story.interval;
    let checks = story.ticks().zip(story.alerts(rules)).flat_map(|(tick, alerts)| {
        let expected = move |name: &str| -> Vec<Value> {
            let own = alerts.iter().filter(|labels| labels.get("alertname") == Some(name));
            let firing = own.filter(|labels| labels.get("alertstate") == Some("firing"));
            firing.map(|labels| json!({"exp_labels": labels.filtered(|name| !name.starts_with("alert"))})).collect()
        };
        rules.iter().map(move |rule| {
            let at = units::duration_literal(Duration::from_millis(tick.millis().unsigned_abs()));
            json!({"eval_time": at, "alertname": &*rule.name, "exp_alerts": expected(&rule.name)})
        })
    });
    let series = story.series.iter().map(|(key, samples)| {
        let values: Vec<String> =
            samples.iter().map(|datum| format!("_x{} {}", story.parts() - 1, notation(*datum))).collect();
        json!({"series": key.to_string(), "values": values.join(" ")})
    });
    json!({
        "rule_files": [rule_file],
        "evaluation_interval": units::duration_literal(interval),
        "tests": [{
            "name": story.name,
            "interval": units::duration_literal(interval / story.parts()),
            "input_series": series.collect::<Vec<_>>(),
            "alert_rule_test": checks.collect::<Vec<_>>(),
        }],
    })
}

fn notation(datum: Option<Datum>) -> String {
    match datum {
        None => "_".to_owned(),
        Some(Datum::Gone) => "stale".to_owned(),
        Some(Datum::Value(value)) if value.is_infinite() => (if value > 0.0 { "Inf" } else { "-Inf" }).to_owned(),
        Some(Datum::Value(value)) => value.to_string(),
        Some(Datum::Unknown) => panic!("promtool knows nothing unknown"),
    }
}

/// Tells the stories to promtool, each with the export of its rules.
fn agree(stories: &[Story]) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    let mut files = Vec::new();
    for (number, story) in stories.iter().enumerate() {
        let rules = story.compiled();
        let (rule_file, test_file) = (format!("rules-{number}.json"), format!("test-{number}.json"));
        write(&rule_file, &serde_json::to_value(mute(groups(&rules, story.interval))).unwrap());
        write(&test_file, &told(story, &rules, &rule_file));
        files.push(test_file);
    }
    if promtool(&["test", "rules"], &files, folder.path()).is_ok() {
        return;
    }
    for (number, story) in stories.iter().enumerate() {
        if let Err(why) = promtool(&["test", "rules"], &[format!("test-{number}.json")], folder.path()) {
            let rules = std::fs::read_to_string(folder.path().join(format!("rules-{number}.json"))).unwrap();
            panic!("{}\n{}\n{rules}\n{why}", story.name, story.rules);
        }
    }
    panic!("promtool fails on all stories together and on none alone");
}

fn mute(mut groups: Groups) -> Groups {
    groups.groups.iter_mut().flat_map(|group| &mut group.rules).for_each(|rule| rule.annotations.clear());
    groups
}

#[test]
#[ignore = "needs promtool; run by .ci/run"]
fn random_rules_fire_as_in_prometheus() {
    let mut runner = TestRunner::deterministic();
    let mut told = |number: usize| story(&format!("X{number}")).new_tree(&mut runner).unwrap().current();
    let stories: Vec<Story> = (0..RANDOM).map(&mut told).collect();
    agree(&stories);
}

#[test]
#[ignore = "needs promtool; run by .ci/run"]
fn stories_of_rules_fire_as_in_prometheus() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut files: Vec<_> =
        ["export", "rules"].iter().filter_map(|folder| stories.join(folder).read_dir().ok()).flatten().collect();
    files.sort_by_key(|entry| entry.as_ref().unwrap().path());
    let told: Vec<Story> = files.into_iter().flat_map(|entry| of_file(&entry.unwrap().path())).collect();
    assert!(told.len() >= 20, "only {} stories", told.len());
    agree(&told);
}

#[test]
#[ignore = "needs promtool; run by .ci/run"]
fn promtool_loads_what_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/export");
    let all: String =
        stories.read_dir().unwrap().map(|it| std::fs::read_to_string(it.unwrap().path()).unwrap()).collect();
    let rules = compiled(&all);
    let exported = groups(&rules, Duration::from_secs(90));
    let inhibitions = export::inhibitions(&rules, crate::rules::Catalogue::of(&[]));
    std::fs::write(folder.path().join("rules.yml"), export::document(&exported, &inhibitions)).unwrap();
    let shipped = serde_json::to_string(&groups(&compiled(""), Duration::from_mins(1))).unwrap();
    std::fs::write(folder.path().join("shipped.json"), shipped).unwrap();
    let files = ["rules.yml", "shipped.json"].map(str::to_owned);
    // a complaint that is not an error is one all the same
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &files, folder.path()).unwrap();
}

/// The stories of a file of rule tests in which nothing is unknown.
fn of_file(path: &Path) -> Vec<Story> {
    let text = std::fs::read_to_string(path).unwrap();
    let file = Arc::new(SourceText { path: path.to_owned(), text: text.clone() });
    let trial = Ground::shipped().trial(&file).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let told = trial.tests.iter().filter_map(|test| {
        let series = test.series.iter().map(|series| Some((series.key.clone(), known(&series.samples)?)));
        let rules = rules_of(test, &trial.rules).unwrap_or_else(|faults| panic!("{faults:#?}"));
        Some(Story {
            name: format!("{}: {}", path.display(), test.name),
            rules: text.clone(),
            names: rules.iter().map(|rule| rule.name.to_string()).collect(),
            by_mount: Vec::new(),
            interval: test.interval,
            series: series.collect::<Option<_>>()?,
        })
    });
    told.collect()
}

fn known(samples: &[Option<Sample>]) -> Option<Vec<Option<Datum>>> {
    let datum = |sample: &Option<Sample>| match sample.as_ref().map(|sample| sample.datum) {
        Some(Datum::Unknown) => None,
        datum => Some(datum),
    };
    samples.iter().map(datum).collect()
}

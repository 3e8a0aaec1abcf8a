//! Tests of rules, played as `rules test` plays them: the stories of the shipped rules, and what a timeline can say.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::config::trial::{Ground, Trial};
use crate::model::alert::Transition;
use crate::model::fault::SourceText;
use crate::replay::What;

fn trial(path: &str, text: &str) -> Trial {
    let file = Arc::new(SourceText { path: path.into(), text: text.to_owned() });
    Ground::shipped().trial(&file).unwrap_or_else(|faults| panic!("{path}: {faults:#?}"))
}

/// The timeline of the one test of `text`.
fn timeline(text: &str) -> String {
    let trial = trial("t.toml", text);
    play(&trial.tests[0], &trial.rules).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// The stories of the shipped rules, file by file.
fn stories() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/rules");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| trial(path.to_str().unwrap(), &std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_stories_of_the_shipped_rules_end_as_told() {
    for trial in stories() {
        for test in &trial.tests {
            let wanted = test.timeline.as_deref().expect(&test.name).trim_start();
            assert_eq!(play(test, &trial.rules).unwrap(), wanted, "{}", test.name);
        }
    }
}

#[test]
fn every_shipped_rule_has_a_story_in_which_it_fires_and_one_in_which_it_resolves() {
    let mut silent = BTreeSet::new();
    let (mut fired, mut resolved) = (BTreeSet::new(), BTreeSet::new());
    for trial in stories() {
        silent.extend(trial.rules.iter().map(|rule| rule.name.clone()));
        for test in &trial.tests {
            let rules = rules_of(test, &trial.rules).unwrap();
            each_tick(test, &rules, |_, moment| {
                for change in moment.changes {
                    match change.what {
                        What::Transition(Transition::Fired(_)) => fired.insert(change.alert.key.rule),
                        What::Transition(Transition::Resolved(..)) => resolved.insert(change.alert.key.rule),
                        _ => false,
                    };
                }
            });
        }
    }
    silent.retain(|rule| !fired.contains(rule) || !resolved.contains(rule));
    assert_eq!(silent, BTreeSet::new());
    assert!(fired.len() >= 16, "{fired:?}");
}

#[test]
fn an_episode_that_ends_while_a_milder_one_is_pending_goes_on_pending() {
    let text = r#"
        [[rule]]
        alert = "A"
        expr = "probe_value"
        above = { HIGH = 10, CRITICAL = 20 }
        for = { HIGH = "3m", CRITICAL = "0s" }
        summary = "{{ probe }} {{ value }}"
        [[test]]
        name = "n"
        series.'probe_value{probe="x"}' = "25 15x3 5"
    "#;
    assert_eq!(
        timeline(text),
        r#"0s  A{probe="x"}  fired CRITICAL               25 (> 20)
    -> chat, mail, sms: firing "x 25"
1m  A{probe="x"}  resolved CRITICAL (cleared)  15
    -> chat, mail, sms: resolved "x 15"
1m  A{probe="x"}  pending                      15 (> 10)
3m  A{probe="x"}  fired HIGH                   15 (> 10)
    -> chat, mail: firing "x 15"
5m  A{probe="x"}  resolved HIGH (cleared)      5
    -> chat, mail: resolved "x 5"
"#
    );
}

#[test]
fn what_cannot_be_judged_is_told_when_it_begins_and_when_it_ends() {
    let text = r#"
        [[rule]]
        alert = "A"
        expr = '{__name__=~"service_up|probe_success"}'
        below = { LOW = 1 }
        [[test]]
        name = "n"
        rules = ["A"]
        series = { 'service_up{x="1"}' = "0x5", 'probe_success{x="1"}' = "_ 0x1 stale" }
    "#;
    assert_eq!(
        timeline(text),
        r#"0s  A{x="1"}  fired LOW         0 (< 1)
1m  A         cannot be judged  two results have the same labels: {x="1"}
1m  A{x="1"}  not measured      two results have the same labels: {x="1"}; stays LOW
3m  A         judged again
3m  A{x="1"}  measured again    0 (< 1)
"#
    );
}

#[test]
fn the_first_sample_after_an_outage_ends_nothing() {
    let text = r#"
        [[rule]]
        alert = "A"
        expr = "sum(increase(system_oom_kills_total[5m]))"
        above = { LOW = 5 }
        [[test]]
        name = "n"
        rules = ["A"]
        series = { system_oom_kills_total = "0+10x3 ?x6 100 110 110x6" }
    "#;
    assert_eq!(
        timeline(text),
        "1m   A  fired LOW               10 (> 5)
4m   A  not measured            not measured; stays LOW
11m  A  measured again          15 (> 5)
15m  A  resolved LOW (cleared)  0
"
    );
}

#[test]
fn no_data_fires_where_it_should() {
    let text = r#"
        [[rule]]
        alert = "A"
        expr = "probe_value"
        above = { MEDIUM = 10 }
        for = "1m"
        no_data = "fire"
        summary = "{{ value }}"
        [[test]]
        name = "n"
        series.'probe_value{probe="x"}' = "5 ?(timeout)x2 5"
    "#;
    assert_eq!(
        timeline(text),
        r#"1m  A{probe="x"}  pending                    not measured: timeout
2m  A{probe="x"}  fired MEDIUM               not measured: timeout
    -> chat: firing "not measured"
3m  A{probe="x"}  resolved MEDIUM (cleared)  5
    -> chat: resolved "5"
"#
    );
}

#[test]
fn a_rule_on_alerts_sees_those_of_the_tick_before() {
    let text = r#"
        [[rule]]
        alert = "B"
        expr = 'ALERTS{alertname="A", alertstate="firing"} == 1'
        severity = "LOW"
        [[rule]]
        alert = "A"
        expr = "probe_value"
        above = { LOW = 10 }
        [[test]]
        name = "n"
        rules = ["A", "B"]
        series.probe_value = "5 15 15 5 5"
    "#;
    assert_eq!(
        timeline(text),
        r#"1m  A                                                    fired LOW               15 (> 10)
2m  B{alertname="A",alertstate="firing",severity="LOW"}  fired LOW               1 (== 1)
3m  A                                                    resolved LOW (cleared)  5
4m  B{alertname="A",alertstate="firing",severity="LOW"}  resolved LOW (cleared)
"#
    );
}

#[test]
fn a_test_that_would_prove_nothing_is_refused() {
    for (rest, wanted) in [
        (
            "rules = ['HIGH_MEMROY_USAGE']\nseries.system_memory_usage_ratio = '1'",
            "'HIGH_MEMROY_USAGE' | there is no rule `HIGH_MEMROY_USAGE` | did you mean HIGH_MEMORY_USAGE?",
        ),
        (
            "rules = ['XYZZY']\nseries.system_memory_usage_ratio = '1'",
            "'XYZZY' | there is no rule `XYZZY` | name a rule of this file, of the configuration or one that is shipped",
        ),
        (
            "series.system_memory_usge_ratio = '1'",
            "system_memory_usge_ratio | no rule of this test reads `system_memory_usge_ratio` | did you mean `system_memory_usage_ratio`?",
        ),
        (
            "series = { quux = '1', service_up = '1' }",
            "quux | no rule of this test reads `quux` | leave it out, or write the rule that reads it into this file",
        ),
        (
            "rules = ['SERVICE_DOWN']\nseries = { service_up = '1', source_up = '1' }",
            "source_up | no rule of this test reads `source_up` | add BACKEND_DOWN to `rules`, or leave the series out",
        ),
    ] {
        let text = format!("[[test]]\nname = 'n'\n{rest}\n");
        let trial = trial("t.toml", &text);
        let told: Vec<String> = play(&trial.tests[0], &trial.rules)
            .unwrap_err()
            .into_iter()
            .map(|fault| {
                let Place::File(span) = fault.place else { panic!("{:?}", fault.place) };
                format!("{} | {} | {}", &text[span], fault.what, fault.help.unwrap())
            })
            .collect();
        assert_eq!(told, [wanted]);
    }
}

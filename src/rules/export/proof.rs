//! Each severity of a rule fires, and is pending, at exactly the ticks at which its exported rule does.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::kit::{Story, condition, story};
use super::{Alerting, groups};
use crate::model::labels::Labels;

/// At each tick: what the rule says of the severity of `exported`, and what the exported rule says.
fn both(story: &Story, exported: &Alerting) -> (Vec<BTreeSet<Labels>>, Vec<BTreeSet<Labels>>) {
    let severity = &exported.labels["severity"];
    let of_severity = |labels: BTreeSet<Labels>| -> BTreeSet<Labels> {
        labels.into_iter().filter(|labels| labels.get("severity") == Some(severity)).collect()
    };
    let ours = story.alerts(&story.compiled()).into_iter().map(of_severity).collect();
    (ours, story.alerts(&[condition(exported)]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn each_severity_alone_is_its_exported_rule(story in story("X")) {
        let exported = groups(&story.compiled(), story.interval);
        for rule in &exported.groups[0].rules {
            let (ours, theirs) = both(&story, rule);
            for (tick, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                prop_assert_eq!(ours, theirs, "tick {} of {}\n{}", tick, story.rules, rule.expr);
            }
        }
    }
}

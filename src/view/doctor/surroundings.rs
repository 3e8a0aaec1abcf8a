//! What a scheduled cycle sees and this shell does not, and the other way round: cron's environment is nearly empty.

use std::collections::BTreeSet;

use super::Finding;
use super::facts::Facts;
use crate::config::seen::Surroundings;

const TOPIC: &str = "environment";

/// The surroundings of the last scheduled cycle against those of this shell.
pub fn check(facts: &Facts) -> Vec<Finding> {
    let here = &facts.here;
    let Some(there) = &facts.scheduled else {
        let is_due = facts.cycles.as_ref().is_some_and(|cycles| cycles.last.is_some());
        let what = "no cycle was started without a terminal yet, so it is not known what a scheduled one sees";
        return if is_due { vec![Finding::note(TOPIC, what)] } else { Vec::new() };
    };
    let mut found = missing(there, here);
    if there.config != here.config {
        let shown = |config: &Option<String>| config.clone().unwrap_or_else(|| "no file".to_owned());
        let what = format!(
            "scheduled cycles use {} as their configuration, this shell {}",
            shown(&there.config),
            shown(&here.config)
        );
        found.push(Finding::warning(TOPIC, what).fix("name one for both: --config FILE"));
    }
    if there.version != here.version {
        let what = format!("scheduled cycles are of version {} ({})", there.version, there.program);
        found.push(Finding::warning(TOPIC, format!("{what}, this is {} ({})", here.version, here.program)));
    } else if there.program != here.program {
        found.push(Finding::note(TOPIC, format!("scheduled cycles run {}, this is {}", there.program, here.program)));
    }
    for (name, theirs, ours) in [("PATH", &there.path, &here.path), ("TZ", &there.zone, &here.zone)] {
        if theirs != ours {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
            let what = format!("{name} of scheduled cycles: {}; here: {}", shown(theirs), shown(ours));
            found.push(Finding::note(TOPIC, what));
        }
    }
    if found.is_empty() {
        found.push(Finding::fine(TOPIC, format!("scheduled cycles (user {}) see what this shell sees", there.user)));
    }
    found
}

/// Channels and variables that are there for one of them only.
fn missing(there: &Surroundings, here: &Surroundings) -> Vec<Finding> {
    let mut found = Vec::new();
    let less = |ours: &BTreeSet<String>, theirs: &BTreeSet<String>| {
        ours.difference(theirs).cloned().collect::<Vec<_>>().join(", ")
    };
    let fix = "write NAME=value lines to a file (chmod 640) and name it in the crontab: check --env-file FILE";
    let channels = less(&here.channels, &there.channels);
    let variables = less(&here.variables, &there.variables);
    if !channels.is_empty() {
        let why = if variables.is_empty() { String::new() } else { format!(" (they do not have {variables})") };
        let what = format!("scheduled cycles do not know the channels {channels}{why}");
        found.push(Finding::problem(TOPIC, what).fix(fix));
    } else if !variables.is_empty() {
        found.push(Finding::note(TOPIC, format!("scheduled cycles do not have the variables {variables}")));
    }
    let extra = less(&there.channels, &here.channels);
    if !extra.is_empty() {
        let what = format!("scheduled cycles know the channels {extra}, which this shell does not");
        found.push(Finding::note(TOPIC, what).fix("--env-file, as the crontab has it"));
    }
    found
}

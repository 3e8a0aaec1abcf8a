//! What `check` says on a terminal.

use std::fmt::Write as _;

use super::alerts;
use super::terminal::Terminal;
use crate::config::Config;
use crate::cycle::Cycle;
use crate::cycle::deliver::Attempt;
use crate::model::alert::Transition;
use crate::notify::Channel;
use crate::text::{safe, units};
use crate::view::dashboard::state_word;
use crate::view::snapshot::{Row, Snapshot, Standing};

/// Sources, rules, what happened, who was told, and what it comes to.
pub fn report(
    cycle: &Cycle,
    attempts: &[Attempt],
    snapshot: &Snapshot,
    config: &Config,
    terminal: &Terminal,
) -> String {
    let mut out = String::new();
    let sources = cycle.collected.iter().map(|one| match &one.report.readings {
        Ok(_) => format!("{} {}", one.source, units::duration(one.took)),
        Err(reason) => format!("{} FAILED ({})", one.source, safe::answer(reason.as_str())),
    });
    let _ = writeln!(out, "  collected  {}", sources.collect::<Vec<_>>().join("   "));
    let _ = writeln!(out, "  judged     {}", standings(snapshot));
    for event in &cycle.judged.events {
        let mark = match event.transition {
            Transition::Resolved(..) => terminal.badge("✓", "resolved", "32"),
            other => format!("{} {}", terminal.severity(other.severity()), other.name()),
        };
        let number = event.alert.number.map(|number| format!("#{number} ")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{mark}  {number}{}: {}",
            safe::one_line(&event.alert.key.to_string()),
            safe::one_line(&event.summary)
        );
        if event.told == 0 {
            let _ = writeln!(out, "        nobody is told: no channel hears of this severity");
        }
    }
    for attempt in attempts {
        out.push_str(&alerts::attempt(attempt, &where_to(config, &attempt.delivery.destination.channel), terminal));
    }
    let state = snapshot.state();
    let _ = writeln!(out, "state {} (exit {})", state_word(state).to_uppercase(), state.exit());
    terminal.fit(&out)
}

/// Trouble within a cycle that did not stop it: rules that failed, readings that were refused.
pub fn trouble(cycle: &Cycle) -> Vec<String> {
    let failed = cycle.judged.failed.iter().map(|(rule, why)| format!("rule {rule} cannot be evaluated: {why}"));
    failed.chain(cycle.refused.iter().cloned()).map(|line| safe::one_line(&line)).collect()
}

/// Where a channel goes, without any secret.
pub fn where_to(config: &Config, channel: &str) -> String {
    config.channels.iter().find(|one| one.name() == channel).map(Channel::describe).unwrap_or_default()
}

fn standings(snapshot: &Snapshot) -> String {
    let count = |test: &dyn Fn(&Standing) -> bool| snapshot.rows.iter().filter(|row| test(&row.standing)).count();
    let parts = [
        (count(&|s| *s == Standing::Fine), "fine"),
        (count(&|s| matches!(s, Standing::Firing(_))), "firing"),
        (count(&|s| *s == Standing::Pending), "pending"),
        (count(&|s| matches!(s, Standing::Waiting(_))), "waiting for a second measurement"),
        (count(&|s| matches!(s, Standing::Unknown(_))), "unknown"),
    ];
    let told: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if told.is_empty() { "nothing: there are no rules with data".to_owned() } else { told.join(", ") }
}

/// One line for each rule and label set: what a dry run found.
pub fn rows(snapshot: &Snapshot, terminal: &Terminal) -> String {
    let mut out = String::new();
    let width = snapshot.rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0);
    for row in &snapshot.rows {
        let value = row.value_text.clone().unwrap_or_else(|| "no data".to_owned());
        let result = match &row.standing {
            Standing::Firing(severity) => format!("firing {severity}"),
            Standing::Pending => "pending".to_owned(),
            Standing::Fine => "fine".to_owned(),
            Standing::Waiting(reason) => format!("not yet: {reason}"),
            Standing::Unknown(reason) => format!("? cannot be judged: {}", safe::answer(reason.as_str())),
        };
        let _ = writeln!(out, "  {:width$}  {value:>14}  {:>12}  {result}", name(row), row.limit_text);
    }
    terminal.fit(&out)
}

fn name(row: &Row) -> String {
    safe::one_line(&format!("{}{}", row.rule, row.labels))
}

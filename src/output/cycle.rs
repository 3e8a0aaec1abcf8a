//! What `check` says on a terminal.

use std::fmt::Write as _;

use super::alerts;
use super::terminal::{Badge, Terminal};
use crate::collect::run::Collected;
use crate::config::Config;
use crate::model::alert::{Event, Transition};
use crate::model::delivery::Attempt;
use crate::notify::Channel;
use crate::text::{safe, units};
use crate::view::dashboard::state_word;
use crate::view::snapshot::{Row, Snapshot, Standing};

/// What one run of `check` has to show.
pub struct Done<'a> {
    /// What the sources brought home.
    pub collected: &'a [Collected],
    /// What happened to alerts; none where this tick had been judged before.
    pub events: Option<&'a [Event]>,
    /// What was sent.
    pub attempts: &'a [Attempt],
}

/// Sources, rules, what happened, who was told, and what it comes to.
pub fn report(done: &Done<'_>, snapshot: &Snapshot, config: &Config, terminal: &Terminal) -> String {
    let mut out = String::new();
    let sources = done.collected.iter().map(|one| match &one.report.readings {
        Ok(_) => format!("{} {}", one.source, units::duration(one.took)),
        Err(reason) => format!("{} FAILED ({})", one.source, safe::answer(reason.as_str())),
    });
    let _ = writeln!(out, "  collected  {}", sources.collect::<Vec<_>>().join("   "));
    for (source, why) in done.collected.iter().filter_map(|one| Some((&one.source, one.why()?))) {
        let _ = writeln!(out, "             {source}: {}", safe::answer(why));
    }
    let _ = writeln!(out, "  judged     {}", standings(snapshot));
    if done.events.is_none() {
        out.push_str("             this tick was judged before; alerts change at the next one\n");
    }
    for event in done.events.unwrap_or_default() {
        let mark = match event.transition {
            Transition::Resolved(..) => terminal.badge(Badge::RESOLVED),
            other => format!("{} {}", terminal.badge(other.severity().into()), other.name()),
        };
        let number = event.alert.number.map(|number| format!("#{number} ")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{mark}  {number}{}: {}",
            safe::one_line(&event.alert.key.to_string()),
            safe::one_line(&event.summary)
        );
        if event.told == 0 {
            let _ = writeln!(out, "        nobody is told: {}", untold(event));
        }
    }
    // several that went as one message have one line
    for attempt in
        done.attempts.iter().filter(|attempt| attempt.delivery.parcel.is_none_or(|it| it == attempt.delivery.id))
    {
        out.push_str(&alerts::attempt(attempt, &where_to(config, &attempt.delivery.destination.channel), terminal));
    }
    let state = snapshot.state();
    let _ = writeln!(out, "state {} (exit {})", state_word(state).to_uppercase(), state.exit());
    terminal.fit(&out)
}

/// Why nobody is told of an event.
fn untold(event: &Event) -> String {
    match (&event.alert.hold, event.transition) {
        (Some(hold), _) => format!("withheld: {}", safe::answer(&hold.to_string())),
        (None, Transition::Resolved(..) | Transition::Eased(..)) => {
            "nobody who would hear of it was told before".to_owned()
        }
        (None, Transition::Fired(_) | Transition::Raised(..)) => "no channel hears of this severity".to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::{Alert, AlertKey, Ended};
    use crate::model::hold::Hold;
    use crate::model::labels::Labels;
    use crate::model::severity::Severity;
    use crate::model::time::Time;

    #[test]
    fn that_nobody_is_told_has_its_true_reason() {
        let key = |rule: &str| AlertKey { rule: rule.into(), labels: Labels::empty() };
        let event = |transition, hold| {
            let alert = Alert { hold, ..Alert::begun(key("R"), Time::from_millis(0)) };
            untold(&Event { alert, transition, summary: String::new(), told: 0 })
        };
        let fired = Transition::Fired(Severity::High);
        let consequence = Hold::Dependency { on: key("NET") };
        assert_eq!(event(fired, Some(consequence)), "withheld: a consequence of NET");
        assert_eq!(event(fired, None), "no channel hears of this severity");
        let over = Transition::Resolved(Severity::High, Ended::Cleared);
        assert_eq!(event(over, None), "nobody who would hear of it was told before");
    }
}

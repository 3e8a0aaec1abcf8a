//! What nobody would hear of otherwise: trouble of a cycle, alerts without a channel, alerts that no channel took.
//! It is said where cron mails it, at most once an hour.

use std::collections::BTreeSet;

use crate::cmd::Context;
use crate::cmd::complain::{complain, complain_each, settled};
use crate::config::seen::{self, Surroundings};
use crate::config::{Config, last_good};
use crate::cycle::{Cycle, deliver};
use crate::model::alert::{Event, Transition};
use crate::model::delivery::{Attempt, State};
use crate::model::severity::Severity;
use crate::model::trouble::Trouble;
use crate::store::Store;
use crate::store::alerts::AlertId;
use crate::text::safe;

/// What a committed cycle means for later runs: the configuration works, trouble is over, remarks are due.
pub fn settle(context: &Context, config: &Config, cycle: &Cycle, broken: bool) {
    let database = &config.database.0;
    if !broken {
        settled(database, "config");
        if let Err(error) = last_good::keep(database, &config.texts) {
            complain(
                context,
                Some(database),
                "last good",
                &format!("sippar-mon: cannot keep a copy of the configuration: {error}"),
            );
        }
    }
    // where nobody watches; what cannot be kept is only not known to `doctor`
    if !context.terminal.out && !context.terminal.err {
        let _ = seen::keep(database, &Surroundings::of(&context.env, config));
    }
    let trouble: Vec<String> = cycle.trouble().map(|line| format!("sippar-mon: {line}")).collect();
    complain_each(context, Some(database), "trouble of the cycle", &trouble);
    let events = cycle.judged.iter().flat_map(|judged| &judged.events);
    let untold: Vec<String> = events.filter(|event| is_untold(event)).map(untold).collect();
    complain_each(context, Some(database), "untold", &untold);
}

/// The words about an alert that no channel hears of.
fn untold(event: &Event) -> String {
    let (severity, what) = (event.transition.severity(), safe::one_line(&event.summary));
    format!("sippar-mon: {severity} {}: {what}\n  no channel hears of this severity", event.alert.key.rule)
}

/// Something above LOW began or grew worse, and no channel is there to tell: cron's mail is the last resort.
fn is_untold(event: &Event) -> bool {
    let is_bad = matches!(event.transition, Transition::Fired(_) | Transition::Raised(..));
    is_bad && event.told == 0 && event.alert.hold.is_none() && event.transition.severity() > Severity::Low
}

/// The last resort: an alert that no channel could deliver is told where cron mails it.
pub fn undelivered(context: &Context, config: &Config, store: &Store, attempts: &[Attempt]) -> Result<(), Trouble> {
    let failed = attempts.iter().filter(|attempt| attempt.state != State::Sent);
    let alerts: BTreeSet<i64> = failed.filter_map(|attempt| attempt.delivery.alert).collect();
    for alert in alerts {
        let deliveries = store.deliveries_of(AlertId(alert))?;
        if deliver::has_arrived(&deliveries) {
            continue;
        }
        let Some(last) = deliveries.last() else { continue };
        let answers: Vec<String> = deliveries
            .iter()
            .filter_map(|delivery| {
                Some(format!("{}: {}", delivery.destination.channel, delivery.last_answer.as_ref()?))
            })
            .collect();
        let what = &last.message;
        let number = what.number.map(|number| format!("#{number} ")).unwrap_or_default();
        let text = format!(
            "sippar-mon: no channel could deliver alert {number}{} {}: {}\n  {}",
            what.severity,
            what.alert,
            what.summary,
            answers.join("\n  ")
        );
        complain(context, Some(&config.database.0), &format!("undelivered {alert}"), &text);
    }
    Ok(())
}

/// A sign of life that did not arrive: whoever waits for it finds out, but not why.
pub fn heartbeat(context: &Context, config: &Config, sent: Result<(), String>) {
    let trouble = sent.err().map(|why| format!("sippar-mon: the heartbeat was not sent: {why}"));
    complain_each(context, Some(&config.database.0), "heartbeat", trouble.as_slice());
}

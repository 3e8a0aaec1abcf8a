//! `[routes] fallback`: what no channel of its route could deliver goes to others. Nothing is taken back: whoever was
//! to be told still is, as soon as that is possible. They hear what the alert is now and not what was to be said once.

use std::collections::BTreeMap;

use super::compose::{self, Content};
use super::{own, tell};
use crate::alert::route::{self, Subject};
use crate::config::Config;
use crate::config::people::Fallback;
use crate::model::alert::{Alert, DeedKind};
use crate::model::delivery::{Delivery, State};
use crate::model::message::{Destination, Kind, Texts};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::notify::retry;
use crate::store::alerts::AlertId;
use crate::store::{Result, Tx};

/// Queues what is to go to others by now.
pub fn queue(tx: &Tx<'_>, config: &Config, tick: Time, now: Time) -> Result<()> {
    let Some(fallback) = &config.fallback else { return Ok(()) };
    for id in tx.alerts_not_told(now - retry::GIVE_UP)? {
        let Some(alert) = tx.alert(id)? else { continue };
        if let Some(severity) = severity(tx, id, &alert)? {
            one(tx, (config, fallback), (id, &alert), severity, (tick, now))?;
        }
    }
    Ok(())
}

/// The severity now or at the end; none of an alert of which nobody is to be told.
fn severity(tx: &Tx<'_>, id: AlertId, alert: &Alert) -> Result<Option<Severity>> {
    if alert.ended.is_none() {
        return Ok(alert.severity());
    }
    let deeds = tx.deeds(id)?;
    let last = deeds.iter().rev().find(|deed| matches!(deed.kind, DeedKind::Withheld | DeedKind::Released));
    if last.is_some_and(|deed| deed.kind == DeedKind::Withheld) {
        // it was withheld to its end
        return Ok(None);
    }
    Ok(tx.transitions(id)?.last().map(|row| row.transition.severity()))
}

fn one(
    tx: &Tx<'_>,
    (config, fallback): (&Config, &Fallback),
    (id, alert): (AlertId, &Alert),
    severity: Severity,
    (tick, now): (Time, Time),
) -> Result<()> {
    let before = &tx.queued_of(id)?;
    let (began, hold) = (alert.began(), alert.hold.as_ref());
    let subject = Subject { rule: &alert.key.rule, severity, began, before, hold, acked: alert.ack.is_some() };
    let routes = own::routes(alert, &config.routes);
    let tell = route::stand_in(&subject, &routes, &fallback.to, fallback.after, now);
    if tell.is_empty() {
        return Ok(());
    }
    let cause = tell::cause(tx, config, alert, tick)?;
    let texts = &Texts { cause, ..compose::texts(config, alert, severity) };
    let (runs, remarks) = (&tx.runs_of(id)?, &[why(&tx.deliveries_of(id)?)]);
    let content = Content { id, alert, severity, texts, runs, before, responses: &[], remarks, at: tick };
    compose::enqueue(tx, &config.identity, &content, &tell, now)
}

/// Why these people hear of it: what the channels said that were to tell others.
fn why(rows: &[Delivery]) -> String {
    let is_stuck = |row: &&Delivery| matches!(row.state, State::Pending | State::Dead);
    let stuck = rows.iter().filter(is_stuck).filter(|row| row.message.kind != Kind::Acknowledged);
    let last: BTreeMap<&Destination, &Delivery> = stuck.map(|row| (&row.destination, row)).collect();
    let answer = |row: &Delivery| row.last_answer.clone().unwrap_or_else(|| "not tried yet".to_owned());
    let answers: Vec<String> = last.iter().map(|(to, row)| format!("{}: {}", to.channel, answer(row))).collect();
    format!("No channel of its route could deliver this ({}).", answers.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_answer_of_each_channel() {
        let at = Time::from_millis(0);
        let row = |id, channel: &str, kind, state, answer: Option<&str>| {
            let identity = crate::replay::story::identity();
            let message = crate::alert::message::test(Severity::High, &identity, at);
            Delivery {
                id,
                alert: Some(1),
                destination: Destination { channel: channel.to_owned(), address: String::new() },
                message: crate::model::message::Message { kind, ..message },
                state,
                attempts: 1,
                maybe_repeat: false,
                created: at,
                due: at,
                last_answer: answer.map(str::to_owned),
                parcel: None,
            }
        };
        let rows = [
            row(1, "chat", Kind::Firing, State::Dead, Some("503")),
            row(2, "pager", Kind::Firing, State::Superseded, Some("404")),
            row(3, "mail", Kind::Firing, State::Pending, None),
            row(4, "chat", Kind::Raised, State::Dead, Some("404")),
            row(5, "room", Kind::Acknowledged, State::Pending, Some("500")),
        ];
        let words = "No channel of its route could deliver this (chat: 404; mail: not tried yet).";
        assert_eq!(why(&rows), words);
    }
}

//! `[routes] fallback`: what no channel of its route could deliver goes to others. Nothing is taken back: whoever was
//! to be told still is, as soon as that is possible.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::people::Fallback;
use crate::model::delivery::{Delivery, State};
use crate::model::message::{Destination, Kind, Message};
use crate::model::time::Time;
use crate::notify::retry;
use crate::store::{Result, Tx};

/// Queues what is to go to others by now.
pub fn queue(tx: &Tx<'_>, config: &Config, now: Time) -> Result<()> {
    let Some(fallback) = &config.fallback else { return Ok(()) };
    for alert in tx.alerts_not_told(now - retry::GIVE_UP)? {
        for (message, to) in due(&tx.deliveries_of(alert)?, fallback, now) {
            for destination in to {
                tx.enqueue(Some(alert), &destination, &message, now)?;
            }
        }
    }
    Ok(())
}

/// The alarms among the deliveries of one alert that nobody has, and who is to hear of them instead.
fn due(rows: &[Delivery], fallback: &Fallback, now: Time) -> Vec<(Message, Vec<Destination>)> {
    let mut alarms: BTreeMap<(Time, &str), Vec<&Delivery>> = BTreeMap::new();
    let is_alarm = |row: &&Delivery| matches!(row.message.kind, Kind::Firing | Kind::Raised);
    for row in rows.iter().filter(is_alarm).filter(|row| row.state != State::Superseded) {
        // one word about one transition, told to several as "firing" or "raised" by what they had heard before
        alarms.entry((row.message.at, row.message.severity.name())).or_default().push(row);
    }
    let mut due = Vec::new();
    for rows in alarms.into_values() {
        let nobody_has_it = rows.iter().all(|row| matches!(row.state, State::Pending | State::Dead));
        let hopeless = rows.iter().all(|row| row.state == State::Dead);
        let late = rows.iter().all(|row| now.since(row.created) >= fallback.after);
        let Some(first) = rows.first().filter(|_| nobody_has_it && (hopeless || late)) else { continue };
        let to: Vec<_> =
            fallback.to.iter().filter(|to| rows.iter().all(|row| row.destination != **to)).cloned().collect();
        if !to.is_empty() {
            due.push((instead(first, &rows), to));
        }
    }
    due
}

/// The same message with the reason why these people hear of it.
fn instead(first: &Delivery, rows: &[&Delivery]) -> Message {
    let answers: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: {}", row.destination.channel, row.last_answer.as_deref().unwrap_or("not tried yet")))
        .collect();
    let word = format!("No channel of its route could deliver this ({}).", answers.join("; "));
    let message = first.message.clone();
    let note = message.note.map_or_else(|| word.clone(), |note| format!("{note} {word}"));
    Message { kind: Kind::Firing, note: Some(note), ..message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::severity::Severity;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(minute: i64) -> Time {
        Time::from_millis(minute * 60_000)
    }

    fn row(channel: &str, kind: Kind, state: State, minute: i64) -> Delivery {
        let identity = crate::replay::story::identity();
        let message = Message { kind, ..crate::alert::message::test(Severity::High, &identity, at(minute)) };
        Delivery {
            id: 1,
            alert: Some(1),
            destination: Destination { channel: channel.to_owned(), address: String::new() },
            message,
            state,
            attempts: 1,
            maybe_repeat: false,
            created: at(minute),
            due: at(minute),
            last_answer: Some("503".to_owned()),
            parcel: None,
        }
    }

    fn told(rows: &[Delivery], minute: i64) -> Vec<String> {
        let to = |name: &str| Destination { channel: name.to_owned(), address: String::new() };
        let fallback = Fallback { after: 5 * MINUTE, to: vec![to("mail"), to("chat")] };
        let words = |(message, to): (Message, Vec<Destination>)| {
            let names: Vec<String> = to.into_iter().map(|to| to.channel).collect();
            format!("{} to {}: {}", message.kind.name(), names.join(","), message.note.unwrap_or_default())
        };
        due(rows, &fallback, at(minute)).into_iter().map(words).collect()
    }

    use State::{Dead, Pending, Sending, Sent, Superseded, Uncertain};

    #[test]
    fn what_nobody_has_after_a_while_goes_to_others() {
        let row = |channel, state| row(channel, Kind::Firing, state, 0);
        let word = "firing to mail: No channel of its route could deliver this (chat: 503).";
        assert_eq!(told(&[row("chat", Pending)], 4), [""; 0]);
        assert_eq!(told(&[row("chat", Pending)], 5), [word]);
        assert_eq!(told(&[row("chat", Dead)], 0), [word], "there is nothing to wait for");
        for state in [Sent, Uncertain, Sending] {
            assert_eq!(told(&[row("chat", Pending), row("pager", state)], 9), [""; 0], "{state:?}");
        }
        assert_eq!(told(&[row("chat", Pending), row("mail", Pending)], 9), [""; 0], "they are told already");
        assert_eq!(told(&[row("chat", Superseded)], 9), [""; 0]);
    }

    #[test]
    fn each_alarm_counts_and_nothing_else() {
        let first = row("chat", Kind::Firing, Sent, 0);
        let resolved = row("chat", Kind::Resolved, Pending, 1);
        assert_eq!(told(&[first.clone(), resolved], 20), [""; 0]);
        let raised = Delivery { id: 2, ..row("chat", Kind::Raised, Pending, 2) };
        assert_eq!(told(&[first, raised], 20).len(), 1);
    }
}

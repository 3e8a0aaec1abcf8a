//! How the channels did: what was sent, how fast, and how the last one went.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::delivery::State;
use crate::model::time::Time;
use crate::store::timeline::Told;
use crate::text::safe;
use crate::view::snapshot::ChannelRow;

/// A channel over the span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its name.
    pub channel: String,
    /// Where it goes; empty where it is no longer configured.
    pub to: String,
    /// What the provider took.
    pub sent: usize,
    /// What was given up, or may not have arrived.
    pub failed: usize,
    /// What waits.
    pub waiting: usize,
    /// From the decision until the provider had it, in the middle of all.
    pub median: Option<Duration>,
    /// The newest one that has ended or failed for now: whether it went, when, and what was answered.
    pub last: Option<(bool, Time, String)>,
    /// When each of its destinations last took something; none before that.
    pub proven: Option<Time>,
    /// Whether it works now, as far as that is known.
    pub works: Option<bool>,
}

/// A row for each channel that is configured or was used; `told` is newest first.
pub fn rows(told: &[Told], channels: &[ChannelRow]) -> Vec<Row> {
    let mut by_channel: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for one in told.iter().filter(|one| one.state != State::Superseded) {
        by_channel.entry(&one.to.channel).or_default().push(one);
    }
    let mut rows: Vec<Row> = Vec::new();
    for ChannelRow { name, to, works, proven, critical: _ } in channels {
        let told = by_channel.remove(name.as_str()).unwrap_or_default();
        rows.push(Row { to: safe::one_line(to), proven: *proven, works: *works, ..row(name, &told) });
    }
    rows.extend(by_channel.into_iter().map(|(name, told)| row(name, &told)));
    rows
}

fn row(name: &str, told: &[&Told]) -> Row {
    let count = |states: &[State]| told.iter().filter(|one| states.contains(&one.state)).count();
    let mut delays: Vec<Duration> = told.iter().filter_map(|one| one.delay()).collect();
    delays.sort_unstable();
    let last = told.iter().find_map(|one| {
        let answer = one.answer.as_deref()?;
        Some((one.state == State::Sent, one.arrived.unwrap_or(one.created), safe::answer(answer)))
    });
    Row {
        channel: safe::one_line(name),
        to: String::new(),
        sent: count(&[State::Sent]),
        failed: count(&[State::Dead, State::Uncertain]),
        waiting: count(&[State::Pending, State::Sending]),
        median: delays.get(delays.len() / 2).copied(),
        last,
        proven: None,
        works: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Destination;

    #[test]
    fn a_channel_is_counted_by_what_became_of_its_messages() {
        let at = |second: i64| Time::from_millis(second * 1000);
        let told = |id, state, created, arrived: Option<i64>, answer: Option<&str>| Told {
            id,
            to: Destination { channel: "mail".to_owned(), address: String::new() },
            state,
            created: at(created),
            arrived: arrived.map(at),
            answer: answer.map(str::to_owned),
            number: None,
        };
        let all = [
            told(5, State::Pending, 50, None, None),
            told(4, State::Dead, 40, None, Some("550 no\u{202e}")),
            told(3, State::Superseded, 30, None, None),
            told(2, State::Sent, 20, Some(29), Some("250 ok")),
            told(1, State::Sent, 10, Some(11), Some("250 ok")),
        ];
        let channel =
            ChannelRow { name: "sms".to_owned(), to: "+41…".to_owned(), critical: true, works: None, proven: None };
        let rows = rows(&all, &[channel]);
        let words: Vec<String> = rows
            .iter()
            .map(|row| format!("{} {} {} {} {:?}", row.channel, row.sent, row.failed, row.waiting, row.median))
            .collect();
        assert_eq!(words, ["sms 0 0 0 None", "mail 2 1 1 Some(9s)"]);
        assert_eq!(rows[1].last, Some((false, at(40), r"550 no\u{202e}".to_owned())));
    }
}

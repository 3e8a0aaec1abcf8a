//! What is about to be sent, as it is sent: one message for several deliveries, and how old the news is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::render;
use crate::model::delivery::Delivery;
use crate::model::message::{Entry, Kind, Message};
use crate::model::time::Time;
use crate::text::safe::clip;
use crate::text::units;

/// News older than this says so.
const OLD: Duration = Duration::from_mins(5);
/// How many sentences about responses a message for several alerts has.
const MAX_RESPONSES: usize = 6;
/// The longest list of names in the one sentence.
const MAX_NAMES: usize = 300;

/// The one delivery that is sent for these, none of which is left out: the first one's, with all of them in its message.
/// Of a single one that is itself.
pub fn of(deliveries: &[Delivery], now: Time) -> Option<Delivery> {
    let first = deliveries.iter().min_by_key(|delivery| delivery.id)?;
    if let [only] = deliveries {
        return Some(Delivery { message: aged(only, now), ..only.clone() });
    }
    let maybe_repeat = deliveries.iter().any(|delivery| delivery.maybe_repeat);
    Some(Delivery { message: together(deliveries, &first.message, now), maybe_repeat, ..first.clone() })
}

/// How long ago it was decided, where that is not just now.
fn age(delivery: &Delivery, now: Time) -> Option<String> {
    let age = now.since(delivery.created);
    (age > OLD && delivery.message.kind != Kind::Test).then(|| units::duration(age))
}

fn aged(delivery: &Delivery, now: Time) -> Message {
    let message = delivery.message.clone();
    let Some(age) = age(delivery, now) else { return message };
    let word = format!("This is from {age} ago and could not be delivered before.");
    // what people wrote need not end with a full stop
    let ended = |note: &str| if note.ends_with(['.', '!', '?']) { note.to_owned() } else { format!("{note}.") };
    let note = message.note.as_deref().map_or_else(|| word.clone(), |note| format!("{} {word}", ended(note)));
    Message { note: Some(note), ..message }
}

fn together(deliveries: &[Delivery], first: &Message, now: Time) -> Message {
    let mut sorted: Vec<&Delivery> = deliveries.iter().collect();
    sorted.sort_by_key(|delivery| (is_over(&delivery.message), Reverse(delivery.message.severity), delivery.id));
    let messages = || sorted.iter().map(|delivery| &delivery.message);
    let bad = messages().filter(|message| !is_over(message)).map(|message| message.severity).max();
    let severity = bad.or_else(|| messages().map(|message| message.severity).max()).unwrap_or(first.severity);
    Message {
        kind: if bad.is_some() { Kind::Firing } else { Kind::Resolved },
        severity,
        alert: format!("{} alerts", deliveries.len()),
        number: None,
        summary: summary(messages()),
        value: None,
        limit: None,
        worst: None,
        labels: Vec::new(),
        since: messages().map(|message| message.since).min().unwrap_or(first.since),
        at: messages().map(|message| message.at).max().unwrap_or(first.at),
        action: Some(
            "See each of them, with what to do: sippar-mon alert list, sippar-mon alert show NUMBER".to_owned(),
        ),
        runbook_url: None,
        note: note(messages()),
        trend: None,
        responses: Vec::new(),
        list: sorted.iter().map(|delivery| entry(delivery, now)).collect(),
        ..first.clone()
    }
}

/// What must not go under among many alerts: which programs were started, and how they ended.
fn note<'a>(messages: impl Iterator<Item = &'a Message>) -> Option<String> {
    let mut said: Vec<&str> = Vec::new();
    for words in messages.flat_map(|message| &message.responses) {
        if !said.contains(&words.as_str()) {
            said.push(words);
        }
    }
    let more = said.len().saturating_sub(MAX_RESPONSES);
    let more = (more > 0).then(|| format!("And {more} more about responses."));
    let said: Vec<&str> = said.into_iter().take(MAX_RESPONSES).chain(more.as_deref()).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

fn is_over(message: &Message) -> bool {
    message.kind == Kind::Resolved
}

/// `2 firing, 1 resolved: UNDER_COLLATERALIZED, BACKEND_DOWN`.
fn summary<'a>(messages: impl Iterator<Item = &'a Message>) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names: Vec<&str> = Vec::new();
    for message in messages {
        *kinds.entry(message.kind.name()).or_default() += 1;
        if !names.contains(&message.alert.as_str()) {
            names.push(&message.alert);
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{}: {}", kinds.join(", "), clip(&names.join(", "), MAX_NAMES))
}

fn entry(delivery: &Delivery, now: Time) -> Entry {
    let message = &delivery.message;
    let number = message.number.map(|number| format!("#{number} ")).unwrap_or_default();
    let age = age(delivery, now).map(|age| format!(", {age} ago")).unwrap_or_default();
    let repeat = if delivery.maybe_repeat { ", possible repeat" } else { "" };
    let line = format!("{number}{} (id {}{age}{repeat})", clip(&render::headline(message), 150), delivery.id);
    Entry { name: message.alert.clone(), line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::severity::Severity;
    use crate::notify::kit;

    fn delivery(id: i64, kind: Kind, severity: Severity, rule: &str) -> Delivery {
        let delivery = kit::delivery(kind);
        let number = Some(u64::try_from(id).unwrap() + 30);
        let message = Message { severity, alert: rule.to_owned(), number, ..delivery.message };
        Delivery { id, message, ..delivery }
    }

    #[test]
    fn several_become_one_with_a_line_for_each_the_worst_first() {
        let deliveries = [
            delivery(8, Kind::Resolved, Severity::Critical, "BACKEND_DOWN"),
            delivery(9, Kind::Firing, Severity::High, "HIGH_DISK_USAGE"),
            Delivery { maybe_repeat: true, ..delivery(11, Kind::Firing, Severity::Critical, "SERVICE_DOWN") },
        ];
        let one = of(&deliveries, deliveries[0].created).unwrap();
        assert_eq!((one.id, one.maybe_repeat), (8, true));
        let expected = "\
[CRITICAL] 3 alerts: 2 firing, 1 resolved: SERVICE_DOWN, HIGH_DISK_USAGE, BACKEND_DOWN

Alert type:  3 alerts
Severity:    CRITICAL
Message:     2 firing, 1 resolved: SERVICE_DOWN, HIGH_DISK_USAGE, BACKEND_DOWN
Since:       2026-11-23T08:55:00Z
Timestamp:   2026-11-23T09:00:00Z
System:      Sippar bridge (production)
Host:        node-1

- #41 [CRITICAL] SERVICE_DOWN: Memory at 96.1 % (id 11, possible repeat)
- #39 [HIGH] HIGH_DISK_USAGE: Memory at 96.1 % (id 9)
- #38 [CRITICAL] Resolved: BACKEND_DOWN: Memory at 96.1 % (id 8)

Action required: See each of them, with what to do: sippar-mon alert list, sippar-mon alert show NUMBER

id several-8 (possible repeat)
";
        assert_eq!(render::plain(&one), expected);
    }

    #[test]
    fn what_is_said_of_responses_does_not_go_under() {
        let said = |id: i64, words: &[&str]| {
            let one = delivery(id, Kind::Firing, Severity::High, "SERVICE_DOWN");
            let responses = words.iter().map(|words| (*words).to_owned()).collect();
            Delivery { message: Message { responses, ..one.message.clone() }, ..one }
        };
        let (starts, ended) = ("Response a starts now.", "Response b: ended 1.");
        let several = [said(1, &[starts]), said(2, &[]), said(3, &[starts, ended])];
        let one = of(&several, several[0].created).unwrap();
        assert_eq!(one.message.note.as_deref(), Some("Response a starts now. Response b: ended 1."));
        let many: Vec<Delivery> = (0..9).map(|id| said(id, &[&format!("Response {id} starts now.")])).collect();
        let note = of(&many, many[0].created).unwrap().message.note.unwrap();
        assert!(note.ends_with("Response 5 starts now. And 3 more about responses."), "{note}");
    }

    #[test]
    fn what_is_all_over_is_no_alarm() {
        let over = [1, 2].map(|id| delivery(id, Kind::Resolved, Severity::High, "SOURCE_DOWN"));
        let one = of(&over, over[0].created).unwrap();
        assert_eq!(render::headline(&one.message), "[HIGH] Resolved: 2 alerts: 2 resolved: SOURCE_DOWN");
    }

    #[test]
    fn old_news_says_how_old_it_is() {
        let alone = kit::delivery(Kind::Firing);
        let night = alone.created + Duration::from_hours(6);
        assert_eq!(of(std::slice::from_ref(&alone), alone.created + OLD).unwrap(), alone);
        let note = of(std::slice::from_ref(&alone), night).unwrap().message.note;
        assert_eq!(note.as_deref(), Some("This is from 6 h ago and could not be delivered before."));
        let two = of(&[alone.clone(), Delivery { id: 8, ..alone }], night).unwrap();
        assert_eq!(two.message.list[0].line, "#41 [CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 % (id 7, 6 h ago)");
    }

    #[test]
    fn of_very_many_the_rest_is_counted_by_name_and_none_is_left_out() {
        let rule = |id: i64| if id % 2 == 0 { "EVEN" } else { "ODD" };
        let many: Vec<Delivery> = (1..=501).map(|id| delivery(id, Kind::Firing, Severity::High, rule(id))).collect();
        let one = of(&many, many[0].created).unwrap();
        let lines = render::list(&one.message, 4000);
        let last = lines.last().unwrap();
        let told: usize = lines.len() - 1;
        let even = (1..=501).skip(told).filter(|id| id % 2 == 0).count();
        let odd = 501 - told - even;
        assert!(told > 20 && lines.iter().map(String::len).sum::<usize>() < 4000, "{told}");
        assert!(
            last == &format!("and {} more: EVEN x {even}, ODD x {odd}", 501 - told)
                || last == &format!("and {} more: ODD x {odd}, EVEN x {even}", 501 - told),
            "{last}"
        );
        assert_eq!(render::list(&one.message, render::MAX_PLAIN_LIST).len(), 501);
    }
}

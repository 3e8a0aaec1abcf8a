//! What happened, newest first: alerts, what was done about them, what could not be delivered, and the monitor itself.

use super::alerts;
use crate::config::Config;
use crate::model::alert::{Deed, DeedKind, Ended, Transition};
use crate::model::delivery::State;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::alerts::TransitionRow;
use crate::store::timeline::{About, Told};
use crate::store::{Reader, Result};
use crate::text::safe;

/// What an entry is about, for the sign before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// An alert of this severity.
    Alert(Severity),
    /// The end of an alert.
    Over,
    /// What somebody did.
    Deed,
    /// What could not be delivered.
    Undelivered,
    /// The monitor itself.
    Monitor,
}

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When.
    pub at: Time,
    /// What it is about.
    pub sign: Sign,
    /// What happened.
    pub text: String,
    /// The number of the alert, where it is about one.
    pub number: Option<u64>,
}

/// The newest `most` entries of a span, and whether there are more.
pub fn entries(
    reader: &Reader,
    config: &Config,
    (from, to): (Time, Time),
    told: &[Told],
    most: u32,
) -> Result<(Vec<Entry>, bool)> {
    let limit = most.saturating_add(1);
    let mut entries: Vec<Entry> = Vec::new();
    for (about, row) in reader.transitions_between(from, to, limit)? {
        entries.push(of_transition(&about, &row, config));
    }
    for (about, deed) in reader.deeds_between(from, to, limit)? {
        entries.push(of_deed(&about, &deed));
    }
    for note in reader.notes_between(from, to, limit)? {
        entries.push(Entry { at: note.at, sign: Sign::Monitor, text: safe::answer(&note.text), number: None });
    }
    entries.extend(told.iter().filter_map(of_told));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let has_more = entries.len() > most;
    entries.truncate(most);
    Ok((entries, has_more))
}

/// What happened to an alert, in words.
pub fn transition_words(transition: Transition) -> String {
    match transition {
        Transition::Fired(to) => format!("fired {to}"),
        Transition::Raised(from, to) => format!("raised from {from} to {to}"),
        Transition::Eased(from, to) => format!("eased from {from} to {to}"),
        Transition::Resolved(_, Ended::Cleared) => "resolved: the value is good again".to_owned(),
        Transition::Resolved(_, Ended::Gone) => "resolved: what it watched is no longer reported".to_owned(),
        Transition::Resolved(_, Ended::RuleRemoved) => "resolved: its rule was removed or disabled".to_owned(),
        Transition::Resolved(_, Ended::Closed) => "resolved: closed by hand".to_owned(),
    }
}

/// What was done about an alert, in words.
pub fn deed_words(deed: &Deed) -> String {
    let (who, text) = (safe::answer(&deed.who), safe::answer(&deed.text));
    match deed.kind {
        DeedKind::Acknowledged => format!("acknowledged by {who}: {text}"),
        DeedKind::AckEnded => format!("acknowledgement ended: {text}"),
        DeedKind::Withheld => format!("withheld: {text}"),
        DeedKind::Released => format!("told again: {text}"),
        DeedKind::Closed => format!("closed by {who}: {text}"),
        DeedKind::Responded if who.is_empty() => format!("response {text}"),
        DeedKind::Responded => format!("response by {who}: {text}"),
    }
}

/// The sign of a transition.
pub const fn sign_of(transition: Transition) -> Sign {
    match transition {
        Transition::Fired(to) | Transition::Raised(_, to) | Transition::Eased(_, to) => Sign::Alert(to),
        Transition::Resolved(..) => Sign::Over,
    }
}

fn of_transition(about: &About, row: &TransitionRow, config: &Config) -> Entry {
    let rule = config.rules.iter().find(|rule| rule.name == about.key.rule);
    let is_told = !matches!(row.transition, Transition::Resolved(..));
    let value = rule.zip(row.value).filter(|_| is_told).map(|(rule, value)| {
        format!(" at {}", rule.against(value, row.transition.severity(), alerts::text(rule, value)))
    });
    let what = transition_words(row.transition);
    let text = format!("{} {what}{}", about.key, value.unwrap_or_default());
    Entry { at: row.tick, sign: sign_of(row.transition), text: safe::one_line(&text), number: Some(about.number) }
}

fn of_deed(about: &About, deed: &Deed) -> Entry {
    let text = safe::one_line(&format!("{} {}", about.key, deed_words(deed)));
    Entry { at: deed.at, sign: Sign::Deed, text, number: Some(about.number) }
}

fn of_told(told: &Told) -> Option<Entry> {
    let what = match told.state {
        State::Dead => "was not delivered",
        State::Uncertain => "may not have been delivered",
        State::Pending | State::Sending | State::Sent | State::Superseded => return None,
    };
    let about = told.number.map_or("a test".to_owned(), |number| format!("alert {number}"));
    let answer = told.answer.as_deref().map(|answer| format!(": {answer}")).unwrap_or_default();
    let text = safe::answer(&format!("{about} {what} to {}{answer}", told.to.channel));
    Some(Entry { at: told.created, sign: Sign::Undelivered, text, number: told.number })
}

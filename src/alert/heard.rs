//! What each destination has heard of an alert, from all that was queued about it.

use std::collections::BTreeMap;

use crate::model::delivery::{Queued, State};
use crate::model::message::{Destination, Kind};
use crate::model::severity::Severity;
use crate::model::time::Time;

/// What a destination has heard of this alert so far.
#[derive(Default)]
pub struct Heard<'a> {
    /// It was told, or may have been.
    pub told: bool,
    /// It has been told, or may have been told, that the alert ended.
    pub closed: bool,
    /// Rows about it that have certainly not left.
    pub waiting: Vec<i64>,
    /// The same that say that somebody is at it.
    pub acks: Vec<&'a Queued>,
    /// The newest word that stands, whether it arrived or not; an acknowledgement says nothing of the alert itself.
    pub last: Option<&'a Queued>,
    /// The newest of them that left, or may have.
    pub known: Option<&'a Queued>,
    /// Words that stand.
    pub words: Vec<&'a Queued>,
}

impl Heard<'_> {
    /// It was told, or a word waits for it.
    pub fn listens(&self) -> bool {
        self.told || !self.waiting.is_empty()
    }

    /// How many words of `severity` it was sent since `began`.
    pub fn words_of(&self, severity: Severity, began: Time) -> u32 {
        let count = self.words.iter().filter(|word| word.severity == severity && word.at >= began).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The newest word that left; one that was given up after it may have arrived is not sure enough.
    pub fn surely_known(&self) -> Option<&Queued> {
        let has_left = |word: &&&Queued| matches!(word.state, State::Sent | State::Uncertain | State::Sending);
        self.words.iter().rev().find(has_left).copied()
    }

    /// How one is told at `severity`, whatever it knows.
    pub fn kind(&self, severity: Severity, terse: bool) -> Kind {
        match self.known {
            None if !self.told => Kind::Firing,
            Some(known) if known.severity < severity => Kind::Raised,
            Some(known) if known.severity > severity && !terse => Kind::Eased,
            _ => Kind::Reminder,
        }
    }
}

/// What each destination has heard, or waits to hear, of what was queued `before`, oldest first.
pub fn heard(before: &[Queued]) -> BTreeMap<&Destination, Heard<'_>> {
    let mut all: BTreeMap<&Destination, Heard<'_>> = BTreeMap::new();
    for word in before.iter().filter(|word| word.state != State::Superseded) {
        let heard = all.entry(&word.to).or_default();
        let is_about_it = word.kind != Kind::Acknowledged;
        match word.state {
            State::Pending if !word.maybe_repeat && is_about_it => heard.waiting.push(word.id),
            State::Pending if !word.maybe_repeat => heard.acks.push(word),
            State::Dead if !word.maybe_repeat => {}
            // an attempt may have arrived, whatever became of the next one
            State::Sent | State::Uncertain | State::Sending | State::Pending | State::Dead => {
                heard.known = if is_about_it { Some(word) } else { heard.known };
                heard.told = true;
                heard.closed |= word.kind == Kind::Resolved;
            }
            State::Superseded => {}
        }
        if is_about_it {
            heard.last = Some(word);
            heard.words.push(word);
        }
    }
    all
}

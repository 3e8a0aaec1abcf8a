//! Who is told what of an alert now.
//!
//! The law: whoever was told of an alert is told "resolved" once, whatever lay between; whoever was told a severity is
//! told once when it eases. What has not left yet is replaced by the newer word, so that a channel that was down for
//! hours gets one honest message and not the whole story.
//!
//! The plan does not follow from what has just happened but from what the alert is now and what each destination has
//! heard of it: so it is the same after a silence, an outage, a crash or a change of the routes.

use std::collections::{BTreeMap, BTreeSet};

use super::routes::Routes;
use crate::model::delivery::{Queued, State};
use crate::model::hold::Hold;
use crate::model::message::{Destination, Kind};
use crate::model::severity::Severity;
use crate::model::time::Time;

/// An alert that fires or has just ended, as far as people are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its rule.
    pub rule: &'a str,
    /// The severity that fires, or the last one that did.
    pub severity: Severity,
    /// Since when it fires at that severity; none once it has ended.
    pub began: Option<Time>,
    /// All that was queued about it so far, oldest first.
    pub before: &'a [Queued],
    /// What keeps people from being told.
    pub hold: Option<&'a Hold>,
}

/// One notification to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Telling {
    /// Who.
    pub to: Destination,
    /// What kind of message.
    pub kind: Kind,
    /// An earlier message about this alert never arrived: this one must carry the whole story.
    pub first_word: bool,
}

/// What to do about an alert.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Notifications to be made, in order of the destination.
    pub tell: Vec<Telling>,
    /// Outbox rows that the new notifications replace, or that are withheld.
    pub supersede: Vec<i64>,
}

/// What a destination has heard of this alert so far.
#[derive(Default)]
struct Heard<'a> {
    /// It was told, or may have been.
    told: bool,
    /// It has been told, or may have been told, that the alert ended.
    closed: bool,
    /// Rows that have certainly not left.
    waiting: Vec<i64>,
    /// The newest word that stands, whether it arrived or not; an acknowledgement says nothing of the alert itself.
    last: Option<&'a Queued>,
    /// The newest of them that left, or may have.
    known: Option<&'a Queued>,
    /// Words that stand.
    words: Vec<&'a Queued>,
}

impl Heard<'_> {
    fn listens(&self) -> bool {
        self.told || !self.waiting.is_empty()
    }

    /// How many words of `severity` it was sent since `began`.
    fn words_of(&self, severity: Severity, began: Time) -> u32 {
        let count = self.words.iter().filter(|word| word.severity == severity && word.at >= began).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// Plans what is to be told at `at`: that it fires, has risen, eased or ended, to everybody who has not heard so yet.
/// Whoever was told is told on, also while its channel is not configured: the row waits for it.
pub fn plan(subject: &Subject<'_>, routes: &Routes, at: Time) -> Plan {
    let heard = heard(subject.before);
    let Some(began) = subject.began else { return farewell(&heard) };
    if let Some(hold) = subject.hold {
        let waiting = heard.values().flat_map(|heard| heard.waiting.iter().copied());
        return Plan { tell: Vec::new(), supersede: if hold.recalls() { waiting.collect() } else { Vec::new() } };
    }
    let route = routes.of(subject.rule, subject.severity, at);
    let audience: BTreeSet<&Destination> = route.iter().chain(heard.keys().copied()).collect();
    let mut plan = Plan::default();
    for to in audience {
        let nothing = Heard::default();
        let heard = heard.get(to).unwrap_or(&nothing);
        let terse = routes.terse.contains(&to.channel);
        match news(subject.severity, began, heard, route.contains(to), terse) {
            News::None => {}
            News::Tell(kind) => plan.tell(to, kind, heard),
            News::Withdraw => plan.supersede.extend(&heard.waiting),
        }
    }
    plan
}

/// Everybody who listens and does not know yet.
fn farewell(heard: &BTreeMap<&Destination, Heard<'_>>) -> Plan {
    let mut plan = Plan::default();
    for (to, heard) in heard.iter().filter(|(_, heard)| heard.listens() && !heard.closed) {
        plan.tell(to, Kind::Resolved, heard);
    }
    plan
}

/// What there is for a destination.
enum News {
    /// It knows all.
    None,
    /// A word of this kind.
    Tell(Kind),
    /// What waits for it has become wrong, and what it knows is right again.
    Withdraw,
}

/// What is new to a destination. One that has heard nothing yet hears that the alert fires, whatever step of its life this
/// is.
fn news(severity: Severity, began: Time, heard: &Heard<'_>, on_route: bool, terse: bool) -> News {
    let Some(last) = heard.last else { return if on_route { News::Tell(Kind::Firing) } else { News::None } };
    // the terse do not hear that it eased, and so must hear that it is back
    let is_right = |word: &Queued| word.severity == severity && (!terse || word.at >= began);
    // what it was sent in vain counts as said until the next reminder: it is not tried anew in each cycle
    if is_right(last) {
        return News::None;
    }
    if heard.known.is_some_and(is_right) {
        return News::Withdraw;
    }
    match (last.severity > severity, heard.told) {
        (true, true) if terse => News::None,
        (true, true) => News::Tell(Kind::Eased),
        (true, false) if !heard.listens() => News::None,
        (false, _) if !on_route && !heard.listens() => News::None,
        (false, true) => News::Tell(Kind::Raised),
        (_, false) => News::Tell(Kind::Firing),
    }
}

/// What an alert that goes on firing asks for beside the news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attention {
    /// Nobody is at it.
    Wanted {
        /// Since when: it fires, or the last acknowledgement ended.
        since: Time,
    },
    /// It got worse under an acknowledgement, which that ended.
    Worse,
    /// Somebody is at it.
    Given,
}

/// Adds to the plan reminders whose time has come, and the escalation of what nobody acknowledges.
pub fn remind(plan: &mut Plan, subject: &Subject<'_>, attention: Attention, routes: &Routes, at: Time) {
    let Some(began) = subject.began.filter(|_| subject.hold.is_none()) else { return };
    let heard = heard(subject.before);
    let escalated = escalation(subject, attention, routes, at);
    for to in escalated {
        let knows = |heard: &Heard<'_>| heard.words.iter().any(|word| word.kind == Kind::Escalated && word.at >= began);
        if heard.get(to).is_none_or(|heard| !knows(heard)) {
            plan.tell.retain(|telling| telling.to != *to);
            plan.tell(to, Kind::Escalated, heard.get(to).unwrap_or(&Heard::default()));
        }
    }
    let route = routes.of(subject.rule, subject.severity, at);
    for (to, heard) in &heard {
        let concerned = route.contains(to) || escalated.contains(to);
        let is_told_now = plan.tell.iter().any(|telling| telling.to == **to);
        if concerned && !is_told_now && is_due(heard, subject.severity, began, attention, routes, at) {
            plan.tell(to, if heard.told { Kind::Reminder } else { Kind::Firing }, heard);
        }
    }
    plan.tell.sort_by(|one, two| one.to.cmp(&two.to));
}

/// Who is to hear by now that nobody has acknowledged it.
fn escalation<'a>(subject: &Subject<'_>, attention: Attention, routes: &'a Routes, at: Time) -> &'a [Destination] {
    match (&routes.escalate, attention) {
        (Some(escalate), Attention::Wanted { since })
            if subject.severity == Severity::Critical && at.since(since) >= escalate.after =>
        {
            &escalate.to
        }
        _ => &[],
    }
}

/// Adds to the plan a word for everybody who was told of it and has heard nothing since something went wrong that was
/// done about it.
pub fn report(plan: &mut Plan, subject: &Subject<'_>, routes: &Routes, happened: Time, at: Time) {
    if subject.began.is_none() || subject.hold.is_some() {
        return;
    }
    let route = routes.of(subject.rule, subject.severity, at);
    for (to, heard) in heard(subject.before) {
        let is_told_now = plan.tell.iter().any(|telling| telling.to == *to);
        let is_behind = heard.waiting.is_empty() && heard.last.is_some_and(|last| last.created < happened);
        if heard.told && is_behind && route.contains(to) && !is_told_now {
            plan.tell(to, Kind::Reminder, &heard);
        }
    }
    plan.tell.sort_by(|one, two| one.to.cmp(&two.to));
}

fn is_due(heard: &Heard<'_>, severity: Severity, began: Time, attention: Attention, routes: &Routes, at: Time) -> bool {
    let Some(last) = heard.last.filter(|_| heard.waiting.is_empty()) else { return false };
    match attention {
        Attention::Given => false,
        Attention::Worse => true,
        Attention::Wanted { .. } => routes
            .pause(severity, heard.words_of(severity, began).saturating_sub(1))
            // how long ago a word of before the clock went back was, nobody knows
            .is_some_and(|pause| last.at > at || at.since(last.at) >= pause),
    }
}

impl Plan {
    fn tell(&mut self, to: &Destination, kind: Kind, heard: &Heard<'_>) {
        self.supersede
            .extend(heard.waiting.iter().filter(|id| !self.supersede.contains(id)).copied().collect::<Vec<_>>());
        // what was sent in vain is an earlier message too
        let first_word = heard.last.is_some() && !heard.told;
        self.tell.push(Telling { to: to.clone(), kind, first_word });
    }
}

fn heard(before: &[Queued]) -> BTreeMap<&Destination, Heard<'_>> {
    let mut all: BTreeMap<&Destination, Heard<'_>> = BTreeMap::new();
    for word in before.iter().filter(|word| word.state != State::Superseded) {
        let heard = all.entry(&word.to).or_default();
        let is_about_it = word.kind != Kind::Acknowledged;
        match word.state {
            State::Pending if !word.maybe_repeat => heard.waiting.push(word.id),
            State::Sent | State::Uncertain | State::Sending | State::Pending => {
                heard.known = if is_about_it { Some(word) } else { heard.known };
                heard.told = true;
                heard.closed |= word.kind == Kind::Resolved;
            }
            State::Dead | State::Superseded => {}
        }
        if is_about_it {
            heard.last = Some(word);
            heard.words.push(word);
        }
    }
    all
}

/// Who is told that somebody is at it: everybody who was told of it, but for the terse.
pub fn listeners(before: &[Queued], routes: &Routes) -> Vec<Destination> {
    let is_meant =
        |to: &Destination, heard: &Heard<'_>| heard.told && !heard.closed && !routes.terse.contains(&to.channel);
    heard(before).into_iter().filter(|(to, heard)| is_meant(to, heard)).map(|(to, _)| to.clone()).collect()
}

/// Who has heard nothing yet, for the word waits: it is replaced by one that says that somebody is at it.
pub fn unheard(before: &[Queued], routes: &Routes) -> Plan {
    let mut plan = Plan::default();
    let is_meant = |to: &Destination, heard: &Heard<'_>| {
        !heard.told && !heard.waiting.is_empty() && !routes.terse.contains(&to.channel)
    };
    for (to, heard) in heard(before).into_iter().filter(|(to, heard)| is_meant(to, heard)) {
        plan.tell(to, heard.last.map_or(Kind::Firing, |last| last.kind), &heard);
    }
    plan
}

#[cfg(test)]
mod tests;

//! Who is told what of an alert now.
//!
//! The law: whoever was told of an alert is told "resolved" once, whatever lay between; whoever was told a severity is
//! told once when it eases. What has not left yet is replaced by the newer word, so that a channel that was down for
//! hours gets one honest message and not the whole story.
//!
//! The plan does not follow from what has just happened but from what the alert is now and what each destination has
//! heard of it: so it is the same after a silence, an outage, a crash or a change of the routes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::heard::{Heard, heard};
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
    /// Somebody is at it.
    pub acked: bool,
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

/// Plans what is to be told at `at`: that it fires, has risen, eased or ended, to everybody who has not heard so yet.
/// Whoever was told is told on, also while its channel is not configured: the row waits for it.
pub fn plan(subject: &Subject<'_>, routes: &Routes, at: Time) -> Plan {
    let heard = heard(subject.before);
    let Some(began) = subject.began else { return farewell(&heard) };
    let mut plan = Plan::default();
    if !subject.acked {
        // it would say of somebody who is not at it any more that they are
        plan.supersede.extend(heard.values().flat_map(|heard| &heard.acks).map(|ack| ack.id));
    }
    if let Some(hold) = subject.hold {
        if hold.recalls() {
            plan.supersede.extend(heard.values().flat_map(|heard| &heard.waiting));
        }
        return plan;
    }
    let route = routes.of(subject.rule, subject.severity, at);
    let is_past = |ack: &&Queued| ack.severity != subject.severity;
    let audience: BTreeSet<&Destination> = route.iter().chain(heard.keys().copied()).collect();
    for to in audience {
        let nothing = Heard::default();
        let heard = heard.get(to).unwrap_or(&nothing);
        let terse = routes.terse.contains(&to.channel);
        match news(subject.severity, began, heard, route.contains(to), terse) {
            News::Tell(kind) => plan.tell(to, kind, heard),
            // that somebody is at it is still true, but no longer at the severity that it was said with
            News::None | News::Withdraw if subject.acked && heard.acks.iter().any(is_past) => {
                plan.tell(to, Kind::Acknowledged, heard);
            }
            News::None => {}
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
        (true, true) if terse && heard.waiting.is_empty() => News::None,
        (true, true) if terse => News::Withdraw,
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
            plan.tell(to, heard.kind(subject.severity, routes.terse.contains(&to.channel)), heard);
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
    let Some(last) = heard.last else { return false };
    match attention {
        Attention::Given => false,
        // also where a word waits: it is from before, and may say that somebody is at it
        Attention::Worse => true,
        Attention::Wanted { .. } => routes
            .pause(severity, heard.words_of(severity, began).saturating_sub(1))
            // how long ago a word of before the clock went back was, nobody knows
            .is_some_and(|pause| heard.waiting.is_empty() && (last.at > at || at.since(last.at) >= pause)),
    }
}

/// Who is told in place of a route of which nobody could be told: `others`, once all that was queued was given up or is older
/// than `after`. They hear what the alert is now; of one that is over, that it was, unless somebody knew of it.
pub fn stand_in(
    subject: &Subject<'_>,
    routes: &Routes,
    others: &[Destination],
    after: Duration,
    now: Time,
) -> Vec<Telling> {
    let heard = heard(subject.before);
    let terse = |to: &Destination| routes.terse.contains(&to.channel);
    let is_known = |(to, heard): (&&Destination, &Heard<'_>)| {
        heard.surely_known().is_some_and(|known| match subject.began {
            None => true,
            // the terse do not hear that it eased
            Some(began) if known.severity == subject.severity => !terse(to) || known.at >= began,
            Some(_) => known.severity > subject.severity,
        })
    };
    let stuck: Vec<&Queued> = heard.values().filter_map(|heard| heard.last).collect();
    let hopeless = stuck.iter().all(|word| word.state == State::Dead);
    let late = stuck.iter().all(|word| now.since(word.created) >= after);
    if subject.hold.is_some() || stuck.is_empty() || !(hopeless || late) || heard.iter().any(is_known) {
        return Vec::new();
    }
    let nothing = Heard::default();
    let tell = |to: &Destination| {
        let own = heard.get(to).unwrap_or(&nothing);
        let newest =
            heard.iter().filter(|(other, _)| **other != to).filter_map(|(_, heard)| Some(heard.last?.at)).max();
        // it waits for them too, or they were told in vain, and nobody was tried since
        let has_its_own = !own.waiting.is_empty() || own.last.is_some_and(|last| Some(last.at) >= newest);
        let (kind, first_word) = match subject.began {
            Some(_) => (own.kind(subject.severity, terse(to)), own.last.is_some() && !own.told),
            None => (Kind::Resolved, true),
        };
        (!has_its_own && !own.closed).then(|| Telling { to: to.clone(), kind, first_word })
    };
    others.iter().filter_map(tell).collect()
}

impl Plan {
    fn tell(&mut self, to: &Destination, kind: Kind, heard: &Heard<'_>) {
        for id in heard.waiting.iter().copied().chain(heard.acks.iter().map(|ack| ack.id)) {
            if !self.supersede.contains(&id) {
                self.supersede.push(id);
            }
        }
        // what was sent in vain is an earlier message too
        let first_word = heard.last.is_some() && !heard.told;
        self.tell.push(Telling { to: to.clone(), kind, first_word });
    }
}

/// What is told when somebody is at it, but for the terse: so to everybody who was told; where the first word waits, that
/// word anew, which says it too.
pub fn acknowledged(before: &[Queued], routes: &Routes) -> Plan {
    let mut plan = Plan::default();
    let is_meant = |to: &Destination, heard: &Heard<'_>| !heard.closed && !routes.terse.contains(&to.channel);
    for (to, heard) in heard(before).into_iter().filter(|(to, heard)| is_meant(to, heard)) {
        if heard.told {
            // also where it waits that somebody else was
            plan.supersede.extend(heard.acks.iter().map(|ack| ack.id));
            plan.tell.push(Telling { to: to.clone(), kind: Kind::Acknowledged, first_word: false });
        } else if !heard.waiting.is_empty() {
            plan.tell(to, heard.last.map_or(Kind::Firing, |last| last.kind), &heard);
        }
    }
    plan
}

#[cfg(test)]
mod tests;

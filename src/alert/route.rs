//! Who is told of a transition.
//!
//! The law: whoever was told of an alert is told "resolved" once, whatever lay between; whoever was told a severity is
//! told once when it eases. What has not left yet is replaced by the newer word, so that a channel that was down for
//! hours gets one honest message and not the whole story.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::alert::Transition;
use crate::model::delivery::{Delivery, State};
use crate::model::message::{Destination, Kind};
use crate::model::severity::{BySeverity, Severity};

/// The destinations of each severity, as configured.
pub type Routes = BySeverity<Vec<Destination>>;

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

/// What to do about a transition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Notifications to be made, in order of the destination.
    pub tell: Vec<Telling>,
    /// Outbox rows that the new notifications replace.
    pub supersede: Vec<i64>,
}

/// What a destination has heard of this alert so far.
#[derive(Default)]
struct Heard {
    /// The highest severity it was told, or may have been told.
    told: Option<Severity>,
    /// It has been told, or may have been told, that the alert ended.
    closed: bool,
    /// Rows that have certainly not left, with the highest severity among them.
    waiting: Vec<i64>,
    waiting_for: Option<Severity>,
}

/// Plans the notifications of `transition`, given what was queued for this alert before. Whoever was told is told on,
/// also while its channel is not configured: the row waits for it.
pub fn plan(transition: Transition, before: &[Delivery], routes: &Routes) -> Plan {
    let heard = heard(before);
    let mut audience: BTreeSet<&Destination> = BTreeSet::new();
    match transition {
        Transition::Fired(to) => audience.extend(&routes[to]),
        Transition::Raised(_, to) => {
            audience.extend(&routes[to]);
            let listens = |heard: &Heard| heard.told.is_some() || !heard.waiting.is_empty();
            audience.extend(heard.iter().filter(|(_, heard)| listens(heard)).map(|(destination, _)| *destination));
        }
        Transition::Eased(from, _) => {
            let was_told = |heard: &Heard| heard.told.max(heard.waiting_for) >= Some(from);
            audience.extend(heard.iter().filter(|(_, heard)| was_told(heard)).map(|(destination, _)| *destination));
        }
        Transition::Resolved(..) => {
            let listens = |heard: &Heard| !heard.closed && (heard.told.is_some() || !heard.waiting.is_empty());
            audience.extend(heard.iter().filter(|(_, heard)| listens(heard)).map(|(destination, _)| *destination));
        }
    }
    let mut plan = Plan::default();
    for destination in audience {
        let heard = heard.get(destination);
        let told = heard.is_some_and(|heard| heard.told.is_some());
        let waits = heard.is_some_and(|heard| !heard.waiting.is_empty());
        plan.supersede.extend(heard.iter().flat_map(|heard| &heard.waiting));
        plan.tell.push(Telling { to: destination.clone(), kind: kind(transition, told), first_word: waits && !told });
    }
    plan
}

/// A destination that has heard nothing yet hears that the alert fires, whatever step of its life this is.
fn kind(transition: Transition, told: bool) -> Kind {
    match transition {
        Transition::Resolved(..) => Kind::Resolved,
        Transition::Raised(..) if told => Kind::Raised,
        Transition::Eased(..) if told => Kind::Eased,
        Transition::Fired(_) | Transition::Raised(..) | Transition::Eased(..) => Kind::Firing,
    }
}

fn heard(before: &[Delivery]) -> BTreeMap<&Destination, Heard> {
    let mut all: BTreeMap<&Destination, Heard> = BTreeMap::new();
    for delivery in before {
        let heard = all.entry(&delivery.destination).or_default();
        let severity = Some(delivery.message.severity);
        match delivery.state {
            State::Pending if !delivery.maybe_repeat => {
                heard.waiting.push(delivery.id);
                heard.waiting_for = heard.waiting_for.max(severity);
            }
            State::Sent | State::Uncertain | State::Sending | State::Pending => {
                heard.told = heard.told.max(severity);
                heard.closed |= delivery.message.kind == Kind::Resolved;
            }
            State::Dead | State::Superseded => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::Ended;
    use crate::model::message::Message;
    use crate::model::time::Time;

    fn to(channel: &str) -> Destination {
        Destination { channel: channel.to_owned(), address: String::new() }
    }

    fn row(id: i64, channel: &str, kind: Kind, severity: Severity, state: State) -> Delivery {
        let at = Time::from_millis(0);
        let message = Message {
            kind,
            severity,
            alert: "R".to_owned(),
            number: Some(1),
            summary: String::new(),
            value: None,
            limit: None,
            worst: None,
            labels: Vec::new(),
            since: at,
            at,
            system: String::new(),
            environment: String::new(),
            host: String::new(),
            action: None,
            runbook_url: None,
            note: None,
            trend: None,
            list: Vec::new(),
        };
        Delivery {
            id,
            alert: Some(1),
            destination: to(channel),
            message,
            state,
            attempts: 0,
            maybe_repeat: false,
            created: at,
            due: at,
            last_answer: None,
            parcel: None,
        }
    }

    fn routes() -> Routes {
        BySeverity::from_fn(|severity| match severity {
            Severity::Low => vec![],
            Severity::Medium => vec![to("slack")],
            Severity::High => vec![to("mail"), to("slack")],
            Severity::Critical => vec![to("mail"), to("slack"), to("sms")],
        })
    }

    /// `channel:kind` for each telling (`!` where it must carry the whole story), then the replaced rows.
    fn told(transition: Transition, before: &[Delivery]) -> String {
        let plan = plan(transition, before, &routes());
        let mark = |telling: &Telling| if telling.first_word { "!" } else { "" };
        let tell: Vec<String> =
            plan.tell.iter().map(|t| format!("{}:{}{}", t.to.channel, t.kind.name(), mark(t))).collect();
        format!("{} {:?}", tell.join(" "), plan.supersede)
    }

    use Severity::{Critical, High, Medium};

    #[test]
    fn firing_follows_the_route_of_its_severity() {
        assert_eq!(told(Transition::Fired(Medium), &[]), "slack:firing []");
        assert_eq!(told(Transition::Fired(Critical), &[]), "mail:firing slack:firing sms:firing []");
    }

    #[test]
    fn raising_tells_the_old_and_the_new() {
        let before =
            [row(1, "mail", Kind::Firing, High, State::Sent), row(2, "slack", Kind::Firing, High, State::Sent)];
        assert_eq!(told(Transition::Raised(High, Critical), &before), "mail:raised slack:raised sms:firing []");
    }

    #[test]
    fn easing_tells_only_who_heard_the_higher_severity() {
        let before =
            [row(1, "slack", Kind::Firing, High, State::Sent), row(2, "mail", Kind::Raised, Critical, State::Sent)];
        assert_eq!(told(Transition::Eased(Critical, High), &before), "mail:eased []");
    }

    #[test]
    fn resolved_goes_once_to_everybody_who_was_told_and_to_nobody_else() {
        let before =
            [row(1, "mail", Kind::Firing, High, State::Dead), row(2, "slack", Kind::Firing, High, State::Uncertain)];
        assert_eq!(told(Transition::Resolved(High, Ended::Cleared), &before), "slack:resolved []");
        let closed = row(3, "slack", Kind::Resolved, High, State::Sent);
        let again = [before[1].clone(), closed];
        assert_eq!(told(Transition::Resolved(High, Ended::Cleared), &again), " []");
    }

    #[test]
    fn what_has_not_left_is_replaced_by_one_honest_message() {
        let before = [row(1, "slack", Kind::Firing, High, State::Pending)];
        assert_eq!(told(Transition::Resolved(High, Ended::Cleared), &before), "slack:resolved! [1]");
        assert_eq!(told(Transition::Raised(High, Critical), &before), "mail:firing slack:firing! sms:firing [1]");
    }

    #[test]
    fn a_row_that_may_have_arrived_is_kept_and_counts_as_told() {
        let unsure = Delivery { maybe_repeat: true, ..row(1, "slack", Kind::Firing, High, State::Pending) };
        assert_eq!(told(Transition::Resolved(High, Ended::Cleared), &[unsure]), "slack:resolved []");
        let leaving = row(1, "slack", Kind::Firing, High, State::Sending);
        assert_eq!(told(Transition::Resolved(High, Ended::Cleared), &[leaving]), "slack:resolved []");
    }

    #[test]
    fn who_still_waits_for_the_milder_word_hears_the_worse_one() {
        let before = [row(1, "old", Kind::Firing, Medium, State::Pending)];
        assert_eq!(told(Transition::Raised(Medium, High), &before), "mail:firing old:firing! slack:firing [1]");
    }

    #[test]
    fn who_was_told_is_told_on_although_the_channel_is_absent_now() {
        let before = [row(1, "old", Kind::Firing, High, State::Sent)];
        assert_eq!(told(Transition::Resolved(High, Ended::Cleared), &before), "old:resolved []");
    }
}

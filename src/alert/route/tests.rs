//! Plans, each in one line: `channel:kind` for each telling (`!` where it must carry the whole story), then the replaced rows.

use std::time::Duration;

use super::*;
use crate::alert::routes::{Escalate, default_pauses};
use crate::model::severity::BySeverity;
use crate::text::units::parse_duration;
use Severity::{Critical, High, Medium};

fn to(channel: &str) -> Destination {
    Destination { channel: channel.to_owned(), address: String::new() }
}

fn at(text: &str) -> Time {
    Time::from_millis(0) + parse_duration(text).unwrap()
}

fn row(id: i64, channel: &str, kind: Kind, severity: Severity, state: State) -> Queued {
    Queued { id, to: to(channel), kind, severity, state, maybe_repeat: false, at: at("0s"), created: at("0s") }
}

fn routes() -> Routes {
    let hears = BySeverity::from_fn(|severity| match severity {
        Severity::Low => vec![],
        Severity::Medium => vec![to("slack")],
        Severity::High => vec![to("mail"), to("slack")],
        Severity::Critical => vec![to("mail"), to("slack"), to("sms")],
    });
    Routes { terse: ["sms".to_owned()].into(), ..hears.into() }
}

fn line(plan: &Plan) -> String {
    let mark = |telling: &Telling| if telling.first_word { "!" } else { "" };
    let tell: Vec<String> =
        plan.tell.iter().map(|t| format!("{}:{}{}", t.to.channel, t.kind.name(), mark(t))).collect();
    let told = if tell.is_empty() { "nobody".to_owned() } else { tell.join(" ") };
    if plan.supersede.is_empty() { told } else { format!("{told} {:?}", plan.supersede) }
}

fn subject(severity: Severity, before: &[Queued]) -> Subject<'_> {
    Subject { rule: "R", severity, began: Some(at("0s")), before, hold: None, acked: false }
}

/// It fires at this severity since the beginning.
fn fires(severity: Severity, before: &[Queued]) -> String {
    line(&plan(&subject(severity, before), &routes(), at("1m")))
}

fn ended(severity: Severity, before: &[Queued]) -> String {
    line(&plan(&Subject { began: None, ..subject(severity, before) }, &routes(), at("1m")))
}

#[test]
fn firing_follows_the_route_of_its_severity_and_is_told_once() {
    assert_eq!(fires(Medium, &[]), "slack:firing");
    assert_eq!(fires(Critical, &[]), "mail:firing slack:firing sms:firing");
    for state in [State::Sent, State::Uncertain, State::Sending, State::Pending, State::Dead] {
        assert_eq!(fires(Medium, &[row(1, "slack", Kind::Firing, Medium, state)]), "nobody", "{state:?}");
    }
}

#[test]
fn whoever_has_not_heard_hears_also_later() {
    let before = [row(1, "slack", Kind::Firing, High, State::Sent)];
    assert_eq!(fires(High, &before), "mail:firing");
    // what was replaced was never said
    let before = [row(1, "slack", Kind::Firing, High, State::Superseded)];
    assert_eq!(fires(Medium, &before), "slack:firing");
}

#[test]
fn raising_tells_the_old_and_the_new() {
    let before = [row(1, "mail", Kind::Firing, High, State::Sent), row(2, "slack", Kind::Firing, High, State::Sent)];
    assert_eq!(fires(Critical, &before), "mail:raised slack:raised sms:firing");
}

#[test]
fn easing_tells_only_who_heard_the_higher_severity_and_costs_no_sms() {
    let before = [
        row(1, "slack", Kind::Firing, High, State::Sent),
        row(2, "mail", Kind::Raised, Critical, State::Sent),
        row(3, "sms", Kind::Firing, Critical, State::Sent),
    ];
    assert_eq!(fires(High, &before), "mail:eased");
    // one that still waits must not arrive as it is
    let waiting = [row(3, "sms", Kind::Firing, Critical, State::Pending)];
    assert_eq!(fires(High, &waiting), "mail:firing slack:firing sms:firing! [3]");
}

#[test]
fn a_severity_that_comes_back_is_told_again_where_its_easing_was_not() {
    let before = [row(1, "sms", Kind::Firing, Critical, State::Sent), row(2, "mail", Kind::Eased, High, State::Sent)];
    let again = Subject { began: Some(at("10m")), ..subject(Critical, &before) };
    assert_eq!(line(&plan(&again, &routes(), at("10m"))), "mail:raised slack:firing sms:raised");
}

#[test]
fn an_easing_that_never_left_is_withdrawn_when_it_is_no_longer_true() {
    let before = [
        row(1, "slack", Kind::Firing, Critical, State::Sent),
        Queued { at: at("5m"), ..row(2, "slack", Kind::Eased, High, State::Pending) },
        row(3, "mail", Kind::Firing, Critical, State::Sent),
        row(4, "sms", Kind::Firing, Critical, State::Sent),
    ];
    let again = Subject { began: Some(at("10m")), ..subject(Critical, &before) };
    assert_eq!(line(&plan(&again, &routes(), at("10m"))), "sms:raised [2]");
}

#[test]
fn resolved_goes_once_to_everybody_who_was_told_and_to_nobody_else() {
    let before =
        [row(1, "mail", Kind::Firing, High, State::Dead), row(2, "slack", Kind::Firing, High, State::Uncertain)];
    assert_eq!(ended(High, &before), "slack:resolved");
    let closed = row(3, "slack", Kind::Resolved, High, State::Sent);
    assert_eq!(ended(High, &[before[1].clone(), closed]), "nobody");
}

#[test]
fn what_has_not_left_is_replaced_by_one_honest_message() {
    let before = [row(1, "slack", Kind::Firing, High, State::Pending)];
    assert_eq!(ended(High, &before), "slack:resolved! [1]");
    assert_eq!(fires(Critical, &before), "mail:firing slack:firing! sms:firing [1]");
}

#[test]
fn a_row_that_may_have_arrived_is_kept_and_counts_as_told() {
    let unsure = Queued { maybe_repeat: true, ..row(1, "slack", Kind::Firing, High, State::Pending) };
    assert_eq!(ended(High, &[unsure]), "slack:resolved");
    assert_eq!(ended(High, &[row(1, "slack", Kind::Firing, High, State::Sending)]), "slack:resolved");
}

#[test]
fn who_was_told_is_told_on_although_the_channel_is_absent_now() {
    assert_eq!(ended(High, &[row(1, "old", Kind::Firing, High, State::Sent)]), "old:resolved");
    let waiting = [row(1, "old", Kind::Firing, Medium, State::Pending)];
    assert_eq!(fires(High, &waiting), "mail:firing old:firing! slack:firing [1]");
}

#[test]
fn what_is_withheld_is_told_to_nobody_but_its_end_is() {
    let until = at("1h");
    let silence = Hold::Silence { number: 1, who: "eva".to_owned(), why: "x".to_owned(), until };
    let quiet = Hold::Quiet { until };
    let before = [row(1, "slack", Kind::Firing, High, State::Sent), row(2, "mail", Kind::Firing, High, State::Pending)];
    for (hold, wanted) in [(&silence, "nobody [2]"), (&quiet, "nobody")] {
        let held = Subject { hold: Some(hold), ..subject(Critical, &before) };
        assert_eq!(line(&plan(&held, &routes(), at("1m"))), wanted);
        let over = Subject { began: None, ..held };
        assert_eq!(line(&plan(&over, &routes(), at("1m"))), "mail:resolved! slack:resolved [2]");
    }
}

/// Reminders and escalations alone, at this time.
fn reminded(severity: Severity, before: &[Queued], attention: Attention, time: &str) -> String {
    let routes = Routes {
        escalate: Some(Escalate { after: Duration::from_mins(15), to: vec![to("boss")] }),
        remind: default_pauses(),
        ..routes()
    };
    let subject = subject(severity, before);
    let mut plan = Plan::default();
    remind(&mut plan, &subject, attention, &routes, at(time));
    line(&plan)
}

const WANTED: Attention = Attention::Wanted { since: Time::from_millis(0) };

#[test]
fn reminders_come_when_their_time_has_come_unless_somebody_is_at_it() {
    let told = |severity| [row(1, "slack", Kind::Firing, severity, State::Sent)];
    for (severity, time, wanted) in [
        (High, "3h59m", "nobody"),
        (High, "4h", "slack:reminder"),
        (Medium, "23h", "nobody"),
        (Medium, "24h", "slack:reminder"),
    ] {
        assert_eq!(reminded(severity, &told(severity), WANTED, time), wanted, "{severity} {time}");
        assert_eq!(reminded(severity, &told(severity), Attention::Given, time), "nobody");
        assert_eq!(reminded(severity, &told(severity), Attention::Worse, "1m"), "slack:reminder");
    }
    let twice = [
        row(1, "slack", Kind::Firing, Critical, State::Sent),
        Queued { at: at("30m"), ..row(2, "slack", Kind::Reminder, Critical, State::Sent) },
    ];
    assert_eq!(reminded(Critical, &twice, Attention::Wanted { since: at("89m") }, "89m"), "nobody");
    assert_eq!(reminded(Critical, &twice, Attention::Wanted { since: at("89m") }, "90m"), "slack:reminder");
}

#[test]
fn a_word_of_before_the_clock_went_back_puts_no_reminder_off() {
    let told = [Queued { at: at("9h"), ..row(1, "slack", Kind::Firing, High, State::Sent) }];
    assert_eq!(reminded(High, &told, WANTED, "1h"), "slack:reminder");
    let since = [told[0].clone(), Queued { at: at("1h"), ..row(2, "slack", Kind::Reminder, High, State::Sent) }];
    assert_eq!(reminded(High, &since, WANTED, "1h1m"), "nobody");
}

#[test]
fn what_still_waits_is_not_reminded_of_and_what_failed_is_tried_again() {
    assert_eq!(reminded(High, &[row(1, "slack", Kind::Firing, High, State::Pending)], WANTED, "9h"), "nobody");
    assert_eq!(reminded(High, &[row(1, "slack", Kind::Firing, High, State::Dead)], WANTED, "9h"), "slack:firing!");
    assert_eq!(reminded(High, &[row(1, "old", Kind::Firing, High, State::Sent)], WANTED, "9h"), "nobody");
}

#[test]
fn a_critical_alert_that_nobody_acknowledges_is_escalated_once() {
    let before = [row(1, "slack", Kind::Firing, Critical, State::Sent)];
    assert_eq!(reminded(Critical, &before, WANTED, "14m"), "nobody");
    assert_eq!(reminded(Critical, &before, WANTED, "15m"), "boss:escalated");
    assert_eq!(reminded(Critical, &before, Attention::Given, "15m"), "nobody");
    let mut after = before.to_vec();
    after.push(Queued { at: at("15m"), ..row(2, "boss", Kind::Escalated, Critical, State::Sent) });
    assert_eq!(reminded(Critical, &after, WANTED, "16m"), "nobody");
    assert_eq!(reminded(Critical, &after, WANTED, "45m"), "boss:reminder slack:reminder");
}

#[test]
fn who_hears_of_an_acknowledgement() {
    let before = [
        row(1, "slack", Kind::Firing, Critical, State::Sent),
        row(2, "mail", Kind::Firing, Critical, State::Pending),
        row(3, "sms", Kind::Firing, Critical, State::Sent),
    ];
    assert_eq!(line(&acknowledged(&before, &routes())), "mail:firing! slack:acknowledged [2]");
    // one who took over from another
    let again = [before[0].clone(), row(4, "slack", Kind::Acknowledged, Critical, State::Pending)];
    assert_eq!(line(&acknowledged(&again, &routes())), "slack:acknowledged [4]");
}

#[test]
fn what_was_given_up_after_it_may_have_arrived_counts_as_told() {
    let given_up = |id, kind| Queued { maybe_repeat: true, ..row(id, "slack", kind, High, State::Dead) };
    let before = [given_up(1, Kind::Firing)];
    assert_eq!(ended(High, &before), "slack:resolved");
    assert_eq!(fires(Critical, &before), "mail:firing slack:raised sms:firing");
    assert_eq!(ended(High, &[before[0].clone(), given_up(2, Kind::Resolved)]), "nobody");
}

#[test]
fn that_it_got_worse_takes_the_place_of_what_waits() {
    let sent = |severity| row(1, "slack", Kind::Firing, severity, State::Sent);
    let waiting = |kind, severity| row(2, "slack", kind, severity, State::Pending);
    let worse = |severity, before: &[Queued]| reminded(severity, before, Attention::Worse, "1m");
    assert_eq!(worse(High, &[waiting(Kind::Firing, High)]), "slack:firing! [2]");
    assert_eq!(worse(High, &[sent(High), waiting(Kind::Acknowledged, High)]), "slack:reminder [2]");
    // what has not been heard yet is not lost over it
    assert_eq!(worse(Critical, &[sent(High), waiting(Kind::Raised, Critical)]), "slack:raised [2]");
    assert_eq!(worse(High, &[sent(Critical), waiting(Kind::Eased, High)]), "slack:eased [2]");
}

#[test]
fn the_terse_do_not_hear_what_waits_once_it_is_no_longer_true() {
    let before = [
        row(1, "sms", Kind::Firing, Critical, State::Sent),
        Queued { at: at("5m"), ..row(2, "sms", Kind::Raised, Critical, State::Pending) },
        row(3, "mail", Kind::Firing, High, State::Sent),
        row(4, "slack", Kind::Firing, High, State::Sent),
    ];
    assert_eq!(fires(High, &before), "nobody [2]");
}

#[test]
fn that_somebody_is_at_it_is_told_as_long_as_it_is_true() {
    let before = [
        row(1, "slack", Kind::Firing, High, State::Sent),
        row(2, "slack", Kind::Raised, Critical, State::Pending),
        row(3, "slack", Kind::Acknowledged, Critical, State::Pending),
        row(4, "mail", Kind::Firing, High, State::Sent),
    ];
    let planned = |severity, acked, hold| {
        let subject = Subject { hold, acked, ..subject(severity, &before) };
        line(&plan(&subject, &routes(), at("1m")))
    };
    assert_eq!(planned(High, true, None), "slack:acknowledged [2, 3]", "at the severity that it has now");
    assert_eq!(planned(High, false, None), "nobody [3, 2]");
    assert_eq!(planned(Critical, true, None), "mail:raised sms:firing");
    assert_eq!(planned(Critical, false, None), "mail:raised sms:firing [3]");
    let until = at("1h");
    let silence = Hold::Silence { number: 1, who: "eva".to_owned(), why: "x".to_owned(), until };
    assert_eq!(planned(Critical, true, Some(&silence)), "nobody [2]");
    assert_eq!(planned(Critical, false, Some(&Hold::Quiet { until })), "nobody [3]");
}

/// Who is told by now in place of those who could not be, of an alert that fires (or has ended) at this severity.
fn told_instead(severity: Severity, began: Option<&str>, before: &[Queued], time: &str) -> String {
    let subject = Subject { began: began.map(at), ..subject(severity, before) };
    let others = [to("boss"), to("mail")];
    let tell = stand_in(&subject, &routes(), &others, Duration::from_mins(5), at(time));
    line(&Plan { tell, supersede: Vec::new() })
}

#[test]
fn others_are_told_what_it_is_now_once_nobody_could_be() {
    let slack = |state| row(1, "slack", Kind::Firing, High, state);
    let instead = |before: &[Queued], time| told_instead(High, Some("0s"), before, time);
    assert_eq!(instead(&[slack(State::Pending)], "4m"), "nobody");
    assert_eq!(instead(&[slack(State::Pending)], "5m"), "boss:firing mail:firing");
    assert_eq!(instead(&[slack(State::Dead)], "0s"), "boss:firing mail:firing", "there is nothing to wait for");
    for state in [State::Sent, State::Uncertain, State::Sending] {
        let before = [slack(State::Pending), row(2, "pager", Kind::Firing, High, state)];
        assert_eq!(instead(&before, "9m"), "nobody", "{state:?}");
    }
    let given_up = Queued { maybe_repeat: true, ..slack(State::Dead) };
    assert_eq!(instead(&[given_up], "0s"), "boss:firing mail:firing", "nobody knows whether it arrived");
    let both = [slack(State::Pending), row(2, "mail", Kind::Firing, High, State::Pending)];
    assert_eq!(instead(&both, "9m"), "boss:firing", "it waits for the other one already");
    assert_eq!(instead(&[slack(State::Superseded)], "9m"), "nobody");
    // it was CRITICAL, of which nobody has heard either
    let past = row(1, "slack", Kind::Firing, Critical, State::Dead);
    assert_eq!(told_instead(High, Some("1m"), &[past], "2m"), "boss:firing mail:firing");
    let raised = [slack(State::Sent), Queued { at: at("1m"), ..row(2, "slack", Kind::Raised, Critical, State::Dead) }];
    assert_eq!(told_instead(Critical, Some("1m"), &raised, "2m"), "boss:firing mail:firing");
    assert_eq!(told_instead(High, Some("0s"), &raised, "2m"), "nobody", "that it is HIGH is known");
}

#[test]
fn others_are_told_once_and_tried_again_only_where_the_first_were() {
    let slack = row(1, "slack", Kind::Firing, High, State::Dead);
    let boss = |state| Queued { at: at("1m"), ..row(2, "boss", Kind::Firing, High, state) };
    let mail = |state| Queued { at: at("1m"), ..row(3, "mail", Kind::Firing, High, state) };
    let instead = |before: &[Queued]| told_instead(High, Some("0s"), before, "9h");
    assert_eq!(instead(&[slack.clone(), boss(State::Sent), mail(State::Dead)]), "nobody");
    assert_eq!(instead(&[slack.clone(), boss(State::Dead), mail(State::Dead)]), "nobody");
    let again = Queued { at: at("8h"), ..row(4, "slack", Kind::Firing, High, State::Dead) };
    assert_eq!(instead(&[slack, boss(State::Dead), mail(State::Dead), again]), "boss:firing! mail:firing!");
}

#[test]
fn what_is_over_is_one_word_to_others_unless_somebody_knew_of_it() {
    let slack = |state| row(1, "slack", Kind::Firing, Critical, state);
    let over = |before: &[Queued]| told_instead(Critical, None, before, "9m");
    assert_eq!(over(&[slack(State::Dead)]), "boss:resolved! mail:resolved!");
    assert_eq!(over(&[row(1, "slack", Kind::Resolved, High, State::Pending)]), "boss:resolved! mail:resolved!");
    assert_eq!(over(&[slack(State::Sent), row(2, "slack", Kind::Resolved, High, State::Dead)]), "nobody");
    let told = row(2, "boss", Kind::Resolved, Critical, State::Sent);
    assert_eq!(over(&[slack(State::Dead), told]), "nobody");
    let until = at("1h");
    let before = [slack(State::Dead)];
    let held = Subject { hold: Some(&Hold::Quiet { until }), ..subject(Critical, &before) };
    assert_eq!(stand_in(&held, &routes(), &[to("boss")], Duration::ZERO, at("9m")), []);
}

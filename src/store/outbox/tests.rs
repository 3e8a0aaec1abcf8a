use std::time::Duration;

use super::super::deliveries::{Attempt, DeliveryFilter, OutboxCounts};
use super::super::kit::{at, firing, message, store, to};
use super::*;
use crate::model::severity::Severity;

const TOOK: Duration = Duration::from_millis(120);

/// An open alert to send about.
fn alert(tx: &Tx<'_>, rule: &str) -> AlertId {
    tx.save_alert(None, &mut firing(rule, Severity::High)).unwrap()
}

fn ids(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|delivery| delivery.id).collect()
}

fn later(ambiguous: bool) -> Outcome {
    Outcome::Later { why: "503 try later".to_owned(), after: None, ambiguous }
}

fn sent() -> Outcome {
    Outcome::sent("ok")
}

/// One attempt from its beginning to `state`.
fn attempt(tx: &Tx<'_>, id: i64, outcome: &Outcome, state: State, due: Option<Time>) {
    assert!(tx.mark_sending(id, None, at(0)).unwrap());
    tx.finish(id, TOOK, outcome, state, due).unwrap();
}

#[test]
fn a_new_delivery_is_due_at_once_and_whole() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let alert = alert(&tx, "A");
    let destination = to("mail", "ops@example.org");
    let id = tx.enqueue(Some(alert), &destination, &message("é \"x\"\n"), at(5)).unwrap();
    let expected = Delivery {
        id,
        alert: Some(alert.0),
        destination,
        message: message("é \"x\"\n"),
        state: State::Pending,
        attempts: 0,
        maybe_repeat: false,
        created: at(5),
        due: at(5),
        last_answer: None,
        parcel: None,
    };
    assert_eq!(tx.due(at(5)).unwrap(), std::slice::from_ref(&expected));
    assert_eq!(tx.deliveries_of(alert).unwrap(), [expected]);
    assert_eq!(tx.due(at(4)).unwrap(), []);
    assert_eq!(tx.next_due().unwrap(), Some(at(5)));
}

#[test]
fn a_row_in_back_off_holds_up_only_its_own_alert_and_destination() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let (a, b) = (alert(&tx, "A"), alert(&tx, "B"));
    let put = |alert, channel, address| tx.enqueue(alert, &to(channel, address), &message("x"), at(0)).unwrap();
    let first = put(Some(a), "mail", "x@example.org");
    let behind = put(Some(a), "mail", "x@example.org");
    let other_address = put(Some(a), "mail", "y@example.org");
    let other_channel = put(Some(a), "chat", "");
    let other_alert = put(Some(b), "mail", "x@example.org");
    let (test, second_test) = (put(None, "mail", "x@example.org"), put(None, "mail", "x@example.org"));
    let others = [other_address, other_channel, other_alert, test, second_test];

    assert_eq!(ids(&tx.due(at(0)).unwrap()), [&[first], &others[..]].concat());
    attempt(&tx, first, &later(false), State::Pending, Some(at(30)));
    assert_eq!(ids(&tx.due(at(29)).unwrap()), others);
    assert_eq!(ids(&tx.due(at(30)).unwrap()), [&[first], &others[..]].concat());
    assert!(tx.mark_sending(first, None, at(30)).unwrap());
    assert_eq!(ids(&tx.due(at(30)).unwrap()), others, "while it is being sent, too");
    tx.finish(first, TOOK, &sent(), State::Sent, None).unwrap();
    assert_eq!(ids(&tx.due(at(30)).unwrap()), [&[behind], &others[..]].concat());
}

#[test]
fn messages_are_counted_in_their_time() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let alert = alert(&tx, "A");
    let id = tx.enqueue(Some(alert), &to("chat", ""), &message("x"), at(60)).unwrap();
    assert!(tx.mark_sending(id, None, at(60)).unwrap());
    let count = |since, now| tx.messages_since(&to("chat", ""), at(since), at(now)).unwrap();
    assert_eq!([count(0, 60), count(59, 99), count(60, 99)], [1, 1, 0]);
    assert_eq!(count(0, 59), 0, "the clock went back");
}

#[test]
fn the_next_due_is_that_of_a_row_that_can_go() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    assert_eq!(tx.next_due().unwrap(), None);
    let alert = alert(&tx, "A");
    let first = tx.enqueue(Some(alert), &to("chat", ""), &message("x"), at(0)).unwrap();
    tx.enqueue(Some(alert), &to("chat", ""), &message("y"), at(1)).unwrap();
    attempt(&tx, first, &later(false), State::Pending, Some(at(600)));
    assert_eq!(tx.next_due().unwrap(), Some(at(600)), "not that of the row behind it");
}

#[test]
fn every_outcome_is_recorded() {
    let dead = Outcome::Dead { why: "404 no_service".to_owned() };
    for (outcome, state, due, word, answer, repeat) in [
        (sent(), State::Sent, None, "sent", "ok", false),
        (later(false), State::Pending, Some(at(15)), "later", "503 try later", false),
        (later(true), State::Pending, Some(at(15)), "later", "503 try later", true),
        (later(true), State::Uncertain, None, "later", "503 try later", true),
        (dead, State::Dead, None, "dead", "404 no_service", false),
    ] {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let id = tx.enqueue(None, &to("chat", ""), &message("x"), at(0)).unwrap();
        attempt(&tx, id, &outcome, state, due);
        let found = tx.deliveries(&DeliveryFilter::default()).unwrap().remove(0);
        let shown = (found.state, found.due, found.attempts, found.maybe_repeat, found.last_answer.as_deref());
        assert_eq!(shown, (state, due.unwrap_or(at(0)), 1, repeat, Some(answer)));
        let (word, answer) = (Some(word.to_owned()), Some(answer.to_owned()));
        assert_eq!(
            tx.attempts(id).unwrap(),
            [Attempt { started: at(0), took: Some(TOOK), outcome: word, answer, parcel: None }]
        );
        let finished = "SELECT id, finished FROM outbox";
        let finished = tx.first("outbox", finished, [], |cells| cells.time_if_any("finished")).unwrap().flatten();
        assert_eq!(finished, (state != State::Pending).then_some(at(0) + TOOK));
    }
}

#[test]
fn orphans_of_a_killed_process_are_due_again_as_possible_repeats() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let id = tx.enqueue(None, &to("chat", ""), &message("x"), at(0)).unwrap();
    let other = tx.enqueue(None, &to("chat", ""), &message("y"), at(0)).unwrap();
    assert!(tx.mark_sending(id, None, at(1)).unwrap());
    assert!(!tx.mark_sending(id, None, at(1)).unwrap(), "it is being sent");
    assert_eq!(tx.adopt_orphans(at(60)).unwrap(), 1);
    assert_eq!(tx.adopt_orphans(at(60)).unwrap(), 0);
    let found = tx.due(at(60)).unwrap();
    let shown: Vec<_> = found.iter().map(|d| (d.id, d.due, d.maybe_repeat, d.attempts)).collect();
    assert_eq!(shown, [(id, at(60), true, 1), (other, at(0), false, 0)]);
    let why = "the process ended before the answer".to_owned();
    let interrupted = Attempt {
        started: at(1),
        took: None,
        outcome: Some("interrupted".to_owned()),
        answer: Some(why.clone()),
        parcel: None,
    };
    assert_eq!((found[0].last_answer.as_ref(), tx.attempts(id).unwrap()), (Some(&why), vec![interrupted]));
}

#[test]
fn only_what_waits_is_superseded() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let put = |summary| tx.enqueue(None, &to("chat", ""), &message(summary), at(0)).unwrap();
    let (waits, sending, done) = (put("waits"), put("sending"), put("done"));
    attempt(&tx, done, &sent(), State::Sent, None);
    assert!(tx.mark_sending(sending, None, at(0)).unwrap());
    assert_eq!(tx.supersede(&[waits, sending, done, 99], at(1)).unwrap(), 1);
    let states: Vec<State> =
        tx.deliveries(&DeliveryFilter::default()).unwrap().into_iter().rev().map(|found| found.state).collect();
    assert_eq!(states, [State::Superseded, State::Sending, State::Sent]);
    assert!(!tx.mark_sending(waits, None, at(2)).unwrap(), "it must not be sent any more");
}

#[test]
fn a_success_makes_the_rest_of_its_channel_due() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    for channel in ["chat", "mail"] {
        let id = tx.enqueue(None, &to(channel, ""), &message("x"), at(0)).unwrap();
        attempt(&tx, id, &later(false), State::Pending, Some(at(600)));
    }
    assert_eq!(tx.hasten(Some("chat"), at(9)).unwrap(), 1);
    assert_eq!(tx.due(at(9)).unwrap().iter().map(|d| d.destination.channel.as_str()).collect::<Vec<_>>(), ["chat"]);
    assert_eq!(tx.hasten(None, at(9)).unwrap(), 1);
    assert_eq!(tx.due(at(9)).unwrap().len(), 2);
}

#[test]
fn what_waits_for_a_removed_channel_is_given_up_with_the_reason() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    for (channel, second) in [("chat", 7), ("mail", 8)] {
        tx.enqueue(None, &to(channel, ""), &message("x"), at(second)).unwrap();
    }
    assert_eq!(tx.kill_channel_rows(&["chat", "sms"], at(9), at(9)).unwrap(), 1);
    let dead = tx.deliveries(&DeliveryFilter { state: Some(State::Dead), ..DeliveryFilter::default() }).unwrap();
    let shown: Vec<_> = dead.iter().map(|d| (d.destination.channel.as_str(), d.last_answer.as_deref())).collect();
    assert_eq!(shown, [("mail", Some("channel removed"))]);
    let counts = OutboxCounts { pending: 1, sending: 0, oldest_pending: Some(at(7)), dead: 1 };
    assert_eq!(tx.outbox_counts().unwrap(), counts);
    assert_eq!(tx.kill_channel_rows(&[], at(9), at(9)).unwrap(), 1);
    assert_eq!(tx.outbox_counts().unwrap(), OutboxCounts { pending: 0, sending: 0, oldest_pending: None, dead: 2 });
}

#[test]
fn every_state_survives_and_a_strange_one_is_named() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    tx.enqueue(None, &to("chat", ""), &message("x"), at(0)).unwrap();
    for state in State::ALL {
        tx.execute("UPDATE outbox SET state = ?1", [state.name()]).unwrap();
        let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        assert_eq!(tx.deliveries(&filter).unwrap()[0].state, state);
    }
    let place = tx.path.display().to_string();
    for (change, expected) in [
        ("state = 'lost'", "table outbox, row 1, column state: unknown word `lost`"),
        ("state = 'sent', attempts = -1", "table outbox, row 1, column attempts: Integer -1 out of range at index 6"),
        (
            "attempts = 0, message = '{'",
            "table outbox, row 1, column message: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        tx.execute(&format!("UPDATE outbox SET {change}"), []).unwrap();
        let error = tx.deliveries(&DeliveryFilter::default()).unwrap_err();
        assert_eq!(error.what, format!("{place}: {expected}"));
    }
}

#[test]
fn a_long_answer_is_clipped() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let id = tx.enqueue(None, &to("chat", ""), &message("x"), at(0)).unwrap();
    attempt(&tx, id, &Outcome::Dead { why: "x".repeat(10_000) }, State::Dead, None);
    assert_eq!(tx.attempts(id).unwrap()[0].answer.as_ref().unwrap().chars().count(), 300);
}

#[test]
fn filters_choose_deliveries() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let alert = alert(&tx, "A");
    let put = |alert, channel| tx.enqueue(alert, &to(channel, ""), &message("x"), at(0)).unwrap();
    let (one, two, three) = (put(Some(alert), "chat"), put(None, "chat"), put(Some(alert), "mail"));
    let all = DeliveryFilter::default();
    for (filter, expected) in [
        (all.clone(), vec![three, two, one]),
        (DeliveryFilter { channel: Some("chat".to_owned()), ..all.clone() }, vec![two, one]),
        (DeliveryFilter { alert: Some(alert), ..all.clone() }, vec![three, one]),
        (DeliveryFilter { state: Some(State::Dead), ..all.clone() }, vec![]),
        (DeliveryFilter { limit: Some(1), ..all.clone() }, vec![three]),
    ] {
        assert_eq!(ids(&tx.deliveries(&filter).unwrap()), expected, "{filter:?}");
    }
}

use super::super::Store;
use super::super::alerts::AlertId;
use super::super::kit::{at, firing, message, store, to};
use super::*;
use crate::model::delivery::{Outcome, State};
use crate::model::severity::Severity;

/// A delivery about an alert that `channel` took under `receipt`; its id.
fn taken(store: &mut Store, alert: AlertId, channel: &str, receipt: &str) -> i64 {
    let tx = store.begin().unwrap();
    let id = tx.enqueue(Some(alert), &to(channel, "+41791111111"), &message("x"), at(0)).unwrap();
    assert!(tx.mark_sending(id, None, at(1)).unwrap());
    let outcome = Outcome::Sent { answer: "201 queued".to_owned(), receipt: Some(receipt.to_owned()) };
    tx.finish(id, Duration::from_secs(1), &outcome, State::Sent, None).unwrap();
    tx.commit().unwrap();
    id
}

fn alert(store: &mut Store, rule: &str) -> AlertId {
    let tx = store.begin().unwrap();
    let id = tx.save_alert(None, &mut firing(rule, Severity::Critical)).unwrap();
    tx.commit().unwrap();
    id
}

fn heard(store: &mut Store, receipt: &str, fate: &Fate, again: Option<Time>) {
    let tx = store.begin().unwrap();
    tx.note_fate(receipt, fate, again, at(90)).unwrap();
    tx.commit().unwrap();
}

/// Whether all that is known of a channel is good.
fn works(store: &Store, channel: &str) -> Option<bool> {
    let all = store.destinations().unwrap();
    let known: Vec<bool> =
        all.into_iter().filter(|(to, _)| to.channel == channel).filter_map(|(_, proof)| proof.works).collect();
    (!known.is_empty()).then(|| known.into_iter().all(|works| works))
}

/// State, and outcome and answer of the one attempt.
fn seen(store: &Store, alert: AlertId, id: i64) -> (State, String, String) {
    let state = store.deliveries_of(alert).unwrap().into_iter().find(|row| row.id == id).unwrap().state;
    let attempt = store.attempts(id).unwrap().pop().unwrap();
    (state, attempt.outcome.unwrap(), attempt.answer.unwrap())
}

#[test]
fn what_was_taken_is_asked_for_until_it_is_known() {
    let (_folder, mut store) = store();
    let alert = alert(&mut store, "A");
    let id = taken(&mut store, alert, "sms", "SM1");
    let receipt = Receipt { id: "SM1".to_owned(), channel: "sms".to_owned(), sent: at(1) };
    assert_eq!(store.next_ask().unwrap(), Some(at(2)));
    assert_eq!((store.receipts(at(1), 9).unwrap(), store.receipts(at(2), 9).unwrap()), (vec![], vec![receipt]));

    heard(&mut store, "SM1", &Fate::Underway("sent".to_owned()), Some(at(120)));
    assert_eq!((store.next_ask().unwrap(), store.receipts(at(119), 9).unwrap()), (Some(at(120)), vec![]));
    heard(&mut store, "SM1", &Fate::Arrived("delivered".to_owned()), None);
    assert_eq!(store.next_ask().unwrap(), None);
    let known = (State::Sent, "sent".to_owned(), "201 queued; delivered".to_owned());
    assert_eq!(seen(&store, alert, id), known);
    assert_eq!(works(&store, "sms"), Some(true));
}

#[test]
fn what_never_becomes_known_is_said_so() {
    let (_folder, mut store) = store();
    let alert = alert(&mut store, "A");
    let id = taken(&mut store, alert, "sms", "SM1");
    heard(&mut store, "SM1", &Fate::Underway("sent".to_owned()), None);
    assert_eq!(store.next_ask().unwrap(), None);
    assert_eq!(seen(&store, alert, id).2, "201 queued; last heard: sent");
}

#[test]
fn what_did_not_arrive_was_not_delivered_and_is_the_channels_trouble() {
    let (_folder, mut store) = store();
    let alert = alert(&mut store, "A");
    let id = taken(&mut store, alert, "sms", "SM1");
    let why = "undelivered: 30003 the phone cannot be reached";
    heard(&mut store, "SM1", &Fate::Failed(why.to_owned()), None);
    assert_eq!(seen(&store, alert, id), (State::Dead, "undelivered".to_owned(), why.to_owned()));
    assert_eq!(store.next_ask().unwrap(), None);
    assert_eq!(works(&store, "sms"), Some(false));
    assert_eq!(store.outbox_counts().unwrap().dead, 1);
}

#[test]
fn one_message_that_carried_several_deliveries_is_asked_for_once() {
    let (_folder, mut store) = store();
    let alerts = [alert(&mut store, "A"), alert(&mut store, "B")];
    let ids = alerts.map(|alert| taken(&mut store, alert, "sms", "SM1"));
    assert_eq!(store.receipts(at(9), 9).unwrap().len(), 1);
    heard(&mut store, "SM1", &Fate::Failed("failed".to_owned()), None);
    for (alert, id) in alerts.into_iter().zip(ids) {
        assert_eq!(seen(&store, alert, id).0, State::Dead);
    }
}

#[test]
fn a_channel_hears_again_of_what_fires_and_of_nothing_else() {
    let (_folder, mut store) = store();
    let (told, over, elsewhere) = (alert(&mut store, "A"), alert(&mut store, "B"), alert(&mut store, "C"));
    taken(&mut store, told, "am", "1");
    let last = taken(&mut store, told, "am", "2");
    taken(&mut store, over, "am", "3");
    taken(&mut store, elsewhere, "sms", "4");
    let tx = store.begin().unwrap();
    let mut ended = firing("B", Severity::Critical);
    ended.ended = Some((at(60), crate::model::alert::Ended::Cleared));
    tx.save_alert(Some(over), &mut ended).unwrap();
    tx.commit().unwrap();
    let ids: Vec<i64> = store.told("am").unwrap().iter().map(|delivery| delivery.id).collect();
    assert_eq!(ids, [last]);
}

#[test]
fn a_word_that_was_not_taken_is_the_channels_trouble_until_one_is() {
    let (_folder, mut store) = store();
    let alert = alert(&mut store, "A");
    taken(&mut store, alert, "am", "1");
    let mut note = |trouble: Option<&str>, now| {
        let tx = store.begin().unwrap();
        tx.note_refresh("am", trouble, now).unwrap();
        tx.commit().unwrap();
        (store.refreshed("am").unwrap(), works(&store, "am"))
    };
    let last = |at, trouble: Option<&str>| Some(Refreshed { at, trouble: trouble.map(str::to_owned) });
    assert_eq!(note(Some("connection refused"), at(60)), (last(at(60), Some("connection refused")), Some(false)));
    assert_eq!(note(None, at(120)), (last(at(120), None), Some(true)));
}

#[test]
fn what_is_left_of_a_budget_survives() {
    let (_folder, mut store) = store();
    assert_eq!(store.bucket("sms").unwrap(), None);
    for (filled, now) in [(Duration::from_nanos(1_542_857_142_857), at(1)), (Duration::ZERO, at(2))] {
        let tx = store.begin().unwrap();
        tx.put_bucket("sms", filled, now).unwrap();
        tx.commit().unwrap();
        assert_eq!(store.bucket("sms").unwrap(), Some((filled, now)));
    }
}

#[test]
fn what_is_held_back_waits_and_says_why() {
    let (_folder, mut store) = store();
    let alert = alert(&mut store, "A");
    let tx = store.begin().unwrap();
    let ids: Vec<i64> =
        (0..2).map(|_| tx.enqueue(Some(alert), &to("sms", "+41"), &message("x"), at(0)).unwrap()).collect();
    tx.hold_back(&ids[1..], "the budget is spent", at(60)).unwrap();
    tx.commit().unwrap();
    let rows = store.deliveries_of(alert).unwrap();
    assert_eq!(rows[0].last_answer, None);
    assert_eq!((rows[1].due, rows[1].last_answer.as_deref()), (at(60), Some("the budget is spent")));
}

//! What goes out next to a destination: one delivery, or several as one message. Merging and waiting only; nothing is
//! dropped, and each delivery keeps an end of its own.

use std::cmp::Reverse;
use std::time::Duration;

use crate::model::delivery::Delivery;
use crate::model::message::Kind;
use crate::model::severity::Severity;

/// More than this many at once become one message.
const SINGLES: usize = 3;
/// How many messages people get through one destination within [`WINDOW`].
const LIMIT: u32 = 6;
/// How many they get where critical ones are among them.
const CRITICAL_LIMIT: u32 = 20;
/// The time in which messages are counted.
pub const WINDOW: Duration = Duration::from_mins(1);

/// Picks from what is `due` for one destination that people read and that was sent so many messages `lately`; `is_last`
/// where the next message is the last one for some time. Empty: they have had enough for now.
pub fn pick(mut due: Vec<Delivery>, lately: u32, is_last: bool) -> Vec<Delivery> {
    // a test is waited for by whoever asked for it
    if let Some(test) = due.iter().position(|delivery| delivery.message.kind == Kind::Test) {
        return vec![due.swap_remove(test)];
    }
    let is_critical = |delivery: &Delivery| delivery.message.severity == Severity::Critical;
    if lately >= LIMIT {
        due.retain(|delivery| lately < CRITICAL_LIMIT && is_critical(delivery));
    }
    due.sort_by_key(|delivery| (Reverse(delivery.message.severity), delivery.id));
    let Some(first) = due.first().cloned() else { return due };
    if first.maybe_repeat {
        // it may have arrived: it goes once more in the company it had, so that the repeat can be told
        let with =
            |delivery: &Delivery| delivery.id == first.id || first.parcel.is_some() && delivery.parcel == first.parcel;
        due.retain(with);
        return due;
    }
    due.retain(|delivery| !delivery.maybe_repeat);
    let is_last = is_last || lately + 1 == LIMIT || lately + 1 == CRITICAL_LIMIT;
    if due.len() <= SINGLES && !is_last {
        due.truncate(1);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::State;
    use crate::model::message::{Destination, Message};
    use crate::model::time::Time;

    fn row(id: i64, severity: Severity) -> Delivery {
        let at = Time::from_millis(0);
        let message = Message {
            kind: Kind::Firing,
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
            responses: Vec::new(),
            list: Vec::new(),
        };
        Delivery {
            id,
            alert: Some(id),
            destination: Destination { channel: "chat".to_owned(), address: String::new() },
            message,
            state: State::Pending,
            attempts: 0,
            maybe_repeat: false,
            created: at,
            due: at,
            last_answer: None,
            parcel: None,
        }
    }

    fn rows(count: i64, severity: Severity) -> Vec<Delivery> {
        (1..=count).map(|id| row(id, severity)).collect()
    }

    fn picked(due: Vec<Delivery>, lately: u32) -> Vec<i64> {
        pick(due, lately, false).iter().map(|delivery| delivery.id).collect()
    }

    use Severity::{Critical, High};

    #[test]
    fn up_to_three_go_one_by_one_and_more_as_one() {
        for (count, expected) in [(0, vec![]), (1, vec![1]), (3, vec![1]), (4, vec![1, 2, 3, 4])] {
            assert_eq!(picked(rows(count, High), 0), expected, "{count}");
        }
    }

    #[test]
    fn the_worst_goes_first() {
        assert_eq!(picked(vec![row(1, High), row(2, Critical)], 0), [2]);
    }

    #[test]
    fn the_last_message_of_the_minute_takes_all_with_it() {
        assert_eq!(picked(rows(2, High), 4), [1]);
        assert_eq!(picked(rows(2, High), 5), [1, 2]);
        assert_eq!(picked(rows(2, High), 6), [0_i64; 0]);
        assert_eq!(picked(rows(2, Critical), 18), [1]);
        assert_eq!(picked(rows(2, Critical), 19), [1, 2]);
        assert_eq!(picked(rows(2, Critical), 20), [0_i64; 0]);
    }

    #[test]
    fn the_last_message_of_a_budget_takes_all_with_it() {
        let ids: Vec<i64> = pick(rows(2, High), 0, true).iter().map(|delivery| delivery.id).collect();
        assert_eq!(ids, [1, 2]);
    }

    #[test]
    fn critical_ones_do_not_wait_for_the_others() {
        assert_eq!(picked(vec![row(1, High), row(2, Critical)], 6), [2]);
    }

    #[test]
    fn a_possible_repeat_goes_in_the_company_it_had() {
        let again = |id, parcel| Delivery { maybe_repeat: true, parcel, ..row(id, Critical) };
        let mut due = rows(2, High);
        due.extend([again(3, Some(3)), again(4, Some(3)), again(5, None), again(6, Some(6))]);
        assert_eq!(picked(due.clone(), 0), [3, 4]);
        due.drain(2..4);
        assert_eq!(picked(due, 0), [5]);
    }

    #[test]
    fn a_test_goes_at_once_and_alone() {
        let mut due = rows(9, Critical);
        due[4].message.kind = Kind::Test;
        assert_eq!(picked(due, 99), [5]);
    }
}

//! What the server was asked to do, and how much of it is allowed: kept here, so that a restart forgets nothing.

use std::time::Duration;

use super::{Result, Tx};
use crate::model::time::Time;

/// How long a request counts for anything.
const KEPT: Duration = Duration::from_hours(24);

/// So many within this time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// The time.
    pub within: Duration,
    /// How many.
    pub most: u32,
}

impl Tx<'_> {
    /// Counts a request, if all of `allowances` have room for it; otherwise nothing is kept and the answer is how long to
    /// wait.
    pub fn admit_request(&self, what: &str, allowances: &[Allowance], now: Time) -> Result<Option<Duration>> {
        // what lies in the future was kept before the clock went back
        self.execute("DELETE FROM request WHERE at <= ?1 OR at > ?2", ((now - KEPT).millis(), now.millis()))?;
        let mut wait = None;
        for Allowance { within, most } in allowances {
            // the one that has to leave the window before there is room
            let sql =
                "SELECT id, at FROM request WHERE what = ?1 AND at > ?2 ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?3";
            let params = (what, (now - *within).millis(), most.saturating_sub(1));
            let oldest = self.first("request", sql, params, |cells| cells.time("at"))?;
            wait = wait.max(oldest.map(|at| (at + *within).since(now)));
        }
        if wait.is_none() {
            self.insert("INSERT INTO request (at, what) VALUES (?1, ?2)", (now.millis(), what))?;
        }
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, store};
    use super::*;

    #[test]
    fn so_many_are_allowed_in_a_time_and_what_is_refused_does_not_count() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let allowances = [
            Allowance { within: Duration::from_mins(1), most: 1 },
            Allowance { within: Duration::from_hours(1), most: 3 },
        ];
        let ask = |what, second| tx.admit_request(what, &allowances, at(second)).unwrap().map(|wait| wait.as_secs());
        assert_eq!(
            [ask("test", 0), ask("test", 10), ask("test", 59), ask("test", 60)],
            [None, Some(50), Some(1), None]
        );
        assert_eq!(ask("ack", 60), None, "another matter");
        assert_eq!([ask("test", 120), ask("test", 180), ask("test", 3599)], [None, Some(3420), Some(1)]);
        assert_eq!(ask("test", 3600), None);
        // the clock went back: what it had counted is of a time that has not come
        assert_eq!([ask("test", 30), ask("test", 61)], [Some(30), None]);
    }
}

//! A verdict about the reserves goes into the reserve log, in the same transaction as the cycle.

use std::time::Duration;

use crate::bridge::log::{Entry, state_of};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::reserves::LogRow;
use crate::store::{Result, Tx};

/// How long a state is referred to before it is said again. What is let go of the log goes up to such a row.
const SAID: Duration = Duration::from_hours(24);

/// Adds a look that ended at `at` to the log.
pub fn keep(tx: &Tx<'_>, entry: &Entry, at: Time) -> Result<()> {
    let last = tx.last_reserve_row()?;
    let text_of = |n| Ok(tx.reserve_row(n)?.map(|row| row.text));
    // a record that cannot be read holds no state: the next one says all of it again
    let current = last.as_ref().map_or(Ok(None), |row| state_of(&row.text, text_of))?;
    let current = match &current {
        Some((n, state)) if is_recent(tx, *n, at)? => Some((*n, state)),
        Some(_) | None => None,
    };
    let link = entry
        .clone()
        .link(last.map(|row| (row.n, row.hash)), current)
        .map_err(|why| Trouble::new(Kind::Bug, format!("the verdict about the reserves {why}")))?;
    tx.add_reserve_row(&LogRow { n: link.n, at, text: link.text, hash: link.hash })
}

/// Whether row `n` is less than [`SAID`] away, by a clock that may have been ahead.
fn is_recent(tx: &Tx<'_>, n: u64, at: Time) -> Result<bool> {
    let said = tx.reserve_row(n)?;
    Ok(said.is_some_and(|row| at.since(row.at).max(row.at.since(at)) < SAID))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bridge::log::{Record, State};
    use crate::bridge::micro::Micro;
    use crate::store::Store;

    #[test]
    fn a_state_is_said_again_once_a_day_whatever_the_clock_does() {
        let state = State {
            verdict: "unknown".to_owned(),
            why: None,
            short: None,
            supply: Vec::new(),
            custody: Vec::new(),
            unusable: BTreeMap::new(),
            tolerance: Micro(0),
            known_shortfall: Micro(0),
        };
        let begin = Time::from_millis(1_795_424_400_000);
        let mut store = Store::in_memory(begin).unwrap();
        let tx = store.begin().unwrap();
        for hours in [0, 12, 23, 24, 25, 47, 48, 9000, 9001, 49] {
            let at = begin + Duration::from_hours(hours);
            let entry =
                Entry { at: at.rfc3339(), rounds: BTreeMap::new(), certified: Vec::new(), state: state.clone() };
            keep(&tx, &entry, at).unwrap();
        }
        let rows = tx.reserve_rows_after(0, 99).unwrap();
        let refers: Vec<Option<u64>> = rows.iter().map(|row| Record::read(&row.text).unwrap().same).collect();
        assert_eq!(refers, [None, Some(1), Some(1), None, Some(4), Some(4), None, None, Some(8), None]);
    }
}

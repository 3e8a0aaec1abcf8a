//! A verdict about the reserves goes into the reserve log, in the same transaction as the cycle.

use crate::bridge::log::{Entry, state_of};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::reserves::LogRow;
use crate::store::{Result, Tx};

/// Adds a look that ended at `at` to the log.
pub fn keep(tx: &Tx<'_>, entry: &Entry, at: Time) -> Result<()> {
    let last = tx.last_reserve_row()?;
    let text_of = |n| Ok(tx.reserve_row(n)?.map(|row| row.text));
    // a record that cannot be read holds no state: the next one says all of it again
    let current = last.as_ref().map_or(Ok(None), |row| state_of(&row.text, text_of))?;
    let link = entry
        .clone()
        .link(last.map(|row| (row.n, row.hash)), current.as_ref().map(|(n, state)| (*n, state)))
        .map_err(|why| Trouble::new(Kind::Bug, format!("the verdict about the reserves {why}")))?;
    tx.add_reserve_row(&LogRow { n: link.n, at, text: link.text, hash: link.hash })
}

//! How often a response may be started. A program that does not help must not be started for ever.

use crate::config::responses::Response;
use crate::model::time::Time;
use crate::store::{Reader, Result};
use crate::text::units;

/// Why it is not started once more now, where it was as often as it may be. What people start does not count.
pub fn reached(reader: &Reader, response: &Response, now: Time) -> Result<Option<String>> {
    let Response { name, max_runs, per, .. } = response;
    let runs = reader.runs_within(name, *per, now)?;
    Ok((runs >= *max_runs).then(|| format!("not started: {runs} runs within {} are the limit", units::duration(*per))))
}

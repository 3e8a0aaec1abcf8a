//! Readings -> verdicts. Pure: everything it needs is handed in, nothing is remembered.
//!
//! `settings` (as written) -> `merge` (with the shipped rules) -> `compile` (with `limits`, `lint`, `template`) -> `Rule`;
//! `Rule` + `Windows` (recent samples) -> `judge` -> verdicts. The expressions are `promql`.

mod compile;
pub mod data;
mod depends;
pub mod explain;
pub mod export;
mod judge;
mod ladder;
mod limits;
mod lint;
mod merge;
pub mod promql;
mod respond;
mod rule;
pub mod runbook;
pub mod scope;
mod settings;
pub mod shipped;
mod template;
pub mod testing;
mod windows;
mod words;
pub mod written;

#[cfg(test)]
mod tests;

pub use compile::compile;
pub use explain::{explain, explain_needs};
pub use judge::judge;
pub use ladder::Worse;
pub use lint::{Cadence, Catalogue, untold};
pub use rule::{Compared, Origin, Rule, Test, compared};
pub use settings::Settings;
pub use windows::{ALERTS_METRIC, Windows, lookback, needs};

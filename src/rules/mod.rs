//! Readings -> verdicts. Pure: everything it needs is handed in, nothing is remembered.
//!
//! `settings` (as written) -> `merge` (with the shipped rules) -> `compile` (with `limits`, `lint`, `template`) -> `Rule`;
//! `Rule` + `Windows` (recent samples) -> `judge` -> verdicts. The expressions are `promql`.

mod compile;
mod judge;
mod ladder;
mod limits;
mod lint;
mod merge;
pub mod promql;
mod rule;
mod settings;
pub mod shipped;
mod template;
mod windows;

#[cfg(test)]
mod tests;

#[allow(unused_imports, reason = "the rooms are joined one by one; `cycle` and `cmd` use these")]
pub use {
    compile::compile,
    judge::judge,
    ladder::{Ladder, Rung, Worse},
    lint::Catalogue,
    promql::evaluate as query,
    rule::{Origin, Rule, Test},
    settings::Settings,
    windows::{Windows, needs},
};

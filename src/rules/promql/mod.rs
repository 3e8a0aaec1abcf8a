//! `PromQL` for instant queries: text -> tokens -> tree -> types -> values. The semantics are those of Prometheus 3,
//! and unknown samples taint what rests on them (see `eval`).

mod advice;
mod aggregate;
pub mod ast;
mod call;
pub mod check;
mod element;
mod eval;
pub mod functions;
mod histogram;
mod label;
mod lexer;
mod matching;
mod modifier;
mod numeric;
mod omitted;
pub mod ops;
mod over;
mod parser;
mod selector;
pub mod value;

pub use eval::{MAX_ALL_STEPS, MAX_STEPS, Row, evaluate, evaluate_within, newest, newest_within, sampled};
pub use selector::NAME;

use crate::model::fault::Fault;
use ast::Expr;

/// Parses and type-checks `text`. Places are bytes of `text` itself.
pub fn parse(text: &str) -> Result<Expr, Vec<Fault>> {
    let expr = parser::parse(text).map_err(|fault| vec![fault])?;
    let faults = check::check(&expr, text);
    if faults.is_empty() { Ok(expr) } else { Err(faults) }
}

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

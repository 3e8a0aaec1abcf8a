//! What can be said of an expression before any sample is seen: each file one analysis, pure, of the tree alone.
//!
//! An error is a rule that can be proven to be silent or without sense for ever; a warning one that is probably not
//! meant like this. Places are bytes of the expression's text.

mod bounds;
mod cadence;
mod catalogue;
mod counters;
mod fragile;
mod joins;
mod labels;
pub mod limits;
mod names;
mod reach;
mod unit;
mod untold;
mod vanish;
mod waits;
mod whole;

#[cfg(test)]
mod kit;

pub use catalogue::{Cadence, Catalogue};
pub use labels::{has_no_labels, of as labels_of};
pub use untold::untold;
pub use vanish::Watched;
pub use whole::{judged, whole};

use std::time::Duration;

use super::promql::ast::Expr;
use crate::model::fault::{Fault, Place, Weight};

/// All faults of one expression, written as `text`, in their order in it. `alone`: nothing else decides whether the rule
/// fires.
pub fn faults(expr: &Expr, text: &str, alone: bool, catalogue: Catalogue<'_>, interval: Duration) -> Vec<Fault> {
    let mut faults = names::faults(expr, catalogue);
    faults.extend(joins::faults(expr, text, catalogue));
    faults.extend(cadence::faults(expr, catalogue, interval));
    faults.extend(counters::faults(expr, text, catalogue));
    faults.extend(reach::faults(expr, alone, catalogue));
    faults.extend(fragile::faults(expr));
    faults.sort_by_key(|fault| match &fault.place {
        Place::File(span) | Place::Inside { inner: span, .. } => (span.start, fault.weight == Weight::Warning),
        Place::Nowhere => (0, true),
    });
    faults
}

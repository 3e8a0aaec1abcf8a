//! CRITICAL rules whose data may vanish: on unknown data a rule keeps what it said last, so somebody else must tell.

use std::ops::Range;

use super::catalogue::{Cadence, Catalogue};
use crate::model::fault::{Fault, Place};
use crate::rules::promql::ast::{Expr, Selector};
use crate::rules::windows::ALERTS;

/// The metric that says whether a source yields data.
const SOURCE_UP: &str = "source_up";

/// The sources whose failure some rule tells.
pub struct Watched<'a>(Vec<&'a Selector>);

impl<'a> Watched<'a> {
    /// Those that one of `exprs`, the expressions of all rules, looks at.
    pub fn by(exprs: impl Iterator<Item = &'a Expr>) -> Self {
        let watches = |selector: &&Selector| selector.metric.as_deref() == Some(SOURCE_UP);
        Self(exprs.flat_map(Expr::selectors).filter(watches).collect())
    }

    fn covers(&self, source: &Cadence) -> bool {
        let accepts = |selector: &&Selector| {
            let mut about = selector.matchers.iter().filter(|matcher| &*matcher.label == "source");
            about.all(|matcher| matcher.test.accepts(&source.name))
        };
        self.0.iter().any(accepts)
    }

    /// The first selector of `expr`, in a CRITICAL rule that does not say what unknown means, whose data may vanish
    /// without a word.
    pub fn fault(&self, expr: &Expr, catalogue: Catalogue<'_>) -> Option<Fault> {
        expr.selectors().into_iter().find_map(|selector| {
            let what = self.vanishing(selector, catalogue)?;
            let place: Range<usize> = selector.metric_span.clone();
            let help = "say what it means: no_data = \"fire\", or no_data = \"hold\" to keep the last state in silence";
            Some(Fault::warning(what, Place::File(place)).help(help))
        })
    }

    fn vanishing(&self, selector: &Selector, catalogue: Catalogue<'_>) -> Option<String> {
        let name = selector.metric.as_deref().filter(|name| *name != ALERTS)?;
        if catalogue.get(name).is_none() {
            return Some(format!("nothing tells when {name} is not measured any more, and this rule is CRITICAL"));
        }
        let blind = catalogue.sources_of(selector).find(|source| !self.covers(source))?;
        Some(format!("no rule tells when {} yields no data, and this rule is CRITICAL", blind.name))
    }
}

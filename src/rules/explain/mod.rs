//! Why a rule says what it says: each part of its expressions with what it yields, where elements get lost, and what
//! each result comes to. The same evaluator and the same judgement as in a cycle, only looked at more closely.

mod join;
mod notes;
mod tree;

use std::time::Duration;

use super::judge::{Evidence, judged};
use super::lint::Catalogue;
use super::promql::value::Element;
use super::rule::Rule;
use super::windows::{Windows, needs};
use crate::model::labels::Labels;
use crate::model::reading::{Need, Reason};
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Missing, Says};

pub use tree::{Found, Seen, Tree};

/// How much further back an explanation looks than the rule itself, so that what ended can be named.
const FURTHER: Duration = Duration::from_hours(1);

/// A rule at one tick, taken apart.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its expression.
    pub tree: Tree,
    /// Its `when`.
    pub when: Option<Tree>,
    /// Whether it can be judged at all.
    pub outcome: Outcome,
    /// What it says of each result, those that do not count included.
    pub results: Vec<Weighed>,
}

/// Whether a rule can be judged.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Each result by itself; and what it means where an alert has none.
    Judged(Missing),
    /// It rests as a whole on something that was not measured.
    Unknown(Reason),
    /// It cannot be evaluated on this data.
    Failed(String),
}

/// What a rule says of one result.
#[derive(Clone, PartialEq, Debug)]
pub struct Weighed {
    /// The labels that its alert has.
    pub labels: Labels,
    /// The verdict.
    pub says: Says,
    /// Whether `when` holds for it; `None` for a rule without.
    pub allowed: Option<bool>,
    /// The entry of `except` that leaves it out.
    pub left_out_by: Option<String>,
}

/// The samples that an explanation of `rule` at `at` looks at.
pub fn explain_needs(rule: &Rule, at: Time) -> Vec<Need> {
    let further = |need: Need| Need { back: need.back.saturating_add(FURTHER), ..need };
    needs(rule.exprs(), at).into_iter().map(further).collect()
}

/// Takes `rule` apart as it is on `data` at the tick `at`.
pub fn explain(rule: &Rule, catalogue: Catalogue<'_>, data: &Windows, at: Time) -> Explained {
    let evidence = Evidence::gather(rule, data, at);
    let outcome = match judged(evidence.as_ref()) {
        Judgement::Judged { missing, .. } => Outcome::Judged(missing),
        Judgement::Unknown(reason) => Outcome::Unknown(reason),
        Judgement::Failed(why) => Outcome::Failed(why),
    };
    let weighed = |evidence: &Evidence<'_>, element: &Element| Weighed {
        labels: element.labels.overridden(&rule.labels),
        says: evidence.verdict(element).says,
        allowed: rule.guard.as_ref().map(|_| evidence.is_allowed(element)),
        left_out_by: evidence.left_out_by(element).map(|except| except.text.clone()),
    };
    let results = evidence.as_ref().map_or_else(
        |_| Vec::new(),
        |evidence| evidence.results.iter().map(|element| weighed(evidence, element)).collect(),
    );
    Explained {
        tree: tree::grow(&rule.expr, &rule.text, catalogue, data, at),
        when: rule.guard.as_ref().map(|guard| tree::grow(&guard.expr, &guard.text, catalogue, data, at)),
        outcome,
        results,
    }
}

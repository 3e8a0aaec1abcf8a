//! The tree of an expression. Every node knows its bytes in the text, so that each fault can point at it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::functions::Function;
use super::ops::{Aggregation, Op};
pub use crate::model::scope::Test;

/// Bytes of the expression's text.
pub type Span = Range<usize>;

/// A node with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub node: Node,
}

/// What an expression can be.
#[derive(Clone, Debug)]
pub enum Node {
    /// `0.85`, `0x1F`, `Inf`, `5m` (300 seconds).
    Number(f64),
    /// `"text"`; only an argument of a function.
    Text(String),
    /// `metric{label="value"}[5m] offset 1h`.
    Selector(Selector),
    /// `expr[1h:1m]`.
    Subquery(Box<Subquery>),
    /// `-expr`.
    Negate(Box<Expr>),
    /// `(expr)`.
    Paren(Box<Expr>),
    /// `left op right`.
    Binary(Box<Binary>),
    /// `sum by (label) (expr)`.
    Aggregate(Box<Aggregate>),
    /// `function(arguments)`.
    Call(Call),
}

/// Which series, and which of their samples.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The metric, where it is named outright.
    pub metric: Option<Arc<str>>,
    /// Where the metric's name stands.
    pub metric_span: Span,
    /// Conditions on labels (`__name__` only where it is not an equality).
    pub matchers: Vec<Matcher>,
    /// `[5m]`: all samples of that time rather than the newest one.
    pub range: Option<Duration>,
    /// `offset` and `@`.
    pub shift: Shift,
}

/// A condition on one label; an absent label has the empty value.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name.
    pub label: Arc<str>,
    /// Where the label's name stands.
    pub span: Span,
    /// What its value must be.
    pub test: Test,
}

/// How the time that is looked at differs from the time of evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shift {
    /// `offset`, in milliseconds; positive looks into the past.
    pub offset: i64,
    /// `@`.
    pub at: Option<At>,
}

/// The instant that `@` names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// Milliseconds since the epoch.
    Millis(i64),
    /// `start()`: the first instant of the whole query, also inside a subquery. A rule is asked of one instant.
    Start,
    /// `end()`: the last instant of the whole query.
    End,
}

/// An expression evaluated at each step of a range.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is evaluated.
    pub of: Expr,
    /// How far back.
    pub range: Duration,
    /// How often; every minute where it is left out.
    pub step: Option<Duration>,
    /// `offset` and `@`.
    pub shift: Shift,
}

/// Two operands.
#[derive(Clone, Debug)]
pub struct Binary {
    /// What is done with them.
    pub op: Op,
    /// Where the operator stands.
    pub op_span: Span,
    /// `bool`: a comparison answers 0 or 1 rather than filtering.
    pub bool: bool,
    /// How the elements of two vectors find each other.
    pub matching: Matching,
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
}

/// How elements of two vectors find each other.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// The labels that must agree.
    pub key: Key,
    /// Which side may have several elements for one partner.
    pub many: Many,
    /// Labels copied from the side that has one.
    pub include: Vec<Arc<str>>,
    /// Where `on`, `ignoring` or `group_…` stands, if anything does.
    pub span: Option<Span>,
}

/// The labels that are compared, or that a group keeps.
#[derive(Clone, Debug)]
pub enum Key {
    /// `on (…)`, `by (…)`: only these.
    Only(Vec<Arc<str>>),
    /// `ignoring (…)`, `without (…)`: all but these and the name.
    AllBut(Vec<Arc<str>>),
}

impl Default for Key {
    fn default() -> Self {
        Self::AllBut(Vec::new())
    }
}

/// Cardinality of a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Many {
    /// One to one.
    #[default]
    Neither,
    /// `group_left`: several on the left.
    Left,
    /// `group_right`: several on the right.
    Right,
}

/// An aggregation over groups of elements.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// What is computed of each group.
    pub op: Aggregation,
    /// Where the operator stands.
    pub op_span: Span,
    /// `by` or `without`; `sum(x)` is `sum by () (x)`.
    pub key: Key,
    /// The parameter of `topk`, `quantile` and their like.
    pub parameter: Option<Expr>,
    /// What is aggregated.
    pub of: Expr,
}

/// A function with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which function.
    pub function: &'static Function,
    /// Where its name stands.
    pub name_span: Span,
    /// Its arguments.
    pub arguments: Vec<Expr>,
}

impl Expr {
    /// This expression without the parentheses around it.
    pub fn bare(&self) -> &Self {
        match &self.node {
            Node::Paren(inner) => inner.bare(),
            _ => self,
        }
    }

    /// The expressions directly inside this one.
    pub fn children(&self) -> Vec<&Self> {
        match &self.node {
            Node::Number(_) | Node::Text(_) | Node::Selector(_) => Vec::new(),
            Node::Subquery(subquery) => vec![&subquery.of],
            Node::Negate(inner) | Node::Paren(inner) => vec![inner],
            Node::Binary(binary) => vec![&binary.left, &binary.right],
            Node::Aggregate(aggregate) => aggregate.parameter.iter().chain([&aggregate.of]).collect(),
            Node::Call(call) => call.arguments.iter().collect(),
        }
    }

    /// Every selector in this expression.
    pub fn selectors(&self) -> Vec<&Selector> {
        match &self.node {
            Node::Selector(selector) => vec![selector],
            _ => self.children().into_iter().flat_map(Self::selectors).collect(),
        }
    }
}

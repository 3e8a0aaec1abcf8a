//! Types: what can stand where. Gathers every fault of an expression, each with the way out.

use super::ast::{Aggregate, Binary, Call, Expr, Key, Many, Node, Span};
use super::functions::Body;
use super::ops::{Aggregation, Op};
use super::parser::wrong;
use super::selector::pattern;
use crate::model::fault::Fault;

/// The types of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One number.
    Scalar,
    /// One number for each label set.
    Vector,
    /// Samples over time for each label set.
    Range,
    /// A string.
    Text,
}

impl Kind {
    /// The type in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "a number",
            Self::Vector => "an instant vector",
            Self::Range => "a range vector",
            Self::Text => "a string",
        }
    }
}

impl Expr {
    /// The type of this expression.
    pub fn kind(&self) -> Kind {
        match &self.node {
            Node::Number(_) => Kind::Scalar,
            Node::Text(_) => Kind::Text,
            Node::Selector(selector) if selector.range.is_some() => Kind::Range,
            Node::Selector(_) | Node::Aggregate(_) => Kind::Vector,
            Node::Subquery(_) => Kind::Range,
            Node::Negate(inner) | Node::Paren(inner) => inner.kind(),
            Node::Call(call) => call.function.result,
            Node::Binary(binary) => match (binary.left.kind(), binary.right.kind()) {
                (Kind::Scalar, Kind::Scalar) => Kind::Scalar,
                _ => Kind::Vector,
            },
        }
    }
}

/// The faults of types in `expr`, written as `text`.
pub fn check(expr: &Expr, text: &str) -> Vec<Fault> {
    let mut checker = Checker { text, faults: Vec::new() };
    checker.node(expr);
    if expr.kind() == Kind::Range {
        let fault = wrong("a range of samples is no answer yet", &expr.span);
        checker
            .faults
            .push(fault.help(format!("say what is wanted of it: avg_over_time({})", checker.text_of(&expr.span))));
    }
    checker.faults
}

struct Checker<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn text_of(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn node(&mut self, expr: &Expr) {
        for child in expr.children() {
            self.node(child);
        }
        match &expr.node {
            Node::Negate(inner) => self.negation(inner),
            Node::Binary(binary) => self.binary(binary),
            Node::Aggregate(aggregate) => self.aggregate(aggregate),
            Node::Call(call) => self.call(call, &expr.span),
            Node::Subquery(subquery) => self.expect(&subquery.of, Kind::Vector, "a subquery"),
            Node::Number(_) | Node::Text(_) | Node::Selector(_) | Node::Paren(_) => {}
        }
    }

    fn negation(&mut self, inner: &Expr) {
        if matches!(inner.kind(), Kind::Range | Kind::Text) {
            self.faults.push(wrong(format!("{} has no sign", inner.kind().name()), &inner.span));
        }
    }

    /// `expr` must be of type `wanted` because it is an argument of `user`.
    fn expect(&mut self, expr: &Expr, wanted: Kind, user: &str) {
        let found = expr.kind();
        if found == wanted {
            return;
        }
        let what = format!("{user} needs {} here, this is {}", described(wanted), found.name());
        let source = self.text_of(&expr.span);
        let help = match (wanted, found, &expr.bare().node) {
            (Kind::Range, Kind::Vector, Node::Selector(_)) => Some(format!("give it a range: {source}[5m]")),
            (Kind::Range, Kind::Vector, _) => Some(format!("make it a subquery: ({source})[5m:1m]")),
            (Kind::Vector, Kind::Range, Node::Selector(_)) => {
                Some(format!("remove the range, or say what is wanted of it: avg_over_time({source})"))
            }
            (Kind::Vector, Kind::Scalar, _) => Some(format!("make it a vector: vector({source})")),
            (Kind::Scalar, Kind::Vector, _) => Some(format!("if it has exactly one element: scalar({source})")),
            _ => None,
        };
        let fault = wrong(what, &expr.span);
        self.faults.push(match help {
            Some(help) => fault.help(help),
            None => fault,
        });
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        let name = aggregate.op.name();
        if matches!(aggregate.op, Aggregation::Limitk | Aggregation::LimitRatio) {
            self.faults.push(unbuilt(name, &aggregate.op_span));
        }
        self.expect(&aggregate.of, Kind::Vector, name);
        if let Some(parameter) = &aggregate.parameter {
            let wanted = if aggregate.op == Aggregation::CountValues { Kind::Text } else { Kind::Scalar };
            self.expect(parameter, wanted, name);
        }
    }

    fn call(&mut self, call: &Call, span: &Span) {
        let function = call.function;
        if matches!(function.body, Body::Unbuilt) {
            self.faults.push(unbuilt(function.name, &call.name_span));
            return;
        }
        let given = call.arguments.len();
        if given < function.required || given > function.arguments.len() && !function.repeats {
            let wanted = function.arguments.iter().map(|kind| described(*kind)).collect::<Vec<_>>().join(", ");
            let wanted = if wanted.is_empty() { "no argument".to_owned() } else { wanted };
            let fault = wrong(format!("`{}` takes {wanted}; {given} given", function.name), span);
            self.faults.push(fault);
            return;
        }
        for (argument, wanted) in call.arguments.iter().zip(function.kinds()) {
            self.expect(argument, wanted, function.name);
        }
        if let (Body::LabelReplace, Some(argument)) = (function.body, call.arguments.last()) {
            self.pattern(argument);
        }
    }

    /// A pattern that is written out can be refused now rather than at each evaluation.
    fn pattern(&mut self, argument: &Expr) {
        if let Node::Text(text) = &argument.bare().node {
            self.faults.extend(pattern(text, &argument.span).err());
        }
    }

    fn binary(&mut self, binary: &Binary) {
        let kinds = [binary.left.kind(), binary.right.kind()];
        for (side, kind) in [&binary.left, &binary.right].into_iter().zip(kinds) {
            if matches!(kind, Kind::Range | Kind::Text) {
                self.operand(side, kind);
            }
        }
        let between_vectors = kinds == [Kind::Vector, Kind::Vector];
        let has_scalar = kinds.contains(&Kind::Scalar);
        match binary.op {
            Op::Set(_) if has_scalar => {
                let fault = wrong("`and`, `or` and `unless` join instant vectors, not numbers", &binary.op_span);
                self.faults.push(fault.help("compare first: a > 1 and b > 2; vector(1) makes a vector of a number"));
            }
            Op::Compare(compare) if kinds == [Kind::Scalar, Kind::Scalar] && !binary.bool => {
                let fault = wrong("a comparison of two numbers needs `bool`", &binary.op_span);
                self.faults.push(fault.help(format!("write {} bool", compare.symbol())));
            }
            _ => {}
        }
        if let Some(span) = binary.matching.span.as_ref().filter(|_| !between_vectors) {
            let fault = wrong("labels are only matched between two instant vectors", span);
            self.faults.push(fault.help("remove it: a number goes with every element"));
        }
        self.grouping(binary);
    }

    fn grouping(&mut self, binary: &Binary) {
        let Key::Only(labels) = &binary.matching.key else { return };
        let both = binary.matching.include.iter().find(|label| labels.contains(label));
        if let (Some(label), true, Some(span)) = (both, binary.matching.many != Many::Neither, &binary.matching.span) {
            let fault = wrong(format!("`{label}` is both matched and copied"), span);
            self.faults.push(fault.help("name it in `on` or in the group, not in both"));
        }
    }

    fn operand(&mut self, side: &Expr, kind: Kind) {
        let fault = wrong(format!("{} has no operators", kind.name()), &side.span);
        let source = self.text_of(&side.span);
        let help = match kind {
            Kind::Range => format!("say what is wanted of it first: avg_over_time({source})"),
            _ => "labels are compared in a selector: metric{label=\"value\"}".to_owned(),
        };
        self.faults.push(fault.help(help));
    }
}

/// The type with an example, for what is wanted.
const fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Range => "a range vector (metric[5m])",
        kind => kind.name(),
    }
}

/// A part of the language that later versions have.
fn unbuilt(name: &str, span: &Span) -> Fault {
    wrong(format!("`{name}` is not built yet"), span).help("it comes with a later version")
}

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
            Node::Call(call) => self.call(call),
            Node::Subquery(subquery) => self.expect(&subquery.of, Kind::Vector, "a subquery"),
            Node::Number(_) | Node::Text(_) | Node::Selector(_) | Node::Paren(_) => {}
        }
    }

    fn negation(&mut self, inner: &Expr) {
        if matches!(inner.kind(), Kind::Range | Kind::Text) {
            let fault = wrong(format!("{} has no sign", inner.kind().name()), &inner.span);
            self.faults.push(fault.help("a sign stands before a number or an instant vector"));
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
            (Kind::Range, Kind::Vector, Node::Selector(_)) => format!("give it a range: {source}[5m]"),
            (Kind::Range, Kind::Vector, Node::Aggregate(aggregate)) => self.range_of_aggregate(aggregate, user, source),
            (Kind::Range, Kind::Vector, _) => format!("make it a subquery: ({source})[5m:1m]"),
            (Kind::Vector, Kind::Range, Node::Selector(_)) => {
                format!("remove the range, or say what is wanted of it: avg_over_time({source})")
            }
            (Kind::Vector, Kind::Scalar, _) => format!("make it a vector: vector({source})"),
            (Kind::Scalar, Kind::Vector, _) => format!("if it has exactly one element: scalar({source})"),
            _ => format!("write something like {}", example(wanted)),
        };
        self.faults.push(wrong(what, &expr.span).help(help));
    }

    /// One reset hides in a sum of counters: their growth is taken first.
    fn range_of_aggregate(&self, aggregate: &Aggregate, user: &str, source: &str) -> String {
        let is_growth = matches!(user, "rate" | "increase" | "irate");
        if is_growth && aggregate.parameter.is_none() && matches!(aggregate.of.node, Node::Selector(_)) {
            let metric = self.text_of(&aggregate.of.span);
            return format!("aggregate last: {}({user}({metric}[5m]))", aggregate.op.name());
        }
        format!("make it a subquery: ({source})[5m:1m]")
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        let name = aggregate.op.name();
        let parameter_kind = if aggregate.op == Aggregation::CountValues { Kind::Text } else { Kind::Scalar };
        if let Some(parameter) = &aggregate.parameter
            && self.are_swapped(name, [parameter, &aggregate.of], [parameter_kind, Kind::Vector])
        {
            return;
        }
        self.expect(&aggregate.of, Kind::Vector, name);
        if let Some(parameter) = &aggregate.parameter {
            self.expect(parameter, parameter_kind, name);
        }
    }

    fn call(&mut self, call: &Call) {
        let function = call.function;
        let given = call.arguments.len();
        if given < function.required || given > function.arguments.len() && !function.repeats {
            let wanted = function.arguments.iter().map(|kind| described(*kind)).collect::<Vec<_>>().join(", ");
            let wanted = if wanted.is_empty() { "no argument".to_owned() } else { wanted };
            let examples = function.arguments.iter().map(|kind| example(*kind)).collect::<Vec<_>>().join(", ");
            let fault = wrong(format!("`{}` takes {wanted}; {given} given", function.name), &call.name_span)
                .help(format!("write {}({examples})", function.name));
            self.faults.push(fault);
            return;
        }
        if let ([first, second], [a, b]) = (call.arguments.as_slice(), function.arguments)
            && self.are_swapped(function.name, [first, second], [*a, *b])
        {
            return;
        }
        for (argument, wanted) in call.arguments.iter().zip(function.kinds()) {
            self.expect(argument, wanted, function.name);
        }
        if let (Body::LabelReplace, Some(argument)) = (function.body, call.arguments.last()) {
            self.pattern(argument);
        }
    }

    /// Whether two arguments are both wrong, and right the other way round.
    fn are_swapped(&mut self, name: &str, [first, second]: [&Expr; 2], wanted: [Kind; 2]) -> bool {
        let are_swapped = wanted[0] != wanted[1] && [second.kind(), first.kind()] == wanted;
        if are_swapped {
            let (a, b) = (self.text_of(&second.span), self.text_of(&first.span));
            let fault =
                wrong(format!("the arguments of {name} are the wrong way round"), &(first.span.start..second.span.end))
                    .help(format!("write {name}({a}, {b})"));
            self.faults.push(fault);
        }
        are_swapped
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
        // `on ()` says nothing, and Prometheus lets it pass
        let (Key::Only(labels) | Key::AllBut(labels)) = &binary.matching.key;
        if let Some(span) = binary.matching.span.as_ref().filter(|_| !between_vectors && !labels.is_empty()) {
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

/// Something of this type, as it is written.
const fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "0.5",
        Kind::Vector => "metric",
        Kind::Range => "metric[5m]",
        Kind::Text => "\"text\"",
    }
}

/// The type with an example, for what is wanted.
const fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Range => "a range vector (metric[5m])",
        kind => kind.name(),
    }
}

//! What the parser says of the slips people make: words and signs of other languages, percentages, forgotten parentheses.

use super::ast::{Call, Expr, Node, Span};
use super::check::Kind;
use super::functions::FUNCTIONS;
use super::lexer::Token;
use super::omitted;
use super::ops::Aggregation;
use super::parser::{Parser, wrong};
use crate::model::fault::Fault;

impl Parser<'_> {
    /// `85%` with nothing to divide by behind it.
    pub(super) fn refuse_percentage(&self, left: &Expr, percent: &Span) -> Result<(), Fault> {
        let Node::Number(value) = left.node else { return Ok(()) };
        let ends = match self.peek() {
            Token::End => true,
            Token::Sign(sign) => matches!(*sign, ")" | "," | "]" | ">" | "<" | "==" | "!=" | ">=" | "<="),
            Token::Word(word) => ["and", "or", "unless", "for"].iter().any(|known| known.eq_ignore_ascii_case(word)),
            _ => false,
        };
        if !ends {
            return Ok(());
        }
        let literal = self.text.get(left.span.start..percent.end).unwrap_or_default();
        Err(wrong(
            "an expression has no percentages; `%` is the remainder of a division",
            &(left.span.start..percent.end),
        )
        .help(format!(
            "write {} here, or leave the comparison out of `expr` and write above = \"{literal}\"",
            value / 100.0
        )))
    }

    /// Something that is neither an operator nor the end stands behind a complete expression.
    pub(super) fn trailing(&self, before: &Expr) -> Fault {
        let fault = self.trailing_at("unexpected");
        let inner = self.text.get(before.span.clone()).unwrap_or_default();
        let rest = self.found();
        let rest = rest.trim_matches('`');
        match (self.peek(), &before.node) {
            (Token::Word(word), _) if matches!(word.to_ascii_lowercase().as_str(), "by" | "without") => {
                fault.help(format!("`{word}` belongs to an aggregation: sum {word} (label) ({inner})"))
            }
            (Token::Word(_), _) if inner.eq_ignore_ascii_case("select") => {
                fault.help(format!("there is no SELECT: write {rest} alone"))
            }
            (Token::Word(_), _) if inner.eq_ignore_ascii_case("not") => {
                fault.help(format!("write {rest} == 0, or leave elements out with `unless`"))
            }
            (Token::Word(_), _) if is_callable(inner) => fault.help(format!("write {inner}({rest})")),
            _ => fault,
        }
    }

    /// Where the range of something that has none should stand.
    pub(super) fn advice_on_range(&self, of: &Expr, brackets: &Span) -> String {
        let text = |span: &Span| self.text.get(span.clone()).unwrap_or_default();
        let range = text(brackets);
        let whole = text(&of.span);
        match &of.bare().node {
            Node::Call(Call { function, arguments, .. }) => match arguments.as_slice() {
                [Expr { span, node: Node::Selector(selector) }]
                    if selector.range.is_none() && function.arguments == [Kind::Range] =>
                {
                    format!("put it behind the metric: {}({}{range})", function.name, text(span))
                }
                _ => format!("make it a subquery: {whole}{}:1m]", range.trim_end_matches(']')),
            },
            Node::Aggregate(_) => format!(
                "the range goes with the metric, and the aggregation comes last: sum(rate(metric{range})); or make it a \
                 subquery: {whole}{}:1m]",
                range.trim_end_matches(']')
            ),
            _ => format!("put it behind the metric, or make it a subquery: {whole}{}:1m]", range.trim_end_matches(']')),
        }
    }

    /// `lead` and the token at this place, with the advice that fits it.
    pub(super) fn trailing_at(&self, lead: &str) -> Fault {
        let span = self.span();
        let found = self.found();
        let fault = if lead == "unexpected" {
            wrong(format!("unexpected {found} after the expression"), &span)
        } else {
            wrong(format!("{lead}, found {found}"), &span)
        };
        fault.help(self.advice())
    }

    /// The way out for words and signs of other languages.
    fn advice(&self) -> &'static str {
        match (self.peek(), self.peek_second()) {
            (Token::Word(word), _) => match word.to_ascii_lowercase().as_str() {
                "for" => "`for` is a field of the rule, not a part of the expression",
                "where" => "labels are matched in braces, metric{label=\"value\"}; join a condition with `and`",
                "if" | "when" => "join a condition with `and`",
                "is" if self.next_is("null") => "what is missing is found by absent(metric)",
                "is" | "equals" | "eq" => "compare with `==`",
                "gt" | "over" | "above" => "compare with `>`",
                "lt" | "under" | "below" => "compare with `<`",
                "between" => "write two comparisons: metric > 1 and metric < 2",
                "in" | "like" | "matches" | "contains" => "labels are matched in braces: metric{label=~\"a|b\"}",
                "limit" => "topk keeps the largest elements, bottomk the smallest",
                "not" => "compare with `!=`, or leave elements out with `unless`",
                "xor" => "write `(a unless b) or (b unless a)`",
                "group_left" | "group_right" => "it follows on (…) or ignoring (…), behind the operator",
                "on" | "ignoring" => "it stands behind the operator: a / on (label) b",
                "bool" => "it stands behind the comparison: a > bool b",
                "by" | "without" => "it belongs to an aggregation: sum by (label) (…)",
                _ => "two operands need an operator between them",
            },
            (Token::Sign("="), Token::Sign(">")) => "write `>=`",
            (Token::Sign("="), Token::Sign("<")) => "write `<=`",
            (Token::Sign("="), _) => "write `==` to compare; `=` only stands in {…}",
            (Token::Sign("=~" | "!~"), _) => "a regular expression is matched in a selector: {label=~\"…\"}",
            (Token::Sign("{"), _) => "labels are matched directly behind a metric's name: metric{label=\"value\"}",
            (Token::Sign(")"), _) => "there is one `)` too many",
            (Token::Sign(","), _) => "a comma separates arguments; decimals have a point: 0.85",
            (Token::Sign("]" | "}"), _) => "nothing is open that this could close: remove it",
            (Token::Sign(":"), _) => "a colon stands in a subquery, [5m:1m], or within a name",
            (Token::Number(_) | Token::Duration(_) | Token::Text(_), _) => "two operands need an operator between them",
            _ => "an operator stands between two operands",
        }
    }

    /// An operand is missing at this place.
    pub(super) fn no_operand(&self) -> Fault {
        let span = self.span();
        let before = span.start.checked_sub(1).and_then(|start| self.text.get(start..span.end));
        if let Some(sign @ ("</" | ">/")) = before {
            return omitted::trim(sign, &(span.start - 1..span.end));
        }
        let fault = wrong(format!("expected a metric, a number or a call, found {}", self.found()), &span);
        match self.peek() {
            Token::End => fault.help("the expression stops in the middle"),
            Token::Sign(">") if before == Some("<>") => fault.help("write `!=`"),
            Token::Sign("=" | "==") if before.is_some_and(|pair| pair.starts_with('=')) => fault.help("write `==`"),
            Token::Sign("=" | ">" | "<") => fault.help("comparisons are `==`, `!=`, `>`, `<`, `>=` and `<=`"),
            Token::Sign("[") => fault.help("a range stands behind a metric: metric[5m]"),
            Token::Word(word) => fault.help(format!("a metric of that name is written {{__name__=\"{word}\"}}")),
            _ => fault.help("an operator stands between two operands"),
        }
    }

    fn next_is(&self, word: &str) -> bool {
        matches!(self.peek_second(), Token::Word(next) if next.eq_ignore_ascii_case(word))
    }
}

fn is_callable(name: &str) -> bool {
    Aggregation::named(name).is_some() || FUNCTIONS.iter().any(|function| function.name == name)
}

/// Units of time as people write them, with those of the language.
const TIMES: [(&str, &[&str]); 5] = [
    ("ms", &["msec", "millis"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("d", &["day", "days"]),
];

/// The way out for a number with letters behind it.
pub(super) fn of_number(literal: &str) -> String {
    let digits = literal.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(literal.len());
    let (number, unit) = literal.split_at(digits);
    let time = TIMES.iter().find(|(_, foreign)| foreign.iter().any(|name| name.eq_ignore_ascii_case(unit)));
    if let Some((known, _)) = time {
        return format!("write {number}{known}");
    }
    let size = |prefixes: &str| unit.chars().next().and_then(|first| prefixes.find(first.to_ascii_uppercase()));
    match size("KMGT") {
        Some(power) if unit.len() == 3 && unit.ends_with("iB") => {
            format!("write {number} * 1024 ^ {}; sizes such as 10GiB only stand in `above` and `below`", power + 1)
        }
        Some(power) if unit.len() == 1 || (unit.len() == 2 && unit.ends_with(['B', 'b'])) => {
            format!("write {number}e{}; sizes such as 10GB only stand in `above` and `below`", 3 * (power + 1))
        }
        _ => "write numbers like 0.85, 1e9 or 0x1F, durations like 90s, 5m or 1h30m".to_owned(),
    }
}

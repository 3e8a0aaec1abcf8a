//! What the parser says of the slips people make: words and signs of other languages, percentages, forgotten parentheses.

use super::ast::{Expr, Node, Span};
use super::lexer::Token;
use super::parser::{Parser, RESERVED, wrong};
use crate::model::fault::Fault;

impl Parser<'_> {
    /// `85%` with nothing to divide by behind it.
    pub(super) fn refuse_percentage(&self, left: &Expr, percent: &Span) -> Result<(), Fault> {
        let Node::Number(value) = left.node else { return Ok(()) };
        let ends = match self.peek() {
            Token::End => true,
            Token::Sign(sign) => matches!(*sign, ")" | "," | "]" | ">" | "<" | "==" | "!=" | ">=" | "<="),
            Token::Word(word) => RESERVED.iter().any(|known| known.eq_ignore_ascii_case(word)) || word == "for",
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
        match self.peek() {
            Token::Word(word) if matches!(word.to_ascii_lowercase().as_str(), "by" | "without") => {
                let inner = self.text.get(before.span.clone()).unwrap_or_default();
                fault.help(format!("`{word}` belongs to an aggregation: sum {word} (label) ({inner})"))
            }
            _ => fault,
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
        let Some(help) = self.advice() else { return fault };
        fault.help(help)
    }

    /// The way out for words and signs of other languages.
    fn advice(&self) -> Option<&'static str> {
        match (self.peek(), self.peek_second()) {
            (Token::Word(word), _) => match word.to_ascii_lowercase().as_str() {
                "for" => Some("`for` is a field of the rule, not a part of the expression"),
                "if" | "when" | "where" => Some("join a condition with `and`"),
                "is" | "equals" => Some("compare with `==`"),
                "not" => Some("compare with `!=`, or leave elements out with `unless`"),
                "xor" => Some("write `(a unless b) or (b unless a)`"),
                "group_left" | "group_right" => Some("it follows on (…) or ignoring (…), behind the operator"),
                "on" | "ignoring" => Some("it stands behind the operator: a / on (label) b"),
                "bool" => Some("it stands behind the comparison: a > bool b"),
                "by" | "without" => Some("it belongs to an aggregation: sum by (label) (…)"),
                _ => Some("two operands need an operator between them"),
            },
            (Token::Sign("="), Token::Sign(">")) => Some("write `>=`"),
            (Token::Sign("="), Token::Sign("<")) => Some("write `<=`"),
            (Token::Sign("="), _) => Some("write `==` to compare; `=` only stands in {…}"),
            (Token::Sign("=~" | "!~"), _) => Some("a regular expression is matched in a selector: {label=~\"…\"}"),
            (Token::Sign("{"), _) => {
                Some("labels are matched directly behind a metric's name: metric{label=\"value\"}")
            }
            (Token::Sign(")"), _) => Some("there is one `)` too many"),
            (Token::Number(_) | Token::Duration(_) | Token::Text(_), _) => {
                Some("two operands need an operator between them")
            }
            _ => None,
        }
    }

    /// An operand is missing at this place.
    pub(super) fn no_operand(&self) -> Fault {
        let fault = wrong(format!("expected a metric, a number or a call, found {}", self.found()), &self.span());
        match self.peek() {
            Token::End => fault.help("the expression stops in the middle"),
            Token::Sign("=" | ">" | "<") => fault.help("comparisons are `==`, `!=`, `>`, `<`, `>=` and `<=`"),
            Token::Sign("[") => fault.help("a range stands behind a metric: metric[5m]"),
            Token::Word(word) => fault.help(format!("a metric of that name is written {{__name__=\"{word}\"}}")),
            _ => fault,
        }
    }
}

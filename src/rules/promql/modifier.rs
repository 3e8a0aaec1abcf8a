//! The part of the parser that reads what modifies an operator or an operand: `on (…)`, `group_left`, `[5m]`.

use std::sync::Arc;
use std::time::Duration;

use super::ast::{Expr, Key, Many, Matching, Node, Selector, Shift, Subquery};
use super::lexer::Token;
use super::omitted;
use super::ops::Op;
use super::parser::{Parser, wrong};
use crate::model::fault::Fault;

impl Parser<'_> {
    /// `on (…) group_left (…)` and their like.
    pub(super) fn matching(&mut self, op: Op) -> Result<Matching, Fault> {
        let matching = self.partners(op)?;
        match (self.peek(), self.peek_second()) {
            // without its parentheses it is a metric
            (Token::Word(word), Token::Sign("(")) => omitted::modifier(word, &self.span()).map_or(Ok(matching), Err),
            _ => Ok(matching),
        }
    }

    fn partners(&mut self, op: Op) -> Result<Matching, Fault> {
        let start = self.span().start;
        let mut matching = Matching::default();
        if self.take_word("on") {
            matching.key = Key::Only(self.label_list("on")?);
        } else if self.take_word("ignoring") {
            matching.key = Key::AllBut(self.label_list("ignoring")?);
        } else if !(self.is_word("group_left") || self.is_word("group_right")) {
            return Ok(matching);
        } else {
            return Err(wrong(format!("{} must follow `on (…)` or `ignoring (…)`", self.found()), &self.span())
                .help("name the labels that both sides share, for example on(host) group_left"));
        }
        let group_span = self.span();
        if self.take_word("group_left") {
            matching.many = Many::Left;
        } else if self.take_word("group_right") {
            matching.many = Many::Right;
        }
        if matching.many != Many::Neither {
            if matches!(op, Op::Set(_)) {
                return Err(wrong("`and`, `or` and `unless` need no grouping: they match many to many", &group_span)
                    .help("remove group_left or group_right"));
            }
            if self.is_sign("(") {
                matching.include = self.label_list("group_left")?;
            }
        }
        matching.span = Some(start..self.end());
        Ok(matching)
    }

    /// `(a, b)` after `by`, `on` and their like.
    pub(super) fn label_list(&mut self, after: &str) -> Result<Vec<Arc<str>>, Fault> {
        if !self.take_sign("(") {
            return Err(wrong(
                format!("`{after}` needs its labels in parentheses, found {}", self.found()),
                &self.span(),
            )
            .help(format!("write {after} (label), or {after} () for none")));
        }
        let mut labels = Vec::new();
        while !self.take_sign(")") {
            let lexeme = self.advance();
            match lexeme.token {
                Token::Word(name) | Token::Text(name) if !name.contains(':') => labels.push(Arc::from(name)),
                _ => {
                    return Err(wrong("expected the name of a label", &lexeme.span)
                        .help(format!("write {after} (host), or {after} (host, mount)")));
                }
            }
            if !self.is_sign(")") {
                let help = format!("labels are separated by commas: {after} (host, mount)");
                self.expect_sign(",", "or `)` after a label", &help)?;
            }
        }
        Ok(labels)
    }

    /// `[5m]`, `[1h:1m]`, `offset 5m`, `@ start()`, in any sensible order.
    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr, Fault> {
        loop {
            if self.is_sign("[") {
                expr = self.range(expr)?;
            } else if self.is_word("offset") || self.is_sign("@") {
                expr = self.shifted(expr)?;
            } else {
                return match self.peek() {
                    Token::Word(word) => omitted::modifier(word, &self.span()).map_or(Ok(expr), Err),
                    _ => Ok(expr),
                };
            }
        }
    }

    /// Refuses `(5m)` and `step()` where a length is about to stand.
    pub(super) fn refuse_computed_length(&self) -> Result<(), Fault> {
        let signs = usize::from(matches!(self.peek(), Token::Sign("-" | "+")));
        match (self.peek_at(signs), self.peek_at(signs + 1)) {
            (Token::Sign("("), _) | (Token::Word(_), Token::Sign("(")) => Err(omitted::arithmetic(&self.span())),
            _ => Ok(()),
        }
    }

    /// Refuses `+ 30s` behind a length.
    fn refuse_arithmetic(&self) -> Result<(), Fault> {
        match self.peek() {
            Token::Sign("+" | "-" | "*" | "/" | "%" | "^") => Err(omitted::arithmetic(&self.span())),
            _ => Ok(()),
        }
    }

    fn range(&mut self, expr: Expr) -> Result<Expr, Fault> {
        let start = self.advance().span.start;
        let range = self.length("a range")?;
        let (is_subquery, mut step) = (self.take_sign(":"), None);
        if is_subquery && !self.is_sign("]") {
            step = Some(self.length("a step")?);
        }
        let help = match self.peek() {
            Token::Word(unit) => format!("the unit stands directly behind the number: [5{unit}]"),
            _ => "a range is closed behind its length: metric[5m]".to_owned(),
        };
        self.expect_sign("]", "after the range", &help)?;
        let brackets = start..self.end();
        let span = expr.span.start..self.end();
        match expr.node {
            _ if is_subquery => {
                let subquery = Subquery { of: expr, range, step, shift: Shift::default() };
                Ok(Expr { span, node: Node::Subquery(Box::new(subquery)) })
            }
            Node::Selector(ref selector) if selector.range.is_some() => {
                Err(wrong("this selector has a range already", &brackets).help("remove one of the two"))
            }
            Node::Selector(ref selector) if selector.shift != Shift::default() => {
                Err(wrong("the range stands before `offset` and `@`", &brackets).help("write metric[5m] offset 1h"))
            }
            Node::Selector(selector) => {
                Ok(Expr { span, node: Node::Selector(Selector { range: Some(range), ..selector }) })
            }
            _ => {
                let help = self.advice_on_range(&expr, &brackets);
                Err(wrong("only a selector has a range", &brackets).help(help))
            }
        }
    }

    /// A duration (or seconds) above zero.
    fn length(&mut self, what: &str) -> Result<Duration, Fault> {
        const EXAMPLES: &str = "write a duration like 90s, 5m or 1h30m";
        self.refuse_computed_length()?;
        let start = self.span().start;
        let has_sign = self.sign_of_number().is_some();
        let lexeme = self.advance();
        let length = match lexeme.token {
            Token::Duration(millis) => Some(Duration::from_millis(millis)),
            Token::Number(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            _ => None,
        };
        let Some(length) = length else {
            return Err(wrong(format!("expected the length of {what}"), &lexeme.span).help(EXAMPLES));
        };
        self.refuse_arithmetic()?;
        if has_sign {
            let literal = self.text.get(lexeme.span.clone()).unwrap_or_default();
            return Err(wrong(format!("the length of {what} has no sign"), &(start..lexeme.span.end))
                .help(format!("a range always looks back: write {literal}")));
        }
        if length.is_zero() {
            return Err(wrong(format!("{what} of nothing selects nothing"), &lexeme.span).help(EXAMPLES));
        }
        Ok(length)
    }
}

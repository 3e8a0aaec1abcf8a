//! The part of the parser that reads selectors: metric, matchers, `offset` and `@`.

use std::sync::Arc;

use regex::Regex;

use super::ast::{At, Expr, Matcher, Node, Selector, Shift, Span, Test};
use super::lexer::Token;
use super::parser::{Parser, wrong};
use crate::model::fault::Fault;
use crate::model::scope;

/// The label that holds the metric's name.
pub const NAME: &str = "__name__";

impl Parser<'_> {
    /// `metric{label="value"}`, or without the metric.
    pub(super) fn selector(&mut self, metric: Option<&str>) -> Result<Expr, Fault> {
        let start = self.span().start;
        let metric_span = if metric.is_some() { self.advance().span } else { start..start };
        let mut selector = Selector {
            metric: metric.map(Arc::from),
            metric_span,
            matchers: Vec::new(),
            range: None,
            shift: Shift::default(),
        };
        if self.is_sign("{") {
            self.matchers(&mut selector)?;
        }
        let span = start..self.end();
        let twice = selector.matchers.iter().find(|matcher| matcher.label.as_ref() == NAME);
        if let (Some(matcher), Some(metric)) = (twice, metric) {
            return Err(wrong(format!("the metric is named already: {metric}"), &matcher.span)
                .help(format!("remove one of them; to exclude names, write {{{NAME}=~\"…\"}} without {metric}")));
        }
        let selects_all = selector.metric.is_none() && selector.matchers.iter().all(|matcher| matcher.test.accepts(""));
        if selects_all {
            return Err(wrong("this selects every series there is", &span)
                .help("name a metric, or match at least one label that is not empty"));
        }
        Ok(Expr { span, node: Node::Selector(selector) })
    }

    fn matchers(&mut self, selector: &mut Selector) -> Result<(), Fault> {
        let open = self.advance().span;
        while !self.take_sign("}") {
            if self.peek() == &Token::End {
                return Err(wrong("this brace is never closed", &open).help("add the missing `}`"));
            }
            self.matcher(selector)?;
            if !self.is_sign("}") && self.peek() != &Token::End {
                let help = match self.peek() {
                    Token::Word(_) | Token::Text(_) => "matchers are separated by commas: {a=\"1\", b=\"2\"}",
                    _ => "close the braces behind the last matcher",
                };
                self.expect_sign(",", "or `}` after a matcher", help)?;
            }
        }
        Ok(())
    }

    /// `label="value"`; a quoted name alone is the metric: `{"my.metric"}`.
    fn matcher(&mut self, selector: &mut Selector) -> Result<(), Fault> {
        let lexeme = self.advance();
        let label = match lexeme.token {
            Token::Text(metric) if self.is_sign(",") || self.is_sign("}") => {
                return name_metric(selector, &metric, lexeme.span);
            }
            Token::Word(name) if !name.contains(':') => name,
            Token::Text(name) => name,
            Token::Sign("{") => {
                return Err(wrong("expected the name of a label", &lexeme.span)
                    .help("an expression has no variables; templates belong in `summary` and `action`"));
            }
            other => {
                let name = if let Token::Word(name) = &other { name.trim_end_matches(':') } else { "label" };
                return Err(wrong("expected the name of a label", &lexeme.span).help(format!("write {name}=\"value\"")));
            }
        };
        let operator = self.advance();
        let (Token::Sign("=" | "!=" | "=~" | "!~"), value) = (&operator.token, self.peek().clone()) else {
            return Err(wrong("expected `=`, `!=`, `=~` or `!~` behind a label", &operator.span)
                .help(format!("write {label}=\"value\"")));
        };
        let Token::Text(value) = value else {
            return Err(wrong(format!("expected a string, found {}", self.found()), &self.span())
                .help(format!("put the value in quotes: {label}=\"…\"")));
        };
        let value_span = self.advance().span;
        let test = match operator.token {
            Token::Sign("=") if label == NAME => return name_metric(selector, &value, value_span),
            Token::Sign("=") => Test::Is(value),
            Token::Sign("!=") => Test::IsNot(value),
            Token::Sign("=~") => Test::Like(pattern(&value, &value_span)?),
            _ => Test::Unlike(pattern(&value, &value_span)?),
        };
        selector.matchers.push(Matcher { label: Arc::from(label), span: lexeme.span, test });
        Ok(())
    }

    /// `offset 5m`, `offset -5m`, `@ 1609746000`, `@ start()`.
    pub(super) fn shifted(&mut self, mut expr: Expr) -> Result<Expr, Fault> {
        let is_at = self.is_sign("@");
        let start = self.advance().span.start;
        let (offset, at) = if is_at { (0, Some(self.instant()?)) } else { (self.offset()?, None) };
        let span = start..self.end();
        let shift = match &mut expr.node {
            Node::Selector(selector) => &mut selector.shift,
            Node::Subquery(subquery) => &mut subquery.shift,
            _ => {
                return Err(wrong("only a selector or a subquery can be moved in time", &span)
                    .help("put it behind the metric: rate(metric[5m] offset 1h)"));
            }
        };
        if (is_at && shift.at.is_some()) || (!is_at && shift.offset != 0) {
            return Err(wrong("this is moved in time already", &span).help("remove one of the two"));
        }
        if is_at {
            shift.at = at;
        } else {
            shift.offset = offset;
        }
        expr.span.end = self.end();
        Ok(expr)
    }

    /// A duration or seconds, with a sign; in milliseconds.
    fn offset(&mut self) -> Result<i64, Fault> {
        self.refuse_computed_length()?;
        let sign = self.sign_of_number().unwrap_or(1);
        let lexeme = self.advance();
        let millis = match lexeme.token {
            Token::Duration(millis) => i64::try_from(millis).ok(),
            Token::Number(seconds) => millis_from(seconds),
            _ => None,
        };
        let help = "write a duration like 5m or 1d";
        millis
            .map(|millis| sign * millis)
            .ok_or_else(|| wrong("expected how far to look back", &lexeme.span).help(help))
    }

    /// -1 or 1, where a sign stands here.
    pub(super) fn sign_of_number(&mut self) -> Option<i64> {
        if self.take_sign("-") {
            return Some(-1);
        }
        self.take_sign("+").then_some(1)
    }

    fn instant(&mut self) -> Result<At, Fault> {
        for (word, at) in [("start", At::Start), ("end", At::End)] {
            if self.take_word(word) {
                let help = format!("write @ {word}()");
                self.expect_sign("(", &format!("after `{word}`"), &help)?;
                self.expect_sign(")", "after `(`", &help)?;
                return Ok(at);
            }
        }
        let sign = self.sign_of_number().unwrap_or(1);
        let lexeme = self.advance();
        let millis = match lexeme.token {
            Token::Number(seconds) => millis_from(seconds),
            Token::Duration(millis) => i64::try_from(millis).ok(),
            _ => None,
        };
        let help = "write seconds since 1970, or start() or end()";
        millis
            .map(|millis| At::Millis(sign * millis))
            .ok_or_else(|| wrong("expected an instant behind `@`", &lexeme.span).help(help))
    }
}

/// Seconds as whole milliseconds, within what a time can be.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn millis_from(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() < 1e15).then_some(millis as i64)
}

fn name_metric(selector: &mut Selector, metric: &str, span: Span) -> Result<(), Fault> {
    if let Some(have) = &selector.metric {
        return Err(wrong(format!("the metric is named twice: {have} and {metric}"), &span).help("remove one of them"));
    }
    if metric.is_empty() {
        return Err(wrong("no metric has an empty name", &span).help("name a metric, or leave this matcher out"));
    }
    selector.metric = Some(Arc::from(metric));
    selector.metric_span = span;
    Ok(())
}

/// The pattern, anchored on both sides.
pub(super) fn pattern(text: &str, span: &Span) -> Result<Regex, Fault> {
    scope::pattern(text).map_err(|error| unreadable(text, &error, span))
}

fn unreadable(text: &str, error: &regex::Error, span: &Span) -> Fault {
    if let regex::Error::CompiledTooBig(limit) = error {
        return wrong(format!("this regular expression needs more than {} MiB", limit >> 20), span)
            .help("shorten its repetitions: each of {1000} is a copy of what it repeats");
    }
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let help = if reason.starts_with("look-around") || reason.starts_with("backreferences") {
        "match what is wanted with =~ and what is not with a second matcher, !~"
    } else if text.starts_with('*') {
        "`*` repeats what stands before it; anything at all is \".*\""
    } else {
        "a literal dot or bracket needs a backslash: \"a\\\\.b\", or put the pattern in backticks"
    };
    wrong(format!("this is not a regular expression: {reason}"), span).help(help)
}

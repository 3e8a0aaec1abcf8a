//! Tokens -> tree: a Pratt parser of the `PromQL` grammar, with advice for the slips people make.
//!
//! One deviation from Prometheus: a metric named like an operator word (`and`, `by`, `bool` …) must be written
//! `{__name__="and"}`, so that `a > 85% and b` can be explained.

use super::ast::{Aggregate, Binary, Call, Expr, Key, Node, Span};
use super::functions;
use super::lexer::{Lexeme, Token, tokens};
use super::omitted;
use super::ops::{Aggregation, Compare, Math, Op, Set};
use crate::model::fault::{Fault, Place};

/// Bytes of one expression; a long list belongs in a regular expression, and many conditions in several rules.
const MAX_LENGTH: usize = 10_000;
/// Operands and operators in one expression; together with `MAX_DEPTH` it keeps parser and evaluator within their stack.
const MAX_NODES: usize = 250;
/// Parentheses, calls and signs inside each other.
const MAX_DEPTH: usize = 50;

/// The way out of all three limits.
const SPLIT: &str = "split it into several rules, or match many values with one regular expression";

/// Words that join or modify expressions and so cannot be names of metrics.
pub(super) const RESERVED: [&str; 12] =
    ["and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "atan2"];

/// Parses `text`; the tree is not yet type-checked.
pub fn parse(text: &str) -> Result<Expr, Fault> {
    if text.len() > MAX_LENGTH {
        let end = text.ceil_char_boundary(MAX_LENGTH + 1);
        let what = format!("the expression has {} bytes; at most {MAX_LENGTH} are read", text.len());
        return Err(wrong(what, &(text.floor_char_boundary(MAX_LENGTH)..end)).help(SPLIT));
    }
    let mut parser = Parser { text, lexemes: tokens(text)?, at: 0, nodes: 0, depth: 0 };
    if parser.peek() == &Token::End {
        let fault = Fault::error("the expression is empty", Place::File(0..text.len()));
        return Err(fault.help("write a metric's name, for example system_memory_usage_ratio"));
    }
    let expr = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.trailing(&expr)),
    }
}

/// A fault at `span`.
pub(super) fn wrong(what: impl Into<String>, span: &Span) -> Fault {
    Fault::error(what, Place::File(span.clone()))
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    lexemes: Vec<Lexeme>,
    at: usize,
    nodes: usize,
    depth: usize,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Token {
        self.lexemes.get(self.at).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    pub(super) fn peek_second(&self) -> &Token {
        self.peek_at(1)
    }

    /// The token `further` places behind this one.
    pub(super) fn peek_at(&self, further: usize) -> &Token {
        self.lexemes.get(self.at + further).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    pub(super) fn span(&self) -> Span {
        self.lexemes.get(self.at).map_or(self.text.len()..self.text.len(), |lexeme| lexeme.span.clone())
    }

    /// The end of the token before this one.
    pub(super) fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.lexemes.get(at)).map_or(0, |lexeme| lexeme.span.end)
    }

    /// Takes a token; the end of the text is never passed.
    pub(super) fn advance(&mut self) -> Lexeme {
        let lexeme =
            self.lexemes.get(self.at).cloned().unwrap_or_else(|| Lexeme { token: Token::End, span: self.span() });
        self.at += 1;
        lexeme
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(have) if *have == sign)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    /// Takes `sign`, which stands `after` something; `help` is the way out where it does not.
    pub(super) fn expect_sign(&mut self, sign: &str, after: &str, help: &str) -> Result<(), Fault> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(wrong(format!("expected `{sign}` {after}, found {}", self.found()), &self.span()).help(help))
    }

    /// Whether this token is the keyword `word`, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(have) if have.eq_ignore_ascii_case(word))
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// This token in words.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", self.text.get(self.span()).unwrap_or_default()),
        }
    }

    /// Refuses an expression that is too large for the stack.
    fn count_node(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        let what = if self.nodes > MAX_NODES {
            format!("the expression has more than {MAX_NODES} operators and operands")
        } else if self.depth > MAX_DEPTH {
            format!("the expression is nested more than {MAX_DEPTH} times")
        } else {
            return Ok(());
        };
        Err(wrong(what, &self.span()).help(SPLIT))
    }

    /// An expression whose operators all bind at least as tightly as `min`.
    pub(super) fn expression(&mut self, min: u8) -> Result<Expr, Fault> {
        self.depth += 1;
        self.count_node()?;
        let mut left = self.prefix()?;
        while let Some((op, strength)) = self.operator().filter(|(_, strength)| *strength >= min) {
            self.count_node()?;
            left = self.binary(left, op, strength)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// The operator at this token and how tightly it binds.
    fn operator(&self) -> Option<(Op, u8)> {
        Some(match self.peek() {
            Token::Sign(sign) => match *sign {
                "==" => (Op::Compare(Compare::Equal), 3),
                "!=" => (Op::Compare(Compare::Unequal), 3),
                ">" => (Op::Compare(Compare::Above), 3),
                "<" => (Op::Compare(Compare::Below), 3),
                ">=" => (Op::Compare(Compare::AtLeast), 3),
                "<=" => (Op::Compare(Compare::AtMost), 3),
                "+" => (Op::Math(Math::Add), 4),
                "-" => (Op::Math(Math::Subtract), 4),
                "*" => (Op::Math(Math::Multiply), 5),
                "/" => (Op::Math(Math::Divide), 5),
                "%" => (Op::Math(Math::Modulo), 5),
                "^" => (Op::Math(Math::Power), 6),
                _ => return None,
            },
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "or" => (Op::Set(Set::Or), 1),
                "and" => (Op::Set(Set::And), 2),
                "unless" => (Op::Set(Set::Unless), 2),
                "atan2" => (Op::Math(Math::Atan2), 5),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn binary(&mut self, left: Expr, op: Op, strength: u8) -> Result<Expr, Fault> {
        let op_span = self.advance().span;
        if op == Op::Math(Math::Modulo) {
            self.refuse_percentage(&left, &op_span)?;
        }
        let bool_span = self.span();
        let bool = self.take_word("bool");
        if bool && !matches!(op, Op::Compare(_)) {
            return Err(wrong("`bool` only goes with a comparison", &bool_span).help("remove it"));
        }
        let matching = self.matching(op)?;
        let is_right_associative = op == Op::Math(Math::Power);
        let right = self.expression(if is_right_associative { strength } else { strength + 1 })?;
        let span = left.span.start..right.span.end;
        Ok(Expr { span, node: Node::Binary(Box::new(Binary { op, op_span, bool, matching, left, right })) })
    }

    /// An operand: a sign, a literal, a selector, a call, or something in parentheses; with what follows it.
    fn prefix(&mut self) -> Result<Expr, Fault> {
        let start = self.span().start;
        if self.take_sign("-") || self.take_sign("+") {
            let is_negative = self.text.get(start..=start) == Some("-");
            let operand = self.expression(6)?;
            let span = start..operand.span.end;
            return Ok(match (is_negative, operand.node) {
                (true, Node::Number(value)) => Expr { span, node: Node::Number(-value) },
                (true, node) => {
                    Expr { span: span.clone(), node: Node::Negate(Box::new(Expr { span: operand.span, node })) }
                }
                (false, node) => Expr { span, node },
            });
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let span = self.span();
        match self.peek().clone() {
            Token::Number(value) => Ok(self.literal(Node::Number(value))),
            Token::Duration(millis) => Ok(self.literal(Node::Number(millis as f64 / 1000.0))),
            Token::Text(text) => Ok(self.literal(Node::Text(text))),
            Token::Word(word) => self.word(&word),
            Token::Sign("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.expect_closing(&span)?;
                Ok(Expr { span: span.start..self.end(), node: Node::Paren(Box::new(inner)) })
            }
            Token::Sign("{") => self.selector(None),
            _ => Err(self.no_operand()),
        }
    }

    fn literal(&mut self, node: Node) -> Expr {
        let span = self.advance().span;
        Expr { span, node }
    }

    fn expect_closing(&mut self, open: &Span) -> Result<(), Fault> {
        if self.take_sign(")") {
            return Ok(());
        }
        if self.peek() == &Token::End {
            return Err(wrong("this parenthesis is never closed", open).help("add the missing `)`"));
        }
        Err(self.trailing_at("expected `)`"))
    }

    /// A name: an aggregation, a function, a number word or a metric.
    fn word(&mut self, word: &str) -> Result<Expr, Fault> {
        let calls = matches!(self.peek_second(), Token::Sign("("));
        let groups = matches!(self.peek_second(), Token::Word(next)
            if next.eq_ignore_ascii_case("by") || next.eq_ignore_ascii_case("without"));
        if let Some(fault) = omitted::call(word, &self.span()).filter(|_| calls || groups) {
            return Err(fault);
        }
        if let Some(op) = Aggregation::named(word).filter(|_| calls || groups) {
            return self.aggregate(op);
        }
        if calls && !RESERVED.contains(&word.to_ascii_lowercase().as_str()) {
            return self.call(word);
        }
        match word.to_ascii_lowercase().as_str() {
            "inf" => Ok(self.literal(Node::Number(f64::INFINITY))),
            "nan" => Ok(self.literal(Node::Number(f64::NAN))),
            lower if RESERVED.contains(&lower) => Err(self.no_operand()),
            _ => self.selector(Some(word)),
        }
    }

    fn aggregate(&mut self, op: Aggregation) -> Result<Expr, Fault> {
        let op_span = self.advance().span;
        let mut key = self.grouping()?;
        let open = self.span();
        let help = format!("write {} by (label) ({}metric)", op.name(), op.example());
        self.expect_sign("(", &format!("after `{}`", op.name()), &help)?;
        let mut arguments = self.arguments(&open)?;
        if key.is_none() {
            key = self.grouping()?;
        }
        let span = op_span.start..self.end();
        let wanted = 1 + usize::from(op.has_parameter());
        let (Some(of), true) = (arguments.pop(), arguments.len() + 1 == wanted) else {
            let form = if op.has_parameter() { "a parameter and a vector" } else { "one vector" };
            return Err(wrong(format!("`{}` takes {form}", op.name()), &span).help(format!(
                "write {}({}metric)",
                op.name(),
                op.example()
            )));
        };
        let key = key.unwrap_or(Key::Only(Vec::new()));
        let parameter = arguments.pop();
        Ok(Expr { span, node: Node::Aggregate(Box::new(Aggregate { op, op_span, key, parameter, of })) })
    }

    fn grouping(&mut self) -> Result<Option<Key>, Fault> {
        if self.take_word("by") {
            return self.label_list("by").map(Key::Only).map(Some);
        }
        if self.take_word("without") {
            return self.label_list("without").map(Key::AllBut).map(Some);
        }
        Ok(None)
    }

    fn call(&mut self, name: &str) -> Result<Expr, Fault> {
        let name_span = self.advance().span;
        let function = functions::find(name, &name_span)?;
        let open = self.advance().span;
        let arguments = self.arguments(&open)?;
        let span = name_span.start..self.end();
        Ok(Expr { span, node: Node::Call(Call { function, name_span, arguments }) })
    }

    /// What stands between an opening parenthesis (already taken) and its closing one.
    fn arguments(&mut self, open: &Span) -> Result<Vec<Expr>, Fault> {
        let mut arguments = Vec::new();
        if self.take_sign(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            let comma = self.span();
            if !self.take_sign(",") {
                self.expect_closing(open)?;
                return Ok(arguments);
            }
            if self.is_sign(")") {
                return Err(wrong("this comma has no argument behind it", &comma).help("remove it"));
            }
        }
    }
}

//! Expressions out of random numbers: the whole grammar, types mostly right, sizes bounded by the numbers given.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};

use super::ast::Span;
use super::check::Kind;
use super::functions::FUNCTIONS;
use super::lexer;
use super::ops::Aggregation;

/// Expressions that follow the grammar; about one in ten holds something of a wrong type.
pub fn expression() -> impl Strategy<Value = String> {
    vec(any::<u16>(), 1..80).prop_map(|numbers| {
        let mut dice = Dice(numbers.into_iter());
        let kind = dice.pick(&[Kind::Vector, Kind::Vector, Kind::Scalar]);
        dice.expression(kind, 5)
    })
}

/// One of `texts` after a few slips of the keyboard: tokens left out, doubled, swapped, or taken from another text.
pub fn slipped(texts: Vec<String>) -> impl Strategy<Value = String> {
    vec(any::<u16>(), 2..20).prop_map(move |numbers| {
        let mut dice = Dice(numbers.into_iter());
        let mut words = words(dice.of::<String>(&texts));
        let others = self::words(dice.of::<String>(&texts));
        for _ in 0..=dice.below(4) {
            let (at, other) = (dice.below(words.len()), dice.below(words.len()));
            match dice.below(4) {
                0 if words.len() > 1 => drop(words.remove(at)),
                1 => words.insert(at, words[other].clone()),
                2 => words.swap(at, other),
                _ => words[at] = dice.of(&others).clone(),
            }
        }
        words.join(dice.pick(&[" ", ""]))
    })
}

/// The tokens of `text` as they are written.
fn words(text: &str) -> Vec<String> {
    let lexemes = lexer::tokens(text).unwrap_or_default();
    let spans: Vec<Span> = lexemes.into_iter().map(|lexeme| lexeme.span).filter(|span| !span.is_empty()).collect();
    let words: Vec<String> = spans.into_iter().map(|span| text[span].to_owned()).collect();
    if words.is_empty() { vec![text.to_owned()] } else { words }
}

/// Random numbers that run out: from then on, always the first choice, which is the simplest.
struct Dice(std::vec::IntoIter<u16>);

const LABELS: [&str; 6] = ["host", "mount", "job", "le", "by", "__name__"];
const METRICS: [&str; 7] = ["up", "cpu", "jobs_total", "ns:rule:sum", "info", "took_bucket", "start"];
const TEXTS: [&str; 8] = ["\"a\"", "'b'", "`c\\d`", "\"\"", "\"a|b\"", "'.*'", "\"\\\"ä\\n\"", "'[a-c]+x?'"];
const DURATIONS: [&str; 9] = ["5m", "1m", "90s", "1h30m", "300", "1d", "2w", "1y", "250ms"];
const NUMBERS: [&str; 12] = ["1", "0", "0.85", "1e3", "0x1F", ".5", "Inf", "NaN", "1_000", "5m", "3.", "1e-2"];

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % count.max(1)
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        *self.of(choices)
    }

    /// Once in `count` times, `text()`.
    fn perhaps(&mut self, count: usize, text: impl FnOnce(&mut Self) -> String) -> String {
        if self.below(count) == count - 1 { text(self) } else { String::new() }
    }

    fn expression(&mut self, wanted: Kind, depth: usize) -> String {
        let is_slip = self.below(90) == 89;
        let kind = if is_slip { self.pick(&[Kind::Vector, Kind::Scalar, Kind::Range, Kind::Text]) } else { wanted };
        match kind {
            Kind::Text => self.pick(&TEXTS).to_owned(),
            Kind::Range => self.range(depth),
            Kind::Scalar => self.scalar(depth),
            Kind::Vector => self.vector(depth),
        }
    }

    fn scalar(&mut self, depth: usize) -> String {
        match if depth == 0 { 0 } else { self.below(8) } {
            0..=2 => self.pick(&NUMBERS).to_owned(),
            3 => format!("-{}", self.scalar(depth - 1)),
            4 => format!("({})", self.scalar(depth - 1)),
            5 => self.binary(Kind::Scalar, Kind::Scalar, depth - 1),
            _ => self.call(Kind::Scalar, depth - 1),
        }
    }

    fn vector(&mut self, depth: usize) -> String {
        match if depth == 0 { 0 } else { self.below(12) } {
            0..=2 => self.selector(),
            3 => format!("{}{}", self.pick(&["-", "+"]), self.vector(depth - 1)),
            4 => format!("({})", self.vector(depth - 1)),
            5 | 6 => self.binary(Kind::Vector, Kind::Vector, depth - 1),
            7 => self.binary(Kind::Vector, Kind::Scalar, depth - 1),
            8 => self.binary(Kind::Scalar, Kind::Vector, depth - 1),
            9 | 10 => self.aggregate(depth - 1),
            _ => self.call(Kind::Vector, depth - 1),
        }
    }

    fn range(&mut self, depth: usize) -> String {
        if depth == 0 || self.below(3) > 0 {
            return format!("{}[{}]{}", self.metric(), self.pick(&DURATIONS), self.shift());
        }
        let of = self.expression(Kind::Vector, depth - 1);
        let step = self.perhaps(2, |dice| dice.pick(&DURATIONS).to_owned());
        format!("({of})[{}:{step}]{}", self.pick(&DURATIONS), self.shift())
    }

    fn selector(&mut self) -> String {
        format!("{}{}", self.metric(), self.shift())
    }

    fn metric(&mut self) -> String {
        let matchers: Vec<String> = (0..self.below(4)).map(|_| self.matcher()).collect();
        let comma = if matchers.is_empty() { "" } else { self.pick(&["", ","]) };
        match self.below(6) {
            0..=3 if matchers.is_empty() => self.pick(&METRICS).to_owned(),
            4 => format!("{{__name__=\"up\",{}{comma}}}", matchers.join(",")),
            5 => format!("{{\"quoted.name\", {}}}", matchers.join(", ")),
            _ => format!("{}{{{}{comma}}}", self.pick(&METRICS), matchers.join(", ")),
        }
    }

    fn matcher(&mut self) -> String {
        // a second name of a metric is a fault, so not that one
        let label = self.pick(&LABELS[..5]);
        format!("{label}{}{}", self.pick(&["=", "!=", "=~", "!~"]), self.pick(&TEXTS))
    }

    fn shift(&mut self) -> String {
        let offset = self.perhaps(6, |dice| format!(" offset {}{}", dice.pick(&["", "-"]), dice.pick(&DURATIONS)));
        let at = self.perhaps(9, |dice| format!(" @ {}", dice.pick(&["start()", "end()", "1700000000", "12.5", "-3"])));
        if self.below(2) == 0 { offset + &at } else { at + &offset }
    }

    fn labels(&mut self) -> String {
        (0..self.below(4)).map(|_| self.pick(&LABELS)).collect::<Vec<_>>().join(", ")
    }

    fn binary(&mut self, left: Kind, right: Kind, depth: usize) -> String {
        const MATHS: [&str; 7] = ["+", "-", "*", "/", "%", "^", "atan2"];
        const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
        let both = left == Kind::Vector && right == Kind::Vector;
        let (a, b) = (self.expression(left, depth), self.expression(right, depth));
        let sort = self.below(if both { 3 } else { 2 });
        let op = match sort {
            0 => self.pick(&MATHS).to_owned(),
            1 => {
                let needs = left == Kind::Scalar && right == Kind::Scalar;
                let bool = if needs || self.below(4) == 3 { " bool" } else { "" };
                format!("{}{bool}", self.pick(&COMPARISONS))
            }
            _ => self.pick(&["and", "or", "unless", "AND"]).to_owned(),
        };
        let matching = if both {
            let group = if sort < 2 {
                self.perhaps(3, |dice| format!(" {} ({})", dice.pick(&["group_left", "group_right"]), dice.labels()))
            } else {
                String::new()
            };
            self.perhaps(3, |dice| format!(" {} ({}){group}", dice.pick(&["on", "ignoring"]), dice.labels()))
        } else {
            String::new()
        };
        format!("{a} {op}{matching} {b}")
    }

    fn aggregate(&mut self, depth: usize) -> String {
        let (name, op) = self.pick(&Aggregation::ALL);
        let parameter = match op {
            Aggregation::CountValues => format!("{}, ", self.pick(&TEXTS)),
            op if op.has_parameter() => format!("{}, ", self.expression(Kind::Scalar, depth)),
            _ => String::new(),
        };
        let of = self.expression(Kind::Vector, depth);
        let key = self.perhaps(2, |dice| format!(" {} ({})", dice.pick(&["by", "without"]), dice.labels()));
        if self.below(2) == 0 {
            format!("{name}{key} ({parameter}{of})")
        } else {
            format!("{name}({parameter}{of}){key}")
        }
    }

    fn call(&mut self, result: Kind, depth: usize) -> String {
        let candidates: Vec<_> = FUNCTIONS.iter().filter(|function| function.result == result).collect();
        let function = *self.of(&candidates);
        let most = function.arguments.len() + if function.repeats { 2 } else { 0 };
        let count = function.required + self.below(most - function.required + 1);
        let kinds: Vec<Kind> = function.kinds().take(count).collect();
        let arguments: Vec<String> = kinds.into_iter().map(|kind| self.expression(kind, depth)).collect();
        format!("{}({})", function.name, arguments.join(", "))
    }
}

//! Reading the Prometheus text format: samples; comments are skipped. [`parse`] is for a probe's output, where a
//! timestamp is ignored, [`line`] for files that live by theirs. The text is foreign: a line that cannot be read costs
//! itself and nothing else.

use std::collections::BTreeMap;

use crate::model::labels::{Labels, SeriesKey};

/// Longest name of a metric or label, in bytes.
const MAX_NAME: usize = 200;
/// Longest value of a label, in bytes. Longer ones are refused rather than cut, because a cut could join two series.
pub const MAX_VALUE: usize = 1024;
/// Most labels of one sample.
const MAX_LABELS: usize = 32;

/// A sample of the text.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// Line in the text, from 1.
    pub line: usize,
    /// Metric and labels.
    pub series: SeriesKey,
    /// The number; may be NaN or infinite.
    pub value: f64,
}

/// A line that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Line in the text, from 1.
    pub line: usize,
    /// Why not, in a few words that hold nothing of the line itself.
    pub why: &'static str,
}

/// Reads `text`: each line is a sample, a comment, blank, or refused.
pub fn parse(text: &str) -> impl Iterator<Item = Result<Sample, Refused>> {
    text.lines().zip(1..).filter(|(text, _)| !is_comment(text)).map(|(text, number)| {
        let read = line(text).and_then(|read| {
            let mut words = read.rest.split_ascii_whitespace();
            if words.next().is_some_and(|timestamp| timestamp.parse::<i64>().is_err()) {
                return Err("the timestamp is not a whole number");
            }
            words.next().map_or(Ok(read), |_| Err("text after the timestamp"))
        });
        read.map(|Bare { series, value, .. }| Sample { line: number, series, value })
            .map_err(|why| Refused { line: number, why })
    })
}

/// A sample without its timestamp.
#[derive(Clone, PartialEq, Debug)]
pub struct Bare<'a> {
    /// Metric and labels.
    pub series: SeriesKey,
    /// The number; may be NaN or infinite.
    pub value: f64,
    /// What stands after the value: the timestamp, if there is one, and in `OpenMetrics` an exemplar.
    pub rest: &'a str,
}

/// Reads a line that is neither blank nor a comment, up to its value.
pub fn line(text: &str) -> Result<Bare<'_>, &'static str> {
    Line { rest: text.trim_start() }.sample()
}

/// Whether a line holds nothing or a comment.
pub fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Whether `text` can be the name of a label.
pub fn is_label_name(text: &str) -> bool {
    is_name(text, |_| false) && !text.starts_with("__")
}

/// Whether `text` can be the name of a metric.
pub fn is_metric_name(text: &str) -> bool {
    is_name(text, |c| c == ':')
}

/// An ASCII letter or underscore (or what `extra` allows), then also digits.
fn is_name(text: &str, extra: fn(char) -> bool) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || extra(c);
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// What is left to read of a line.
struct Line<'a> {
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn sample(mut self) -> Result<Bare<'a>, &'static str> {
        let name = self.name(|c| c == ':').ok_or("expected the name of a metric")?;
        let labels = self.labels()?;
        let (value, rest) = self.rest.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((self.rest, ""));
        if value.is_empty() {
            return Err("expected a value");
        }
        let value = number(value).ok_or("the value is not a number")?;
        Ok(Bare { series: SeriesKey::new(name, labels), value, rest: rest.trim() })
    }

    /// `{a="b",c="d",}` or nothing.
    fn labels(&mut self) -> Result<Labels, &'static str> {
        let mut pairs = BTreeMap::new();
        if !self.eat('{') {
            return Ok(Labels::empty());
        }
        while !self.eat('}') {
            let name = self.name(|_| false).ok_or("expected the name of a label")?;
            if name.starts_with("__") {
                return Err("labels that begin with __ are reserved");
            }
            if !self.eat('=') {
                return Err("expected = after the name of a label");
            }
            if pairs.insert(name, self.quoted()?).is_some() {
                return Err("a label is given twice");
            }
            if pairs.len() > MAX_LABELS {
                return Err("more than 32 labels");
            }
            if !self.eat(',') && !self.rest.starts_with('}') {
                return Err("expected , or } after the value of a label");
            }
        }
        Ok(Labels::new(pairs))
    }

    /// See [`is_name`].
    fn name(&mut self, extra: fn(char) -> bool) -> Option<&'a str> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || extra(c);
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        is_name(name, extra).then_some(name)
    }

    /// A quoted value; `\\`, `\"` and `\n` are the only escapes of the format.
    fn quoted(&mut self) -> Result<String, &'static str> {
        if !self.eat_exactly('"') {
            return Err("expected a quoted value of a label");
        }
        let mut value = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next().ok_or("the value of a label has no closing quote")? {
                '"' => break,
                '\\' => value.push(match chars.next() {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    _ => return Err("unknown escape in the value of a label"),
                }),
                c => value.push(c),
            }
            if value.len() > MAX_VALUE {
                return Err("the value of a label is longer than 1024 bytes");
            }
        }
        self.rest = chars.as_str().trim_start();
        Ok(value)
    }

    /// Takes `wanted` and the white space after it, if it comes next.
    fn eat(&mut self, wanted: char) -> bool {
        let found = self.eat_exactly(wanted);
        self.rest = self.rest.trim_start();
        found
    }

    fn eat_exactly(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// A float; infinite only where the text says so, because `1e999` is a mistake of its writer.
pub fn number(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || !text.contains(|c: char| c.is_ascii_digit())).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let line = |read| match read {
            Ok(Sample { line, series, value }) => format!("{line} {series} {value}"),
            Err(Refused { line, why }) => format!("{line} - {why}"),
        };
        parse(text).map(line).collect()
    }

    #[test]
    fn reads_the_format() {
        let text = "# HELP a_total Things.\n# TYPE a_total counter\n\na_total 3\r\n\
                    a_total{x=\"1\",y = \"q\\\"u\\\\o\\nte\",} 1.5e3 1395066363000\n  ns:b { } -Inf\nc NaN\nd +Inf\n";
        assert_eq!(
            shown(text),
            ["4 a_total 3", r#"5 a_total{x="1",y="q\"u\\o\nte"} 1500"#, "6 ns:b -inf", "7 c NaN", "8 d inf"]
        );
    }

    #[test]
    fn a_bad_line_costs_itself_alone() {
        let long = format!("{} 1", "n".repeat(201));
        let pairs: Vec<_> = (0..33).map(|n| format!("l{n}=\"\"")).collect();
        let crowd = format!("a{{{}}} 1", pairs.join(","));
        let wide = format!("a{{x=\"{}\"}} 1", "v".repeat(1025));
        for (line, why) in [
            ("1a 1", "expected the name of a metric"),
            ("{\"utf8.name\"} 1", "expected the name of a metric"),
            (&long, "expected the name of a metric"),
            ("a", "expected a value"),
            ("a one", "the value is not a number"),
            ("a 1e999", "the value is not a number"),
            ("a 1 soon", "the timestamp is not a whole number"),
            ("a 1 2 3", "text after the timestamp"),
            ("a{ 1", "expected the name of a label"),
            ("a{x} 1", "expected = after the name of a label"),
            ("a{x=1} 1", "expected a quoted value of a label"),
            ("a{x=\"1} 1", "the value of a label has no closing quote"),
            ("a{x=\"\\t\"} 1", "unknown escape in the value of a label"),
            ("a{x=\"1\" y=\"2\"} 1", "expected , or } after the value of a label"),
            ("a{x=\"1\",x=\"2\"} 1", "a label is given twice"),
            (&crowd, "more than 32 labels"),
            ("a{__name__=\"b\"} 1", "labels that begin with __ are reserved"),
            (&wide, "the value of a label is longer than 1024 bytes"),
        ] {
            assert_eq!(shown(&format!("a 1\n{line}\nb 2")), ["1 a 1", &format!("2 - {why}"), "3 b 2"], "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-c{}=\",\\\\ 0-9.eNaInf+\n#é-]{0,60}") {
            let lines = text.lines().count();
            prop_assert!(parse(&text).count() <= lines);
        }

        #[test]
        fn reads_back_what_is_written(name in "[a-z_:][a-z0-9_:]{0,9}", value in prop::num::f64::ANY.prop_map(|v| if v.is_nan() { f64::NAN } else { v }), label in any::<String>()) {
            let escaped = label.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            prop_assume!(label.len() <= MAX_VALUE);
            let read: Vec<_> = parse(&format!("{name}{{l=\"{escaped}\"}} {value}")).collect();
            prop_assert_eq!(read.len(), 1);
            let sample = read[0].as_ref().unwrap();
            prop_assert_eq!(&sample.series, &SeriesKey::new(name.as_str(), Labels::new([("l", label.as_str())])));
            prop_assert_eq!(sample.value.to_bits(), value.to_bits());
        }
    }
}

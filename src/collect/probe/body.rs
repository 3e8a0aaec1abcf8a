//! Judging an answer: its status, its text, and one value of its JSON. Pure.

use std::ops::RangeInclusive;

use regex::Regex;
use serde_json::Value;

use crate::text::safe;

/// What an answer must look like.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Accepted status codes.
    pub status: Statuses,
    /// Must occur in the body.
    pub matches: Option<Regex>,
    /// Must not occur in the body.
    pub not_matches: Option<Regex>,
    /// A value in the body.
    pub json: Option<Json>,
}

/// Accepted status codes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Statuses {
    /// A range of them.
    Range(RangeInclusive<u16>),
    /// These.
    List(Vec<u16>),
}

/// A value in a JSON body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json {
    /// Where it is (RFC 6901).
    pub pointer: String,
    /// The text it must have.
    pub equals: Option<String>,
}

/// What an answer is worth.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// Why the probe failed, if it did.
    pub failure: Option<String>,
    /// `probe_value`, or why it is unknown; `None` where no value is measured.
    pub value: Option<Result<f64, String>>,
}

impl Expected {
    /// Whether `probe_value` is reported: not where a text that is no number is expected, because that would be unknown forever.
    pub fn measures(&self) -> bool {
        self.json.as_ref().is_some_and(|json| match &json.equals {
            None => true,
            Some(text) => number(&Value::String(text.clone())).is_ok() || text == "true" || text == "false",
        })
    }

    /// Judges an answer of `status` with `body`. The numbers of an answer with a wrong status (an error page) are not
    /// measurements of the service.
    pub fn judge(&self, status: u16, body: &[u8]) -> Judgement {
        if let Err(why) = self.status.accept(status) {
            return Judgement { value: self.measures().then(|| Err(why.clone())), failure: Some(why) };
        }
        let found = self.json.as_ref().map(|json| json.find(body));
        let failure = self.text(body).or_else(|| self.equality(found.as_ref()));
        let value = self.measures().then_some(found).flatten().map(|(path, found)| {
            found.and_then(|value| number(&value).map_err(|got| format!("{path}: expected number, got {got}")))
        });
        Judgement { failure, value }
    }

    /// What is wrong with the text of the body.
    fn text(&self, body: &[u8]) -> Option<String> {
        if self.matches.is_none() && self.not_matches.is_none() {
            return None;
        }
        let body = String::from_utf8_lossy(body);
        let absent = self.matches.as_ref().filter(|regex| !regex.is_match(&body));
        let present = self.not_matches.as_ref().filter(|regex| regex.is_match(&body));
        absent
            .map(|regex| format!("the body does not match `{regex}`"))
            .or_else(|| present.map(|regex| format!("the body matches `{regex}`")))
    }

    /// What is wrong with the JSON value, where a certain one is expected.
    fn equality(&self, found: Option<&(String, Result<Value, String>)>) -> Option<String> {
        let wanted = self.json.as_ref()?.equals.as_deref()?;
        match found? {
            (_, Err(why)) => Some(why.clone()),
            (path, Ok(value)) => {
                let got = text_of(value);
                let told = || format!("{path}: expected `{}`, got `{}`", short(wanted), short(&got));
                (got != wanted).then(told)
            }
        }
    }
}

impl Statuses {
    fn accept(&self, status: u16) -> Result<(), String> {
        let (accepted, wanted) = match self {
            Self::Range(range) => (range.contains(&status), format!("{}-{}", range.start(), range.end())),
            Self::List(list) => {
                (list.contains(&status), list.iter().map(u16::to_string).collect::<Vec<_>>().join(" or "))
            }
        };
        let note = if (300..400).contains(&status) { " (redirects are not followed)" } else { "" };
        if accepted { Ok(()) } else { Err(format!("status {status}, expected {wanted}{note}")) }
    }
}

impl Json {
    /// The path as people see it, and the value there.
    fn find(&self, body: &[u8]) -> (String, Result<Value, String>) {
        let path = if self.pointer.is_empty() { "the whole body".to_owned() } else { short(&self.pointer) };
        let found = match serde_json::from_slice::<Value>(body) {
            Err(error) => Err(format!("the body is not JSON: {}", safe::answer(&error.to_string()))),
            Ok(mut value) => match value.pointer_mut(&self.pointer) {
                None => Err(format!("{path}: missing")),
                Some(found) => Ok(found.take()),
            },
        };
        (path, found)
    }
}

/// A number, a numeric text, or true and false as 1 and 0; otherwise the name of the type.
fn number(value: &Value) -> Result<f64, &'static str> {
    match value {
        Value::Number(number) => number.as_f64().filter(|value| value.is_finite()).ok_or("a number too large"),
        Value::String(text) => text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or("string"),
        Value::Bool(yes) => Ok(if *yes { 1.0 } else { 0.0 }),
        Value::Null => Err("null"),
        Value::Array(_) => Err("array"),
        Value::Object(_) => Err("object"),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A foreign text inside a sentence.
fn short(text: &str) -> String {
    safe::clip(&safe::one_line(text), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(json: Option<(&str, Option<&str>)>) -> Expected {
        Expected {
            status: Statuses::Range(200..=299),
            matches: None,
            not_matches: None,
            json: json.map(|(pointer, equals)| Json { pointer: pointer.into(), equals: equals.map(str::to_owned) }),
        }
    }

    #[test]
    fn a_status_is_accepted_or_named() {
        let list = Expected { status: Statuses::List(vec![200, 204]), ..expected(None) };
        for (rules, status, want) in [
            (expected(None), 204, None),
            (expected(None), 503, Some("status 503, expected 200-299")),
            (expected(None), 302, Some("status 302, expected 200-299 (redirects are not followed)")),
            (list.clone(), 204, None),
            (list, 201, Some("status 201, expected 200 or 204")),
        ] {
            assert_eq!(rules.judge(status, b""), Judgement { failure: want.map(str::to_owned), value: None });
        }
    }

    #[test]
    fn text_must_or_must_not_occur() {
        let regex = |text: &str| Some(Regex::new(text).unwrap());
        let rules = Expected { matches: regex("(?i)ok"), not_matches: regex("degraded"), ..expected(None) };
        for (body, want) in [
            (b"all OK".as_slice(), None),
            (b"fine", Some("the body does not match `(?i)ok`")),
            (b"ok but degraded", Some("the body matches `degraded`")),
            (b"\xff\xfe ok", None),
        ] {
            assert_eq!(rules.judge(200, body).failure.as_deref(), want, "{body:?}");
        }
    }

    #[test]
    fn a_value_is_a_number_or_unknown_with_its_path() {
        let value = |pointer: &str, body: &str| expected(Some((pointer, None))).judge(200, body.as_bytes());
        let deep = "[".repeat(200_000);
        for (pointer, body, want) in [
            ("/data/x", r#"{"data":{"x":0.97,"more":1}}"#, Ok(0.97)),
            ("/data/x", r#"{"data":{"x":"0.97"}}"#, Ok(0.97)),
            ("/data/x", r#"{"data":{"x":true}}"#, Ok(1.0)),
            ("/a~1b/1", r#"{"a/b":[1,-0.0]}"#, Ok(0.0)),
            ("", "-5", Ok(-5.0)),
            ("/x", r#"{"x":9007199254740993}"#, Ok(9_007_199_254_740_992.0)),
            ("/x", r#"{"x":1e308}"#, Ok(1e308)),
            ("/data/x", r#"{"data":{"x":"high"}}"#, Err("/data/x: expected number, got string")),
            ("/x", r#"{"x":"NaN"}"#, Err("/x: expected number, got string")),
            ("/x", r#"{"x":"inf"}"#, Err("/x: expected number, got string")),
            ("/x", r#"{"x":null}"#, Err("/x: expected number, got null")),
            ("/x", r#"{"x":[1]}"#, Err("/x: expected number, got array")),
            ("", r#"{"x":1}"#, Err("the whole body: expected number, got object")),
            ("/x", "{}", Err("/x: missing")),
            ("/x/y", r#"{"x":[1]}"#, Err("/x/y: missing")),
            ("/x", r#"{"x":1e999}"#, Err("the body is not JSON: number out of range at line 1 column 10")),
            ("/x", r#"{"x":NaN}"#, Err("the body is not JSON: expected value at line 1 column 6")),
            ("/x", "", Err("the body is not JSON: EOF while parsing a value at line 1 column 0")),
            ("/x", &deep, Err("the body is not JSON: recursion limit exceeded at line 1 column 128")),
        ] {
            let want = Judgement { failure: None, value: Some(want.map_err(str::to_owned)) };
            assert_eq!(value(pointer, body), want, "{pointer} in {}", &body[..body.len().min(40)]);
        }
    }

    #[test]
    fn a_value_of_a_refused_answer_is_unknown() {
        let why = || "status 500, expected 200-299".to_owned();
        let want = Judgement { failure: Some(why()), value: Some(Err(why())) };
        assert_eq!(expected(Some(("/x", None))).judge(500, br#"{"x":1}"#), want);
    }

    #[test]
    fn an_expected_value_decides() {
        for (wanted, body, failure, value) in [
            ("healthy", r#"{"s":"healthy"}"#, None, None),
            ("healthy", r#"{"s":"sick\n"}"#, Some("/s: expected `healthy`, got `sick`"), None),
            ("healthy", "{}", Some("/s: missing"), None),
            ("true", r#"{"s":true}"#, None, Some(Ok(1.0))),
            ("true", r#"{"s":false}"#, Some("/s: expected `true`, got `false`"), Some(Ok(0.0))),
            ("3", r#"{"s":"4"}"#, Some("/s: expected `3`, got `4`"), Some(Ok(4.0))),
        ] {
            let want = Judgement { failure: failure.map(str::to_owned), value };
            assert_eq!(expected(Some(("/s", Some(wanted)))).judge(200, body.as_bytes()), want, "{body}");
        }
    }
}

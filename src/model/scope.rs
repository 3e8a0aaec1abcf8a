//! Which alerts are meant: by number, by rule, by labels.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::alert::AlertKey;

/// The most memory that a compiled regular expression may take.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Groups and repetitions inside each other in a regular expression.
const MAX_PATTERN_DEPTH: u32 = 100;

/// What a matcher asks of a label's value; an absent label has the empty value.
#[derive(Clone, Debug)]
pub enum Test {
    /// `=`.
    Is(String),
    /// `!=`.
    IsNot(String),
    /// `=~`, anchored on both sides.
    Like(Regex),
    /// `!~`, anchored on both sides.
    Unlike(Regex),
}

impl Test {
    /// Whether `value` passes.
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Is(wanted) => value == wanted,
            Self::IsNot(unwanted) => value != unwanted,
            Self::Like(pattern) => pattern.is_match(value),
            Self::Unlike(pattern) => !pattern.is_match(value),
        }
    }

    /// The operator and its right side, as they are written.
    fn written(&self) -> (&'static str, &str) {
        match self {
            Self::Is(text) => ("=", text),
            Self::IsNot(text) => ("!=", text),
            Self::Like(pattern) => ("=~", bare(pattern)),
            Self::Unlike(pattern) => ("!~", bare(pattern)),
        }
    }

    fn read(operator: &str, text: &str) -> Result<Self, String> {
        let pattern = || pattern(text).map_err(|error| error.to_string());
        match operator {
            "=" => Ok(Self::Is(text.to_owned())),
            "!=" => Ok(Self::IsNot(text.to_owned())),
            "=~" => pattern().map(Self::Like),
            "!~" => pattern().map(Self::Unlike),
            other => Err(format!("unknown operator `{other}`")),
        }
    }
}

/// A regular expression that must fit a whole value; `.` also matches a line end, as in Prometheus.
pub fn pattern(text: &str) -> Result<Regex, regex::Error> {
    // by itself too: `a)(b` is only whole between the parentheses of the anchors
    if text.contains(')') {
        compiled(text)?;
    }
    compiled(&format!("{BEFORE}{text}{AFTER}"))
}

const BEFORE: &str = "^(?s:";
const AFTER: &str = ")$";

fn compiled(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).nest_limit(MAX_PATTERN_DEPTH).build()
}

/// The pattern as it was written.
fn bare(pattern: &Regex) -> &str {
    let whole = pattern.as_str();
    whole.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER)).unwrap_or(whole)
}

/// Which alerts are meant; all conditions must hold, and a scope without any means none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// The alert of this number.
    pub number: Option<u64>,
    /// Alerts of this rule.
    pub rule: Option<String>,
    /// Alerts with such labels.
    #[serde(default)]
    pub labels: Vec<Condition>,
}

/// A condition on one label.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "[String; 3]", try_from = "[String; 3]")]
pub struct Condition {
    /// The label's name.
    pub label: String,
    /// What its value must be.
    pub test: Test,
}

impl From<Condition> for [String; 3] {
    fn from(condition: Condition) -> Self {
        let (operator, text) = condition.test.written();
        [condition.label.clone(), operator.to_owned(), text.to_owned()]
    }
}

impl TryFrom<[String; 3]> for Condition {
    type Error = String;

    fn try_from([label, operator, text]: [String; 3]) -> Result<Self, String> {
        Ok(Self { label, test: Test::read(&operator, &text)? })
    }
}

impl Scope {
    /// Whether the alert is meant.
    pub fn covers(&self, key: &AlertKey, number: Option<u64>) -> bool {
        let Self { number: wanted, rule, labels } = self;
        let fits = |condition: &Condition| condition.test.accepts(key.labels.get(&condition.label).unwrap_or_default());
        (wanted.is_some() || rule.is_some() || !labels.is_empty())
            && wanted.is_none_or(|wanted| number == Some(wanted))
            && rule.as_ref().is_none_or(|rule| **rule == *key.rule)
            && labels.iter().all(fits)
    }
}

/// `alert 12`, `HIGH_DISK_USAGE{mount=~"/data.*"}`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.number {
            return write!(f, "alert {number}");
        }
        f.write_str(self.rule.as_deref().unwrap_or_default())?;
        for (at, Condition { label, test }) in self.labels.iter().enumerate() {
            let (operator, text) = test.written();
            write!(f, "{}{label}{operator}{text:?}", if at == 0 { "{" } else { "," })?;
        }
        f.write_str(if self.labels.is_empty() { "" } else { "}" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::labels::Labels;

    fn condition(label: &str, operator: &str, text: &str) -> Condition {
        Condition { label: label.to_owned(), test: Test::read(operator, text).unwrap() }
    }

    #[test]
    fn a_scope_means_what_fits_all_of_its_conditions() {
        let key = AlertKey { rule: "HIGH_DISK_USAGE".into(), labels: Labels::new([("mount", "/data1")]) };
        let rule = |name: &str| Scope { rule: Some(name.to_owned()), ..Scope::default() };
        let labels = |conditions: &[Condition]| Scope { labels: conditions.to_vec(), ..Scope::default() };
        for (scope, wanted) in [
            (Scope::default(), false),
            (Scope { number: Some(7), ..Scope::default() }, true),
            (Scope { number: Some(8), ..Scope::default() }, false),
            (rule("HIGH_DISK_USAGE"), true),
            (rule("HIGH_DISK"), false),
            (labels(&[condition("mount", "=~", "/data.*")]), true),
            (labels(&[condition("mount", "=~", "/dat")]), false),
            (labels(&[condition("mount", "!~", "/data.*")]), false),
            (labels(&[condition("mount", "!=", "/"), condition("host", "=", "")]), true),
            (labels(&[condition("mount", "!=", "/"), condition("host", "=", "a")]), false),
            (Scope { labels: vec![condition("mount", "=", "/")], ..rule("HIGH_DISK_USAGE") }, false),
        ] {
            assert_eq!(scope.covers(&key, Some(7)), wanted, "{scope}");
        }
    }

    #[test]
    fn a_scope_is_stored_as_it_is_written() {
        let scope = Scope {
            number: None,
            rule: Some("R".to_owned()),
            labels: vec![condition("a", "=", "x\"y"), condition("b", "!~", "c|d(e)")],
        };
        assert_eq!(scope.to_string(), r#"R{a="x\"y",b!~"c|d(e)"}"#);
        let json = serde_json::to_string(&scope).unwrap();
        assert_eq!(json, r#"{"number":null,"rule":"R","labels":[["a","=","x\"y"],["b","!~","c|d(e)"]]}"#);
        let read: Scope = serde_json::from_str(&json).unwrap();
        assert_eq!(read.to_string(), scope.to_string());
        assert_eq!(Scope { number: Some(3), ..Scope::default() }.to_string(), "alert 3");
        for bad in [r#"{"labels":[["a","~","x"]]}"#, r#"{"labels":[["a","=~","("]]}"#] {
            assert!(serde_json::from_str::<Scope>(bad).is_err(), "{bad}");
        }
    }
}

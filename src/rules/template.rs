//! `summary` and `action`: text with `{{ value | percent }}`, `{{ limit }}` and `{{ label }}` in it.

use crate::model::fault::{Fault, Place};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::text::nearest::nearest;
use crate::text::units;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// `{{ value }}`, in the rule's unit unless a format is named.
    Value(Option<Format>),
    /// `{{ limit }}`
    Limit,
    /// `{{ mount }}`
    Label(String),
}

/// How a value is written, where it is not the rule's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    /// `85 %` for 0.85.
    Percent,
    /// `1.2 GiB`.
    Bytes,
    /// Seconds as `4 min 10 s`.
    Duration,
    /// As it is.
    Number,
}

const FORMATS: [(&str, Format); 4] = [
    ("percent", Format::Percent),
    ("bytes", Format::Bytes),
    ("duration", Format::Duration),
    ("number", Format::Number),
];

/// What a template is filled with.
pub struct Facts<'a> {
    /// The labels of the alert.
    pub labels: &'a Labels,
    /// The value; `None` where nothing is measured.
    pub value: Option<f64>,
    /// The rule's unit.
    pub unit: Unit,
    /// The limit in words.
    pub limit: &'a str,
}

impl Template {
    /// Reads `text`. Places are bytes of `text` itself.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some((open, rest)) = text.get(at..).and_then(|rest| Some((at + rest.find("{{")?, rest))) {
            let head = rest.get(..open - at).unwrap_or_default();
            push_text(&mut parts, head);
            let Some(length) = text.get(open..).and_then(|rest| rest.find("}}")) else {
                return Err(Fault::error("this `{{` is never closed", Place::File(open..open + 2))
                    .help("close it with `}}`, as in {{ value }}"));
            };
            let inner = text.get(open + 2..open + length).unwrap_or_default();
            parts.push(placeholder(inner, open..open + length + 2)?);
            at = open + length + 2;
        }
        push_text(&mut parts, text.get(at..).unwrap_or_default());
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The text for `facts`. An absent label is shown as `-`, a value that is not measured as `not measured`.
    pub fn fill(&self, facts: &Facts<'_>) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Limit => facts.limit.to_owned(),
            Part::Label(name) => facts.labels.get(name).unwrap_or("-").to_owned(),
            Part::Value(format) => match facts.value {
                Some(value) => formatted(value, *format, facts.unit),
                None => "not measured".to_owned(),
            },
        };
        self.parts.iter().map(part).collect()
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn formatted(value: f64, format: Option<Format>, unit: Unit) -> String {
    match format {
        None => units::value(value, unit),
        Some(Format::Percent) => units::value(value, Unit::Ratio),
        Some(Format::Bytes) => units::value(value, Unit::Bytes),
        Some(Format::Number) => units::number(value),
        // the rule's unit may be a timestamp, and a duration is wanted all the same
        Some(Format::Duration) => units::value(value, Unit::Seconds),
    }
}

/// What stands between `{{` and `}}`.
fn placeholder(inner: &str, span: std::ops::Range<usize>) -> Result<Part, Fault> {
    let wrong = |what: String| Fault::error(what, Place::File(span.clone()));
    let (name, format) = match inner.split_once('|') {
        Some((name, format)) => (name.trim(), Some(format.trim())),
        None => (inner.trim(), None),
    };
    let format = match format.map(|name| (name, FORMATS.iter().find(|(known, _)| *known == name))) {
        None => None,
        Some((_, Some((_, format)))) => Some(*format),
        Some((unknown, None)) => {
            let near = nearest(unknown, FORMATS.map(|(name, _)| name));
            let known = "percent, bytes, duration or number";
            let help = near.map_or(format!("it is one of {known}"), |near| format!("did you mean `{near}`?"));
            return Err(wrong(format!("there is no format `{unknown}`")).help(help));
        }
    };
    let label = name.strip_prefix("labels.").or_else(|| name.strip_prefix("$labels.")).unwrap_or(name);
    match (label, format) {
        ("value" | "$value", _) if label == name => Ok(Part::Value(format)),
        (_, Some(_)) => Err(wrong(format!("`{name}` has no format")).help("only {{ value }} is formatted")),
        ("limit", None) if label == name => Ok(Part::Limit),
        _ if is_name(label) => Ok(Part::Label(label.to_owned())),
        _ => Err(wrong(format!("`{name}` cannot be filled in"))
            .help("write {{ value }}, {{ value | percent }}, {{ limit }} or the name of a label")),
    }
}

/// Whether `text` is a word as labels and alerts are named.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_values_limits_and_labels() {
        let labels = Labels::new([("mount", "/var"), ("value", "x")]);
        for (template, wanted) in [
            ("plain", "plain"),
            ("{{mount}} at {{ value }}, limit {{ limit }}", "/var at 91.2 %, limit > 90 %"),
            (
                "{{ value | percent }} {{value|number}} {{ value | duration }} {{ value|bytes }}",
                "91.2 % 0.912 912 ms 0.9 B",
            ),
            ("{{ labels.mount }} {{ $labels.mount }} {{ labels.value }} {{ none }}", "/var /var x -"),
            ("a } b { c", "a } b { c"),
        ] {
            let facts = Facts { labels: &labels, value: Some(0.912), unit: Unit::Ratio, limit: "> 90 %" };
            assert_eq!(Template::parse(template).unwrap().fill(&facts), wanted, "{template}");
        }
        let facts = Facts { labels: &labels, value: None, unit: Unit::Ratio, limit: "" };
        assert_eq!(Template::parse("{{ value }}").unwrap().fill(&facts), "not measured");
    }

    #[test]
    fn says_what_cannot_be_filled() {
        for (template, place, what, help) in [
            ("ä {{ value", 3..5, "this `{{` is never closed", "close it with `}}`, as in {{ value }}"),
            ("{{ value | percnt }}", 0..20, "there is no format `percnt`", "did you mean `percent`?"),
            ("{{ mount | bytes }}", 0..19, "`mount` has no format", "only {{ value }} is formatted"),
            (
                "x {{ printf \"%f\" }}",
                2..19,
                "`printf \"%f\"` cannot be filled in",
                "write {{ value }}, {{ value | percent }}, {{ limit }} or the name of a label",
            ),
        ] {
            let wanted = Fault::error(what, Place::File(place)).help(help);
            assert_eq!(Template::parse(template).unwrap_err(), wanted, "{template}");
        }
    }
}

//! `[[rule]]` as it is written. Every value keeps its place.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use crate::model::fault::SourceText;
use crate::model::severity::Severity;

/// One `[[rule]]`. All keys are optional here; `compile` says what is missing.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The text it stands in; put there by whoever read it.
    #[serde(skip)]
    pub source: Option<Arc<SourceText>>,
    /// The rule's name, which is the alert's.
    pub alert: Option<Spanned<String>>,
    /// `PromQL`: a value (with `above` or `below`) or a condition (with `severity`).
    pub expr: Option<Spanned<String>>,
    /// The value is bad above these limits.
    pub above: Option<Spanned<Levels<Quantity>>>,
    /// The value is bad below these limits.
    pub below: Option<Spanned<Levels<Quantity>>>,
    /// The value is good again beyond these limits.
    pub clear: Option<Spanned<Levels<Quantity>>>,
    /// How long it must be bad before anybody is told.
    #[serde(rename = "for")]
    pub pending_for: Option<Spanned<Levels<String>>>,
    /// How bad a condition is.
    pub severity: Option<Spanned<String>>,
    /// One line about what is wrong.
    pub summary: Option<Spanned<String>>,
    /// The same once it is good again.
    pub resolved: Option<Spanned<String>>,
    /// What to do about it.
    pub action: Option<Spanned<String>>,
    /// What unknown means: `hold`, `fire` or `resolve`.
    pub no_data: Option<Spanned<String>>,
    /// `false` switches the rule off.
    pub enabled: Option<bool>,
    /// A page that says what to do.
    pub runbook_url: Option<Spanned<String>>,
    /// A condition that must hold too.
    pub when: Option<Spanned<String>>,
    /// How long it goes on firing after it is no longer true.
    pub keep_firing_for: Option<Spanned<Levels<String>>>,
    /// Labels that its alerts get.
    pub labels: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
    /// Results that are left out, as conditions on their labels.
    pub except: Option<Vec<Spanned<String>>>,
    /// How much worse, in the value's unit, is a trouble of its own for whoever acknowledged the alert.
    pub worse_by: Option<Spanned<Quantity>>,
    /// Channels that hear of it, in place of those of its severity.
    pub route: Option<Spanned<Levels<Names>>>,
    /// The response that is run when an alert of it begins to fire, or by the severity that it rises to.
    pub respond: Option<Spanned<Levels<Name>>>,
    /// Rules of whose alerts its own may be consequences.
    pub depends_on: Option<Vec<Spanned<String>>>,
}

/// The name of something that is configured elsewhere.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Name(pub String);

/// Names in a list.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Names(pub Vec<Spanned<String>>);

/// One value, or one for each of some severities, mildest first.
#[derive(Clone, Debug, PartialEq)]
pub enum Levels<T> {
    /// `above = "85%"`.
    One(T),
    /// `above = { HIGH = "85%" }`.
    Each(Vec<(Severity, Spanned<T>)>),
}

/// A limit: a number, or a string with a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// `0.85`.
    Number(f64),
    /// `"85%"`, `"5m"`, `"10GiB"`.
    Text(String),
}

/// What can stand where a severity table can stand too.
pub trait Scalar: Sized {
    /// What is expected, for the error.
    const EXPECTED: &'static str;
    /// From a number.
    fn from_number(value: f64) -> Option<Self>;
    /// From a string.
    fn from_text(text: &str) -> Option<Self>;
    /// From a list.
    fn from_list(_: Vec<Spanned<String>>) -> Option<Self> {
        None
    }
}

impl Scalar for Quantity {
    const EXPECTED: &'static str = "a number, a string such as \"85%\", \"5m\" or \"10GiB\", or a table by severity";

    fn from_number(value: f64) -> Option<Self> {
        Some(Self::Number(value))
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::Text(text.to_owned()))
    }
}

impl Scalar for String {
    const EXPECTED: &'static str = "a duration such as \"5m\", or a table of them by severity";

    fn from_number(_: f64) -> Option<Self> {
        None
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Scalar for Name {
    const EXPECTED: &'static str = "the name of a response, or a table of them by severity";

    fn from_number(_: f64) -> Option<Self> {
        None
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

impl Scalar for Names {
    const EXPECTED: &'static str = "a list of channels such as [\"mail\"], or a table of them by severity";

    fn from_number(_: f64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_list(names: Vec<Spanned<String>>) -> Option<Self> {
        Some(Self(names))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(LevelsVisitor(PhantomData))? {
            Levels::One(value) => Ok(value),
            Levels::Each(_) => Err(de::Error::custom("a severity has one limit")),
        }
    }
}

impl<'de, T: Scalar + Deserialize<'de>> Deserialize<'de> for Levels<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LevelsVisitor(PhantomData))
    }
}

struct LevelsVisitor<T>(PhantomData<T>);

impl<'de, T: Scalar + Deserialize<'de>> Visitor<'de> for LevelsVisitor<T> {
    type Value = Levels<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Levels<T>, E> {
        let refused = || E::invalid_type(de::Unexpected::Float(value), &T::EXPECTED);
        T::from_number(value).map(Levels::One).ok_or_else(refused)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Levels<T>, E> {
        let refused = || E::invalid_type(de::Unexpected::Signed(value), &T::EXPECTED);
        T::from_number(value as f64).map(Levels::One).ok_or_else(refused)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Levels<T>, E> {
        let refused = || E::invalid_type(de::Unexpected::Unsigned(value), &T::EXPECTED);
        T::from_number(value as f64).map(Levels::One).ok_or_else(refused)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Levels<T>, E> {
        let refused = || E::invalid_type(de::Unexpected::Str(text), &T::EXPECTED);
        T::from_text(text).map(Levels::One).ok_or_else(refused)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Levels<T>, A::Error> {
        let refused = || de::Error::invalid_type(de::Unexpected::Seq, &T::EXPECTED);
        if T::from_list(Vec::new()).is_none() {
            return Err(refused());
        }
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        T::from_list(names).map(Levels::One).ok_or_else(refused)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Levels<T>, A::Error> {
        let mut levels: Vec<(Severity, Spanned<T>)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let severity: Severity = name.parse().map_err(|help| de::Error::custom(format!("`{name}`: {help}")))?;
            if levels.iter().any(|(have, _)| *have == severity) {
                return Err(de::Error::custom(format!("{severity} is given twice")));
            }
            levels.push((severity, map.next_value()?));
        }
        levels.sort_by_key(|(severity, _)| *severity);
        Ok(Levels::Each(levels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct File {
        rule: Vec<Settings>,
    }

    fn read(text: &str) -> Result<Settings, String> {
        let file: File = toml::from_str(&format!("[[rule]]\n{text}")).map_err(|error| error.message().to_owned())?;
        Ok(file.rule.into_iter().next().unwrap())
    }

    #[test]
    fn scalars_and_tables_keep_their_places() {
        let text = "[[rule]]\nabove = { high = \"85%\", CRITICAL = 0.95 }\nclear = 3\nfor = '5m'\n";
        let file: File = toml::from_str(text).unwrap();
        let settings = &file.rule[0];
        let Levels::Each(above) = settings.above.as_ref().unwrap().get_ref() else { panic!("a table") };
        let shown: Vec<_> =
            above.iter().map(|(severity, value)| (*severity, value.get_ref().clone(), &text[value.span()])).collect();
        assert_eq!(
            shown,
            [
                (Severity::High, Quantity::Text("85%".to_owned()), "\"85%\""),
                (Severity::Critical, Quantity::Number(0.95), "0.95"),
            ]
        );
        let clear = settings.clear.as_ref().unwrap();
        assert_eq!((clear.get_ref(), &text[clear.span()]), (&Levels::One(Quantity::Number(3.0)), "3"));
        let pending = settings.pending_for.as_ref().unwrap();
        assert_eq!((pending.get_ref(), &text[pending.span()]), (&Levels::One("5m".to_owned()), "'5m'"));
    }

    #[test]
    fn says_what_is_expected() {
        for (text, wanted) in [
            ("above = { SEVERE = 1 }", "`SEVERE`: a severity is one of LOW, MEDIUM, HIGH, CRITICAL"),
            ("above = { HIGH = 1, high = 2 }", "HIGH is given twice"),
            (
                "above = true",
                "invalid type: boolean `true`, expected a number, a string such as \"85%\", \"5m\" or \"10GiB\", or a table by severity",
            ),
            (
                "for = 5",
                "invalid type: integer `5`, expected a duration such as \"5m\", or a table of them by severity",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), wanted, "{text}");
        }
        assert!(read("abuv = 1").unwrap_err().starts_with("unknown field `abuv`, expected one of"));
    }
}

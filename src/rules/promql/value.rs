//! What evaluation yields.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::ast::Key;
use super::selector::NAME;
use crate::model::labels::Labels;
use crate::model::reading::{Reason, Value};

/// The answer to an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One number.
    Scalar(f64),
    /// A string.
    Text(String),
    /// One value for each label set.
    Vector(Vec<Element>),
}

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The metric's name, as long as the value is still that metric's.
    pub name: Option<Arc<str>>,
    /// The labels without the name.
    pub labels: Labels,
    /// The value; unknown where it rests on something that was not measured.
    pub value: Value,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Halt {
    /// The whole answer rests on something that was not measured.
    Unknown(Reason),
    /// The expression makes no sense on this data.
    Failed(String),
}

/// The labels by which elements are grouped or matched; the name only where it is asked for.
pub type GroupKey = (Option<Arc<str>>, Labels);

impl Key {
    /// What of an element's identity this key looks at.
    pub fn of(&self, element: &Element) -> GroupKey {
        match self {
            Self::Only(labels) => {
                let listed = |name: &str| labels.iter().any(|label| label.as_ref() == name);
                (element.name.clone().filter(|_| listed(NAME)), element.labels.filtered(listed))
            }
            Self::AllBut(labels) if labels.is_empty() => (None, element.labels.clone()),
            Self::AllBut(labels) => {
                (None, element.labels.filtered(|name| !labels.iter().any(|label| label.as_ref() == name)))
            }
        }
    }
}

impl Element {
    /// The value, or a halt: what is computed from all elements at once is unknown when one of them is.
    pub fn known(&self) -> Result<f64, Halt> {
        match &self.value {
            Value::Known(value) => Ok(*value),
            Value::Unknown(reason) => Err(Halt::Unknown(reason.clone())),
        }
    }

    /// The value of a label, `__name__` being one too; empty where it is absent.
    pub fn label(&self, name: &str) -> &str {
        if name == NAME { self.name.as_deref().unwrap_or_default() } else { self.labels.get(name).unwrap_or_default() }
    }

    /// This element with a label set, or removed by an empty value.
    #[must_use]
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        if name == NAME {
            self.name = (!value.is_empty()).then(|| Arc::from(value));
        } else {
            self.labels = self.labels.with(name, value);
        }
        self
    }

    /// This element with another value; an unknown one stays, `None` drops it.
    pub fn map(self, change: impl FnOnce(f64) -> Option<f64>) -> Option<Self> {
        let value = match self.value {
            Value::Known(value) => Value::Known(change(value)?),
            unknown @ Value::Unknown(_) => unknown,
        };
        Some(Self { value, ..self })
    }

    /// The same without the metric's name: the value is no longer that metric's.
    #[must_use]
    pub fn nameless(self) -> Self {
        Self { name: None, ..self }
    }
}

/// `metric{label="value"}`, as it is written.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.labels.is_empty()) {
            (None, true) => f.write_str("{}"),
            (name, _) => write!(f, "{}{}", name.as_deref().unwrap_or_default(), self.labels),
        }
    }
}

/// Gives the elements back if no two share their name and labels.
pub fn distinct(elements: Vec<Element>) -> Result<Vec<Element>, Halt> {
    if elements.len() > 1 {
        let mut seen = HashSet::with_capacity(elements.len());
        if let Some(twice) = elements.iter().find(|element| !seen.insert((&element.name, &element.labels))) {
            return Err(Halt::Failed(format!("two results have the same labels: {twice}")));
        }
    }
    Ok(elements)
}

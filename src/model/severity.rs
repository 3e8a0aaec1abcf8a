//! How bad an alert is.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// From a note in the log to a call at night. Printed in upper case, read in any case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Logged only, unless a route says otherwise.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// Wake somebody.
    Critical,
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| "a severity is one of LOW, MEDIUM, HIGH, CRITICAL".to_owned())
    }
}

/// One `T` for each severity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BySeverity<T>([T; 4]);

impl<T> BySeverity<T> {
    /// What `make` gives for each severity.
    pub fn from_fn(make: impl FnMut(Severity) -> T) -> Self {
        Self(Severity::ALL.map(make))
    }

    /// Severities with their values, mildest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Severity, &T)> {
        Severity::ALL.into_iter().zip(&self.0)
    }

    /// The most severe one whose value `test` accepts.
    pub fn highest(&self, test: impl Fn(&T) -> bool) -> Option<Severity> {
        self.iter().rev().find(|(_, value)| test(value)).map(|(severity, _)| severity)
    }
}

impl<T> Index<Severity> for BySeverity<T> {
    type Output = T;
    fn index(&self, severity: Severity) -> &T {
        &self.0[severity as usize]
    }
}

impl<T> IndexMut<Severity> for BySeverity<T> {
    fn index_mut(&mut self, severity: Severity) -> &mut T {
        &mut self.0[severity as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case_is_read_and_upper_case_is_printed() {
        assert_eq!("critical".parse::<Severity>().unwrap().to_string(), "CRITICAL");
        assert!("severe".parse::<Severity>().is_err());
    }

    #[test]
    fn the_highest_wins() {
        let on = BySeverity::from_fn(|severity| severity <= Severity::High);
        assert_eq!(on.highest(|&on| on), Some(Severity::High));
    }
}

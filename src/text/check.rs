//! Turning what a person wrote into what the program uses: every problem found is kept, with its place.

use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::units;
use crate::model::fault::{Fault, Located, Place, SourceText, Weight};
use crate::model::secret::Secret;

/// Handed to each `Settings` while it is checked: resolves secrets, gathers faults, knows the interval.
pub struct Check<'a> {
    /// `[monitor] interval`: the time between two ticks.
    pub interval: Duration,
    /// Turns `env:NAME`, `file:PATH` or a literal into the secret, or says in one line why it cannot.
    pub resolve: &'a dyn Fn(&str) -> Result<Secret, String>,
    /// The text that the settings at hand stand in.
    pub source: Option<Arc<SourceText>>,
    /// Whether anybody will see a warning; otherwise none is kept.
    pub keeps_warnings: bool,
    /// What was found so far.
    pub faults: Vec<Located>,
}

impl<'a> Check<'a> {
    /// Nothing found yet, at no text in particular.
    pub fn new(interval: Duration, resolve: &'a dyn Fn(&str) -> Result<Secret, String>) -> Self {
        Self { interval, resolve, source: None, keeps_warnings: true, faults: Vec::new() }
    }
}

impl Check<'_> {
    /// Keeps a fault of the text at hand.
    pub fn fault(&mut self, fault: Fault) {
        if fault.weight == Weight::Warning && !self.keeps_warnings {
            return;
        }
        self.faults.push(Located { source: self.source.clone(), fault });
    }

    /// The value of a key that must be there; otherwise a fault at its table.
    pub fn required<T>(&mut self, value: Option<T>, table: &Range<usize>, key: &str, help: &str) -> Option<T> {
        if value.is_none() {
            self.fault(Fault::error(format!("`{key}` is missing"), Place::File(table.clone())).help(help));
        }
        value
    }

    /// The secret that `value` names or is.
    pub fn secret(&mut self, value: &Spanned<String>) -> Option<Secret> {
        self.kept((self.resolve)(value.get_ref()), value)
    }

    /// What `value` refers to, or itself: for a value that is no secret but may stand where secrets do.
    pub fn reference(&mut self, value: &Spanned<String>) -> Option<String> {
        if value.get_ref().starts_with("env:") || value.get_ref().starts_with("file:") {
            return self.secret(value).map(|found| found.expose().to_owned());
        }
        Some(value.get_ref().trim().to_owned())
    }

    /// A duration, or `default` where the key is absent.
    pub fn duration(&mut self, value: Option<&Spanned<String>>, default: Duration) -> Option<Duration> {
        match value {
            None => Some(default),
            Some(value) => self.kept(units::parse_duration(value.get_ref()), value),
        }
    }

    /// Anything that is read from a string.
    pub fn parsed<T: FromStr<Err = String>>(&mut self, value: &Spanned<String>) -> Option<T> {
        self.kept(value.get_ref().parse(), value)
    }

    fn kept<T>(&mut self, result: Result<T, String>, value: &Spanned<String>) -> Option<T> {
        result.map_err(|what| self.fault(Fault::error(what, Place::File(value.span())))).ok()
    }
}

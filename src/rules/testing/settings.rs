//! `[[test]]` as it is written. Every value keeps its place.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// Series with their samples, both as written.
pub type Written = BTreeMap<Spanned<String>, Spanned<String>>;

/// One `[[test]]`. All keys are optional here; `read` says what is missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What it shows, in words.
    pub name: Option<Spanned<String>>,
    /// The time between two ticks.
    pub interval: Option<Spanned<String>>,
    /// The rules it is about.
    pub rules: Option<Vec<Spanned<String>>>,
    /// What is measured: a selector, and its samples from the first tick on.
    pub series: Option<Spanned<Written>>,
    /// Everything that is to happen.
    pub timeline: Option<Spanned<String>>,
}

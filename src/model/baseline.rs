//! What is taken to be right of something that nobody can judge by itself: the code of a canister, a sum that should not
//! grow. The first sight of it counts until a person accepts another one, so that a change does not make itself right.

use std::collections::BTreeMap;

use serde::Serialize;

use super::time::Time;

/// The accepted value of each name.
pub type Baselines = BTreeMap<String, String>;

/// An accepted value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Baseline {
    /// What it is of: `code/simplified_bridge`.
    pub name: String,
    /// What is taken to be right.
    pub value: String,
    /// Since when.
    #[serde(skip)]
    pub at: Time,
    /// Who accepted it.
    pub who: String,
    /// Why.
    pub why: String,
}

/// What a source saw of something that has, or now gets, a baseline. Only what was measured beyond doubt is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// What it is of.
    pub name: String,
    /// What was seen.
    pub value: String,
}

impl Sighting {
    /// `value`, seen of `name`.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Whether it differs from what was accepted; what was never seen before does not.
    #[cfg_attr(not(feature = "icp"), allow(dead_code, reason = "only canisters change so"))]
    pub fn is_change(&self, baselines: &Baselines) -> bool {
        baselines.get(&self.name).is_some_and(|accepted| *accepted != self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sight_of_something_is_no_change() {
        let accepted = Baselines::from([("code/a".to_owned(), "11".to_owned())]);
        assert!(Sighting::new("code/a", "12").is_change(&accepted));
        assert!(!Sighting::new("code/a", "11").is_change(&accepted));
        assert!(!Sighting::new("code/b", "12").is_change(&accepted));
    }
}

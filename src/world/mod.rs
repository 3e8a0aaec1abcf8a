//! The two things that make a run differ from the last one: the clock and the environment.
//! This is the only place that reads them (`clippy.toml` forbids it elsewhere); everybody else is handed values.
#![allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock and the environment")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use crate::model::time::{Time, millis_of};

/// The system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Milliseconds that it is ahead of the system's: none but in a debug build whose test has set it.
    ahead: i64,
}

impl Clock {
    /// The clock of this process. Only a debug build can be told to begin at another time ([`TEST_CLOCK`], milliseconds
    /// since the epoch), so that a test of the whole program can let days pass; it goes on at the pace of the real one.
    pub fn of_process() -> Self {
        let begins = || std::env::var(TEST_CLOCK).ok()?.parse::<i64>().ok();
        let begins = if cfg!(debug_assertions) { begins() } else { None };
        Self { ahead: begins.map_or(0, |begins| begins.saturating_sub(Self::default().now().millis())) }
    }

    /// Now, in UTC.
    pub fn now(self) -> Time {
        let system = match std::time::SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => millis_of(since),
            Err(before) => -millis_of(before.duration()),
        };
        Time::from_millis(system.saturating_add(self.ahead))
    }

    /// How long it is until `then`; zero when it has passed.
    pub fn until(self, then: Time) -> Duration {
        then.since(self.now())
    }
}

/// The variable that sets the clock of a debug build.
const TEST_CLOCK: &str = "SIPPAR_MON_CLOCK";

/// The process's environment as it was at the start. Variables that are not UTF-8 are left out.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// Reads the process's environment.
    pub fn of_process() -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(utf8).collect())
    }

    /// The value of `name`, unless it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every name and value.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// This environment with `pairs` for the names it does not have yet.
    #[must_use]
    pub fn or(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in pairs {
            self.0.entry(name).or_insert(value);
        }
        self
    }
}

/// The file of this program, where the system tells.
pub fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

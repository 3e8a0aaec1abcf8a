//! What is wrong with this installation, and the way out: `doctor`'s facts, and what follows from them.

mod channels;
mod config;
pub mod crontab;
mod database;
pub mod facts;
mod schedule;
mod surroundings;
#[cfg(test)]
mod tests;
mod watched;

use serde::Serialize;

use facts::Facts;

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// It works, and something may be missed.
    Warning,
    /// It does not do its work.
    Problem,
}

impl Level {
    /// The word for scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was found.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Finding {
    /// What it is about.
    pub topic: String,
    /// How much it matters.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// The way out, a command where that is possible.
    pub fix: Option<String>,
}

impl Finding {
    fn new(topic: &str, level: Level, what: impl Into<String>) -> Self {
        Self { topic: topic.to_owned(), level, what: what.into(), fix: None }
    }

    fn fine(topic: &str, what: impl Into<String>) -> Self {
        Self::new(topic, Level::Fine, what)
    }

    fn note(topic: &str, what: impl Into<String>) -> Self {
        Self::new(topic, Level::Note, what)
    }

    fn warning(topic: &str, what: impl Into<String>) -> Self {
        Self::new(topic, Level::Warning, what)
    }

    fn problem(topic: &str, what: impl Into<String>) -> Self {
        Self::new(topic, Level::Problem, what)
    }

    fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// Every question, in the order of the screen.
const CHECKS: [fn(&Facts) -> Vec<Finding>; 11] = [
    config::check,
    database::check,
    schedule::check,
    surroundings::check,
    watched::clock,
    watched::sources,
    channels::check,
    channels::heartbeat,
    channels::mail,
    watched::overhead,
    database::disk,
];

/// What `doctor` says.
#[derive(Serialize, Debug)]
pub struct Report {
    /// There is no problem; there may be warnings.
    pub sound: bool,
    /// How many there are.
    pub problems: usize,
    /// How many of these.
    pub warnings: usize,
    /// All findings, in the order of the screen.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Asks every question.
    pub fn new(facts: &Facts) -> Self {
        let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(facts)).collect();
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
        Self { sound: problems == 0, problems, warnings, findings }
    }
}

//! Why people are not told of an alert that fires.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::alert::AlertKey;
use super::scope::Scope;
use super::severity::Severity;
use super::time::Time;

/// What withholds the notifications of an alert. Its state goes on as ever, and whoever was told of it before is told of
/// its end all the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// A window of maintenance.
    Maintenance {
        /// What is done in it, as configured; may be empty.
        what: String,
        /// When the window ends.
        until: Time,
    },
    /// Somebody silenced it.
    Silence {
        /// Its number.
        number: u64,
        /// Who did.
        who: String,
        /// Why.
        why: String,
        /// When it ends.
        until: Time,
    },
    /// It is a consequence of another alert.
    Dependency {
        /// The other alert.
        on: AlertKey,
    },
    /// It comes and goes too often.
    Flapping {
        /// How often it fired lately.
        fired: u32,
        /// When it will be told of if it still fires.
        until: Time,
    },
    /// Quiet hours, in which its severity does not wake anybody.
    Quiet {
        /// When they end.
        until: Time,
    },
}

impl Hold {
    /// In a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Maintenance { .. } => "maintenance",
            Self::Silence { .. } => "silenced",
            Self::Dependency { .. } => "a consequence",
            Self::Flapping { .. } => "flapping",
            Self::Quiet { .. } => "quiet hours",
        }
    }

    /// Whether messages that wait already are withheld too; the others only delay what is new.
    pub const fn recalls(&self) -> bool {
        matches!(self, Self::Maintenance { .. } | Self::Silence { .. })
    }

    /// Whether both are the same for people, whatever their ends and counts.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Silence { number, .. }, Self::Silence { number: other, .. }) => number == other,
            (Self::Maintenance { what, .. }, Self::Maintenance { what: other, .. }) => what == other,
            (Self::Dependency { on }, Self::Dependency { on: other }) => on == other,
            (Self::Flapping { .. }, Self::Flapping { .. }) | (Self::Quiet { .. }, Self::Quiet { .. }) => true,
            _ => false,
        }
    }
}

/// Somebody's word that nobody needs to be told of some alerts for a time.
#[derive(Clone, Debug)]
pub struct Silence {
    /// Its number.
    pub number: u64,
    /// Which alerts.
    pub scope: Scope,
    /// When it was given.
    pub from: Time,
    /// When it ends, or ended.
    pub until: Time,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
}

/// How often an alert fired lately, and the worst that it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fired {
    /// How often, an episode that lasts included.
    pub times: u32,
    /// The worst of the episodes that are over.
    pub worst: Option<Severity>,
}

/// `silenced by eva until 2026-11-23T11:00:00Z (silence 3): deployment`.
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maintenance { what, until } if what.is_empty() => write!(f, "maintenance until {until}"),
            Self::Maintenance { what, until } => write!(f, "maintenance until {until}: {what}"),
            Self::Silence { number, who, why, until } => {
                write!(f, "silenced by {who} until {until} (silence {number}): {why}")
            }
            Self::Dependency { on } => write!(f, "a consequence of {on}"),
            Self::Flapping { fired, until } => {
                write!(f, "flapping: fired {fired} times lately; told if it still fires at {until}")
            }
            Self::Quiet { until } => write!(f, "quiet hours until {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::labels::Labels;

    #[test]
    fn every_hold_in_words() {
        let until = Time::from_millis(1_795_424_400_000);
        let on = AlertKey { rule: "OWN_NETWORK_DOWN".into(), labels: Labels::empty() };
        let silence = Hold::Silence { number: 3, who: "eva".to_owned(), why: "deployment".to_owned(), until };
        for (hold, words, recalls) in [
            (Hold::Maintenance { what: String::new(), until }, "maintenance until 2026-11-23T09:00:00Z", true),
            (
                Hold::Maintenance { what: "backup".to_owned(), until },
                "maintenance until 2026-11-23T09:00:00Z: backup",
                true,
            ),
            (silence, "silenced by eva until 2026-11-23T09:00:00Z (silence 3): deployment", true),
            (Hold::Dependency { on }, "a consequence of OWN_NETWORK_DOWN", false),
            (
                Hold::Flapping { fired: 6, until },
                "flapping: fired 6 times lately; told if it still fires at 2026-11-23T09:00:00Z",
                false,
            ),
            (Hold::Quiet { until }, "quiet hours until 2026-11-23T09:00:00Z", false),
        ] {
            assert_eq!((hold.to_string().as_str(), hold.recalls()), (words, recalls));
            assert!(hold.is_like(&hold));
            let json = serde_json::to_string(&hold).unwrap();
            assert_eq!(serde_json::from_str::<Hold>(&json).unwrap(), hold);
        }
    }
}

//! An alert: one rule and one label set in trouble, from the first bad tick to its end.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::labels::Labels;
use super::reading::Reason;
use super::severity::{BySeverity, Severity};
use super::time::Time;

/// What makes two alerts the same: the rule's name and the labels of its result.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AlertKey {
    /// The rule's name.
    pub rule: Arc<str>,
    /// The labels of the result.
    pub labels: Labels,
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.rule, self.labels)
    }
}

/// Where one severity of an alert stands; each behaves as one Prometheus alert would.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Not true.
    #[default]
    Inactive,
    /// True since this tick (moved forward by the time nothing was measured), not yet for long enough.
    Pending(Time),
    /// True for long enough; fired at this tick.
    Firing(Time),
    /// Still firing although no longer true: `keep_firing_for` is not over.
    Keeping {
        /// When it fired.
        fired: Time,
        /// Not true since this tick (moved forward by the time nothing was measured).
        since: Time,
    },
}

impl Phase {
    /// Whether people are told that it fires.
    pub const fn fires(self) -> bool {
        matches!(self, Self::Firing(_) | Self::Keeping { .. })
    }
}

/// Why an alert ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The value is good again.
    Cleared,
    /// What it watched no longer exists.
    Gone,
    /// The rule was removed from the configuration or disabled.
    RuleRemoved,
    /// Somebody closed it by hand.
    Closed,
}

/// What happened to an alert at a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// It began to fire at this severity.
    Fired(Severity),
    /// It went up from one severity to a higher one.
    Raised(Severity, Severity),
    /// It went down from one severity to a lower one.
    Eased(Severity, Severity),
    /// It ended; the severity it had.
    Resolved(Severity, Ended),
}

impl Transition {
    /// `fired`, `raised`, `eased` or `resolved`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fired(_) => "fired",
            Self::Raised(..) => "raised",
            Self::Eased(..) => "eased",
            Self::Resolved(..) => "resolved",
        }
    }

    /// The severity this is about: the new one, or the last one of a resolved alert.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Fired(severity)
            | Self::Raised(_, severity)
            | Self::Eased(_, severity)
            | Self::Resolved(severity, _) => severity,
        }
    }
}

/// The state of an alert between cycles.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// Short number that people use; given when it fires for the first time.
    pub number: Option<u64>,
    /// Rule and labels.
    pub key: AlertKey,
    /// Each severity's own machine.
    pub phases: BySeverity<Phase>,
    /// First tick of this episode at which any severity was true.
    pub since: Time,
    /// When it fired first.
    pub fired_at: Option<Time>,
    /// When it ended, and why.
    pub ended: Option<(Time, Ended)>,
    /// The last measured value.
    pub value: Option<f64>,
    /// The worst value measured while it was not fine, judged by the rule's direction.
    pub worst: Option<f64>,
    /// The highest severity that ever fired.
    pub peak: Option<Severity>,
    /// Since when nothing was measured, and why.
    pub unknown: Option<(Time, Reason)>,
    /// The last tick that stepped this alert.
    pub stepped: Time,
    /// Who is at it.
    #[serde(default)]
    pub ack: Option<Ack>,
    /// When the last acknowledgement ended before the alert did.
    #[serde(default)]
    pub unacked: Option<Time>,
    /// What keeps people from being told, since the last cycle.
    #[serde(default)]
    pub hold: Option<Hold>,
}

/// An acknowledgement: somebody is at it. It ends with the alert, at a higher severity, or when the value gets worse by
/// what the rule says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ack {
    /// When it was given.
    pub at: Time,
    /// By whom.
    pub who: String,
    /// What they say.
    pub why: String,
    /// The severity that is acknowledged.
    pub severity: Severity,
    /// The value that is acknowledged, where it was a finite one.
    pub value: Option<f64>,
}

impl Alert {
    /// Since when it is what it is called: since it fired, or while it is pending since its rule became true.
    pub fn stands_since(&self) -> Time {
        self.fired_at.unwrap_or(self.since)
    }

    /// An episode that begins at this tick; nothing is known of it yet.
    pub fn begun(key: AlertKey, tick: Time) -> Self {
        Self {
            number: None,
            key,
            phases: BySeverity::default(),
            since: tick,
            fired_at: None,
            ended: None,
            value: None,
            worst: None,
            peak: None,
            unknown: None,
            stepped: tick,
            ack: None,
            unacked: None,
            hold: None,
        }
    }

    /// The highest firing severity; `None` while it is only pending or has ended.
    pub fn severity(&self) -> Option<Severity> {
        self.phases.highest(|phase| phase.fires())
    }

    /// Since when its present severity fires.
    pub fn began(&self) -> Option<Time> {
        match self.phases[self.severity()?] {
            Phase::Firing(at) | Phase::Keeping { fired: at, .. } => Some(at),
            Phase::Inactive | Phase::Pending(_) => None,
        }
    }

    /// `pending`, `firing` or `resolved`.
    pub fn state(&self) -> &'static str {
        match (self.ended, self.severity()) {
            (Some(_), _) => "resolved",
            (None, Some(_)) => "firing",
            (None, None) => "pending",
        }
    }
}

/// A transition that has just happened, for those who watch.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// The alert after it.
    pub alert: Alert,
    /// What happened.
    pub transition: Transition,
    /// The rule's sentence about it.
    pub summary: String,
    /// How many destinations are told; none while it is withheld.
    pub told: usize,
}

/// What people and the monitor did about an alert, beside its transitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeedKind {
    /// Somebody acknowledged it.
    Acknowledged,
    /// The acknowledgement ended before the alert did.
    AckEnded,
    /// Nobody is told of it any more.
    Withheld,
    /// People are told of it again.
    Released,
    /// Somebody closed it.
    Closed,
    /// A response to it was decided, or came to its end.
    Responded,
}

/// An entry of an alert's history that is no transition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deed {
    /// When.
    pub at: Time,
    /// What.
    pub kind: DeedKind,
    /// By whom; empty where the monitor did it.
    pub who: String,
    /// In words.
    pub text: String,
}

/// Whether an alert was worth being told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Worth {
    /// It was right to tell.
    Useful,
    /// Nobody should have been told.
    False,
}

impl Worth {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Useful, Self::False];

    /// The word in the store and on the screens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Useful => "useful",
            Self::False => "false",
        }
    }
}

/// What somebody says of an alert afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mark {
    /// Whether it was worth being told.
    pub worth: Worth,
    /// When it was said.
    pub at: Time,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
}

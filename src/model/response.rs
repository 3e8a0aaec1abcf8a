//! A run of a response: a program that is started because an alert rose, or by hand, and what became of it.

use super::message::Message;
use super::severity::Severity;
use super::time::Time;

/// Where a run stands. It is never started twice: what was started and has no end was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunState {
    /// What keeps people from being told of the alert keeps it back.
    Held,
    /// To be started.
    Due,
    /// Started, or orphaned by a killed process.
    Running,
    /// It ended.
    Ended,
    /// It was started, and nobody knows how it ended.
    Interrupted,
    /// It was not started, with a reason.
    Skipped,
}

impl RunState {
    /// All states; the compiler does not check this list, the store's round-trip test does.
    pub const ALL: [Self; 6] = [Self::Held, Self::Due, Self::Running, Self::Ended, Self::Interrupted, Self::Skipped];

    /// The word in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Due => "due",
            Self::Running => "running",
            Self::Ended => "ended",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
        }
    }
}

/// A run that is decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// The response.
    pub response: String,
    /// The alert's row in the store; none where it is run by hand for none.
    pub alert: Option<i64>,
    /// The severity that the alert rose to or above; below it there is nothing to respond to.
    pub severity: Severity,
    /// What the program is told.
    pub message: Message,
    /// Where it stands.
    pub state: RunState,
    /// Who runs it by hand; empty where the monitor does.
    pub who: String,
    /// When it was decided.
    pub decided: Time,
}

/// A run as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// What was decided, in its present state.
    pub plan: Planned,
    /// When it came to an end.
    pub finished: Option<Time>,
    /// Nothing is wrong with how it came to its end.
    pub well: bool,
    /// How, in words: `ended 0 after 1.2 s`.
    pub outcome: Option<String>,
}

/// How a run came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finish {
    /// [`RunState::Ended`], [`RunState::Interrupted`] or [`RunState::Skipped`].
    pub state: RunState,
    /// Nothing is wrong with it.
    pub well: bool,
    /// In words.
    pub outcome: String,
}

impl Run {
    /// `Response pause-bridge: ended 0 after 1.2 s.`, once it has come to an end.
    pub fn remark(&self) -> Option<String> {
        self.finished?;
        let by = if self.plan.who.is_empty() { String::new() } else { format!(", by {}", self.plan.who) };
        Some(format!("Response {}{by}: {}.", self.plan.response, self.outcome.as_deref()?))
    }
}

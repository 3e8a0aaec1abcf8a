//! A notification on its way to one destination.

use std::time::Duration;

use super::message::{Destination, Kind, Message};
use super::severity::Severity;
use super::time::Time;

/// How one attempt to send ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The provider took it.
    Sent {
        /// What it answered, made short and harmless.
        answer: String,
        /// The provider's own id, where it can be asked later whether the message arrived.
        receipt: Option<String>,
    },
    /// Not now; try again.
    Later {
        /// What went wrong, without any secret.
        why: String,
        /// How long the provider asked us to wait.
        after: Option<Duration>,
        /// The provider may have taken it although we saw no answer.
        ambiguous: bool,
    },
    /// It never will: a repeat would end the same way.
    Dead {
        /// What went wrong, without any secret.
        why: String,
    },
}

impl Outcome {
    /// The provider took it, and has nothing more to say about it.
    pub fn sent(answer: impl Into<String>) -> Self {
        Self::Sent { answer: answer.into(), receipt: None }
    }

    /// It is to be tried again; the provider surely has not taken it.
    pub fn later(why: impl Into<String>, after: Option<Duration>) -> Self {
        Self::Later { why: why.into(), after, ambiguous: false }
    }

    /// It never will arrive.
    pub fn dead(why: impl Into<String>) -> Self {
        Self::Dead { why: why.into() }
    }
}

/// What became of a message that a provider took, where it can tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is where people read it, with the provider's word for it.
    Arrived(String),
    /// Not known yet, with the word for it: `queued`, `sent`.
    Underway(String),
    /// It did not arrive, with the reason.
    Failed(String),
}

/// Where a delivery stands in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Waiting for its time.
    Pending,
    /// Being sent right now, or orphaned by a killed process.
    Sending,
    /// The provider took it.
    Sent,
    /// Given up, with a reason.
    Dead,
    /// Sent at least once without an answer, on a channel where a further repeat would annoy.
    Uncertain,
    /// Replaced by a newer message about the same alert before it was sent.
    Superseded,
}

impl State {
    /// All states; the compiler does not check this list, the store's round-trip test does.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Sending, Self::Sent, Self::Dead, Self::Uncertain, Self::Superseded];

    /// The word the store and the screens use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Uncertain => "uncertain",
            Self::Superseded => "superseded",
        }
    }
}

/// One attempt that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// What was sent, as it stood before.
    pub delivery: Delivery,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the delivery stands now.
    pub state: State,
    /// When it will be tried again.
    pub again_in: Option<Duration>,
    /// How long it took.
    pub took: Duration,
}

/// One row of the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The id that every repeat carries.
    pub id: i64,
    /// The alert's row in the store; none for a test.
    pub alert: Option<i64>,
    /// Where to.
    pub destination: Destination,
    /// What.
    pub message: Message,
    /// Where it stands.
    pub state: State,
    /// Attempts begun so far.
    pub attempts: u32,
    /// An earlier attempt may have arrived.
    pub maybe_repeat: bool,
    /// When it was decided.
    pub created: Time,
    /// When to try next.
    pub due: Time,
    /// How the last attempt went, in words.
    pub last_answer: Option<String>,
    /// The delivery that carries it, where several went or go out as one message: the first of them.
    pub parcel: Option<i64>,
}

/// A row of the outbox, reduced to what planning the next message must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// Its id.
    pub id: i64,
    /// Where to.
    pub to: Destination,
    /// What kind of message.
    pub kind: Kind,
    /// The severity it tells.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// An attempt may have arrived.
    pub maybe_repeat: bool,
    /// The tick at which it was decided.
    pub at: Time,
    /// When that was by the clock.
    pub created: Time,
}

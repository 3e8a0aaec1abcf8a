//! What a notification says, built once when it is decided and rendered by each channel when it is sent.

use serde::{Deserialize, Serialize};

use super::severity::Severity;
use super::time::Time;

/// Why somebody is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An alert began to fire.
    Firing,
    /// It went up to a higher severity.
    Raised,
    /// It went down to a lower severity.
    Eased,
    /// Nobody has acknowledged it for too long.
    Escalated,
    /// It still fires, or got worse under an acknowledgement.
    Reminder,
    /// Somebody is at it.
    Acknowledged,
    /// It ended.
    Resolved,
    /// A person asked for a test; nothing is wrong.
    Test,
}

impl Kind {
    /// All kinds; the compiler does not check this list, the test below does.
    #[cfg(test)]
    pub const ALL: [Self; 8] = [
        Self::Firing,
        Self::Raised,
        Self::Eased,
        Self::Escalated,
        Self::Reminder,
        Self::Acknowledged,
        Self::Resolved,
        Self::Test,
    ];

    /// Its word in the store and in machine-readable messages: `firing`, `raised`, ….
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Raised => "raised",
            Self::Eased => "eased",
            Self::Escalated => "escalated",
            Self::Reminder => "reminder",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

/// The content of a notification in plain text. Foreign strings in it are made harmless by whoever renders it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Why this is sent.
    pub kind: Kind,
    /// The severity now (of a resolved alert: the last one).
    pub severity: Severity,
    /// The alert type: the rule's name.
    pub alert: String,
    /// The alert's number; none for a test.
    pub number: Option<u64>,
    /// One sentence: what is wrong, with the value.
    pub summary: String,
    /// The value as people read it, for example `91.2 %`; none when it was not measured.
    pub value: Option<String>,
    /// The limit as people read it, for example `> 85 %`.
    pub limit: Option<String>,
    /// The worst value of the episode so far.
    pub worst: Option<String>,
    /// Label names and values.
    pub labels: Vec<(String, String)>,
    /// When the trouble began.
    pub since: Time,
    /// The tick at which this was decided.
    pub at: Time,
    /// The name of the watched system.
    pub system: String,
    /// `production`, `testnet`, …; may be empty.
    pub environment: String,
    /// The machine that watches.
    pub host: String,
    /// What to do about it.
    pub action: Option<String>,
    /// Where the runbook is.
    pub runbook_url: Option<String>,
    /// A further line: "not measured since …", "fired and ended before this could be delivered".
    pub note: Option<String>,
    /// The last hour of the value as a row of blocks; none where there is nothing to draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<String>,
    /// What of `note` is about responses: a message that stands for several keeps it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<String>,
    /// The alerts that one message stands for; empty where it is about one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Entry>,
}

/// One of several alerts in a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The rule's name.
    pub name: String,
    /// What would be the headline of a message of its own.
    pub line: String,
}

/// What the rule contributes, already in words.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Texts {
    /// One sentence with the value in it.
    pub summary: String,
    /// The value with its unit.
    pub value: Option<String>,
    /// The limit with its operator.
    pub limit: Option<String>,
    /// The worst value with its unit.
    pub worst: Option<String>,
    /// What to do.
    pub action: Option<String>,
    /// Where the runbook is.
    pub runbook_url: Option<String>,
    /// What the source itself says of the trouble.
    pub cause: Option<String>,
}

/// Where a notification goes: a channel's name, and within it one address (an e-mail recipient, a phone number),
/// empty where the channel has only one. Never a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Destination {
    /// The channel's name in the configuration.
    pub channel: String,
    /// The address within the channel.
    pub address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_word_that_it_is_stored_with() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
            // a kind that is missing above does not compile here, and has no place in the list
            let place = match kind {
                Kind::Firing => 0,
                Kind::Raised => 1,
                Kind::Eased => 2,
                Kind::Escalated => 3,
                Kind::Reminder => 4,
                Kind::Acknowledged => 5,
                Kind::Resolved => 6,
                Kind::Test => 7,
            };
            assert_eq!(Kind::ALL[place], kind);
        }
    }
}

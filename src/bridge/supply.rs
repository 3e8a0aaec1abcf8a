//! What the token canister says of its supply, and why it could not be asked.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::reading::Reason;
use crate::model::time::Time;

/// How far a figure can be believed, the most believable first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Signed by a whole subnet of the Internet Computer: no single node can forge it.
    Certified,
    /// Signed by one node of the right subnet, or said alike by two independent Algorand nodes.
    Verified,
    /// One node says so; nobody else was asked or answered.
    SingleNode,
    /// The bridge's own backend says so.
    Claimed,
}

impl Trust {
    /// In a word or two, for people: `single node`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Certified => "certified",
            Self::Verified => "verified",
            Self::SingleNode => "single node",
            Self::Claimed => "claimed",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The supply at one moment of the canister: its parts fit together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SupplyLeg {
    /// All ckALGO in circulation (S), micro-units.
    pub supply: u128,
    /// What the canister's books hold as locked ALGO (L), micro-units: bookkeeping, no look at Algorand.
    pub locked: u128,
    /// The part of the supply that was minted for ckETH (E), micro-units.
    pub cketh_backed: u128,
    /// When the read had ended, by this machine's clock.
    pub at: Time,
    /// The time that the network signed with the replies, the oldest of the leg: of a certificate, or of a node.
    pub certified_at: Option<Time>,
    /// How far it can be believed.
    pub trust: Trust,
}

impl SupplyLeg {
    /// The part of the supply that ALGO must back (S - E). Never negative: such a reply is refused as
    /// [`SupplyFault::InterfaceChanged`].
    pub const fn algo_backed(&self) -> u128 {
        self.supply.saturating_sub(self.cketh_backed)
    }

    /// By how much the books are out, S - (L + E); 0 as long as the canister is sound.
    pub fn gap(&self) -> i128 {
        let signed = |amount| i128::try_from(amount).unwrap_or(i128::MAX);
        signed(self.algo_backed()).saturating_sub(signed(self.locked))
    }
}

/// What a canister's refusal says of its health.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Health {
    /// Out of cycles: it answers nobody until somebody pays.
    Frozen,
    /// Its controllers have stopped it, or are about to.
    Stopped,
    /// It does not exist, or has no code.
    Gone,
    /// It runs, and failed at this question.
    Degraded,
    /// It runs, and does not know the question any more.
    InterfaceChanged,
    /// It runs, and does not answer us.
    NotPermitted,
    /// The refusal says nothing of the canister.
    Unknown,
}

impl Health {
    /// In a word: `FROZEN`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Frozen => "FROZEN",
            Self::Stopped => "STOPPED",
            Self::Gone => "GONE",
            Self::Degraded => "DEGRADED",
            Self::InterfaceChanged => "INTERFACE_CHANGED",
            Self::NotPermitted => "NOT_PERMITTED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the canister is out of service for whoever asks it what it should know; `None` where the refusal does not tell.
    pub const fn is_down(self) -> Option<bool> {
        match self {
            Self::Frozen | Self::Stopped | Self::Gone | Self::Degraded => Some(true),
            Self::InterfaceChanged | Self::NotPermitted => Some(false),
            Self::Unknown => None,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why there is no figure. None of these says that the bridge is short of anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SupplyFault {
    /// No answer before the deadline.
    Timeout,
    /// No answer at all: the network, or a host that is overloaded (429, 5xx).
    Unreachable(String),
    /// The canister, or the subnet for it, refused.
    Rejected {
        /// What that says of the canister.
        health: Health,
        /// Its error code and message.
        text: String,
    },
    /// The signature or certificate does not hold: an attack, a broken host or a wrong clock. Raises `UNTRUSTED_REPLY`.
    Untrusted(String),
    /// A trusted reply that does not read as it should, or whose figures cannot be.
    InterfaceChanged(String),
    /// The supply moved during each attempt to read it.
    InMotion,
    /// This build has no feature `icp`.
    NotBuilt,
}

impl SupplyFault {
    /// Whether somebody may be lying to us.
    pub const fn is_untrusted(&self) -> bool {
        matches!(self, Self::Untrusted(_))
    }

    /// Whether another host may do better.
    pub const fn is_of_the_host(&self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable(_) | Self::Untrusted(_))
    }

    /// The same as the reason of a reading.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout => Reason::TIMEOUT,
            other => Reason::new(other.to_string()),
        }
    }
}

impl fmt::Display for SupplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: Cow<'_, str> = match self {
            Self::Timeout => "no answer before the deadline".into(),
            Self::Unreachable(why) => format!("no answer: {why}").into(),
            Self::Rejected { health: Health::Unknown, text } => format!("refused: {text}").into(),
            Self::Rejected { health, text } => format!("the canister is {health}: {text}").into(),
            Self::Untrusted(why) => format!("untrusted reply: {why}").into(),
            Self::InterfaceChanged(why) => format!("the canister's interface changed: {why}").into(),
            Self::InMotion => "the supply moved during each attempt to read it".into(),
            Self::NotBuilt => "this build has no feature `icp`".into(),
        };
        f.write_str(&text)
    }
}

impl std::error::Error for SupplyFault {}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(supply: u128, locked: u128, cketh_backed: u128) -> SupplyLeg {
        let at = Time::from_millis(1_795_424_400_000);
        SupplyLeg { supply, locked, cketh_backed, at, certified_at: None, trust: Trust::Verified }
    }

    #[test]
    fn the_books_are_out_by_what_neither_part_explains() {
        assert_eq!(
            (leg(28_814_549, 23_419_000, 5_395_549).gap(), leg(28_814_549, 23_419_000, 5_395_549).algo_backed()),
            (0, 23_419_000)
        );
        assert_eq!(leg(10, 4, 5).gap(), 1, "minted for nothing");
        assert_eq!(leg(10, 7, 5).gap(), -2, "locked twice");
        let big = u128::from(u64::MAX) * 1_000_000;
        assert_eq!(leg(big + 1, big, 0).gap(), 1, "far above 2^53");
        assert_eq!(leg(u128::MAX, 0, 0).gap(), i128::MAX, "nothing wraps");
    }

    #[test]
    fn a_fault_says_what_happened() {
        let rejected = |health, text: &str| SupplyFault::Rejected { health, text: text.to_owned() };
        for (fault, text) in [
            (rejected(Health::Frozen, "IC0207"), "the canister is FROZEN: IC0207"),
            (rejected(Health::Unknown, "IC0208"), "refused: IC0208"),
            (
                SupplyFault::Untrusted("the certificate is 10 min old".to_owned()),
                "untrusted reply: the certificate is 10 min old",
            ),
            (SupplyFault::Unreachable("429".to_owned()), "no answer: 429"),
        ] {
            assert_eq!((fault.to_string(), fault.reason().as_str()), (text.to_owned(), text));
        }
        assert_eq!(SupplyFault::Timeout.reason(), Reason::TIMEOUT);
    }

    #[test]
    fn trust_is_ordered() {
        assert!(
            Trust::Certified < Trust::Verified
                && Trust::Verified < Trust::SingleNode
                && Trust::SingleNode < Trust::Claimed
        );
        assert_eq!(serde_json::to_string(&Trust::SingleNode).unwrap(), r#""single_node""#);
    }
}

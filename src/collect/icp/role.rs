//! What a canister is to the bridge, and the name by which it is known.

use std::str::FromStr;

/// What a canister is to the bridge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The token ckALGO: what its supply says must be backed.
    Bridge,
    /// It signs for the custody on Algorand.
    Signer,
    /// Another one that is to be watched.
    Other,
}

impl Role {
    /// In a word, as the configuration has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Signer => "signer",
            Self::Other => "other",
        }
    }

    /// The name by which the shipped rules know it.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Bridge => Some("simplified_bridge"),
            Self::Signer => Some("threshold_signer"),
            Self::Other => None,
        }
    }

    /// The role that a name stands for.
    pub fn of(name: &str) -> Self {
        [Self::Bridge, Self::Signer].into_iter().find(|role| role.name() == Some(name)).unwrap_or(Self::Other)
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = [Self::Bridge, Self::Signer, Self::Other].into_iter().find(|role| role.word() == text);
        found.ok_or_else(|| "a role is one of bridge, signer, other".to_owned())
    }
}

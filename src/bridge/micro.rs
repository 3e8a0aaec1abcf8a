//! Whole micro-units in documents: as text, since most readers of JSON lose what is above 2^53.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in micro-units; `"23419000"` in a document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Micro(pub i128);

impl Micro {
    /// An amount that is never negative.
    pub fn of(amount: u128) -> Self {
        Self(signed(amount))
    }
}

/// An amount as a signed number; what no chain can hold becomes the largest there is.
pub fn signed(amount: u128) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}

impl Serialize for Micro {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Micro {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom("not a whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_survives_json() {
        for amount in [0, -1, 9_007_199_254_740_993, i128::MAX, i128::MIN] {
            let json = serde_json::to_value(Micro(amount)).unwrap();
            assert_eq!(json, serde_json::json!(amount.to_string()));
            assert_eq!(serde_json::from_value::<Micro>(json).unwrap(), Micro(amount));
        }
        assert!(serde_json::from_str::<Micro>("\"1.5\"").is_err() && serde_json::from_str::<Micro>("1").is_err());
        assert_eq!(Micro::of(u128::MAX), Micro(i128::MAX));
    }
}

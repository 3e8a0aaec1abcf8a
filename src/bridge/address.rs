//! Algorand addresses: 32 bytes of key and 4 of checksum in base 32. A slip of a letter in a custody address would make
//! the monitor watch an empty account, so it is found when the configuration is read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Letters of base 32 (RFC 4648).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of an address.
const LETTERS: usize = 58;
/// Bytes of the key.
const KEY: usize = 32;
/// Bytes of the checksum: the last ones of SHA-512/256 of the key.
const CHECKSUM: usize = 4;

/// An Algorand address whose checksum is right.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

impl Address {
    /// The text, 58 letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it to tell a few addresses apart: `6W47GC…3JDCI`.
    pub fn short(&self) -> String {
        // letters of base 32 are single bytes
        format!("{}…{}", &self.0[..6], &self.0[LETTERS - 5..])
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = text.chars().count();
        if count != LETTERS {
            return Err(format!("an Algorand address has {LETTERS} letters and digits, and this has {count}"));
        }
        let bytes = decode(text)?;
        let (key, checksum) = bytes.split_at(KEY);
        let sum = digest::digest(&digest::SHA512_256, key);
        if sum.as_ref()[KEY - CHECKSUM..] != *checksum {
            return Err("the checksum of this Algorand address is wrong: a letter differs from the real one".to_owned());
        }
        Ok(Self(text.into()))
    }
}

/// The bytes of an address. Bits beyond the last byte must be zero: otherwise one account would have four spellings.
fn decode(text: &str) -> Result<[u8; KEY + CHECKSUM], String> {
    let mut bytes = [0; KEY + CHECKSUM];
    let (mut buffer, mut bits, mut at) = (0_u32, 0, 0);
    for letter in text.chars() {
        let value = ALPHABET.iter().position(|have| char::from(*have) == letter);
        let Some(value) = value.and_then(|value| u32::try_from(value).ok()) else {
            return Err(format!("`{}` does not occur in Algorand addresses (A to Z, 2 to 7)", letter.escape_debug()));
        };
        buffer = (buffer << 5 | value) & 0xFFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(buffer >> bits & 0xFF).unwrap_or_default();
            }
            at += 1;
        }
    }
    if buffer & ((1 << bits) - 1) != 0 {
        return Err("this is not how the address is written: its last letter is another one".to_owned());
    }
    Ok(bytes)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::algorand;

    const REAL: &str = "6W47GCLXWEIEZ2LRQCXF7HGLOYSXYCXOPXJ5YE55EULFHB7O4RWIM3JDCI";

    #[test]
    fn addresses_of_the_real_chain_and_of_the_fake_one_are_right() {
        for text in [
            REAL,
            "7KJLCGZSMYMF6CKUGSTHRU75TN6CHJQZEUJZPSAO3AQLTMVLFPL6W5YX7I",
            // the account of all zeros
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY5HFKQ",
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()).as_deref(), Ok(text));
        }
        for key in 0..=255 {
            let text = algorand::address(key);
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text));
        }
        assert_eq!(REAL.parse::<Address>().unwrap().short(), "6W47GC…3JDCI");
    }

    #[test]
    fn every_slip_of_one_letter_is_found() {
        for at in 0..LETTERS {
            for letter in ALPHABET.iter().map(|letter| char::from(*letter)) {
                let slip: String = REAL.chars().enumerate().map(|(i, c)| if i == at { letter } else { c }).collect();
                assert_eq!(slip.parse::<Address>().is_ok(), slip == REAL, "{slip}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert_eq!(error("6W47"), "an Algorand address has 58 letters and digits, and this has 4");
        assert_eq!(
            error(&REAL.to_lowercase()),
            "`w` does not occur in Algorand addresses (A to Z, 2 to 7)",
            "6 is the same in both cases"
        );
        // I is 01000: the last three bits but two belong to no byte
        assert_eq!(
            error(&format!("{}J", &REAL[..57])),
            "this is not how the address is written: its last letter is another one"
        );
        assert!(error(&REAL.replacen('W', "V", 1)).starts_with("the checksum of this Algorand address is wrong"));
    }
}

//! The reserve log: each verdict with what it rests on, as a chain of hashes. Each hash covers the record and the hash
//! before it, so that no record can be changed, left out or put in later without breaking every later one.
//!
//! A record that says the same as the one before keeps only what is new: when, and at which rounds and certificate times.
//! Once a day it says all of it again, so that the log can be let go up to there and what is left is whole in itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ring::digest;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::micro::Micro;
use super::supply::Trust;

/// A hash: SHA-256.
pub type Hash = [u8; 32];

/// What stands in the place of the hash before the first record.
pub const BEGINNING: Hash = [0; 32];

/// One record. The order of its fields is what is hashed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number, from 1.
    pub n: u64,
    /// When the look had ended, UTC.
    pub at: String,
    /// `backed`, `backed in part`, `short` or `unknown`.
    pub verdict: String,
    /// The round that each usable node was at.
    pub rounds: BTreeMap<String, u64>,
    /// The times in the certificates of the supply, before custody was read and after it.
    pub certified: Vec<String>,
    /// The record whose state is still the state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub same: Option<u64>,
    /// The state, where it is another one than before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<State>,
}

/// All that a verdict rests on but the times.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// `backed`, `backed in part`, `short` or `unknown`.
    pub verdict: String,
    /// Why it is unknown, or how it was confirmed.
    pub why: Option<String>,
    /// How much is missing, where it is short.
    pub short: Option<Micro>,
    /// The supply before custody was read and after it; one where they are the same, none where it is unknown.
    pub supply: Vec<Supply>,
    /// Custody, an account each.
    pub custody: Vec<Account>,
    /// Nodes that could not be used, and why.
    pub unusable: BTreeMap<String, String>,
    /// What may be missing without being short.
    pub tolerance: Micro,
    /// The shortfall that people knew of and that was in force.
    pub known_shortfall: Micro,
}

/// The supply of the token canister, micro-units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the field is what the whole is called after")]
pub struct Supply {
    /// All of it.
    pub supply: Micro,
    /// What the canister's books hold as locked.
    pub locked: Micro,
    /// What was minted for ckETH.
    pub cketh_backed: Micro,
    /// How far it can be believed.
    pub trust: Trust,
}

/// A custody account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whose.
    pub address: Address,
    /// Whether it counts: somebody can sign for it.
    pub spendable: bool,
    /// Micro-algos, where they are known.
    pub amount: Option<Micro>,
    /// Micro-algos that cannot leave it.
    pub min_balance: Option<Micro>,
    /// Who signs for it, where that is another key than its own.
    pub auth: Option<String>,
    /// The nodes that say so.
    pub nodes: Vec<String>,
    /// Why it is unknown.
    pub why: Option<String>,
}

/// A record as it is kept: its text is what was hashed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The number of the record.
    pub n: u64,
    /// The record as JSON without white space.
    pub text: String,
    /// The hash of the one before and of this text.
    pub hash: Hash,
}

/// A look that is to be recorded: the state, and what is new at every look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When the look had ended, UTC.
    pub at: String,
    /// The round that each usable node was at.
    pub rounds: BTreeMap<String, u64>,
    /// The times in the certificates.
    pub certified: Vec<String>,
    /// What the verdict rests on.
    pub state: State,
}

impl Entry {
    /// The next link of the chain: after `last`, while `current` is the record that holds the present state.
    pub fn link(self, last: Option<(u64, Hash)>, current: Option<(u64, &State)>) -> Result<Link, String> {
        let (n, before) = last.map_or((1, BEGINNING), |(n, hash)| (n + 1, hash));
        let Self { at, rounds, certified, state } = self;
        let same = current.filter(|(_, current)| **current == state).map(|(n, _)| n);
        let verdict = state.verdict.clone();
        let state = if same.is_some() { None } else { Some(state) };
        let record = Record { n, at, verdict, rounds, certified, same, state };
        let text = record.text()?;
        Ok(Link { n, hash: hash(&before, &text), text })
    }
}

impl Record {
    /// The one way in which it is written.
    pub fn text(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| format!("cannot be written: {error}"))
    }

    /// Reads a record.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("is no record: {error}"))
    }
}

/// The state that a record stands for, and the number of the record that holds it; nothing where there is none that can be
/// read. `held`: the text of an earlier record.
pub fn state_of<E>(text: &str, held: impl FnOnce(u64) -> Result<Option<String>, E>) -> Result<Option<(u64, State)>, E> {
    let Ok(record) = Record::read(text) else { return Ok(None) };
    match (record.state, record.same) {
        (Some(state), _) => Ok(Some((record.n, state))),
        (None, Some(same)) => {
            let held = held(same)?.and_then(|text| Record::read(&text).ok());
            Ok(held.and_then(|record| Some((same, record.state?))))
        }
        (None, None) => Ok(None),
    }
}

/// The hash of a record that follows `before`.
pub fn hash(before: &Hash, text: &str) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before);
    context.update(text.as_bytes());
    let mut out = BEGINNING;
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// A hash in letters.
pub fn hex(hash: &Hash) -> String {
    hash.iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The hash that the letters mean.
pub fn unhex(text: &str) -> Option<Hash> {
    let mut out = BEGINNING;
    if text.len() != out.len() * 2 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(out)
}

/// A walk along the chain, record by record.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The hash of the record that was seen last.
    pub last: Hash,
    /// The number of that record.
    pub n: u64,
}

impl Default for Walk {
    fn default() -> Self {
        Self { last: BEGINNING, n: 0 }
    }
}

impl Walk {
    /// Looks at the next link; otherwise where and how the chain is broken.
    pub fn step(&mut self, link: &Link) -> Result<(), String> {
        let n = self.n + 1;
        if link.n != n {
            return Err(format!("record {n} is missing: after it comes {}", link.n));
        }
        if hash(&self.last, &link.text) != link.hash {
            return Err(format!("record {n} is not what was written: its hash is another one"));
        }
        if Record::read(&link.text).map_or(true, |record| record.n != n) {
            return Err(format!("record {n} does not bear its number"));
        }
        (self.last, self.n) = (link.hash, n);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::custody::kit::address;

    fn entry(minute: u64, amount: i128) -> Entry {
        let state = State {
            verdict: "backed".to_owned(),
            why: None,
            short: None,
            supply: vec![Supply {
                supply: Micro(28_814_549),
                locked: Micro(23_419_000),
                cketh_backed: Micro(5_395_549),
                trust: Trust::Verified,
            }],
            custody: vec![Account {
                address: address(1),
                spendable: true,
                amount: Some(Micro(amount)),
                min_balance: Some(Micro(100_000)),
                auth: None,
                nodes: vec!["a".to_owned(), "b".to_owned()],
                why: None,
            }],
            unusable: BTreeMap::new(),
            tolerance: Micro(10_000),
            known_shortfall: Micro(0),
        };
        let rounds = BTreeMap::from([("a".to_owned(), 58_000_000 + minute * 21)]);
        Entry { at: format!("2026-11-23T09:{minute:02}:00Z"), rounds, certified: vec!["t".to_owned()], state }
    }

    /// A chain of five looks, of which the fourth sees another balance.
    fn chain() -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        let mut current: Option<(u64, State)> = None;
        for (minute, amount) in (0..).zip([9_007_199_254_740_993, 9_007_199_254_740_993, 9_007_199_254_740_993, 5, 5]) {
            let last = links.last().map(|link| (link.n, link.hash));
            let entry = entry(minute, amount);
            let state = entry.state.clone();
            let link = entry.link(last, current.as_ref().map(|(n, state)| (*n, state))).unwrap();
            if Record::read(&link.text).unwrap().state.is_some() {
                current = Some((link.n, state));
            }
            links.push(link);
        }
        links
    }

    fn walked(links: &[Link]) -> Result<u64, String> {
        let mut walk = Walk::default();
        links.iter().try_for_each(|link| walk.step(link))?;
        Ok(walk.n)
    }

    #[test]
    fn a_state_is_written_once_and_the_chain_holds() {
        let links = chain();
        let records: Vec<Record> = links.iter().map(|link| Record::read(&link.text).unwrap()).collect();
        let same: Vec<Option<u64>> = records.iter().map(|record| record.same).collect();
        assert_eq!(same, [None, Some(1), Some(1), None, Some(4)]);
        assert_eq!(walked(&links), Ok(5));
        assert!(links[0].text.contains("\"9007199254740993\""), "{}", links[0].text);
        assert!(links[1].text.len() < 200, "{}", links[1].text);
        for (link, record) in links.iter().zip(&records) {
            assert_eq!(record.text().as_ref(), Ok(&link.text), "there is one way to write it");
        }
        assert_eq!(unhex(&hex(&links[0].hash)), Some(links[0].hash));
        assert_eq!((unhex("00"), unhex(&"zz".repeat(32)), unhex(&"é".repeat(32))), (None, None, None));
    }

    #[test]
    fn what_is_left_of_it_is_proved_from_the_hash_before_it() {
        let links = chain();
        let walked = |last: Hash, links: &[Link]| {
            let mut walk = Walk { last, n: 3 };
            links.iter().try_for_each(|link| walk.step(link)).map(|()| walk.n)
        };
        assert_eq!(walked(links[2].hash, &links[3..]), Ok(5));
        let other = "record 4 is not what was written: its hash is another one".to_owned();
        assert_eq!(walked(links[1].hash, &links[3..]), Err(other));
        let gone = "record 4 is missing: after it comes 5".to_owned();
        assert_eq!(walked(links[2].hash, &links[4..]), Err(gone));
    }

    #[test]
    fn every_way_to_tamper_with_it_is_found() {
        let whole = chain();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at].text = changed[at].text.replace(":00Z", ":01Z");
            assert_eq!(
                walked(&changed),
                Err(format!("record {} is not what was written: its hash is another one", at + 1))
            );
            // whoever also corrects the hash breaks the next one
            let before = if at == 0 { BEGINNING } else { changed[at - 1].hash };
            changed[at].hash = hash(&before, &changed[at].text);
            assert_eq!(walked(&changed).is_ok(), at + 1 == whole.len());
            let mut shorter = whole.clone();
            shorter.remove(at);
            assert_eq!(walked(&shorter).is_ok(), at + 1 == whole.len());
        }
        let mut swapped = whole;
        swapped.swap(1, 2);
        assert_eq!(walked(&swapped), Err("record 2 is missing: after it comes 3".to_owned()));
    }
}

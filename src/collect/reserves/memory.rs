//! What the reserve check remembers between two cycles, and what people accepted meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bridge::address::Address;
use crate::bridge::flows::Flows;
use crate::bridge::freshness::Past;
use crate::bridge::micro::Micro;
use crate::model::baseline::{Baselines, Sighting};
use crate::model::time::Time;

/// The baseline of the flows: the surplus that nothing unmatched has taken from.
pub const SURPLUS: &str = "reserves/surplus";
/// The baseline of the supply: that there is one.
const PRESENT: &str = "supply/present";
/// What it says as long as nothing vanished.
const THERE: &str = "yes";
/// Who signs for an account that was not rekeyed.
const OWN_KEY: &str = "own key";

/// The memory of the source. One of another form (an older version) is as good as none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// When the source ran first.
    pub began: Option<Time>,
    /// The round that each node was at.
    pub rounds: BTreeMap<String, Past>,
    /// When there was a verdict last.
    pub proof: Option<Time>,
    /// Whether that was a shortfall.
    pub short: bool,
    /// Something bad was seen and has not been confirmed yet.
    pub doubt: Option<Doubt>,
    /// Addresses that the nodes contradicted each other about.
    pub disagree: BTreeSet<Address>,
    /// Addresses that somebody else signs for.
    pub rekeyed: BTreeSet<Address>,
    /// By how much the canister's books were out.
    pub gap: Micro,
    /// The flows; none before both chains were read.
    pub flows: Option<Flows>,
    /// The accepted surplus that the flows have taken over.
    pub applied: Option<String>,
    /// The supply that was seen last.
    pub supply: Option<Micro>,
    /// The supply that was there before it vanished.
    pub vanished: Option<Micro>,
    /// What a person should know of the last look.
    pub why: Option<String>,
}

/// Something bad that was seen once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Doubt {
    /// When.
    pub at: Time,
    /// How many nodes said that something is missing; 0 where it was something else.
    pub nodes: usize,
}

impl Memory {
    /// What an earlier run wrote, with what was accepted since.
    pub fn read(json: Option<&serde_json::Value>, baselines: &Baselines, now: Time) -> Self {
        let mut memory: Self = json.and_then(|json| Self::deserialize(json).ok()).unwrap_or_default();
        memory.began.get_or_insert(now);
        memory.take_over(baselines.get(SURPLUS));
        if memory.vanished.is_some_and(|lost| baselines.get(PRESENT) == Some(&gone(lost))) {
            // accepted: what follows is a new beginning
            (memory.vanished, memory.flows) = (None, None);
        }
        memory
    }

    fn take_over(&mut self, accepted: Option<&String>) {
        let is_new = self.applied.is_some() && accepted.is_some() && self.applied.as_ref() != accepted;
        let surplus = accepted.and_then(|text| text.parse().ok());
        if let (true, Some(flows), Some(surplus)) = (is_new, &mut self.flows, surplus) {
            *flows = flows.rebased(surplus);
        }
        self.applied = accepted.cloned();
    }

    /// What is to have a baseline. `signers`: who signs for each account, where that is known.
    pub fn sightings(
        &self,
        signers: &[(&Address, Option<&str>)],
        is_settled: bool,
        baselines: &Baselines,
    ) -> Vec<Sighting> {
        let mut seen = Vec::new();
        if let Some(flows) = self.flows.as_ref().filter(|_| is_settled) {
            seen.push(Sighting::new(SURPLUS, flows.baseline().to_string()));
        }
        if self.supply.is_some() {
            seen.push(Sighting::new(PRESENT, self.vanished.map_or_else(|| THERE.to_owned(), gone)));
        }
        for (address, auth) in signers {
            let name = signer(address);
            // an account that is rekeyed at first sight was not meant to be
            let is_first = !baselines.contains_key(&name);
            seen.push(Sighting::new(name, auth.filter(|_| !is_first).unwrap_or(OWN_KEY)));
        }
        seen
    }
}

/// The name of the baseline for who signs for an account.
pub fn signer(address: &Address) -> String {
    format!("signer/{address}")
}

/// Whether another key than the accepted one signs for an account.
pub fn is_rekeyed(address: &Address, auth: Option<&str>, baselines: &Baselines) -> bool {
    let accepted = baselines.get(&signer(address)).map_or(OWN_KEY, String::as_str);
    auth.unwrap_or(OWN_KEY) != accepted
}

fn gone(lost: Micro) -> String {
    format!("no, it was {}", lost.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::flows::Levels;
    use crate::support::algorand;
    use std::time::Duration;

    fn at(minutes: u64) -> Time {
        Time::from_millis(0) + Duration::from_mins(minutes)
    }

    fn accepted(pairs: &[(&str, &str)]) -> Baselines {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_accepted_surplus_is_taken_over_once() {
        let levels = |custody| Levels { custody, backed: 23_000_000 };
        let flows = Flows::begin(levels(28_000_000), at(0)).step(levels(25_000_000), at(60), Duration::ZERO, 10_000);
        let memory = Memory { flows: Some(flows), applied: Some("5000000".to_owned()), ..Memory::default() };
        let json = serde_json::to_value(&memory).unwrap();
        let seen = |memory: &Memory| memory.sightings(&[], true, &Baselines::new());
        assert_eq!(seen(&memory), [Sighting::new(SURPLUS, "2000000")]);
        let unmatched = |memory: &Memory| memory.flows.as_ref().unwrap().unmatched(10_000).outflow;
        let same = Memory::read(Some(&json), &accepted(&[(SURPLUS, "5000000")]), at(61));
        assert_eq!((unmatched(&same), same.applied.as_deref()), (3_000_000, Some("5000000")));
        let moved = Memory::read(Some(&json), &accepted(&[(SURPLUS, "2000000")]), at(61));
        assert_eq!((unmatched(&moved), moved.applied.as_deref()), (0, Some("2000000")));
        assert_eq!(seen(&moved), [Sighting::new(SURPLUS, "2000000")]);
    }

    #[test]
    fn a_vanished_supply_stays_so_until_it_is_accepted() {
        let memory = Memory { supply: Some(Micro(0)), vanished: Some(Micro(23)), ..Memory::default() };
        let json = serde_json::to_value(&memory).unwrap();
        assert_eq!(memory.sightings(&[], true, &Baselines::new()), [Sighting::new(PRESENT, "no, it was 23")]);
        let read = |value: &str| Memory::read(Some(&json), &accepted(&[(PRESENT, value)]), at(0)).vanished;
        assert_eq!(
            (read("yes"), read("no, it was 22"), read("no, it was 23")),
            (Some(Micro(23)), Some(Micro(23)), None)
        );
    }

    #[test]
    fn an_account_that_is_rekeyed_at_first_sight_is_no_baseline() {
        let address: Address = algorand::address(1).parse().unwrap();
        let name = signer(&address);
        let memory = Memory::default();
        let none = Baselines::new();
        assert_eq!(memory.sightings(&[(&address, Some("EVE"))], true, &none), [Sighting::new(name.as_str(), OWN_KEY)]);
        assert!(is_rekeyed(&address, Some("EVE"), &none) && !is_rekeyed(&address, None, &none));
        let own = accepted(&[(&name, OWN_KEY)]);
        assert_eq!(memory.sightings(&[(&address, Some("EVE"))], true, &own), [Sighting::new(name.as_str(), "EVE")]);
        let eve = accepted(&[(&name, "EVE")]);
        assert!(!is_rekeyed(&address, Some("EVE"), &eve) && is_rekeyed(&address, None, &eve), "back is a change too");
    }
}

//! What tests of the reserve check share: a bridge of two fake nodes, and a canister that says what a test wrote.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Chains, Ground, Ledger, Part, Reserves};
use crate::bridge::algod::Node;
use crate::bridge::look;
use crate::bridge::supply::{SupplyFault, SupplyLeg, Trust};
use crate::bridge::verdict::Leg;
use crate::collect::algorand::Algorand;
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::support::algorand::{AlgodFake, address};

/// What ALGO must back in the beginning, micro-units.
pub const BACKED: u128 = 23_419_000;
/// What ckETH backs.
pub const CKETH: u128 = 5_395_549;

/// A canister that says what a test wrote, in turn; the last word again and again.
pub struct Scripted {
    supply: Mutex<VecDeque<Leg>>,
    certified: Mutex<VecDeque<Leg>>,
    /// How often it was asked to certify.
    pub asked: Mutex<usize>,
}

/// A supply of which so much must be backed by ALGO, and which a test may change.
pub fn leg(backed: u128) -> SupplyLeg {
    SupplyLeg {
        supply: backed + CKETH,
        locked: backed,
        cketh_backed: CKETH,
        at: NOW,
        certified_at: Some(NOW),
        trust: Trust::Verified,
    }
}

/// When the tests play.
pub const NOW: Time = Time::from_millis(1_795_424_400_000);

impl Scripted {
    /// Says this for ever, and certifies it.
    pub fn saying(backed: u128) -> Self {
        let certified = SupplyLeg { trust: Trust::Certified, ..leg(backed) };
        let turn = |leg| Mutex::new(VecDeque::from([leg]));
        Self { supply: turn(Ok(leg(backed))), certified: turn(Ok(certified)), asked: Mutex::new(0) }
    }

    /// From now on these.
    pub fn now_says(&self, legs: impl IntoIterator<Item = Leg>) {
        *self.supply.lock().unwrap() = legs.into_iter().collect();
    }

    /// From now on certifies this.
    pub fn now_certifies(&self, leg: Leg) {
        *self.certified.lock().unwrap() = VecDeque::from([leg]);
    }
}

fn next(turns: &Mutex<VecDeque<Leg>>) -> Leg {
    let mut turns = turns.lock().unwrap();
    let next = if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() };
    next.unwrap_or(Err(SupplyFault::Timeout))
}

impl look::Ledger for Scripted {
    async fn supply(&self, _: &Arc<Net>, _: Time, _: Duration) -> Leg {
        next(&self.supply)
    }

    async fn certified_supply(&self, _: &Arc<Net>, _: Time, _: Duration) -> Leg {
        *self.asked.lock().unwrap() += 1;
        next(&self.certified)
    }
}

/// Nodes of fakes, called `a`, `b`, ….
pub fn nodes(fakes: &[AlgodFake]) -> Arc<[Node]> {
    let node =
        |(fake, name): (&AlgodFake, char)| Node { name: name.to_string(), url: Secret::new(&fake.url()), token: None };
    fakes.iter().zip('a'..).map(node).collect()
}

/// A check on these nodes of the custody account 1, with the unspendable account 3.
pub fn reserves(fakes: &[AlgodFake]) -> Reserves {
    let of = |key: u8| address(key).parse().unwrap();
    Reserves {
        every: Duration::from_mins(1),
        chains: Chains { nodes: nodes(fakes), network: "mainnet-v1.0".to_owned(), ledger: Ledger(None) },
        spendable: vec![of(1)],
        addresses: vec![of(1), of(3)],
        tolerance: 10_000,
        tolerance_ppm: 0,
        confirm_after: Duration::from_millis(20),
        settle: Duration::ZERO,
        known: None,
        has_claims: false,
    }
}

/// A configuration in which everything is there.
pub fn ground() -> Ground {
    let node = Node { name: "a".to_owned(), url: Secret::new("https://a.example"), token: None };
    let algorand = Algorand {
        every: Duration::from_mins(1),
        nodes: Arc::from([node]),
        network: "mainnet-v1.0".to_owned(),
        indexer: None,
    };
    Ground { algorand: Part::Good(algorand), ledger: Part::Good(Ledger(None)), has_claims: false }
}

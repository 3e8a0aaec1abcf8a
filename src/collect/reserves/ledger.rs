//! The chains that the reserve check stands on, as other parts of the configuration name them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::bridge::algod::Node;
use crate::bridge::canister::Canister;
use crate::bridge::look;
use crate::bridge::supply::SupplyFault;
use crate::bridge::verdict::Leg;
use crate::collect::algorand::Algorand;
use crate::model::fault::{Fault, Place};
use crate::model::time::Time;
use crate::net::Net;
use crate::text::check::Check;

/// Where the supply is read: the token canister; none in a build that cannot ask any.
#[derive(Clone, Debug)]
pub struct Ledger(pub Option<Arc<Canister>>);

/// What is read.
#[derive(Clone, Debug)]
pub struct Chains {
    /// Whom to ask for custody.
    pub nodes: Arc<[Node]>,
    /// The network they must belong to.
    pub network: String,
    /// Where the supply is read.
    pub ledger: Ledger,
}

/// A part of the configuration that another one stands on.
#[derive(Clone, Debug)]
pub enum Part<T> {
    /// It is not there.
    Absent,
    /// It is there and has faults, which are told already.
    Broken,
    /// It is there.
    Good(T),
}

/// What the reserve check stands on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// `[sources.algorand]`
    pub algorand: Part<Algorand>,
    /// The token canister of `[sources.icp]`.
    pub ledger: Part<Ledger>,
    /// Whether `[sources.backend]` is there.
    pub has_claims: bool,
}

impl Ground {
    /// The chains; what is missing is a fault of `table`.
    pub(super) fn chains(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Chains> {
        let mut fault = |what: &str, help: &str| {
            check.fault(Fault::error(what, Place::File(table.clone())).help(help));
        };
        if matches!(self.algorand, Part::Absent) {
            fault("[sources.reserves] needs [sources.algorand]", "name the nodes that custody is read from there");
        }
        if matches!(self.ledger, Part::Absent) {
            fault("[sources.reserves] needs [sources.icp]", "name the canister that the supply is read from there");
        }
        let (Part::Good(algorand), Part::Good(ledger)) = (&self.algorand, &self.ledger) else { return None };
        let Algorand { nodes, network, .. } = algorand;
        Some(Chains { nodes: nodes.clone(), network: network.clone(), ledger: ledger.clone() })
    }
}

impl look::Ledger for Ledger {
    async fn supply(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Leg {
        match &self.0 {
            Some(canister) => canister.supply(net, now, limit).await,
            None => Err(SupplyFault::NotBuilt),
        }
    }

    async fn certified_supply(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Leg {
        match &self.0 {
            Some(canister) => canister.certified_supply(net, now, limit).await,
            None => Err(SupplyFault::NotBuilt),
        }
    }
}

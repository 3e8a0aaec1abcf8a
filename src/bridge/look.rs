//! One look at both chains: supply, custody, supply.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::custody::Watch;
use super::freshness::Past;
use super::verdict::{Leg, Sandwich};
use crate::model::time::Time;
use crate::net::Net;

/// Where the supply is read: the canister, or in a test what plays it.
pub trait Ledger {
    /// One consistent supply, signed by a node.
    fn supply(&self, net: &Arc<Net>, now: Time, limit: Duration) -> impl Future<Output = Leg> + Send;
    /// The same, certified by the subnet: costs the canister a little, so it only confirms.
    fn certified_supply(&self, net: &Arc<Net>, now: Time, limit: Duration) -> impl Future<Output = Leg> + Send;
}

/// Looks once. With `certified` the second supply is, where the canister can be asked for that in time; otherwise it is an
/// ordinary one.
pub async fn look(
    watch: &Watch<'_>,
    ledger: &impl Ledger,
    certified: Option<Duration>,
    rounds: &BTreeMap<String, Past>,
    now: Time,
    net: &Arc<Net>,
) -> Sandwich {
    let begun = Instant::now();
    let of_supply = watch.limit * 2;
    let before = ledger.supply(net, now + begun.elapsed(), of_supply).await;
    let said = watch.read(rounds, now + begun.elapsed(), net).await;
    let sealed = match certified {
        Some(limit) => Some(ledger.certified_supply(net, now + begun.elapsed(), limit).await),
        None => None,
    };
    let after = match sealed {
        Some(Ok(leg)) => Ok(leg),
        // of a lie no second question is asked
        Some(Err(fault)) if fault.is_untrusted() => Err(fault),
        Some(Err(_)) | None => ledger.supply(net, now + begun.elapsed(), of_supply).await,
    };
    Sandwich { before, said, after, took: begun.elapsed() }
}

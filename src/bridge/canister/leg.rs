//! One consistent supply leg: the part backed by ckETH, the supply, and that part again. Only where the part stands still
//! is it of the same moment as the supply between.

use std::time::Duration;

use candid::{CandidType, Principal};
use serde::Deserialize;

use super::reply::{self, NOTHING, Reserves, Swap};
use super::wire::of_nanos;
use super::{Line, fault, state};
use crate::bridge::supply::{SupplyFault, SupplyLeg, Trust};
use crate::model::time::Time;

/// Attempts by queries, each a fraction of a second.
const TRIES: u32 = 4;
/// Attempts by calls, each some seconds.
const CERTIFIED_TRIES: u32 = 2;
/// Between two attempts: about a round of a subnet.
const PAUSE: Duration = Duration::from_millis(500);
/// How old the signatures of a leg may be: an honest node that is behind does not speak of now.
const FRESH: Duration = Duration::from_mins(1);
/// Decimals of ckALGO: amounts are micro-units.
const DECIMALS: u8 = 6;

/// The figures of one attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    before: Swap,
    reserves: Reserves,
    /// What the token says of its supply.
    total: u128,
    after: Swap,
}

impl Seen {
    fn fits(&self) -> bool {
        let Reserves { locked_algo_reserves: locked, total_ck_algo_supply: supply } = self.reserves;
        let sum = locked.checked_add(self.before.cketh_backed_ckalgo);
        self.before == self.after && self.total == supply && sum == Some(supply)
    }

    /// The leg, where the figures can be of one moment although attempts have failed: twice the same is no motion.
    fn leg(self, at: Time, signed: Option<Time>, trust: Trust) -> Result<SupplyLeg, SupplyFault> {
        let Reserves { locked_algo_reserves: locked, total_ck_algo_supply: supply } = self.reserves;
        let cketh_backed = self.after.cketh_backed_ckalgo;
        if self.total != supply {
            let what = format!("icrc1_total_supply says {} and get_reserve_ratio {supply}", self.total);
            return Err(SupplyFault::InterfaceChanged(what));
        }
        if cketh_backed > supply {
            let what = format!("more is backed by ckETH ({cketh_backed}) than there is ({supply})");
            return Err(SupplyFault::InterfaceChanged(what));
        }
        Ok(SupplyLeg { supply, locked, cketh_backed, at, certified_at: signed, trust })
    }
}

/// The leg by queries.
pub async fn verified(line: Line, id: Principal) -> Result<SupplyLeg, SupplyFault> {
    let mut last = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        // a leg is as old as the oldest reply in it, not as one that was thrown away
        line.wire.forget();
        let seen = by_queries(&line, id).await?;
        if seen.fits() || (seen.before == seen.after && last == Some(seen) && attempt + 1 == TRIES) {
            let signed = line.wire.signed();
            fresh(&line, signed)?;
            return seen.leg(line.moment.now(), signed, Trust::Verified);
        }
        last = Some(seen);
    }
    Err(SupplyFault::InMotion)
}

async fn by_queries(line: &Line, id: Principal) -> Result<Seen, SupplyFault> {
    let before: Swap = query(line, id, "get_swap_config").await?;
    let (reserves, total, decimals) = tokio::join!(
        query::<Reserves>(line, id, "get_reserve_ratio"),
        query::<u128>(line, id, "icrc1_total_supply"),
        query::<u8>(line, id, "icrc1_decimals"),
    );
    let decimals = decimals?;
    if decimals != DECIMALS {
        return Err(SupplyFault::InterfaceChanged(format!("the token has {decimals} decimals and not {DECIMALS}")));
    }
    let after = query(line, id, "get_swap_config").await?;
    Ok(Seen { before, reserves: reserves?, total: total?, after })
}

async fn query<T: CandidType + for<'a> Deserialize<'a>>(
    line: &Line,
    id: Principal,
    method: &str,
) -> Result<T, SupplyFault> {
    let reply = state::query(line, id, method).await?;
    reply::read(method, &reply)
}

/// The leg by calls.
pub async fn certified(line: Line, id: Principal) -> Result<SupplyLeg, SupplyFault> {
    let mut last = None;
    for attempt in 0..CERTIFIED_TRIES {
        let (seen, signed) = by_calls(&line, id).await?;
        if seen.fits() || (seen.before == seen.after && (last == Some(seen) || attempt + 1 == CERTIFIED_TRIES)) {
            fresh(&line, Some(signed))?;
            return seen.leg(line.moment.now(), Some(signed), Trust::Certified);
        }
        last = Some(seen);
    }
    Err(SupplyFault::InMotion)
}

/// The figures and the time of the oldest certificate.
async fn by_calls(line: &Line, id: Principal) -> Result<(Seen, Time), SupplyFault> {
    let (before, first) = call::<Swap>(line, id, "get_swap_config").await?;
    let (reserves, second) = call::<Reserves>(line, id, "get_reserve_ratio").await?;
    let (after, third) = call(line, id, "get_swap_config").await?;
    // in certificates the order of execution is beyond doubt
    if second < first || third < second {
        return Err(SupplyFault::Untrusted("the certificates are not of the order of the calls".to_owned()));
    }
    Ok((Seen { before, reserves, total: reserves.total_ck_algo_supply, after }, first))
}

async fn call<T: CandidType + for<'a> Deserialize<'a>>(
    line: &Line,
    id: Principal,
    method: &str,
) -> Result<(T, Time), SupplyFault> {
    let call = line.agent.update(&id, method).with_arg(NOTHING).call();
    let (reply, certificate) = call.and_wait().await.map_err(|error| fault::of_call(&error))?;
    Ok((reply::read(method, &reply)?, of_nanos(state::time_of(&certificate)?)))
}

/// Refuses a leg that was signed too long ago, or not yet.
fn fresh(line: &Line, signed: Option<Time>) -> Result<(), SupplyFault> {
    let Some(signed) = signed else { return Err(SupplyFault::Untrusted("no node has signed it".to_owned())) };
    let age = line.moment.age(signed)?;
    if age > FRESH {
        return Err(SupplyFault::Untrusted(format!("it was signed {} s ago, and should be of now", age.as_secs())));
    }
    Ok(())
}

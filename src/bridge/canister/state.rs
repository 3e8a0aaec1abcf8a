//! What the subnet certifies of a canister, and what the canister answers of itself.

use std::fmt::Write as _;

use candid::{Encode, Principal};
use ic_agent::Certificate;
use ic_agent::hash_tree::{Label, LookupResult};

use super::reply::{self, NOTHING, Status, Which};
use super::wire::of_nanos;
use super::{Line, fault};
use crate::bridge::supply::{Health, SupplyFault};
use crate::model::time::Time;

/// The query that the canisters of the bridge answer with their status; a canister that lacks it says so, and so answers.
const PING: &str = "get_canister_status";

/// Code and controllers of a canister.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// The hash of its code in hexadecimal digits; `None` where it has none.
    pub code: Option<String>,
    /// Who may change it, in order of their names.
    pub controllers: Vec<String>,
    /// The time in the certificate.
    pub certified_at: Time,
}

/// One query: verified by the signature of a node. A nonce keeps boundary nodes from answering out of a cache.
pub async fn query(line: &Line, id: Principal, method: &str) -> Result<Vec<u8>, SupplyFault> {
    let query = line.agent.query(&id, method).with_arg(NOTHING).with_nonce_generation();
    query.call_with_verification().await.map_err(|error| fault::of(&error))
}

/// Whether it answers.
pub async fn ping(line: Line, id: Principal) -> Result<(), SupplyFault> {
    let answer = query(&line, id, PING).await;
    match answer {
        // whether the reply can be read does not matter: a node has signed that there is one
        Ok(_) | Err(SupplyFault::Rejected { health: Health::InterfaceChanged, .. }) => {
            let signed = line.wire.signed();
            signed.map_or(Ok(()), |signed| line.moment.age(signed).map(|_| ()))
        }
        Err(fault) => Err(fault),
    }
}

/// Code and controllers.
pub async fn read(line: Line, id: Principal) -> Result<State, SupplyFault> {
    let path = |leaf: &str| vec!["canister".into(), Label::from_bytes(id.as_slice()), leaf.into()];
    let paths = vec![path("module_hash"), path("controllers")];
    let certificate = line.agent.read_state_raw(paths, id).await.map_err(|error| fault::of(&error))?;
    let certified_at = of_nanos(time_of(&certificate)?);
    line.moment.age(certified_at)?;
    let leaf = |leaf: &str| found(&certificate, [b"canister", id.as_slice(), leaf.as_bytes()]);
    let Some(controllers) = leaf("controllers")? else {
        let text = "the subnet certifies that there is no such canister".to_owned();
        return Err(SupplyFault::Rejected { health: Health::Gone, text });
    };
    let controllers: Vec<Principal> = serde_cbor::from_slice(controllers)
        .map_err(|_| SupplyFault::InterfaceChanged("the list of controllers cannot be read".to_owned()))?;
    let mut controllers: Vec<String> = controllers.iter().map(Principal::to_text).collect();
    controllers.sort();
    Ok(State { code: leaf("module_hash")?.map(hex), controllers, certified_at })
}

/// The cycles, of a canister that lets everybody see them.
pub async fn cycles(line: Line, id: Principal) -> Result<u128, SupplyFault> {
    let arg = Encode!(&Which { canister_id: id })
        .map_err(|error| SupplyFault::InterfaceChanged(format!("canister_status cannot be asked: {error}")))?;
    let query = line.agent.query(&Principal::management_canister(), "canister_status");
    let query = query.with_effective_canister_id(id).with_arg(arg).with_nonce_generation();
    let reply = query.call_with_verification().await.map_err(|error| fault::of(&error))?;
    Ok(reply::read::<Status>("canister_status", &reply)?.cycles)
}

/// Messages that the subnet has executed.
pub async fn subnet_updates(line: Line, id: Principal) -> Result<u64, SupplyFault> {
    let subnet = line.agent.get_subnet_by_canister(&id).await.map_err(|error| fault::of(&error))?;
    let metrics = line.agent.read_state_subnet_metrics(subnet.id()).await.map_err(|error| fault::of(&error))?;
    Ok(metrics.update_transactions_total)
}

/// A leaf of a certificate whose signature was checked; `None` where it is certified to be absent.
fn found<'a>(certificate: &'a Certificate, path: [&[u8]; 3]) -> Result<Option<&'a [u8]>, SupplyFault> {
    match certificate.tree.lookup_path(path) {
        LookupResult::Found(value) => Ok(Some(value)),
        LookupResult::Absent => Ok(None),
        LookupResult::Unknown | LookupResult::Error => {
            Err(SupplyFault::Untrusted("the certificate leaves out what was asked for".to_owned()))
        }
    }
}

/// The time in a certificate, in nanoseconds since the epoch.
pub fn time_of(certificate: &Certificate) -> Result<u64, SupplyFault> {
    let LookupResult::Found(leaf) = certificate.tree.lookup_path([b"time".as_slice()]) else {
        return Err(SupplyFault::Untrusted("there is no time in the certificate".to_owned()));
    };
    leb128(leaf).ok_or_else(|| SupplyFault::Untrusted("the time in the certificate cannot be read".to_owned()))
}

/// An unsigned number in LEB128 that fits into 64 bits.
fn leb128(bytes: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate() {
        let part = u64::from(byte & 0x7f);
        let shift = u32::try_from(7 * at).ok()?;
        let moved = part.checked_shl(shift)?;
        if moved >> shift != part {
            return None;
        }
        number |= moved;
        if byte & 0x80 == 0 {
            return (at + 1 == bytes.len()).then_some(number);
        }
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_leb128_are_read_whole_or_not_at_all() {
        for (bytes, number) in [
            (&[0x00][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0xe5, 0x8e, 0x26], Some(624_485)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(u64::MAX)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], None),
            (&[0x80; 11], None),
            (&[0x80], None),
            (&[0x01, 0x01], None),
            (&[], None),
        ] {
            assert_eq!(leb128(bytes), number, "{bytes:?}");
        }
    }
}

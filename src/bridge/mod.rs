//! The bridge as its two chains show it, without asking its own backend: custody on Algorand, supply on the Internet
//! Computer. Amounts are whole micro-units; what could not be read is a fault with words, never a number.

pub mod address;
pub mod algod;
#[cfg(feature = "icp")]
pub mod canister;
#[cfg(not(feature = "icp"))]
#[path = "canister/absent.rs"]
pub mod canister;
pub mod custody;
pub mod flows;
pub mod freshness;
pub mod indexer;
pub mod log;
pub mod look;
pub mod micro;
pub mod supply;
pub mod verdict;

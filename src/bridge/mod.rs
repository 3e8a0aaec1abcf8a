//! The bridge as its two chains show it, without asking its own backend: custody on Algorand, supply on the Internet
//! Computer. Amounts are whole micro-units; what could not be read is a fault with words, never a number.

#[cfg(feature = "icp")]
pub mod canister;
#[cfg(not(feature = "icp"))]
#[path = "canister/absent.rs"]
pub mod canister;
pub mod supply;

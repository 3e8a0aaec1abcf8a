//! Canisters of a build without the feature `icp`: there are none, which the types know.

use std::sync::Arc;
use std::time::Duration;

use crate::bridge::supply::{SupplyFault, SupplyLeg};
use crate::model::time::Time;
use crate::net::Net;

/// A canister that this build cannot ask; no value of it exists.
#[derive(Clone, Debug)]
pub enum Canister {}

impl Canister {
    /// The supply.
    #[allow(clippy::unused_async, reason = "the build with the feature waits for the network here")]
    pub async fn supply(&self, _: &Arc<Net>, _: Time, _: Duration) -> Result<SupplyLeg, SupplyFault> {
        match *self {}
    }

    /// The supply, certified.
    #[allow(clippy::unused_async, reason = "the build with the feature waits for the network here")]
    pub async fn certified_supply(&self, _: &Arc<Net>, _: Time, _: Duration) -> Result<SupplyLeg, SupplyFault> {
        match *self {}
    }

    /// What was not to be believed.
    pub fn doubts(&self) -> Vec<String> {
        match *self {}
    }
}

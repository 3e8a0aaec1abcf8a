//! The source in a build without the feature `icp`: there is none, which the types know.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::Settings;
use crate::bridge::canister::Canister;
use crate::collect::Report;
use crate::model::baseline::{Baselines, Sighting};
use crate::model::fault::{Fault, Place};
use crate::model::time::Time;
use crate::net::Net;
use crate::text::check::Check;

/// A source that this build does not have; no value of it exists.
#[derive(Clone, Debug)]
pub enum Icp {}

impl Settings {
    /// Refuses the table: what it asks for is not there.
    #[allow(clippy::unused_self, reason = "the build with the feature reads the settings here")]
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Icp> {
        let what = "`[sources.icp]` needs the feature `icp`, and this program was built without it";
        let help = "build it with its default features, or remove the table";
        check.fault(Fault::error(what, Place::File(table.clone())).help(help));
        None
    }
}

impl Icp {
    /// How often it measures.
    pub const fn every(&self) -> Duration {
        match *self {}
    }

    /// What the configuration pins.
    pub const fn pins(&self) -> Vec<Sighting> {
        match *self {}
    }

    /// The canister of the token.
    pub const fn bridge(&self) -> Option<&Canister> {
        match *self {}
    }

    /// Measures.
    #[allow(clippy::unused_async, reason = "the build with the feature waits for the network here")]
    pub async fn collect(
        &self,
        _: Option<&serde_json::Value>,
        _: &Baselines,
        _: Time,
        _: Duration,
        _: &Arc<Net>,
    ) -> Report {
        match *self {}
    }
}

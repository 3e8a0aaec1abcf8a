//! `/monitoring/reserves`.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::bridge::micro::Micro;
use crate::model::time::Time;
use crate::text::money;
use crate::view::measured::Measured;
use crate::view::reserves::{Figure, Picture};
use crate::view::snapshot::Snapshot;

/// Custody on Algorand against the supply on the Internet Computer; null where they are not watched.
#[derive(Serialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct Reserves {
    /// Custody by what must be backed, rounded down.
    reserve_ratio: Option<f64>,
    /// ALGO.
    total_algo_locked: Option<f64>,
    /// ALGO.
    total_ck_algo_supply: Option<f64>,
    /// HEALTHY, WARNING (something is missing that does not count), CRITICAL or UNKNOWN.
    backing_health: Option<&'static str>,
    /// OPERATIONAL, DEGRADED or OFFLINE: the canister that signs for the custody.
    threshold_status: Option<&'static str>,
    /// The canisters of the bridge.
    canister_health: CanisterHealth,
    /// When the last verdict was reached.
    last_verification: Option<String>,
    /// When the figures were read.
    timestamp: Option<String>,
    /// Every figure to the last micro-unit, with who says so, how far that can be believed, and how old it is.
    figures: Vec<Figure>,
    #[serde(rename = "figures_age_seconds")]
    age_seconds: Option<f64>,
}

/// HEALTHY, DEGRADED (a reply that cannot be trusted) or OFFLINE.
#[derive(Serialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
pub struct CanisterHealth {
    simplified_bridge: Option<&'static str>,
    threshold_signer: Option<&'static str>,
}

/// How a canister is: HEALTHY, DEGRADED or OFFLINE; none where it is not known.
pub fn canister(measured: Measured<'_>, name: &str) -> Option<&'static str> {
    let of = |metric| measured.labelled(metric, "canister", name);
    match (of("canister_up")?, of("canister_untrusted_replies")) {
        (up, _) if up < 1.0 => Some("OFFLINE"),
        (_, Some(replies)) if replies > 0.0 => Some("DEGRADED"),
        _ => Some("HEALTHY"),
    }
}

impl Reserves {
    /// The document of a picture.
    pub fn new(snapshot: &Snapshot) -> Self {
        Self::of(snapshot.measured(), snapshot.reserves.as_ref(), snapshot.at)
    }

    /// Leaves out how old the figures are.
    pub fn forget_age(&mut self) {
        self.age_seconds = None;
    }

    /// The document of what was measured, and of the last look at the reserves, as `at` sees them.
    pub fn of(measured: Measured<'_>, look: Option<&Picture>, at: Time) -> Self {
        let signer = canister(measured, "threshold_signer");
        let of_canisters = Self {
            threshold_status: signer.map(|health| if health == "HEALTHY" { "OPERATIONAL" } else { health }),
            canister_health: CanisterHealth {
                simplified_bridge: canister(measured, "simplified_bridge"),
                threshold_signer: signer,
            },
            ..Self::default()
        };
        let Some(look) = look else { return of_canisters };
        let ratio = look.ratio();
        let health = match (look.record.verdict.as_str(), ratio) {
            ("backed" | "backed in part", Some(ratio)) if ratio < 1.0 => "WARNING",
            ("backed" | "backed in part", _) => "HEALTHY",
            ("short", _) => "CRITICAL",
            _ => "UNKNOWN",
        };
        // the age of the last verdict belongs to the cycle that measured it
        let age = measured.value("reserves_proof_age_seconds").and_then(|age| Duration::try_from_secs_f64(age).ok());
        // a look that did not end leaves the one before it in the log: that says nothing of now, but for what was short
        let is_old = age.is_none() && health != "CRITICAL";
        let (ratio, health) = if is_old { (None, "UNKNOWN") } else { (ratio, health) };
        let algos = |micro: Option<Micro>| micro.map(|micro| money::units(micro.0));
        Self {
            reserve_ratio: ratio,
            total_algo_locked: algos(look.custody()),
            total_ck_algo_supply: algos(look.supply().map(|supply| supply.supply)),
            backing_health: Some(health),
            last_verification: age.map(|age| (look.at - age).rfc3339()),
            timestamp: Some(look.at.rfc3339()),
            figures: look.figures(),
            age_seconds: Some(at.since(look.at).as_secs_f64()),
            ..of_canisters
        }
    }
}

//! The endpoints of the backend: where each is, how its answer is wrapped, and what makes an answer usable.

use serde_json::Value as Json;

use super::field::Body;
use crate::model::reading::Reason;
use crate::net::http::Response;
use crate::text::safe;

/// What can be asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Endpoint {
    /// Whether it runs, and which canisters it reaches.
    Health,
    /// Counters of its process, and which process it is.
    Metrics,
    /// Migrations.
    Migration,
    /// What it says of its reserves.
    Reserves,
    /// Mint jobs.
    Minting,
    /// Redeem jobs.
    Redemption,
    /// Deposits it has seen.
    Deposits,
    /// Whether the signer answers it.
    Threshold,
    /// Swaps of ckETH.
    Swap,
}

/// How an answer is wrapped: where its figures stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Envelope {
    /// `{success, data, timestamp}`
    Data,
    /// `{success, operation, data, timestamp}`
    Operation,
    /// `{success, operation, stats, timestamp}`
    Stats,
    /// The object itself, with or without `success`.
    Bare,
}

impl Envelope {
    /// The key that holds the figures.
    const fn key(self) -> Option<&'static str> {
        match self {
            Self::Data | Self::Operation => Some("data"),
            Self::Stats => Some("stats"),
            Self::Bare => None,
        }
    }
}

impl Endpoint {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Health,
        Self::Metrics,
        Self::Migration,
        Self::Reserves,
        Self::Minting,
        Self::Redemption,
        Self::Deposits,
        Self::Threshold,
        Self::Swap,
    ];

    /// Its path.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Metrics => "/metrics",
            Self::Migration => "/migration/stats",
            Self::Reserves => "/reserves/status",
            Self::Minting => "/ck-algo/minting/stats",
            Self::Redemption => "/ck-algo/redemption/stats",
            Self::Deposits => "/deposits/monitoring-stats",
            Self::Threshold => "/api/v1/threshold/status",
            Self::Swap => "/swap/metrics",
        }
    }

    const fn envelope(self) -> Envelope {
        match self {
            Self::Migration | Self::Deposits => Envelope::Data,
            Self::Reserves => Envelope::Operation,
            Self::Minting | Self::Redemption => Envelope::Stats,
            Self::Health | Self::Metrics | Self::Threshold | Self::Swap => Envelope::Bare,
        }
    }

    /// The figures in an answer, or why it has none.
    pub(super) fn read(self, response: &Response) -> Result<Body, Reason> {
        self.figures(response).map_err(|why| self.failed(&why))
    }

    /// The reason that what this endpoint tells is unknown.
    pub(super) fn failed(self, why: &str) -> Reason {
        Reason::new(format!("GET {}: {}", self.path(), safe::answer(why)))
    }

    fn figures(self, response: &Response) -> Result<Body, String> {
        let status = response.status.as_u16();
        let parsed: Result<Json, _> = serde_json::from_slice(&response.body);
        let Ok(Json::Object(mut object)) = parsed else {
            return Err(format!("HTTP {status}, {}", kind_of_body(response)));
        };
        let word = object.get("error").and_then(Json::as_str);
        if !response.status.is_success() {
            return Err(word.map_or_else(|| format!("HTTP {status}"), |word| format!("HTTP {status}: {word}")));
        }
        let envelope = self.envelope();
        match object.get("success") {
            Some(Json::Bool(true)) => {}
            Some(Json::Bool(false)) => {
                return Err(format!("it says that it failed: {}", word.unwrap_or("no reason is given")));
            }
            None if envelope == Envelope::Bare => {}
            other => return Err(format!("success: expected true, got {}", super::field::kind(other))),
        }
        let Some(key) = envelope.key() else { return Ok(Body::new("", Json::Object(object))) };
        match object.remove(key) {
            Some(Json::Object(inner)) => Ok(Body::new(key, Json::Object(inner))),
            other => Err(format!("{key}: expected an object, got {}", super::field::kind(other.as_ref()))),
        }
    }
}

/// What a body is that is not a JSON object: a page of a proxy, most likely.
fn kind_of_body(response: &Response) -> String {
    let kind = response.headers.get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
        _ if response.body.is_empty() => "an empty body".to_owned(),
        Some(kind) if kind != "application/json" => format!("not JSON but {kind}"),
        _ => "a body that is not a JSON object".to_owned(),
    }
}

//! What the source remembers between two cycles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::time::Time;

/// The memory; the store keeps it as JSON.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub struct Memory {
    /// What a person should know of the last cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The same by canister.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, String>,
    /// When the supply was last read by calls.
    pub certified: BTreeMap<String, Time>,
}

impl Memory {
    /// Reads what an earlier cycle wrote; what cannot be read is forgotten.
    pub fn read(json: Option<&Value>) -> Self {
        json.and_then(|json| Self::deserialize(json).ok()).unwrap_or_default()
    }

    /// The JSON to keep.
    pub fn write(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

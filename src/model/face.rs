//! A channel as everybody may see it.

use serde::{Deserialize, Serialize};

/// What can be known of a channel without its secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Face {
    /// Its name.
    pub name: String,
    /// Where it goes.
    pub to: String,
    /// Whether it hears of everything critical.
    pub critical: bool,
    /// The addresses of its destinations.
    pub addresses: Vec<String>,
}

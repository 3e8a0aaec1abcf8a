//! `[sources.icp]`: what a person may write, and what the source makes of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// `[sources.icp]` as written.
#[cfg_attr(not(feature = "icp"), allow(dead_code, reason = "a build without the feature refuses the table as a whole"))]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How often; default a minute, or the interval where that is longer.
    pub(super) every: Option<Spanned<String>>,
    /// Boundary nodes, asked in this order.
    pub(super) hosts: Option<Spanned<Vec<Spanned<String>>>>,
    /// Who may sign; default the main network's key.
    pub(super) root_key: Option<Spanned<String>>,
    /// How often the supply is read by calls, which the whole subnet certifies; default an hour.
    pub(super) certified_every: Option<Spanned<String>>,
    /// Allow plain http to another machine.
    pub(super) danger_allow_plaintext: bool,
    /// The canisters by name.
    pub(super) canisters: BTreeMap<Spanned<String>, Spanned<One>>,
}

/// `[sources.icp.canisters.NAME]` as written.
#[cfg_attr(not(feature = "icp"), allow(dead_code, reason = "a build without the feature refuses the table as a whole"))]
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct One {
    /// Its id; required.
    pub(super) id: Option<Spanned<String>>,
    /// What it is to the bridge; default by its name.
    pub(super) role: Option<Spanned<String>>,
    /// The hash of the code that is right.
    pub(super) code: Option<Spanned<String>>,
    /// Who may change it.
    pub(super) controllers: Option<Spanned<Vec<Spanned<String>>>>,
}

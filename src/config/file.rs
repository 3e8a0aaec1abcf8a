//! The configuration file as it is written: named optional tables and maps of them, so that every error keeps its place.
//! Sources, probes, channels and rules own their settings; here they are only put together.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{hours, responses, routes, serve};
use crate::collect::{algorand, backend, icp, network, probe, reserves, system};
use crate::{notify, rules};

/// `config.toml`.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    pub monitor: Monitor,
    pub store: Store,
    pub sources: Sources,
    pub probes: BTreeMap<Spanned<String>, Spanned<probe::Settings>>,
    pub channels: BTreeMap<Spanned<String>, Spanned<notify::Settings>>,
    pub routes: routes::Settings,
    pub rule: Vec<rules::Settings>,
    pub maintenance: Vec<Spanned<hours::Settings>>,
    pub responses: responses::Table,
    pub heartbeat: Option<Spanned<notify::heartbeat::Settings>>,
    pub serve: Option<Spanned<serve::Settings>>,
}

/// `rules.d/*.toml`: only rules and their tests.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct RulesFile {
    pub rule: Vec<rules::Settings>,
    pub test: Vec<Spanned<rules::testing::Settings>>,
}

/// `[monitor]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Monitor {
    pub name: Option<Spanned<String>>,
    pub environment: Option<String>,
    pub interval: Option<Spanned<String>>,
    pub runbook_base: Option<String>,
    pub env_file: Option<Spanned<String>>,
    pub ca_file: Option<Spanned<String>>,
}

/// `[store]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    pub path: Option<String>,
    pub retention: Option<Spanned<String>>,
    pub max_size: Option<Spanned<String>>,
}

/// `[sources.…]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Sources {
    pub system: system::Settings,
    pub backend: Option<Spanned<backend::Settings>>,
    pub algorand: Option<Spanned<algorand::Settings>>,
    pub icp: Option<Spanned<icp::Settings>>,
    pub reserves: Option<Spanned<reserves::Settings>>,
    pub network: Option<Spanned<network::Settings>>,
}

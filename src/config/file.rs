//! The configuration file as it is written: named optional tables and maps of them, so that every error keeps its place.
//! Sources, probes, channels and rules own their settings; here they are only put together.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use crate::collect::{algorand, backend, probe, system};
use crate::model::fault::{Fault, Place};
use crate::model::severity::Severity;
use crate::notify::sms;
use crate::text::check::Check;
use crate::{notify, rules};

/// A table or key of a later version: its place is kept, its content is not looked at.
type Planned = Option<Spanned<IgnoredAny>>;

/// `config.toml`.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    pub monitor: Monitor,
    pub store: Store,
    pub sources: Sources,
    pub probes: BTreeMap<Spanned<String>, Spanned<probe::Settings>>,
    pub channels: BTreeMap<Spanned<String>, Spanned<notify::Settings>>,
    pub routes: Routes,
    pub rule: Vec<rules::Settings>,
    maintenance: Planned,
    responses: Planned,
    pub heartbeat: Option<Spanned<notify::heartbeat::Settings>>,
    serve: Planned,
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
    icp: Planned,
    reserves: Planned,
}

/// `[routes]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Routes {
    #[serde(alias = "LOW")]
    low: Option<Vec<Spanned<String>>>,
    #[serde(alias = "MEDIUM")]
    medium: Option<Vec<Spanned<String>>>,
    #[serde(alias = "HIGH")]
    high: Option<Vec<Spanned<String>>>,
    #[serde(alias = "CRITICAL")]
    critical: Option<Vec<Spanned<String>>>,
    pub fallback: Option<Spanned<Fallback>>,
    pub sms_budget: sms::budget::Settings,
    escalate: Planned,
}

/// `[routes] fallback`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Fallback {
    pub after: Option<Spanned<String>>,
    pub to: Vec<Spanned<String>>,
}

impl Routes {
    /// The channels named for `severity`, unless the default is meant.
    pub fn of(&self, severity: Severity) -> Option<&[Spanned<String>]> {
        match severity {
            Severity::Low => self.low.as_deref(),
            Severity::Medium => self.medium.as_deref(),
            Severity::High => self.high.as_deref(),
            Severity::Critical => self.critical.as_deref(),
        }
    }
}

/// Refuses, with a clear word, what this version does not build yet. Ignoring it would be a promise not kept.
pub fn refuse_planned(file: &File, check: &mut Check<'_>) {
    let File { maintenance, responses, serve, sources, routes, .. } = file;
    let Sources { system: _, backend: _, algorand: _, icp, reserves } = sources;
    let Routes { low: _, medium: _, high: _, critical: _, sms_budget: _, fallback: _, escalate } = routes;
    for (name, planned) in [
        ("[[maintenance]]", maintenance),
        ("[responses]", responses),
        ("[serve]", serve),
        ("[sources.icp]", icp),
        ("[sources.reserves]", reserves),
        ("[routes] escalate", escalate),
    ] {
        refuse(name, planned.as_ref(), check);
    }
}

fn refuse(name: &str, planned: Option<&Spanned<IgnoredAny>>, check: &mut Check<'_>) {
    if let Some(planned) = planned {
        let fault = Fault::error(format!("`{name}` is not built in this version"), Place::File(planned.span()));
        check.fault(fault.help("remove it or put a # before it; a later version will read it"));
    }
}

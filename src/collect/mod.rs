//! The world -> readings: one file or folder per kind of source, and the catalogue of every metric.
//!
//! A source is a function of its settings, of what it remembered last time and of the time; it returns a [`Report`].
//! It never fails a cycle: what it could not measure is unknown, with a reason.

pub mod backend;
pub mod catalogue;
pub mod probe;
mod readings;
pub mod run;
mod settings;
pub mod system;

use std::sync::Arc;
use std::time::Duration;

use crate::model::baseline::{Baselines, Sighting};
use crate::model::reading::{Reading, Reason};
use crate::model::time::Time;
use crate::net::Net;
use backend::Backend;
use probe::Probe;
use system::System;

/// Something that is measured.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name: the label `source`, and whose its series are.
    name: Arc<str>,
    kind: Kind,
}

/// The kinds of sources.
#[derive(Clone, Debug)]
enum Kind {
    System(System),
    Backend(Box<Backend>),
    Probe(Box<Probe>),
}

/// What a source brings home: its readings and what it wants to remember, or why it failed whole.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// One reading per live series; an error makes every live series of the source unknown at this tick.
    pub readings: Result<Vec<Reading>, Reason>,
    /// Handed back to the source at its next cycle, also in another process; `None` keeps what it had.
    pub memory: Option<serde_json::Value>,
    /// What it saw of things that have a baseline.
    pub seen: Vec<Sighting>,
}

impl Report {
    /// What was measured, and what is to be remembered.
    pub const fn new(readings: Vec<Reading>, memory: Option<serde_json::Value>) -> Self {
        Self { readings: Ok(readings), memory, seen: Vec::new() }
    }

    /// Nothing could be measured; what was remembered stands.
    pub const fn failed(reason: Reason) -> Self {
        Self { readings: Err(reason), memory: None, seen: Vec::new() }
    }
}

impl From<System> for Source {
    fn from(system: System) -> Self {
        Self { name: "system".into(), kind: Kind::System(system) }
    }
}

impl From<Backend> for Source {
    fn from(backend: Backend) -> Self {
        Self { name: backend::NAME.into(), kind: Kind::Backend(Box::new(backend)) }
    }
}

impl From<Probe> for Source {
    fn from(probe: Probe) -> Self {
        Self { name: probe::source_name(&probe.name).into(), kind: Kind::Probe(Box::new(probe)) }
    }
}

impl Source {
    /// Its name: `system`, `probe/wallet`, …
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its kind, as the catalogue names the source of a metric.
    pub fn kind(&self) -> &'static str {
        match &self.kind {
            Kind::System(_) => catalogue::SYSTEM,
            Kind::Backend(_) => catalogue::BACKEND,
            Kind::Probe(_) => catalogue::PROBE,
        }
    }

    /// How often it measures.
    pub fn every(&self) -> Duration {
        match &self.kind {
            Kind::System(system) => system.every,
            Kind::Backend(backend) => backend.every,
            Kind::Probe(probe) => probe.every,
        }
    }

    /// The probe that it is, if it is one.
    pub fn probe(&self) -> Option<&Probe> {
        match &self.kind {
            Kind::Probe(probe) => Some(probe),
            Kind::System(_) | Kind::Backend(_) => None,
        }
    }

    /// Names whose accepted value stands in the configuration, which beats any that was accepted by a command.
    pub fn pins(&self) -> Vec<Sighting> {
        match &self.kind {
            Kind::System(_) | Kind::Backend(_) | Kind::Probe(_) => Vec::new(),
        }
    }

    /// Measures, within `deadline`. `baselines` is what counts as right.
    pub async fn collect(
        &self,
        memory: Option<&serde_json::Value>,
        baselines: &Baselines,
        now: Time,
        deadline: Duration,
        net: &Arc<Net>,
    ) -> Report {
        let _ = baselines;
        match &self.kind {
            Kind::System(system) => system::collect(system, memory, now, deadline).await,
            Kind::Backend(backend) => backend::collect(backend, memory, now, deadline, net).await,
            Kind::Probe(probe) => probe::collect(probe, memory, net, now).await,
        }
    }
}

/// Why a source failed last, or what a person should know although it succeeded, from what it remembers.
pub fn why(memory: &serde_json::Value) -> Option<&str> {
    memory.get("why")?.as_str()
}

/// How long a source may take: four fifths of the interval, so that judging and committing fit into the rest.
pub fn deadline(interval: Duration) -> Duration {
    interval * 4 / 5
}

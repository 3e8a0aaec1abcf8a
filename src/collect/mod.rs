//! The world -> readings: one file or folder per kind of source, and the catalogue of every metric.
//!
//! A source is a function of its settings, of what it remembered last time and of the time; it returns a [`Report`].
//! It never fails a cycle: what it could not measure is unknown, with a reason.

pub mod algorand;
pub mod backend;
pub mod catalogue;
pub mod icp;
pub mod network;
pub mod probe;
mod readings;
pub mod reserves;
pub mod run;
mod settings;
pub mod system;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::bridge::indexer::Indexer;
use crate::bridge::log::Entry;
use crate::bridge::supply::Trust;
use crate::model::baseline::{Baselines, Sighting};
use crate::model::labels::SeriesKey;
use crate::model::reading::{Reading, Reason};
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::parse_url;
use crate::net::loopback::is_loopback;
use algorand::Algorand;
use backend::Backend;
use icp::Icp;
use network::Network;
use probe::Probe;
use reserves::Reserves;
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
    Icp(Icp),
    Probe(Box<Probe>),
    Algorand(Box<Algorand>),
    Reserves(Box<Reserves>),
    Network(Network),
}

/// Where a figure comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// How far it can be believed.
    pub trust: Trust,
    /// When it was measured.
    pub at: Time,
    /// The same to the last micro-unit, of an amount of money.
    pub micro: Option<i128>,
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
    /// Where figures come from, of a source that reads them from others.
    pub origins: BTreeMap<SeriesKey, Origin>,
    /// What is to be kept in the reserve log.
    pub entry: Option<Box<Entry>>,
}

impl Report {
    /// What was measured, and what is to be remembered.
    pub fn new(readings: Vec<Reading>, memory: Option<serde_json::Value>) -> Self {
        Self { readings: Ok(readings), memory, seen: Vec::new(), origins: BTreeMap::new(), entry: None }
    }

    /// Nothing could be measured; what was remembered stands.
    pub fn failed(reason: Reason) -> Self {
        Self { readings: Err(reason), memory: None, seen: Vec::new(), origins: BTreeMap::new(), entry: None }
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

impl From<Algorand> for Source {
    fn from(algorand: Algorand) -> Self {
        Self { name: catalogue::ALGORAND.into(), kind: Kind::Algorand(Box::new(algorand)) }
    }
}

impl From<Reserves> for Source {
    fn from(reserves: Reserves) -> Self {
        Self { name: catalogue::RESERVES.into(), kind: Kind::Reserves(Box::new(reserves)) }
    }
}

impl From<Icp> for Source {
    fn from(icp: Icp) -> Self {
        Self { name: icp::NAME.into(), kind: Kind::Icp(icp) }
    }
}

impl From<Network> for Source {
    fn from(network: Network) -> Self {
        Self { name: catalogue::NETWORK.into(), kind: Kind::Network(network) }
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
            Kind::Icp(_) => catalogue::ICP,
            Kind::Probe(_) => catalogue::PROBE,
            Kind::Algorand(_) => catalogue::ALGORAND,
            Kind::Reserves(_) => catalogue::RESERVES,
            Kind::Network(_) => catalogue::NETWORK,
        }
    }

    /// How often it measures.
    pub fn every(&self) -> Duration {
        match &self.kind {
            Kind::System(system) => system.every,
            Kind::Backend(backend) => backend.every,
            Kind::Icp(icp) => icp.every(),
            Kind::Probe(probe) => probe.every,
            Kind::Algorand(algorand) => algorand.every,
            Kind::Reserves(reserves) => reserves.every,
            Kind::Network(network) => network.every,
        }
    }

    /// Whether it asks other machines. The chains are always out there.
    pub fn is_beyond(&self) -> bool {
        match &self.kind {
            Kind::System(_) | Kind::Network(_) => false,
            Kind::Backend(backend) => backend.is_beyond(),
            Kind::Probe(probe) => probe.is_beyond(),
            Kind::Icp(_) | Kind::Algorand(_) | Kind::Reserves(_) => true,
        }
    }

    /// The reserve check that it is, if it is one.
    pub fn reserves(&self) -> Option<&Reserves> {
        match &self.kind {
            Kind::Reserves(reserves) => Some(reserves),
            Kind::System(_)
            | Kind::Backend(_)
            | Kind::Icp(_)
            | Kind::Probe(_)
            | Kind::Algorand(_)
            | Kind::Network(_) => None,
        }
    }

    /// The indexer that it names, if it names one.
    pub fn indexer(&self) -> Option<&Indexer> {
        match &self.kind {
            Kind::Algorand(algorand) => algorand.indexer.as_ref(),
            Kind::System(_)
            | Kind::Backend(_)
            | Kind::Icp(_)
            | Kind::Probe(_)
            | Kind::Reserves(_)
            | Kind::Network(_) => None,
        }
    }

    /// The machine that it is, if it is one.
    pub fn system(&self) -> Option<&System> {
        match &self.kind {
            Kind::System(system) => Some(system),
            Kind::Backend(_)
            | Kind::Icp(_)
            | Kind::Probe(_)
            | Kind::Algorand(_)
            | Kind::Reserves(_)
            | Kind::Network(_) => None,
        }
    }

    /// The probe that it is, if it is one.
    pub fn probe(&self) -> Option<&Probe> {
        match &self.kind {
            Kind::Probe(probe) => Some(probe),
            Kind::System(_)
            | Kind::Backend(_)
            | Kind::Icp(_)
            | Kind::Algorand(_)
            | Kind::Reserves(_)
            | Kind::Network(_) => None,
        }
    }

    /// The address of somebody else's web server that it asks, whose clock one's own can be compared with: scheme, host and
    /// port, without the rest, which may be a secret.
    pub fn web_server(&self) -> Option<String> {
        let url = match &self.kind {
            Kind::Probe(probe) => match &probe.kind {
                probe::Kind::Http(http) => Some(http.url().clone()),
                probe::Kind::Tcp(_) | probe::Kind::Exec(_) => None,
            },
            Kind::Backend(backend) => parse_url(backend.address()).ok(),
            Kind::Algorand(algorand) => parse_url(algorand.nodes.first()?.url.expose()).ok(),
            Kind::System(_) | Kind::Icp(_) | Kind::Reserves(_) | Kind::Network(_) => None,
        }?;
        let host = url.host_str().filter(|host| !is_loopback(host))?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{host}{port}/", url.scheme()))
    }

    /// Names whose accepted value stands in the configuration, which beats any that was accepted by a command.
    pub fn pins(&self) -> Vec<Sighting> {
        match &self.kind {
            Kind::System(_)
            | Kind::Backend(_)
            | Kind::Probe(_)
            | Kind::Algorand(_)
            | Kind::Reserves(_)
            | Kind::Network(_) => Vec::new(),
            Kind::Icp(icp) => icp.pins(),
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
        match &self.kind {
            Kind::System(system) => system::collect(system, memory, now, deadline).await,
            Kind::Backend(backend) => backend::collect(backend, memory, now, deadline, net).await,
            Kind::Icp(icp) => icp.collect(memory, baselines, now, deadline, net).await,
            Kind::Probe(probe) => probe::collect(probe, memory, net, now).await,
            Kind::Algorand(algorand) => algorand::collect(algorand, memory, now, deadline, net).await,
            Kind::Reserves(reserves) => reserves::collect(reserves, memory, baselines, now, deadline, net).await,
            Kind::Network(network) => network::collect(network).await,
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

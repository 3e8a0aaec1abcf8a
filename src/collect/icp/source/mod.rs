//! The source: each canister on its own, all at once; what a canister refuses is a measurement, what nobody can vouch for
//! is unknown.

mod build;
mod memory;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use self::memory::Memory;
use self::watch::{Found, Watch};
use super::Settings;
use super::role::Role;
use crate::bridge::canister::Canister;
use crate::collect::Report;
use crate::model::baseline::{Baselines, Sighting};
use crate::model::reading::Reason;
use crate::model::time::Time;
use crate::net::Net;

/// The source, ready to collect.
#[derive(Clone, Debug)]
pub struct Icp {
    every: Duration,
    certified_every: Duration,
    canisters: Vec<Arc<Watched>>,
}

/// A canister that is watched.
#[derive(Debug)]
struct Watched {
    canister: Canister,
    role: Role,
    /// What the configuration takes to be right.
    pins: Vec<Sighting>,
}

impl Icp {
    /// How often it measures.
    pub const fn every(&self) -> Duration {
        self.every
    }

    /// What the configuration pins.
    pub fn pins(&self) -> Vec<Sighting> {
        self.canisters.iter().flat_map(|watched| watched.pins.clone()).collect()
    }

    /// The canister of the token. A source that reads it takes a clone, which waits for nobody.
    pub fn bridge(&self) -> Option<&Canister> {
        self.canisters.iter().find(|watched| watched.role == Role::Bridge).map(|watched| &watched.canister)
    }

    /// Measures, within `deadline`.
    pub async fn collect(
        &self,
        memory: Option<&Value>,
        baselines: &Baselines,
        now: Time,
        deadline: Duration,
        net: &Arc<Net>,
    ) -> Report {
        let mut before = Memory::read(memory);
        let mut tasks = JoinSet::new();
        // a little less, so that what is known of some is told although others are late
        let limit = deadline * 9 / 10;
        for watched in &self.canisters {
            let last = before.certified.remove(&watched.canister.name);
            let due = last.is_none_or(|last| now < last || now.since(last) >= self.certified_every);
            let (watched, net) = (watched.clone(), net.clone());
            tasks.spawn(async move { (watched.clone(), last, Watch::new(&watched, &net, now, limit).run(due).await) });
        }
        let mut all = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            let Ok(one) = ended else { return Report::failed(Reason::new("internal error of this source")) };
            all.push(one);
        }
        all.sort_by(|a, b| a.0.canister.name.cmp(&b.0.canister.name));
        report(all, baselines)
    }
}

fn report(all: Vec<(Arc<Watched>, Option<Time>, Found)>, baselines: &Baselines) -> Report {
    if let Some(reason) = nobody_answers(&all) {
        return Report::failed(reason);
    }
    let (mut readings, mut seen, mut certified, mut of) = (Vec::new(), Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (watched, last, mut found) in all {
        let name = &watched.canister.name;
        readings.extend(found.readings(name, baselines));
        found.words.extend(found.sightings.iter().filter_map(|seen| change(seen, baselines)));
        if !found.words.is_empty() {
            of.insert(name.clone(), found.words.join("; "));
        }
        certified.extend(found.certified.or(last).map(|at| (name.clone(), at)));
        seen.extend(found.sightings);
    }
    let why: Vec<String> = of.iter().map(|(name, words)| format!("{name}: {words}")).collect();
    let why = (!why.is_empty()).then(|| why.join("; "));
    Report { seen, ..Report::new(readings, Memory { why, of, certified }.write()) }
}

/// A change in words: what is seen, and what was accepted.
fn change(seen: &Sighting, baselines: &Baselines) -> Option<String> {
    let kind = seen.name.split('/').next().unwrap_or_default();
    let accepted = baselines.get(&seen.name).filter(|_| seen.is_change(baselines))?;
    Some(format!("{kind} {}, accepted {accepted}", seen.value))
}

/// Why the source failed as a whole: no host gave any answer about any canister, not even a false one.
fn nobody_answers(all: &[(Arc<Watched>, Option<Time>, Found)]) -> Option<Reason> {
    let silent = |found: &Found| found.absent.clone().filter(|_| found.doubts == 0);
    all.iter().map(|(_, _, found)| silent(found)).collect::<Option<Vec<Reason>>>()?.into_iter().next()
}

#[cfg(test)]
mod tests;

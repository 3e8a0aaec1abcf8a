//! One canister in one cycle.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Role, Watched};
use crate::bridge::canister::State;
use crate::bridge::supply::{Health, SupplyFault, SupplyLeg};
use crate::model::baseline::{Baselines, Sighting};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Reading, Reason, Value};
use crate::model::time::Time;
use crate::net::Net;

/// The most questions of a cycle; each has its share of the time that is left.
const QUESTIONS: u32 = 5;
/// Why cycles are unknown as a rule, and what would help.
const NO_CYCLES: &str =
    "only its controllers may see its cycles: one of them can set status_visibility to public, or name a viewer";

/// What was found of a canister.
pub struct Found {
    up: Result<bool, Reason>,
    state: Result<(Duration, Vec<Sighting>), Reason>,
    updates: Result<u64, Reason>,
    cycles: Result<u128, Reason>,
    /// What was seen of things that have a baseline.
    pub sightings: Vec<Sighting>,
    /// Replies that were not to be believed.
    pub doubts: usize,
    /// What a person should know.
    pub words: Vec<String>,
    /// When the supply was read by calls, if it was.
    pub certified: Option<Time>,
    /// No host answered at all.
    pub absent: Option<Reason>,
}

impl Found {
    /// The same as readings of the canister `name`.
    pub fn readings(&self, name: &str, baselines: &Baselines) -> Vec<Reading> {
        let labels = Labels::new([("canister", name)]);
        let reading = |metric: &'static str, value: Result<f64, Reason>| Reading {
            series: SeriesKey::new(metric, labels.clone()),
            value: value.map_or_else(Value::Unknown, Value::Known),
        };
        let changed = |at: usize| {
            let (_, sightings) = self.state.as_ref().map_err(Clone::clone)?;
            Ok(f64::from(u8::from(sightings.get(at).is_some_and(|seen| seen.is_change(baselines)))))
        };
        let age = self.state.as_ref().map(|(age, _)| age.as_secs_f64()).map_err(Clone::clone);
        vec![
            reading("canister_up", self.up.clone().map(|up| f64::from(u8::from(up)))),
            reading("canister_certificate_age_seconds", age),
            reading("canister_code_changed", changed(0)),
            reading("canister_controllers_changed", changed(1)),
            reading("canister_subnet_updates_total", self.updates.clone().map(|count| count as f64)),
            reading("canister_cycles", self.cycles.clone().map(|cycles| cycles as f64)),
            reading("canister_untrusted_replies", Ok(self.doubts as f64)),
        ]
    }
}

/// A cycle's questions to one canister.
pub struct Watch<'a> {
    watched: &'a Watched,
    net: &'a Arc<Net>,
    now: Time,
    limit: Duration,
    began: Instant,
    left: u32,
    absent: Option<SupplyFault>,
    words: Vec<String>,
}

impl<'a> Watch<'a> {
    /// Nothing asked yet.
    pub fn new(watched: &'a Watched, net: &'a Arc<Net>, now: Time, limit: Duration) -> Self {
        let (began, left, absent, words) = (Instant::now(), QUESTIONS, None, Vec::new());
        Self { watched, net, now, limit, began, left, absent, words }
    }

    /// Asks; `certified`: the supply of the token is read by calls too.
    pub async fn run(mut self, certified: bool) -> Found {
        let canister = &self.watched.canister;
        let (net, name) = (self.net, canister.name.as_str());
        let up = self.ask(async |now, limit| canister.ping(net, now, limit).await).await;
        let state = self.ask(async |now, limit| canister.state(net, now, limit).await).await;
        let updates = self.ask(async |now, limit| canister.subnet_updates(net, now, limit).await).await;
        let cycles = self.ask(async |now, limit| canister.cycles(net, now, limit).await).await;
        let certified = if certified && self.watched.role == Role::Bridge { self.certified().await } else { None };
        let up = self.up(up, &state);
        let state = state.map(|state| (self.time().since(state.certified_at), sightings(name, &state)));
        let state = state.map_err(|fault| fault.reason());
        let doubts = canister.doubts();
        let absent = self.absent.as_ref().map(SupplyFault::reason);
        self.words.extend(doubts.iter().map(|why| format!("untrusted reply: {why}")));
        let mut told = std::collections::BTreeSet::new();
        self.words.retain(|words| told.insert(words.clone()));
        Found {
            up,
            sightings: state.as_ref().map(|(_, sightings)| sightings.clone()).unwrap_or_default(),
            state,
            updates: updates.map_err(|fault| fault.reason()),
            cycles: cycles.map_err(|fault| no_cycles(&fault)),
            doubts: doubts.len(),
            words: self.words,
            certified,
            absent,
        }
    }

    fn time(&self) -> Time {
        self.now + self.began.elapsed()
    }

    /// Asks one question in its share of the time. Where no host answered one, the others are not asked.
    async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(Time, Duration) -> Result<T, SupplyFault>,
    ) -> Result<T, SupplyFault> {
        if let Some(fault) = &self.absent {
            return Err(fault.clone());
        }
        let share = self.limit.saturating_sub(self.began.elapsed()) / self.left.max(1);
        self.left = self.left.saturating_sub(1);
        let answer = question(self.time(), share).await;
        if let Err(fault) = &answer
            && fault.is_of_the_host()
            && !fault.is_untrusted()
        {
            self.absent = Some(fault.clone());
        }
        answer
    }

    /// Whether it is in service: by its own answer, or by the certified word that it is not there.
    fn up(&mut self, ping: Result<(), SupplyFault>, state: &Result<State, SupplyFault>) -> Result<bool, Reason> {
        let gone = match state {
            Ok(state) => state.code.is_none(),
            Err(SupplyFault::Rejected { health, .. }) => *health == Health::Gone,
            Err(_) => false,
        };
        let fault = match ping {
            Ok(()) if gone => return Ok(false),
            Ok(()) => return Ok(true),
            Err(fault) => fault,
        };
        self.words.push(fault.to_string());
        match &fault {
            _ if gone => Ok(false),
            SupplyFault::Rejected { health, .. } => health.is_down().map(|down| !down).ok_or_else(|| fault.reason()),
            _ => Err(fault.reason()),
        }
    }

    /// Reads the supply by calls between two reads by queries: nodes that agree with each other and not with the subnet
    /// are not to be believed. Returns the time of a read that was made.
    async fn certified(&mut self) -> Option<Time> {
        let canister = &self.watched.canister;
        let net = self.net;
        let read = async |now: Time, limit: Duration| {
            let before = canister.supply(net, now, limit / 4).await?;
            let certified = canister.certified_supply(net, now, limit / 2).await?;
            let after = canister.supply(net, now, limit / 4).await?;
            Ok([before, certified, after])
        };
        match self.ask(read).await {
            Ok([before, certified, after]) => {
                if figures(&before) == figures(&after) && figures(&before) != figures(&certified) {
                    let (told, supply) = (before.supply, certified.supply);
                    canister.doubt(format!("nodes say that the supply is {told}, and the subnet certifies {supply}"));
                }
                Some(certified.at)
            }
            Err(fault) => {
                self.words.push(format!("the certified supply could not be read: {fault}"));
                None
            }
        }
    }
}

const fn figures(leg: &SupplyLeg) -> (u128, u128, u128) {
    (leg.supply, leg.locked, leg.cketh_backed)
}

/// Code and controllers, in this order.
fn sightings(name: &str, state: &State) -> Vec<Sighting> {
    let none = || "none".to_owned();
    let controllers = Some(state.controllers.join(", ")).filter(|list| !list.is_empty());
    vec![
        Sighting::new(format!("code/{name}"), state.code.clone().unwrap_or_else(none)),
        Sighting::new(format!("controllers/{name}"), controllers.unwrap_or_else(none)),
    ]
}

fn no_cycles(fault: &SupplyFault) -> Reason {
    match fault {
        SupplyFault::Rejected { health: Health::NotPermitted | Health::InterfaceChanged, .. } => Reason::new(NO_CYCLES),
        fault => fault.reason(),
    }
}

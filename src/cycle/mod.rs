//! The road, joined once: collect, judge and commit, deliver, respond.
//!
//! A cycle never runs or passes half: its samples, the alerts' new states, their history and the notifications they ask
//! for are one transaction. A crash before it means that the next cycle decides again; a crash after it, that the next
//! deliverer sends. Nothing waits for the network inside the transaction.

mod aftercare;
mod budget;
pub mod compose;
mod cost;
mod crew;
pub mod deliver;
pub mod emergency;
mod fallback;
pub mod heartbeat;
pub mod judge;
pub mod lock;
mod marks;
mod own;
mod parcel;
mod proof;
mod reach;
pub mod repeat;
pub mod respond;
pub mod stop;
mod tell;
pub mod tidy;
mod trend;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::step::Now;
use crate::alert::tick::{self, Follows, Last};
use crate::collect::Source;
use crate::collect::run::{self, Collected, Known};
use crate::config::Config;
use crate::model::baseline::Baselines;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::store::cycles::{CycleRow, NoteKind};
use crate::store::{Reader, Store, Tx};
use crate::text::{safe, units};
use crate::world::Clock;
use judge::Judged;

/// What one cycle did, for the screen.
#[derive(Debug)]
pub struct Cycle {
    /// What the sources brought home.
    pub collected: Vec<Collected>,
    /// What judging changed; `None` where this tick had been judged before.
    pub judged: Option<Judged>,
    /// Readings that could not be kept, in words.
    pub refused: Vec<String>,
}

impl Cycle {
    /// Trouble that did not stop it, a line each: rules that could not be evaluated, readings that were refused.
    pub fn trouble(&self) -> impl Iterator<Item = String> {
        let failed = self
            .judged
            .iter()
            .flat_map(|judged| &judged.failed)
            .map(|(rule, why)| format!("rule {rule} cannot be evaluated: {why}"));
        failed.chain(self.refused.iter().cloned()).map(|line| safe::one_line(&line))
    }
}

/// What a cycle runs with.
#[derive(Clone, Copy)]
pub struct Road<'a> {
    /// What is measured, judged and told.
    pub config: &'a Config,
    /// The way out.
    pub net: &'a Arc<Net>,
    /// The clock.
    pub clock: Clock,
    /// The configuration on the disk is broken and this is the last one that worked.
    pub config_broken: bool,
}

impl Road<'_> {
    /// Runs steps 1 and 2 of a cycle. The caller holds the cycle lock.
    pub async fn run(&self, store: &mut Store) -> Result<Cycle, Trouble> {
        let (started, collected) = self.collect(store).await?;
        let tx = store.begin()?;
        let cycle = self.judge(&tx, started, collected)?;
        tx.commit()?;
        Ok(cycle)
    }

    /// The same without any effect: `look` sees what would be, then it is thrown away.
    pub async fn rehearse<T>(
        &self,
        store: &mut Store,
        look: impl FnOnce(&Reader) -> Result<T, Trouble>,
    ) -> Result<(Cycle, T), Trouble> {
        let (started, collected) = self.collect(store).await?;
        let tx = store.begin()?;
        let cycle = self.judge(&tx, started, collected)?;
        let seen = look(&tx)?;
        Ok((cycle, seen))
    }

    async fn collect(&self, store: &Store) -> Result<(Time, Vec<Collected>), Trouble> {
        let started = self.clock.now();
        let (due, memory) = due_sources(store, self.config, started.floor(self.config.interval))?;
        let known = Known { memory, baselines: Arc::new(accepted(store, self.config)?) };
        Ok((started, run::run(due, known, self.config.interval, started, self.net).await))
    }

    fn judge(&self, tx: &Tx<'_>, started: Time, collected: Vec<Collected>) -> Result<Cycle, Trouble> {
        let (judged, refused) = commit(tx, self, &collected, started, self.clock.now())?;
        Ok(Cycle { collected, judged, refused })
    }
}

/// Sources, and what those of them remember that ran before.
type Due = (Vec<Arc<Source>>, BTreeMap<Arc<str>, serde_json::Value>);

/// What counts as right: what was accepted, and above it what the configuration pins.
pub fn accepted(store: &Reader, config: &Config) -> Result<Baselines, Trouble> {
    let mut accepted = store.accepted()?;
    accepted.extend(config.sources.iter().flat_map(|source| source.pins()).map(|pin| (pin.name, pin.value)));
    Ok(accepted)
}

/// The sources whose time has come, and what each remembers.
fn due_sources(store: &Store, config: &Config, tick: Time) -> Result<Due, Trouble> {
    let mut memories: BTreeMap<String, (serde_json::Value, Time)> = store.memories()?;
    let (mut due, mut memory) = (Vec::new(), BTreeMap::new());
    for source in &config.sources {
        let remembered = memories.remove(&**source.name());
        let last = remembered.as_ref().map(|(_, tick)| *tick);
        if is_due(tick, last, source.every()) {
            due.push(source.clone());
            memory.extend(remembered.map(|(json, _)| (source.name().clone(), json)));
        }
    }
    Ok((due, memory))
}

/// Whether a source that ran at `last` runs at `tick`; also when the clock went back or the tick is repeated.
fn is_due(tick: Time, last: Option<Time>, every: Duration) -> bool {
    last.is_none_or(|last| tick <= last || tick.since(last) >= every)
}

/// The instants of a cycle.
#[derive(Clone, Copy)]
struct Times {
    tick: Time,
    finished: Time,
}

fn commit(
    tx: &Tx<'_>,
    road: &Road<'_>,
    collected: &[Collected],
    started: Time,
    finished: Time,
) -> Result<(Option<Judged>, Vec<String>), Trouble> {
    let config = road.config;
    let last = tx.last_cycle()?;
    let follows = tick::follows(started, last.map(before), config.interval);
    let tick = follows.tick;
    let times = Times { tick, finished };
    note(tx, &follows, times)?;
    let own = own::readings(tx, road, &follows, last, finished)?;
    let configured = config.sources.iter().map(|source| &**source.name()).collect();
    let refused = marks::write(tx, tick, collected, (&own, config.interval), &configured)?;
    for one in collected {
        // a source that failed keeps what it knew
        let kept = if one.report.memory.is_none() { tx.memory(&one.source)? } else { None };
        let memory = one.report.memory.clone().or(kept).unwrap_or_default();
        tx.remember(&one.source, &memory, tick)?;
        if let Some(entry) = &one.report.entry {
            proof::keep(tx, entry, finished)?;
        }
        for seen in &one.report.seen {
            tx.put_sighting(seen, started)?;
        }
    }
    let now = Now { tick, passage: follows.passage };
    let judged = if follows.again { None } else { Some(judge::judge(tx, config, now, finished)?) };
    if let Some(judged) = &judged {
        own::remember(tx, config, judged, tick)?;
        // it goes by what withholds now
        fallback::queue(tx, config, tick, finished)?;
    }
    let interval = Some(config.interval);
    tx.put_cycle(&CycleRow { tick, started, finished, missed: follows.missed, interval })?;
    Ok((judged, refused))
}

/// A cycle as the one after it sees it.
fn before(cycle: CycleRow) -> Last {
    Last { tick: cycle.tick, started: cycle.started, interval: cycle.interval }
}

fn note(tx: &Tx<'_>, follows: &Follows, times: Times) -> Result<(), Trouble> {
    if let Some(back) = follows.back {
        // what waits for an hour of the old clock would wait for ever
        tx.hasten(None, times.finished)?;
        let aside = tx.set_aside_samples_after(times.tick, times.finished)?;
        let text = format!("the clock went back by {}; {aside} later samples were set aside", units::duration(back));
        tx.note(times.finished, NoteKind::ClockBack, &text)?;
    }
    if follows.missed > 0 {
        let cycles = if follows.missed == 1 { "cycle was" } else { "cycles were" };
        tx.note(times.finished, NoteKind::Missed, &format!("{} {cycles} missed", follows.missed))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_runs_when_its_time_has_come() {
        let (at, minute) = (|minutes: i64| Time::from_millis(minutes * 60_000), Duration::from_mins(1));
        assert!(is_due(at(5), None, minute));
        assert!(is_due(at(5), Some(at(4)), minute));
        assert!(!is_due(at(5), Some(at(4)), minute * 2));
        assert!(is_due(at(5), Some(at(5)), minute * 2), "the same tick again replaces");
        assert!(is_due(at(5), Some(at(9)), minute * 60), "the clock went back");
    }
}

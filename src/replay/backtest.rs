//! Rules on the stored past: the cycles that there were, each judged once more on the samples that it saw.
//!
//! Samples are read slice by slice, with as much before the first one as the rules look back, and dropped once no rule
//! reaches them: what it takes of memory depends on the rules and not on the length of the past. Where the monitor did
//! not run, no cycle is invented: `for` counts as it did then. Series that were imported have no cycles; they are
//! looked at every interval.

use std::time::Duration;

use super::Replay;
use super::episodes::{Gather, Outcome};
use crate::alert::message::Identity;
use crate::alert::routes::Routes;
use crate::alert::step::{Now, Passage};
use crate::alert::tick::{self, Last};
use crate::model::reading::{Need, Window};
use crate::model::time::Time;
use crate::rules::{self, Rule, Windows};
use crate::store::cycles::CycleRow;
use crate::store::{Reader, Result, Store};

/// Samples of one slice, all series together: about 10 MB while they are read.
pub const MOST_SAMPLES: usize = 200_000;

/// Cycles of the first slice, before it is known how many series there are.
const FIRST_SLICE: usize = 16;

/// What of the past is looked at.
#[derive(Clone, Debug)]
pub struct Span {
    /// The cycles, in the order in which they were done.
    pub cycles: Vec<Now>,
    /// Where nobody looked for more than two intervals: how often, and the longest time.
    pub gaps: (usize, Duration),
}

impl Span {
    /// The first and the last tick.
    pub fn ends(&self) -> Option<(Time, Time)> {
        Some((self.cycles.iter().map(|now| now.tick).min()?, self.cycles.iter().map(|now| now.tick).max()?))
    }

    /// The time it covers, gaps included.
    pub fn length(&self) -> Duration {
        self.ends().map_or(Duration::ZERO, |(first, last)| last.since(first))
    }
}

/// The cycles of the last `since`, counted back from the newest sample; `None` where nothing was measured.
pub fn span(store: &Reader, since: Duration, interval: Duration) -> Result<Option<Span>> {
    let Some((oldest, newest)) = store.sampled()? else { return Ok(None) };
    let from = oldest.max(newest - since);
    let cycles = store.cycles(from, newest)?;
    let first_cycle = cycles.first().map_or(newest + interval, |cycle| cycle.tick);
    let mut span = Span { cycles: Vec::new(), gaps: (0, Duration::ZERO) };
    let mut tick = from.floor(interval);
    // samples that no cycle stands for were imported
    while tick < first_cycle {
        if tick >= from {
            span.cycles.push(Now { tick, passage: Passage::Ordinary });
        }
        tick = tick + interval;
    }
    span.add(&cycles);
    Ok(Some(span))
}

impl Span {
    /// The part of it from `from` to `to`, both included.
    pub fn within(&self, from: Time, to: Time) -> Self {
        let is_in = |now: &&Now| now.tick >= from && now.tick <= to;
        Self { cycles: self.cycles.iter().filter(is_in).copied().collect(), gaps: (0, Duration::ZERO) }
    }

    fn add(&mut self, cycles: &[CycleRow]) {
        let mut before: Option<Last> = None;
        for cycle in cycles {
            let last = Last { tick: cycle.tick, started: cycle.started, interval: cycle.interval };
            let passage = tick::followed(last, cycle.missed, before);
            if let Some(before) = before.filter(|_| passage != Passage::Ordinary) {
                let (count, longest) = self.gaps;
                self.gaps = (count + 1, longest.max(cycle.tick.since(before.tick)));
            }
            self.cycles.push(Now { tick: cycle.tick, passage });
            before = Some(last);
        }
    }
}

/// Who is told, by whom, and how it is going.
pub struct Surroundings<'a> {
    /// Who hears of which severity.
    pub routes: &'a Routes,
    /// Who speaks.
    pub identity: &'a Identity,
    /// The time between two ticks.
    pub interval: Duration,
    /// Samples that are read at once, all series together; [`MOST_SAMPLES`] where nothing speaks for another number.
    pub slice: usize,
}

/// What comes of each set of rules in `span`. `look` hears how many cycles have been judged.
pub fn run(
    store: &mut Store,
    sets: &[&[Rule]],
    span: &Span,
    around: &Surroundings<'_>,
    mut look: impl FnMut(usize),
) -> Result<Vec<Outcome>> {
    let new = |rules| Replay::new(rules, around.routes, around.identity, around.interval);
    let mut replays: Vec<(Replay<'_>, Gather)> = sets.iter().map(|rules| (new(rules), Gather::new(rules))).collect();
    let mut past = Past::new(sets, span);
    let mut left = span.cycles.as_slice();
    let mut done = 0;
    while !left.is_empty() {
        let (slice, rest) = left.split_at(past.next_slice(around.slice).min(left.len()));
        past.read(store, slice)?;
        for now in slice {
            for (replay, gather) in &mut replays {
                gather.add(now.tick, replay.cycle(*now, &mut past.data));
            }
            done += 1;
            look(done);
        }
        left = rest;
    }
    Ok(replays.into_iter().map(|(replay, gather)| gather.finish(replay.open())).collect())
}

/// The samples that the rules can see while they go through the past.
struct Past {
    needs: Vec<Need>,
    data: Windows,
    /// Up to where samples were read.
    read_to: Option<Time>,
}

impl Past {
    fn new(sets: &[&[Rule]], span: &Span) -> Self {
        let exprs = sets.iter().flat_map(|rules| rules.iter()).flat_map(Rule::exprs);
        let to = span.ends().map_or(Time::from_millis(0), |(_, last)| last);
        Self { needs: rules::needs(exprs, to), data: Windows::default(), read_to: None }
    }

    /// How many cycles to go on with.
    fn next_slice(&self, most: usize) -> usize {
        if self.read_to.is_none() { FIRST_SLICE } else { (most / self.data.series().max(1)).max(1) }
    }

    /// Reads what the cycles of `slice` see, and drops what is behind all of them.
    fn read(&mut self, store: &mut Store, slice: &[Now]) -> Result<()> {
        let ticks = || slice.iter().map(|now| now.tick);
        let (Some(first), Some(last)) = (ticks().min(), ticks().max()) else { return Ok(()) };
        let needs: Vec<Need> = match self.read_to {
            None => {
                self.needs.iter().map(|need| Need { back: need.back + last.since(first), ..need.clone() }).collect()
            }
            // the clock went back: what there is to see is here already
            Some(read_to) if last <= read_to => return Ok(()),
            Some(read_to) => {
                let back = last.since(read_to).saturating_sub(Duration::from_millis(1));
                self.needs.iter().map(|need| Need { back, lookback: false, ..need.clone() }).collect()
            }
        };
        let mut newer = store.snapshot()?.sound_windows(&needs, last)?;
        for window in &mut newer {
            // it is that of the newest sample of all, whichever that is
            window.reason = None;
        }
        self.data.forget(|window| first - reach(&self.needs, window));
        self.data.extend(newer);
        self.read_to = Some(last);
        Ok(())
    }
}

/// How far back any rule looks at a series.
fn reach(needs: &[Need], window: &Window) -> Duration {
    let names = |need: &&Need| need.metric.as_ref().is_none_or(|metric| *metric == window.series.metric);
    let back = needs.iter().filter(names).map(|need| need.back).max().unwrap_or_default();
    back + rules::lookback(window.every)
}

#[cfg(test)]
mod tests;

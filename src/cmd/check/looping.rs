//! `check --repeat`: cycles until the minute ends; delivery runs beside the next cycle.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};

use super::{busy, enter, met, open, over, show, tidied, told, troubled};
use crate::cmd::{Context, Ended};
use crate::config::Config;
use crate::cycle::lock::{self, Lock, Name};
use crate::cycle::respond::{self, Responded};
use crate::cycle::stop::Stop;
use crate::cycle::{Road, deliver, heartbeat, repeat};
use crate::model::delivery::Attempt;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::store::Store;
use crate::store::open::Mode;
use crate::view::snapshot::Snapshot;
use crate::world::Clock;

/// Runs the cycles of a minute, or until it is asked to stop.
pub async fn repeating(context: &Context, config: Arc<Config>, broken: bool, mut stop: Stop) -> Ended {
    let store = match open(context, &config) {
        Ok(store) => store,
        Err(trouble) => {
            let ended: Ended = Err(trouble.into());
            met(context, &config, &ended).await;
            return ended;
        }
    };
    let end = repeat::minute_end(context.clock.now());
    let patience = context.clock.until(end);
    let taken = tokio::select! {
        taken = lock::take(&config.database.0, Name::Schedule, patience) => taken?,
        code = stop.asked() => return Ok(code),
    };
    let Some(schedule) = taken else { return Err(busy(context, &config, &store)?.into()) };
    let net = context.net(&config);
    let (ended, beside) = (None, Beside::default());
    let mut looping = Looping { context, config, net, store, broken, stop, beside, ended, in_emergency: false };
    let went = looping.minutes(schedule, end).await;
    // trouble with what comes next ends nothing that runs
    let ended = looping.finish().await;
    went?;
    ended
}

/// What was begun beside the cycles and has not ended.
#[derive(Default)]
struct Beside {
    deliveries: JoinSet<Result<Vec<Attempt>, Trouble>>,
    responses: JoinSet<Result<Vec<Responded>, Trouble>>,
    beats: JoinSet<Result<(), String>>,
}

impl Beside {
    fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.responses.is_empty() && self.beats.is_empty()
    }
}

/// The loop of one process.
struct Looping<'a> {
    context: &'a Context,
    config: Arc<Config>,
    net: Arc<Net>,
    store: Store,
    broken: bool,
    stop: Stop,
    beside: Beside,
    /// How the last cycle ended.
    ended: Option<Ended>,
    /// Where no stamp can be left, one process tells once.
    in_emergency: bool,
}

impl Looping<'_> {
    /// The cycles of this process's minute, and of the next ones while something that it began still runs and nobody else
    /// makes them: cron starts a process each minute, a timer of systemd none before the last one has ended.
    async fn minutes(&mut self, schedule: Lock, mut end: Time) -> Result<(), Trouble> {
        let last = end + repeat::MOST_FOLLOWING;
        let mut held = Some(schedule);
        while let Some(schedule) = held {
            self.minute(end).await?;
            // the next minute's loop need not wait for a slow provider
            drop(schedule);
            if end >= last || !self.outlast(end + repeat::GRACE).await? {
                return Ok(());
            }
            held = lock::try_take(&self.config.database.0, Name::Schedule)?;
            end = repeat::minute_end(self.context.clock.now());
        }
        Ok(())
    }

    /// The cycles until `end`.
    async fn minute(&mut self, end: Time) -> Result<(), Trouble> {
        let last = self.store.last_cycle()?.map(|last| last.tick);
        let mut upcoming = repeat::first(self.context.clock.now(), last, self.config.interval, end);
        while let Some(then) = upcoming {
            let mut stop = self.stop.clone();
            // trouble of one cycle (a busy database, a full disk) must cost neither the next one nor what is being sent
            let of_cycle = tokio::select! {
                ended = self.cycle(then) => ended,
                _ = stop.asked() => return Ok(()),
            };
            self.in_emergency = self.in_emergency || met(self.context, &self.config, &of_cycle).await;
            self.ended = Some(of_cycle);
            self.begin_beside();
            tidied(self.context, &self.config, &mut self.store);
            upcoming = repeat::next(self.context.clock.now(), self.config.interval, end);
        }
        Ok(())
    }

    async fn cycle(&mut self, then: Time) -> Ended {
        tokio::time::sleep(self.context.clock.until(then)).await;
        let Self { context, config, net, store, broken, beside, .. } = self;
        one_of_many(context, config, net, store, *broken, &mut beside.beats).await
    }

    /// Starts what is due.
    fn begin_beside(&mut self) {
        let (clock, config, stop) = (self.context.clock, &self.config, &self.stop);
        if deliver::is_needed(&self.store, config, clock.now()).unwrap_or(false) {
            self.beside.deliveries.spawn(deliver_beside(clock, config.clone(), self.net.clone(), stop.clone()));
        }
        if respond::is_needed(&self.store, config).unwrap_or(false) {
            self.beside.responses.spawn(respond_beside(clock, config.clone(), stop.clone()));
        }
    }

    /// Waits for what runs beside the cycles, at most until `then`. Whether something does so longer.
    async fn outlast(&mut self, then: Time) -> Result<bool, Trouble> {
        let mut stop = self.stop.clone();
        let patience = self.context.clock.until(then);
        tokio::select! {
            ended = self.all_beside() => ended.map(|()| false),
            () = tokio::time::sleep(patience) => Ok(!self.beside.is_empty()),
            // it is told to end as well
            _ = stop.asked() => Ok(false),
        }
    }

    /// Waits for all that runs beside the cycles.
    async fn all_beside(&mut self) -> Result<(), Trouble> {
        let Self { context, config, store, beside: Beside { deliveries, responses, beats }, .. } = self;
        loop {
            tokio::select! {
                Some(delivered) = deliveries.join_next() => {
                    let attempts = troubled(context, config, joined(delivered)).unwrap_or_default();
                    told::undelivered(context, config, store, &attempts)?;
                }
                Some(responded) = responses.join_next() => {
                    troubled(context, config, joined(responded))?;
                }
                Some(sent) = beats.join_next() => told::heartbeat(context, config, sent.unwrap_or(Ok(()))),
                else => return Ok(()),
            }
        }
    }

    /// The end of the process, when all that it began has ended.
    async fn finish(mut self) -> Ended {
        self.all_beside().await?;
        match (self.stop.code(), self.ended) {
            (Some(code), _) => Ok(code),
            (None, Some(ended)) => ended,
            (None, None) => Ok(Snapshot::take(&mut self.store, &self.config, self.context.clock.now())?.state().exit()),
        }
    }
}

/// What a task came to; one that panicked did nothing.
fn joined<T>(ended: Result<Result<Vec<T>, Trouble>, JoinError>) -> Result<Vec<T>, Trouble> {
    ended.unwrap_or_else(|_| Ok(Vec::new()))
}

/// One cycle; its sign of life is on its way when it ends.
async fn one_of_many(
    context: &Context,
    config: &Config,
    net: &Arc<Net>,
    store: &mut Store,
    broken: bool,
    beats: &mut JoinSet<Result<(), String>>,
) -> Ended {
    let lock = enter(context, config, store, config.interval).await?;
    let road = Road { config, net, clock: context.clock, config_broken: broken };
    let cycle = troubled(context, config, road.run(store).await)?;
    told::settle(context, config, &cycle, broken);
    troubled(context, config, over(context, config, net, store))?;
    drop(lock);
    if let Some(beat) = troubled(context, config, heartbeat::due(store, config, &cycle, context.clock.now()))? {
        let net = net.clone();
        beats.spawn(async move { beat.send(&net).await });
    }
    show(context, config, store, &cycle, &[])
}

async fn respond_beside(clock: Clock, config: Arc<Config>, stop: Stop) -> Result<Vec<Responded>, Trouble> {
    respond::beside(&config, clock, stop).await
}

async fn deliver_beside(clock: Clock, config: Arc<Config>, net: Arc<Net>, stop: Stop) -> Result<Vec<Attempt>, Trouble> {
    let mut store = Store::open(&config.database.0, Mode::Write, clock.now())?;
    deliver::deliver(&mut store, &config, &net, clock, stop).await
}

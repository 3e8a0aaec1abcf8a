//! `check --repeat`: cycles until the minute ends; delivery runs beside the next cycle.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{busy, enter, met, open, over, show, tidied, told, troubled};
use crate::cmd::{Context, Ended};
use crate::config::Config;
use crate::cycle::lock::{self, Name};
use crate::cycle::respond::{self, Responded};
use crate::cycle::stop::Stop;
use crate::cycle::{Road, deliver, heartbeat, repeat};
use crate::model::delivery::Attempt;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::store::Store;
use crate::store::open::Mode;
use crate::view::snapshot::Snapshot;
use crate::world::Clock;

/// Runs the cycles of a minute, or until it is asked to stop.
pub async fn repeating(context: &Context, config: Arc<Config>, broken: bool, mut stop: Stop) -> Ended {
    let database = config.database.0.clone();
    let mut store = match open(context, &config) {
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
        taken = lock::take(&database, Name::Schedule, patience) => taken?,
        code = stop.asked() => return Ok(code),
    };
    let Some(schedule) = taken else { return Err(busy(context, &config, &store)?.into()) };
    let net = context.net(&config);
    let (mut ended, mut in_emergency) = (None, false);
    let last = store.last_cycle()?.map(|last| last.tick);
    let mut upcoming = repeat::first(context.clock.now(), last, config.interval, end);
    let (mut deliveries, mut responses, mut beats) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    while let Some(then) = upcoming {
        let cycle = async {
            tokio::time::sleep(context.clock.until(then)).await;
            one_of_many(context, &config, &net, &mut store, broken, &mut beats).await
        };
        // trouble of one cycle (a busy database, a full disk) must cost neither the next one nor what is being sent
        let of_cycle = tokio::select! {
            ended = cycle => ended,
            _ = stop.asked() => break,
        };
        // where no stamp can be left, one process tells once
        in_emergency = in_emergency || met(context, &config, &of_cycle).await;
        ended = Some(of_cycle);
        if deliver::is_needed(&store, &config, context.clock.now()).unwrap_or(false) {
            deliveries.spawn(deliver_beside(context.clock, config.clone(), net.clone(), stop.clone()));
        }
        if respond::is_needed(&store, &config).unwrap_or(false) {
            responses.spawn(respond_beside(context.clock, config.clone(), stop.clone()));
        }
        tidied(context, &config, &mut store);
        upcoming = repeat::next(context.clock.now(), config.interval, end);
    }
    // the next minute's loop need not wait for a slow provider
    drop(schedule);
    while let Some(delivered) = deliveries.join_next().await {
        let attempts = troubled(context, &config, delivered.unwrap_or_else(|_| Ok(Vec::new()))).unwrap_or_default();
        told::undelivered(context, &config, &store, &attempts)?;
    }
    while let Some(responded) = responses.join_next().await {
        troubled(context, &config, responded.unwrap_or_else(|_| Ok(Vec::new())))?;
    }
    while let Some(sent) = beats.join_next().await {
        told::heartbeat(context, &config, sent.unwrap_or(Ok(())));
    }
    match (stop.code(), ended) {
        (Some(code), _) => Ok(code),
        (None, Some(ended)) => ended,
        (None, None) => Ok(Snapshot::take(&mut store, &config, context.clock.now())?.state().exit()),
    }
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

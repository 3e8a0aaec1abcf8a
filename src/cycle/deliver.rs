//! From the outbox to people. Only the holder of the `deliver` lock sends, so a row that is found `sending` is an orphan
//! of a process that died: it is due at once and goes out marked as a possible repeat, with the same id.
//!
//! Each attempt is committed before it begins and after it ends. Destinations are served side by side, each in order;
//! what goes to people is merged and spaced ([`super::parcel`]).

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::aftercare;
use super::budget;
use super::crew::{self, Crew, Lost, Work};
use super::lock::{self, Name};
use super::parcel::{self, WINDOW};
use super::stop::Stop;
use super::trend;
use crate::config::Config;
use crate::model::delivery::{Attempt, Delivery, Outcome, State};
use crate::model::message::Destination;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::notify::{Channel, digest, retry};
use crate::store::Store;
use crate::world::Clock;

/// How long to wait for another deliverer to finish before leaving the rest to it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether there is anything to do: something is due, was being sent when its process died, or needs to be looked after.
pub fn is_needed(store: &Store, config: &Config, now: Time) -> Result<bool, Trouble> {
    let waits = store.next_due()?.is_some_and(|due| due <= now) || store.outbox_counts()?.sending > 0;
    Ok(waits || aftercare::is_due(store, config, now)?)
}

/// Sends all that is due, until nothing is. Returns every attempt; none when another process is at it.
pub async fn deliver(
    store: &mut Store,
    config: &Config,
    net: &Arc<Net>,
    clock: Clock,
    stop: Stop,
) -> Result<Vec<Attempt>, Trouble> {
    if !is_needed(store, config, clock.now())? {
        return Ok(Vec::new());
    }
    // what is being sent without anything being due belongs to a living deliverer or is an orphan: the lock tells
    let is_due = store.next_due()?.is_some_and(|due| due <= clock.now());
    let patience = if is_due { PATIENCE } else { Duration::ZERO };
    let Some(_lock) = lock::take(&config.database.0, Name::Deliver, patience).await? else {
        return Ok(Vec::new());
    };
    take_over(store, config, clock)?;
    let send = |channel: Channel, delivery: Delivery, now: Time| {
        let net = net.clone();
        async move { channel.send(&delivery, &net, now).await }
    };
    let attempts = Postman::new(config, clock, stop.clone(), send).work(store).await?;
    // what it asks and repeats can be asked and repeated by the next one
    let mut stop = stop;
    tokio::select! {
        biased;
        _ = stop.asked() => {}
        done = aftercare::look_after(store, config, net, clock) => done?,
    }
    Ok(attempts)
}

/// Puts the outbox in order, as only the holder of the lock may.
fn take_over(store: &mut Store, config: &Config, clock: Clock) -> Result<(), Trouble> {
    let tx = store.begin()?;
    tx.adopt_orphans(clock.now())?;
    let known: Vec<&str> = config.channels.iter().map(Channel::name).collect();
    let now = clock.now();
    tx.kill_channel_rows(&known, now - retry::GIVE_UP, now)?;
    tx.commit()
}

struct Postman<'a, S> {
    config: &'a Config,
    clock: Clock,
    stop: Stop,
    send: S,
    attempts: Vec<Attempt>,
}

/// What goes to one destination as one message.
struct Load {
    to: Destination,
    deliveries: Vec<Delivery>,
    begun: Instant,
}

impl<S, F> Work for Postman<'_, S>
where
    S: Fn(Channel, Delivery, Time) -> F,
    F: Future<Output = Outcome> + Send + 'static,
{
    type Piece = Load;
    type End = Outcome;

    fn start_what_is_due(&mut self, store: &mut Store, crew: &mut Crew<Load, Outcome>) -> Result<(), Trouble> {
        let mut due: BTreeMap<Destination, Vec<Delivery>> = BTreeMap::new();
        for delivery in store.due(self.clock.now())? {
            if crew.under_way().all(|load| load.to != delivery.destination) {
                due.entry(delivery.destination.clone()).or_default().push(delivery);
            }
        }
        for (to, due) in due {
            let Some(channel) = self.channel(&to) else { continue };
            let due = budget::hold_back(store, self.config, &channel, due, self.clock.now())?;
            let picked = self.pick(store, &channel, &to, due)?;
            self.start(store, crew, channel, to, picked)?;
        }
        Ok(())
    }

    fn record(&mut self, store: &mut Store, load: &Load, end: &Result<Outcome, Lost>) -> Result<(), Trouble> {
        let outcome = end.clone().unwrap_or_else(unknown_end);
        let (took, now) = (load.begun.elapsed(), self.clock.now());
        let channel = self.channel(&load.to);
        let idempotent = channel.as_ref().is_some_and(Channel::idempotent);
        let tx = store.begin()?;
        if let Some(channel) = &channel {
            budget::settle(&tx, self.config, channel, &outcome, now)?;
        }
        // those that stay together come together
        let (mut together, mut attempts) = (None, Vec::new());
        for delivery in load.deliveries.iter().cloned() {
            let next = retry::next(&outcome, &delivery, idempotent, now);
            let due = next.due.map(|due| *together.get_or_insert(due));
            tx.finish(delivery.id, took, &outcome, next.state, due)?;
            let again_in = due.map(|due| due.since(now));
            attempts.push(Attempt { delivery, outcome: outcome.clone(), state: next.state, again_in, took });
        }
        if matches!(outcome, Outcome::Sent { .. }) {
            tx.hasten(Some(&load.to.channel), now)?;
        }
        tx.commit()?;
        self.attempts.extend(attempts);
        Ok(())
    }
}

impl<'a, S, F> Postman<'a, S>
where
    S: Fn(Channel, Delivery, Time) -> F,
    F: Future<Output = Outcome> + Send + 'static,
{
    fn new(config: &'a Config, clock: Clock, stop: Stop, send: S) -> Self {
        Self { config, clock, stop, send, attempts: Vec::new() }
    }

    async fn work(mut self, store: &mut Store) -> Result<Vec<Attempt>, Trouble> {
        let stop = self.stop.clone();
        crew::work(&mut self, store, stop).await?;
        // in the order in which they were queued, whichever provider was faster
        self.attempts.sort_by_key(|attempt| attempt.delivery.id);
        Ok(self.attempts)
    }

    fn channel(&self, to: &Destination) -> Option<Channel> {
        self.config.channels.iter().find(|channel| channel.name() == to.channel).cloned()
    }

    /// What goes out next to a destination. A machine gets each alert as it comes.
    fn pick(
        &self,
        store: &Store,
        channel: &Channel,
        to: &Destination,
        due: Vec<Delivery>,
    ) -> Result<Vec<Delivery>, Trouble> {
        if !channel.is_for_people() {
            return Ok(due.into_iter().take(1).collect());
        }
        let now = self.clock.now();
        let lately = store.messages_since(to, now - WINDOW, now)?;
        Ok(parcel::pick(due, lately, budget::is_nearly_spent(store, self.config, channel, now)?))
    }

    /// Commits that the attempt begins, then lets it begin.
    fn start(
        &mut self,
        store: &mut Store,
        crew: &mut Crew<Load, Outcome>,
        channel: Channel,
        to: Destination,
        picked: Vec<Delivery>,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        let tx = store.begin()?;
        let mut ours = Vec::with_capacity(picked.len());
        for delivery in picked {
            // a cycle may have replaced it, or a person dropped it, since it was picked
            ours.extend(tx.delivery(delivery.id)?.filter(|delivery| delivery.state == State::Pending));
        }
        let first = ours.iter().map(|delivery| delivery.id).min();
        let parcel = first.filter(|_| ours.len() > 1);
        for delivery in &mut ours {
            tx.mark_sending(delivery.id, parcel, now)?;
            delivery.attempts += 1;
            delivery.parcel = parcel;
        }
        let Some(mut delivery) = digest::of(&ours, now) else { return Ok(()) };
        budget::take(&tx, self.config, &channel, now)?;
        tx.commit()?;
        if channel.is_for_people() {
            delivery.message.trend = trend::of(store, self.config, &delivery.message);
        }
        let load = Load { to, deliveries: ours, begun: Instant::now() };
        crew.begin(load, (self.send)(channel, delivery, now));
        Ok(())
    }
}

/// The outcome of a send of which only its begin is known.
fn unknown_end(lost: Lost) -> Outcome {
    let why = match lost {
        Lost::Panicked => "internal error of this channel",
        Lost::Stopped => "stopped before the answer",
    };
    Outcome::Later { why: why.to_owned(), after: None, ambiguous: true }
}

/// Whether people have heard, or may have heard, of what stands in these rows.
pub fn has_arrived(rows: &[Delivery]) -> bool {
    rows.iter().any(|row| matches!(row.state, State::Sent | State::Uncertain))
}

#[cfg(test)]
mod tests;

//! From the outbox to people. Only the holder of the `deliver` lock sends, so a row that is found `sending` is an orphan
//! of a process that died: it is due at once and goes out marked as a possible repeat, with the same id.
//!
//! Each attempt is committed before it begins and after it ends. Destinations are served side by side, each in order.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::lock::{self, Name};
use crate::config::Config;
use crate::model::delivery::{Attempt, Delivery, Outcome};
use crate::model::message::Destination;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::notify::{Channel, retry};
use crate::store::Store;
use crate::world::Clock;

/// How long to wait for another deliverer to finish before leaving the rest to it.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often the outbox is looked at while something is being sent.
const LOOK: Duration = Duration::from_millis(500);

/// Whether there is anything to deliver: something is due, or was being sent when its process died.
pub fn is_needed(store: &Store, now: Time) -> Result<bool, Trouble> {
    Ok(store.next_due()?.is_some_and(|due| due <= now) || store.outbox_counts()?.sending > 0)
}

/// Sends all that is due, until nothing is. Returns every attempt; none when another process is at it.
pub async fn deliver(
    store: &mut Store,
    config: &Config,
    net: &Arc<Net>,
    clock: Clock,
) -> Result<Vec<Attempt>, Trouble> {
    if !is_needed(store, clock.now())? {
        return Ok(Vec::new());
    }
    // what is being sent without anything being due belongs to a living deliverer or is an orphan: the lock tells
    let is_due = store.next_due()?.is_some_and(|due| due <= clock.now());
    let patience = if is_due { PATIENCE } else { Duration::ZERO };
    let Some(_lock) = lock::take(&config.database.0, Name::Deliver, patience).await? else {
        return Ok(Vec::new());
    };
    take_over(store, config, clock)?;
    Postman { config, net, clock, busy: HashSet::new(), tasks: JoinSet::new() }.work(store).await
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

/// What a sending task comes back with.
type Sent = (Delivery, Outcome, Duration);

struct Postman<'a> {
    config: &'a Config,
    net: &'a Arc<Net>,
    clock: Clock,
    busy: HashSet<Destination>,
    tasks: JoinSet<Sent>,
}

impl Postman<'_> {
    async fn work(mut self, store: &mut Store) -> Result<Vec<Attempt>, Trouble> {
        let mut attempts = Vec::new();
        loop {
            self.start_what_is_due(store)?;
            let ended = tokio::select! {
                ended = self.tasks.join_next() => ended,
                // a cycle may have queued more meanwhile
                () = tokio::time::sleep(LOOK) => continue,
            };
            match ended {
                None => {
                    // in the order in which they were queued, whichever provider was faster
                    attempts.sort_by_key(|attempt: &Attempt| attempt.delivery.id);
                    return Ok(attempts);
                }
                Some(Ok(sent)) => attempts.push(self.record(store, sent)?),
                // a panicking channel: its row stays `sending` and is adopted by the next deliverer
                Some(Err(_)) => {}
            }
        }
    }

    fn start_what_is_due(&mut self, store: &mut Store) -> Result<(), Trouble> {
        for delivery in store.due(self.clock.now())? {
            let Some(channel) =
                self.config.channels.iter().find(|channel| channel.name() == delivery.destination.channel)
            else {
                continue;
            };
            if !self.busy.insert(delivery.destination.clone()) {
                continue;
            }
            let now = self.clock.now();
            let tx = store.begin()?;
            let ours = tx.mark_sending(delivery.id, now)?;
            tx.commit()?;
            if !ours {
                self.busy.remove(&delivery.destination);
                continue;
            }
            let (channel, net) = (channel.clone(), self.net.clone());
            let delivery = Delivery { attempts: delivery.attempts + 1, ..delivery };
            self.tasks.spawn(async move {
                let begun = Instant::now();
                let outcome = channel.send(&delivery, &net, now).await;
                (delivery, outcome, begun.elapsed())
            });
        }
        Ok(())
    }

    fn record(&mut self, store: &mut Store, sent: Sent) -> Result<Attempt, Trouble> {
        let (delivery, outcome, took) = sent;
        self.busy.remove(&delivery.destination);
        let now = self.clock.now();
        let channel = self.config.channels.iter().find(|channel| channel.name() == delivery.destination.channel);
        let next = retry::next(&outcome, &delivery, channel.is_some_and(Channel::idempotent), now);
        let tx = store.begin()?;
        tx.finish(delivery.id, took, &outcome, next.state, next.due)?;
        if matches!(outcome, Outcome::Sent { .. }) {
            tx.hasten(Some(&delivery.destination.channel), now)?;
        }
        tx.commit()?;
        let again_in = next.due.map(|due| due.since(now));
        Ok(Attempt { delivery, outcome, state: next.state, again_in, took })
    }
}

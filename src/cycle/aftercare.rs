//! What is done for messages after a provider took them. Text messages are asked for at the next cycles, since "taken" is
//! not "arrived". Alertmanager is told again and again of what fires, since it forgets. Both run under the `deliver` lock,
//! after what is due has been sent, and only where such a channel is configured.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Config;
use crate::model::delivery::{Delivery, Fate, Outcome};
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::notify::alertmanager::{Alertmanager, RESEND};
use crate::notify::sms::Sms;
use crate::notify::{Channel, SEND_LIMIT};
use crate::store::Store;
use crate::store::aftercare::Receipt;
use crate::world::Clock;

/// How many messages are asked for in one cycle.
const MOST_ASKED: u32 = 20;
/// The pauses between two questions about one message: a part of its age, within these.
const SHORTEST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// Cycles are not punctual to the millisecond.
const EARLY: Duration = Duration::from_secs(5);

/// Whether there is anything to do.
pub fn is_due(store: &Store, config: &Config, now: Time) -> Result<bool, Trouble> {
    let mut due = phones(config).next().is_some() && store.next_ask()?.is_some_and(|ask| ask <= now);
    for alertmanager in alertmanagers(config) {
        due |= stale(store, alertmanager.name(), now)?.is_some();
    }
    Ok(due)
}

/// Does it.
pub async fn look_after(store: &mut Store, config: &Config, net: &Arc<Net>, clock: Clock) -> Result<(), Trouble> {
    if phones(config).next().is_some() {
        ask(store, config, net, clock).await?;
    }
    for alertmanager in alertmanagers(config) {
        refresh(store, alertmanager, net, clock).await?;
    }
    Ok(())
}

fn phones(config: &Config) -> impl Iterator<Item = &Sms> {
    config.channels.iter().filter_map(|channel| match channel {
        Channel::Sms(sms) => Some(sms),
        _ => None,
    })
}

fn alertmanagers(config: &Config) -> impl Iterator<Item = &Alertmanager> {
    config.channels.iter().filter_map(|channel| match channel {
        Channel::Alertmanager(alertmanager) => Some(alertmanager),
        _ => None,
    })
}

/// Asks what became of messages, all of them side by side.
async fn ask(store: &mut Store, config: &Config, net: &Arc<Net>, clock: Clock) -> Result<(), Trouble> {
    let mut questions = JoinSet::new();
    let deadline = Instant::now() + SEND_LIMIT;
    for receipt in store.receipts(clock.now(), MOST_ASKED)? {
        let asked = phones(config).find(|sms| sms.name() == receipt.channel);
        let Some((sms, patience)) = asked.and_then(|sms| Some((sms.clone(), sms.followed()?))) else {
            let tx = store.begin()?;
            tx.end_asking(&receipt.id, "not followed any more")?;
            tx.commit()?;
            continue;
        };
        let net = net.clone();
        questions.spawn(async move { (sms.fate(&receipt.id, &net, deadline).await, receipt, patience) });
    }
    while let Some(answer) = questions.join_next().await {
        // a task that panicked: the message is asked for once more next time
        let Ok((answer, receipt, patience)) = answer else { continue };
        let now = clock.now();
        let again = again(&receipt, patience, now);
        let tx = store.begin()?;
        match answer {
            Ok(fate) => tx.note_fate(&receipt.id, &fate, again, now)?,
            Err(why) => tx.note_fate(&receipt.id, &Fate::Underway(format!("unknown: {why}")), again, now)?,
        }
        tx.commit()?;
    }
    Ok(())
}

/// When to ask once more; not at all once it should have been known for long.
fn again(receipt: &Receipt, patience: Duration, now: Time) -> Option<Time> {
    let age = now.since(receipt.sent);
    (age < patience).then(|| now + (age / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
}

/// What `channel` must hear of again now; nothing at all is worth a word only where there was trouble. None when the last
/// word is not so old yet (a clock that went back does not make it young).
fn stale(store: &Store, channel: &str, now: Time) -> Result<Option<Vec<Delivery>>, Trouble> {
    let last = store.refreshed(channel)?;
    if last.as_ref().is_some_and(|last| last.at <= now && now.since(last.at) + EARLY < RESEND) {
        return Ok(None);
    }
    let told = store.told(channel)?;
    let had_trouble = last.is_some_and(|last| last.trouble.is_some());
    Ok((had_trouble || !told.is_empty()).then_some(told))
}

async fn refresh(store: &mut Store, alertmanager: &Alertmanager, net: &Arc<Net>, clock: Clock) -> Result<(), Trouble> {
    let now = clock.now();
    let Some(told) = stale(store, alertmanager.name(), now)? else { return Ok(()) };
    let trouble = match alertmanager.remind(&told, net, now, Instant::now() + SEND_LIMIT).await {
        Outcome::Sent { .. } => None,
        Outcome::Later { why, .. } | Outcome::Dead { why } => Some(why),
    };
    let tx = store.begin()?;
    tx.note_refresh(alertmanager.name(), trouble.as_deref(), now)?;
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_grow_rarer_and_end() {
        let sent = Time::from_millis(0);
        let receipt = Receipt { id: "SM".to_owned(), channel: "sms".to_owned(), sent };
        let patience = Duration::from_mins(75);
        let pause = |age: Duration| again(&receipt, patience, sent + age).map(|then| then.since(sent + age));
        assert_eq!(pause(Duration::ZERO), Some(SHORTEST_PAUSE));
        assert_eq!(pause(Duration::from_mins(4)), Some(Duration::from_mins(2)));
        assert_eq!(pause(Duration::from_hours(1)), Some(LONGEST_PAUSE));
        assert_eq!(pause(patience), None);
    }
}

//! The budget of text messages at work: the bucket is kept in the database, over all channels of that sort and all
//! processes. The last tokens, one for each number, are kept for messages that take along all that waits; what the empty
//! bucket holds back waits in the outbox with the reason, and is sent when a token has come back.

use crate::config::Config;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::message::Kind;
use crate::model::time::Time;
use crate::notify::sms::budget::Bucket;
use crate::notify::{Channel, Sort};
use crate::store::{Reader, Result, Store, Tx};

/// The one bucket there is.
const NAME: &str = "sms";

/// What of `due` may go out through `channel` now: all of it, or where no token is left only a test, which somebody wants
/// who said so. The rest waits for a token.
pub fn hold_back(
    store: &mut Store,
    config: &Config,
    channel: &Channel,
    due: Vec<Delivery>,
    now: Time,
) -> Result<Vec<Delivery>> {
    let Some(bucket) = bucket(store, config, channel, now)? else { return Ok(due) };
    if config.sms_budget.tokens(bucket) > 0 {
        return Ok(due);
    }
    let (tests, held): (Vec<_>, Vec<_>) = due.into_iter().partition(|delivery| delivery.message.kind == Kind::Test);
    let ids: Vec<i64> = held.iter().map(|delivery| delivery.id).collect();
    let next = config.sms_budget.next(bucket);
    let tx = store.begin()?;
    tx.hold_back(&ids, &format!("held back until {next}: the budget of text messages is spent"), next)?;
    tx.commit()?;
    Ok(tests)
}

/// Whether so few tokens are left that the next message to each number is its last one for some time.
pub fn is_nearly_spent(reader: &Reader, config: &Config, channel: &Channel, now: Time) -> Result<bool> {
    let Some(bucket) = bucket(reader, config, channel, now)? else { return Ok(false) };
    let phones = config.channels.iter().filter(|channel| channel.sort() == Sort::Sms);
    let numbers: usize = phones.map(|channel| channel.destinations().len()).sum();
    Ok(config.sms_budget.tokens(bucket) as usize <= numbers)
}

/// Takes the token of a message that is about to go out through `channel`.
pub fn take(tx: &Tx<'_>, config: &Config, channel: &Channel, now: Time) -> Result<()> {
    let Some(bucket) = bucket(tx, config, channel, now)? else { return Ok(()) };
    put(tx, config.sms_budget.less(bucket))
}

/// Gives the token back where the message surely was not taken, and cost nothing.
pub fn settle(tx: &Tx<'_>, config: &Config, channel: &Channel, outcome: &Outcome, now: Time) -> Result<()> {
    let was_free = matches!(outcome, Outcome::Dead { .. } | Outcome::Later { ambiguous: false, .. });
    match bucket(tx, config, channel, now)?.filter(|_| was_free) {
        Some(bucket) => put(tx, config.sms_budget.more(bucket)),
        None => Ok(()),
    }
}

/// The bucket as it stands now, where the channel draws from one.
fn bucket(reader: &Reader, config: &Config, channel: &Channel, now: Time) -> Result<Option<Bucket>> {
    if channel.sort() != Sort::Sms {
        return Ok(None);
    }
    let last = reader.bucket(NAME)?.map(|(filled, at)| Bucket { filled, at });
    Ok(Some(config.sms_budget.at(last, now)))
}

fn put(tx: &Tx<'_>, bucket: Bucket) -> Result<()> {
    tx.put_bucket(NAME, bucket.filled, bucket.at)
}

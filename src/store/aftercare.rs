//! What is known of messages after a provider took them, and of channels that must hear of what fires again and again.

use std::time::Duration;

use super::deliveries::{COLUMNS, delivery};
use super::rows::json_of;
use super::{Reader, Result, Tx};
use crate::model::delivery::{Delivery, Fate};
use crate::model::time::Time;
use crate::text::safe;

/// A message that a provider took, and of which it is not known yet whether it arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// What the provider calls it.
    pub id: String,
    /// The channel that sent it.
    pub channel: String,
    /// When it was sent.
    pub sent: Time,
}

/// How the last word about all that fires went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refreshed {
    /// When it was sent.
    pub at: Time,
    /// Why it was not taken.
    pub trouble: Option<String>,
}

impl Reader {
    /// When to ask next what became of a message.
    pub fn next_ask(&self) -> Result<Option<Time>> {
        let sql = "SELECT min(ask) AS ask FROM attempt WHERE ask IS NOT NULL";
        Ok(self.first("attempt", sql, [], |cells| cells.time_if_any("ask"))?.flatten())
    }

    /// Messages of which it is time to ask what became of them, at most `limit`. One message may have carried several
    /// deliveries.
    pub fn receipts(&self, now: Time, limit: u32) -> Result<Vec<Receipt>> {
        let sql = "SELECT min(attempt.id) AS id, receipt, channel, max(started) AS sent
                   FROM attempt JOIN outbox ON outbox.id = attempt.outbox
                   WHERE ask <= ?1 AND receipt IS NOT NULL GROUP BY receipt, channel ORDER BY min(ask) LIMIT ?2";
        self.all("attempt", sql, (now.millis(), limit), |cells| {
            Ok(Receipt { id: cells.get("receipt")?, channel: cells.get("channel")?, sent: cells.time("sent")? })
        })
    }

    /// The last message about each alert that fires which `channel` took.
    pub fn told(&self, channel: &str) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE kind <> 'resolved' AND id IN (
                 SELECT max(outbox.id) FROM outbox JOIN alert ON alert.id = outbox.alert
                 WHERE alert.ended_at IS NULL AND outbox.channel = ?1 AND outbox.state = 'sent' GROUP BY alert.id)
             ORDER BY id"
        );
        self.all("outbox", &sql, [channel], delivery)
    }

    /// How the last word to `channel` about all that fires went.
    pub fn refreshed(&self, channel: &str) -> Result<Option<Refreshed>> {
        let sql = "SELECT 0 AS id, at, trouble FROM refresh WHERE channel = ?1";
        self.first("refresh", sql, [channel], |cells| {
            Ok(Refreshed { at: cells.time("at")?, trouble: cells.get("trouble")? })
        })
    }
}

impl Reader {
    /// What was left of a budget, and when.
    pub fn bucket(&self, name: &str) -> Result<Option<(Duration, Time)>> {
        let sql = "SELECT 0 AS id, filled_ns, at FROM bucket WHERE name = ?1";
        self.first("bucket", sql, [name], |cells| {
            let filled: i64 = cells.get("filled_ns")?;
            Ok((Duration::from_nanos(u64::try_from(filled).unwrap_or(0)), cells.time("at")?))
        })
    }
}

impl Tx<'_> {
    /// Records what is left of a budget.
    pub fn put_bucket(&self, name: &str, filled: Duration, at: Time) -> Result<()> {
        let filled = i64::try_from(filled.as_nanos()).unwrap_or(i64::MAX);
        self.execute(
            "INSERT INTO bucket (name, filled_ns, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET filled_ns = excluded.filled_ns, at = excluded.at",
            (name, filled, at.millis()),
        )?;
        Ok(())
    }

    /// Lets deliveries wait until `due`, and says why.
    pub fn hold_back(&self, ids: &[i64], why: &str, due: Time) -> Result<()> {
        self.execute(
            "UPDATE outbox SET due = ?2, last_answer = ?3
             WHERE state = 'pending' AND id IN (SELECT value FROM json_each(?1))",
            (json_of(&ids)?, due.millis(), safe::answer(why)),
        )?;
        Ok(())
    }

    /// Records what became of a message; `again` is when to ask once more, if it is not known yet. A message that did not
    /// arrive was not delivered: nobody was told by it.
    pub fn note_fate(&self, receipt: &str, fate: &Fate, again: Option<Time>, now: Time) -> Result<()> {
        match fate {
            Fate::Arrived(word) => self.end_asking(receipt, word),
            Fate::Underway(word) => match again {
                Some(again) => self.ask_again(receipt, again),
                None => self.end_asking(receipt, &format!("last heard: {word}")),
            },
            Fate::Failed(why) => {
                let why = safe::answer(why);
                self.execute(
                    "UPDATE outbox SET state = 'dead', last_answer = ?2, finished = ?3
                     WHERE state = 'sent' AND id IN (SELECT outbox FROM attempt WHERE receipt = ?1)",
                    (receipt, &why, now.millis()),
                )?;
                self.execute(
                    "UPDATE destination SET works = 0 WHERE (channel, address) IN (
                         SELECT channel, address FROM outbox
                         WHERE id IN (SELECT outbox FROM attempt WHERE receipt = ?1))",
                    [receipt],
                )?;
                self.execute(
                    "UPDATE attempt SET ask = NULL, outcome = 'undelivered', answer = ?2 WHERE receipt = ?1",
                    (receipt, &why),
                )?;
                Ok(())
            }
        }
    }

    /// Asks once more at `again`.
    pub fn ask_again(&self, receipt: &str, again: Time) -> Result<()> {
        self.execute("UPDATE attempt SET ask = ?2 WHERE receipt = ?1", (receipt, again.millis())).map(|_| ())
    }

    /// Asks no more, and adds `word` to what the provider said first.
    pub fn end_asking(&self, receipt: &str, word: &str) -> Result<()> {
        let word = safe::answer(word);
        self.execute(
            "UPDATE outbox SET last_answer = coalesce(last_answer || '; ', '') || ?2
             WHERE state = 'sent' AND id IN (SELECT outbox FROM attempt WHERE receipt = ?1)",
            (receipt, &word),
        )?;
        self.execute(
            "UPDATE attempt SET ask = NULL, answer = coalesce(answer || '; ', '') || ?2 WHERE receipt = ?1",
            (receipt, &word),
        )?;
        Ok(())
    }

    /// Records how a word to `channel` about all that fires went.
    pub fn note_refresh(&self, channel: &str, trouble: Option<&str>, now: Time) -> Result<()> {
        self.execute(
            "INSERT INTO refresh (channel, at, trouble) VALUES (?1, ?2, ?3)
             ON CONFLICT (channel) DO UPDATE SET at = excluded.at, trouble = excluded.trouble",
            (channel, now.millis(), trouble.map(safe::answer)),
        )?;
        self.execute("UPDATE destination SET works = ?2 WHERE channel = ?1", (channel, trouble.is_none()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! The outbox, as the cycle and the deliverer use it: what is decided, what is due, how it went.

use std::collections::BTreeMap;
use std::time::Duration;

use super::alerts::AlertId;
use super::deliveries::{COLUMNS, delivery};
use super::rows::{Cells, Unread, json_of, of_word};
use super::{Reader, Result, Tx};
use crate::model::delivery::{Delivery, Outcome, Queued, State};
use crate::model::message::{Destination, Message};
use crate::model::time::{Time, millis_of};
use crate::text::safe;

/// Rows that wait and have nothing unfinished of the same alert and destination before them. Tests, which have no
/// alert, wait for nothing.
const HEADS: &str = "
    outbox.state = 'pending' AND NOT EXISTS (
        SELECT 1 FROM outbox AS before
        WHERE before.alert = outbox.alert AND before.id < outbox.id
          AND before.channel = outbox.channel AND before.address = outbox.address
          AND before.state IN ('pending', 'sending'))";

/// What [`queued`] reads.
const QUEUED: &str = "
    SELECT id, alert, channel, address, kind, json_extract(message, '$.severity') AS severity, state, maybe_repeat,
           json_extract(message, '$.at') AS at, created
    FROM outbox";

/// The row of an alert's delivery, reduced to what planning must know.
fn queued(cells: &Cells<'_>) -> std::result::Result<(AlertId, Queued), Unread> {
    let row = Queued {
        id: cells.get("id")?,
        to: Destination { channel: cells.get("channel")?, address: cells.get("address")? },
        kind: cells.word("kind", of_word)?,
        severity: cells.word("severity", of_word)?,
        state: cells.word("state", |word| State::ALL.into_iter().find(|state| state.name() == word))?,
        maybe_repeat: cells.get("maybe_repeat")?,
        at: cells.time("at")?,
        created: cells.time("created")?,
    };
    Ok((AlertId(cells.get("alert")?), row))
}

impl Reader {
    /// What to send now, by id. Of several rows for one alert and destination only the first: ask again when it is
    /// finished. So a row in back-off holds up only what comes after it to the same people about the same alert.
    pub fn due(&self, now: Time) -> Result<Vec<Delivery>> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE outbox.due <= ?1 AND {HEADS} ORDER BY id");
        self.all("outbox", &sql, [now.millis()], delivery)
    }

    /// When [`Reader::due`] will next have something, as far as is known now.
    pub fn next_due(&self) -> Result<Option<Time>> {
        let sql = format!("SELECT min(due) AS due FROM outbox WHERE {HEADS}");
        Ok(self.first("outbox", &sql, [], |cells| cells.time_if_any("due"))?.flatten())
    }

    /// Alerts about which something was decided after `since` that waits or was given up.
    pub fn alerts_not_told(&self, since: Time) -> Result<Vec<AlertId>> {
        let sql = "SELECT DISTINCT alert AS id FROM outbox
                   WHERE state IN ('pending', 'dead') AND created > ?1 AND alert IS NOT NULL";
        self.all("outbox", sql, [since.millis()], |cells| cells.get("id").map(AlertId))
    }

    /// How many alerts, of those that last or wait, nobody has been told of although it was tried, or is overdue since
    /// before `late`.
    pub fn undelivered_alerts(&self, late: Time) -> Result<u32> {
        let sql = "
            SELECT count(*) AS size FROM alert WHERE id IN (
                SELECT alert FROM outbox
                WHERE state = 'dead' OR state = 'pending' AND (attempts > 0 OR created < ?1))
            AND (ended_at IS NULL OR EXISTS (SELECT 1 FROM outbox WHERE outbox.alert = alert.id AND state = 'pending'))
            AND NOT EXISTS (
                SELECT 1 FROM outbox WHERE outbox.alert = alert.id AND state IN ('sent', 'uncertain', 'sending'))";
        Ok(self.first("alert", sql, [late.millis()], |cells| cells.get("size"))?.unwrap_or(0))
    }

    /// What was decided to be sent about each alert that is not over, by id.
    pub fn queued(&self) -> Result<BTreeMap<AlertId, Vec<Queued>>> {
        let open = "SELECT id FROM alert WHERE ended_at IS NULL";
        let rows = self.all("outbox", &format!("{QUEUED} WHERE alert IN ({open}) ORDER BY id"), [], queued)?;
        let mut all: BTreeMap<AlertId, Vec<Queued>> = BTreeMap::new();
        for (alert, row) in rows {
            all.entry(alert).or_default().push(row);
        }
        Ok(all)
    }

    /// The same of one alert, over or not.
    pub fn queued_of(&self, alert: AlertId) -> Result<Vec<Queued>> {
        let rows = self.all("outbox", &format!("{QUEUED} WHERE alert = ?1 ORDER BY id"), [alert.0], queued)?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// All that was ever decided to be sent about an alert, by id.
    pub fn deliveries_of(&self, alert: AlertId) -> Result<Vec<Delivery>> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE alert = ?1 ORDER BY id");
        self.all("outbox", &sql, [alert.0], delivery)
    }
}

impl Tx<'_> {
    /// Puts a notification into the outbox, due at once; the id that every repeat of it carries.
    pub fn enqueue(
        &self,
        alert: Option<AlertId>,
        destination: &Destination,
        message: &Message,
        now: Time,
    ) -> Result<i64> {
        self.insert(
            "INSERT INTO outbox (alert, channel, address, kind, message, state, attempts, maybe_repeat, created, due)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, 0, ?6, ?6)",
            (
                alert.map(|alert| alert.0),
                &destination.channel,
                &destination.address,
                message.kind.name(),
                json_of(message)?,
                now.millis(),
            ),
        )
    }

    /// A newer message replaces these, where they have not been sent yet. How many it replaced.
    pub fn supersede(&self, ids: &[i64], now: Time) -> Result<usize> {
        self.execute(
            "UPDATE outbox SET state = 'superseded', finished = ?2
             WHERE state = 'pending' AND id IN (SELECT value FROM json_each(?1))",
            (json_of(&ids)?, now.millis()),
        )
    }

    /// Whoever holds the delivery lock knows that no other process sends: rows still marked so were orphaned by a
    /// killed one, and may have arrived. They become due now. How many there were.
    pub fn adopt_orphans(&self, now: Time) -> Result<usize> {
        self.execute(
            "UPDATE attempt SET outcome = 'interrupted', answer = ?1 WHERE outcome IS NULL",
            ["the process ended before the answer"],
        )?;
        self.execute(
            "UPDATE outbox SET state = 'pending', due = ?1, maybe_repeat = 1, last_answer = ?2 WHERE state = 'sending'",
            (now.millis(), "the process ended before the answer"),
        )
    }

    /// Records, to be committed before the send, that an attempt begins; `parcel` names the delivery whose message it
    /// goes in, where that is not its own alone. False when the row no longer waits (it was replaced or dropped
    /// meanwhile): then it must not be sent.
    pub fn mark_sending(&self, id: i64, parcel: Option<i64>, now: Time) -> Result<bool> {
        let marked = self.execute(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, parcel = ?2
             WHERE id = ?1 AND state = 'pending'",
            (id, parcel),
        )?;
        if marked == 1 {
            let sql = "INSERT INTO attempt (outbox, started, parcel) VALUES (?1, ?2, ?3)";
            self.insert(sql, (id, now.millis(), parcel))?;
        }
        Ok(marked == 1)
    }

    /// Records how the attempt went that [`Tx::mark_sending`] began, and what becomes of the delivery: `state`, and
    /// `due` if it is to be tried again. What certainly did not arrive may go in another message next time; what may
    /// have arrived stays in its own.
    pub fn finish(&self, id: i64, took: Duration, outcome: &Outcome, state: State, due: Option<Time>) -> Result<()> {
        let (word, answer, receipt, ambiguous) = match outcome {
            Outcome::Sent { answer, receipt } => ("sent", answer, receipt.as_deref(), false),
            Outcome::Later { why, ambiguous, .. } => ("later", why, None, *ambiguous),
            Outcome::Dead { why } => ("dead", why, None, false),
        };
        let answer = safe::answer(answer);
        let over = !matches!(state, State::Pending | State::Sending);
        self.execute(
            "UPDATE outbox SET state = ?2, due = coalesce(?3, due), last_answer = ?4, maybe_repeat = maybe_repeat OR ?5,
                 parcel = CASE WHEN ?6 OR maybe_repeat OR ?5 THEN parcel END,
                 finished = CASE WHEN ?6 THEN
                     (SELECT max(started) + ?7 FROM attempt WHERE outbox = ?1 AND outcome IS NULL) END
             WHERE id = ?1",
            (id, state.name(), due.map(Time::millis), &answer, ambiguous, over, millis_of(took)),
        )?;
        self.note_destination(id, word == "sent", took)?;
        self.execute(
            "UPDATE attempt SET took_ms = ?2, outcome = ?3, answer = ?4, receipt = ?5,
                 ask = CASE WHEN ?5 IS NOT NULL THEN started + ?2 END
             WHERE outbox = ?1 AND outcome IS NULL",
            (id, millis_of(took), word, &answer, receipt),
        )?;
        Ok(())
    }

    /// What the attempt under way says of its destination.
    fn note_destination(&self, id: i64, works: bool, took: Duration) -> Result<()> {
        self.execute(
            "INSERT INTO destination (channel, address, seen, proven, works)
                 SELECT channel, address, created, CASE WHEN ?2 THEN started + ?3 END, ?2
                 FROM outbox JOIN attempt ON attempt.outbox = outbox.id
                 WHERE outbox.id = ?1 AND attempt.outcome IS NULL
             ON CONFLICT (channel, address) DO UPDATE
                 SET proven = coalesce(excluded.proven, proven), works = excluded.works",
            (id, works, millis_of(took)),
        )?;
        Ok(())
    }

    /// Notes destinations that are configured, where they are new.
    pub fn see_destinations(&self, all: &[Destination], now: Time) -> Result<()> {
        for Destination { channel, address } in all {
            self.execute(
                "INSERT INTO destination (channel, address, seen) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                (channel, address, now.millis()),
            )?;
        }
        Ok(())
    }

    /// Lets a delivery that was given up, or waits, be sent at once; what may have arrived is marked as a repeat. False
    /// when it is in no state for that.
    pub fn resend(&self, id: i64, now: Time) -> Result<bool> {
        let changed = self.execute(
            "UPDATE outbox SET maybe_repeat = maybe_repeat OR state IN ('sent', 'uncertain'),
                 parcel = CASE WHEN state = 'pending' THEN parcel END,
                 state = 'pending', attempts = 0, due = ?2, finished = NULL
             WHERE id = ?1 AND state IN ('pending', 'dead', 'uncertain', 'sent')",
            (id, now.millis()),
        )?;
        Ok(changed == 1)
    }

    /// Gives up a delivery that waits. False when it does not.
    pub fn drop_delivery(&self, id: i64, why: &str, now: Time) -> Result<bool> {
        let changed = self.execute(
            "UPDATE outbox SET state = 'dead', last_answer = ?2, finished = ?3 WHERE id = ?1 AND state = 'pending'",
            (id, safe::answer(why), now.millis()),
        )?;
        Ok(changed == 1)
    }

    /// Makes what waits for one channel (or for any) due now: the first success after trouble does. How many rows.
    pub fn hasten(&self, channel: Option<&str>, now: Time) -> Result<usize> {
        self.execute(
            "UPDATE outbox SET due = ?2 WHERE state = 'pending' AND due > ?2 AND (?1 IS NULL OR channel = ?1)",
            (channel, now.millis()),
        )
    }

    /// Gives up what was queued before `before` and waits for channels that are not configured. A channel that is absent
    /// for one run only (a shell without cron's variables) must not cost a notification. How many rows.
    pub fn kill_channel_rows(&self, known: &[&str], before: Time, now: Time) -> Result<usize> {
        self.execute(
            "UPDATE outbox SET state = 'dead', last_answer = 'channel removed', finished = ?3
             WHERE state = 'pending' AND created < ?2 AND channel NOT IN (SELECT value FROM json_each(?1))",
            (json_of(&known)?, before.millis(), now.millis()),
        )
    }
}

#[cfg(test)]
mod tests;

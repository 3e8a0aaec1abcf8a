//! The outbox, as the screens see it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::alerts::AlertId;
use super::rows::{Cells, Unread};
use super::{Reader, Result};
use crate::model::delivery::{Delivery, State};
use crate::model::message::Destination;
use crate::model::time::Time;

/// The columns that [`delivery`] reads.
pub(super) const COLUMNS: &str =
    "id, alert, channel, address, message, state, attempts, maybe_repeat, created, due, last_answer, parcel";

/// The delivery in a row of [`COLUMNS`].
pub(super) fn delivery(cells: &Cells<'_>) -> std::result::Result<Delivery, Unread> {
    Ok(Delivery {
        id: cells.get("id")?,
        alert: cells.get("alert")?,
        destination: Destination { channel: cells.get("channel")?, address: cells.get("address")? },
        message: cells.json("message")?,
        state: cells.word("state", |word| State::ALL.into_iter().find(|state| state.name() == word))?,
        attempts: cells.get("attempts")?,
        maybe_repeat: cells.get("maybe_repeat")?,
        created: cells.time("created")?,
        due: cells.time("due")?,
        last_answer: cells.get("last_answer")?,
        parcel: cells.get("parcel")?,
    })
}

/// Which deliveries to list; the default is all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only through this channel.
    pub channel: Option<String>,
    /// Only about this alert.
    pub alert: Option<AlertId>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// One attempt to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// When it began.
    pub started: Time,
    /// How long it took; none while it lasts, or when its process was killed.
    pub took: Option<Duration>,
    /// `sent`, `later`, `dead`, `interrupted`, `undelivered` (taken, but it did not arrive); none while it lasts.
    pub outcome: Option<String>,
    /// The provider's answer, or what went wrong.
    pub answer: Option<String>,
    /// The delivery whose message carried it, where several went as one.
    pub parcel: Option<i64>,
}

/// What is known of a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Since when it is known.
    pub seen: Time,
    /// When the provider took a message for it last; none before the first one.
    pub proven: Option<Time>,
    /// Whether the last attempt went through; none before the first one.
    pub works: Option<bool>,
}

/// What became of the newest deliveries of a channel.
#[derive(Clone, PartialEq, Debug)]
pub struct Tally {
    /// The channel.
    pub channel: String,
    /// Taken by the provider.
    pub sent: u64,
    /// Given up.
    pub dead: u64,
    /// From the decision to the provider's word, of those that were taken.
    pub mean_millis: Option<f64>,
}

/// How full the outbox is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutboxCounts {
    /// Waiting or being sent.
    pub pending: u64,
    /// Of these: being sent, or orphaned while they were.
    pub sending: u64,
    /// When the oldest of them was decided.
    pub oldest_pending: Option<Time>,
    /// Given up.
    pub dead: u64,
}

impl Reader {
    /// Deliveries, newest first.
    pub fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR channel = ?2) AND (?3 IS NULL OR alert = ?3)
             ORDER BY id DESC LIMIT ?4"
        );
        let DeliveryFilter { state, channel, alert, limit } = filter;
        // a negative limit is none
        let limit = limit.map_or(-1, i64::from);
        self.all("outbox", &sql, (state.map(State::name), channel, alert.map(|alert| alert.0), limit), delivery)
    }

    /// The attempts to send one delivery, oldest first.
    pub fn attempts(&self, delivery: i64) -> Result<Vec<Attempt>> {
        self.all(
            "attempt",
            "SELECT id, started, took_ms, outcome, answer, parcel FROM attempt WHERE outbox = ?1 ORDER BY id",
            [delivery],
            |cells| {
                Ok(Attempt {
                    started: cells.time("started")?,
                    took: cells.duration_if_any("took_ms")?,
                    outcome: cells.get("outcome")?,
                    answer: cells.get("answer")?,
                    parcel: cells.get("parcel")?,
                })
            },
        )
    }

    /// One delivery.
    pub fn delivery(&self, id: i64) -> Result<Option<Delivery>> {
        self.first("outbox", &format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"), [id], delivery)
    }

    /// How many deliveries went, or are to go, in the message that this one carries.
    pub fn parcel_size(&self, parcel: i64) -> Result<u32> {
        let sql = "SELECT count(*) AS size FROM outbox WHERE parcel = ?1";
        Ok(self.first("outbox", sql, [parcel], |cells| cells.get("size"))?.unwrap_or(0))
    }

    /// How many messages a destination was sent, or was tried to be sent, after `since` and up to `now`; several in one
    /// count once. What a clock that went back left in the future says nothing of this hour.
    pub fn messages_since(&self, to: &Destination, since: Time, now: Time) -> Result<u32> {
        let sql = "SELECT count(*) AS size FROM attempt JOIN outbox ON outbox.id = attempt.outbox
                   WHERE attempt.started > ?1 AND attempt.started <= ?2 AND outbox.channel = ?3 AND outbox.address = ?4
                     AND coalesce(attempt.parcel, attempt.outbox) = attempt.outbox";
        let params = (since.millis(), now.millis(), &to.channel, &to.address);
        let count = self.first("attempt", sql, params, |cells| cells.get("size"))?;
        Ok(count.unwrap_or(0))
    }

    /// What is known of each destination that was ever used or configured.
    pub fn destinations(&self) -> Result<BTreeMap<Destination, Proof>> {
        let sql = "SELECT 0 AS id, channel, address, seen, proven, works FROM destination";
        let rows = self.all("destination", sql, [], |cells| {
            let to = Destination { channel: cells.get("channel")?, address: cells.get("address")? };
            let works = cells.get("works")?;
            Ok((to, Proof { seen: cells.time("seen")?, proven: cells.time_if_any("proven")?, works }))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// What became of the newest deliveries, by channel.
    pub fn delivery_tallies(&self, newest: u32) -> Result<Vec<Tally>> {
        self.all(
            "outbox",
            "SELECT channel, count(*) FILTER (WHERE state = 'sent') AS sent,
                    count(*) FILTER (WHERE state = 'dead') AS dead,
                    avg(finished - created) FILTER (WHERE state = 'sent') AS mean
             FROM (SELECT channel, state, created, finished FROM outbox ORDER BY id DESC LIMIT ?1)
             GROUP BY channel ORDER BY channel",
            [newest],
            |cells| {
                Ok(Tally {
                    channel: cells.get("channel")?,
                    sent: u64::from(cells.get::<u32>("sent")?),
                    dead: u64::from(cells.get::<u32>("dead")?),
                    mean_millis: cells.get("mean")?,
                })
            },
        )
    }

    /// How many deliveries wait, since when, and how many were given up.
    pub fn outbox_counts(&self) -> Result<OutboxCounts> {
        let counts = self.first(
            "outbox",
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')) AS pending,
                    (SELECT count(*) FROM outbox WHERE state = 'sending') AS sending,
                    (SELECT min(created) FROM outbox WHERE state IN ('pending', 'sending')) AS oldest,
                    (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead",
            [],
            |cells| {
                Ok(OutboxCounts {
                    pending: u64::from(cells.get::<u32>("pending")?),
                    sending: u64::from(cells.get::<u32>("sending")?),
                    oldest_pending: cells.time_if_any("oldest")?,
                    dead: u64::from(cells.get::<u32>("dead")?),
                })
            },
        )?;
        Ok(counts.unwrap_or_default())
    }
}

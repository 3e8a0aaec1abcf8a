//! The monitor's own health: ordinary readings that ordinary rules can watch, and what its own alerts have that others
//! have not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Road;
use super::cost;
use super::judge::Judged;
use super::marks::MONITOR;
use crate::alert::routes::Routes;
use crate::alert::tick::Follows;
use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::labels::Labels;
use crate::model::message::Destination;
use crate::model::reading::{Reading, Reason};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::notify::Channel;
use crate::store::cycles::CycleRow;
use crate::store::cycles::FACES;
use crate::store::deliveries::{DeliveryFilter, Proof};
use crate::store::{Reader, Result, Tx};
use crate::text::safe;

/// The shipped rule about a rule that cannot be evaluated.
const RULE_FAILED: &str = "RULE_FAILED";
/// The shipped rule about a channel that does not deliver.
const CHANNEL_BROKEN: &str = "CHANNEL_BROKEN";
/// How many of a channel's deliveries are looked at for its last answer.
const LATEST: u32 = 20;

/// What the monitor remembers of itself from one cycle to the next.
#[derive(Serialize, Deserialize, Default, PartialEq, Eq)]
#[serde(default)]
struct Memory {
    /// Rules that could not be evaluated, with the reason; none of a rule that can be again, for one cycle.
    rules: BTreeMap<String, Option<String>>,
}

impl Memory {
    fn of(reader: &Reader) -> Result<Self> {
        // what cannot be read is from another version, and is known anew after this cycle
        Ok(reader.memory(MONITOR)?.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default())
    }
}

/// The monitor's readings at this tick.
pub fn readings(
    tx: &Tx<'_>,
    road: &Road<'_>,
    follows: &Follows,
    last: Option<CycleRow>,
    now: Time,
) -> Result<Vec<Reading>> {
    let known = |metric, value| Reading::known(metric, Labels::empty(), value);
    let outbox = tx.outbox_counts()?;
    let oldest = outbox.oldest_pending.map_or(0.0, |since| now.since(since).as_secs_f64());
    let interval = road.config.interval;
    // a second cycle in a tick takes the place of the first one, with what that had missed, in its intervals
    let missed = match last.filter(|_| follows.again) {
        Some(last) => last.interval.unwrap_or(interval) * last.missed,
        None => interval * follows.missed,
    };
    let mut own = vec![
        match last {
            Some(last) => known("monitor_cycle_duration_seconds", last.finished.since(last.started).as_secs_f64()),
            None => Reading::unknown("monitor_cycle_duration_seconds", Labels::empty(), Reason::WARMING_UP),
        },
        known("monitor_gap_seconds", missed.as_secs_f64()),
        known("monitor_missed_cycles_total", (tx.cycle_counts()?.missed + u64::from(follows.missed)) as f64),
        known("monitor_outbox_pending", outbox.pending as f64),
        known("monitor_outbox_oldest_seconds", oldest),
        known("monitor_store_bytes", tx.size_bytes()? as f64),
        cost::cpu(),
        cost::memory(),
        known("monitor_config_broken", if road.config_broken { 1.0 } else { 0.0 }),
    ];
    own.extend(channels(tx, road.config, now)?);
    for (rule, why) in Memory::of(tx)?.rules {
        let failed = if why.is_some() { 1.0 } else { 0.0 };
        own.push(Reading::known("monitor_rule_failed", Labels::new([("rule", rule.as_str())]), failed));
    }
    Ok(own)
}

/// Whether each channel delivers, and how long ago those last did that must hear of everything critical.
fn channels(tx: &Tx<'_>, config: &Config, now: Time) -> Result<Vec<Reading>> {
    let known = tx.destinations()?;
    let all: Vec<Destination> = config.channels.iter().flat_map(Channel::destinations).collect();
    let news: Vec<Destination> = all.into_iter().filter(|to| !known.contains_key(to)).collect();
    tx.see_destinations(&news, now)?;
    let critical: BTreeSet<&str> =
        config.routes.hears[Severity::Critical].iter().map(|destination| destination.channel.as_str()).collect();
    let mut readings = Vec::new();
    for channel in &config.channels {
        let labels = Labels::new([("channel", channel.name())]);
        let to = channel.destinations();
        let proofs: Vec<Option<&Proof>> = to.iter().map(|to| known.get(to)).collect();
        readings.push(match works(proofs.iter().copied()) {
            Some(works) => Reading::known("monitor_channel_up", labels.clone(), if works { 1.0 } else { 0.0 }),
            None => Reading::unknown("monitor_channel_up", labels.clone(), Reason::WARMING_UP),
        });
        if critical.contains(channel.name()) {
            let since = |proof: Option<&Proof>| proof.map_or(now, |proof| proof.proven.unwrap_or(proof.seen));
            let oldest = proofs.into_iter().map(since).min().unwrap_or(now);
            let age = now.since(oldest).as_secs_f64();
            readings.push(Reading::known("monitor_channel_proven_age_seconds", labels, age));
        }
    }
    Ok(readings)
}

/// Whether all of a channel's destinations take what they are sent; none before the first attempt.
fn works<'a>(mut proofs: impl Iterator<Item = Option<&'a Proof>> + Clone) -> Option<bool> {
    let tried = proofs.clone().flatten().any(|proof| proof.works.is_some());
    tried.then(|| proofs.all(|proof| proof.and_then(|proof| proof.works) != Some(false)))
}

/// Keeps, for the next cycle, which rules could not be evaluated in this one; and who can be told, for the process that
/// serves and does not know the channels' secrets.
pub fn remember(tx: &Tx<'_>, config: &Config, judged: &Judged, tick: Time) -> Result<()> {
    let faces = serde_json::to_value(config.faces()).unwrap_or_default();
    if tx.memory(FACES)?.as_ref() != Some(&faces) {
        tx.remember(FACES, &faces, tick)?;
    }
    let before = Memory::of(tx)?;
    let failed = judged.failed.iter().map(|(rule, why)| (rule.to_string(), Some(safe::answer(why))));
    let mut rules: BTreeMap<String, Option<String>> = failed.collect();
    for (rule, why) in &before.rules {
        let is_configured = || config.rules.iter().any(|configured| &*configured.name == rule.as_str());
        if why.is_some() && !rules.contains_key(rule) && is_configured() {
            rules.insert(rule.clone(), None);
        }
    }
    let after = Memory { rules };
    if after == before {
        return Ok(());
    }
    tx.remember(MONITOR, &serde_json::to_value(&after).unwrap_or_default(), tick)
}

/// What the monitor itself knows of the trouble behind one of its own alerts.
pub fn cause(reader: &Reader, alert: &Alert) -> Result<Option<String>> {
    if alert.ended.is_some() {
        return Ok(None);
    }
    let label = |rule: &str, name: &str| alert.key.labels.get(name).filter(|_| &*alert.key.rule == rule);
    if let Some(rule) = label(RULE_FAILED, "rule") {
        return Ok(Memory::of(reader)?.rules.remove(rule).flatten());
    }
    let Some(channel) = label(CHANNEL_BROKEN, "channel") else { return Ok(None) };
    let filter = DeliveryFilter { channel: Some(channel.to_owned()), limit: Some(LATEST), ..DeliveryFilter::default() };
    let answers = reader.deliveries(&filter)?.into_iter().filter_map(|delivery| delivery.last_answer);
    Ok(answers.into_iter().next())
}

/// Who is told of an alert by its severity. That a channel is broken is told by the others.
pub fn routes<'a>(alert: &Alert, routes: &'a Routes) -> Cow<'a, Routes> {
    let broken = alert.key.labels.get("channel").filter(|_| &*alert.key.rule == CHANNEL_BROKEN);
    let Some(broken) = broken else { return Cow::Borrowed(routes) };
    Cow::Owned(routes.without(broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_works_when_each_of_its_destinations_does() {
        let proof = |works| Proof { seen: Time::from_millis(0), proven: None, works };
        let (good, bad, new) = (proof(Some(true)), proof(Some(false)), proof(None));
        for (proofs, expected) in [
            (vec![], None),
            (vec![None, Some(&new)], None),
            (vec![Some(&good), Some(&new)], Some(true)),
            (vec![Some(&good), Some(&bad)], Some(false)),
        ] {
            assert_eq!(works(proofs.iter().copied()), expected, "{proofs:?}");
        }
    }
}

//! What it looks like now: read once, in one moment of the database, and printed in many forms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::age;
use super::api::migration;
use super::measured::Measured;
use super::reserves::Picture;
use super::rows::rows_of;
use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::delivery::{self, Delivery};
use crate::model::face::Face;
use crate::model::labels::Labels;
use crate::model::message::Destination;
use crate::model::reading::Reason;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::{self, Rule, Windows};
use crate::store::alerts::{AlertFilter, AlertId};
use crate::store::cycles::{CycleCounts, CycleRow, FACES, Note};
use crate::store::deliveries::{DeliveryFilter, OutboxCounts, Proof, Tally};
use crate::store::windows::Latest;
use crate::store::{Reader, Result, Store};

/// How many alerts that ever fired are part of the picture.
const NEWEST: u32 = 50;

/// How many deliveries are counted.
const COUNTED: u32 = 1000;

/// How many notes are.
const NOTES: u32 = 5;

/// How long a delivery that was given up is news.
const NEWS: Duration = Duration::from_hours(48);

/// The picture.
pub struct Snapshot {
    /// When it was taken.
    pub at: Time,
    /// The last finished cycle, if there ever was one.
    pub cycle: Option<CycleRow>,
    /// The newest sample of a database that was only imported into.
    pub imported: Option<Time>,
    /// One row for each rule and label set.
    pub rows: Vec<Row>,
    /// Alerts that fire, the most severe first.
    pub firing: Vec<(AlertId, Alert)>,
    /// The newest alerts that ever fired, the newest first; some of them fire.
    pub newest: Vec<(AlertId, Alert)>,
    /// The newest sample of every live series.
    pub latest: Vec<Latest>,
    /// The last look at the reserves, where they are watched.
    pub reserves: Option<Picture>,
    /// Of the jobs of the bridge that ended lately, the part that failed.
    pub error_rate: Option<f64>,
    /// How full the outbox is.
    pub outbox: OutboxCounts,
    /// What became of the newest deliveries, by channel.
    pub tallies: Vec<Tally>,
    /// Deliveries given up lately, the newest first.
    pub given_up: Vec<Delivery>,
    /// Cycles done and missed over the life of the database.
    pub counts: CycleCounts,
    /// What happened to the monitor itself lately, the newest first.
    pub notes: Vec<Note>,
    /// What is known of each configured channel.
    pub channels: Vec<ChannelRow>,
    /// Age of the last cycle is beyond what cron's rhythm explains.
    pub stale: bool,
}

/// What is known of a channel.
pub struct ChannelRow {
    /// Its name.
    pub name: String,
    /// Where it goes, without any secret.
    pub to: String,
    /// Whether it hears of everything critical.
    pub critical: bool,
    /// Whether the last attempt to each of its destinations went through; none before the first one.
    pub works: Option<bool>,
    /// Since when each of its destinations has taken something; none while one of them has not.
    pub proven: Option<Time>,
}

/// How a rule stands with one label set.
pub struct Row {
    /// The rule.
    pub rule: Arc<str>,
    /// The labels of its result.
    pub labels: Labels,
    /// How it stands.
    pub standing: Standing,
    /// Why it cannot be judged now; an alert that fires goes on firing meanwhile.
    pub blind: Option<Reason>,
    /// The value.
    pub value: Option<f64>,
    /// The value in words.
    pub value_text: Option<String>,
    /// The limit it is held against, in words.
    pub limit_text: String,
    /// Since when the alert lasts.
    pub since: Option<Time>,
    /// The alert's number.
    pub number: Option<u64>,
    /// That somebody is at it, or that people are not told.
    pub aside: Option<String>,
}

/// How a rule stands with one label set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// An alert fires.
    Firing(Severity),
    /// It cannot be judged.
    Unknown(Reason),
    /// It cannot be judged yet, and that is in order: a first measurement, nothing to divide.
    Waiting(Reason),
    /// Beyond a limit, not yet for long enough, or only since its tick was judged.
    Pending,
    /// Fine.
    Fine,
}

/// What it all comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing above LOW fires.
    Fine,
    /// The most severe firing alert.
    Firing(Severity),
    /// Something that a rule needs is not known, or all of it is too old.
    Unknown,
}

impl Snapshot {
    /// Takes the picture in one moment of the database.
    pub fn take(store: &mut Store, config: &Config, now: Time) -> Result<Self> {
        Self::of(&*store.snapshot()?, config, now)
    }

    /// Takes the picture with the eyes of `config`'s rules.
    pub fn of(moment: &Reader, config: &Config, now: Time) -> Result<Self> {
        let cycle = moment.last_cycle()?;
        // samples that were imported are looked at where they end
        let imported = if cycle.is_none() { moment.last_tick()? } else { None };
        let tick = cycle.map(|cycle| cycle.tick).or(imported).unwrap_or(now);
        let latest = moment.latest(tick)?;
        let error_rate = if has_jobs(&latest) { migration::error_rate() } else { None };
        let needs = rules::needs(config.rules.iter().flat_map(Rule::exprs).chain(&error_rate), tick);
        let mut windows = Windows::new(moment.windows(&needs, tick)?);
        let open: BTreeMap<(Arc<str>, Labels), (AlertId, Alert)> = moment
            .open_alerts()?
            .into_iter()
            .map(|(id, alert)| ((alert.key.rule.clone(), alert.key.labels.clone()), (id, alert)))
            .collect();
        windows.set_alerts(open.values().map(|(_, alert)| alert), tick);
        let mut rows = Vec::new();
        for rule in &config.rules {
            rows.extend(rows_of(rule, rules::judge(rule, &windows, tick), &open));
        }
        let mut firing: Vec<_> = open.into_values().filter(|(_, alert)| alert.severity().is_some()).collect();
        firing.sort_by_key(|(_, alert)| (std::cmp::Reverse(alert.severity()), alert.number));
        let filter = AlertFilter { limit: Some(NEWEST), ..AlertFilter::default() };
        let newest = moment.alerts(&filter)?;
        let (outbox, counts, notes) = (moment.outbox_counts()?, moment.cycle_counts()?, moment.notes(NOTES)?);
        let dead =
            DeliveryFilter { state: Some(delivery::State::Dead), limit: Some(NOTES), ..DeliveryFilter::default() };
        let mut given_up = moment.deliveries(&dead)?;
        given_up.retain(|delivery| now.since(delivery.created) < NEWS);
        let reserves = if config.watches_reserves { Picture::last(moment)? } else { None };
        let stale = cycle.is_none_or(|cycle| age::is_stale(&cycle, config.interval, now));
        let channels = channels(&moment.destinations()?, &faces(moment, config)?);
        Ok(Self {
            at: now,
            cycle,
            imported,
            rows,
            firing,
            newest,
            latest,
            reserves,
            error_rate: error_rate.and_then(|expr| migration::number(&expr, &windows, tick)),
            outbox,
            tallies: moment.delivery_tallies(COUNTED)?,
            given_up,
            counts,
            notes,
            channels,
            stale,
        })
    }

    /// Alerts that ended, the newest first.
    pub fn recent(&self) -> impl Iterator<Item = &Alert> {
        self.newest.iter().map(|(_, alert)| alert).filter(|alert| alert.ended.is_some())
    }

    /// How long ago the last cycle ended; not known where there is none, or it lies in the future.
    pub fn age(&self) -> Option<Duration> {
        age::age(&self.cycle?, self.at)
    }

    /// Why nothing of this is of now, as a clause; none where it is.
    pub fn why_stale(&self) -> Option<String> {
        if !self.stale {
            return None;
        }
        Some(match &self.cycle {
            Some(cycle) => age::silence(cycle, self.at),
            None => "nothing has been checked yet".to_owned(),
        })
    }

    /// What it all comes to: CRITICAL before unknown before anything milder.
    pub fn state(&self) -> State {
        if self.stale {
            return State::Unknown;
        }
        self.last_state()
    }

    /// What it comes to without the alerts that somebody has acknowledged.
    pub fn state_unacked(&self) -> State {
        if self.stale { State::Unknown } else { self.state_of(|alert| alert.ack.is_none()) }
    }

    /// What it came to at the last cycle, however old that is.
    pub fn last_state(&self) -> State {
        self.state_of(|_| true)
    }

    fn state_of(&self, counts: impl Fn(&Alert) -> bool) -> State {
        let worst =
            self.firing.iter().filter(|(_, alert)| counts(alert)).filter_map(|(_, alert)| alert.severity()).max();
        State::of(worst, self.rows.iter().any(|row| row.blind.is_some()))
    }

    /// The newest samples.
    pub fn measured(&self) -> Measured<'_> {
        Measured(&self.latest)
    }
}

impl State {
    /// What the most severe firing alert, and whether anything cannot be judged, come to.
    pub fn of(worst: Option<Severity>, blind: bool) -> Self {
        match worst {
            Some(Severity::Critical) => Self::Firing(Severity::Critical),
            _ if blind => Self::Unknown,
            Some(severity) if severity > Severity::Low => Self::Firing(severity),
            _ => Self::Fine,
        }
    }

    /// The exit code of `check` and `status`, 2 before 3 before 1:
    /// 0 fine, 1 MEDIUM or HIGH, 2 CRITICAL, 3 unknown.
    pub const fn exit(self) -> u8 {
        match self {
            Self::Fine | Self::Firing(Severity::Low) => 0,
            Self::Firing(Severity::Medium | Severity::High) => 1,
            Self::Firing(Severity::Critical) => 2,
            Self::Unknown => 3,
        }
    }
}

/// Whether the jobs of the bridge are measured.
fn has_jobs(latest: &[Latest]) -> bool {
    latest.iter().any(|latest| &*latest.key.metric == "bridge_jobs_total")
}

/// Who can be told: by the configuration, or where that was read without secrets, as the last cycle left it.
fn faces(reader: &Reader, config: &Config) -> Result<Vec<Face>> {
    if config.sealed { Ok(last_faces(reader)?.unwrap_or_default()) } else { Ok(config.faces()) }
}

/// Whom the last cycle could tell.
fn last_faces(reader: &Reader) -> Result<Option<Vec<Face>>> {
    // what cannot be read is from another version, and is written anew by the next cycle
    Ok(reader.memory(FACES)?.and_then(|json| serde_json::from_value(json).ok()))
}

/// The names of the channels that deliveries can leave by: those of the last cycle, since a shell may lack the variables
/// that make some of them; none where no cycle has said so.
pub fn leaving(reader: &Reader) -> Result<Option<BTreeSet<String>>> {
    Ok(last_faces(reader)?.map(|faces| faces.into_iter().map(|face| face.name).collect()))
}

/// What is known of each channel.
pub fn channels(known: &BTreeMap<Destination, Proof>, faces: &[Face]) -> Vec<ChannelRow> {
    let row = |face: &Face| {
        let Face { name, to, critical, addresses } = face;
        let of = |address: &String| known.get(&Destination { channel: name.clone(), address: address.clone() });
        let proofs: Vec<Option<&Proof>> = addresses.iter().map(of).collect();
        let tried = || proofs.iter().flatten().any(|proof| proof.works.is_some());
        let fails = || proofs.iter().flatten().any(|proof| proof.works == Some(false));
        let proven: Option<Vec<Time>> = proofs.iter().map(|proof| proof.and_then(|proof| proof.proven)).collect();
        ChannelRow {
            name: name.clone(),
            to: to.clone(),
            critical: *critical,
            works: tried().then(|| !fails()),
            proven: proven.and_then(|proven| proven.into_iter().min()),
        }
    };
    faces.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let all = [
            State::Fine,
            State::Firing(Severity::Low),
            State::Firing(Severity::Medium),
            State::Firing(Severity::High),
            State::Firing(Severity::Critical),
            State::Unknown,
        ];
        assert_eq!(all.map(State::exit), [0, 0, 1, 1, 2, 3]);
    }
}

//! All due sources at once, each on its own: a late, failing or panicking source is data, never a failed cycle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Report, Source, catalogue, deadline};
use crate::bridge::supply::Trust;
use crate::model::baseline::Baselines;
use crate::model::labels::Labels;
use crate::model::reading::{Reading, Reason, Value};
use crate::model::time::Time;
use crate::net::Net;

/// How many sources are asked at the same time.
const AT_ONCE: usize = 64;

/// What one source brought home.
#[derive(Debug)]
pub struct Collected {
    /// The source's name.
    pub source: Arc<str>,
    /// How often it measures.
    pub every: Duration,
    /// How long it took.
    pub took: Duration,
    /// Its readings and its memory.
    pub report: Report,
}

impl Collected {
    /// What a person should know of this run beyond its readings.
    pub fn why(&self) -> Option<&str> {
        self.report.memory.as_ref().and_then(super::why)
    }

    /// How far a reading can be believed, where it is not this machine's own.
    pub fn trust(&self, reading: &Reading) -> Option<Trust> {
        let origin = self.report.origins.get(&reading.series).map(|origin| origin.trust);
        let is_known = matches!(reading.value, Value::Known(_));
        let is_own = reading.series.labels.get("source").is_some();
        let of_source = || match &*self.source {
            catalogue::ALGORAND => Some(Trust::SingleNode),
            catalogue::BACKEND => Some(Trust::Claimed),
            _ => None,
        };
        origin.or_else(of_source).filter(|_| is_known && !is_own)
    }

    /// `source_up` and `source_duration_seconds`: what is known of the source itself.
    pub fn of_itself(&self) -> [Reading; 2] {
        let labels = Labels::new([("source", &*self.source)]);
        let up = if self.report.readings.is_ok() { 1.0 } else { 0.0 };
        [
            Reading::known("source_up", labels.clone(), up),
            Reading::known("source_duration_seconds", labels, self.took.as_secs_f64()),
        ]
    }
}

/// What is known before anything is measured.
#[derive(Default)]
pub struct Known {
    /// What each source remembers.
    pub memory: BTreeMap<Arc<str>, Json>,
    /// What counts as right.
    pub baselines: Arc<Baselines>,
}

/// Asks `sources`, each with what it remembers, and waits for all of them or the deadline.
pub async fn run(
    sources: Vec<Arc<Source>>,
    mut known: Known,
    interval: Duration,
    now: Time,
    net: &Arc<Net>,
) -> Vec<Collected> {
    let limit = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut running = BTreeMap::new();
    let begun = Instant::now();
    for source in sources {
        let (net, limit, baselines) = (net.clone(), limit.clone(), known.baselines.clone());
        let remembered = known.memory.remove(source.name());
        let (name, every) = (source.name().clone(), source.every());
        let handle = tasks.spawn(async move {
            let given = Given { memory: remembered.as_ref(), baselines: &baselines, now };
            one(&source, given, &limit, begun + deadline(interval), &net).await
        });
        running.insert(handle.id(), (name, every));
    }
    let mut all = Vec::with_capacity(running.len());
    while let Some(ended) = tasks.join_next_with_id().await {
        let (id, (report, took)) = ended.unwrap_or_else(|error| {
            let failed = Report::failed(Reason::new("internal error of this source"));
            (error.id(), (failed, Duration::ZERO))
        });
        if let Some((source, every)) = running.remove(&id) {
            all.push(Collected { source, every, took, report });
        }
    }
    all.sort_by(|a, b| a.source.cmp(&b.source));
    super::reserves::compare_claims(&mut all);
    all
}

/// What one source is given.
struct Given<'a> {
    memory: Option<&'a Json>,
    baselines: &'a Baselines,
    now: Time,
}

/// One source, at the latest until `end`, which is the same for all: waiting for a turn is part of its time.
async fn one(source: &Source, given: Given<'_>, limit: &Semaphore, end: Instant, net: &Arc<Net>) -> (Report, Duration) {
    let begun = Instant::now();
    let work = async {
        let _turn = limit.acquire().await;
        let Given { memory, baselines, now } = given;
        source.collect(memory, baselines, now, end.saturating_duration_since(Instant::now()), net).await
    };
    let report = tokio::time::timeout_at(end, work).await;
    let report = report.unwrap_or_else(|_| Report::failed(Reason::TIMEOUT));
    (report, begun.elapsed())
}

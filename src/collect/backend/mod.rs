//! The bridge's backend: what it knows of its queues, its migrations and itself.
//!
//! Its figures are of four kinds. What it counts in its process is read and summed up here, so that a restart takes
//! nothing away. What is a constant in its source (`status: healthy`, `errorRate: 0.02`, a reserve ratio of supply over
//! supply) is no measurement and is not shown as one; its reserve ratio is kept as what it is, a claim. What it cannot
//! say right now is unknown, field by field, with the place in its answer.
//!
//! One endpoint that fails costs only its own figures. The source is down where no endpoint gave an answer that can be
//! used: then nothing listens, a proxy answers in its place, or the process can do nothing any more.

mod endpoint;
mod field;
mod growth;
mod jobs;
mod memory;
mod migration;
mod process;
mod settings;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use self::endpoint::Endpoint;
use self::field::{Answer, flag, number};
use self::memory::{Life, Memory};
pub use self::settings::{Backend, Settings};
use super::Report;
use super::readings::Readings;
use crate::model::reading::Reason;
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::Request;

/// The source's name.
pub const NAME: &str = "backend";
/// How many endpoints are asked at the same time.
const AT_ONCE: usize = 4;
/// Bytes of an answer that are read; the largest real one has four thousand.
const MAX_BODY: usize = 256 * 1024;

/// What the endpoints that were asked have answered.
struct Answers(BTreeMap<Endpoint, Answer>);

impl Answers {
    /// The answer of an endpoint, if it was asked.
    fn of(&self, endpoint: Endpoint) -> Option<&Answer> {
        self.0.get(&endpoint)
    }
}

/// What every part of a cycle needs to know.
struct Cycle<'a> {
    answers: &'a Answers,
    before: &'a Memory,
    life: Life,
    now: Time,
}

/// Asks the backend, within `deadline`.
pub async fn collect(
    backend: &Backend,
    memory: Option<&serde_json::Value>,
    now: Time,
    deadline: Duration,
    net: &Net,
) -> Report {
    let answers = ask(backend, Instant::now() + settings::allowed(deadline), net).await;
    let before: Memory = memory.and_then(|memory| serde_json::from_value(memory.clone()).ok()).unwrap_or_default();
    report(&answers, before, now)
}

/// Readings and memory out of what was answered.
fn report(answers: &Answers, before: Memory, now: Time) -> Report {
    let failed: Vec<&Reason> = answers.0.values().filter_map(|answer| answer.as_ref().err()).collect();
    if let Some(first) = failed.first().filter(|_| failed.len() == answers.0.len()) {
        let reason = Reason::new(format!("no endpoint can be used: {first}"));
        let memory = Memory { why: Some(reason.as_str().to_owned()), ..before };
        return Report { memory: serde_json::to_value(memory).ok(), ..Report::failed(reason) };
    }
    let process = answers.of(Endpoint::Metrics).and_then(process::process);
    let (life, restarts) = before.life(process);
    let mut after = Memory { why: notes(answers, &failed), restarts, ..before.clone() };
    after.process = process.or(before.process);
    let mut out = Readings::default();
    let cycle = Cycle { answers, before: &before, life, now };
    process::measure(&cycle, &mut after, &mut out);
    migration::measure(&cycle, &mut after, &mut out);
    jobs::measure(&cycle, &mut after, &mut out);
    reserves(answers, &mut out);
    Report::new(out.sorted(), serde_json::to_value(after).ok())
}

/// What the backend claims of its reserves. With no supply at all its ratio is 1 too, and a supply that it failed to
/// read is 0: then it claims nothing.
fn reserves(answers: &Answers, out: &mut Readings) {
    let Some(answer) = answers.of(Endpoint::Reserves) else { return };
    let claimed = match number(answer, "totalCkAlgoSupply") {
        Ok(0.0) => {
            Err(Reason::new("data.totalCkAlgoSupply: 0, which is also what the backend says when it cannot read it"))
        }
        Ok(_) => number(answer, "reserveRatio"),
        Err(reason) => Err(reason),
    };
    out.push("backend_claimed_reserve_ratio", claimed);
    out.push("backend_paused", flag(answer, "emergencyPaused").map(f64::from));
}

/// What a person should know beyond the figures: endpoints that fail, and what the backend says of others.
fn notes(answers: &Answers, failed: &[&Reason]) -> Option<String> {
    let mut notes: Vec<String> = failed.iter().map(|reason| reason.as_str().to_owned()).collect();
    let says_no = |endpoint, path| answers.of(endpoint).is_some_and(|answer| flag(answer, path) == Ok(false));
    for (endpoint, path, note) in [
        (Endpoint::Health, "components.simplified_bridge", "the backend does not reach the canister simplified_bridge"),
        (Endpoint::Health, "components.icp_canister", "the backend does not reach the canister threshold_signer"),
        (Endpoint::Deposits, "isRunning", "the backend does not look for deposits (data.isRunning is false)"),
    ] {
        if says_no(endpoint, path) {
            notes.push(note.to_owned());
        }
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Asks the endpoints, at the latest until `end`. `/metrics` comes first: what is read after it is of the same process
/// or of a later one, so no counter of before a restart is taken for one of after it.
async fn ask(backend: &Backend, end: Instant, net: &Net) -> Answers {
    let (first, rest): (Vec<Endpoint>, Vec<Endpoint>) =
        backend.endpoints.iter().partition(|endpoint| **endpoint == Endpoint::Metrics);
    let mut answers = BTreeMap::new();
    for endpoint in first {
        answers.insert(endpoint, one(backend, endpoint, end, net).await);
    }
    let turn = AtomicUsize::new(0);
    let lane = || async {
        let mut answers = Vec::new();
        while let Some(endpoint) = rest.get(turn.fetch_add(1, Ordering::Relaxed)) {
            answers.push((*endpoint, one(backend, *endpoint, end, net).await));
        }
        answers
    };
    let lanes: [_; AT_ONCE] = tokio::join!(lane(), lane(), lane(), lane()).into();
    answers.extend(lanes.into_iter().flatten());
    Answers(answers)
}

async fn one(backend: &Backend, endpoint: Endpoint, end: Instant, net: &Net) -> Answer {
    let timeout = backend.timeout.min(end.saturating_duration_since(Instant::now()));
    if timeout.is_zero() {
        return Err(endpoint.failed("no time was left to ask"));
    }
    let request = Request {
        timeout,
        max_body: MAX_BODY,
        headers: backend.headers.clone(),
        ..Request::get(Secret::new(&format!("{}{}", backend.base, endpoint.path())))
    };
    match net.http(request).await {
        Ok(response) => endpoint.read(&response),
        Err(failure) => Err(endpoint.failed(&failure.text)),
    }
}

#[cfg(test)]
mod tests;

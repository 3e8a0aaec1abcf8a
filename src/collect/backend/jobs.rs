//! The backend's queues: minting, redemption, deposits and swaps.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::field::{Answer, count, flag, number};
use super::growth::{Growth, Look, Span};
use super::memory::{Memory, Sum, Withdrawals};
use super::{Cycle, Readings};
use crate::model::labels::Labels;
use crate::model::reading::Reason;

/// What was finished in the last quarter of an hour: few jobs are, and the last one stands as long as the rule needs.
const LATELY: Span = Span { length: Duration::from_mins(15), spacing: Duration::from_mins(1) };

/// Jobs in a state that is not the end.
const MINTING: [(&str, &str); 3] =
    [("pending", "pendingJobs"), ("processing", "processingJobs"), ("failed", "failedJobs")];
const REDEMPTION: [(&str, &str); 4] = [
    ("pending", "pendingJobs"),
    ("burning", "burningJobs"),
    ("withdrawing", "withdrawingJobs"),
    ("failed", "failedJobs"),
];
const DEPOSIT: [(&str, &str); 3] =
    [("pending", "pendingDeposits"), ("confirmed", "confirmedDeposits"), ("failed", "failedDeposits")];
const SWAP: [(&str, &str); 2] =
    [("completed", "metrics.localCache.swappedDeposits"), ("failed", "metrics.localCache.failedDeposits")];

pub(super) fn measure(cycle: &Cycle<'_>, after: &mut Memory, out: &mut Readings) {
    for (queue, endpoint, states) in
        [("minting", Endpoint::Minting, &MINTING[..]), ("redemption", Endpoint::Redemption, &REDEMPTION[..])]
    {
        let Some(answer) = cycle.answers.of(endpoint) else { continue };
        held(queue, states, answer, None, out);
        finished(cycle, queue, answer, after, out);
    }
    withdrawals(cycle, after, out);
    if let Some(answer) = cycle.answers.of(Endpoint::Deposits) {
        // what nobody looks for is not counted either
        let stopped = flag(answer, "isRunning") == Ok(false);
        let stopped = stopped.then(|| Reason::new("the backend does not look for deposits (data.isRunning is false)"));
        held("deposit", &DEPOSIT, answer, stopped.as_ref(), out);
        let failed = count(answer, "failedRegistrations");
        out.push("bridge_failed_registrations", failed.map(|failed| failed as f64));
    }
    if let Some(answer) = cycle.answers.of(Endpoint::Swap) {
        held("swap", &SWAP, answer, None, out);
    }
}

/// How many jobs are in which state; all unknown where nobody keeps count.
fn held(queue: &str, states: &[(&str, &str)], answer: &Answer, nobody: Option<&Reason>, out: &mut Readings) {
    for (state, field) in states {
        let jobs = nobody.map_or_else(|| count(answer, field), |reason| Err(reason.clone()));
        out.add("bridge_jobs", labels(queue, "state", state), jobs.map(|jobs| jobs as f64));
    }
}

/// Jobs that reached their end, and how long they took.
fn finished(cycle: &Cycle<'_>, queue: &str, answer: &Answer, after: &mut Memory, out: &mut Readings) {
    let completed = count(answer, "completedJobs");
    for (outcome, seen) in [("completed", completed.clone()), ("failed", count(answer, "failedJobs"))] {
        let sum = cycle.sum(&format!("{queue}/{outcome}"), seen, after);
        out.add("bridge_jobs_total", labels(queue, "outcome", outcome), sum);
    }
    let millis = number(answer, "averageProcessingTime");
    let seen = completed.and_then(|completed| Ok((completed, millis?)));
    took(cycle, queue, seen, after, out);
}

/// Seconds that the jobs took which were finished lately, from the count and the mean, in milliseconds, of all that were.
pub(super) fn took(
    cycle: &Cycle<'_>,
    queue: &str,
    seen: Result<(u64, f64), Reason>,
    after: &mut Memory,
    out: &mut Readings,
) {
    let mean = match seen {
        Err(reason) => Err(reason),
        Ok((count, mean)) => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds, not negative")]
            let sum = (mean * count as f64).round() as u64;
            let look = Look { at: cycle.now, count, sum };
            let growth = cycle.growth(queue, look, LATELY, after);
            if cycle.before.growths.get(queue).is_some_and(|before| growth.has_ended(before, look)) {
                return;
            }
            growth.mean(look).map(|millis| millis / 1000.0)
        }
    };
    out.labelled("bridge_job_processing_seconds", ("queue", queue), mean);
}

/// Redeem jobs whose withdrawal will not be finished by itself.
fn withdrawals(cycle: &Cycle<'_>, after: &mut Memory, out: &mut Readings) {
    let Some(answer) = cycle.answers.of(Endpoint::Redemption) else { return };
    let seen = count(answer, "withdrawingJobs").and_then(|jobs| Ok((jobs, count(answer, "failedJobs")?)));
    let unsent = match seen {
        Err(reason) => Err(reason),
        Ok((withdrawing, failed)) => {
            let (next, unsent) = Withdrawals::next(cycle.before.withdrawals, withdrawing, failed, cycle.life);
            after.withdrawals = Some(next);
            // what the backend forgot is not reported any more
            let Some(unsent) = unsent else { return };
            Ok(unsent as f64)
        }
    };
    out.add("bridge_jobs", labels("redemption", "state", "unsent"), unsent);
}

fn labels(queue: &str, name: &str, value: &str) -> Labels {
    Labels::new([("queue", queue), (name, value)])
}

impl Cycle<'_> {
    /// Our own sum of a counter of the backend.
    pub(super) fn sum(&self, name: &str, seen: Result<u64, Reason>, after: &mut Memory) -> Result<f64, Reason> {
        let sum = Sum::next(self.before.sums.get(name).copied(), seen?, self.life);
        after.sums.insert(name.to_owned(), sum);
        Ok(sum.total as f64)
    }

    /// The window of a count.
    pub(super) fn growth(&self, name: &str, look: Look, span: Span, after: &mut Memory) -> Growth {
        let before = self.before.growths.get(name).cloned().unwrap_or_default();
        let growth = before.next(look, self.life, span);
        after.growths.insert(name.to_owned(), growth.clone());
        growth
    }
}

//! The backend's process and what it did: `/metrics`.

use super::endpoint::Endpoint;
use super::field::{Answer, count, number};
use super::memory::{Memory, Process};
use super::{Cycle, Readings};
use crate::model::reading::Reason;

/// The process that answered; `None` where it does not say.
pub(super) fn process(answer: &Answer) -> Option<Process> {
    let (pid, uptime) = (count(answer, "system.pid"), number(answer, "uptime_seconds"));
    Some(Process { pid: pid.ok()?, uptime: uptime.ok()? })
}

/// Its uptime, and every operation it logged: balance checks and refused input too.
pub(super) fn measure(cycle: &Cycle<'_>, after: &mut Memory, out: &mut Readings) {
    let Some(answer) = cycle.answers.of(Endpoint::Metrics) else { return };
    out.push("backend_uptime_seconds", number(answer, "uptime_seconds"));
    let (all, failed) = (count(answer, "operations.total_transactions"), count(answer, "operations.failed_operations"));
    let succeeded = all.and_then(|all| {
        let failed = failed.clone()?;
        let wrong = || Reason::new(format!("operations.failed_operations: {failed} of {all} in all"));
        all.checked_sub(failed).ok_or_else(wrong)
    });
    for (outcome, seen) in [("failed", failed), ("succeeded", succeeded)] {
        let sum = cycle.sum(&format!("operations/{outcome}"), seen, after);
        out.labelled("bridge_operations_total", ("outcome", outcome), sum);
    }
}

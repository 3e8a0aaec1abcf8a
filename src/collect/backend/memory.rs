//! What the source keeps between cycles: sums that never fall, and what lies in the windows of its means.
//!
//! The backend's counters live in its process and begin again with it. A restart is a changed process number or an
//! uptime that fell, and nothing else: a counter that falls alone (a failed job that is tried again) is no restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::growth::Growth;

/// The memory of the source; the store keeps it as JSON. One of another form (an older version) is as good as none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// What a person should know of the last run beyond its readings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// The process that answered last.
    pub(super) process: Option<Process>,
    /// How many restarts were seen.
    pub(super) restarts: u64,
    /// Sums by what they count: `minting/failed`, …
    pub(super) sums: BTreeMap<String, Sum>,
    /// Windows by what is in them: `migration`, `minting`, …
    pub(super) growths: BTreeMap<String, Growth>,
    /// Withdrawals that were begun and not finished.
    pub(super) withdrawals: Option<Withdrawals>,
}

/// The backend's process.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u64,
    /// Seconds since it started.
    pub(super) uptime: f64,
}

/// Which life of the backend a figure is of: the number of restarts before it; `None` where the process is not known.
pub(super) type Life = Option<u64>;

impl Memory {
    /// The life that `now` is in, and the number of restarts seen by then.
    pub(super) fn life(&self, now: Option<Process>) -> (Life, u64) {
        let Some(now) = now else { return (None, self.restarts) };
        let restarted = self.process.is_some_and(|before| before.pid != now.pid || now.uptime < before.uptime);
        let restarts = self.restarts + u64::from(restarted);
        (Some(restarts), restarts)
    }
}

/// Whether both lives are known and differ.
pub(super) fn is_other(before: Life, now: Life) -> bool {
    before.zip(now).is_some_and(|(before, now)| before != now)
}

/// A counter of the backend as it was last seen, and our own sum of what it grew by since we first saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Sum {
    seen: u64,
    pub(super) total: u64,
    life: Life,
}

impl Sum {
    /// The sum after the counter was seen at `seen`. The first sight counts nothing. After a restart all that the counter
    /// shows has happened since; where nobody can say whether there was one, only what it grew by is counted: never
    /// more than the truth.
    pub(super) fn next(before: Option<Self>, seen: u64, life: Life) -> Self {
        let Some(before) = before else { return Self { seen, total: 0, life } };
        let grown = if is_other(before.life, life) { seen } else { seen.saturating_sub(before.seen) };
        Self { seen, total: before.total.saturating_add(grown), life }
    }
}

/// Redeem jobs whose `ckALGO` is burned and whose ALGO is not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Withdrawals {
    withdrawing: u64,
    failed: u64,
    /// Jobs that were seen withdrawing and then failed for good.
    pub(super) unsent: u64,
    life: Life,
}

impl Withdrawals {
    /// What is known after a look. A job that fails before its `ckALGO` is burned never withdraws, and one that fails
    /// after it waits minutes for its last attempt: so of the jobs that failed since the last look, as many as were
    /// withdrawing then are withdrawals that nobody will finish. `None` after a restart that made the backend forget
    /// such jobs: then nobody can say what became of them.
    pub(super) fn next(before: Option<Self>, withdrawing: u64, failed: u64, life: Life) -> (Self, Option<u64>) {
        let first = Self { withdrawing, failed, unsent: 0, life };
        match before {
            None => (first, Some(0)),
            Some(before) if is_other(before.life, life) => (first, (before.unsent == 0).then_some(0)),
            Some(before) => {
                let lost = failed.saturating_sub(before.failed).min(before.withdrawing);
                let unsent = (before.unsent + lost).min(failed);
                (Self { unsent, ..first }, Some(unsent))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_another_process_or_an_uptime_that_fell() {
        let process = |pid, uptime| Some(Process { pid, uptime });
        let memory = Memory { process: process(7, 100.0), restarts: 3, ..Memory::default() };
        for (now, life) in [
            (process(7, 160.0), (Some(3), 3)),
            (process(8, 160.0), (Some(4), 4)),
            (process(7, 5.0), (Some(4), 4)),
            (None, (None, 3)),
        ] {
            assert_eq!(memory.life(now), life, "{now:?}");
        }
        assert_eq!(Memory::default().life(process(7, 5.0)), (Some(0), 0), "the first sight is no restart");
    }

    #[test]
    fn a_sum_never_falls_and_never_invents() {
        let sum = |looks: &[(u64, Life)]| {
            let last = looks.iter().fold(None, |before, (seen, life)| Some(Sum::next(before, *seen, *life)));
            last.map(|sum: Sum| sum.total)
        };
        let (one, two) = (Some(1), Some(2));
        for (looks, total, why) in [
            (&[(100, one)][..], 0, "the first sight counts nothing"),
            (&[(100, one), (130, one)], 30, ""),
            (&[(3, one), (2, one), (3, one)], 1, "a job tried again and failed again has failed twice"),
            (&[(100, one), (4, two)], 4, "all of it since the restart"),
            (&[(3, one), (5, two)], 5, "also where it is more than before"),
            (&[(100, one), (4, None), (6, two)], 2, "a restart that nobody saw is not made up for"),
            (&[(3, None), (5, one)], 2, ""),
            (&[(3, one), (5, None)], 2, ""),
        ] {
            assert_eq!(sum(looks), Some(total), "{looks:?} {why}");
        }
    }

    #[test]
    fn a_withdrawal_that_fails_for_good_is_unsent_until_it_is_tried_again_or_forgotten() {
        let mut state = None;
        // withdrawing, failed, life -> unsent
        for (withdrawing, failed, life, expected) in [
            (0, 4, Some(0), Some(0)), // what failed before anybody looked may have been anything
            (0, 5, Some(0), Some(0)), // failed, and never withdrew: its ckALGO is not burned
            (2, 5, Some(0), Some(0)),
            (1, 6, Some(0), Some(1)),
            (0, 6, None, Some(1)), // finished
            (1, 5, Some(0), Some(1)),
            (0, 5, Some(0), Some(1)),
            (0, 0, Some(0), Some(0)),
            (1, 0, Some(0), Some(0)),
            (0, 1, Some(0), Some(1)),
            (0, 0, Some(1), None), // the restart forgot it
            (0, 0, Some(1), Some(0)),
        ] {
            let (next, unsent) = Withdrawals::next(state, withdrawing, failed, life);
            assert_eq!(unsent, expected, "{withdrawing} {failed} {life:?}");
            state = Some(next);
        }
    }
}

//! Counters of the kernel, turned into sums that never fall.

use serde::{Deserialize, Serialize};

/// A kernel counter as it was last seen, and our own sum of what it grew by since we first saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Sum {
    /// The kernel's counter.
    pub(super) counter: u64,
    /// Our sum.
    pub(super) total: u64,
}

impl Sum {
    /// The sum after the counter was seen at `counter`. The first sight counts nothing. A counter that fell, or the
    /// same one after a reboot, began again at zero, so all it shows has happened since: never more than the truth.
    pub(super) fn next(before: Option<Self>, counter: u64, same_boot: bool) -> Self {
        let Some(before) = before else { return Self { counter, total: 0 } };
        let grown = if same_boot { counter.checked_sub(before.counter).unwrap_or(counter) } else { counter };
        Self { counter, total: before.total.saturating_add(grown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_never_falls_and_never_invents() {
        let before = Some(Sum { counter: 100, total: 7 });
        for (before, counter, same_boot, total) in [
            (None, 5_000, true, 0),
            (before, 100, true, 7),
            (before, 130, true, 37),
            (before, 20, true, 27),
            (before, 130, false, 137),
            (Some(Sum { counter: 0, total: u64::MAX }), 1, true, u64::MAX),
        ] {
            assert_eq!(Sum::next(before, counter, same_boot), Sum { counter, total });
        }
    }
}

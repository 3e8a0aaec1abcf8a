//! Where one severity of an alert stands, and what holds it there: the machine of `step`, read instead of driven.

use std::time::Duration;

use crate::model::alert::Phase;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::verdict::{Level, Policy};

/// Why a severity fires or does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stand {
    /// Not true, and it does not fire.
    NotTrue,
    /// Between `clear` and the limit, which is true only for what fires already.
    Band,
    /// True, and the cycle that finds it so is still to come: the rule or the samples are newer than the last one.
    Begins,
    /// True, not yet for long enough.
    Pending {
        /// Since when it counts as true.
        since: Time,
        /// When it fires if it stays so.
        fires_at: Time,
    },
    /// Pending while nothing is measured, which counts toward nothing.
    Stopped {
        /// Since when it counts as true.
        since: Time,
        /// How long it still has to be true once it is measured again.
        left: Duration,
    },
    /// Fires, and is true.
    Firing {
        /// When it fired.
        since: Time,
    },
    /// Fires because the value is not beyond `clear` yet.
    NotClear {
        /// When it fired.
        since: Time,
    },
    /// No longer true, fires on for `keep_firing_for`.
    Keeping {
        /// When it fired.
        fired: Time,
        /// Since when it is no longer true.
        since: Time,
        /// When it ends if it stays so.
        until: Time,
    },
    /// Fires and is no longer true; the cycle that ends it is still to come.
    Ends {
        /// When it fired.
        since: Time,
    },
    /// Fired, and nobody knows whether it still should.
    Held {
        /// When it fired.
        since: Time,
    },
    /// Did not fire, and nobody knows whether it should.
    Blind,
}

/// Where `severity` stands at `at`, with its phase after the cycle of that tick and the level that the rule finds;
/// `None` where nothing can be found.
pub fn stand(level: Option<Level>, phase: Phase, policy: &Policy, severity: Severity, at: Time) -> Stand {
    let (before, after) = (policy.pending_for[severity], policy.keep_firing_for[severity]);
    let Some(level) = level else {
        return match phase {
            Phase::Inactive => Stand::Blind,
            Phase::Pending(since) => Stand::Stopped { since, left: (since + before).since(at) },
            Phase::Firing(since) | Phase::Keeping { fired: since, .. } => Stand::Held { since },
        };
    };
    match (level, phase) {
        (Level::Beyond, Phase::Inactive) => Stand::Begins,
        (Level::Beyond, Phase::Pending(since)) => Stand::Pending { since, fires_at: since + before },
        (Level::Beyond, Phase::Firing(since) | Phase::Keeping { fired: since, .. }) => Stand::Firing { since },
        (Level::Band, Phase::Firing(since) | Phase::Keeping { fired: since, .. }) => Stand::NotClear { since },
        (Level::Band, Phase::Inactive | Phase::Pending(_)) => Stand::Band,
        (Level::Within, Phase::Inactive | Phase::Pending(_)) => Stand::NotTrue,
        (Level::Within, Phase::Firing(since)) => Stand::Ends { since },
        (Level::Within, Phase::Keeping { fired, since }) => Stand::Keeping { fired, since, until: since + after },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::severity::BySeverity;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(minute: i64) -> Time {
        Time::from_millis(minute * 60_000)
    }

    #[test]
    fn every_level_in_every_phase() {
        let policy = Policy {
            pending_for: BySeverity::from_fn(|_| 5 * MINUTE),
            keep_firing_for: BySeverity::from_fn(|_| 10 * MINUTE),
            ..Policy::default()
        };
        let phases = [
            Phase::Inactive,
            Phase::Pending(at(7)),
            Phase::Firing(at(2)),
            Phase::Keeping { fired: at(2), since: at(8) },
        ];
        let since = at(2);
        let fires = Stand::Firing { since };
        let clear = Stand::NotClear { since };
        for (level, wanted) in [
            (
                None,
                [
                    Stand::Blind,
                    Stand::Stopped { since: at(7), left: 3 * MINUTE },
                    Stand::Held { since },
                    Stand::Held { since },
                ],
            ),
            (Some(Level::Beyond), [Stand::Begins, Stand::Pending { since: at(7), fires_at: at(12) }, fires, fires]),
            (Some(Level::Band), [Stand::Band, Stand::Band, clear, clear]),
            (
                Some(Level::Within),
                [
                    Stand::NotTrue,
                    Stand::NotTrue,
                    Stand::Ends { since },
                    Stand::Keeping { fired: at(2), since: at(8), until: at(18) },
                ],
            ),
        ] {
            let stands = phases.map(|phase| stand(level, phase, &policy, Severity::High, at(9)));
            assert_eq!(stands, wanted, "{level:?}");
        }
    }
}

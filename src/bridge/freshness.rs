//! Whether a node of Algorand can be believed about the present. What an old, lost or foreign node says of a balance is
//! unknown, never zero.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::algod::Status;
use crate::model::reading::Reason;
use crate::model::time::Time;
use crate::text::units;

/// Rounds come every 2.8 s; a node whose newest one is this old is stuck, or its network is.
pub const STALE: Duration = Duration::from_mins(1);
/// How many rounds a node may be behind the best of the others: 28 s.
pub const BEHIND: u64 = 10;

/// The round that a node was at, and since when it had been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Past {
    /// The round.
    pub round: u64,
    /// When we first saw it at this round. A cache that repeats an old answer would always claim a fresh one.
    pub since: Time,
}

impl Past {
    /// What is remembered after seeing `round` at `now`.
    pub fn next(before: Option<Self>, round: u64, now: Time) -> Self {
        match before {
            Some(before) if before.round == round && before.since <= now => before,
            _ => Self { round, since: now },
        }
    }
}

/// How long ago a node's newest round arrived: by the node's word, or by ours where that is longer.
pub fn age(status: &Status, before: Option<Past>, now: Time) -> Duration {
    let ours = before.filter(|before| before.round == status.last_round).map(|before| now.since(before.since));
    status.time_since_last_round.max(ours.unwrap_or_default())
}

/// Whether what a node says of accounts can be used; otherwise why not. `best`: the highest round that any node of the
/// right network is at.
pub fn judge(
    status: &Status,
    genesis: &str,
    wanted: &str,
    before: Option<Past>,
    best: u64,
    now: Time,
) -> Result<(), Reason> {
    let round = status.last_round;
    let age = age(status, before, now);
    let why = if genesis != wanted {
        format!("it belongs to {}, not to {wanted}", crate::text::safe::clip(&crate::text::safe::one_line(genesis), 40))
    } else if !status.catchpoint.is_empty() {
        "it is fetching a snapshot of the ledger".to_owned()
    } else if !status.catchup_time.is_zero() {
        "it is catching up with the network".to_owned()
    } else if status.stopped_at_unsupported_round {
        "it is too old for the network's protocol, and has stopped".to_owned()
    } else if round == 0 {
        "it has no block yet".to_owned()
    } else if let Some(before) = before.filter(|before| before.round > round) {
        format!("it went back from round {} to {round}", before.round)
    } else if round.saturating_add(BEHIND) < best {
        format!("it is {} rounds behind the others", best - round)
    } else if age >= STALE {
        format!("its newest round is {} old", units::duration(age))
    } else {
        return Ok(());
    };
    Err(Reason::new(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(round: u64) -> Status {
        Status {
            last_round: round,
            time_since_last_round: Duration::from_secs(2),
            catchup_time: Duration::ZERO,
            catchpoint: String::new(),
            stopped_at_unsupported_round: false,
            next_version_supported: true,
        }
    }

    const NOW: Time = Time::from_millis(1_795_424_400_000);

    #[allow(clippy::unnecessary_wraps, reason = "what is asked for is an option")]
    fn past(round: u64, seconds: u64) -> Option<Past> {
        Some(Past { round, since: NOW - Duration::from_secs(seconds) })
    }

    #[test]
    fn every_reason_not_to_believe_a_node() {
        let fine = status(1000);
        let told = |status: &Status, before, best| {
            judge(status, "mainnet-v1.0", "mainnet-v1.0", before, best, NOW).err().map(|why| why.as_str().to_owned())
        };
        let why = |status: Status| told(&status, None, 1000);
        assert_eq!(told(&fine, None, 1000), None);
        assert_eq!(told(&fine, past(1000, 59), 1010), None, "near the others, and seen for less than a minute");
        for (found, wanted) in [
            (told(&fine, past(1001, 60), 1000), "it went back from round 1001 to 1000"),
            (told(&fine, None, 1011), "it is 11 rounds behind the others"),
            (told(&fine, past(1000, 60), 1000), "its newest round is 1 min old"),
            (
                why(Status { time_since_last_round: Duration::from_mins(67), ..fine.clone() }),
                "its newest round is 1 h 7 min old",
            ),
            (
                why(Status { catchup_time: Duration::from_nanos(1), ..fine.clone() }),
                "it is catching up with the network",
            ),
            (why(Status { catchpoint: "1#A".to_owned(), ..fine.clone() }), "it is fetching a snapshot of the ledger"),
            (
                why(Status { stopped_at_unsupported_round: true, ..fine.clone() }),
                "it is too old for the network's protocol, and has stopped",
            ),
            (told(&status(0), None, 0), "it has no block yet"),
        ] {
            assert_eq!(found.as_deref(), Some(wanted));
        }
        let foreign = judge(&fine, "testnet-v1.0\u{1b}", "mainnet-v1.0", None, 1000, NOW).unwrap_err();
        assert_eq!(foreign.as_str(), r"it belongs to testnet-v1.0\u{1b}, not to mainnet-v1.0");
    }

    #[test]
    fn a_round_that_stays_grows_old_whatever_the_node_claims() {
        let first = Past::next(None, 7, NOW);
        let later = NOW + Duration::from_secs(45);
        assert_eq!(Past::next(Some(first), 7, later), first);
        assert_eq!(age(&status(7), Some(first), later), Duration::from_secs(45));
        assert_eq!(age(&status(8), Some(first), later), Duration::from_secs(2), "a new round");
        assert_eq!(Past::next(Some(first), 6, later), Past { round: 6, since: later });
        assert_eq!(Past::next(Some(first), 7, NOW - STALE).since, NOW - STALE, "the clock went back");
    }
}

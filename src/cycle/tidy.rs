//! After a cycle and its delivery: what grew old in the store is sealed, and what is older than it is kept for goes, a
//! little at a time, outside of the transaction that alerts depend on. Only the holder of the `tidy` lock does it; whoever
//! finds it held has nothing to do.

use std::time::Duration;

use super::lock::{self, Name};
use crate::collect::catalogue;
use crate::config::Config;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::rules::{self, Rule};
use crate::store::Store;
use crate::world::Clock;

/// After so long nothing more is sealed; what was begun then is done within a few milliseconds.
const SEAL: Duration = Duration::from_millis(20);

/// The same of what is let go.
const RETAIN: Duration = Duration::from_millis(10);

/// Bytes of write-ahead log above which everything here waits: somebody has been reading for so long that the log
/// cannot be emptied, and what can wait must not make it larger.
const LARGE_WAL: u64 = 64 << 20;

/// Does one step.
pub fn tidy(store: &mut Store, config: &Config, clock: Clock) -> Result<(), Trouble> {
    let Some(cycle) = store.last_cycle()? else { return Ok(()) };
    let can_seal = store.can_seal(cycle.tick)?;
    let about_reserves = || about_reserves(config, cycle.tick);
    let excess = store.excess(config.limits, cycle.tick, config.interval, about_reserves)?;
    let full = if excess.is_full { Err(full(config)) } else { Ok(()) };
    if !can_seal && excess.is_empty() {
        return full;
    }
    let Some(_lock) = lock::try_take(&config.database.0, Name::Tidy)? else { return Ok(()) };
    if store.wal_bytes() > LARGE_WAL {
        return Err(hindered(config));
    }
    // trouble of the one must not keep the other from being done
    let sealed = if can_seal { seal(store, cycle.tick, clock) } else { Ok(()) };
    if !excess.is_empty() {
        let tx = store.begin()?;
        if tx.retain(&excess, RETAIN)? {
            tx.commit()?;
        }
    }
    sealed.and(full)
}

/// The rules that look at what the reserve check finds.
fn about_reserves(config: &Config, tick: Time) -> Vec<&str> {
    let is_found = |name: &str| {
        catalogue::METRICS.iter().any(|metric| metric.name == name && metric.source == catalogue::RESERVES)
    };
    let looks =
        |rule: &&Rule| rules::needs(rule.exprs(), tick).iter().any(|need| need.metric.as_deref().is_some_and(is_found));
    config.rules.iter().filter(looks).map(|rule| &*rule.name).collect()
}

fn seal(store: &mut Store, tick: Time, clock: Clock) -> Result<(), Trouble> {
    let tx = store.begin()?;
    tx.seal(tick, clock.now(), SEAL)?;
    tx.commit()
}

// The words hold no number that changes from cycle to cycle: the same trouble is told once an hour.

fn hindered(config: &Config) -> Trouble {
    let (file, most) = (config.database.0.display(), LARGE_WAL >> 20);
    let what = format!("somebody has been reading {file} for so long that its log has more than {most} MiB");
    Trouble::new(Kind::Busy, what).help(format!("find out who: fuser -v {file}"))
}

/// All that could go has gone, and it is not enough.
fn full(config: &Config) -> Trouble {
    let what = format!(
        "{} is larger than `[store] max_size`, and nothing in it is old enough to go",
        config.database.0.display()
    );
    Trouble::new(Kind::Io, what).help("raise max_size, or measure less: `sippar-mon db check` says what takes how much")
}

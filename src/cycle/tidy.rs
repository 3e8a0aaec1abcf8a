//! After a cycle and its delivery: what grew old in the store is sealed, a little at a time, outside of the transaction
//! that alerts depend on. Only the holder of the `tidy` lock does it; whoever finds it held has nothing to do.

use std::time::Duration;

use super::lock::{self, Name};
use crate::config::Config;
use crate::model::trouble::Trouble;
use crate::store::Store;
use crate::world::Clock;

/// After so long nothing more is begun; what was begun then is done within a few milliseconds.
const STEP: Duration = Duration::from_millis(25);

/// Seals what can be sealed in one step.
pub fn tidy(store: &mut Store, config: &Config, clock: Clock) -> Result<(), Trouble> {
    let Some(cycle) = store.last_cycle()? else { return Ok(()) };
    if !store.can_seal(cycle.tick)? {
        return Ok(());
    }
    let Some(_lock) = lock::try_take(&config.database.0, Name::Tidy)? else { return Ok(()) };
    let tx = store.begin()?;
    tx.seal(cycle.tick, clock.now(), STEP)?;
    tx.commit()
}

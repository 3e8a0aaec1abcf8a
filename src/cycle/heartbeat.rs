//! After a committed cycle and its delivery: a sign of life that means something. All is well only when something was
//! measured, every rule was judged, and no alert waits that nobody could be told of.

use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Cycle;
use crate::config::Config;
use crate::model::reading::Datum;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::notify::heartbeat::Heartbeat;
use crate::store::{self, Reader};
use crate::text::safe;

/// At most one sign of life in each.
const SLOT: Duration = Duration::from_mins(1);

/// A sign of life that is due.
#[derive(Debug)]
pub struct Beat {
    to: Heartbeat,
    /// Why not all is well.
    fault: Option<String>,
}

impl Beat {
    /// Sends it. What goes wrong changes nothing of how the cycle ended.
    pub async fn send(self, net: &Net) -> Result<(), String> {
        self.to.beat(self.fault.as_deref(), net).await
    }
}

/// The sign of life of a cycle, where one is configured and due.
pub fn due(reader: &Reader, config: &Config, cycle: &Cycle, now: Time) -> Result<Option<Beat>, Trouble> {
    let Some(to) = config.heartbeat.clone().filter(|_| is_due(&config.database.0, now)) else { return Ok(None) };
    Ok(Some(Beat { to, fault: fault(reader, cycle, now)? }))
}

/// Why not all is well.
fn fault(reader: &Reader, cycle: &Cycle, now: Time) -> Result<Option<String>, Trouble> {
    if is_blind(reader)? {
        return Ok(Some("no source could be measured".to_owned()));
    }
    let failed = cycle.judged.iter().flat_map(|judged| &judged.failed);
    if let Some((rule, why)) = failed.into_iter().next() {
        return Ok(Some(safe::answer(&format!("rule {rule} cannot be evaluated: {why}"))));
    }
    Ok(match reader.undelivered_alerts(now - SLOT)? {
        0 => None,
        1 => Some("1 alert could be delivered by no channel".to_owned()),
        many => Some(format!("{many} alerts could be delivered by no channel")),
    })
}

/// Whether no source could be measured when it was due last. This cycle alone does not tell: each source has its own pace.
fn is_blind(reader: &Reader) -> Result<bool, Trouble> {
    let Some(tick) = reader.last_tick()? else { return Ok(true) };
    let latest = reader.latest(tick)?;
    let mut up = latest.iter().filter(|latest| &*latest.key.metric == "source_up").peekable();
    Ok(up.peek().is_some() && up.all(|latest| latest.datum == Datum::Value(0.0)))
}

/// Whether this minute has had no sign of life yet; from now on it has. Where that cannot be noted, one too many is
/// better than none.
fn is_due(database: &Path, now: Time) -> bool {
    let Ok(mut file) = store::private_file(&path(database)) else { return true };
    let mut text = String::new();
    let last = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok()).map(Time::from_millis);
    if last.is_some_and(|last| last.floor(SLOT) == now.floor(SLOT)) {
        return false;
    }
    let text = now.millis().to_string();
    // a reader that sees half of it finds no time in it
    let _ = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| file.write_all(text.as_bytes()));
    true
}

fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".heartbeat");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_minute_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state.db");
        let at = |seconds: i64| Time::from_millis(seconds * 1000);
        let due = [0, 15, 59, 60, 119, 121, 30].map(|second| is_due(&database, at(second)));
        assert_eq!(due, [true, false, false, true, false, true, true], "also when the clock went back");
    }
}

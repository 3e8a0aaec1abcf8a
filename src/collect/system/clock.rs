//! Load, uptime, and whether the clock is right.
//!
//! The kernel's own word on synchronization needs `adjtimex(2)`, for which no well-kept crate has a safe call. The two
//! usual time services tell instead when they last set the clock: chronyd when it is asked, systemd-timesyncd by a file
//! it touches. That is believed for as long as the kernel itself would: an error that grows by 500 ppm passes the
//! kernel's limit of 16 s after 32,000 s. With any other time service the answer is unknown.

use std::time::{Duration, UNIX_EPOCH};

use super::super::readings::Readings;
use super::chrony;
use super::host::{Host, amount, strange};
use crate::model::reading::Reason;
use crate::model::time::{Time, millis_of};

/// How long a synchronization holds: `NTP_PHASE_LIMIT` (16 s) over `MAXFREQ` (500 ppm).
const HOLDS: Duration = Duration::from_secs(32_000);

/// A clock that was set later than this after now has been moved back since by somebody else.
const AHEAD: Duration = Duration::from_mins(1);

/// The longest wait for chronyd, which is on this machine and answers at once.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Reads load averages, uptime and the clock's state.
pub(super) async fn measure(host: &Host, now: Time, out: &mut Readings) {
    let loads = host.read("/proc/loadavg").and_then(|text| loads(&text));
    for (at, metric) in ["system_load1", "system_load5", "system_load15"].into_iter().enumerate() {
        let load = loads.clone().and_then(|loads| loads.get(at).copied().ok_or_else(|| strange("/proc/loadavg")));
        out.push(metric, load);
    }
    out.push("system_uptime_seconds", host.uptime());
    let set = last_set(host).await;
    let is_right = |set: Option<Time>| set.is_some_and(|set| set <= now + AHEAD && now.since(set) <= HOLDS);
    out.push("system_clock_synchronized", set.map(|set| f64::from(u8::from(is_right(set)))));
}

fn loads(text: &str) -> Result<Vec<f64>, Reason> {
    let numbers: Option<Vec<f64>> = text.split_whitespace().take(3).map(amount).collect();
    numbers.ok_or_else(|| strange("/proc/loadavg"))
}

/// When a time service last set the clock; `None` when one runs and has not.
async fn last_set(host: &Host) -> Result<Option<Time>, Reason> {
    let chronyd = if host.exists("/run/chrony") {
        chrony::last_update(host.chronyd, LONGEST_WAIT).await
    } else {
        Err(Reason::new("neither chronyd nor systemd-timesyncd runs here, and no other time service can be asked"))
    };
    chronyd.or_else(|reason| timesyncd(host, reason))
}

/// The mark that systemd-timesyncd touches at each synchronization; `otherwise` where it does not run.
fn timesyncd(host: &Host, otherwise: Reason) -> Result<Option<Time>, Reason> {
    let folder = host.path("/run/systemd/timesync");
    let touched = folder.join("synchronized").metadata().and_then(|mark| mark.modified());
    match touched {
        Ok(at) => Ok(Some(Time::from_millis(millis_of(at.duration_since(UNIX_EPOCH).unwrap_or_default())))),
        Err(_) if folder.is_dir() => Ok(None),
        Err(_) => Err(otherwise),
    }
}

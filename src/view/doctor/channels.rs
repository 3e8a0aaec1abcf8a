//! Who can be told, and whether that was ever proven.

use std::time::Duration;

use super::Finding;
use super::facts::{Channel, Facts};
use crate::text::{safe, units};

/// After so long nobody knows whether it still works.
const LONG: Duration = Duration::from_hours(30 * 24);

/// The channels.
pub fn check(facts: &Facts) -> Vec<Finding> {
    if facts.channels.is_empty() && facts.config.works.is_some() {
        let what = "there is no channel: nobody is told of anything";
        let fix = "set SLACK_WEBHOOK_URL in the file of --env-file, or add [channels.NAME.slack] to the configuration";
        return vec![Finding::problem("channels", what).fix(fix)];
    }
    facts.channels.iter().map(|channel| one(facts, channel)).collect()
}

fn one(facts: &Facts, channel: &Channel) -> Finding {
    let Channel { name, to, works, proven, failed } = channel;
    let test = format!("sippar-mon alert test --channel {name}");
    let ago = |at| units::duration(facts.now.since(at));
    let last = proven.map(|at| format!(", last proven {} ago", ago(at))).unwrap_or_default();
    let failure = failed.as_ref().map(|(at, answer)| format!("{} ago: {}", ago(*at), safe::answer(answer)));
    if *works == Some(false) {
        let why = failure.map(|failure| format!("; failed {failure}")).unwrap_or_default();
        return Finding::problem(name, format!("{to}: does not deliver{last}{why}")).fix(test);
    }
    let Some(at) = proven else {
        return Finding::warning(name, format!("{to}: configured, never tested")).fix(test);
    };
    let before = failure.map(|failure| format!("; failed before, {failure}")).unwrap_or_default();
    let what = format!("{to}{last}{before}");
    if facts.now.since(*at) > LONG { Finding::warning(name, what).fix(test) } else { Finding::fine(name, what) }
}

/// Who notices that this machine is gone.
pub fn heartbeat(facts: &Facts) -> Vec<Finding> {
    if facts.heartbeat {
        return vec![Finding::fine("heartbeat", "configured; whether it arrives is seen at that service")];
    }
    let what = "not configured: nobody notices when this machine or the monitor stops";
    vec![
        Finding::warning("heartbeat", what)
            .fix("[heartbeat] url = \"env:HEARTBEAT_URL\" in the configuration (Healthchecks or a service like it)"),
    ]
}

/// The last resort.
pub fn mail(facts: &Facts) -> Vec<Finding> {
    if facts.sendmail {
        return vec![Finding::fine("mail", "there is a sendmail; whether its mail arrives is not known")];
    }
    if !facts.starts.tabs.iter().any(|tab| !super::crontab::lines(tab).is_empty()) {
        return Vec::new();
    }
    let what = "there is no sendmail: what cron's runs print, the last resort, reaches nobody";
    vec![Finding::warning("mail", what).fix("apt install dma (or another mail transport), and MAILTO= in the crontab")]
}

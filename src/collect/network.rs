//! `[sources.network]`: whether this machine's own network works, by connections to several places that do not go down
//! together. It is up if any of them answers. Whoever sees that everything is down at once is most likely cut off itself.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use toml::Spanned;

use super::probe::connect::{Address, connect};
use super::{Report, deadline, settings};
use crate::model::fault::{Fault, Place};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::Reading;
use crate::text::check::Check;
use crate::text::units;

/// How often it is looked before "nobody answers" is believed.
const LOOKS: u32 = 2;
/// Between two looks, where there is room for it.
const PAUSE: Duration = Duration::from_millis(500);
/// Time limit of one look where `timeout` is not given and there is room for it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// More would be a scan.
const MOST_TARGETS: usize = 8;

/// `[sources.network]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Hosts and ports that are connected to, such as `1.1.1.1:443`; required. Nothing is sent.
    pub targets: Option<Spanned<Vec<Spanned<String>>>>,
    /// How often; default the interval.
    pub every: Option<Spanned<String>>,
    /// How long they have to answer; default 2 s or what fits.
    pub timeout: Option<Spanned<String>>,
}

/// The source, ready to collect.
#[derive(Clone, Debug)]
pub struct Network {
    /// How often.
    pub every: Duration,
    targets: Arc<[Address]>,
    pause: Duration,
    timeout: Duration,
}

impl Settings {
    /// The source that the table at `table` describes; what is wrong goes to `check`.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Network> {
        let help = "name places that do not go down together: targets = [\"1.1.1.1:443\", \"8.8.8.8:443\"]";
        let written = check.required(self.targets.as_ref(), table, "targets", help);
        let targets = written.and_then(|written| {
            let count = written.get_ref().len();
            if count == 0 || count > MOST_TARGETS {
                let what = format!("`targets` has {count} entries; it needs 1 to {MOST_TARGETS}");
                check.fault(Fault::error(what, Place::File(written.span())).help(help));
            } else if count == 1 {
                let what = "with one target, its own outage looks like one of this machine's network";
                check.fault(Fault::warning(what, Place::File(written.span())).help(help));
            }
            written.get_ref().iter().map(|target| check.parsed::<Address>(target)).collect::<Option<Vec<_>>>()
        });
        let every = settings::every(self.every.as_ref(), check.interval, check);
        let room = deadline(check.interval);
        let pause = PAUSE.min(room / 4);
        let most = room.saturating_sub(pause) / LOOKS;
        let limit = check.duration(self.timeout.as_ref(), TIMEOUT.min(most));
        if let (Some(key), Some(limit)) = (&self.timeout, limit)
            && (limit > most || limit.is_zero())
        {
            let most = units::value(most.as_secs_f64(), Unit::Seconds);
            let fault =
                Fault::error("two looks of this `timeout` do not fit into the interval", Place::File(key.span()));
            check.fault(fault.help(format!("it is at most {most} here")));
            return None;
        }
        Some(Network { every: every?, targets: targets?.into(), pause, timeout: limit? })
    }
}

/// Looks twice at most; that nobody answers is a measurement too.
pub async fn collect(network: &Network) -> Report {
    let metric = "monitor_network_up";
    let mut why = String::new();
    for look in 0..LOOKS {
        if look > 0 {
            sleep(network.pause).await;
        }
        match answer(network).await {
            Ok(()) => return Report::new(vec![Reading::known(metric, Labels::empty(), 1.0)], Some(json!({}))),
            Err(said) => why = said,
        }
    }
    Report::new(vec![Reading::known(metric, Labels::empty(), 0.0)], Some(json!({ "why": why })))
}

/// The first answer of any target; what each says where there is none.
async fn answer(network: &Network) -> Result<(), String> {
    let mut tasks = JoinSet::new();
    for (place, target) in network.targets.iter().cloned().enumerate() {
        let limit = network.timeout;
        tasks.spawn(async move {
            let within = || format!("no answer within {}", units::value(limit.as_secs_f64(), Unit::Seconds));
            let answered = timeout(limit, connect(&target)).await.map_err(|_| within()).and_then(|connected| connected);
            answered.map(drop).map_err(|why| (place, format!("{target}: {why}")))
        });
    }
    let mut said = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        match ended {
            // the others are dropped
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => said.push(why),
            Err(_) => {}
        }
    }
    said.sort();
    Err(said.into_iter().map(|(_, why)| why).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::model::secret::Secret;
    use crate::support::ports::ReservedPort;

    fn built(text: &str, interval: u64) -> (Option<Network>, Vec<String>) {
        let settings: Settings = toml::from_str(text).unwrap();
        let resolve = |_: &str| -> Result<Secret, String> { Err("no secrets here".to_owned()) };
        let mut check = Check::new(Duration::from_secs(interval), &resolve);
        let network = settings.build(&(0..0), &mut check);
        (network, check.faults.into_iter().map(|located| located.fault.what).collect())
    }

    async fn measured(targets: &[String]) -> (f64, String) {
        let (network, _) = built(&format!("targets = {targets:?}\ntimeout = '300ms'"), 60);
        let report = collect(&network.unwrap()).await;
        let readings = report.readings.unwrap();
        let Reading { value: crate::model::reading::Value::Known(value), .. } = readings[0] else { panic!("unknown") };
        (value, report.memory.unwrap()["why"].as_str().unwrap_or_default().to_owned())
    }

    #[tokio::test]
    async fn one_answer_is_enough_and_none_is_a_measurement() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().to_string();
        let refuses = ReservedPort::take();
        let closed = refuses.to_string();
        assert_eq!(measured(&[closed.clone(), open]).await, (1.0, String::new()));
        let (value, why) = measured(&[closed.clone(), "224.0.0.1:1".to_owned()]).await;
        let is_whole = why.starts_with(&format!("{closed}: ")) && why.contains("; 224.0.0.1:1: ");
        assert_eq!((value, is_whole), (0.0, true), "{why}");
    }

    #[test]
    fn what_is_written_is_checked_whole() {
        let faults = |text: &str| built(text, 60).1;
        assert_eq!(faults(""), ["`targets` is missing"]);
        assert_eq!(faults("targets = []"), ["`targets` has 0 entries; it needs 1 to 8"]);
        let alone = "with one target, its own outage looks like one of this machine's network";
        assert_eq!(faults("targets = ['a:1']"), [alone]);
        let odd = "`b` is not an address; write it like db.example.org:5432 or [::1]:5432";
        assert_eq!(faults("targets = ['a:1', 'b']"), [odd]);
        let late = "two looks of this `timeout` do not fit into the interval";
        assert_eq!(faults("targets = ['a:1', 'b:1']\ntimeout = '40s'"), [late]);
        let (network, faults) = built("targets = ['a:1', 'b:1']", 1);
        let network = network.unwrap();
        assert!(faults.is_empty() && network.timeout * 2 + network.pause <= deadline(Duration::from_secs(1)));
    }
}

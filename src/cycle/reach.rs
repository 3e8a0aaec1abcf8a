//! What lies beyond this machine's own network: while that is down, an alert that says that something out there was not
//! reached is a consequence of it. What was measured out there all the same is told all the same.

use std::sync::Arc;

use crate::collect::{Source, catalogue, probe};
use crate::config::Config;
use crate::model::alert::AlertKey;
use crate::model::labels::Labels;
use crate::model::time::Time;
use crate::rules::{self, Rule};

/// The shipped rule about the network itself.
const OWN_NETWORK_DOWN: &str = "OWN_NETWORK_DOWN";

/// Metrics that say whether, or how fast, something was reached.
const REACHED: [&str; 9] = [
    "algorand_node_up",
    "algorand_round_age_seconds",
    "canister_certificate_age_seconds",
    "canister_up",
    "monitor_channel_up",
    "probe_duration_seconds",
    "probe_success",
    "reserves_proof_age_seconds",
    "source_up",
];

/// The rule that an alert is a consequence of beside those that its own rule names, where somebody watches the network.
pub fn cause(config: &Config, rule: &Rule, key: &AlertKey, tick: Time) -> Option<Arc<str>> {
    let is_watched = config.sources.iter().any(|source| source.kind() == catalogue::NETWORK);
    (is_watched && &*rule.name != OWN_NETWORK_DOWN && is_beyond(config, rule, &key.labels, tick))
        .then(|| OWN_NETWORK_DOWN.into())
}

/// Whether the alert says that something beyond the network was not reached.
fn is_beyond(config: &Config, rule: &Rule, labels: &Labels, tick: Time) -> bool {
    let metrics = rules::needs(rule.exprs(), tick).into_iter().filter_map(|need| need.metric);
    let reached: Vec<Arc<str>> = metrics.filter(|metric| REACHED.contains(&&**metric)).collect();
    if reached.is_empty() {
        return false;
    }
    if let Some(channel) = labels.get("channel") {
        return config.channels.iter().any(|one| one.name() == channel && one.is_beyond());
    }
    let named = labels.get("probe").map(probe::source_name).or_else(|| labels.get("source").map(str::to_owned));
    let is_meant = |source: &Source| match &named {
        Some(name) => **source.name() == **name,
        None => catalogue::METRICS
            .iter()
            .any(|metric| metric.source == source.kind() && reached.iter().any(|one| **one == *metric.name)),
    };
    config.sources.iter().any(|source| is_meant(source) && source.is_beyond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, load};
    use crate::world::Env;

    const SOURCES: &str = r#"
[sources.backend]
url = "https://backend.example.org"
[sources.algorand]
nodes = ["https://a.example.org", "https://b.example.org"]
[probes.near.http]
url = "http://127.0.0.1:3004/health"
[probes.far.http]
url = "https://wallet.example.org/"
[probes.port.tcp]
address = "wallet.example.org:443"
[probes.script.exec]
command = ["/bin/true"]
[channels.chat.slack]
webhook_url = "https://hooks.slack.com/services/T0/B0/x"
[channels.relay.email]
host = "localhost"
to = ["a@example.org"]
from = "b@example.org"
[channels.script.exec]
command = ["/bin/true"]
[[rule]]
alert = "MINE"
expr = 'min_over_time(probe_success{probe="far"}[5m]) == 0'
severity = "HIGH"
"#;

    fn config(network: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, format!("{network}{SOURCES}")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let flags = Flags { config: Some(path), database: Some(folder.path().join("state.db")), ..Flags::default() };
        load(&flags, &Env::default()).ok().expect("it can be used")
    }

    fn is_caused(config: &Config, rule: &str, labels: &[(&str, &str)]) -> bool {
        let rule = config.rules.iter().find(|one| &*one.name == rule).expect(rule);
        let key = AlertKey { rule: rule.name.clone(), labels: Labels::new(labels.iter().copied()) };
        cause(config, rule, &key, Time::from_millis(0)).is_some()
    }

    #[test]
    fn only_what_was_not_reached_out_there_is_a_consequence() {
        let watched = config("[sources.network]\ntargets = [\"1.1.1.1:443\", \"8.8.8.8:443\"]\n");
        let blind = config("");
        for (rule, label, wanted) in [
            ("PROBE_FAILED", ("probe", "far"), true),
            ("PROBE_FAILED", ("probe", "port"), true),
            ("PROBE_FAILED", ("probe", "near"), false),
            ("PROBE_FAILED", ("probe", "script"), false),
            ("SLOW_RESPONSE", ("probe", "far"), true),
            ("MINE", ("probe", "far"), true),
            ("SOURCE_DOWN", ("source", "algorand"), true),
            ("SOURCE_DOWN", ("source", "system"), false),
            ("BACKEND_DOWN", ("source", "backend"), true),
            ("ALGORAND_NODE_STALE", ("node", "a.example.org"), true),
            ("CHANNEL_BROKEN", ("channel", "chat"), true),
            ("CHANNEL_BROKEN", ("channel", "relay"), false),
            ("CHANNEL_BROKEN", ("channel", "script"), false),
            ("UNDER_COLLATERALIZED", ("a", "b"), false),
            ("HIGH_DISK_USAGE", ("mount", "/"), false),
            ("OWN_NETWORK_DOWN", ("a", "b"), false),
        ] {
            assert_eq!(is_caused(&watched, rule, &[label]), wanted, "{rule} {label:?}");
            assert!(!is_caused(&blind, rule, &[label]), "{rule} {label:?}, which nobody watches the network for");
        }
    }
}

//! What is on this machine that is worth watching.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cli;
use crate::cmd::Context;
use crate::collect::system;
use crate::model::secret::Secret;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::net::http::Request;
use crate::view::init::Found;

/// Units that are worth watching where they are: the bridge's own, and what stands before and behind a backend.
const SERVICES: [&str; 10] =
    ["sippar", "nginx", "caddy", "apache2", "haproxy", "postgresql", "mariadb", "mysql", "redis", "docker"];

/// How long the backend may take; its health makes calls to canisters.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where systemd keeps the units that begin with the system, and those that run.
const UNITS: [&str; 2] = ["/etc/systemd/system/multi-user.target.wants", "/sys/fs/cgroup/system.slice"];

/// Variables of which each makes a channel, with the kind that it makes.
const CHANNELS: [(&str, &str); 3] =
    [("SLACK_WEBHOOK_URL", "slack"), ("SMTP_HOST", "email"), ("TWILIO_ACCOUNT_SID", "sms")];

/// Looks around. `env_file` is the file that the configuration will name.
pub async fn found(context: &Context, args: &cli::Init, env_file: Option<&str>) -> Result<Found, Trouble> {
    let net = Net::new(None, None);
    let has = |name: &str| context.env.get(name).is_some() || context.env.get(&format!("{name}_FILE")).is_some();
    let channels = CHANNELS.iter().filter(|(variable, _)| has(variable));
    Ok(Found {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        at: context.clock.now(),
        backend: (args.backend.clone(), answers(&net, &args.backend).await),
        disks: system::disks(),
        services: services(args),
        channels: channels.map(|(_, kind)| (*kind).to_owned()).collect(),
        env_file: env_file.map(str::to_owned),
        // cron's environment would not have its address
        heartbeat: false,
    })
}

/// Whether a backend of the bridge answers there: it says in JSON how it is.
async fn answers(net: &Net, base: &str) -> bool {
    let url = format!("{}/health", base.trim_end_matches('/'));
    let answer = net.http(Request { timeout: PATIENCE, ..Request::get(Secret::new(&url)) }).await;
    answer
        .is_ok_and(|answer| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&answer.body).is_ok())
}

/// The units that are there.
fn services(args: &cli::Init) -> Vec<String> {
    let root = |path: &str| args.root.join(path.trim_start_matches('/'));
    if !root("/run/systemd/system").is_dir() {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    for entry in UNITS.iter().filter_map(|folder| std::fs::read_dir(root(folder)).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".service") else { continue };
        let is_ours = stem.starts_with("sippar-mon");
        if !is_ours && SERVICES.iter().any(|known| stem.starts_with(known)) {
            found.insert(name);
        }
    }
    found.into_iter().collect()
}

//! The facts: each is looked at by itself, and what cannot be looked at is a fact too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::Machine;
use crate::cmd::{Context, collect, db};
use crate::collect::run::Collected;
use crate::config::seen::{self, Surroundings};
use crate::config::{self, Config, Examined, find};
use crate::model::fault::{Located, Place, Weight};
use crate::model::reading::{Datum, Reading, Value};
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::Net;
use crate::net::http::{Overflow, Request};
use crate::store::deliveries::DeliveryFilter;
use crate::store::glance::glance;
use crate::store::open::Mode;
use crate::store::{Reader, Store};
use crate::view::age::is_stale;
use crate::view::doctor::facts::{self, Clock, Cost, Cycles, Database, Facts, Look, Works};
use crate::view::snapshot::channels;

/// Sources are given at most the deadline of such an interval.
const PATIENCE: Duration = Duration::from_secs(25);

/// What counts as lately.
const DAY: Duration = Duration::from_hours(24);

/// How many deliveries of a channel are looked at for its last failure.
const LATEST: u32 = 20;

/// Looks at everything.
pub async fn facts(context: &Context, root: &Path) -> Result<Facts, Trouble> {
    let machine = Machine::new(root);
    let now = context.clock.now();
    let flags = config::Flags { unseen: false, ..context.flags(None) };
    let path = find::config(context.global.config.as_deref(), &context.env);
    let (examined, trouble) = match config::examine(&flags, &context.env) {
        Ok(examined) => (Some(examined), None),
        Err(trouble) => (None, Some(trouble)),
    };
    let config = examined.as_ref().map(|examined| &examined.config);
    let at = config.map(|config| config.database.clone());
    let store = at.as_ref().and_then(|(path, _)| Store::open(path, Mode::Read, now).ok());
    let sources = match config {
        Some(config) => measured(context, config).await,
        None => Vec::new(),
    };
    Ok(Facts {
        now,
        config: configuration(&machine, path, examined.as_ref(), trouble),
        database: at.as_ref().map(|(path, origin)| database(&machine, path, *origin)),
        cycles: store.as_ref().and_then(|store| cycles(store, config, now).ok()),
        starts: machine.starts().await,
        scheduled: at.as_ref().and_then(|(path, _)| seen::recall(path)),
        here: config.map(|config| Surroundings::of(&context.env, config)).unwrap_or_default(),
        clock: clock(context, config, &sources).await,
        sources: sources.iter().map(source).collect(),
        channels: config.map(|config| told(config, store.as_ref())).unwrap_or_default(),
        heartbeat: config.is_some_and(|config| config.heartbeat.is_some()),
        sendmail: machine.has_sendmail(),
    })
}

fn configuration(
    machine: &Machine,
    path: Option<(PathBuf, find::Origin)>,
    examined: Option<&Examined>,
    trouble: Option<Trouble>,
) -> facts::Config {
    let works = examined.map(|Examined { config, .. }| Works {
        rules: config.rules.len(),
        sources: config.sources.len(),
        channels: config.channels.len(),
        interval: config.interval,
        max_bytes: config.limits.bytes,
    });
    facts::Config {
        file: path.as_ref().and_then(|(path, _)| machine.file(path)),
        path,
        trouble,
        faults: examined.map(|examined| examined.faults.iter().map(fault).collect()).unwrap_or_default(),
        works,
        uid: rustix::process::geteuid().as_raw(),
        root: machine.root_user(),
    }
}

fn fault(located: &Located) -> facts::Fault {
    let fault = &located.fault;
    let place = located.source.as_ref().map(|source| {
        let line = match &fault.place {
            Place::File(range) => Some(range.start),
            Place::Inside { outer, .. } => Some(outer.start),
            Place::Nowhere => None,
        };
        let line = line.and_then(|at| source.text.get(..at)).map(|before| before.matches('\n').count() + 1);
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}: ", source.path.display())
    });
    facts::Fault {
        is_error: fault.weight == Weight::Error,
        what: format!("{}{}", place.unwrap_or_default(), fault.what),
        help: fault.help.clone(),
    }
}

fn database(machine: &Machine, path: &Path, origin: find::Origin) -> Database {
    let file = machine.file(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (look, trouble) = match file.as_ref().map(|_| glance(path)) {
        None => (None, unseen(path)),
        Some(Ok(seen)) => {
            let (format, newest_format, bytes) = (seen.format, seen.newest_format, seen.bytes);
            (Some(Look { format, newest_format, bytes, findings: seen.findings }), None)
        }
        Some(Err(trouble)) => (None, Some(trouble)),
    };
    let room = |folder: &Path| {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
    };
    Database {
        path: path.to_owned(),
        origin,
        file,
        folder: machine.file(folder),
        strangers: beside(machine, folder, path),
        trouble,
        look,
        disk: folder.ancestors().find(|folder| folder.is_dir()).and_then(room),
        backup: db::last_backup(path),
    }
}

/// Why a file is not seen, where that is not because it is not there.
fn unseen(path: &Path) -> Option<Trouble> {
    path.metadata().err().filter(|error| error.kind() != std::io::ErrorKind::NotFound)?;
    glance(path).err()
}

/// The files whose names begin like that of the database.
fn beside(machine: &Machine, folder: &Path, path: &Path) -> Vec<facts::File> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&name));
    let mut files: Vec<facts::File> = ours.filter_map(|entry| machine.file(&entry.path())).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn cycles(store: &Reader, config: Option<&Config>, now: Time) -> Result<Cycles, Trouble> {
    let last = store.last_cycle()?;
    let counts = store.cycles_since(now - DAY)?;
    let interval = config.map(|config| config.interval).unwrap_or_default();
    // those that were due since the last one, once that is late
    let late = last.filter(|last| !interval.is_zero() && is_stale(last, interval, now));
    let due = late.map_or(0, |last| now.since(last.tick).min(DAY).as_millis() / interval.as_millis().max(1));
    Ok(Cycles {
        last,
        done: counts.done,
        missed: counts.missed + u64::try_from(due).unwrap_or(u64::MAX),
        ever: store.cycle_counts()?.done,
        oldest: store.oldest_sample()?,
        cost: cost(store, now)?,
    })
}

/// What the cycles of the last day have cost.
fn cost(store: &Reader, now: Time) -> Result<Option<Cost>, Trouble> {
    let values = |metric: &str| -> Result<Vec<f64>, Trouble> {
        let windows = store.history(metric, None, now - DAY, now)?;
        let points = windows.iter().flat_map(|window| &window.points);
        let points = points.filter_map(|point| match point.datum {
            Datum::Value(value) => Some(value),
            Datum::Unknown | Datum::Gone => None,
        });
        Ok(points.collect())
    };
    let (cpu, memory) = (values("monitor_cpu_seconds")?, values("monitor_memory_peak_bytes")?);
    let most = memory.into_iter().reduce(f64::max);
    Ok(most.filter(|_| !cpu.is_empty()).map(|memory| Cost {
        cycles: cpu.len(),
        cpu: cpu.iter().sum::<f64>() / cpu.len() as f64,
        memory,
    }))
}

/// Each source, now.
async fn measured(context: &Context, config: &Config) -> Vec<Collected> {
    let interval = config.interval.min(PATIENCE);
    collect::measure(context, config, config.sources.clone(), interval).await.unwrap_or_default()
}

/// Metrics that are 0 where what a source watches is down.
const IS_UP: [&str; 5] = ["algorand_node_up", "canister_up", "monitor_network_up", "probe_success", "service_up"];

fn source(collected: &Collected) -> facts::Source {
    let readings = collected.report.readings.as_ref();
    let unknown = |value: &Value| match value {
        Value::Unknown(reason) if !reason.is_benign() => Some(reason.as_str().to_owned()),
        Value::Unknown(_) | Value::Known(_) => None,
    };
    let reasons: BTreeSet<String> =
        readings.iter().flat_map(|all| all.iter()).filter_map(|one| unknown(&one.value)).collect();
    let is_known = |value: &Value| matches!(value, Value::Known(_));
    let fails = |all: &Vec<Reading>| {
        all.iter().any(|one| IS_UP.contains(&&*one.series.metric) && one.value == Value::Known(0.0))
    };
    let counted = |all: &Vec<Reading>| (all.len(), all.iter().filter(|one| is_known(&one.value)).count());
    facts::Source {
        name: collected.source.to_string(),
        took: collected.took,
        outcome: readings.map(counted).map_err(|reason| reason.as_str().to_owned()),
        unknown: reasons.into_iter().collect(),
        fails: readings.is_ok_and(fails),
        why: collected.why().map(str::to_owned),
    }
}

async fn clock(context: &Context, config: Option<&Config>, sources: &[Collected]) -> Clock {
    let readings = sources.iter().filter_map(|one| one.report.readings.as_ref().ok()).flatten();
    let mut synchronized = readings.filter(|one| &*one.series.metric == "system_clock_synchronized");
    let synchronized = synchronized.next().map(|one| match &one.value {
        Value::Known(value) => Ok(*value > 0.0),
        Value::Unknown(reason) => Err(reason.as_str().to_owned()),
    });
    let server = config.and_then(|config| config.sources.iter().find_map(|source| source.web_server()));
    let compared = match (server, config) {
        (Some(server), Some(config)) => Some((server.clone(), ahead(context, &context.net(config), &server).await)),
        _ => None,
    };
    Clock { synchronized, compared }
}

/// How many seconds our clock is ahead of a server's, by the date in its answer: to the second, since dates have no more.
async fn ahead(context: &Context, net: &Net, server: &str) -> Result<f64, String> {
    let request = Request {
        timeout: Duration::from_secs(5),
        max_body: 1024,
        overflow: Overflow::Cut,
        ..Request::get(Secret::new(server))
    };
    let begun = Instant::now();
    let answer = net.http(request).await.map_err(|failure| failure.to_string())?;
    let here = context.clock.now() - begun.elapsed() / 2;
    let date = answer.date().ok_or("its answer has no date")?;
    // the date is cut to the second: on average it is half of one behind
    Ok(here.seconds() - (date.seconds() + 0.5))
}

/// Each channel, as far as is known.
fn told(config: &Config, store: Option<&Store>) -> Vec<facts::Channel> {
    let known = store.and_then(|store| store.destinations().ok()).unwrap_or_default();
    let row = |row: crate::view::snapshot::ChannelRow| facts::Channel {
        failed: store.and_then(|store| failure(store, &row.name)),
        name: row.name,
        to: row.to,
        works: row.works,
        proven: row.proven,
    };
    channels(&known, &config.faces()).into_iter().map(row).collect()
}

/// The last attempt of a channel that failed.
fn failure(store: &Reader, channel: &str) -> Option<(Time, String)> {
    let filter = DeliveryFilter { channel: Some(channel.to_owned()), limit: Some(LATEST), ..DeliveryFilter::default() };
    let deliveries = store.deliveries(&filter).ok()?;
    let attempts = deliveries.iter().flat_map(|delivery| store.attempts(delivery.id).unwrap_or_default());
    let failed = attempts.filter(|attempt| attempt.outcome.as_deref().is_some_and(|outcome| outcome != "sent"));
    let last = failed.max_by_key(|attempt| attempt.started)?;
    Some((last.started, last.answer.unwrap_or_else(|| "no answer".to_owned())))
}

//! What the store's tests share: a database in a folder of its own, and samples of every noun.

use std::path::PathBuf;
use std::time::Duration;

use super::open::Mode;
use super::series::{Claim, SeriesId};
use super::{Store, Tx};
use crate::model::alert::{Alert, AlertKey, Phase};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::message::{Destination, Kind, Message};
use crate::model::reading::Datum;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;

/// A folder that lives as long as the test, and the path of a database in it.
pub fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    (folder, path)
}

/// A new database open for writing.
pub fn store() -> (tempfile::TempDir, Store) {
    let (folder, path) = place();
    let store = Store::open(&path, Mode::Write, at(0)).unwrap();
    (folder, store)
}

/// The instant `seconds` after a round one.
pub fn at(seconds: i64) -> Time {
    Time::from_millis(1_795_424_400_000 + seconds * 1000)
}

/// A series of `metric` with one label.
pub fn key(metric: &str, mount: &str) -> SeriesKey {
    SeriesKey::new(metric, Labels::new([("mount", mount)]))
}

/// A pending alert of `rule`.
pub fn pending(rule: &str) -> Alert {
    Alert {
        number: None,
        key: AlertKey { rule: rule.into(), labels: Labels::new([("mount", "/")]) },
        phases: BySeverity::from_fn(|s| if s == Severity::High { Phase::Pending(at(0)) } else { Phase::Inactive }),
        since: at(0),
        fired_at: None,
        ended: None,
        value: Some(0.9),
        worst: None,
        peak: None,
        unknown: None,
        stepped: at(0),
        ack: None,
        unacked: None,
        hold: None,
    }
}

/// The same alert, firing at `severity`.
pub fn firing(rule: &str, severity: Severity) -> Alert {
    Alert {
        phases: BySeverity::from_fn(|s| if s == severity { Phase::Firing(at(60)) } else { Phase::Inactive }),
        fired_at: Some(at(60)),
        peak: Some(severity),
        ..pending(rule)
    }
}

/// A message with every field filled.
pub fn message(summary: &str) -> Message {
    Message {
        kind: Kind::Firing,
        severity: Severity::High,
        alert: "HIGH_DISK_USAGE".to_owned(),
        number: Some(1),
        summary: summary.to_owned(),
        value: Some("91 %".to_owned()),
        limit: Some("> 90 %".to_owned()),
        worst: Some("92 %".to_owned()),
        labels: vec![("mount".to_owned(), "/".to_owned())],
        since: at(0),
        at: at(60),
        system: "Sippar".to_owned(),
        environment: "production".to_owned(),
        host: "bridge-1".to_owned(),
        action: Some("Free space".to_owned()),
        runbook_url: None,
        note: None,
        trend: None,
        responses: Vec::new(),
        list: Vec::new(),
    }
}

/// A destination with an address.
pub fn to(channel: &str, address: &str) -> Destination {
    Destination { channel: channel.to_owned(), address: address.to_owned() }
}

/// The id of `key` for `source`, which must not be taken.
pub fn own(tx: &Tx<'_>, key: &SeriesKey, source: &str, every: Duration) -> SeriesId {
    match tx.series_id(key, source, every).unwrap() {
        Claim::Own(id) => id,
        taken @ Claim::Taken { .. } => panic!("{key}: {taken:?}"),
    }
}

/// Commits one sample of a series that the source `system` measures each minute.
pub fn put(store: &mut Store, key: &SeriesKey, tick: Time, datum: Datum) {
    let tx = store.begin().unwrap();
    let id = own(&tx, key, "system", Duration::from_mins(1));
    tx.put_samples(tick, &[(id, datum, None)]).unwrap();
    tx.commit().unwrap();
}

//! Trouble of the monitor itself, told where cron mails it: on standard error, at most once an hour per cause.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Context;
use crate::model::time::Time;
use crate::output::terminal;
use crate::store;

/// How long the same cause is not repeated.
const SILENCE: Duration = Duration::from_hours(1);

/// Says `text`, unless nobody watches and the same cause was told within the hour. A memory that cannot be kept is
/// no reason to be silent.
pub fn complain(context: &Context, database: Option<&Path>, cause: &str, text: &str) {
    if context.global.quiet > 1 {
        return;
    }
    if context.terminal.err {
        return terminal::say(text);
    }
    let Some(path) = database.map(path) else { return terminal::say(text) };
    let now = context.clock.now();
    let cause = format!("{cause} {:x}", digest(text));
    let mut told = read(&path);
    let recent = |at: &Time| *at <= now && now.since(*at) < SILENCE;
    if told.get(&cause).is_some_and(recent) {
        return;
    }
    told.retain(|_, at| recent(at));
    told.insert(cause, now);
    keep(&path, &told);
    terminal::say(text);
}

/// Forgets that a cause was told, when it is over: its return is news.
pub fn settled(database: &Path, cause: &str) {
    let path = path(database);
    let mut told = read(&path);
    let before = told.len();
    told.retain(|told, _| !told.starts_with(cause));
    if told.len() < before {
        keep(&path, &told);
    }
}

/// Two troubles of one kind with other words are two.
fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn keep(path: &Path, told: &BTreeMap<String, Time>) {
    if let Ok(json) = serde_json::to_vec(told) {
        // where it cannot be kept the cause is told again, which is better than not at all
        let _ = store::replace_private(path, &json);
    }
}

fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".complaints");
    path.into()
}

fn read(path: &Path) -> BTreeMap<String, Time> {
    std::fs::read_to_string(path).ok().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

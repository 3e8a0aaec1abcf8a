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

/// More texts of one cause than this are counted and not printed.
const MOST_TEXTS: usize = 10;

/// Says `text`, unless nobody watches and the same cause was told within the hour. A memory that cannot be kept is
/// no reason to be silent.
pub fn complain(context: &Context, database: Option<&Path>, cause: &str, text: &str) {
    complain_each(context, database, cause, &[text.to_owned()]);
}

/// The same for several texts of one cause; of very many only the first ones are printed.
pub fn complain_each(context: &Context, database: Option<&Path>, cause: &str, texts: &[String]) {
    if context.global.quiet > 1 || texts.is_empty() {
        return;
    }
    let path = database.filter(|_| !context.terminal.err).map(path);
    let news = path.map_or_else(|| texts.iter().collect(), |path| news(&path, context.clock.now(), cause, texts));
    for text in news.iter().take(MOST_TEXTS) {
        terminal::say(text);
    }
    let more = news.len().saturating_sub(MOST_TEXTS);
    if more > 0 {
        terminal::say(&format!("sippar-mon: and {more} more like these; `sippar-mon status` shows all"));
    }
}

/// The texts that were not told within the hour; from now on they were.
fn news<'a>(path: &Path, now: Time, cause: &str, texts: &'a [String]) -> Vec<&'a String> {
    let mut told = read(path);
    let recent = |at: &Time| *at <= now && now.since(*at) < SILENCE;
    let key = |text: &String| format!("{cause} {:x}", digest(text));
    let news: Vec<&String> = texts.iter().filter(|text| !told.get(&key(text)).is_some_and(recent)).collect();
    if !news.is_empty() {
        told.retain(|_, at| recent(at));
        told.extend(news.iter().map(|text| (key(text), now)));
        keep(path, &told);
    }
    news
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

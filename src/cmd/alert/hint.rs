//! What `alert mark N false` says beside the mark: which change of the rule would have kept it quiet.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::model::alert::{Alert, AlertKey, Worth};
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::replay::backtest::{MOST_SAMPLES, Surroundings};
use crate::replay::hint::{self, Answer, Hint, Kind, Question};
use crate::rules::{Rule, written};
use crate::store::Store;
use crate::store::alerts::{AlertFilter, AlertId};
use crate::text::{safe, units};

/// How much of the past the effect of a change is counted in.
const SINCE: Duration = Duration::from_hours(30 * 24);

/// A change, for programs.
#[derive(Serialize, Debug, PartialEq)]
pub struct HintDocument {
    /// `for`, `limit` or `clear`.
    change: &'static str,
    /// The keys to paste.
    toml: String,
    /// Where the rule was written.
    origin: String,
    /// Episodes in the time that was looked at.
    episodes: usize,
    vanish: usize,
    /// Of those that vanish, marked useful.
    vanish_useful: usize,
    appear: usize,
    differ: usize,
}

/// What can be said of an alert of `config`'s rules.
pub fn ask(store: &mut Store, config: &Config, alert: &Alert, now: Time) -> Result<Answer, Trouble> {
    let Some(rule) = config.rules.iter().find(|rule| rule.name == alert.key.rule) else {
        return Ok(Answer::Unsure("its rule is not configured any more"));
    };
    let useful = useful(store)?;
    let around = Surroundings {
        routes: &config.routes,
        identity: &config.identity,
        interval: config.interval,
        slice: MOST_SAMPLES,
    };
    let question =
        Question { rule, alert, useful: &useful, around, since: SINCE.max(now.since(alert.since) + SINCE / 30) };
    hint::ask(store, &question)
}

/// Alerts that were worth being told, and when they fired.
fn useful(store: &Store) -> Result<Vec<(AlertKey, Time)>, Trouble> {
    let marks = store.marks()?;
    let is_useful = |id: &AlertId| marks.get(id).is_some_and(|mark| mark.worth == Worth::Useful);
    let alerts = store.alerts(&AlertFilter::default())?.into_iter().filter(|(id, _)| is_useful(id));
    Ok(alerts.filter_map(|(_, alert)| Some((alert.key, alert.fired_at?))).collect())
}

/// The changes, for programs; beside them why there are none.
pub fn documents(answer: &Answer, old: Option<&Rule>) -> (Vec<HintDocument>, Option<String>) {
    match answer {
        Answer::Unsure(why) => (Vec::new(), Some((*why).to_owned())),
        Answer::Hints(hints, _) => (hints.iter().filter_map(|hint| Some(document(hint, old?))).collect(), None),
    }
}

fn document(hint: &Hint, old: &Rule) -> HintDocument {
    let hint::Effect { before, vanish, useful, appear, differ } = hint.effect;
    HintDocument {
        change: name(hint.kind),
        toml: change(old, &hint.rule),
        origin: old.origin.to_string(),
        episodes: before,
        vanish,
        vanish_useful: useful,
        appear,
        differ,
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::For => "for",
        Kind::Limit => "limit",
        Kind::Clear => "clear",
    }
}

/// The changes for people: TOML whose remarks say what each does.
pub fn page(answer: &Answer, old: Option<&Rule>) -> String {
    let (hints, length) = match answer {
        Answer::Unsure(why) => return format!("# what would have avoided it cannot be said: {why}\n"),
        Answer::Hints(hints, _) if hints.is_empty() => {
            return "# no change of `for`, `clear` or a limit alone would have avoided it\n".to_owned();
        }
        Answer::Hints(hints, length) => (hints, length),
    };
    let Some(old) = old else { return String::new() };
    let origin = safe::one_line(&old.origin.to_string());
    let mut out = format!(
        "# {} would have avoided it; what it does is counted over {} of samples. The rule: {origin}\n",
        if hints.len() == 1 { "this" } else { "any of these, the one that changes least first," },
        units::duration(*length)
    );
    for hint in hints {
        let _ = write!(out, "\n# {}\n{}", effect(hint), change(old, &hint.rule));
    }
    out
}

/// `for: 5 of 14 episodes vanish, 1 of them marked useful; 2 end or begin at another time`
fn effect(hint: &Hint) -> String {
    let hint::Effect { before, vanish, useful, appear, differ } = hint.effect;
    let mut text = format!("{}: {vanish} of {before} episodes vanish", name(hint.kind));
    if useful > 0 {
        let _ = write!(text, ", {useful} of them marked useful");
    }
    for (count, what) in [(differ, "come otherwise"), (appear, "are new")] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

/// The keys of the rule that the change sets.
fn change(old: &Rule, new: &Rule) -> String {
    let before = written::toml(old);
    let is_new =
        |line: &&str| line.starts_with('[') || line.starts_with("alert ") || !before.lines().any(|old| old == *line);
    written::toml(new).lines().filter(is_new).fold(String::new(), |text, line| text + line + "\n")
}

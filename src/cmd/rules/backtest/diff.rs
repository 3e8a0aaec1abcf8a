//! What other rules would have changed in the past.

use std::fmt::Write as _;

use serde::Serialize;

use super::report::{EpisodeRow, Past, Shown, Sum, episode_row, head, line, notified, over, past, sum};
use crate::replay::episodes::{Difference, Episode, Outcome};
use crate::rules::Rule;
use crate::text::{safe, units};

/// `rules backtest --diff --json`.
#[derive(Serialize)]
pub struct Document<'a> {
    #[serde(flatten)]
    past: Past,
    before: Sum,
    after: Sum,
    vanish: Vec<EpisodeRow<'a>>,
    appear: Vec<EpisodeRow<'a>>,
    differ: Vec<Pair<'a>>,
}

#[derive(Serialize)]
struct Pair<'a> {
    before: EpisodeRow<'a>,
    after: EpisodeRow<'a>,
}

/// All that differs.
pub fn document<'a>(shown: &Shown<'_>, before: &Outcome, after: &Outcome, found: &[Difference<'a>]) -> Document<'a> {
    let row = |episode: &'a Episode| episode_row(episode, shown.span);
    let (mut vanish, mut appear, mut differ) = (Vec::new(), Vec::new(), Vec::new());
    for difference in found {
        match *difference {
            Difference::Vanishes(episode) => vanish.push(row(episode)),
            Difference::Appears(episode) => appear.push(row(episode)),
            Difference::Differs(old, new) => differ.push(Pair { before: row(old), after: row(new) }),
        }
    }
    Document { past: past(shown.span), before: sum(before), after: sum(after), vanish, appear, differ }
}

/// A line for each episode that differs, and the sums.
pub fn page(
    shown: &Shown<'_>,
    old_rules: &[Rule],
    before: &Outcome,
    after: &Outcome,
    found: &[Difference<'_>],
) -> String {
    let mut out = head(shown.span);
    for difference in found {
        out.push_str(&one(difference, old_rules, shown));
    }
    if found.is_empty() {
        out.push_str("every episode stays as it is\n");
    }
    let (before, sum_after) = (sum(before), sum(after));
    let _ = writeln!(out, "before: {}", words(&before));
    let _ = writeln!(out, "after:  {}", words(&sum_after));
    out.push_str(&over(shown, after));
    out
}

fn words(sum: &Sum) -> String {
    format!("{}, {}", units::counted(sum.count, "episode"), notified(&sum.notifications))
}

fn one(difference: &Difference<'_>, old_rules: &[Rule], shown: &Shown<'_>) -> String {
    let text = |episode: &Episode, rules: &[Rule]| {
        let rule = rules.iter().find(|rule| rule.name == episode.key.rule);
        line(episode, rule, shown.span)
    };
    let rule = safe::one_line(&difference.episode().key.rule);
    match difference {
        Difference::Vanishes(episode) => format!("- {rule}  {}\n", text(episode, old_rules)),
        Difference::Appears(episode) => format!("+ {rule}  {}\n", text(episode, shown.rules)),
        Difference::Differs(old, new) => {
            format!("~ {rule}  {}\n  now {}\n", text(old, old_rules), text(new, shown.rules))
        }
    }
}

//! A rule's judgement handed to the alerts: which label set hears what.

use std::collections::BTreeMap;

use super::step::Word;
use crate::model::alert::Alert;
use crate::model::labels::Labels;
use crate::model::reading::Reason;
use crate::model::verdict::{Judgement, Missing, NoData, Says};

/// Alerts of one rule that have not ended, by their labels; `I` is how their keeper finds them again.
pub type Open<I> = BTreeMap<Labels, (I, Alert)>;

/// What one label set hears from its rule.
#[derive(Clone)]
pub enum Heard {
    /// It has a verdict.
    Says(Says),
    /// It had one before and has none now.
    Missing(Missing),
}

impl Heard {
    /// The word for [`super::step::step`].
    pub const fn word(&self) -> Word<'_> {
        match self {
            Self::Says(says) => Word::Says(says),
            Self::Missing(missing) => Word::Missing(*missing),
        }
    }
}

/// A label set, its alert if there is one, and the word for it.
pub type Addressed<I> = (Labels, Option<(I, Alert)>, Heard);

/// Hands each label set its word: those with a verdict, and those with an alert that got none. Where a rule with
/// `no_data = "fire"` sees nothing at all, the empty label set stands in for what is missing.
pub fn words<I>(judgement: Judgement, mut open: Open<I>, no_data: NoData) -> Vec<Addressed<I>> {
    let (verdicts, rest) = match judgement {
        // an expression that cannot be evaluated is as blind as one whose data is missing
        Judgement::Failed(why) => (Vec::new(), Heard::Says(Says::Unknown(Reason::new(why)))),
        Judgement::Unknown(reason) => (Vec::new(), Heard::Says(Says::Unknown(reason))),
        Judgement::Judged { verdicts, missing } => (verdicts, Heard::Missing(missing)),
    };
    let nothing = verdicts.is_empty();
    let mut words = Vec::new();
    for verdict in verdicts {
        let previous = open.remove(&verdict.labels);
        words.push((verdict.labels, previous, Heard::Says(verdict.says)));
    }
    if nothing && open.is_empty() && no_data == NoData::Fire {
        words.push((Labels::empty(), None, rest.clone()));
    }
    words.extend(open.into_iter().map(|(labels, previous)| {
        // the stand-in has done its part as soon as there is something again
        let is_over = labels.is_empty() && !nothing;
        let heard = if is_over { Heard::Missing(Missing::FalseOrGone) } else { rest.clone() };
        (labels, Some(previous), heard)
    }));
    words
}

#[cfg(test)]
mod tests {
    use super::super::step::{self, Now, Passage};
    use super::*;
    use crate::model::alert::AlertKey;
    use crate::model::severity::BySeverity;
    use crate::model::time::Time;
    use crate::model::verdict::{Policy, Verdict};

    fn told(judgement: Judgement, open: &[&str], no_data: NoData) -> Vec<String> {
        let alert = |labels: &Labels| {
            let key = AlertKey { rule: "R".into(), labels: labels.clone() };
            let says = Says::Unknown(Reason::TIMEOUT);
            let policy =
                Policy { no_data: NoData::Fire, severities: BySeverity::from_fn(|_| true), ..Default::default() };
            let now = Now { tick: Time::from_millis(0), passage: Passage::Ordinary };
            step::step(&key, None, Word::Says(&says), &policy, now).alert.unwrap()
        };
        let open = open
            .iter()
            .map(|mount| Labels::new([("mount", *mount)]))
            .map(|labels| (labels.clone(), (1, alert(&labels))))
            .collect();
        words(judgement, open, no_data)
            .into_iter()
            .map(|(labels, previous, heard)| {
                let heard = match heard {
                    Heard::Says(Says::Unknown(reason)) => format!("unknown {reason}"),
                    Heard::Says(Says::Measured { value, .. }) => format!("measured {value}"),
                    Heard::Missing(missing) => format!("{missing:?}"),
                };
                format!("{labels:?} {} {heard}", if previous.is_some() { "open" } else { "new" })
            })
            .collect()
    }

    fn judged(mounts: &[&str]) -> Judgement {
        let verdict = |mount: &&str| Verdict {
            labels: Labels::new([("mount", *mount)]),
            says: Says::Measured { value: 1.0, levels: BySeverity::default() },
        };
        Judgement::Judged { verdicts: mounts.iter().map(verdict).collect(), missing: Missing::Gone }
    }

    #[test]
    fn every_label_set_hears_its_word() {
        let unknown = || Judgement::Unknown(Reason::TIMEOUT);
        assert_eq!(
            told(judged(&["/", "/a"]), &["/a", "/b"], NoData::Hold),
            [r#"{mount="/"} new measured 1"#, r#"{mount="/a"} open measured 1"#, r#"{mount="/b"} open Gone"#]
        );
        assert_eq!(told(unknown(), &["/a"], NoData::Hold), [r#"{mount="/a"} open unknown timeout"#]);
        assert_eq!(told(unknown(), &[], NoData::Hold), [] as [&str; 0]);
        assert_eq!(
            told(Judgement::Failed("twice".to_owned()), &["/a"], NoData::Hold),
            [r#"{mount="/a"} open unknown twice"#]
        );
        assert_eq!(told(unknown(), &[], NoData::Fire), ["{} new unknown timeout"]);
        assert_eq!(told(judged(&[]), &[], NoData::Fire), ["{} new Gone"]);
        assert_eq!(told(judged(&["/"]), &[""], NoData::Fire), [r#"{mount="/"} new measured 1"#, "{} open FalseOrGone"]);
    }
}

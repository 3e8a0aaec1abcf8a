//! What rules did over a long time: for each one its episodes, from firing to the end, and who would have been told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Change, Moment, What};
use crate::model::alert::{Alert, AlertKey, Ended, Transition};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::Rule;

/// An alert that comes back within this time is the same trouble again.
pub const FLAP: Duration = Duration::from_mins(15);

/// Notifications by the name of their channel.
pub type Told = BTreeMap<String, usize>;

/// One alert from its first bad tick to its end.
#[derive(Clone, PartialEq, Debug)]
pub struct Episode {
    /// Rule and labels.
    pub key: AlertKey,
    /// The first bad tick.
    pub since: Time,
    /// When it fired.
    pub fired: Time,
    /// When and why it ended; `None` where it fires still.
    pub ended: Option<(Time, Ended)>,
    /// The highest severity that it had.
    pub peak: Severity,
    /// The worst value.
    pub worst: Option<f64>,
    /// Everything that happened to it, with the value of then.
    pub steps: Vec<(Time, Transition, Option<f64>)>,
    /// Who would have been told how often.
    pub told: Told,
}

impl Episode {
    /// How long it fired, as far as is known at `now`.
    pub fn lasted(&self, now: Time) -> Duration {
        self.ended.map_or(now, |(at, _)| at).since(self.fired)
    }

    /// Whether both fired at one time.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| a.ended.is_some_and(|(end, _)| end <= b.fired);
        !before(self, other) && !before(other, self)
    }
}

/// What one rule did.
#[derive(Clone, PartialEq, Debug)]
pub struct Story {
    /// The rule's name.
    pub rule: Arc<str>,
    /// In order of their firing.
    pub episodes: Vec<Episode>,
    /// At how many ticks it could not be evaluated, with the first of them and its reason.
    pub failed: Option<(usize, Time, String)>,
}

impl Story {
    /// Who would have been told how often.
    pub fn told(&self) -> Told {
        total(self.episodes.iter().map(|episode| &episode.told))
    }

    /// Episodes that came back soon after one of the same alert had ended.
    pub fn flaps(&self) -> usize {
        let comes_back = |(at, episode): &(usize, &Episode)| {
            let earlier = self.episodes.iter().take(*at).rev().find(|earlier| earlier.key == episode.key);
            earlier.and_then(|earlier| earlier.ended).is_some_and(|(end, _)| episode.fired.since(end) <= FLAP)
        };
        self.episodes.iter().enumerate().filter(comes_back).count()
    }
}

/// The sum of notifications.
pub fn total<'a>(all: impl Iterator<Item = &'a Told>) -> Told {
    let mut sum = Told::new();
    for (channel, count) in all.flatten() {
        *sum.entry(channel.clone()).or_default() += count;
    }
    sum
}

/// What a set of rules did: one story for each, in order of the rules.
pub type Outcome = Vec<Story>;

/// Episodes while they come.
pub struct Gather {
    stories: Outcome,
    /// Where in `stories` a rule stands.
    places: BTreeMap<Arc<str>, usize>,
}

impl Gather {
    /// Nothing has happened yet.
    pub fn new(rules: &[Rule]) -> Self {
        let story = |rule: &Rule| Story { rule: rule.name.clone(), episodes: Vec::new(), failed: None };
        let places = rules.iter().enumerate().map(|(place, rule)| (rule.name.clone(), place)).collect();
        Self { stories: rules.iter().map(story).collect(), places }
    }

    /// Adds what happened at a tick.
    pub fn add(&mut self, tick: Time, moment: Moment) {
        for (rule, why) in moment.failed {
            if let Some(story) = self.story(&rule) {
                story.failed.get_or_insert((0, tick, why)).0 += 1;
            }
        }
        for change in moment.changes {
            if let What::Transition(transition) = change.what {
                self.change(tick, transition, &change);
            }
        }
    }

    fn story(&mut self, rule: &Arc<str>) -> Option<&mut Story> {
        self.places.get(rule).and_then(|place| self.stories.get_mut(*place))
    }

    fn change(&mut self, tick: Time, transition: Transition, change: &Change) {
        let alert = &change.alert;
        let Some(story) = self.story(&alert.key.rule) else { return };
        if matches!(transition, Transition::Fired(_)) {
            story.episodes.push(begun(alert, tick));
        }
        let Some(episode) = running(story, &alert.key) else { return };
        episode.peak = episode.peak.max(transition.severity());
        episode.ended = alert.ended;
        episode.worst = alert.worst;
        episode.steps.push((tick, transition, alert.value));
        for telling in &change.told {
            *episode.told.entry(telling.to.channel.clone()).or_default() += 1;
        }
    }

    /// The stories, with the worst value so far of what is `open`.
    pub fn finish<'a>(mut self, open: impl Iterator<Item = &'a Alert>) -> Outcome {
        for alert in open {
            if let Some(episode) = self.story(&alert.key.rule).and_then(|story| running(story, &alert.key)) {
                episode.worst = alert.worst;
            }
        }
        self.stories
    }
}

fn begun(alert: &Alert, tick: Time) -> Episode {
    Episode {
        key: alert.key.clone(),
        since: alert.since,
        fired: tick,
        ended: None,
        peak: Severity::Low,
        worst: None,
        steps: Vec::new(),
        told: Told::new(),
    }
}

/// The episode of `key` that is not over.
fn running<'a>(story: &'a mut Story, key: &AlertKey) -> Option<&'a mut Episode> {
    story.episodes.iter_mut().rev().find(|episode| episode.key == *key && episode.ended.is_none())
}

/// How one episode differs between two sets of rules.
#[derive(Clone, PartialEq, Debug)]
pub enum Difference<'a> {
    /// It no longer comes.
    Vanishes(&'a Episode),
    /// It is new.
    Appears(&'a Episode),
    /// It comes in both, otherwise.
    Differs(&'a Episode, &'a Episode),
}

impl<'a> Difference<'a> {
    /// The episode, as it was where it was there before.
    pub const fn episode(&self) -> &'a Episode {
        match self {
            Self::Vanishes(episode) | Self::Appears(episode) | Self::Differs(episode, _) => episode,
        }
    }
}

/// All that differs, in order of time. Episodes of one alert that fired at one time are the same episode.
pub fn differences<'a>(before: &'a Outcome, after: &'a Outcome) -> Vec<Difference<'a>> {
    let mut left: Vec<&Episode> = after.iter().flat_map(|story| &story.episodes).collect();
    let mut all = Vec::new();
    for old in before.iter().flat_map(|story| &story.episodes) {
        let partner = left.iter().position(|new| new.key == old.key && new.overlaps(old));
        match partner.map(|at| left.remove(at)) {
            None => all.push(Difference::Vanishes(old)),
            Some(new) if is_same(old, new) => {}
            Some(new) => all.push(Difference::Differs(old, new)),
        }
    }
    all.extend(left.into_iter().map(Difference::Appears));
    all.sort_by_key(|difference| difference.episode().fired);
    all
}

/// Whether people would see no difference; a value may be NaN, which equals nothing.
fn is_same(a: &Episode, b: &Episode) -> bool {
    let steps = |episode: &Episode| -> Vec<(Time, Transition)> {
        episode.steps.iter().map(|(at, transition, _)| (*at, *transition)).collect()
    };
    steps(a) == steps(b) && a.told == b.told
}

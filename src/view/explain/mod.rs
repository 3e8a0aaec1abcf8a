//! Why a rule fires or does not, and who hears of it: the rule taken apart, beside the alerts that it has.

pub mod document;

use crate::alert::routes::Routes;
use crate::alert::stand::{Stand, stand};
use crate::alert::step::{self, Word};
use crate::collect::catalogue::METRICS;
use crate::config::Config;
use crate::model::alert::{Alert, Deed, Phase, Transition};
use crate::model::delivery::{Delivery, State};
use crate::model::labels::Labels;
use crate::model::reading::Reason;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::model::verdict::{Level, Says};
use crate::rules::explain::{Explained, Outcome, Weighed};
use crate::rules::{self, Catalogue, Rule, Windows};
use crate::store::alerts::{AlertFilter, AlertId, TransitionRow};
use crate::store::{Reader, Result};
use crate::view::age::is_stale;

/// A rule at one tick.
pub struct Explanation<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The tick.
    pub at: Time,
    /// When it was asked.
    pub now: Time,
    /// Whether it is another tick than the last one: then the states of alerts are read from their history, in which
    /// pending starts are not kept.
    pub is_past: bool,
    /// The last cycle is longer ago than it should be.
    pub is_stale: bool,
    /// Its expressions and what they come to.
    pub explained: Explained,
    /// What it comes to for each label set, the worst first.
    pub cases: Vec<Case>,
    /// Who is told of which severity.
    pub routes: &'a Routes,
}

/// A rule and one label set.
pub struct Case {
    /// The labels of the alert, if there is one.
    pub labels: Labels,
    /// What the rule says; none where it has no result for an alert.
    pub weighed: Option<Weighed>,
    /// The alert that was open at the tick.
    pub alert: Option<Alert>,
    /// The severity at which it fired at the tick.
    pub fires: Option<Severity>,
    /// How each severity of the rule stands.
    pub severities: Vec<(Severity, Standing)>,
    /// What was sent and is to be sent of the alert, up to the tick.
    pub deliveries: Vec<Delivery>,
}

/// How a severity stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Now: its whole state is known.
    Now(Stand),
    /// Then: only what the rule finds; nothing where it was not measured.
    Then(Option<Level>),
}

/// An alert with its history.
pub struct Life {
    /// The alert as it is now.
    pub alert: Alert,
    /// What happened to it, oldest first.
    pub history: Vec<TransitionRow>,
    /// What was done about it, and what withheld it.
    pub deeds: Vec<Deed>,
    /// All that was ever decided to be sent about it.
    pub deliveries: Vec<Delivery>,
}

impl Life {
    /// The alert that people call by `number`, if there is one.
    pub fn of(moment: &Reader, number: u64) -> Result<Option<Self>> {
        let Some((id, alert)) = moment.alert_by_number(number)? else { return Ok(None) };
        let (history, deeds) = (moment.transitions(id)?, moment.deeds(id)?);
        Ok(Some(Self { alert, history, deeds, deliveries: moment.deliveries_of(id)? }))
    }
}

impl<'a> Explanation<'a> {
    /// Takes `rule` apart at the last tick, or at the last one at `until`.
    pub fn of(moment: &Reader, config: &'a Config, rule: &'a Rule, until: Option<Time>, now: Time) -> Result<Self> {
        let last = moment.last_cycle()?;
        let Some(newest) = moment.last_tick()? else {
            return Err(Trouble::new(Kind::Unavailable, "nothing has been checked yet").help("run: sippar-mon check"));
        };
        let at = match (until, last) {
            (None, _) => newest,
            // no cycle has looked at samples that were imported: any tick will do
            (Some(until), None) => until.floor(config.interval).min(newest),
            (Some(until), Some(_)) => moment.cycle_at(until)?.map(|cycle| cycle.tick).ok_or_else(|| {
                let what = format!("nothing had been checked at {until}");
                Trouble::new(Kind::Unavailable, what).help("name a later time with --at")
            })?,
        };
        let is_past = last.is_none_or(|last| at != last.tick);
        let mut windows = Windows::new(moment.windows(&rules::explain_needs(rule, at), at)?);
        if !is_past {
            let open = moment.open_alerts()?;
            windows.set_alerts(open.iter().map(|(_, alert)| alert), at);
        }
        let catalogue = Catalogue { metrics: METRICS, is_open: true, sources: &[] };
        let explained = rules::explain(rule, catalogue, &windows, at);
        let bench = Bench { moment, rule, at, is_past };
        let cases = bench.cases(&explained)?;
        let is_stale = last.is_some_and(|last| is_stale(&last, config.interval, now));
        Ok(Self { rule, at, now, is_past, is_stale, explained, cases, routes: &config.routes })
    }

    /// The instant from which ages are counted: now, or in the past the tick.
    pub const fn stands_at(&self) -> Time {
        if self.is_past { self.at } else { self.now }
    }
}

/// What the cases of a rule are made with.
struct Bench<'a> {
    moment: &'a Reader,
    rule: &'a Rule,
    at: Time,
    is_past: bool,
}

/// An alert that was open at the tick.
struct Episode {
    id: AlertId,
    alert: Alert,
    fires: Option<Severity>,
}

impl Bench<'_> {
    fn cases(&self, explained: &Explained) -> Result<Vec<Case>> {
        let mut episodes = self.episodes()?;
        let mut cases = Vec::new();
        for weighed in &explained.results {
            let is_its = |episode: &Episode| episode.alert.key.labels == weighed.labels;
            let episode = episodes.iter().position(|episode| is_its(episode) && weighed.left_out_by.is_none());
            let episode = episode.map(|place| episodes.remove(place));
            cases.push(self.case(weighed.labels.clone(), Some(weighed), episode, &explained.outcome)?);
        }
        for episode in episodes {
            cases.push(self.case(episode.alert.key.labels.clone(), None, Some(episode), &explained.outcome)?);
        }
        cases.sort_by_key(rank);
        Ok(cases)
    }

    /// The alerts of the rule that were open at the tick.
    fn episodes(&self) -> Result<Vec<Episode>> {
        let is_its = |alert: &Alert| *alert.key.rule == *self.rule.name;
        let open = self.moment.open_alerts()?.into_iter().filter(|(_, alert)| is_its(alert));
        if !self.is_past {
            let episode = |(id, alert): (AlertId, Alert)| Episode { id, fires: alert.severity(), alert };
            return Ok(open.map(episode).collect());
        }
        let filter = AlertFilter { since: Some(self.at), ..AlertFilter::default() };
        let ended =
            self.moment.alerts(&filter)?.into_iter().filter(|(_, alert)| is_its(alert) && alert.ended.is_some());
        let was_open = |alert: &Alert| alert.since <= self.at && alert.ended.is_none_or(|(end, _)| end > self.at);
        let mut episodes = Vec::new();
        for (id, alert) in open.chain(ended).filter(|(_, alert)| was_open(alert)) {
            let history = self.moment.transitions(id)?;
            episodes.push(Episode { id, fires: severity_at(&history, self.at), alert });
        }
        Ok(episodes)
    }

    fn case(
        &self,
        labels: Labels,
        weighed: Option<&Weighed>,
        episode: Option<Episode>,
        outcome: &Outcome,
    ) -> Result<Case> {
        let id = episode.as_ref().map(|episode| episode.id);
        let (alert, fires) = episode.map_or((None, None), |episode| (Some(episode.alert), episode.fires));
        let mut deliveries = id.map(|id| self.moment.deliveries_of(id)).transpose()?.unwrap_or_default();
        let is_news = |delivery: &Delivery| self.is_past || delivery.state != State::Superseded;
        deliveries.retain(|delivery| is_news(delivery) && delivery.message.at <= self.at);
        let phases = alert.as_ref().filter(|_| !self.is_past).map(|alert| alert.phases);
        let levels = self.levels(weighed, outcome);
        let phases = phases.unwrap_or_default();
        let severities = self.severities(&labels, &phases).into_iter();
        let severities = severities.map(|severity| (severity, self.standing(severity, levels.as_ref(), &phases)));
        let severities = if weighed.is_some_and(|weighed| weighed.left_out_by.is_some()) {
            Vec::new()
        } else {
            severities.collect()
        };
        Ok(Case { labels, weighed: weighed.cloned(), alert, fires, severities, deliveries })
    }

    /// Where the label set stands against each limit, as `no_data` wants it; nothing where everything stays as it is.
    fn levels(&self, weighed: Option<&Weighed>, outcome: &Outcome) -> Option<BySeverity<Level>> {
        let unknown = match outcome {
            Outcome::Judged(_) => None,
            Outcome::Unknown(reason) => Some(Says::Unknown(reason.clone())),
            Outcome::Failed(why) => Some(Says::Unknown(Reason::new(why.clone()))),
        };
        let word = match (&unknown, weighed, outcome) {
            (Some(unknown), ..) => Word::Says(unknown),
            (None, Some(weighed), _) => Word::Says(&weighed.says),
            (None, None, Outcome::Judged(missing)) => Word::Missing(*missing),
            (None, None, Outcome::Unknown(_) | Outcome::Failed(_)) => return None,
        };
        step::levels(word, &self.rule.policy)
    }

    /// The severities that the label set can have, and those that an older rule left it.
    fn severities(&self, labels: &Labels, phases: &BySeverity<Phase>) -> Vec<Severity> {
        let own = self.rule.severities_of(labels);
        let is_its = |severity: &Severity| own.contains(severity) || phases[*severity] != Phase::Inactive;
        Severity::ALL.into_iter().filter(is_its).collect()
    }

    fn standing(&self, severity: Severity, levels: Option<&BySeverity<Level>>, phases: &BySeverity<Phase>) -> Standing {
        let level = levels.map(|levels| levels[severity]);
        if self.is_past {
            return Standing::Then(level);
        }
        Standing::Now(stand(level, phases[severity], &self.rule.policy, severity, self.at))
    }
}

/// The severity at which an alert with this history fired at `at`.
fn severity_at(history: &[TransitionRow], at: Time) -> Option<Severity> {
    let last = history.iter().take_while(|row| row.tick <= at).last()?;
    match last.transition {
        Transition::Resolved(..) => None,
        transition => Some(transition.severity()),
    }
}

/// The worst first: firing, unknown, pending, fine, left out.
fn rank(case: &Case) -> (std::cmp::Reverse<Option<Severity>>, u8) {
    let is_unknown = |weighed: &Weighed| matches!(weighed.says, Says::Unknown(_));
    let second = match &case.weighed {
        Some(weighed) if weighed.left_out_by.is_some() => 3,
        Some(weighed) if is_unknown(weighed) => 0,
        _ if case.alert.is_some() => 1,
        _ => 2,
    };
    (std::cmp::Reverse(case.fires), second)
}

/// The names of the channels that hear of `severity`, each once.
pub fn channels(routes: &Routes, severity: Severity) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for to in &routes.hears[severity] {
        if !names.contains(&to.channel.as_str()) {
            names.push(&to.channel);
        }
    }
    names
}

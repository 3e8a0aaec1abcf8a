//! What keeps people from being told of an alert that fires, in this order: maintenance and silences, the alert that it
//! is a consequence of, flapping, quiet hours. Nothing else withholds.

use std::sync::Arc;

use super::routes::{Flapping, Routes};
use crate::model::alert::{Alert, AlertKey};
use crate::model::hold::{Fired, Hold, Silence};
use crate::model::scope::Scope;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::text::schedule::Schedule;

/// A window in which something is done to the system, as configured.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// When.
    pub when: Schedule,
    /// What is done; may be empty.
    pub what: String,
    /// Which alerts it explains; all where nothing is said.
    pub scopes: Vec<Scope>,
}

/// Everything that can withhold.
pub struct Reasons<'a> {
    /// Windows of maintenance.
    pub maintenance: &'a [Maintenance],
    /// Silences that have not ended: people mean their own clock and not the tick, so whoever asks picks them.
    pub silences: &'a [Silence],
    /// Alerts that are not over.
    pub open: &'a [(AlertKey, bool)],
    /// Quiet hours are among the routes.
    pub routes: &'a Routes,
}

impl Reasons<'_> {
    /// What withholds a firing alert at this time. `causes` are the rules of which it may be a consequence.
    pub fn of(&self, alert: &Alert, causes: &[Arc<str>], fired: Option<Fired>, at: Time) -> Option<Hold> {
        let severity = alert.severity()?;
        self.maintenance(alert, at)
            .or_else(|| self.silence(alert))
            .or_else(|| self.dependency(&alert.key, causes))
            .or_else(|| flapping(alert, severity, fired?, self.routes.flapping?, at))
            .or_else(|| self.routes.quiet(severity, at).map(|until| Hold::Quiet { until }))
    }

    fn maintenance(&self, alert: &Alert, at: Time) -> Option<Hold> {
        let explains = |window: &Maintenance| {
            window.scopes.is_empty() || window.scopes.iter().any(|scope| scope.covers(&alert.key, alert.number))
        };
        let found = self.maintenance.iter().filter(|window| explains(window));
        found
            .filter_map(|window| Some((window, window.when.covers(at)?)))
            .max_by_key(|(_, until)| *until)
            .map(|(window, until)| Hold::Maintenance { what: window.what.clone(), until })
    }

    /// The silence that lasts longest.
    fn silence(&self, alert: &Alert) -> Option<Hold> {
        let covers = |silence: &&Silence| silence.scope.covers(&alert.key, alert.number);
        let silence = self.silences.iter().filter(covers).max_by_key(|silence| silence.until)?;
        let Silence { number, until, .. } = *silence;
        Some(Hold::Silence { number, who: silence.who.clone(), why: silence.why.clone(), until })
    }

    /// An alert of a rule that it depends on, with no label that says otherwise.
    fn dependency(&self, key: &AlertKey, causes: &[Arc<str>]) -> Option<Hold> {
        let goes_with = |other: &AlertKey| {
            other.labels.iter().all(|(name, value)| key.labels.get(name).is_none_or(|own| own == value))
        };
        let is_cause = |(other, counts): &&(AlertKey, bool)| {
            *counts && causes.contains(&other.rule) && other != key && goes_with(other)
        };
        self.open.iter().find(is_cause).map(|(other, _)| Hold::Dependency { on: other.clone() })
    }
}

/// Whether an alert counts as a cause of others: it fires, or is about to. One that cannot be measured while it is
/// pending may stay so for ever, and hides nothing.
pub fn counts_as_cause(alert: &Alert) -> bool {
    alert.ended.is_none() && (alert.severity().is_some() || alert.unknown.is_none())
}

/// It came and went too often, is not worse than it was then, and has not fired for long.
fn flapping(alert: &Alert, severity: Severity, fired: Fired, flapping: Flapping, at: Time) -> Option<Hold> {
    let until = alert.began()? + flapping.calm;
    let is_news = fired.worst.is_none_or(|worst| severity > worst);
    (fired.times > flapping.fires && !is_news && at < until).then_some(Hold::Flapping { fired: fired.times, until })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::alert::Phase;
    use crate::model::labels::Labels;
    use crate::model::reading::Reason;
    use crate::model::severity::BySeverity;
    use crate::text::instant::absolute;
    use crate::text::schedule::{time_of_day, weekdays};

    fn at(minute: u32) -> Time {
        absolute("2026-11-22T02:00:00Z").unwrap() + Duration::from_mins(u64::from(minute))
    }

    fn key(rule: &str, labels: &[(&str, &str)]) -> AlertKey {
        AlertKey { rule: rule.into(), labels: Labels::new(labels.iter().copied()) }
    }

    /// HIGH since minute 0.
    fn alert(key: AlertKey) -> Alert {
        let phases = BySeverity::from_fn(|severity| match severity {
            Severity::High => Phase::Firing(at(0)),
            _ => Phase::Inactive,
        });
        let begun = Alert::begun(key, at(0));
        Alert { number: Some(1), phases, fired_at: Some(at(0)), peak: Some(Severity::High), ..begun }
    }

    fn silence(number: u64, rule: &str, until: Time) -> Silence {
        let scope = Scope { rule: Some(rule.to_owned()), ..Scope::default() };
        Silence { number, scope, from: at(0), until, who: "eva".to_owned(), why: "test".to_owned() }
    }

    fn words(hold: Option<Hold>) -> String {
        hold.map_or_else(|| "told".to_owned(), |hold| hold.to_string())
    }

    #[test]
    fn silences_hold_as_long_as_the_longest_lasts_and_maintenance_comes_first() {
        let silences = [silence(1, "R", at(5)), silence(2, "R", at(9)), silence(3, "OTHER", at(99))];
        let time = |text| time_of_day(text).unwrap();
        let when = Schedule::new(weekdays("sun").unwrap(), time("02:06"), time("02:07"), jiff::tz::TimeZone::UTC);
        let window = |rule: &str| Maintenance {
            when: when.clone(),
            what: "backup".to_owned(),
            scopes: vec![Scope { rule: Some(rule.to_owned()), ..Scope::default() }],
        };
        let (maintenance, routes) = ([window("OTHER"), window("R")], Routes::default());
        let reasons = Reasons { maintenance: &maintenance, silences: &silences, open: &[], routes: &routes };
        let alert = alert(key("R", &[]));
        for (minute, wanted) in [
            (0, "silenced by eva until 2026-11-22T02:09:00Z (silence 2): test"),
            (6, "maintenance until 2026-11-22T02:07:00Z: backup"),
            (8, "silenced by eva until 2026-11-22T02:09:00Z (silence 2): test"),
        ] {
            assert_eq!(words(reasons.of(&alert, &[], None, at(minute))), wanted, "{minute}");
        }
    }

    #[test]
    fn a_consequence_is_withheld_where_no_label_says_otherwise() {
        let routes = Routes::default();
        let causes = ["NET".into()];
        let held = |own: &[(&str, &str)], cause: AlertKey, counts: bool| {
            let open = [(cause, counts)];
            let reasons = Reasons { maintenance: &[], silences: &[], open: &open, routes: &routes };
            words(reasons.of(&alert(key("R", own)), &causes, None, at(1)))
        };
        assert_eq!(held(&[("probe", "a")], key("NET", &[]), true), "a consequence of NET");
        assert_eq!(held(&[("probe", "a")], key("NET", &[("probe", "a")]), true), "a consequence of NET{probe=\"a\"}");
        assert_eq!(held(&[("probe", "a")], key("NET", &[("probe", "b")]), true), "told");
        assert_eq!(held(&[], key("NET", &[]), false), "told");
        assert_eq!(held(&[], key("OTHER", &[]), true), "told");
    }

    #[test]
    fn what_fires_or_is_about_to_is_a_cause_and_what_nobody_can_measure_is_none() {
        let firing = alert(key("NET", &[]));
        let blind = Alert { unknown: Some((at(0), Reason::TIMEOUT)), ..firing.clone() };
        let pending = Alert { phases: BySeverity::default(), ..firing.clone() };
        let stuck = Alert { phases: BySeverity::default(), ..blind.clone() };
        let found = [&firing, &blind, &pending, &stuck].map(counts_as_cause);
        assert_eq!(found, [true, true, true, false]);
    }

    #[test]
    fn flapping_is_withheld_until_it_fires_for_long_or_gets_worse() {
        let routes = Routes { flapping: Some(Flapping::default()), ..Routes::default() };
        let reasons = Reasons { maintenance: &[], silences: &[], open: &[], routes: &routes };
        let alert = alert(key("R", &[]));
        let held = |times, worst, minute| words(reasons.of(&alert, &[], Some(Fired { times, worst }), at(minute)));
        let flaps = "flapping: fired 6 times lately; told if it still fires at 2026-11-22T02:10:00Z";
        assert_eq!(held(5, Some(Severity::High), 0), "told");
        assert_eq!(held(6, Some(Severity::High), 0), flaps);
        assert_eq!(held(6, Some(Severity::High), 9), flaps);
        assert_eq!(held(6, Some(Severity::High), 10), "told");
        assert_eq!(held(6, Some(Severity::Medium), 0), "told");
    }
}

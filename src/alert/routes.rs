//! Who hears of what, and when: the routes as they are configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::message::Destination;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::text::schedule::Schedule;

/// Destinations by severity; `None` where somebody else's word counts.
pub type Override = BySeverity<Option<Vec<Destination>>>;

/// The longest that a reminder's pause grows to, unless it began longer.
const LONGEST_PAUSE: Duration = Duration::from_hours(4);

/// Who hears of what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routes {
    /// Who hears of each severity.
    pub hears: BySeverity<Vec<Destination>>,
    /// Who hears of a rule that says so itself.
    pub of_rules: BTreeMap<Arc<str>, Override>,
    /// Who hears at certain hours; the first window that covers the time and names the severity counts.
    pub during: Vec<During>,
    /// Hours in which milder alerts wait.
    pub quiet: Option<Quiet>,
    /// Channels that cost money and wake people: they hear that an alert fires, rises and ends, and nothing between.
    pub terse: BTreeSet<String>,
    /// Who hears of a CRITICAL alert that nobody acknowledges.
    pub escalate: Option<Escalate>,
    /// After what time people are reminded for the first time; `None` for never.
    pub remind: BySeverity<Option<Duration>>,
    /// When an alert comes and goes too often to be told each time; `None` for never.
    pub flapping: Option<Flapping>,
}

/// When an alert comes and goes too often to be told each time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flapping {
    /// It fired more often than this …
    pub fires: u32,
    /// … within this time.
    pub within: Duration,
    /// It is told of all the same once it has fired for this long on end.
    pub calm: Duration,
}

impl Default for Flapping {
    fn default() -> Self {
        Self { fires: 5, within: Duration::from_mins(30), calm: Duration::from_mins(10) }
    }
}

/// Other routes at certain hours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct During {
    /// When.
    pub when: Schedule,
    /// Who hears then.
    pub hears: Override,
}

/// Hours in which milder alerts wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quiet {
    /// When.
    pub when: Schedule,
    /// This severity and those above it are told all the same.
    pub below: Severity,
}

/// Who hears of a CRITICAL alert that nobody acknowledges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Escalate {
    /// After what time.
    pub after: Duration,
    /// Who.
    pub to: Vec<Destination>,
}

impl Routes {
    /// Who hears of `severity` of `rule` at this time.
    pub fn of(&self, rule: &str, severity: Severity, at: Time) -> &[Destination] {
        let of_rule = || self.of_rules.get(rule)?[severity].as_deref();
        let of_hour = |during: &'_ During| during.hears[severity].is_some() && during.when.covers(at).is_some();
        let at_hour = || self.during.iter().find(|during| of_hour(during))?.hears[severity].as_deref();
        of_rule().or_else(at_hour).unwrap_or(&self.hears[severity])
    }

    /// The same without a channel.
    #[must_use]
    pub fn without(&self, channel: &str) -> Self {
        let others = |to: &[Destination]| to.iter().filter(|to| to.channel != channel).cloned().collect::<Vec<_>>();
        let some = |hears: &Override| BySeverity::from_fn(|severity| hears[severity].as_deref().map(others));
        let mut routes = self.clone();
        routes.hears = BySeverity::from_fn(|severity| others(&self.hears[severity]));
        routes.of_rules = self.of_rules.iter().map(|(rule, hears)| (rule.clone(), some(hears))).collect();
        for during in &mut routes.during {
            during.hears = some(&during.hears);
        }
        if let Some(escalate) = &mut routes.escalate {
            escalate.to = others(&escalate.to);
        }
        routes
    }

    /// When the quiet hours end that withhold `severity` at this time; none where they do not.
    pub fn quiet(&self, severity: Severity, at: Time) -> Option<Time> {
        let quiet = self.quiet.as_ref().filter(|quiet| severity < quiet.below)?;
        quiet.when.covers(at)
    }

    /// How long after the last word people are reminded who have had `reminders` of them: twice as long each time.
    pub fn pause(&self, severity: Severity, reminders: u32) -> Option<Duration> {
        let first = self.remind[severity]?;
        let grown = first.saturating_mul(1 << reminders.min(16));
        Some(grown.min(LONGEST_PAUSE.max(first)))
    }
}

/// The pauses before the first reminder where nothing is configured.
pub fn default_pauses() -> BySeverity<Option<Duration>> {
    BySeverity::from_fn(|severity| match severity {
        Severity::Low => None,
        Severity::Medium => Some(Duration::from_hours(24)),
        Severity::High => Some(Duration::from_hours(4)),
        Severity::Critical => Some(Duration::from_mins(30)),
    })
}

/// Routes by severity and nothing else: no reminders, and each firing is told.
impl From<BySeverity<Vec<Destination>>> for Routes {
    fn from(hears: BySeverity<Vec<Destination>>) -> Self {
        Self { hears, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::instant::absolute;
    use crate::text::schedule::{time_of_day, weekdays};

    fn to(channel: &str) -> Vec<Destination> {
        vec![Destination { channel: channel.to_owned(), address: String::new() }]
    }

    fn only(severity: Severity, channel: &str) -> Override {
        BySeverity::from_fn(|this| (this == severity).then(|| to(channel)))
    }

    fn office() -> Schedule {
        let time = |text| time_of_day(text).unwrap();
        Schedule::new(weekdays("mon-fri").unwrap(), time("08:00"), time("18:00"), jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn a_rules_own_word_counts_before_that_of_the_hour_and_that_before_the_rest() {
        let routes = Routes {
            of_rules: [("OWN".into(), only(Severity::High, "own"))].into(),
            during: vec![During { when: office(), hears: only(Severity::High, "office") }],
            ..Routes::from(BySeverity::from_fn(|_| to("all")))
        };
        let (monday, sunday) = (absolute("2026-11-23T09:00:00Z").unwrap(), absolute("2026-11-22T09:00:00Z").unwrap());
        for (rule, severity, at, channel) in [
            ("OWN", Severity::High, monday, "own"),
            ("OWN", Severity::Critical, monday, "all"),
            ("R", Severity::High, monday, "office"),
            ("R", Severity::High, sunday, "all"),
            ("R", Severity::Critical, monday, "all"),
        ] {
            assert_eq!(routes.of(rule, severity, at), to(channel), "{rule} {severity} {at}");
        }
    }

    #[test]
    fn quiet_hours_withhold_what_is_milder() {
        let routes = Routes { quiet: Some(Quiet { when: office(), below: Severity::Critical }), ..Routes::default() };
        let monday = absolute("2026-11-23T09:00:00Z").unwrap();
        assert_eq!(routes.quiet(Severity::High, monday), absolute("2026-11-23T18:00:00Z"));
        assert_eq!(routes.quiet(Severity::Critical, monday), None);
        assert_eq!(routes.quiet(Severity::High, absolute("2026-11-22T09:00:00Z").unwrap()), None);
    }

    #[test]
    fn reminders_come_ever_more_rarely() {
        let routes = Routes { remind: default_pauses(), ..Routes::default() };
        let minutes = |severity, reminders| routes.pause(severity, reminders).map(|pause| pause.as_secs() / 60);
        let of_critical: Vec<_> = (0..6).map(|reminders| minutes(Severity::Critical, reminders)).collect();
        assert_eq!(of_critical, [30, 60, 120, 240, 240, 240].map(Some));
        assert_eq!(minutes(Severity::High, 9), Some(240));
        assert_eq!(minutes(Severity::Medium, 9), Some(24 * 60));
        assert_eq!(minutes(Severity::Low, 0), None);
    }
}

//! `[routes]`: who is told of what, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::hours::Hours;
use super::people::Fallback;
use crate::alert::routes::{During, Escalate, Flapping, Override, Quiet, Routes, default_pauses};
use crate::model::fault::{Fault, Place};
use crate::model::message::Destination;
use crate::model::severity::{BySeverity, Severity};
use crate::notify::{Channel, Sort, sms};
use crate::rules::Rule;
use crate::text::check::Check;
use crate::text::nearest::nearest;
use crate::text::units;

type Names = Vec<Spanned<String>>;

/// How long the channels of a route have, unless `fallback` says otherwise.
const FALLBACK_AFTER: Duration = Duration::from_mins(5);

/// `[routes]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    #[serde(alias = "LOW")]
    low: Option<Names>,
    #[serde(alias = "MEDIUM")]
    medium: Option<Names>,
    #[serde(alias = "HIGH")]
    high: Option<Names>,
    #[serde(alias = "CRITICAL")]
    critical: Option<Names>,
    fallback: Option<Spanned<FallbackSettings>>,
    /// What text messages may cost.
    pub sms_budget: sms::budget::Settings,
    escalate: Option<Spanned<EscalateSettings>>,
    remind: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
    quiet_hours: Option<Spanned<QuietSettings>>,
    flapping: Option<Spanned<FlappingSettings>>,
    during: Vec<Spanned<DuringSettings>>,
}

/// `[routes] flapping`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct FlappingSettings {
    fires: Option<u32>,
    within: Option<Spanned<String>>,
    calm: Option<Spanned<String>>,
}

/// `[routes] fallback`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct FallbackSettings {
    after: Option<Spanned<String>>,
    to: Names,
}

/// `[routes] escalate`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct EscalateSettings {
    after: Option<Spanned<String>>,
    to: Option<Names>,
}

/// `[routes] quiet_hours`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct QuietSettings {
    weekdays: Option<Names>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
    below: Option<Spanned<String>>,
}

/// `[[routes.during]]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct DuringSettings {
    weekdays: Option<Names>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
    #[serde(alias = "LOW")]
    low: Option<Names>,
    #[serde(alias = "MEDIUM")]
    medium: Option<Names>,
    #[serde(alias = "HIGH")]
    high: Option<Names>,
    #[serde(alias = "CRITICAL")]
    critical: Option<Names>,
}

/// The channels, and the names of all that the configuration has, also of those that cannot be used.
pub struct People<'a> {
    /// The channels.
    pub channels: &'a [Channel],
    /// Their names.
    pub declared: BTreeSet<&'a str>,
}

impl Settings {
    /// The routes; what is wrong with them goes to `check`.
    pub fn build(&self, people: &People<'_>, check: &mut Check<'_>) -> Routes {
        let Self {
            low,
            medium,
            high,
            critical,
            fallback: _,
            sms_budget: _,
            escalate,
            remind,
            quiet_hours,
            flapping,
            during,
        } = self;
        let named = people.by_severity([low, medium, high, critical], check);
        let there_is = |sort: &Sort| people.channels.iter().any(|channel| channel.sort() == *sort);
        let medium = [Sort::Chat, Sort::Mail, Sort::Machine].into_iter().find(there_is);
        let hears = BySeverity::from_fn(|severity| {
            named[severity].clone().unwrap_or_else(|| people.by_default(severity, medium))
        });
        let terse = people.channels.iter().filter(|channel| channel.sort() == Sort::Sms);
        Routes {
            hears,
            of_rules: BTreeMap::new(),
            during: during.iter().filter_map(|during| during.get_ref().build(&during.span(), people, check)).collect(),
            quiet: quiet_hours.as_ref().and_then(|quiet| quiet.get_ref().build(&quiet.span(), check)),
            terse: terse.map(|channel| channel.name().to_owned()).collect(),
            escalate: escalate.as_ref().and_then(|escalate| escalate.get_ref().build(&escalate.span(), people, check)),
            remind: pauses(remind.as_ref(), check),
            flapping: flapping.as_ref().map_or(Some(Flapping::default()), |flapping| flapping.get_ref().build(check)),
        }
    }
}

impl Settings {
    /// Whom `fallback` names.
    pub fn fallback(&self, people: &People<'_>, check: &mut Check<'_>) -> Option<Fallback> {
        let written = self.fallback.as_ref()?;
        let FallbackSettings { after, to } = written.get_ref();
        let after = check.duration(after.as_ref(), FALLBACK_AFTER);
        if to.is_empty() {
            let fault = Fault::error("`fallback` names no channel", Place::File(written.span()));
            check.fault(fault.help("write it like fallback = { after = \"5m\", to = [\"email\"] }"));
        }
        let to = people.named(to, check);
        Some(Fallback { after: after?, to })
    }
}

/// What rules say themselves of who hears of them.
pub fn of_rules(rules: &[Rule], people: &People<'_>, check: &mut Check<'_>) -> BTreeMap<std::sync::Arc<str>, Override> {
    let mut of_rules = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.route.iter().any(|(_, names)| names.is_some())) {
        check.source = rule.origin.spot().and_then(|spot| spot.source.clone());
        let hears = |severity| rule.route[severity].as_deref().map(|names| people.named(names, check));
        of_rules.insert(rule.name.clone(), BySeverity::from_fn(hears));
    }
    of_rules
}

impl EscalateSettings {
    fn build(&self, table: &Range<usize>, people: &People<'_>, check: &mut Check<'_>) -> Option<Escalate> {
        let after = check.required(self.after.as_ref(), table, "after", "say how long nobody reacts: after = \"15m\"");
        let to = check.required(self.to.as_ref(), table, "to", "name the channels that hear then: to = [\"mail\"]");
        let after = after.and_then(|after| check.duration(Some(after), Duration::ZERO));
        let to = to.map(|names| people.named(names, check));
        Some(Escalate { after: after?, to: to? })
    }
}

impl FlappingSettings {
    /// None where each firing is to be told.
    fn build(&self, check: &mut Check<'_>) -> Option<Flapping> {
        let default = Flapping::default();
        let within = check.duration(self.within.as_ref(), default.within);
        let calm = check.duration(self.calm.as_ref(), default.calm);
        let fires = self.fires.unwrap_or(default.fires);
        Some(Flapping { fires, within: within?, calm: calm? }).filter(|_| fires > 0)
    }
}

impl QuietSettings {
    fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Quiet> {
        let Self { weekdays, from, to, zone, below } = self;
        let hours = Hours { weekdays: weekdays.as_deref(), from: from.as_ref(), to: to.as_ref(), zone: zone.as_ref() };
        let when = hours.build(table, check);
        let below = below.as_ref().map_or(Some(Severity::Critical), |below| check.parsed(below));
        Some(Quiet { when: when?, below: below? })
    }
}

impl DuringSettings {
    fn build(&self, table: &Range<usize>, people: &People<'_>, check: &mut Check<'_>) -> Option<During> {
        let Self { weekdays, from, to, zone, low, medium, high, critical } = self;
        let hours = Hours { weekdays: weekdays.as_deref(), from: from.as_ref(), to: to.as_ref(), zone: zone.as_ref() };
        let when = hours.build(table, check);
        let hears = people.by_severity([low, medium, high, critical], check);
        if hears.iter().all(|(_, hears)| hears.is_none()) {
            let fault = Fault::error("these hours change no route", Place::File(table.clone()));
            check.fault(fault.help("name who hears then: high = [\"mail\"]"));
        }
        Some(During { when: when?, hears })
    }
}

impl People<'_> {
    /// The destinations of the named channels; a name that no channel has is a fault.
    fn named(&self, names: &[Spanned<String>], check: &mut Check<'_>) -> Vec<Destination> {
        for name in names.iter().filter(|name| !self.declared.contains(name.get_ref().as_str())) {
            let fault = Fault::error(format!("there is no channel `{}`", name.get_ref()), Place::File(name.span()));
            check.fault(match nearest(name.get_ref(), self.declared.iter().copied()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("name a table of [channels]"),
            });
        }
        self.destinations(|channel| names.iter().any(|name| name.get_ref() == channel.name()))
    }

    fn destinations(&self, hears: impl Fn(&Channel) -> bool) -> Vec<Destination> {
        self.channels.iter().filter(|channel| hears(channel)).flat_map(Channel::destinations).collect()
    }

    /// Those of LOW, MEDIUM, HIGH and CRITICAL, where any are named.
    fn by_severity(&self, written: [&Option<Names>; 4], check: &mut Check<'_>) -> Override {
        let mut written = written.into_iter();
        BySeverity::from_fn(|_| written.next().and_then(|names| Some(self.named(names.as_deref()?, check))))
    }

    /// Everybody at CRITICAL, no SMS at HIGH, one sort at MEDIUM (chat, else mail, else machines), nobody at LOW.
    fn by_default(&self, severity: Severity, medium: Option<Sort>) -> Vec<Destination> {
        self.destinations(|channel| match severity {
            Severity::Critical => true,
            Severity::High => channel.sort() != Sort::Sms,
            Severity::Medium => medium == Some(channel.sort()),
            Severity::Low => false,
        })
    }
}

/// `[routes] remind`: durations by severity, or `never`.
fn pauses(
    written: Option<&BTreeMap<Spanned<String>, Spanned<String>>>,
    check: &mut Check<'_>,
) -> BySeverity<Option<Duration>> {
    let mut pauses = default_pauses();
    for (severity, text) in written.into_iter().flatten() {
        let Some(severity) = check.parsed::<Severity>(severity) else { continue };
        pauses[severity] = match units::parse_duration(text.get_ref()) {
            _ if text.get_ref() == "never" => None,
            Ok(pause) if pause >= Duration::from_mins(1) => Some(pause),
            _ => {
                let what = format!("`{}` is no time after which to remind anybody", text.get_ref());
                check.fault(
                    Fault::error(what, Place::File(text.span())).help("write \"30m\" (at least 1m) or \"never\""),
                );
                continue;
            }
        };
    }
    pauses
}

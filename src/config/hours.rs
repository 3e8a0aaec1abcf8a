//! Weekly windows as they are written: the four keys that `[[maintenance]]`, `quiet_hours` and `[[routes.during]]` share,
//! and maintenance itself.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::alert::hold::Maintenance;
use crate::model::fault::{Fault, Place};
use crate::rules::scope;
use crate::text::check::Check;
use crate::text::schedule::{self, Schedule};

/// `[[maintenance]]`
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    weekdays: Option<Vec<Spanned<String>>>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
    /// What is done then.
    what: Option<String>,
    /// Which alerts it explains.
    alerts: Option<Vec<Spanned<String>>>,
}

impl Settings {
    /// The window, unless it has a fault. `table` is its place.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Maintenance> {
        let Self { weekdays, from, to, zone, what, alerts } = self;
        let hours = Hours { weekdays: weekdays.as_deref(), from: from.as_ref(), to: to.as_ref(), zone: zone.as_ref() };
        let when = hours.build(table, check);
        let mut scopes = Vec::new();
        for text in alerts.iter().flatten() {
            match scope::alerts(text.get_ref()) {
                Ok(scope) => scopes.push(scope),
                Err(faults) => faults.into_iter().for_each(|fault| check.fault(inside(fault, &text.span()))),
            }
        }
        if alerts.as_ref().is_some_and(Vec::is_empty) {
            let fault = Fault::error("this maintenance explains no alert", Place::File(table.clone()));
            check.fault(fault.help("leave `alerts` out to mean all of them"));
        }
        Some(Maintenance { when: when?, what: what.clone().unwrap_or_default(), scopes })
    }
}

/// All windows of maintenance that can be used.
pub fn maintenance(written: &[Spanned<Settings>], check: &mut Check<'_>) -> Vec<Maintenance> {
    written.iter().filter_map(|window| window.get_ref().build(&window.span(), check)).collect()
}

/// The place of `fault` in the string whose literal stands at `outer`.
fn inside(fault: Fault, outer: &Range<usize>) -> Fault {
    let place = match fault.place {
        Place::File(inner) => Place::Inside { outer: outer.clone(), inner },
        place => place,
    };
    Fault { place, ..fault }
}

/// The keys that say when.
pub struct Hours<'a> {
    /// On which days it begins; all where nothing is said.
    pub weekdays: Option<&'a [Spanned<String>]>,
    /// When it begins.
    pub from: Option<&'a Spanned<String>>,
    /// When it ends.
    pub to: Option<&'a Spanned<String>>,
    /// On whose clocks; UTC where nothing is said.
    pub zone: Option<&'a Spanned<String>>,
}

impl Hours<'_> {
    /// The schedule, unless it has a fault. `table` is the place of what it belongs to.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Schedule> {
        let mut days = Some(Vec::new());
        for text in self.weekdays.unwrap_or_default() {
            let read = kept(schedule::weekdays(text.get_ref()), text, check);
            days = days.zip(read).map(|(days, more)| [days, more].concat());
        }
        let from = check.required(self.from, table, "from", "say when it begins: from = \"22:00\"");
        let to = check.required(self.to, table, "to", "say when it ends: to = \"06:00\"");
        let mut time = |text: &Spanned<String>| kept(schedule::time_of_day(text.get_ref()), text, check);
        let (from, to) = (from.and_then(&mut time), to.and_then(&mut time));
        let zone = match self.zone {
            Some(zone) => kept(schedule::zone(zone.get_ref()), zone, check),
            None => schedule::zone("UTC").ok(),
        };
        Some(Schedule::new(days?, from?, to?, zone?))
    }
}

fn kept<T>(read: Result<T, String>, text: &Spanned<String>, check: &mut Check<'_>) -> Option<T> {
    let place = Place::File(text.span());
    read.map_err(|help| {
        check.fault(Fault::error(format!("`{}` cannot be read here", text.get_ref()), place).help(help));
    })
    .ok()
}

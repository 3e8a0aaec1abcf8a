//! Who can be told, and who is told of what.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use toml::Spanned;

use super::file::File;
use super::secret::Secrets;
use crate::alert::route::Routes;
use crate::model::fault::{Fault, Place};
use crate::model::message::Destination;
use crate::model::severity::{BySeverity, Severity};
use crate::notify::{self, Channel, Sort};
use crate::text::check::Check;
use crate::text::nearest::nearest;

/// Where an alarm goes that no channel of its route could deliver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fallback {
    /// After so long; at once where all of them gave up.
    pub after: Duration,
    /// To these.
    pub to: Vec<Destination>,
}

/// How long the channels of a route have, unless `[routes] fallback` says otherwise.
const FALLBACK_AFTER: Duration = Duration::from_mins(5);

/// The channels of the file, and those of the environment whose kind the file does not have.
pub fn channels(file: &File, secrets: &Secrets<'_>, check: &mut Check<'_>) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    for (name, settings) in &file.channels {
        channels.extend(settings.get_ref().build(name.get_ref(), &settings.span(), check));
    }
    let kinds: BTreeSet<&str> = file.channels.values().filter_map(|settings| settings.get_ref().kind()).collect();
    let unreadable = RefCell::new(Vec::new());
    let variable = |name: &str| {
        secrets.variable(name).unwrap_or_else(|what| {
            unreadable.borrow_mut().push(format!("{name}: {what}"));
            None
        })
    };
    let source = check.source.take();
    for (kind, settings) in notify::from_environment(&variable, check) {
        if kinds.contains(kind) {
            let what = format!("the environment's {kind} channel is ignored: the file has a channel of that kind");
            check.fault(Fault::warning(what, Place::Nowhere));
        } else {
            channels.extend(settings.build(kind, &(0..0), check));
        }
    }
    for what in unreadable.into_inner() {
        check.fault(
            Fault::error(what, Place::Nowhere).help("a channel of the environment is missing until this can be read"),
        );
    }
    check.source = source;
    channels
}

/// The destinations of each severity: those that `[routes]` names, or the default.
pub fn routes(file: &File, channels: &[Channel], check: &mut Check<'_>) -> Routes {
    let declared = declared(file, channels);
    let there_is = |sort: &Sort| channels.iter().any(|channel| channel.sort() == *sort);
    let medium = [Sort::Chat, Sort::Mail, Sort::Machine].into_iter().find(there_is);
    BySeverity::from_fn(|severity| {
        let named = file.routes.of(severity);
        for name in named.unwrap_or_default() {
            refuse_unknown(name, &declared, check);
        }
        let hears = |channel: &&Channel| match named {
            Some(listed) => listed.iter().any(|name| name.get_ref() == channel.name()),
            None => hears_by_default(severity, channel.sort(), medium),
        };
        channels.iter().filter(hears).flat_map(Channel::destinations).collect()
    })
}

/// Whom `[routes] fallback` names.
pub fn fallback(file: &File, channels: &[Channel], check: &mut Check<'_>) -> Option<Fallback> {
    let written = file.routes.fallback.as_ref()?;
    let settings = written.get_ref();
    let after = check.duration(settings.after.as_ref(), FALLBACK_AFTER);
    if settings.to.is_empty() {
        let fault = Fault::error("`fallback` names no channel", Place::File(written.span()));
        check.fault(fault.help("write it like fallback = { after = \"5m\", to = [\"email\"] }"));
    }
    let declared = declared(file, channels);
    for name in &settings.to {
        refuse_unknown(name, &declared, check);
    }
    let named = |channel: &&Channel| settings.to.iter().any(|name| name.get_ref() == channel.name());
    Some(Fallback { after: after?, to: channels.iter().filter(named).flat_map(Channel::destinations).collect() })
}

/// The names of all channels, also of those whose settings cannot be used.
fn declared<'a>(file: &'a File, channels: &'a [Channel]) -> BTreeSet<&'a str> {
    channels.iter().map(Channel::name).chain(file.channels.keys().map(|name| name.get_ref().as_str())).collect()
}

fn refuse_unknown(name: &Spanned<String>, declared: &BTreeSet<&str>, check: &mut Check<'_>) {
    if declared.contains(name.get_ref().as_str()) {
        return;
    }
    let fault = Fault::error(format!("there is no channel `{}`", name.get_ref()), Place::File(name.span()));
    check.fault(match nearest(name.get_ref(), declared.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("name a table of [channels]"),
    });
}

/// Everybody at CRITICAL, no SMS at HIGH, one sort at MEDIUM (chat, else mail, else machines), nobody at LOW.
fn hears_by_default(severity: Severity, sort: Sort, medium: Option<Sort>) -> bool {
    match severity {
        Severity::Critical => true,
        Severity::High => sort != Sort::Sms,
        Severity::Medium => medium == Some(sort),
        Severity::Low => false,
    }
}

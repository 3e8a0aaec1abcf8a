//! Who can be told.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::Spanned;

use super::file::File;
use super::secret::Secrets;
use crate::model::fault::{Fault, Place};
use crate::model::message::Destination;
use crate::notify::{self, Channel};
use crate::text::check::Check;

/// Where an alarm goes that no channel of its route could deliver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fallback {
    /// After so long; at once where all of them gave up.
    pub after: Duration,
    /// To these.
    pub to: Vec<Destination>,
}

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
    // who writes such a channel into the file may well refer to these variables
    let readable = |name: &str| secrets.variable(name).ok().flatten();
    for (_, warning) in notify::half_set(&readable).into_iter().filter(|(kind, _)| !kinds.contains(kind)) {
        check.fault(warning);
    }
    for what in unreadable.into_inner() {
        check.fault(
            Fault::error(what, Place::Nowhere).help("a channel of the environment is missing until this can be read"),
        );
    }
    check.source = source;
    channels
}

/// The names of all channels, also of those whose settings cannot be used. `sealed`: the environment was not asked, so
/// that each channel it may have counts.
pub fn declared<'a>(
    written: &'a BTreeMap<Spanned<String>, Spanned<notify::Settings>>,
    channels: &'a [Channel],
    sealed: bool,
) -> BTreeSet<&'a str> {
    let of_environment = if sealed { &notify::OF_ENVIRONMENT[..] } else { &[] };
    let written = written.keys().map(|name| name.get_ref().as_str());
    channels.iter().map(Channel::name).chain(written).chain(of_environment.iter().copied()).collect()
}

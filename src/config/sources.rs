//! What is measured.

use std::sync::Arc;

use super::bridge;
use super::file::File;
use crate::collect::Source;
use crate::model::fault::{Fault, Place};
use crate::text::check::Check;
use crate::text::nearest::nearest;

/// Builds a part of the configuration. `sealed`: what cannot be built without its secrets is left out without a word;
/// whoever measures or runs it says it.
pub fn unsaid<T>(sealed: bool, check: &mut Check<'_>, build: impl FnOnce(&mut Check<'_>) -> T) -> T {
    let before = check.faults.len();
    let made = build(check);
    if sealed {
        check.faults.truncate(before);
    }
    made
}

/// The sources that are configured.
pub fn sources(file: &File, check: &mut Check<'_>) -> Vec<Arc<Source>> {
    let system = file.sources.system.build(check);
    let mut sources: Vec<Source> = Vec::new();
    if system.enabled {
        sources.push(system.into());
    }
    let network = file.sources.network.as_ref();
    sources.extend(network.and_then(|written| written.get_ref().build(&written.span(), check)).map(Source::from));
    sources.extend(bridge::sources(&file.sources, check));
    for (name, settings) in &file.probes {
        sources.extend(settings.get_ref().build(name.get_ref(), &settings.span(), check).map(Source::from));
    }
    sources.into_iter().map(Arc::new).collect()
}

/// The probe that stands for the network's latency is one there is.
pub fn latency_probe(file: &File, check: &mut Check<'_>) {
    let Some(name) = file.sources.system.latency_probe.as_ref().filter(|name| !name.get_ref().is_empty()) else {
        return;
    };
    if file.probes.keys().any(|probe| probe.get_ref() == name.get_ref()) {
        return;
    }
    let fault = Fault::error(format!("there is no probe `{}`", name.get_ref()), Place::File(name.span()));
    let probes = file.probes.keys().map(|probe| probe.get_ref().as_str());
    check.fault(match nearest(name.get_ref(), probes) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("name a table of [probes]"),
    });
}

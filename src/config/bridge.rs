//! The sources of the bridge: they stand on each other.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::file::Sources;
use crate::collect::Source;
use crate::collect::icp::Icp;
use crate::collect::reserves::{Ground, Ledger, Part};
use crate::model::fault::{Fault, Place};
use crate::text::check::Check;

/// The sources of the bridge that are configured.
pub fn sources(settings: &Sources, check: &mut Check<'_>) -> Vec<Source> {
    let Sources { system: _, network: _, backend, algorand, icp, reserves } = settings;
    let of_backend = backend.as_ref().and_then(|written| written.get_ref().build(&Spanned::span(written), check));
    let backend = part(backend.is_some(), of_backend);
    let of_algorand = algorand.as_ref().and_then(|written| written.get_ref().build(&Spanned::span(written), check));
    let algorand = part(algorand.is_some(), of_algorand);
    let of_icp = icp.as_ref().and_then(|written| written.get_ref().build(&Spanned::span(written), check));
    let icp = part(icp.is_some(), of_icp);
    let mut sources: Vec<Source> = Vec::new();
    if let Some(written) = reserves {
        let place = Spanned::span(written);
        let ledger = ledger(&icp, &place, check);
        let ground = Ground { algorand: algorand.clone(), ledger, has_claims: !matches!(backend, Part::Absent) };
        sources.extend(written.get_ref().build(&place, &ground, check).map(Source::from));
    }
    sources.extend(good(backend).map(Source::from));
    sources.extend(good(algorand).map(Source::from));
    sources.extend(good(icp).map(Source::from));
    sources
}

/// Where the supply is read; what is missing is a fault of `[sources.reserves]`, which stands at `table`.
fn ledger(icp: &Part<Icp>, table: &Range<usize>, check: &mut Check<'_>) -> Part<Ledger> {
    let (what, help) = match icp {
        _ if cfg!(not(feature = "icp")) => (
            "this build cannot read the token canister: it was made without the feature `icp`",
            "use a build with that feature (it is on by default), or remove [sources.reserves]",
        ),
        Part::Absent => return Part::Absent,
        Part::Broken => return Part::Broken,
        Part::Good(icp) => match icp.bridge().cloned().map(Arc::new) {
            Some(canister) => return Part::Good(Ledger(Some(canister))),
            None => (
                "[sources.reserves] needs the token canister in [sources.icp]",
                "name it there as simplified_bridge, or give it `role = \"bridge\"`",
            ),
        },
    };
    check.fault(Fault::error(what, Place::File(table.clone())).help(help));
    Part::Broken
}

/// A part of the configuration, which is there or not, and what became of it.
fn part<T>(is_there: bool, built: Option<T>) -> Part<T> {
    match built {
        Some(built) => Part::Good(built),
        None if is_there => Part::Broken,
        None => Part::Absent,
    }
}

fn good<T>(part: Part<T>) -> Option<T> {
    match part {
        Part::Good(part) => Some(part),
        Part::Absent | Part::Broken => None,
    }
}

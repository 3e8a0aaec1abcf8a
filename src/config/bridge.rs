//! The sources of the bridge.

use toml::Spanned;

use super::file::Sources;
use crate::collect::Source;
use crate::text::check::Check;

/// The sources of the bridge that are configured.
pub fn sources(settings: &Sources, check: &mut Check<'_>) -> Vec<Source> {
    let backend = settings.backend.as_ref();
    let backend = backend.and_then(|settings| settings.get_ref().build(&Spanned::span(settings), check));
    let algorand = settings.algorand.as_ref();
    let algorand = algorand.and_then(|settings| settings.get_ref().build(&Spanned::span(settings), check));
    let icp = settings.icp.as_ref();
    let icp = icp.and_then(|settings| settings.get_ref().build(&Spanned::span(settings), check));
    let sources = [backend.map(Source::from), algorand.map(Source::from), icp.map(Source::from)];
    sources.into_iter().flatten().collect()
}

//! `[sources.backend]`: what a person may write, and what the source makes of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use super::endpoint::Endpoint;
use crate::collect::{deadline, settings};
use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::net::loopback::is_loopback;
use crate::text::check::Check;
use crate::text::nearest::nearest;
use crate::text::units;

/// How often the backend is asked where `every` is not given.
const EVERY: Duration = Duration::from_mins(1);
/// Time limit of one request where `timeout` is not given and there is room for it: `/health` makes six calls to
/// canisters before it answers.
const TIMEOUT: Duration = Duration::from_secs(10);

/// `[sources.backend]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the backend is; the endpoints' paths are put behind it. Required.
    pub url: Option<Spanned<String>>,
    /// The endpoints that are asked; default all that are known.
    pub endpoints: Option<Spanned<Vec<Spanned<String>>>>,
    /// How often; default 1 min.
    pub every: Option<Spanned<String>>,
    /// Time limit of one request; default 10 s or what fits.
    pub timeout: Option<Spanned<String>>,
    /// Headers of every request; values may be secrets.
    pub headers: Option<BTreeMap<String, Spanned<String>>>,
    /// Allow plain http to another machine.
    pub danger_allow_plaintext: Option<bool>,
}

/// The backend source, ready to collect.
#[derive(Clone, Debug)]
pub struct Backend {
    /// How often.
    pub every: Duration,
    /// The address without a slash at its end.
    pub(super) base: String,
    /// What is asked, in the order of [`Endpoint::ALL`].
    pub(super) endpoints: Vec<Endpoint>,
    /// Of one request.
    pub(super) timeout: Duration,
    /// Sent with every request.
    pub(super) headers: Vec<(String, Secret)>,
}

impl Backend {
    /// The address without a slash at its end.
    pub fn address(&self) -> &str {
        &self.base
    }

    /// Whether it is on another machine.
    pub(in crate::collect) fn is_beyond(&self) -> bool {
        let host = Url::parse(&self.base).ok().and_then(|url| url.host_str().map(str::to_owned));
        !host.is_some_and(|host| is_loopback(&host))
    }
}

impl Settings {
    /// The source that the table at `table` describes; what is wrong goes to `check`.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Backend> {
        let base = self.base(table, check);
        let endpoints = self.endpoints(check);
        let every = settings::every(self.every.as_ref(), EVERY, check);
        let timeout = self.timeout(check);
        let headers = settings::headers(self.headers.as_ref(), check);
        Some(Backend { every: every?, base: base?, endpoints: endpoints?, timeout: timeout?, headers: headers? })
    }

    fn base(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<String> {
        let help = "write where the backend answers: url = \"http://127.0.0.1:3004\"";
        let key = check.required(self.url.as_ref(), table, "url", help)?;
        let url = settings::address(key, "url", self.danger_allow_plaintext, "this source", check)?;
        if url.query().is_some() || url.fragment().is_some() {
            let fault = Fault::error("`url` ends in a query or fragment", Place::File(key.span()));
            check.fault(fault.help("the paths of the endpoints are put behind it: write it without `?` and `#`"));
            return None;
        }
        Some(bare(&url))
    }

    fn endpoints(&self, check: &mut Check<'_>) -> Option<Vec<Endpoint>> {
        let Some(list) = &self.endpoints else { return Some(Endpoint::ALL.to_vec()) };
        let found = |key: &Spanned<String>| Endpoint::ALL.into_iter().find(|one| one.path() == key.get_ref());
        let unknown: Vec<Fault> = list.get_ref().iter().filter(|key| found(key).is_none()).map(unknown).collect();
        let none = list.get_ref().is_empty().then(|| {
            let help = "leave the key out to ask all of them, or remove [sources.backend]";
            Fault::error("`endpoints` names none", Place::File(list.span())).help(help)
        });
        let is_sound = unknown.is_empty() && none.is_none();
        unknown.into_iter().chain(none).for_each(|fault| check.fault(fault));
        let wanted: Vec<Endpoint> = list.get_ref().iter().filter_map(found).collect();
        is_sound.then(|| Endpoint::ALL.into_iter().filter(|endpoint| wanted.contains(endpoint)).collect())
    }

    fn timeout(&self, check: &mut Check<'_>) -> Option<Duration> {
        let whole = allowed(deadline(check.interval));
        // one request comes before the others, and those come in two turns
        let timeout = check.duration(self.timeout.as_ref(), TIMEOUT.min(whole / 3))?;
        let Some(key) = self.timeout.as_ref().filter(|_| timeout.is_zero() || timeout > whole) else {
            return Some(timeout);
        };
        let what = format!("a `timeout` of {} cannot be kept", units::duration_literal(timeout));
        let help = format!(
            "it is between 1ms and {}, which is 75 % of the interval of {}",
            units::duration_literal(whole),
            units::duration_literal(check.interval)
        );
        check.fault(Fault::error(what, Place::File(key.span())).help(help));
        None
    }
}

/// What all requests together may take: a little less than the source may, so that what has been answered is not lost
/// with what has not.
pub(super) fn allowed(deadline: Duration) -> Duration {
    deadline * 15 / 16
}

fn bare(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn unknown(key: &Spanned<String>) -> Fault {
    let paths = Endpoint::ALL.map(Endpoint::path);
    let what = format!("`{}` is not an endpoint that is known", key.get_ref().escape_debug());
    let help = match nearest(key.get_ref(), paths) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("those are {}", paths.join(", ")),
    };
    Fault::error(what, Place::File(key.span())).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<Backend, Vec<String>> {
        let resolve = |text: &str| Ok(Secret::new(text));
        let mut check = Check::new(Duration::from_mins(1), &resolve);
        let backend = toml::from_str::<Settings>(text).unwrap().build(&(0..0), &mut check);
        let told = |fault: &Fault| format!("{}; {}", fault.what, fault.help.as_deref().unwrap_or_default());
        backend.ok_or_else(|| check.faults.iter().map(|located| told(&located.fault)).collect())
    }

    #[test]
    fn an_address_is_enough() {
        let backend = build("url = 'http://127.0.0.1:3004/'").unwrap();
        assert_eq!(backend.base, "http://127.0.0.1:3004");
        assert_eq!((backend.every, backend.timeout), (Duration::from_mins(1), Duration::from_secs(10)));
        assert_eq!(backend.endpoints, Endpoint::ALL);
    }

    #[test]
    fn what_is_written_is_taken() {
        let backend = build(
            "url = 'https://bridge.example/api/sippar'\nendpoints = ['/swap/metrics', '/metrics']\nevery = '5m'\n\
             timeout = '40s'\nheaders = { Authorization = 'Bearer x' }",
        )
        .unwrap();
        assert_eq!(backend.base, "https://bridge.example/api/sippar");
        assert_eq!(backend.endpoints, [Endpoint::Metrics, Endpoint::Swap]);
        assert_eq!((backend.every, backend.timeout), (Duration::from_mins(5), Duration::from_secs(40)));
        assert_eq!(backend.headers.len(), 1);
    }

    #[test]
    fn faults_come_all_at_once_with_the_way_out() {
        let text = "url = 'http://bridge.example/?x=1'\nendpoints = ['/helth', '/ck-algo/info']\nevery = '10s'\n\
                    timeout = '1m'";
        let expected = [
            "plain http to another machine can be read and changed on the way; use https, or set \
             `danger_allow_plaintext = true` for this source",
            "`/helth` is not an endpoint that is known; did you mean \"/health\"?",
            "`/ck-algo/info` is not an endpoint that is known; those are /health, /metrics, /migration/stats, \
             /reserves/status, /ck-algo/minting/stats, /ck-algo/redemption/stats, /deposits/monitoring-stats, \
             /api/v1/threshold/status, /swap/metrics",
            "`every = \"10s\"` is shorter than the interval of 1m; leave it out, or lower `[monitor] interval` to 10s",
            "a `timeout` of 1m cannot be kept; it is between 1ms and 45s, which is 75 % of the interval of 1m",
        ];
        assert_eq!(build(text).unwrap_err(), expected);
        assert_eq!(
            build("endpoints = []").unwrap_err(),
            [
                "`url` is missing; write where the backend answers: url = \"http://127.0.0.1:3004\"",
                "`endpoints` names none; leave the key out to ask all of them, or remove [sources.backend]"
            ]
        );
        let query = "url = 'https://bridge.example/?x=1'";
        assert!(build(query).unwrap_err()[0].starts_with("`url` ends in a query or fragment"));
    }
}

//! A probe that asks a web service. What its answer must look like is judged in [`super::body`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use regex::Regex;
use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use super::Attempt;
use super::body::{Expected, Json, Judgement, Statuses};
use super::connect::Address;
use super::pace::Keys;
use crate::collect::settings;
use crate::model::fault::{Fault, Place};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::{Reading, Reason};
use crate::model::secret::Secret;
use crate::net::Net;
use crate::net::http::{Method, Overflow, Request};
use crate::text::check::Check;
use crate::text::units;

/// Bytes of the body that are read where `max_body` is not given.
const MAX_BODY: usize = 1024 * 1024;
/// The largest `max_body`: what a probe reads stays in memory, once per probe that runs.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// `[probes.NAME.http]`
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Time between two runs; default: the interval.
    pub every: Option<Spanned<String>>,
    /// Severity of `PROBE_FAILED`; default `HIGH`.
    pub severity: Option<Spanned<String>>,
    /// Time limit of one attempt; default 5 s or what fits.
    pub timeout: Option<Spanned<String>>,
    /// Attempts before a failure is believed; default 3.
    pub attempts: Option<Spanned<u32>>,
    /// `GET` (default), `HEAD`, `OPTIONS` or `POST`.
    pub method: Option<Spanned<String>>,
    /// The address; required.
    pub url: Option<Spanned<String>>,
    /// Accepted status codes; default 200 to 299.
    pub status: Option<Spanned<Vec<u16>>>,
    /// A regular expression that must occur in the body.
    pub body_matches: Option<Spanned<String>>,
    /// A regular expression that must not occur in the body.
    pub body_not_matches: Option<Spanned<String>>,
    /// An RFC 6901 pointer to the value that becomes `probe_value`.
    pub json: Option<Spanned<String>>,
    /// The text which that value must have.
    pub json_equals: Option<Spanned<String>>,
    /// Headers of the request; values may be secrets.
    pub headers: Option<BTreeMap<String, Spanned<String>>>,
    /// Largest body; default `1MiB`.
    pub max_body: Option<Spanned<String>>,
    /// Allow plain http to another machine.
    pub danger_allow_plaintext: Option<bool>,
}

/// An HTTP probe, checked.
#[derive(Clone, Debug)]
pub struct Http {
    method: Method,
    url: Url,
    headers: Vec<(String, Secret)>,
    max_body: usize,
    expected: Expected,
}

impl Settings {
    /// The keys that every kind of probe has.
    pub(super) fn keys(&self) -> Keys<'_> {
        let Self { every, severity, timeout, attempts, .. } = self;
        Keys {
            every: every.as_ref(),
            severity: severity.as_ref(),
            timeout: timeout.as_ref(),
            attempts: attempts.as_ref(),
        }
    }

    /// Checks the keys of this kind.
    pub(super) fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Http> {
        let url = self.url(table, check);
        let method = self.method(check);
        let headers = settings::headers(self.headers.as_ref(), check);
        let max_body = self.max_body(check);
        let expected = self.expected(check);
        Some(Http { method: method?, url: url?, headers: headers?, max_body: max_body?, expected: expected? })
    }

    fn url(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Url> {
        let key = check.required(self.url.as_ref(), table, "url", "write the address to ask: url = \"https://…\"")?;
        settings::address(key, "url", self.danger_allow_plaintext, "this probe", check)
    }

    fn method(&self, check: &mut Check<'_>) -> Option<Method> {
        let Some(key) = &self.method else { return Some(Method::GET) };
        let known = [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST];
        let found = known.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(key.get_ref()));
        if found.is_none() {
            let what = format!("`{}` is not a method that a probe uses", key.get_ref().escape_debug());
            check.fault(Fault::error(what, Place::File(key.span())).help("use GET, HEAD, OPTIONS or POST"));
        }
        found
    }

    fn max_body(&self, check: &mut Check<'_>) -> Option<usize> {
        let Some(key) = &self.max_body else { return Some(MAX_BODY) };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
        let bytes = match units::parse_quantity(key.get_ref()) {
            Ok((bytes, Some(Unit::Bytes))) if (1.0..=LARGEST_BODY as f64).contains(&bytes) => Some(bytes as usize),
            _ => None,
        };
        if bytes.is_none() {
            let what = format!("`{}` is not a size between 1B and 16MiB", key.get_ref().escape_debug());
            check.fault(Fault::error(what, Place::File(key.span())).help("write it like 64KiB or 1MiB"));
        }
        bytes
    }

    fn expected(&self, check: &mut Check<'_>) -> Option<Expected> {
        let status = self.status(check);
        let matches = regex(self.body_matches.as_ref(), check);
        let not_matches = regex(self.body_not_matches.as_ref(), check);
        let json = self.json(check);
        Some(Expected { status: status?, matches: matches?, not_matches: not_matches?, json: json? })
    }

    fn status(&self, check: &mut Check<'_>) -> Option<Statuses> {
        let Some(key) = &self.status else { return Some(Statuses::Range(200..=299)) };
        let codes = key.get_ref();
        if codes.is_empty() || codes.iter().any(|code| !(100..=599).contains(code)) {
            let what = "`status` is a list of codes between 100 and 599";
            check.fault(Fault::error(what, Place::File(key.span())).help("write it like [200, 204]"));
            return None;
        }
        Some(Statuses::List(codes.clone()))
    }

    #[allow(clippy::option_option, reason = "outer: whether the keys are right; inner: whether they are there")]
    fn json(&self, check: &mut Check<'_>) -> Option<Option<Json>> {
        let equals = self.json_equals.as_ref();
        let fault = match (&self.json, equals) {
            (None, None) => return Some(None),
            (None, Some(equals)) => Fault::error("`json_equals` without `json`", Place::File(equals.span()))
                .help("say which value is meant: json = \"/data/status\""),
            (Some(pointer), _) if !is_pointer(pointer.get_ref()) => {
                let what = format!("`{}` is not a JSON pointer", pointer.get_ref().escape_debug());
                Fault::error(what, Place::File(pointer.span())).help("write it like /data/status (RFC 6901)")
            }
            (Some(pointer), equals) => {
                let equals = equals.map(|text| text.get_ref().clone());
                return Some(Some(Json { pointer: pointer.get_ref().clone(), equals }));
            }
        };
        check.fault(fault);
        None
    }
}

/// RFC 6901: empty, or parts that each begin with `/`, in which `~` only occurs as `~0` and `~1`.
fn is_pointer(text: &str) -> bool {
    let escaped = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escaped
}

/// The expression, if there is one; `None` when it is wrong.
#[allow(clippy::option_option, reason = "outer: whether the key is right; inner: whether it is there")]
pub(super) fn regex(key: Option<&Spanned<String>>, check: &mut Check<'_>) -> Option<Option<Regex>> {
    let Some(key) = key else { return Some(None) };
    match Regex::new(key.get_ref()) {
        Ok(regex) => Some(Some(regex)),
        Err(error) => {
            // the library draws the place over several lines; its last line is the reason
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let what = format!("not a regular expression: {why}");
            check.fault(Fault::error(what, Place::File(key.span())).help("https://docs.rs/regex/#syntax"));
            None
        }
    }
}

impl Http {
    /// Where it asks.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port of the service, where it speaks TLS.
    pub(super) fn tls_address(&self) -> Option<Address> {
        let host = self.url.host_str().filter(|_| self.url.scheme() == "https")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Address { host, port: self.url.port_or_known_default()? })
    }

    /// Asks once.
    pub(super) async fn attempt(&self, limit: Duration, labels: &Labels, net: &Net) -> Attempt {
        let began = tokio::time::Instant::now();
        let request = Request {
            method: self.method.clone(),
            headers: self.headers.clone(),
            timeout: limit,
            max_body: self.max_body,
            overflow: Overflow::Refuse,
            ..Request::get(Secret::new(self.url.as_str()))
        };
        match net.http(request).await {
            Ok(response) => {
                let status = response.status.as_u16();
                found(response.took, Ok(status), self.expected.judge(status, &response.body), labels)
            }
            Err(error) => {
                let value = self.expected.measures().then(|| Err(error.text.clone()));
                let judgement = Judgement { failure: Some(error.text.clone()), value };
                found(began.elapsed(), Err(error.text), judgement, labels)
            }
        }
    }
}

/// What an answer, or its absence, measures.
fn found(
    took: Duration,
    status: Result<u16, String>,
    Judgement { failure, value }: Judgement,
    labels: &Labels,
) -> Attempt {
    let reading = |metric: &'static str, found: Result<f64, String>| match found {
        Ok(value) => Reading::known(metric, labels.clone(), value),
        Err(why) => Reading::unknown(metric, labels.clone(), Reason::new(why)),
    };
    let status = reading("probe_http_status_code", status.map(f64::from));
    let value = value.map(|value| reading("probe_value", value));
    Attempt { took, failure, note: None, readings: std::iter::once(status).chain(value).collect() }
}

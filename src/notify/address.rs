//! Addresses and headers of the configuration that messages, and with them secrets, are sent to.

use std::collections::BTreeMap;

use reqwest::header::{HeaderName, HeaderValue};
use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::net::http::parse_url;
use crate::net::loopback::is_loopback;
use crate::text::check::Check;

/// The place of a fault in a secret: a reference such as `env:NAME` can be shown in its line, a literal must not be.
pub fn place_of_secret(value: &Spanned<String>) -> Place {
    let is_reference = value.get_ref().starts_with("env:") || value.get_ref().starts_with("file:");
    if is_reference { Place::File(value.span()) } else { Place::Nowhere }
}

/// What is wrong with an address, and the way out.
pub struct Wrong {
    /// What follows "the key …".
    pub what: String,
    /// The way out.
    pub help: &'static str,
}

/// The host of an address that may be posted to: `https`, or `http` that does not leave this machine unless a person
/// insists. `shape` says what such an address looks like.
pub fn host(url: &str, allow_plain: bool, shape: &'static str) -> Result<String, Wrong> {
    let parsed = parse_url(url).map_err(|why| Wrong { what: format!("is {why}"), help: shape })?;
    let host = parsed.host_str().unwrap_or_default().to_owned();
    if parsed.scheme() == "http" && !allow_plain && !is_loopback(&host) {
        let help =
            "use https://, or set danger_allow_plaintext = true to send alerts readable for everybody on the way";
        return Err(Wrong { what: "is a plain http address of another machine".to_owned(), help });
    }
    Ok(host)
}

/// The same as a fault at the key `key` of channel `name`.
pub fn fault(name: &str, key: &str, wrong: &Wrong, place: Place) -> Fault {
    Fault::error(format!("channel `{name}`: `{key}` {}", wrong.what), place).help(wrong.help)
}

/// A service's address, `default` where none is given, without a slash at its end; and its host.
pub fn base(
    name: &str,
    given: Option<&Spanned<String>>,
    default: &str,
    allow_plain: bool,
    check: &mut Check<'_>,
) -> Option<(String, String)> {
    let url = match given {
        Some(value) => check.reference(value)?,
        None => default.to_owned(),
    };
    let shape = "it looks like https://api.example.org, without what the service adds to it";
    match host(&url, allow_plain, shape) {
        Ok(host) => Some((url.trim_end_matches('/').to_owned(), host)),
        Err(wrong) => {
            // a literal may hold a password before its host
            check.fault(fault(name, "base_url", &wrong, given.map_or(Place::Nowhere, place_of_secret)));
            None
        }
    }
}

/// Header names and values, none of which is one of `ours`.
pub fn headers(
    given: Option<&BTreeMap<String, Spanned<String>>>,
    ours: &[&str],
    check: &mut Check<'_>,
) -> Option<Vec<(String, Secret)>> {
    let one = |(name, value): (&String, &Spanned<String>)| header(name, value, ours, check);
    let read: Vec<_> = given.into_iter().flatten().map(one).collect();
    read.into_iter().collect()
}

fn header(name: &str, value: &Spanned<String>, ours: &[&str], check: &mut Check<'_>) -> Option<(String, Secret)> {
    let secret = check.secret(value)?;
    if ours.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        let what = format!("the header `{name}` is set by the channel itself");
        check.fault(Fault::error(what, place_of_secret(value)).help("leave it out"));
        return None;
    }
    let good = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(secret.expose()).is_ok();
    if !good {
        let what = format!("`{}` is not a header that can be sent", name.escape_debug());
        let help = "a name is letters, digits and `-`; a value is one line";
        check.fault(Fault::error(what, place_of_secret(value)).help(help));
    }
    good.then(|| (name.to_owned(), secret))
}

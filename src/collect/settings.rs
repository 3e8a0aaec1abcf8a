//! Settings that several kinds of sources have: how often, an address to ask, what to send along.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::net::http::parse_url;
use crate::net::loopback::is_loopback;
use crate::text::check::Check;
use crate::text::units;

/// `every`: what is written, at least the interval; else `default`, or the interval where that is longer.
pub fn every(key: Option<&Spanned<String>>, default: Duration, check: &mut Check<'_>) -> Option<Duration> {
    let interval = check.interval;
    let every = check.duration(key, default.max(interval))?;
    match key {
        Some(key) if every < interval => {
            let (every, interval) = (units::duration_literal(every), units::duration_literal(interval));
            let what = format!("`every = \"{every}\"` is shorter than the interval of {interval}");
            let help = format!("leave it out, or lower `[monitor] interval` to {every}");
            check.fault(Fault::error(what, Place::File(key.span())).help(help));
            None
        }
        _ => Some(every),
    }
}

/// The address in the key `name` of `whom`: http or https, without a name or password in it, and unencrypted only
/// within this machine or where a person insists.
pub fn address(
    key: &Spanned<String>,
    name: &str,
    danger_allow_plaintext: Option<bool>,
    whom: &str,
    check: &mut Check<'_>,
) -> Option<Url> {
    let fault = match parse_url(key.get_ref()) {
        Err(why) => Fault::error(format!("`{name}` is {why}"), Place::File(key.span())),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let help = "send them as a header: headers = { Authorization = \"env:NAME\" }";
            Fault::error(format!("`{name}` holds a name or password"), Place::File(key.span())).help(help)
        }
        Ok(url) if is_bare(&url) && danger_allow_plaintext != Some(true) => {
            let what = "plain http to another machine can be read and changed on the way";
            let help = format!("use https, or set `danger_allow_plaintext = true` for {whom}");
            Fault::error(what, Place::File(key.span())).help(help)
        }
        Ok(url) => return Some(url),
    };
    check.fault(fault);
    None
}

/// Whether the road to `url` is neither encrypted nor within this machine.
fn is_bare(url: &Url) -> bool {
    url.scheme() != "https" && !url.host_str().is_some_and(is_loopback)
}

/// Headers of every request; values may be secrets.
pub fn headers(
    given: Option<&BTreeMap<String, Spanned<String>>>,
    check: &mut Check<'_>,
) -> Option<Vec<(String, Secret)>> {
    let read: Vec<_> = given.into_iter().flatten().map(|(name, value)| header(name, value, check)).collect();
    read.into_iter().collect()
}

fn header(name: &str, value: &Spanned<String>, check: &mut Check<'_>) -> Option<(String, Secret)> {
    let secret = check.secret(value)?;
    let good = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(secret.expose()).is_ok();
    if !good {
        let what = format!("`{}` is not a header that can be sent", name.escape_debug());
        let help = "a name is letters, digits and `-`; a value is one line";
        check.fault(Fault::error(what, Place::File(value.span())).help(help));
    }
    good.then(|| (name.to_owned(), secret))
}

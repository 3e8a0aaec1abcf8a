//! Any service that takes JSON by HTTP. A machine: each alert comes by itself.
//!
//! `Idempotency-Key` is the outbox id, the same on every repeat. With a `signing_key`, `X-Sippar-Mon-Signature` is `v1=` and
//! the HMAC-SHA256 (hexadecimal) of the value of `X-Sippar-Mon-Timestamp` (seconds since the epoch), a full stop and the
//! body, so that a receiver can refuse what is forged or old. Success is any status from 200 to 299.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use ring::hmac;
use serde::Deserialize;
use tokio::time::Instant;
use toml::Spanned;

use super::document::Document;
use super::post::{post, refused, words};
use super::{address, address::place_of_secret};
use crate::model::delivery::{Delivery, Outcome};
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::Request;
use crate::text::check::Check;

const KEY: &str = "Idempotency-Key";
const TIMESTAMP: &str = "X-Sippar-Mon-Timestamp";
const SIGNATURE: &str = "X-Sippar-Mon-Signature";
/// A part of an address that is no shorter may be a token.
const LEAST_TOKEN: usize = 16;

/// `[channels.NAME.webhook]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to: a literal, `env:NAME` or `file:PATH`; kept like a secret, since such addresses often hold one.
    url: Option<Spanned<String>>,
    /// Request headers; values may be `env:NAME` or `file:PATH`.
    headers: Option<BTreeMap<String, Spanned<String>>>,
    /// The key of the signature: a literal, `env:NAME` or `file:PATH`; no signature without it.
    signing_key: Option<Spanned<String>>,
    /// Allow `http://` to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("webhook::Settings(***)")
    }
}

impl Settings {
    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Webhook> {
        let help = "set it to the address to post to, better to \"env:NAME\" or \"file:PATH\"";
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        let place = check.required(self.url.as_ref(), table, "url", help).and_then(|given| {
            let url = check.secret(given)?;
            match address::host(url.expose(), allow_plain, "it looks like https://hooks.example.org/alerts") {
                Ok(host) => Some((url, host)),
                Err(wrong) => {
                    check.fault(address::fault(name, "url", &wrong, place_of_secret(given)));
                    None
                }
            }
        });
        let headers = address::headers(self.headers.as_ref(), &["content-type", KEY, TIMESTAMP, SIGNATURE], check);
        let key = self.signing_key.as_ref().map(|key| check.secret(key));
        let (url, host) = place?;
        let key = match key {
            Some(key) => Some(key?),
            None => None,
        };
        Some(Webhook { name: name.to_owned(), url, host, headers: headers?, key })
    }
}

/// A webhook, ready to be used.
#[derive(Clone, Debug)]
pub struct Webhook {
    name: String,
    url: Secret,
    host: String,
    headers: Vec<(String, Secret)>,
    key: Option<Secret>,
}

impl Webhook {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `webhook at hooks.example.org`.
    pub fn describe(&self) -> String {
        format!("webhook at {}", self.host)
    }

    /// Posts the message.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        let body = match Document::from(delivery).json() {
            Ok(body) => body,
            Err(why) => return Outcome::Dead { why },
        };
        let mut headers = self.headers.clone();
        headers.push((KEY.to_owned(), Secret::new(&delivery.id.to_string())));
        if let Some(key) = &self.key {
            let timestamp = now.millis().div_euclid(1000).to_string();
            headers.push((SIGNATURE.to_owned(), Secret::new(&signature(key, &timestamp, &body))));
            headers.push((TIMESTAMP.to_owned(), Secret::new(&timestamp)));
        }
        let request = Request { headers, ..Request::post(self.url.clone(), "application/json", body) };
        let reply = match post(request, net, deadline).await {
            Ok(reply) => reply,
            Err(outcome) => return outcome,
        };
        let said = words(&reply, &reply.text(), &self.secrets());
        if reply.status.is_success() { Outcome::sent(said) } else { refused(&reply, said, "a webhook's answer", now) }
    }

    /// What no answer may show: the address and its last part, each value of its query and each part that is long enough
    /// for a token (a page may repeat the address with its `&` in another spelling), and the values of the headers.
    fn secrets(&self) -> Vec<&str> {
        let url = self.url.expose();
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let last = path.rsplit(['/', '=']).find(|part| !part.is_empty()).unwrap_or_default();
        let (before, query) = path.split_once('?').unwrap_or((path, ""));
        let asked = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
        let tokens = before.split('/').filter(|part| part.len() >= LEAST_TOKEN);
        let values = self.headers.iter().flat_map(|(_, value)| [value.expose(), bare(value.expose())]);
        [url, path, last].into_iter().chain(asked).chain(tokens).chain(values).collect()
    }
}

/// The value of a header without its scheme (`Bearer …`).
fn bare(value: &str) -> &str {
    value.split_once(' ').map_or(value, |(_, token)| token)
}

/// `v1=` and the HMAC-SHA256 of timestamp, full stop and body.
fn signature(key: &Secret, timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let tag = hmac::sign(&key, &[timestamp.as_bytes(), b".", body].concat());
    let digits: Vec<String> = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={}", digits.concat())
}

#[cfg(test)]
pub mod tests;

//! One HTTP call, guarded: a deadline for all of it, a cap on the body while it streams in, no redirects, no proxy,
//! no cookies, no compression (a small reply cannot grow), and errors that never print the address.
//!
//! Each call opens its own connection: what a probe measures is then the whole road, and a failed send can never be
//! a stale connection's fault.

use std::fmt;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Url};
pub use reqwest::{Method, StatusCode};
use tokio::time::Instant;

use super::Net;
use super::tls;
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::text::units;

mod failure;

pub use failure::{Failure, FailureKind, explain_io, explain_tls, find};

/// Name lookup, TCP and TLS together: shorter than a send's deadline, so that "never connected" (surely not received)
/// and "connected, but no answer" (perhaps received) are told apart.
const CONNECT: Duration = Duration::from_secs(5);
/// How services know us.
const USER_AGENT: &str = concat!("sippar-mon/", env!("CARGO_PKG_VERSION"));

/// What happens to a body longer than `max_body`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// The call fails: half a document is no document.
    Refuse,
    /// The rest is left unread: only the status and the first words matter.
    Cut,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: Method,
    /// The address; kept like a secret since it often is or holds one.
    pub url: Secret,
    /// Header names and values; every value is kept like a secret.
    pub headers: Vec<(String, Secret)>,
    /// User and password for HTTP Basic authentication (RFC 7617).
    pub basic: Option<(Secret, Secret)>,
    /// Content type and content.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Names and values that are sent as a form instead of a `body`.
    pub form: Vec<(&'static str, String)>,
    /// From the name lookup to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of the answer's body that are read.
    pub max_body: usize,
    /// What happens to a longer one.
    pub overflow: Overflow,
}

impl Request {
    /// A `GET` of at most 64 KiB within ten seconds.
    pub fn get(url: Secret) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: Vec::new(),
            basic: None,
            body: None,
            form: Vec::new(),
            timeout: Duration::from_secs(10),
            max_body: 64 * 1024,
            overflow: Overflow::Refuse,
        }
    }

    /// A `POST` of `content`; only the first 64 KiB of the answer are read.
    pub fn post(url: Secret, content_type: &'static str, content: Vec<u8>) -> Self {
        Self { method: Method::POST, body: Some((content_type, content)), overflow: Overflow::Cut, ..Self::get(url) }
    }
}

/// An answer, whatever its status: a 302 or a 500 is an answer too.
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most `max_body` bytes.
    pub body: Vec<u8>,
    /// From the start of the call to the last byte.
    pub took: Duration,
}

impl Response {
    /// How long the server asks us to wait (`Retry-After`, RFC 9110 10.2.3: seconds or a date).
    pub fn retry_after(&self, now: Time) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Time::from_millis(date.as_millisecond()).since(now))
    }

    /// When the server says that it answered (`Date`, RFC 9110 6.6.1).
    pub fn date(&self) -> Option<Time> {
        let text = self.headers.get(DATE)?.to_str().ok()?.trim();
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Time::from_millis(date.as_millisecond()))
    }

    /// The body as text; what is not UTF-8 is shown as `\u{fffd}`.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes, {:?})", self.status, self.body.len(), self.took)
    }
}

impl Net {
    /// Makes the call. An error means there is no whole answer; whether the server may have acted on the request
    /// nevertheless is in [`Failure::maybe_received`].
    pub async fn http(&self, request: Request) -> Result<Response, Failure> {
        let started = Instant::now();
        let limit = request.timeout;
        let mut answered = false;
        match tokio::time::timeout(limit, self.exchange(request, started, &mut answered)).await {
            Ok(result) => result,
            Err(_) if answered => {
                Err(Failure::maybe(FailureKind::Timeout, format!("the answer did not end within {}", say(limit))))
            }
            Err(_) => Err(Failure::maybe(FailureKind::Timeout, format!("no answer within {}", say(limit)))),
        }
    }

    async fn exchange(&self, request: Request, started: Instant, answered: &mut bool) -> Result<Response, Failure> {
        let Request { method, url, headers, basic, body, form, timeout: _, max_body, overflow } = request;
        let url = parse_url(url.expose()).map_err(|why| Failure::unsent(FailureKind::BadUrl, why))?;
        let mut call = self.client(&url)?.request(method, url).headers(header_map(&headers)?);
        if let Some((content_type, content)) = body {
            call = call.header(reqwest::header::CONTENT_TYPE, content_type).body(content);
        } else if !form.is_empty() {
            call = call.form(&form);
        }
        if let Some((user, password)) = basic {
            call = call.basic_auth(user.expose(), Some(password.expose()));
        }
        let mut reply = call.send().await.map_err(|error| Failure::of(&error, false))?;
        *answered = true;
        let body = read_body(&mut reply, max_body, overflow).await?;
        let headers = std::mem::take(reply.headers_mut());
        Ok(Response { status: reply.status(), headers, body, took: started.elapsed() })
    }

    /// A client without roots serves plain HTTP, so that a machine that only probes itself never reads them.
    fn client(&self, url: &Url) -> Result<&Client, Failure> {
        let built = if url.scheme() == "https" {
            let config = self.tls()?;
            self.secure.get_or_init(|| build_client(config.as_ref().clone()))
        } else {
            self.plain.get_or_init(|| build_client(tls::config(rustls::RootCertStore::empty())?))
        };
        built.as_ref().map_err(|why| Failure::unsent(FailureKind::Other, why.clone()))
    }
}

/// An absolute `http` or `https` address with a host; the error never repeats it.
pub fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "http" | "https" => Err("not an address: it names no host".to_owned()),
        // the scheme is not repeated: in a mispasted token it is the first part of the secret
        _ => Err("not an address that begins with http:// or https://".to_owned()),
    }
}

fn build_client(tls: rustls::ClientConfig) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .build()
        .map_err(|error| format!("the HTTP client cannot be set up: {error}"))
}

fn header_map(pairs: &[(String, Secret)]) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let wrong = || {
            Failure::unsent(FailureKind::Other, format!("`{}` is not a header that can be sent", name.escape_debug()))
        };
        let header = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        map.append(header, value);
    }
    Ok(map)
}

async fn read_body(reply: &mut reqwest::Response, max: usize, overflow: Overflow) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(|error| Failure::of(&error, true))? {
        let room = max.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if chunk.len() > room {
            return match overflow {
                Overflow::Cut => Ok(body),
                Overflow::Refuse => {
                    Err(Failure::maybe(FailureKind::TooLarge, format!("the answer is longer than {max} bytes")))
                }
            };
        }
    }
    Ok(body)
}

/// A limit in words; to the hundredth, since what is left of a deadline is a little less than the deadline.
fn say(limit: Duration) -> String {
    units::value((limit.as_secs_f64() * 100.0).round() / 100.0, crate::model::metric::Unit::Seconds)
}

#[cfg(test)]
mod tests;

//! Who may ask what: the one place that decides it, before any handler.

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use ring::digest;

use super::answer::{JSON, Refusal};
use crate::config::serve::Serve;
use crate::net::loopback::is_loopback;

/// The header in which browsers say whether a page of another site asks.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The name by which the request calls this server, if it is one of ours. Otherwise a page of a stranger, whose name was
/// made to point here, could read what it shows (DNS rebinding).
pub fn host(serve: &Serve, uri: &Uri, headers: &HeaderMap) -> Result<String, Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let named = uri.authority().map(Authority::as_str).or(first).filter(|_| second.is_none());
    let Some(named) = named else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "the request must name one Host"));
    };
    if first.is_some_and(|first| !first.eq_ignore_ascii_case(named)) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "the request names two hosts"));
    }
    let named = named.to_ascii_lowercase();
    if is_ours(serve, bare(&named)) {
        return Ok(named);
    }
    let refusal = Refusal::new(StatusCode::MISDIRECTED_REQUEST, "this server is not known under that name");
    Err(refusal.details("use localhost or the address it listens on; the name of a proxy is [serve] public_url"))
}

/// Without the port.
fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

fn is_ours(serve: &Serve, host: &str) -> bool {
    if is_loopback(host) || serve.public.as_ref().is_some_and(|public| public.host == host) {
        return true;
    }
    // an address in digits is nobody's name, so that nobody can make it point here
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let listen = serve.listen.ip();
    bare.parse().is_ok_and(|ip: std::net::IpAddr| listen.is_unspecified() || ip.to_canonical() == listen.to_canonical())
}

/// Whether a page of another site asks.
fn is_foreign(serve: &Serve, host: &str, headers: &HeaderMap) -> bool {
    let said = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase());
    if said(FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let ours = |origin: &str| {
        let plain = origin.strip_prefix("http://") == Some(host) || origin.strip_prefix("https://") == Some(host);
        plain || serve.public.as_ref().is_some_and(|public| public.origin == origin)
    };
    said(ORIGIN).is_some_and(|origin| !ours(&origin))
}

/// Whether somebody may write: shows the token, comes from no other site, and sends JSON.
pub fn may_write(serve: &Serve, host: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(token) = &serve.token else {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "nothing can be changed here: this server has no token");
        return Err(refusal.details("set `token` in [serve] of the configuration"));
    };
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (given, more) = (all.next().and_then(|value| value.to_str().ok()), all.next());
    let shown =
        given.and_then(|given| given.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match shown.filter(|_| more.is_none()) {
        None => return Err(Refusal::unauthorized("this needs the token")),
        Some((_, shown)) if !is_same(shown.trim(), token.expose()) => {
            return Err(Refusal::unauthorized("this is not the token"));
        }
        Some(_) => {}
    }
    if is_foreign(serve, host, headers) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "a page of another site may not do this"));
    }
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(JSON)) {
        let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be JSON");
        return Err(refusal.details("send the header Content-Type: application/json"));
    }
    Ok(())
}

/// Takes as long for any wrong token: what is compared, byte by byte, are digests, of which nobody knows how far they agree.
fn is_same(shown: &str, token: &str) -> bool {
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    let (shown, token) = (digest(shown), digest(token));
    shown.as_ref().iter().zip(token.as_ref()).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

/// Whether the client takes what it would be given.
pub fn acceptable(media: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let ranges =
        || headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|one| one.split(','));
    let media = media.split(';').next().unwrap_or_default();
    let kind = media.split('/').next().unwrap_or_default();
    let takes = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let never = |part: &str| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        (name == "*/*" || name == media || name.strip_suffix("/*") == Some(kind)) && !parts.any(never)
    };
    if !headers.contains_key(ACCEPT) || ranges().any(takes) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, format!("this is only to be had as {media}")))
}

/// The origin of a page that may read the answer although it is of another site.
pub fn reader(serve: &Serve, headers: &HeaderMap) -> Option<axum::http::HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let named =
        |origin: &&axum::http::HeaderValue| serve.cors_origins.iter().any(|one| one.as_bytes() == origin.as_bytes());
    Some(origin).filter(named).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::serve::{LISTEN, Public};

    fn server() -> Serve {
        let public = Public { origin: "https://mon.example".to_owned(), host: "mon.example".to_owned() };
        Serve { listen: LISTEN, token: None, public: Some(public), cors_origins: vec!["https://ui.example".to_owned()] }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_names_are_answered_to() {
        let status =
            |host: &'static str| match self::host(&server(), &"/".parse().unwrap(), &headers(&[("host", host)])) {
                Ok(_) => 200,
                Err(refusal) => refusal.into_response().status().as_u16(),
            };
        for ours in
            ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "[::1]:8787", "[::1]", "mon.example", "mon.example:443"]
        {
            assert_eq!(status(ours), 200, "{ours}");
        }
        for other in
            ["evil.example", "evil.example:8787", "localhost.evil.example", "192.0.2.1", "", "mon.example.", "[::2]"]
        {
            assert_eq!(status(other), 421, "{other}");
        }
        let open = Serve { listen: "0.0.0.0:80".parse().unwrap(), ..server() };
        assert!(is_ours(&open, "192.0.2.1") && is_ours(&open, "[2001:db8::1]") && !is_ours(&open, "evil.example"));
        let other = Serve { listen: "192.0.2.1:80".parse().unwrap(), ..server() };
        assert!(is_ours(&other, "192.0.2.1") && !is_ours(&other, "192.0.2.2"));
    }

    #[test]
    fn pages_of_others_are_seen() {
        for (pairs, foreign) in [
            (&[][..], false),
            (&[("origin", "http://localhost:8787")], false),
            (&[("origin", "https://mon.example")], false),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "http://localhost:9999")], true),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
        ] {
            assert_eq!(is_foreign(&server(), "localhost:8787", &headers(pairs)), foreign, "{pairs:?}");
        }
    }

    #[test]
    fn tokens_agree_as_a_whole() {
        assert!(is_same("0123456789abcdef", "0123456789abcdef"));
        for wrong in ["", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            assert!(!is_same(wrong, "0123456789abcdef"), "{wrong}");
        }
    }

    #[test]
    fn what_a_client_takes_is_read() {
        for (accept, takes) in [
            ("*/*", true),
            ("application/json", true),
            ("application/*;q=0.5", true),
            ("text/html, application/json;q=0.1", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("", false),
        ] {
            let headers = headers(&[("accept", accept)]);
            assert_eq!(acceptable("application/json; charset=utf-8", &headers).is_ok(), takes, "{accept}");
        }
        assert!(acceptable(JSON, &HeaderMap::new()).is_ok());
    }
}

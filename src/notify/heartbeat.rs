//! `[heartbeat]`: a sign of life for a service that tells people when it stops, by the convention of Healthchecks: a
//! GET of the address says that all is well, a POST to `/fail` below it says what is not. The address is the secret.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::address::place_of_secret;
use crate::model::fault::Fault;
use crate::model::secret::Secret;
use crate::net::Net;
use crate::net::http::{Request, parse_url};
use crate::net::loopback::is_loopback;
use crate::text::check::Check;

/// All of one sign of life.
const LIMIT: Duration = Duration::from_secs(5);

/// `[heartbeat]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address: a literal, `env:NAME` or `file:PATH`.
    url: Option<Spanned<String>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("heartbeat::Settings(***)")
    }
}

impl Settings {
    /// The heartbeat, or faults in `check`. The address itself is never part of a fault.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Heartbeat> {
        let help = "set it to the address of the check, better to \"env:NAME\" or \"file:PATH\"";
        let given = check.required(self.url.as_ref(), table, "url", help)?;
        let url = check.secret(given)?;
        match with_fail(url.expose()) {
            Ok(fail) => Some(Heartbeat { url, fail }),
            Err((what, help)) => {
                let fault = Fault::error(format!("`[heartbeat] url` is {what}"), place_of_secret(given));
                check.fault(fault.help(help));
                None
            }
        }
    }
}

/// The address that takes bad news, below the one that takes good ones; or what is wrong with that one.
fn with_fail(url: &str) -> Result<Secret, (String, &'static str)> {
    let shape = "it looks like https://hc-ping.com/UUID";
    let mut url = parse_url(url).map_err(|why| (why, shape))?;
    if url.scheme() == "http" && !url.host_str().is_some_and(is_loopback) {
        return Err(("a plain http address of another machine".to_owned(), "use https://: the address is a secret"));
    }
    // an address with a host has a path
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("fail");
    }
    Ok(Secret::new(url.as_str()))
}

/// Where signs of life go.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    url: Secret,
    fail: Secret,
}

impl Heartbeat {
    /// Says that all is well, or what is not. The error is in words, without the address.
    pub async fn beat(&self, fault: Option<&str>, net: &Net) -> Result<(), String> {
        let request = match fault {
            None => Request::get(self.url.clone()),
            Some(why) => Request::post(self.fail.clone(), "text/plain; charset=utf-8", why.as_bytes().to_vec()),
        };
        let overflow = crate::net::http::Overflow::Cut;
        let reply = net.http(Request { timeout: LIMIT, overflow, ..request }).await.map_err(|failure| failure.text)?;
        if reply.status.is_success() {
            return Ok(());
        }
        // without its words, which may repeat the address
        Err(format!("the service answered {}", reply.status.as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::http::{Answer, HttpFake};

    #[tokio::test]
    async fn good_and_bad_news_go_where_the_convention_says() {
        let fake = HttpFake::start([Answer::new(200, "OK"), Answer::new(200, "OK"), Answer::new(404, "not found")]);
        let url = fake.url("/ping/abc/");
        let heartbeat = Heartbeat { fail: with_fail(&url).unwrap(), url: Secret::new(&url) };
        let net = Net::new(None, None);
        assert_eq!(heartbeat.beat(None, &net).await, Ok(()));
        assert_eq!(heartbeat.beat(Some("no source is up"), &net).await, Ok(()));
        assert_eq!(heartbeat.beat(None, &net).await, Err("the service answered 404".to_owned()));
        let seen = fake.seen();
        let lines: Vec<String> = seen
            .iter()
            .map(|one| format!("{} {} {}", one.method, one.path, String::from_utf8_lossy(&one.body)))
            .collect();
        assert_eq!(lines, ["GET /ping/abc/ ", "POST /ping/abc/fail no source is up", "GET /ping/abc/ "]);
    }

    #[test]
    fn an_address_that_cannot_be_is_refused_without_being_shown() {
        for (url, expected) in [
            ("hush", "not an address: relative URL without a base"),
            ("ftp://hush/", "not an address that begins with http:// or https://"),
            ("http://far.example/hush", "a plain http address of another machine"),
        ] {
            assert_eq!(with_fail(url).unwrap_err().0, expected);
        }
        assert_eq!(with_fail("https://hc-ping.com/x?a=b").unwrap().expose(), "https://hc-ping.com/x/fail?a=b");
    }
}

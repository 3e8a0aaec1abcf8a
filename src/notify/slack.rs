//! A Slack incoming webhook, or a service that speaks the same (Mattermost, Rocket.Chat).
//!
//! Contract: <https://api.slack.com/messaging/webhooks>. Success is status 200 **and** the body `ok`; a login page's
//! 200 is no success. The address is the secret.

mod payload;

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use tokio::time::Instant;
use toml::Spanned;

use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::Fault;
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::{FailureKind, Request, Response, parse_url};
use crate::net::loopback::is_loopback;
use crate::notify::{place_of_secret, redact};
use crate::text::check::Check;
use crate::text::safe;

/// Slack's words for "this will never work" (its webhook pages, and the changelog of 2016-05-17).
const PERMANENT: [&str; 12] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "posting_to_general_channel_denied",
    "rollup_error",
    "team_disabled",
    "user_not_found",
];
/// Words that blame the form of the message: the alert still gets through as plain text.
const FORM: [&str; 5] = ["invalid_blocks", "invalid_payload", "msg_blocks_too_long", "no_text", "too_many_attachments"];
/// The way out of a wrong address.
const SHAPE: &str = "an incoming webhook's address looks like https://hooks.slack.com/services/T…/B…/…";

/// `[channels.NAME.slack]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The webhook's address: a literal, `env:NAME` or `file:PATH`.
    webhook_url: Option<Spanned<String>>,
    /// The room, where the webhook allows to choose one.
    channel: Option<Spanned<String>>,
    /// Allow `http://` to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("slack::Settings(***)")
    }
}

impl Settings {
    /// Settings from the environment: `SLACK_WEBHOOK_URL` and `SLACK_CHANNEL`; `None` where the first is not set.
    /// `get` answers for a variable or for the file that `NAME_FILE` names. The secret stays a reference,
    /// `env:SLACK_WEBHOOK_URL`, for the resolver to read in the same two ways.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        get("SLACK_WEBHOOK_URL")?;
        Some(Self {
            webhook_url: Some(Spanned::new(0..0, "env:SLACK_WEBHOOK_URL".to_owned())),
            channel: get("SLACK_CHANNEL").map(|room| Spanned::new(0..0, room)),
            danger_allow_plaintext: None,
        })
    }

    /// The channel, or faults in `check`. The address itself is never part of a fault.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Slack> {
        let help = "set it to the webhook's address, better to \"env:NAME\" or \"file:PATH\"";
        let given = check.required(self.webhook_url.as_ref(), table, "webhook_url", help)?;
        let url = check.secret(given)?;
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        let host = match checked_host(url.expose(), allow_plain) {
            Ok(host) => host,
            Err((what, help)) => {
                let what = format!("channel `{name}`: `webhook_url` {what}");
                check.fault(Fault::error(what, place_of_secret(given)).help(help));
                return None;
            }
        };
        let room = self.channel.as_ref().map(|room| safe::one_line(room.get_ref())).filter(|room| !room.is_empty());
        Some(Slack { name: name.to_owned(), url, host, room })
    }
}

/// The host of an acceptable webhook address, or what is wrong with it and the way out.
fn checked_host(url: &str, allow_plain: bool) -> Result<String, (String, &'static str)> {
    let parsed = parse_url(url).map_err(|why| (format!("is {why}"), SHAPE))?;
    let host = parsed.host_str().unwrap_or_default().to_owned();
    if parsed.scheme() == "http" && !allow_plain && !is_loopback(&host) {
        let help =
            "use https://, or set danger_allow_plaintext = true to send alerts readable for everybody on the way";
        return Err(("is a plain http address of another machine".to_owned(), help));
    }
    if host.ends_with("slack.com") && host != "hooks.slack.com" {
        return Err((format!("names the host {host}, which takes no webhooks"), SHAPE));
    }
    if parsed.path().trim_matches('/').is_empty() {
        return Err(("has no path".to_owned(), SHAPE));
    }
    Ok(host)
}

/// A webhook, ready to be used.
#[derive(Clone, Debug)]
pub struct Slack {
    name: String,
    url: Secret,
    host: String,
    room: Option<String>,
}

impl Slack {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configured room.
    pub fn room(&self) -> Option<&str> {
        self.room.as_deref()
    }

    /// `#ops via hooks.slack.com`.
    pub fn describe(&self) -> String {
        match &self.room {
            Some(room) => format!("{room} via {}", self.host),
            None => format!("webhook at {}", self.host),
        }
    }

    /// Posts the message; where its form is refused, posts it once more as short plain text.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        let room = self.room.as_deref();
        let first = match self.post(payload::blocks(delivery, room), net, now, deadline).await {
            Verdict::Settled(outcome) => return outcome,
            Verdict::BadForm(word) => word,
        };
        match self.post(payload::short(delivery, room), net, now, deadline).await {
            Verdict::Settled(Outcome::Sent { answer }) => {
                Outcome::Sent { answer: format!("{answer} (as plain text, since the blocks were refused: {first})") }
            }
            Verdict::Settled(outcome) => outcome,
            Verdict::BadForm(second) => {
                Outcome::Dead { why: format!("refused with blocks ({first}) and as plain text ({second})") }
            }
        }
    }

    async fn post(&self, payload: serde_json::Value, net: &Net, now: Time, deadline: Instant) -> Verdict {
        let body = payload.to_string().into_bytes();
        let timeout = deadline.saturating_duration_since(Instant::now());
        let request = Request { timeout, ..Request::post(self.url.clone(), "application/json", body) };
        match net.http(request).await {
            Ok(reply) => self.judge(&reply, now),
            Err(failure) if failure.kind == FailureKind::BadUrl => Outcome::Dead { why: failure.text }.into(),
            Err(failure) => Outcome::Later { why: failure.text, after: None, ambiguous: failure.maybe_received }.into(),
        }
    }

    fn judge(&self, reply: &Response, now: Time) -> Verdict {
        let status = reply.status.as_u16();
        let answer = self.harmless(&reply.text());
        let word = answer.trim();
        let why = if word.is_empty() { status.to_string() } else { format!("{status} {word}") };
        if status == 200 && word == "ok" {
            return Outcome::Sent { answer: why }.into();
        }
        if FORM.contains(&word) {
            return Verdict::BadForm(why);
        }
        let later = |why, after| Outcome::Later { why, after, ambiguous: false };
        let outcome = match status {
            _ if PERMANENT.contains(&word) => Outcome::Dead { why },
            300..=399 => {
                Outcome::Dead { why: format!("{status}: redirected, perhaps to a login page; nothing was posted") }
            }
            408 | 425 | 429 | 500..=599 => later(why, reply.retry_after(now)),
            400..=499 => Outcome::Dead { why },
            // a captive portal or a proxy's page: it may be gone in a minute
            _ => later(format!("{why}: not Slack's answer `ok`"), None),
        };
        outcome.into()
    }

    /// A server's words without the address in them, short and on one line.
    fn harmless(&self, text: &str) -> String {
        let url = self.url.expose();
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let key = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
        safe::clip(&safe::one_line(&redact(text, &[url, path, key])), 200)
    }
}

/// What an answer to one post means.
enum Verdict {
    Settled(Outcome),
    BadForm(String),
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        Self::Settled(outcome)
    }
}

#[cfg(test)]
mod tests;

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
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::{Request, Response, parse_url};
use crate::notify::address::{self, Wrong, place_of_secret};
use crate::notify::post::{post, refused, words};
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
            Err(wrong) => {
                check.fault(address::fault(name, "webhook_url", &wrong, place_of_secret(given)));
                return None;
            }
        };
        let room = self.channel.as_ref().map(|room| safe::one_line(room.get_ref())).filter(|room| !room.is_empty());
        Some(Slack { name: name.to_owned(), url, host, room })
    }
}

/// The host of an acceptable webhook address, or what is wrong with it and the way out.
fn checked_host(url: &str, allow_plain: bool) -> Result<String, Wrong> {
    let host = address::host(url, allow_plain, SHAPE)?;
    if host.ends_with("slack.com") && host != "hooks.slack.com" {
        return Err(Wrong { what: format!("names the host {host}, which takes no webhooks"), help: SHAPE });
    }
    if parse_url(url).is_ok_and(|parsed| parsed.path().trim_matches('/').is_empty()) {
        return Err(Wrong { what: "has no path".to_owned(), help: SHAPE });
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
            Verdict::Settled(Outcome::Sent { answer, receipt }) => {
                let answer = format!("{answer} (as plain text, since the blocks were refused: {first})");
                Outcome::Sent { answer, receipt }
            }
            Verdict::Settled(outcome) => outcome,
            Verdict::BadForm(second) => {
                Outcome::Dead { why: format!("refused with blocks ({first}) and as plain text ({second})") }
            }
        }
    }

    async fn post(&self, payload: serde_json::Value, net: &Net, now: Time, deadline: Instant) -> Verdict {
        let request = Request::post(self.url.clone(), "application/json", payload.to_string().into_bytes());
        match post(request, net, deadline).await {
            Ok(reply) => self.judge(&reply, now),
            Err(outcome) => outcome.into(),
        }
    }

    fn judge(&self, reply: &Response, now: Time) -> Verdict {
        let why = words(reply, &reply.text(), &self.secrets());
        let (status, word) = why.split_once(' ').unwrap_or((&why, ""));
        if status == "200" && word == "ok" {
            return Outcome::sent(why).into();
        }
        if FORM.contains(&word) {
            return Verdict::BadForm(why);
        }
        if PERMANENT.contains(&word) {
            return Outcome::dead(why).into();
        }
        refused(reply, why, "Slack's answer `ok`", now).into()
    }

    /// What no answer may show: the address, its path, and the key at its end.
    fn secrets(&self) -> [&str; 3] {
        let url = self.url.expose();
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let key = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
        [url, path, key]
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
pub mod tests;

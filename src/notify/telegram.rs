//! A Telegram chat, by a bot. Plain text without a `parse_mode`, so that nothing in a message is markup.
//!
//! Contract: <https://core.telegram.org/bots/api#sendmessage>. Success is status 200 **and** `"ok": true`. The token is
//! part of the address.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use toml::Spanned;

use super::post::{post, refused, seconds, words};
use super::{address, address::place_of_secret, render};
use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::{Request, Response};
use crate::text::check::Check;

/// Telegram's limit for a text. It counts characters; UTF-16 units, of which there are never fewer, are the safe side.
const MAX_TEXT: usize = 4096;
/// For the list of a message about several alerts.
const MAX_LIST: usize = 3000;

/// `[channels.NAME.telegram]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The bot's token: a literal, `env:NAME` or `file:PATH`.
    token: Option<Spanned<String>>,
    /// The chat: a number such as `-1001234567890`, or `@channel`.
    chat_id: Option<Spanned<String>>,
    /// Default `https://api.telegram.org`.
    base_url: Option<Spanned<String>>,
    /// Allow `http://` to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("telegram::Settings(***)")
    }
}

impl Settings {
    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Telegram> {
        let help = "set it to the token that @BotFather gave, better to \"env:NAME\" or \"file:PATH\"";
        let token = check.required(self.token.as_ref(), table, "token", help).and_then(|given| {
            let token = check.secret(given)?;
            let is_token = is_token(token.expose());
            if !is_token {
                let what = format!("channel `{name}`: `token` is not a number, a colon and a key");
                check.fault(Fault::error(what, place_of_secret(given)).help(help));
            }
            is_token.then_some(token)
        });
        let chat = self.chat(table, check);
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        let base = address::base(name, self.base_url.as_ref(), "https://api.telegram.org", allow_plain, check);
        let ((base, host), token, chat) = (base?, token?, chat?);
        let url = Secret::new(&format!("{base}/bot{}/sendMessage", token.expose()));
        Some(Telegram { name: name.to_owned(), token, chat, url, host })
    }

    fn chat(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<String> {
        let help = "write the chat's number, such as \"-1001234567890\", or the name of a public channel, \"@name\"";
        let given = check.required(self.chat_id.as_ref(), table, "chat_id", help)?;
        let chat = check.reference(given)?;
        let is_chat = chat.parse::<i64>().is_ok() || chat.strip_prefix('@').is_some_and(is_name);
        if !is_chat {
            let what = format!("`{}` is not a Telegram chat", chat.escape_debug());
            check.fault(Fault::error(what, Place::File(given.span())).help(help));
        }
        is_chat.then_some(chat)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `123456789:AA…`; only what can stand in an address without being escaped.
fn is_token(text: &str) -> bool {
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    text.split_once(':').is_some_and(|(bot, key)| bot.parse::<u64>().is_ok() && is_key(key))
}

/// A chat, ready to be used.
#[derive(Clone, Debug)]
pub struct Telegram {
    name: String,
    token: Secret,
    chat: String,
    url: Secret,
    host: String,
}

impl Telegram {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The chat.
    pub fn chat(&self) -> &str {
        &self.chat
    }

    /// `chat -1001234567890 via api.telegram.org`.
    pub fn describe(&self) -> String {
        format!("chat {} via {}", self.chat, self.host)
    }

    /// Posts the message; a group that became a supergroup has a new number, which Telegram tells: there it goes at once.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        let moved = match self.post(&self.chat, delivery, net, now, deadline).await {
            Verdict::Settled(outcome) => return outcome,
            Verdict::Moved(chat) => chat,
        };
        match self.post(&moved, delivery, net, now, deadline).await {
            Verdict::Settled(Outcome::Sent { answer, receipt }) => {
                let answer = format!("{answer} (the chat has a new number: write chat_id = \"{moved}\")");
                Outcome::Sent { answer, receipt }
            }
            Verdict::Settled(outcome) => outcome,
            Verdict::Moved(again) => Outcome::dead(format!("the chat moved to {moved}, and from there to {again}")),
        }
    }

    async fn post(&self, chat: &str, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Verdict {
        let body = json!({
            "chat_id": chat,
            "text": text(delivery),
            "link_preview_options": {"is_disabled": true},
        });
        let request = Request::post(self.url.clone(), "application/json", body.to_string().into_bytes());
        match post(request, net, deadline).await {
            Ok(reply) => self.judge(&reply, now),
            Err(outcome) => Verdict::Settled(outcome),
        }
    }

    fn judge(&self, reply: &Response, now: Time) -> Verdict {
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let key = self.token.expose().split(':').next_back().unwrap_or_default();
        let secrets = [self.token.expose(), key];
        if reply.status.as_u16() == 200 && answer["ok"] == true {
            let id = answer["result"]["message_id"].as_i64().map(|id| format!("message {id}")).unwrap_or_default();
            return Verdict::Settled(Outcome::sent(words(reply, &id, &secrets)));
        }
        if let Some(chat) = answer["parameters"]["migrate_to_chat_id"].as_i64() {
            return Verdict::Moved(chat.to_string());
        }
        let said = answer["description"].as_str().map_or_else(|| reply.text().into_owned(), str::to_owned);
        Verdict::Settled(match refused(reply, words(reply, &said, &secrets), "Telegram's answer", now) {
            Outcome::Later { why, after, ambiguous } => {
                Outcome::Later { why, after: seconds(&answer["parameters"]["retry_after"]).or(after), ambiguous }
            }
            settled => settled,
        })
    }
}

/// What an answer to one post means.
enum Verdict {
    Settled(Outcome),
    /// The chat has this new number.
    Moved(String),
}

/// The message; where it is too long, its rows are cut and what to do and the id stay.
fn text(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let mut head = vec![render::headline(message), String::new()];
    head.extend(
        render::rows(message)
            .into_iter()
            .filter(|row| !matches!(row.name.as_str(), "Alert type" | "Severity" | "Message"))
            .map(|row| format!("{}: {}", row.name, row.value)),
    );
    head.extend(render::list(message, MAX_LIST).into_iter().map(|line| format!("- {line}")));
    let mut tail = vec![String::new(), format!("Action required: {}", render::action(message))];
    tail.extend(render::runbook(message).map(|url| format!("Runbook: {url}")));
    tail.push(render::id(delivery));
    let (head, tail) = (head.join("\n"), tail.join("\n"));
    let units = |text: &str| text.encode_utf16().count();
    format!("{}\n{tail}", cut(&head, MAX_TEXT.saturating_sub(units(&tail) + 1)))
}

/// At most `max` UTF-16 units of `text`, the last character being `…` where something was cut.
fn cut(text: &str, max: usize) -> String {
    if text.encode_utf16().count() <= max {
        return text.to_owned();
    }
    let mut left = max.saturating_sub(1);
    let kept = text.chars().take_while(|c| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    });
    kept.chain(['…']).collect()
}

#[cfg(test)]
pub mod tests;

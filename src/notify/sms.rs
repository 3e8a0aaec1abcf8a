//! SMS by Twilio: the last resort that wakes people and costs money. Each number is a delivery of its own.
//!
//! Contract: <https://www.twilio.com/docs/messaging/api/message-resource>. Success is status 201 with a `sid`, which is not
//! yet an arrival: that is asked for later by the sid ([`Sms::fate`]). A post is not idempotent: what may have been taken
//! (no answer, 5xx) is repeated once at most and says so; 429 was surely not taken.

mod answer;
pub mod budget;
mod text;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use toml::Spanned;

use super::address;
use super::post::post;
use crate::model::delivery::{Delivery, Fate, Outcome};
use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::{Method, Overflow, Request};
use crate::text::check::Check;

/// How long Twilio keeps a message that it cannot hand on: an old alert must not wake anybody (its own default is 10 h).
const VALIDITY: Duration = Duration::from_mins(15);
/// After this long beyond its validity nothing more is heard of a message: some operators never tell.
const SETTLED: Duration = Duration::from_hours(1);
/// Twilio's limit.
const LONGEST_VALIDITY: Duration = Duration::from_hours(10);

/// `[channels.NAME.sms]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `AC…`; this and every value below may be `env:NAME` or `file:PATH`.
    account_sid: Option<Spanned<String>>,
    /// The account's token, or the secret of `api_key`.
    auth_token: Option<Spanned<String>>,
    /// `SK…`: an API key in the place of the account's own token.
    api_key: Option<Spanned<String>>,
    /// The number (or short code, or name) it comes from.
    from: Option<Spanned<String>>,
    /// `MG…`: a messaging service in the place of `from`.
    messaging_service_sid: Option<Spanned<String>>,
    /// The recipients' numbers.
    to: Option<Spanned<Vec<Spanned<String>>>>,
    /// Default `https://api.twilio.com`.
    base_url: Option<Spanned<String>>,
    /// How long it may be on its way; default 15m, at most 10h.
    validity: Option<Spanned<String>>,
    /// Whether the next cycles ask what became of a message; default true.
    confirm: Option<bool>,
    /// Allow `http://` to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sms::Settings(***)")
    }
}

impl Settings {
    /// Settings from the environment: `TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN TWILIO_PHONE_NUMBER ALERT_PHONE_NUMBERS`
    /// (separated by commas); `None` without recipients. `get` answers for a variable or for the file that `NAME_FILE`
    /// names. All stay references for the resolver to read in the same two ways.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        if get("ALERT_PHONE_NUMBERS").is_none() {
            return Ok(None);
        }
        let reference = |name: &str| match get(name) {
            Some(_) => Ok(Some(Spanned::new(0..0, format!("env:{name}")))),
            None => Err(format!("ALERT_PHONE_NUMBERS is set, but {name} is not")),
        };
        Ok(Some(Self {
            account_sid: reference("TWILIO_ACCOUNT_SID")?,
            auth_token: reference("TWILIO_AUTH_TOKEN")?,
            from: reference("TWILIO_PHONE_NUMBER")?,
            to: Some(Spanned::new(0..0, vec![Spanned::new(0..0, "env:ALERT_PHONE_NUMBERS".to_owned())])),
            ..Self::default()
        }))
    }

    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Sms> {
        let account = self.account(name, table, check);
        let user = self.user(check);
        let help = "set it to the account's token, better to \"env:NAME\" or \"file:PATH\"";
        let token = check.required(self.auth_token.as_ref(), table, "auth_token", help);
        let token = token.and_then(|given| check.secret(given));
        let sender = self.sender(table, check);
        let to = self.recipients(table, check);
        let validity = self.validity(check);
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        let base = address::base(name, self.base_url.as_ref(), "https://api.twilio.com", allow_plain, check);
        let ((base, host), account, token) = (base?, account?, token?);
        let messages = format!("{base}/2010-04-01/Accounts/{}/Messages", account.expose());
        Some(Sms {
            name: name.to_owned(),
            host,
            messages: Secret::new(&messages),
            user: user?,
            account,
            token,
            sender: sender?,
            to: to?,
            validity: validity?,
            confirm: self.confirm.unwrap_or(true),
        })
    }

    /// The account's sid: no secret, but nothing to be shown around either.
    fn account(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Secret> {
        let help = "it looks like AC and 32 hexadecimal digits, on the console's first page";
        let given = check.required(self.account_sid.as_ref(), table, "account_sid", help)?;
        let sid = check.reference(given)?;
        if !is_sid(&sid, "AC") {
            let what = format!("channel `{name}`: `account_sid` is not AC and 32 hexadecimal digits");
            check.fault(Fault::error(what, address::place_of_secret(given)).help(help));
            return None;
        }
        Some(Secret::new(&sid))
    }

    /// Who logs in, where that is not the account itself.
    #[allow(clippy::option_option, reason = "outer: whether the key is right; inner: whether it is there")]
    fn user(&self, check: &mut Check<'_>) -> Option<Option<Secret>> {
        let Some(given) = &self.api_key else { return Some(None) };
        let key = check.reference(given)?;
        if !is_sid(&key, "SK") {
            let what = "`api_key` is not SK and 32 hexadecimal digits";
            check.fault(Fault::error(what, address::place_of_secret(given)).help("its secret is the `auth_token`"));
            return None;
        }
        Some(Some(Secret::new(&key)))
    }

    fn sender(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Sender> {
        let (given, key, make): (_, _, fn(String) -> Option<Sender>) = match (&self.from, &self.messaging_service_sid) {
            (Some(from), None) => (from, "from", |from| is_sender(&from).then_some(Sender::Number(from))),
            (None, Some(service)) => {
                (service, "messaging_service_sid", |sid| is_sid(&sid, "MG").then_some(Sender::Service(sid)))
            }
            (None, None) => {
                let help = "set it to the number that Twilio gave, or set messaging_service_sid instead";
                return check.required(None, table, "from", help);
            }
            (Some(_), Some(service)) => {
                let what = "`from` and `messaging_service_sid` are two senders";
                check.fault(Fault::error(what, Place::File(service.span())).help("remove one of them"));
                return None;
            }
        };
        let value = check.reference(given)?;
        let sender = make(value.trim().to_owned());
        if sender.is_none() {
            let what = format!("`{}` is not a sender", value.escape_debug());
            let help = match key {
                "from" => "write a number like +41790000000, a short code, or a name of at most 11 letters and digits",
                _ => "it looks like MG and 32 hexadecimal digits",
            };
            check.fault(Fault::error(what, Place::File(given.span())).help(help));
        }
        sender
    }

    fn recipients(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Vec<String>> {
        let help = "list the numbers, for example to = [\"+41790000000\"]";
        let given = self.to.as_ref().filter(|to| !to.get_ref().is_empty());
        let (mut found, mut sound) = (Vec::new(), true);
        for text in check.required(given, table, "to", help)?.get_ref() {
            let Some(list) = check.reference(text) else {
                sound = false;
                continue;
            };
            for number in list.split(',').map(plain).filter(|number| !number.is_empty()) {
                if !is_number(&number) {
                    let what = format!("`{}` is not a phone number", number.escape_debug());
                    let help = "write it with its country, like +41790000000 (E.164)";
                    check.fault(Fault::error(what, Place::File(text.span())).help(help));
                    sound = false;
                } else if !found.contains(&number) {
                    found.push(number);
                }
            }
        }
        (sound && !found.is_empty()).then_some(found)
    }

    fn validity(&self, check: &mut Check<'_>) -> Option<Duration> {
        let validity = check.duration(self.validity.as_ref(), VALIDITY)?;
        if (Duration::from_secs(1)..=LONGEST_VALIDITY).contains(&validity) {
            return Some(validity);
        }
        let place = self.validity.as_ref().map_or(Place::Nowhere, |key| Place::File(key.span()));
        check.fault(Fault::error("`validity` is not between 1s and 10h", place).help("15m is the default"));
        None
    }
}

/// The two letters of its kind and 32 hexadecimal digits.
fn is_sid(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|rest| rest.len() == 32 && rest.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Without the blanks, hyphens and brackets that people put into numbers.
fn plain(number: &str) -> String {
    number.chars().filter(|c| !c.is_whitespace() && !"-()".contains(*c)).collect()
}

/// E.164: a plus, no zero after it, 15 digits at most.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (2..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.chars().all(|c| c.is_ascii_digit())
}

/// A number, a short code, or a name of up to 11 letters and digits.
fn is_sender(text: &str) -> bool {
    let is_code = (3..=8).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    let is_name = (1..=11).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
        && text.chars().any(|c| c.is_ascii_alphabetic());
    is_number(text) || is_code || is_name
}

/// Whom it comes from.
#[derive(Clone, Debug)]
enum Sender {
    Number(String),
    Service(String),
}

/// An account at Twilio and whom it tells, ready to be used.
#[derive(Clone, Debug)]
pub struct Sms {
    name: String,
    host: String,
    /// The address of the account's messages, without `.json`.
    messages: Secret,
    account: Secret,
    /// An API key that logs in instead of the account.
    user: Option<Secret>,
    token: Secret,
    sender: Sender,
    to: Vec<String>,
    validity: Duration,
    confirm: bool,
}

impl Sms {
    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The numbers of the recipients.
    pub fn recipients(&self) -> Vec<String> {
        self.to.clone()
    }

    /// `+41790000000 via api.twilio.com`.
    pub fn describe(&self) -> String {
        format!("{} via {}", self.to.join(", "), self.host)
    }

    /// How long it may take until it is known whether a message arrived; none where nobody asks.
    pub fn followed(&self) -> Option<Duration> {
        self.confirm.then_some(self.validity + SETTLED)
    }

    /// Sends to the one number that the delivery names.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        let sender = match &self.sender {
            Sender::Number(number) => ("From", number.clone()),
            Sender::Service(sid) => ("MessagingServiceSid", sid.clone()),
        };
        let form = vec![
            ("To", delivery.destination.address.clone()),
            sender,
            ("Body", text::text(delivery)),
            ("ValidityPeriod", self.validity.as_secs().to_string()),
        ];
        let url = Secret::new(&format!("{}.json", self.messages.expose()));
        let request = Request { method: Method::POST, form, overflow: Overflow::Cut, ..self.request(url) };
        match post(request, net, deadline).await {
            Ok(reply) => answer::taken(&reply, &self.secrets(), now),
            Err(outcome) => outcome,
        }
    }

    /// What became of a message that was taken; in words, why that cannot be told.
    pub async fn fate(&self, sid: &str, net: &Net, deadline: Instant) -> Result<Fate, String> {
        let url = Secret::new(&format!("{}/{sid}.json", self.messages.expose()));
        match post(self.request(url), net, deadline).await {
            Ok(reply) => answer::fate(&reply, &self.secrets()),
            Err(Outcome::Later { why, .. } | Outcome::Dead { why }) => Err(why),
            Err(Outcome::Sent { answer, .. }) => Err(answer),
        }
    }

    fn request(&self, url: Secret) -> Request {
        let user = self.user.as_ref().unwrap_or(&self.account);
        Request { basic: Some((user.clone(), self.token.clone())), ..Request::get(url) }
    }

    fn secrets(&self) -> [&str; 3] {
        [self.token.expose(), self.account.expose(), self.user.as_ref().map_or("", Secret::expose)]
    }
}

#[cfg(test)]
pub mod tests;

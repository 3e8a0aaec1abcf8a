//! Notifications to people: one file per channel kind, what they have in common, and the retry table.
//! A channel answers each send with an [`Outcome`]; nothing here knows the outbox or decides who is told.

pub mod email;
pub mod render;
pub mod retry;
pub mod slack;

#[cfg(test)]
pub mod kit;

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;
use toml::Spanned;

use self::email::Email;
use self::slack::Slack;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::{Fault, Place};
use crate::model::message::Destination;
use crate::model::time::Time;
use crate::net::Net;
use crate::text::check::Check;

/// All of one send: connecting, fallbacks and saying goodbye included.
pub const SEND_LIMIT: Duration = Duration::from_secs(10);

/// `[channels.NAME]`: exactly one kind.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[channels.NAME.slack]`.
    pub slack: Option<Spanned<slack::Settings>>,
    /// `[channels.NAME.email]`.
    pub email: Option<Spanned<email::Settings>>,
    sms: Option<Spanned<IgnoredAny>>,
    webhook: Option<Spanned<IgnoredAny>>,
    pagerduty: Option<Spanned<IgnoredAny>>,
    telegram: Option<Spanned<IgnoredAny>>,
    alertmanager: Option<Spanned<IgnoredAny>>,
    exec: Option<Spanned<IgnoredAny>>,
}

impl From<slack::Settings> for Settings {
    fn from(slack: slack::Settings) -> Self {
        Self { slack: Some(Spanned::new(0..0, slack)), ..Self::default() }
    }
}

impl From<email::Settings> for Settings {
    fn from(email: email::Settings) -> Self {
        Self { email: Some(Spanned::new(0..0, email)), ..Self::default() }
    }
}

/// The channels that the environment describes, by the name of their kind; what is wrong with them goes to `check`.
pub fn from_environment(get: &dyn Fn(&str) -> Option<String>, check: &mut Check<'_>) -> Vec<(&'static str, Settings)> {
    let email = email::Settings::from_env(get).unwrap_or_else(|what| {
        check.fault(Fault::error(what, Place::Nowhere).help("set the variables together, or none of them"));
        None
    });
    let slack = slack::Settings::from_env(get).map(|slack| ("slack", slack.into()));
    slack.into_iter().chain(email.map(|email| ("email", email.into()))).collect()
}

impl Settings {
    /// The name of the kind, where there is one that this version builds.
    pub fn kind(&self) -> Option<&'static str> {
        match (&self.slack, &self.email) {
            (Some(_), _) => Some("slack"),
            (None, Some(_)) => Some("email"),
            (None, None) => None,
        }
    }

    /// The channel these settings describe; what is wrong with them goes to `check`. `table` is the place of
    /// `[channels.NAME]`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Channel> {
        let refused = self.refuse_later_kinds(name, check);
        match (&self.slack, &self.email) {
            (Some(slack), None) => slack.get_ref().build(name, &slack.span(), check).map(Channel::Slack),
            (None, Some(email)) => email.get_ref().build(name, &email.span(), check).map(Channel::Email),
            (Some(_), Some(second)) => {
                let what = format!("channel `{name}` has two kinds");
                let help = "give each kind a name of its own, for example [channels.mail.email]";
                check.fault(Fault::error(what, Place::File(second.span())).help(help));
                None
            }
            (None, None) => {
                if !refused {
                    let what = format!("channel `{name}` has no kind");
                    let help = format!("add [channels.{name}.slack] or [channels.{name}.email]");
                    check.fault(Fault::error(what, Place::File(table.clone())).help(help));
                }
                None
            }
        }
    }

    /// Kinds whose names are reserved but which this version does not have; whether there was one.
    fn refuse_later_kinds(&self, name: &str, check: &mut Check<'_>) -> bool {
        let Self { slack: _, email: _, sms, webhook, pagerduty, telegram, alertmanager, exec } = self;
        let later = [
            ("sms", sms),
            ("webhook", webhook),
            ("pagerduty", pagerduty),
            ("telegram", telegram),
            ("alertmanager", alertmanager),
            ("exec", exec),
        ];
        let mut refused = false;
        for (kind, value) in later {
            if let Some(value) = value {
                let what = format!("[channels.{name}.{kind}] is not built in this version");
                check.fault(Fault::error(what, Place::File(value.span())).help("use slack or email"));
                refused = true;
            }
        }
        refused
    }
}

/// What sort of reader a channel has; the default routes go by this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// A chat room.
    Chat,
    /// A mailbox.
    Mail,
    /// A phone: costs money, wakes people.
    Sms,
}

/// A way to tell somebody.
#[derive(Clone, Debug)]
pub enum Channel {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// E-mail by SMTP.
    Email(Email),
}

impl Channel {
    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        match self {
            Self::Slack(slack) => slack.name(),
            Self::Email(email) => email.name(),
        }
    }

    /// What sort of reader it has.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Slack(_) => Sort::Chat,
            Self::Email(_) => Sort::Mail,
        }
    }

    /// Whether the receiver can tell a repeat by its id, so that repeating an ambiguous send does no harm.
    pub const fn idempotent(&self) -> bool {
        match self {
            Self::Slack(_) => false,
            // the same Message-ID each time
            Self::Email(_) => true,
        }
    }

    /// Each address is a delivery of its own, so that one bad address never blocks or repeats the others.
    pub fn destinations(&self) -> Vec<Destination> {
        let addresses = match self {
            Self::Slack(slack) => vec![slack.room().unwrap_or_default().to_owned()],
            Self::Email(email) => email.recipients(),
        };
        let channel = self.name().to_owned();
        addresses.into_iter().map(|address| Destination { channel: channel.clone(), address }).collect()
    }

    /// Where it goes, for people, without any secret: `#ops via hooks.slack.com`.
    pub fn describe(&self) -> String {
        match self {
            Self::Slack(slack) => slack.describe(),
            Self::Email(email) => email.describe(),
        }
    }

    /// Sends, within [`SEND_LIMIT`] whatever the other side does.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time) -> Outcome {
        let deadline = Instant::now() + SEND_LIMIT;
        match self {
            Self::Slack(slack) => slack.send(delivery, net, now, deadline).await,
            Self::Email(email) => email.send(delivery, net, now, deadline).await,
        }
    }
}

/// The place of a fault in a secret: a reference such as `env:NAME` can be shown in its line, a literal must not be.
fn place_of_secret(value: &Spanned<String>) -> Place {
    let is_reference = value.get_ref().starts_with("env:") || value.get_ref().starts_with("file:");
    if is_reference { Place::File(value.span()) } else { Place::Nowhere }
}

/// `text` without `secrets`, however a server came to repeat them.
fn redact(text: &str, secrets: &[&str]) -> String {
    secrets.iter().filter(|secret| secret.len() >= 4).fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Kind;
    use crate::support::http::HttpFake;

    #[test]
    fn a_channel_has_exactly_one_kind_that_is_built() {
        let slack = "slack.webhook_url = \"https://hooks.slack.com/services/T0/B0/x\"\n";
        for (toml, expected) in [
            ("[channel]\n".to_owned(), "channel `ops` has no kind @ [channel]"),
            (
                "[channel]\nsms = { from = \"+1\" }\n".to_owned(),
                "[channels.ops.sms] is not built in this version @ { from = \"+1\" }",
            ),
            (
                format!("[channel]\n{slack}email = {{ host = \"x\" }}\n"),
                "channel `ops` has two kinds @ { host = \"x\" }",
            ),
        ] {
            assert_eq!(kit::build(&toml).unwrap_err(), [expected], "{toml}");
        }
        let error = kit::build("[channel]\npigeon = 1\n").unwrap_err().concat();
        assert!(error.starts_with("unknown field `pigeon`, expected one of `slack`, `email`"), "{error}");
    }

    #[tokio::test]
    async fn channels_send_side_by_side_on_tasks_of_their_own() {
        let fake = HttpFake::start([]);
        let url = fake.url("/services/T0/B0/x");
        let slack = kit::build(&format!("[channel.slack]\nwebhook_url = \"{url}\"\n")).unwrap();
        let delivery = kit::delivery(Kind::Test);
        let sending = async move { slack.send(&delivery, &Net::new(None, None), delivery.created).await };
        assert_eq!(tokio::spawn(sending).await.unwrap(), Outcome::Sent { answer: "200 ok".to_owned() });
    }

    #[test]
    fn a_secret_that_a_server_repeats_is_blotted_out() {
        assert_eq!(redact("no such hook: T0/B0/xyz", &["B0/xyz", "x"]), "no such hook: T0/***");
    }
}

//! Notifications to people and machines: one file per channel kind, what they have in common, and the retry table.
//! A channel answers each send with an [`Outcome`]; nothing here knows the outbox or decides who is told.

pub mod alertmanager;
pub mod digest;
pub mod document;
pub mod email;
pub mod exec;
pub mod heartbeat;
pub mod pagerduty;
pub mod render;
pub mod retry;
pub mod settings;
pub mod slack;
pub mod sms;
pub mod telegram;
pub mod webhook;

mod address;
mod post;

#[cfg(test)]
pub mod kit;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

use self::alertmanager::Alertmanager;
use self::email::Email;
use self::exec::Exec;
use self::pagerduty::PagerDuty;
pub use self::settings::{OF_ENVIRONMENT, Settings, from_environment, half_set};
use self::slack::Slack;
use self::sms::Sms;
use self::telegram::Telegram;
use self::webhook::Webhook;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::message::Destination;
use crate::model::time::Time;
use crate::net::Net;

/// All of one send: connecting, fallbacks and saying goodbye included.
pub const SEND_LIMIT: Duration = Duration::from_secs(10);

/// What sort of reader a channel has; the default routes go by this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// A chat room.
    Chat,
    /// A mailbox.
    Mail,
    /// A phone: costs money, wakes people.
    Sms,
    /// A program: it gets each alert by itself, and every step of it.
    Machine,
}

/// A way to tell somebody.
#[derive(Clone, Debug)]
pub enum Channel {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// E-mail by SMTP.
    Email(Email),
    /// SMS by Twilio.
    Sms(Sms),
    /// JSON by HTTP.
    Webhook(Webhook),
    /// PagerDuty, Events API v2.
    PagerDuty(PagerDuty),
    /// A Telegram chat.
    Telegram(Telegram),
    /// Alertmanager, v2 API.
    Alertmanager(Alertmanager),
    /// A program.
    Exec(Exec),
}

impl Channel {
    /// Whether it reaches out of this machine; of a program nobody knows.
    pub fn is_beyond(&self) -> bool {
        match self {
            Self::Exec(_) => false,
            Self::Email(email) => email.is_beyond(),
            Self::Slack(_)
            | Self::Sms(_)
            | Self::Webhook(_)
            | Self::PagerDuty(_)
            | Self::Telegram(_)
            | Self::Alertmanager(_) => true,
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        match self {
            Self::Slack(slack) => slack.name(),
            Self::Email(email) => email.name(),
            Self::Sms(sms) => sms.name(),
            Self::Webhook(webhook) => webhook.name(),
            Self::PagerDuty(pagerduty) => pagerduty.name(),
            Self::Telegram(telegram) => telegram.name(),
            Self::Alertmanager(alertmanager) => alertmanager.name(),
            Self::Exec(exec) => exec.name(),
        }
    }

    /// What sort of reader it has.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Slack(_) | Self::Telegram(_) => Sort::Chat,
            Self::Email(_) => Sort::Mail,
            Self::Sms(_) => Sort::Sms,
            Self::Webhook(_) | Self::PagerDuty(_) | Self::Alertmanager(_) | Self::Exec(_) => Sort::Machine,
        }
    }

    /// Whether people read it, who are better told once of many things; a machine gets each alert.
    pub const fn is_for_people(&self) -> bool {
        matches!(self.sort(), Sort::Chat | Sort::Mail | Sort::Sms)
    }

    /// Whether the receiver can tell a repeat by its id, so that repeating an ambiguous send does no harm.
    pub const fn idempotent(&self) -> bool {
        match self {
            // few mailboxes drop a second mail with the same Message-ID
            Self::Slack(_) | Self::Telegram(_) | Self::Sms(_) | Self::Exec(_) | Self::Email(_) => false,
            // the same Idempotency-Key, dedup_key or labels each time
            Self::Webhook(_) | Self::PagerDuty(_) | Self::Alertmanager(_) => true,
        }
    }

    /// Each address is a delivery of its own, so that one bad address never blocks or repeats the others.
    pub fn destinations(&self) -> Vec<Destination> {
        let addresses = match self {
            Self::Slack(slack) => vec![slack.room().unwrap_or_default().to_owned()],
            Self::Email(email) => email.recipients(),
            Self::Sms(sms) => sms.recipients(),
            Self::Telegram(telegram) => vec![telegram.chat().to_owned()],
            Self::Webhook(_) | Self::PagerDuty(_) | Self::Alertmanager(_) | Self::Exec(_) => vec![String::new()],
        };
        let channel = self.name().to_owned();
        addresses.into_iter().map(|address| Destination { channel: channel.clone(), address }).collect()
    }

    /// Where it goes, for people, without any secret: `#ops via hooks.slack.com`.
    pub fn describe(&self) -> String {
        match self {
            Self::Slack(slack) => slack.describe(),
            Self::Email(email) => email.describe(),
            Self::Sms(sms) => sms.describe(),
            Self::Webhook(webhook) => webhook.describe(),
            Self::PagerDuty(pagerduty) => pagerduty.describe(),
            Self::Telegram(telegram) => telegram.describe(),
            Self::Alertmanager(alertmanager) => alertmanager.describe(),
            Self::Exec(exec) => exec.describe(),
        }
    }

    /// Sends, within [`SEND_LIMIT`] whatever the other side does.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time) -> Outcome {
        self.send_by(delivery, net, now, Instant::now() + SEND_LIMIT).await
    }

    async fn send_by(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        match self {
            Self::Slack(slack) => slack.send(delivery, net, now, deadline).await,
            Self::Email(email) => email.send(delivery, net, now, deadline).await,
            Self::Sms(sms) => sms.send(delivery, net, now, deadline).await,
            Self::Webhook(webhook) => webhook.send(delivery, net, now, deadline).await,
            Self::PagerDuty(pagerduty) => pagerduty.send(delivery, net, now, deadline).await,
            Self::Telegram(telegram) => telegram.send(delivery, net, now, deadline).await,
            Self::Alertmanager(alertmanager) => alertmanager.send(delivery, net, now, deadline).await,
            Self::Exec(exec) => exec.send(delivery, deadline).await,
        }
    }
}

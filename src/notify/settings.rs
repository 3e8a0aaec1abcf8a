//! `[channels.NAME]`: exactly one kind, each with the settings that its own file defines.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Channel, alertmanager, email, exec, pagerduty, slack, sms, telegram, webhook};
use crate::model::fault::{Fault, Place};
use crate::text::check::Check;

/// `[channels.NAME]`: exactly one kind.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[channels.NAME.slack]`.
    pub slack: Option<Spanned<slack::Settings>>,
    /// `[channels.NAME.email]`.
    pub email: Option<Spanned<email::Settings>>,
    /// `[channels.NAME.sms]`.
    pub sms: Option<Spanned<sms::Settings>>,
    /// `[channels.NAME.webhook]`.
    pub webhook: Option<Spanned<webhook::Settings>>,
    /// `[channels.NAME.pagerduty]`.
    pub pagerduty: Option<Spanned<pagerduty::Settings>>,
    /// `[channels.NAME.telegram]`.
    pub telegram: Option<Spanned<telegram::Settings>>,
    /// `[channels.NAME.alertmanager]`.
    pub alertmanager: Option<Spanned<alertmanager::Settings>>,
    /// `[channels.NAME.exec]`.
    pub exec: Option<Spanned<exec::Settings>>,
}

/// One kind with its settings.
enum Given<'a> {
    Slack(&'a Spanned<slack::Settings>),
    Email(&'a Spanned<email::Settings>),
    Sms(&'a Spanned<sms::Settings>),
    Webhook(&'a Spanned<webhook::Settings>),
    PagerDuty(&'a Spanned<pagerduty::Settings>),
    Telegram(&'a Spanned<telegram::Settings>),
    Alertmanager(&'a Spanned<alertmanager::Settings>),
    Exec(&'a Spanned<exec::Settings>),
}

impl Given<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
            Self::Sms(_) => "sms",
            Self::Webhook(_) => "webhook",
            Self::PagerDuty(_) => "pagerduty",
            Self::Telegram(_) => "telegram",
            Self::Alertmanager(_) => "alertmanager",
            Self::Exec(_) => "exec",
        }
    }

    fn span(&self) -> Range<usize> {
        match self {
            Self::Slack(settings) => settings.span(),
            Self::Email(settings) => settings.span(),
            Self::Sms(settings) => settings.span(),
            Self::Webhook(settings) => settings.span(),
            Self::PagerDuty(settings) => settings.span(),
            Self::Telegram(settings) => settings.span(),
            Self::Alertmanager(settings) => settings.span(),
            Self::Exec(settings) => settings.span(),
        }
    }

    fn build(&self, name: &str, check: &mut Check<'_>) -> Option<Channel> {
        let table = self.span();
        match self {
            Self::Slack(settings) => settings.get_ref().build(name, &table, check).map(Channel::Slack),
            Self::Email(settings) => settings.get_ref().build(name, &table, check).map(Channel::Email),
            Self::Sms(settings) => settings.get_ref().build(name, &table, check).map(Channel::Sms),
            Self::Webhook(settings) => settings.get_ref().build(name, &table, check).map(Channel::Webhook),
            Self::PagerDuty(settings) => settings.get_ref().build(name, &table, check).map(Channel::PagerDuty),
            Self::Telegram(settings) => settings.get_ref().build(name, &table, check).map(Channel::Telegram),
            Self::Alertmanager(settings) => settings.get_ref().build(name, &table, check).map(Channel::Alertmanager),
            Self::Exec(settings) => settings.get_ref().build(name, &table, check).map(Channel::Exec),
        }
    }
}

impl Settings {
    /// Every kind that is given, in the order in which they are listed here.
    fn given(&self) -> Vec<Given<'_>> {
        let Self { slack, email, sms, webhook, pagerduty, telegram, alertmanager, exec } = self;
        let all = [
            slack.as_ref().map(Given::Slack),
            email.as_ref().map(Given::Email),
            sms.as_ref().map(Given::Sms),
            webhook.as_ref().map(Given::Webhook),
            pagerduty.as_ref().map(Given::PagerDuty),
            telegram.as_ref().map(Given::Telegram),
            alertmanager.as_ref().map(Given::Alertmanager),
            exec.as_ref().map(Given::Exec),
        ];
        all.into_iter().flatten().collect()
    }

    /// The name of the kind, where there is one.
    pub fn kind(&self) -> Option<&'static str> {
        self.given().first().map(Given::name)
    }

    /// The channel these settings describe; what is wrong with them goes to `check`. `table` is the place of
    /// `[channels.NAME]`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Channel> {
        match self.given().as_slice() {
            [one] => one.build(name, check),
            [] => {
                let what = format!("channel `{name}` has no kind");
                let help =
                    format!("add a table of its kind, for example [channels.{name}.slack] or [channels.{name}.email]");
                check.fault(Fault::error(what, Place::File(table.clone())).help(help));
                None
            }
            [.., last] => {
                let what = format!("channel `{name}` has two kinds");
                let help = format!("give each kind a name of its own, for example [channels.other.{}]", last.name());
                check.fault(Fault::error(what, Place::File(last.span())).help(help));
                None
            }
        }
    }
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

impl From<sms::Settings> for Settings {
    fn from(sms: sms::Settings) -> Self {
        Self { sms: Some(Spanned::new(0..0, sms)), ..Self::default() }
    }
}

/// What to do about variables of which some are missing.
const TOGETHER: &str = "set the variables together, or none of them";

/// The kinds, and names, of channels that the environment can describe.
pub const OF_ENVIRONMENT: [&str; 3] = ["slack", "email", "sms"];

/// The channels that the environment describes, by the name of their kind; what is wrong with them goes to `check`.
pub fn from_environment(get: &dyn Fn(&str) -> Option<String>, check: &mut Check<'_>) -> Vec<(&'static str, Settings)> {
    let slack = slack::Settings::from_env(get).map(|slack| ("slack", slack.into()));
    let email = together(email::Settings::from_env(get), check).map(|email| ("email", email.into()));
    let sms = together(sms::Settings::from_env(get), check).map(|sms| ("sms", sms.into()));
    slack.into_iter().chain(email).chain(sms).collect()
}

/// What the environment says of a channel without the variable that makes it one, by kind; nobody is told by that.
pub fn half_set(get: &dyn Fn(&str) -> Option<String>) -> Vec<(&'static str, Fault)> {
    const KINDS: [(&str, &str, &[&str]); 3] = [
        ("slack", "SLACK_WEBHOOK_URL", &["SLACK_CHANNEL"]),
        ("email", "ALERT_EMAIL_RECIPIENTS", &["SMTP_HOST"]),
        ("sms", "ALERT_PHONE_NUMBERS", &["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"]),
    ];
    let of_kind = |(kind, makes, others): (&'static str, &str, &[&str])| {
        let set: Vec<&str> = others.iter().copied().filter(|name| get(name).is_some()).collect();
        let is_half = get(makes).is_none() && !set.is_empty();
        let are = if set.len() == 1 { "is" } else { "are" };
        let what = format!("{} {are} set, but {makes} is not: that makes no {kind} channel", set.join(", "));
        is_half.then(|| (kind, Fault::warning(what, Place::Nowhere).help(TOGETHER)))
    };
    KINDS.into_iter().filter_map(of_kind).collect()
}

/// Variables of which some are missing make no channel, and are not silently ignored.
fn together<T>(settings: Result<Option<T>, String>, check: &mut Check<'_>) -> Option<T> {
    settings.unwrap_or_else(|what| {
        check.fault(Fault::error(what, Place::Nowhere).help(TOGETHER));
        None
    })
}

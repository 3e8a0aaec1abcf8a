//! E-mail by SMTP: STARTTLS required, or TLS from the first byte; without TLS only on this machine.
//! Each recipient is a delivery of its own, and a repeat carries the same Message-ID.

mod compose;
mod smtp;
mod wire;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use lettre::Address;
use lettre::message::Mailbox;
use serde::Deserialize;
use tokio::time::Instant;
use toml::Spanned;

use crate::model::delivery::{Delivery, Outcome};
use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::loopback::is_loopback;
use crate::notify::address::place_of_secret;
use crate::text::check::Check;

/// How the connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protection {
    /// `STARTTLS` (RFC 3207) before anything else, or nothing is sent.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// None.
    None,
}

impl Protection {
    /// The usual port.
    const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => IMPLICIT_PORT,
            Self::None => 25,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS",
            Self::Implicit => "TLS",
            Self::None => "no TLS",
        }
    }
}

impl FromStr for Protection {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "starttls" => Ok(Self::StartTls),
            "implicit" => Ok(Self::Implicit),
            "none" => Ok(Self::None),
            other => Err(format!("`{other}` is none of \"starttls\", \"implicit\" and \"none\"")),
        }
    }
}

/// The port on which TLS is spoken from the first byte, by IANA's registry.
const IMPLICIT_PORT: u16 = 465;

/// `[channels.NAME.email]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The mail server.
    host: Option<Spanned<String>>,
    /// 587, 465 or 25 by `tls` where it is not given.
    port: Option<Spanned<u16>>,
    /// `starttls`, `implicit` or `none`; `implicit` on port 465, else `starttls`, where it is not given.
    tls: Option<Spanned<String>>,
    /// Who logs in.
    user: Option<Spanned<String>>,
    /// A literal, `env:NAME` or `file:PATH`.
    password: Option<Spanned<String>>,
    /// The sender; the user, if that is an address, or sippar-mon at the server's domain where it is not given.
    from: Option<Spanned<String>>,
    /// The recipients.
    to: Option<Spanned<Vec<Spanned<String>>>>,
    /// Allow mail without TLS to another machine.
    danger_allow_plaintext: Option<Spanned<bool>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("email::Settings(***)")
    }
}

impl Settings {
    /// Settings from the environment: `SMTP_HOST SMTP_PORT SMTP_USER SMTP_PASS ALERT_EMAIL_RECIPIENTS` (separated by
    /// commas); `None` without recipients. `get` answers for a variable or for the file that `NAME_FILE` names. The
    /// password stays a reference, `env:SMTP_PASS`, for the resolver to read in the same two ways.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let Some(recipients) = get("ALERT_EMAIL_RECIPIENTS") else { return Ok(None) };
        let host = get("SMTP_HOST").ok_or("ALERT_EMAIL_RECIPIENTS is set, but SMTP_HOST is not")?;
        let port = get("SMTP_PORT").map(|text| {
            text.trim().parse().map_err(|_| format!("SMTP_PORT is `{}`, which is no port number", text.escape_debug()))
        });
        let to = recipients.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned);
        Ok(Some(Self {
            host: Some(unplaced(host.trim().to_owned())),
            port: port.transpose()?.map(unplaced),
            tls: None,
            user: get("SMTP_USER").map(|user| unplaced(user.trim().to_owned())),
            password: get("SMTP_PASS").map(|_| unplaced("env:SMTP_PASS".to_owned())),
            from: None,
            to: Some(unplaced(to.map(unplaced).collect())),
            danger_allow_plaintext: None,
        }))
    }

    /// The channel, or faults in `check`.
    pub fn build(&self, name: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Email> {
        let help = "set it to the name of the mail server, for example host = \"smtp.example.org\"";
        let host = check.required(self.host.as_ref(), table, "host", help).and_then(|host| checked_host(host, check));
        let tls = self.tls(check);
        let login = self.login(name, check);
        let to = self.recipients(table, check);
        let (host, tls, login, to) = (host?, tls?, login?, to?);
        let from = self.sender(&host, table, check)?;
        let allow_plain = self.danger_allow_plaintext.as_ref().is_some_and(|allowed| *allowed.get_ref());
        if tls == Protection::None && !allow_plain && !is_loopback(&host) {
            let place = self.tls.as_ref().map_or_else(|| table.clone(), Spanned::span);
            let what = "mail without TLS to another machine can be read by everybody on the way";
            let help = "use tls = \"starttls\" or \"implicit\", or set danger_allow_plaintext = true";
            check.fault(Fault::error(what, Place::File(place)).help(help));
            return None;
        }
        let port = self.port.as_ref().map_or(tls.port(), |port| *port.get_ref());
        Some(Email { name: name.to_owned(), server: Server { host, port, tls, login }, from, to })
    }

    fn tls(&self, check: &mut Check<'_>) -> Option<Protection> {
        let port = self.port.as_ref();
        if let Some(zero) = port.filter(|port| *port.get_ref() == 0) {
            check.fault(Fault::error("0 is no port", Place::File(zero.span())));
            return None;
        }
        match &self.tls {
            Some(tls) => check.parsed(tls),
            None if port.is_some_and(|port| *port.get_ref() == IMPLICIT_PORT) => Some(Protection::Implicit),
            None => Some(Protection::StartTls),
        }
    }

    /// User and password: both or none.
    fn login(&self, name: &str, check: &mut Check<'_>) -> Option<Login> {
        match (&self.user, &self.password) {
            (None, None) => Some(Login::None),
            (Some(user), Some(password)) => {
                Some(Login::Password { user: user.get_ref().clone(), password: check.secret(password)? })
            }
            (Some(user), None) => {
                check.fault(Fault::error("`user` without `password`", Place::File(user.span())));
                None
            }
            (None, Some(password)) => {
                let what = format!("channel `{name}`: `password` without `user`");
                check.fault(Fault::error(what, place_of_secret(password)));
                None
            }
        }
    }

    fn sender(&self, host: &str, table: &Range<usize>, check: &mut Check<'_>) -> Option<Mailbox> {
        if let Some(from) = &self.from {
            let parsed = from.get_ref().parse::<Mailbox>().ok().filter(|mailbox| is_sendable(&mailbox.email));
            return kept(parsed, from, check);
        }
        let user = self.user.as_ref().and_then(|user| user.get_ref().parse().ok()).filter(is_sendable);
        let domain = if is_loopback(host) { "localhost" } else { host };
        let address = user.or_else(|| Address::new("sippar-mon", domain).ok());
        let help = "set it to the sender's address, for example from = \"sippar-mon@example.org\"";
        let address = check.required(address, table, "from", help)?;
        Some(Mailbox::new(Some("sippar-mon".to_owned()), address))
    }

    fn recipients(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Vec<Address>> {
        let help = "list the recipients, for example to = [\"ops@example.org\"]";
        let given = self.to.as_ref().filter(|to| !to.get_ref().is_empty());
        let given = check.required(given, table, "to", help)?.get_ref();
        let mut found: Vec<Address> = Vec::new();
        for text in given {
            if let Some(address) = kept(text.get_ref().parse().ok().filter(is_sendable), text, check)
                && !found.contains(&address)
            {
                found.push(address);
            }
        }
        (!found.is_empty()).then_some(found)
    }
}

fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// A host name or address without scheme, port or blanks.
fn checked_host(host: &Spanned<String>, check: &mut Check<'_>) -> Option<String> {
    let name = host.get_ref();
    if rustls::pki_types::ServerName::try_from(name.as_str()).is_ok() {
        return Some(name.clone());
    }
    let what = format!("`{}` is not the name of a server", name.escape_debug());
    let help = "write only the name or the IP address, for example smtp.example.org; the port is a key of its own";
    check.fault(Fault::error(what, Place::File(host.span())).help(help));
    None
}

fn kept<T>(parsed: Option<T>, text: &Spanned<String>, check: &mut Check<'_>) -> Option<T> {
    if parsed.is_none() {
        let what = format!("`{}` is not an e-mail address", text.get_ref().escape_debug());
        check.fault(Fault::error(what, Place::File(text.span())).help("write it like ops@example.org"));
    }
    parsed
}

/// Addresses beyond ASCII need an extension that few servers offer; internationalised domains are written as `xn--…`.
fn is_sendable(address: &Address) -> bool {
    address.to_string().is_ascii()
}

/// A mail server and how to talk to it.
#[derive(Clone, Debug)]
struct Server {
    host: String,
    port: u16,
    tls: Protection,
    login: Login,
}

/// How to log in.
#[derive(Clone, Debug)]
enum Login {
    /// Not at all.
    None,
    /// With a password.
    Password { user: String, password: Secret },
}

/// E-mail to a list of people, ready to be used.
#[derive(Clone, Debug)]
pub struct Email {
    name: String,
    server: Server,
    from: Mailbox,
    to: Vec<Address>,
}

impl Email {
    /// Whether the mail server is another machine.
    pub fn is_beyond(&self) -> bool {
        !is_loopback(&self.server.host)
    }

    /// The channel's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The addresses of the recipients.
    pub fn recipients(&self) -> Vec<String> {
        self.to.iter().map(ToString::to_string).collect()
    }

    /// `ops@example.org via smtp.example.org:587 (STARTTLS)`.
    pub fn describe(&self) -> String {
        let Server { host, port, tls, login: _ } = &self.server;
        format!("{} via {host}:{port} ({})", self.recipients().join(", "), tls.name())
    }

    /// Sends to the one recipient that the delivery names.
    pub async fn send(&self, delivery: &Delivery, net: &Net, now: Time, deadline: Instant) -> Outcome {
        let to = &delivery.destination.address;
        let Some(to) = to.parse::<Address>().ok().filter(is_sendable) else {
            return Outcome::Dead { why: format!("`{}` is not an e-mail address", to.escape_debug()) };
        };
        match compose::mail(delivery, &self.from, to, now) {
            Ok(mail) => smtp::send(&self.server, &mail, net, deadline).await,
            Err(why) => Outcome::Dead { why },
        }
    }
}

#[cfg(test)]
pub mod tests;

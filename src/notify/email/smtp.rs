//! The conversation with the mail server, one step at a time, so that a failure names its step, and so that only what
//! happened after the message's final dot counts as "perhaps received".
//!
//! One deadline stands over all of it: the SMTP library's own timeout covers only the connect, and a server that
//! drips one byte a second would hold it for ever.

use std::error::Error as _;
use std::time::Duration;

use lettre::Message as Mail;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::Instant;

use super::wire::Wire;
use super::{Login, Protection, Server};
use crate::model::delivery::Outcome;
use crate::model::metric::Unit;
use crate::net::Net;
use crate::net::http::{Failure, explain_io, explain_tls, find};
use crate::notify::post::redact;
use crate::text::{safe, units};

/// How long a server may take to say goodbye; the mail is settled by then.
const GOODBYE: Duration = Duration::from_millis(500);

/// How far the conversation has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Connect,
    StartTls,
    Login,
    Sender,
    Recipient,
    Data,
    Content,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Connect => "when connecting",
            Self::StartTls => "at STARTTLS",
            Self::Login => "at the login",
            Self::Sender => "at the sender",
            Self::Recipient => "at the recipient",
            Self::Data => "at DATA",
            Self::Content => "after the message",
        }
    }
}

/// Why the conversation ended early.
enum Broken {
    /// The server's answer, or what the library made of it.
    Smtp(Error),
    /// No connection, or none that is trusted.
    Io(std::io::Error),
    /// There are no roots to trust.
    Trust(Failure),
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

/// Sends `mail` and tells what became of it, before `deadline`.
pub async fn send(server: &Server, mail: &Mail, net: &Net, deadline: Instant) -> Outcome {
    let started = Instant::now();
    let mut step = Step::Connect;
    match tokio::time::timeout_at(deadline, talk(server, mail, net, &mut step)).await {
        Ok(Ok(answer)) => Outcome::sent(server.harmless(&answer)),
        Ok(Err(broken)) => server.judge(&broken, step),
        Err(_) => {
            let waited = units::value(started.elapsed().as_secs_f64().round(), Unit::Seconds);
            later(format!("no answer {} within {waited}", step.name()), step)
        }
    }
}

async fn talk(server: &Server, mail: &Mail, net: &Net, step: &mut Step) -> Result<String, Broken> {
    let mut connection = connect(server, net, step).await?;
    let result = hand_over(&mut connection, server, mail, step).await;
    // the answer is known: a failing goodbye changes nothing
    let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
    Ok(result?)
}

async fn connect(server: &Server, net: &Net, step: &mut Step) -> Result<AsyncSmtpConnection, Broken> {
    let hello = ClientId::default();
    match server.tls {
        Protection::None => {
            let wire = Wire::open(&server.host, server.port).await?;
            Ok(AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await?)
        }
        Protection::Implicit => {
            let tls = net.tls().map_err(Broken::Trust)?;
            let wire = Wire::open(&server.host, server.port).await?.encrypted(&server.host, tls).await?;
            Ok(AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await?)
        }
        Protection::StartTls => {
            let tls = tls_parameters(&server.host, net)?;
            let wire = Wire::open(&server.host, server.port).await?;
            let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello).await?;
            *step = Step::StartTls;
            connection.starttls(tls, &hello).await?;
            Ok(connection)
        }
    }
}

/// The library builds its own configuration; it is given our roots and nothing else.
fn tls_parameters(host: &str, net: &Net) -> Result<TlsParameters, Broken> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
    for root in net.roots().map_err(Broken::Trust)? {
        builder = builder.add_root_certificate(Certificate::from_der(root.to_vec())?);
    }
    Ok(builder.build()?)
}

async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    server: &Server,
    mail: &Mail,
    step: &mut Step,
) -> Result<String, Error> {
    if let Login::Password { user, password } = &server.login {
        *step = Step::Login;
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
    }
    *step = Step::Sender;
    connection.command(MailFrom::new(mail.envelope().from().cloned(), Vec::new())).await?;
    for recipient in mail.envelope().to() {
        *step = Step::Recipient;
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await?;
    }
    *step = Step::Data;
    connection.command(Data).await?;
    *step = Step::Content;
    let answer = connection.message(&mail.formatted()).await?;
    Ok(format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")))
}

fn later(why: String, step: Step) -> Outcome {
    Outcome::Later { why, after: None, ambiguous: step == Step::Content }
}

impl Server {
    /// 4yz answers pass, 5yz answers stay (RFC 5321 4.2.1); without an answer it is worth another try.
    fn judge(&self, broken: &Broken, step: Step) -> Outcome {
        let error = match broken {
            Broken::Trust(failure) => return later(failure.text.clone(), step),
            Broken::Io(error) => return later(format!("{} ({})", self.explain(error), step.name()), step),
            Broken::Smtp(error) => error,
        };
        if let Some(code) = error.status() {
            let why = format!("{code} {}: {}", step.name(), self.answer(error, step));
            return if error.is_permanent() {
                Outcome::Dead { why }
            } else {
                Outcome::Later { why, after: None, ambiguous: false }
            };
        }
        if error.is_client() {
            return self.judge_offer(error, step);
        }
        later(format!("{} ({})", self.explain(error), step.name()), step)
    }

    /// A failure without an answer of the server, in words.
    fn explain(&self, error: &(dyn std::error::Error + 'static)) -> String {
        if let Some(tls) = find::<rustls::Error>(error) {
            explain_tls(tls)
        } else if let Some(io) = find::<std::io::Error>(error) {
            explain_io(io)
        } else {
            self.harmless(&error.source().map_or_else(|| error.to_string(), ToString::to_string))
        }
    }

    /// The library found that the server does not offer what is needed.
    fn judge_offer(&self, error: &Error, step: Step) -> Outcome {
        match step {
            // somebody between us and the server may have taken the offer away; the next try may see it again
            Step::StartTls => later("the server does not offer STARTTLS, so nothing was sent".to_owned(), step),
            Step::Login => Outcome::Dead { why: "the server offers none of the logins PLAIN and LOGIN".to_owned() },
            _ => Outcome::Dead { why: self.harmless(&error.to_string()) },
        }
    }

    /// What the server said. At the login it may repeat the credentials in any encoding, so only an enhanced status
    /// code (RFC 3463) is passed on.
    fn answer(&self, error: &Error, step: Step) -> String {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        if step != Step::Login {
            return self.harmless(&text);
        }
        let first = text.split_whitespace().next().unwrap_or_default();
        let is_code = first.split('.').count() == 3 && first.chars().all(|c| c.is_ascii_digit() || c == '.');
        if is_code { format!("{first}, login refused") } else { "login refused".to_owned() }
    }

    fn harmless(&self, text: &str) -> String {
        let text = match &self.login {
            Login::None => text.to_owned(),
            Login::Password { user: _, password } => redact(text, &[password.expose()]),
        };
        safe::clip(&safe::one_line(&text), 200)
    }
}

//! Why there is no answer, in a few words that hold neither the address nor a secret.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError;

use super::{CONNECT, say};
use crate::text::safe;

/// At which point it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// The address cannot be used.
    BadUrl,
    /// The host's name could not be resolved.
    Dns,
    /// No connection.
    Connect,
    /// No trusted connection.
    Tls,
    /// Not within the deadline.
    Timeout,
    /// The answer is longer than allowed.
    TooLarge,
    /// The connection ended before the answer did.
    Cut,
    /// Anything else, such as an answer that is not HTTP.
    Other,
}

/// A call without a whole answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// At which point it failed.
    pub kind: FailureKind,
    /// What happened, in a few words.
    pub text: String,
    /// Whether the server may have received the request, and acted on it.
    pub maybe_received: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {}

impl Failure {
    /// A failure before the request left.
    pub fn unsent(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), maybe_received: false }
    }

    /// A failure after the request may have left.
    pub fn maybe(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), maybe_received: true }
    }

    /// What an error of the client library means; `answered` once the head of the answer has been read.
    pub(super) fn of(error: &reqwest::Error, answered: bool) -> Self {
        let kind_and_text = if error.is_dns() {
            (FailureKind::Dns, "the host's name could not be resolved".to_owned())
        } else if let Some(tls) = find::<rustls::Error>(error) {
            (FailureKind::Tls, explain_tls(tls))
        } else if error.is_connect() && error.is_timeout() {
            (FailureKind::Timeout, format!("no connection within {}", say(CONNECT)))
        } else if let Some(io) = find::<io::Error>(error) {
            match (error.is_connect(), io.kind()) {
                (true, io::ErrorKind::UnexpectedEof) => {
                    (FailureKind::Tls, "the server ended the connection during the TLS handshake".to_owned())
                }
                (true, _) => (FailureKind::Connect, explain_io(io)),
                (false, _) => (FailureKind::Cut, explain_io(io)),
            }
        } else if answered || is_cut(error) {
            (FailureKind::Cut, "the connection ended before the answer did".to_owned())
        } else {
            (FailureKind::Other, innermost(error))
        };
        Self { kind: kind_and_text.0, text: kind_and_text.1, maybe_received: !error.is_connect() }
    }
}

/// The innermost error of type `T` among `error` and its causes, also inside an `io::Error`.
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(current) = next {
        found = current.downcast_ref::<T>().or(found);
        // `source` of a wrapping `io::Error` skips the error it wraps
        next = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    found
}

fn is_cut(error: &reqwest::Error) -> bool {
    // hyper's own type is not a dependency of ours; the tests hold its text
    innermost(error).contains("connection closed before message completed")
}

fn innermost(error: &dyn Error) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    safe::answer(&current.to_string())
}

/// An I/O error in words.
pub fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "the connection was reset".to_owned(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            "the connection ended before the answer did".to_owned()
        }
        io::ErrorKind::HostUnreachable => "the host cannot be reached".to_owned(),
        io::ErrorKind::NetworkUnreachable => "the network cannot be reached".to_owned(),
        io::ErrorKind::TimedOut => "the connection timed out".to_owned(),
        _ => safe::answer(&error.to_string()),
    }
}

/// A TLS error in words; of an untrusted certificate, why it is not trusted.
pub fn explain_tls(error: &rustls::Error) -> String {
    use CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = error else {
        return safe::answer(&format!("TLS failed: {error}"));
    };
    match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => "the certificate has expired".to_owned(),
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "the certificate is not valid yet".to_owned(),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "the certificate is for another name".to_owned(),
        // a wrong signature is an issuer that bears a trusted name with another key
        Bad::UnknownIssuer | Bad::BadSignature => "the certificate's issuer is not trusted".to_owned(),
        Bad::Revoked => "the certificate was revoked".to_owned(),
        Bad::BadEncoding => "the certificate is broken".to_owned(),
        other => safe::answer(&format!("the certificate is not trusted: {other}")),
    }
}

//! What an HTTP answer, or its absence, means for a notification where a channel has no words of its own for it.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::delivery::Outcome;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::{Failure, FailureKind, Request, Response};
use crate::text::safe;

/// A server's words are shown up to this length.
const MOST_WORDS: usize = 200;

/// Sends `request` within `deadline`; without an answer, what that means.
pub async fn post(request: Request, net: &Net, deadline: Instant) -> Result<Response, Outcome> {
    let timeout = deadline.saturating_duration_since(Instant::now());
    net.http(Request { timeout, ..request }).await.map_err(unanswered)
}

/// An address that cannot be used never can; everything else may be gone in a minute.
fn unanswered(failure: Failure) -> Outcome {
    match failure.kind {
        FailureKind::BadUrl => Outcome::Dead { why: failure.text },
        _ => Outcome::Later { why: failure.text, after: None, ambiguous: failure.maybe_received },
    }
}

/// Status and words of an answer, short, harmless, on one line and without `secrets`.
pub fn words(reply: &Response, said: &str, secrets: &[&str]) -> String {
    let status = reply.status.as_u16();
    match safe::clip(&safe::one_line(&redact(said, secrets)), MOST_WORDS).trim() {
        "" => status.to_string(),
        said => format!("{status} {said}"),
    }
}

/// What an answer that is no success means: a redirection is never followed, since a login page behind it would answer
/// 200; what blames the request is final; what blames the moment is not. `expected` is what a success would have been.
pub fn refused(reply: &Response, why: String, expected: &str, now: Time) -> Outcome {
    match reply.status.as_u16() {
        status @ 300..=399 => {
            Outcome::dead(format!("{status}: redirected, perhaps to a login page; nothing was posted"))
        }
        408 | 425 | 429 | 500..=599 => Outcome::later(why, reply.retry_after(now)),
        400..=499 => Outcome::dead(why),
        // a captive portal or a proxy's page: it may be gone in a minute
        _ => Outcome::later(format!("{why}: not {expected}"), None),
    }
}

/// `text` without `secrets`, however a server came to repeat them, and without what follows `Basic`: there they are in
/// another alphabet.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let text = secrets
        .iter()
        .filter(|secret| secret.len() >= 4)
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
    let mut parts = text.split("Basic ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+/=".contains(c));
        format!("{out}Basic ***{rest}")
    })
}

/// `asked` in whole or broken seconds, as JSON answers write it.
pub fn seconds(asked: &serde_json::Value) -> Option<Duration> {
    asked.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_a_server_repeats_is_blotted_out() {
        assert_eq!(redact("no such hook: T0/B0/xyz", &["B0/xyz", "x"]), "no such hook: T0/***");
        assert_eq!(redact("no Basic QUM6c2VjcmV0= here", &[]), "no Basic *** here");
    }
}

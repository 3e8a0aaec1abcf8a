//! What Twilio's answers mean. The numbers are those of <https://www.twilio.com/docs/api/errors>.

use serde_json::Value;

use crate::model::delivery::{Fate, Outcome};
use crate::model::time::Time;
use crate::net::http::Response;
use crate::notify::post::{redact, refused, words};
use crate::text::safe;

/// "Too many requests", whatever status it comes with: surely not processed.
const TOO_MANY: i64 = 20429;

/// What the answer to a post means.
pub fn taken(reply: &Response, secrets: &[&str], now: Time) -> Outcome {
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let status = reply.status.as_u16();
    let sid = answer["sid"].as_str().filter(|sid| is_message(sid));
    if let (201, Some(sid)) = (status, sid) {
        return match fate_of(&answer, secrets) {
            Fate::Failed(why) => Outcome::dead(format!("{status} {why}")),
            Fate::Arrived(word) | Fate::Underway(word) => {
                Outcome::Sent { answer: format!("{status} {word} {sid}"), receipt: Some(sid.to_owned()) }
            }
        };
    }
    let why = match (answer["code"].as_i64(), answer["message"].as_str()) {
        (Some(code), message) => words(reply, &format!("{code} {}", message.unwrap_or_default()), secrets),
        (None, _) => words(reply, &reply.text(), secrets),
    };
    match status {
        // taken, but by whom: it may be on its way
        201 => Outcome::Later { why: format!("{why}: an answer without a sid"), after: None, ambiguous: true },
        _ if answer["code"] == TOO_MANY => Outcome::later(why, reply.retry_after(now)),
        // Twilio on 20500: the message may have been sent all the same
        500..=599 => Outcome::Later { why, after: reply.retry_after(now), ambiguous: true },
        _ => refused(reply, why, "Twilio's answer", now),
    }
}

/// What the answer to a question about a message means; in words, that it means nothing.
pub fn fate(reply: &Response, secrets: &[&str]) -> Result<Fate, String> {
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status.as_u16() == 200 && answer["status"].is_string() {
        return Ok(fate_of(&answer, secrets));
    }
    let said = answer["message"].as_str().map_or_else(|| reply.text().into_owned(), str::to_owned);
    Err(words(reply, &said, secrets))
}

fn fate_of(answer: &Value, secrets: &[&str]) -> Fate {
    let word = safe::clip(&safe::one_line(&redact(answer["status"].as_str().unwrap_or("taken"), secrets)), 40);
    match word.as_str() {
        "delivered" | "read" | "received" => Fate::Arrived(word),
        "undelivered" | "failed" | "canceled" => Fate::Failed(match answer["error_code"].as_i64() {
            Some(code) => format!("{word}: {code} {}", reason(code, answer, secrets)).trim_end().to_owned(),
            None => word,
        }),
        _ => Fate::Underway(word),
    }
}

/// Twilio's words for an error code, or ours where it has none.
fn reason(code: i64, answer: &Value, secrets: &[&str]) -> String {
    let ours = match code {
        30003 => "the phone cannot be reached",
        30004 => "the phone or its operator blocks the message",
        30005 => "the number is not known",
        30006 => "the number is a landline, or its operator cannot be reached",
        30007 => "the operator filtered it as unwanted",
        30008 => "the operator gave no reason",
        30036 => "it could not be handed on within its validity",
        30044 => "longer than a trial account may send",
        30500 => "Twilio failed",
        _ => "",
    };
    let said = answer["error_message"].as_str().unwrap_or(ours);
    safe::clip(&safe::one_line(&redact(said, secrets)), 150)
}

/// `SM…` (or `MM…`, for several media): also what is put into an address later.
fn is_message(sid: &str) -> bool {
    super::is_sid(sid, "SM") || super::is_sid(sid, "MM")
}

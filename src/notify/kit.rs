//! What the channels' tests share: one delivery, a way to build a channel from TOML, and the cases that every kind of
//! channel brings to the tests that are the same for all (`tests.rs` beside this file).

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{Channel, Settings};
use crate::model::delivery::{Delivery, Outcome, State};
use crate::model::message::{Destination, Kind, Message};
use crate::model::secret::Secret;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::net::Net;
use crate::support::http::{Answer, HttpFake, Manner};
use crate::support::ports::ReservedPort;
use crate::text::check::Check;

/// A secret that no answer, error, description or `Debug` output may hold.
pub const CANARY: &str = "canary5e1d";

/// One channel at one fake, and what its send must come to there.
pub struct Case {
    /// What the fake does.
    pub what: String,
    /// The channel.
    pub channel: Channel,
    /// What is sent.
    pub delivery: Delivery,
    /// The network with the roots the fake needs.
    pub net: Net,
    /// How long the send may take.
    pub limit: Duration,
    /// What must come of it; the reason may name a time that is a little shorter than `limit`.
    pub expected: Outcome,
    /// The fake and its files, kept until the case is over.
    pub fake: Fake,
}

/// What stands behind a case.
pub enum Fake {
    /// An HTTP server.
    Http(HttpFake),
    /// Files, which are removed with it.
    Folder(#[allow(dead_code, reason = "kept, not read")] tempfile::TempDir),
    /// Nobody.
    Closed(#[allow(dead_code, reason = "kept, not read")] ReservedPort),
}

/// The provider took it.
pub fn ok(answer: &str) -> Outcome {
    Outcome::sent(answer)
}

/// Not now, and surely not taken.
pub fn later(why: &str, after: Option<u64>) -> Outcome {
    Outcome::later(why, after.map(Duration::from_secs))
}

/// Not now, but it may have been taken.
pub fn unsure(why: &str) -> Outcome {
    Outcome::Later { why: why.to_owned(), after: None, ambiguous: true }
}

/// Never.
pub fn dead(why: &str) -> Outcome {
    Outcome::dead(why)
}

/// The cases of a channel that speaks HTTP: its own answers, and what every channel must make of a transport that
/// fails. `at` writes the settings for a server at an address.
pub fn http_cases(at: fn(&str) -> String, answers: Vec<(Answer, Outcome)>) -> Vec<Case> {
    let (ended, gone) = ("the connection ended before the answer did", "the connection was reset");
    let login = "302: redirected, perhaps to a login page; nothing was posted";
    let whole = |manner| Answer::new(200, "ok").manner(manner);
    let transport = [
        (whole(Manner::Reset), unsure(gone)),
        (whole(Manner::Cut(0)), unsure(ended)),
        (whole(Manner::Cut(55)), unsure(ended)),
        (whole(Manner::Silence), unsure("no answer within ")),
        (Answer::new(302, "").header("location", "/login"), dead(login)),
        (Answer::new(413, ""), dead("413")),
        (Answer::new(408, ""), later("408", None)),
        (Answer::new(429, "").header("retry-after", "30"), later("429", Some(30))),
        (Answer::new(429, ""), later("429", None)),
    ];
    let mut cases: Vec<Case> = answers
        .into_iter()
        .chain(transport)
        .map(|(answer, expected)| {
            let fake = HttpFake::start([answer.clone()]);
            case(format!("{answer:?}"), &at(&fake.url("")), expected, Fake::Http(fake))
        })
        .collect();
    let closed = ReservedPort::take();
    let url = at(&format!("http://{closed}"));
    cases.push(case("nobody listens".to_owned(), &url, later("connection refused", None), Fake::Closed(closed)));
    cases
}

/// A case with the usual delivery and without TLS.
pub fn case(what: String, toml: &str, expected: Outcome, fake: Fake) -> Case {
    let channel = build(toml).unwrap_or_else(|faults| panic!("{toml}\n{faults:#?}"));
    // a silent server must be waited for, everybody else is quick also on a busy machine
    let limit = if what.contains("Silence") { Duration::from_millis(400) } else { super::SEND_LIMIT };
    Case { what, channel, delivery: delivery(Kind::Firing), net: Net::new(None, None), limit, expected, fake }
}

/// Outbox row 7 about alert 41, at 09:00, five minutes after the trouble began.
pub fn delivery(kind: Kind) -> Delivery {
    let at = Time::from_millis(1_795_424_400_000);
    let message = Message {
        kind,
        severity: Severity::Critical,
        alert: "HIGH_MEMORY_USAGE".to_owned(),
        number: Some(41),
        summary: "Memory at 96.1 %".to_owned(),
        value: Some("96.1 %".to_owned()),
        limit: Some("> 95 %".to_owned()),
        worst: Some("97 %".to_owned()),
        labels: vec![("mount".to_owned(), "/data".to_owned())],
        since: at - Duration::from_mins(5),
        at,
        system: "Sippar bridge".to_owned(),
        environment: "production".to_owned(),
        host: "node-1".to_owned(),
        action: Some("Find the process: ps aux --sort=-rss | head".to_owned()),
        runbook_url: Some("https://runbooks.example/HIGH_MEMORY_USAGE".to_owned()),
        note: None,
        trend: None,
        responses: Vec::new(),
        list: Vec::new(),
    };
    Delivery {
        id: 7,
        alert: Some(3),
        destination: Destination { channel: "ops".to_owned(), address: "ops@example.org".to_owned() },
        message,
        state: State::Sending,
        attempts: 1,
        maybe_repeat: false,
        created: at,
        due: at,
        last_answer: None,
        parcel: None,
    }
}

#[derive(Deserialize)]
struct File {
    channel: Spanned<Settings>,
}

/// The channel that `[channel]` in `toml` describes, or the faults with the text they point at.
pub fn build(toml: &str) -> Result<Channel, Vec<String>> {
    let file: File = toml::from_str(toml).map_err(|error| vec![error.message().to_owned()])?;
    let resolve = |text: &str| match text.strip_prefix("env:") {
        Some("CANARY") => Ok(Secret::new(CANARY)),
        Some(name) => Err(format!("the environment variable {name} is not set")),
        None => Ok(Secret::new(text)),
    };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let built = file.channel.get_ref().build("ops", &file.channel.span(), &mut check);
    let faults: Vec<_> = check
        .faults
        .iter()
        .map(|located| &located.fault)
        .map(|fault| match &fault.place {
            crate::model::fault::Place::File(range) => {
                format!("{} @ {}", fault.what, toml.get(range.clone()).unwrap_or("?").trim())
            }
            _ => fault.what.clone(),
        })
        .collect();
    match built {
        Some(channel) if faults.is_empty() => Ok(channel),
        _ => Err(faults),
    }
}

/// The settings that `[channel]` in `toml` describes, as `Debug` shows them.
pub fn settings(toml: &str) -> String {
    toml::from_str::<File>(toml).map_or_else(|error| error.message().to_owned(), |file| format!("{:?}", file.channel))
}

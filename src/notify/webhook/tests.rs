use serde_json::json;

use super::*;
use crate::model::message::Kind;
use crate::notify::kit::{self, CANARY, Case, dead, later, ok};
use crate::support::http::{Answer, HttpFake};

/// Settings with a secret in the address, in a header and as the key.
pub fn at(base: &str) -> String {
    format!(
        "[channel.webhook]\nurl = \"{base}/in/{CANARY}?key={CANARY}&v=2\"\nsigning_key = \"env:CANARY\"\n\
         headers = {{ Authorization = \"Bearer {CANARY}\", X-Key = \"{CANARY}\" }}\n"
    )
}

pub fn cases() -> Vec<Case> {
    let answers = vec![
        (Answer::new(200, "thanks"), ok("200 thanks")),
        (Answer::new(202, ""), ok("202")),
        (Answer::new(204, ""), ok("204")),
        (Answer::new(299, ""), ok("299")),
        (
            Answer::new(307, "").header("location", "/x"),
            dead("307: redirected, perhaps to a login page; nothing was posted"),
        ),
        (Answer::new(400, "bad"), dead("400 bad")),
        (Answer::new(401, "who?"), dead("401 who?")),
        (Answer::new(404, ""), dead("404")),
        (Answer::new(410, ""), dead("410")),
        (Answer::new(500, "x\x1b]0;evil\x07"), later(r"500 x\u{1b}]0;evil\u{7}", None)),
        (Answer::new(503, "").header("retry-after", "7"), later("503", Some(7))),
    ];
    kit::http_cases(at, answers)
}

pub fn bad() -> Vec<String> {
    vec![
        format!("[channel.webhook]\nurl = \"{CANARY} no address\"\n"),
        format!("[channel.webhook]\nurl = \"http://far.example/{CANARY}\"\n"),
        format!("[channel.webhook]\nurl = \"https://x.example/\"\nheaders = {{ \"no header\" = \"{CANARY}\" }}\n"),
        format!("[channel.webhook]\nurl = \"https://x.example/\"\nheaders = {{ Idempotency-Key = \"{CANARY}\" }}\n"),
    ]
}

/// What a webhook without a signature is sent for `kind`.
async fn posted(toml: &str, fake: &HttpFake, delivery: &Delivery) -> crate::support::http::Seen {
    let channel = kit::build(toml).unwrap();
    let outcome = channel.send(delivery, &Net::new(None, None), delivery.created).await;
    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    fake.seen().pop().unwrap()
}

#[tokio::test]
async fn the_body_has_every_field_under_its_own_name() {
    let fake = HttpFake::start([Answer::new(200, "")]);
    let toml = format!("[channel.webhook]\nurl = \"{}\"\n", fake.url("/in"));
    let seen = posted(&toml, &fake, &kit::delivery(Kind::Firing)).await;
    let expected = json!({
        "version": 1,
        "id": 7,
        "possible_repeat": false,
        "attempt": 1,
        "created": "2026-11-23T09:00:00Z",
        "kind": "firing",
        "severity": "CRITICAL",
        "alert": "HIGH_MEMORY_USAGE",
        "number": 41,
        "headline": "[CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 %",
        "summary": "Memory at 96.1 %",
        "value": "96.1 %",
        "limit": "> 95 %",
        "worst": "97 %",
        "labels": {"mount": "/data"},
        "since": "2026-11-23T08:55:00Z",
        "at": "2026-11-23T09:00:00Z",
        "system": "Sippar bridge",
        "environment": "production",
        "host": "node-1",
        "action": "Find the process: ps aux --sort=-rss | head",
        "runbook_url": "https://runbooks.example/HIGH_MEMORY_USAGE",
        "note": null,
    });
    assert_eq!(seen.json(), expected);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/in"));
    assert_eq!(seen.header("idempotency-key"), Some("7"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("user-agent"), Some(concat!("sippar-mon/", env!("CARGO_PKG_VERSION"))));
    assert_eq!((seen.header("x-sippar-mon-signature"), seen.header("x-sippar-mon-timestamp")), (None, None));
}

#[tokio::test]
async fn a_repeat_has_the_same_key_and_says_so() {
    let fake = HttpFake::start([Answer::new(200, "")]);
    let toml = format!("[channel.webhook]\nurl = \"{}\"\n", fake.url("/in"));
    let again = Delivery { maybe_repeat: true, attempts: 2, ..kit::delivery(Kind::Resolved) };
    let seen = posted(&toml, &fake, &again).await;
    let body = seen.json();
    assert_eq!(seen.header("idempotency-key"), Some("7"));
    assert_eq!(
        (&body["possible_repeat"], &body["attempt"], &body["kind"]),
        (&json!(true), &json!(2), &json!("resolved"))
    );
}

/// Checked with `openssl dgst -sha256 -hmac key` over the same bytes.
#[tokio::test]
async fn the_signature_is_an_hmac_of_time_and_body() {
    let by_openssl = "v1=eedfae0370d04ab00d094bfc842533bd9cbc51fcf71465a5ef702ad1f23cf716";
    assert_eq!(signature(&Secret::new("key"), "1795424400", b"{}"), by_openssl);

    let fake = HttpFake::start([Answer::new(200, "")]);
    let toml = format!("[channel.webhook]\nurl = \"{}\"\nsigning_key = \"key\"\n", fake.url("/in"));
    let seen = posted(&toml, &fake, &kit::delivery(Kind::Firing)).await;
    assert_eq!(seen.header("x-sippar-mon-timestamp"), Some("1795424400"));
    let expected = signature(&Secret::new("key"), "1795424400", &seen.body);
    assert_eq!(seen.header("x-sippar-mon-signature"), Some(expected.as_str()));
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    for (toml, described) in [
        ("url = \"https://hooks.example.org/x\"", "webhook at hooks.example.org"),
        ("url = \"http://127.0.0.1:80\"", "webhook at 127.0.0.1"),
        ("url = \"http://far.example/\"\ndanger_allow_plaintext = true", "webhook at far.example"),
    ] {
        assert_eq!(kit::build(&format!("[channel.webhook]\n{toml}\n")).unwrap().describe(), described, "{toml}");
    }
    for (toml, expected) in [
        ("", "`url` is missing @ [channel.webhook]"),
        ("url = \"env:NOPE\"", "the environment variable NOPE is not set @ \"env:NOPE\""),
        ("url = \"ftp://x\"", "channel `ops`: `url` is not an address that begins with http:// or https://"),
        ("url = \"http://far.example/\"", "channel `ops`: `url` is a plain http address of another machine"),
        (
            "url = \"https://x.example\"\nheaders = { Content-Type = \"env:CANARY\" }",
            "the header `Content-Type` is set by the channel itself @ \"env:CANARY\"",
        ),
        (
            "url = \"https://x.example\"\nsigning_key = \"env:NOPE\"",
            "the environment variable NOPE is not set @ \"env:NOPE\"",
        ),
    ] {
        assert_eq!(kit::build(&format!("[channel.webhook]\n{toml}\n")).unwrap_err(), [expected], "{toml}");
    }
}

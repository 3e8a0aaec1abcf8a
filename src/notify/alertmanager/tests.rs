use serde_json::{Value, json};

use super::*;
use crate::notify::Channel;
use crate::notify::kit::{self, CANARY, Case, dead, later, ok};
use crate::support::http::{Answer, HttpFake};

pub fn at(base: &str) -> String {
    format!("[channel.alertmanager]\nurl = \"{base}\"\nheaders = {{ Authorization = \"Bearer {CANARY}\" }}\n")
}

pub fn cases() -> Vec<Case> {
    let answers = vec![
        (Answer::new(200, ""), ok("200")),
        (Answer::new(204, ""), later("204: not Alertmanager's answer", None)),
        (
            Answer::new(400, "\"start time must be before end time\""),
            dead("400 \"start time must be before end time\""),
        ),
        (Answer::new(401, "Unauthorized"), dead("401 Unauthorized")),
        (Answer::new(404, ""), dead("404")),
        (Answer::new(500, "\"closing\""), later("500 \"closing\"", None)),
        (Answer::new(503, "").header("retry-after", "3"), later("503", Some(3))),
    ];
    kit::http_cases(at, answers)
}

pub fn bad() -> Vec<String> {
    vec![
        format!("[channel.alertmanager]\nurl = \"http://me:{CANARY}@far.example\"\n"),
        format!("[channel.alertmanager]\nurl = \"https://x.example\"\nheaders = {{ \"no header\" = \"{CANARY}\" }}\n"),
    ]
}

/// `severity startsAt endsAt` of each alert of a post.
fn spans(post: &Value) -> Vec<String> {
    let one = |alert: &Value| format!("{} {} {}", alert["labels"]["severity"], alert["startsAt"], alert["endsAt"]);
    post.as_array().unwrap().iter().map(one).map(|span| span.replace('"', "")).collect()
}

async fn posted(kind: Kind, severity: Severity) -> Value {
    let fake = HttpFake::start([Answer::new(200, "")]);
    let mut delivery = kit::delivery(kind);
    delivery.message.severity = severity;
    let channel = kit::build(&at(&fake.url("/"))).unwrap();
    assert_eq!(channel.send(&delivery, &Net::new(None, None), delivery.created).await, ok("200"));
    let [seen] = fake.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/api/v2/alerts"));
    seen.json()
}

#[tokio::test]
async fn the_whole_alert() {
    let expected = json!([{
        "labels": {"alertname": "HIGH_MEMORY_USAGE", "severity": "CRITICAL", "mount": "/data"},
        "annotations": {
            "summary": "Memory at 96.1 %",
            "value": "96.1 %",
            "limit": "> 95 %",
            "worst": "97 %",
            "action": "Find the process: ps aux --sort=-rss | head",
            "runbook_url": "https://runbooks.example/HIGH_MEMORY_USAGE",
            "system": "Sippar bridge (production)",
            "host": "node-1",
            "number": "41",
        },
        "startsAt": "2026-11-23T08:55:00Z",
        "endsAt": "2026-11-23T10:00:00Z",
    }]);
    assert_eq!(posted(Kind::Firing, Severity::Critical).await, expected);
}

#[tokio::test]
async fn another_severity_ends_the_one_before_and_the_end_ends_all() {
    let (since, now, later) = ("2026-11-23T08:55:00Z", "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z");
    let all = |firing: Option<&str>| {
        ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
            .map(|severity| format!("{severity} {since} {}", if firing == Some(severity) { later } else { now }))
    };
    assert_eq!(spans(&posted(Kind::Raised, Severity::Critical).await), all(Some("CRITICAL")));
    assert_eq!(spans(&posted(Kind::Eased, Severity::High).await), all(Some("HIGH")));
    assert_eq!(spans(&posted(Kind::Resolved, Severity::High).await), all(None));
    assert_eq!(spans(&posted(Kind::Test, Severity::Medium).await), [format!("MEDIUM {since} 2026-11-23T09:05:00Z")]);
}

#[tokio::test]
async fn what_fires_is_posted_again_in_one_go() {
    let fake = HttpFake::start([Answer::new(200, "")]);
    let Channel::Alertmanager(channel) = kit::build(&at(&fake.url(""))).unwrap() else { panic!("another kind") };
    let mut other = kit::delivery(Kind::Raised);
    other.message.severity = Severity::High;
    let told = [kit::delivery(Kind::Firing), other];
    let now = told[0].created + Duration::from_hours(5);
    let deadline = Instant::now() + crate::notify::SEND_LIMIT;
    assert_eq!(channel.remind(&told, &Net::new(None, None), now, deadline).await, ok("200"));
    let (since, until) = ("2026-11-23T08:55:00Z", "2026-11-23T15:00:00Z");
    assert_eq!(spans(&fake.seen()[0].json()), [format!("CRITICAL {since} {until}"), format!("HIGH {since} {until}")]);
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let url = "url = \"http://127.0.0.1:9093\"";
    let described = kit::build(&format!("[channel.alertmanager]\n{url}\nhold = \"5m\"\n")).unwrap().describe();
    assert_eq!(described, "Alertmanager at 127.0.0.1");
    for (toml, expected) in [
        (String::new(), "`url` is missing @ [channel.alertmanager]"),
        ("url = \"9093\"".to_owned(), "channel `ops`: `url` is not an address: relative URL without a base"),
        (
            format!("{url}\nhold = \"4m\""),
            "`hold` is shorter than five posts: an alert would end there while it fires @ \"4m\"",
        ),
        (format!("{url}\nhold = \"-4m\""), "`-4m` is not a duration; write it like 90s, 5m, 1h30m or 500ms @ \"-4m\""),
    ] {
        assert_eq!(kit::build(&format!("[channel.alertmanager]\n{toml}\n")).unwrap_err(), [expected], "{toml}");
    }
}

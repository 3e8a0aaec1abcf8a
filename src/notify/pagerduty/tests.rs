use serde_json::json;

use super::*;
use crate::notify::kit::{self, CANARY, Case, dead, later, ok};
use crate::support::http::{Answer, HttpFake};

/// 32 characters, as they are.
fn key() -> String {
    format!("{CANARY}{CANARY}{CANARY}00")
}

pub fn at(base: &str) -> String {
    format!("[channel.pagerduty]\nrouting_key = \"{}\"\nbase_url = \"{base}\"\n", key())
}

pub fn cases() -> Vec<Case> {
    let taken = json!({"status": "success", "message": "Event processed", "dedup_key": "x"}).to_string();
    let invalid = json!({"status": "invalid event", "message": "Event object is invalid", "errors": ["Length of 'routing_key' is incorrect"]});
    let answers = vec![
        (Answer::new(202, taken.clone()), ok("202 Event processed")),
        (Answer::new(202, ""), ok("202")),
        (Answer::new(200, taken), later("200 Event processed: not PagerDuty's answer", None)),
        (Answer::new(200, "<html>log in</html>"), later("200 <html>log in</html>: not PagerDuty's answer", None)),
        (
            Answer::new(400, invalid.to_string()),
            dead("400 Event object is invalid: Length of 'routing_key' is incorrect"),
        ),
        (Answer::new(403, ""), dead("403")),
        (Answer::new(429, "{\"message\":\"slow\"}").header("retry-after", "20"), later("429 slow", Some(20))),
        (Answer::new(500, ""), later("500", None)),
        (Answer::new(503, ""), later("503", None)),
    ];
    kit::http_cases(at, answers)
}

pub fn bad() -> Vec<String> {
    let key = key();
    vec![
        format!("[channel.pagerduty]\nrouting_key = \"{CANARY}\"\n"),
        format!("[channel.pagerduty]\nrouting_key = \"{key}\"\nbase_url = \"http://{CANARY}@far.example\"\n"),
        format!("[channel.pagerduty]\nrouting_key = \"{key}\"\nbase_url = \"{CANARY}\"\n"),
    ]
}

fn sent(kind: Kind) -> Value {
    event(&kit::delivery(kind), "K")
}

#[test]
fn the_whole_event() {
    let expected = json!({
        "routing_key": "K",
        "event_action": "trigger",
        "dedup_key": "sippar-mon/node-1/41/HIGH_MEMORY_USAGE",
        "client": "sippar-mon on node-1",
        "links": [{"href": "https://runbooks.example/HIGH_MEMORY_USAGE", "text": "Runbook"}],
        "payload": {
            "summary": "[CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 %",
            "source": "node-1",
            "severity": "critical",
            "timestamp": "2026-11-23T09:00:00Z",
            "component": "Sippar bridge (production)",
            "class": "HIGH_MEMORY_USAGE",
            "custom_details": {
                "Alert type": "HIGH_MEMORY_USAGE",
                "Severity": "CRITICAL",
                "Message": "Memory at 96.1 %",
                "Value": "96.1 %",
                "Limit": "> 95 %",
                "Worst value": "97 %",
                "Since": "2026-11-23T08:55:00Z",
                "Timestamp": "2026-11-23T09:00:00Z",
                "System": "Sippar bridge (production)",
                "Host": "node-1",
                "mount": "/data",
                "Action required": "Find the process: ps aux --sort=-rss | head",
                "Id": "id 41-7",
            },
        },
    });
    assert_eq!(sent(Kind::Firing), expected);
}

#[test]
fn an_incident_begins_goes_on_and_ends_under_one_key() {
    for kind in Kind::ALL {
        let action = match kind {
            Kind::Resolved => "resolve",
            Kind::Acknowledged => "acknowledge",
            _ => "trigger",
        };
        let event = sent(kind);
        assert_eq!(event["event_action"], action, "{kind:?}");
        assert_eq!(event["dedup_key"], "sippar-mon/node-1/41/HIGH_MEMORY_USAGE");
        assert_eq!(event.get("payload").is_some(), action == "trigger", "{kind:?}");
    }
    let mut test = kit::delivery(Kind::Test);
    test.message.number = None;
    assert_eq!(event(&test, "K")["dedup_key"], "sippar-mon/node-1/test/HIGH_MEMORY_USAGE", "tests do not pile up");
}

#[test]
fn their_limits_are_kept_whatever_the_message_holds() {
    let mut delivery = kit::delivery(Kind::Firing);
    let long = "ä\u{202e}".repeat(5000);
    let message = &mut delivery.message;
    for text in [&mut message.alert, &mut message.summary, &mut message.system, &mut message.host] {
        long.clone_into(text);
    }
    message.labels = (0..100).map(|i| (format!("l{i}"), long.clone())).collect();
    let event = event(&delivery, "K");
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    assert!(length(&event["payload"]["summary"]) <= MAX_SUMMARY);
    assert!(length(&event["dedup_key"]) <= MAX_KEY);
    assert!(event.to_string().len() < 512_000);
}

#[tokio::test]
async fn it_goes_to_the_queue() {
    let fake = HttpFake::start([Answer::new(202, "")]);
    let delivery = kit::delivery(Kind::Resolved);
    let channel = kit::build(&at(&fake.url("/"))).unwrap();
    channel.send(&delivery, &Net::new(None, None), delivery.created).await;
    let [seen] = fake.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v2/enqueue"));
    assert_eq!(seen.json(), event(&delivery, &key()));
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let good = format!("routing_key = \"{}\"", key());
    for (toml, described) in [
        (good.clone(), "events at events.pagerduty.com"),
        (format!("{good}\nbase_url = \"https://events.eu.pagerduty.com/\""), "events at events.eu.pagerduty.com"),
    ] {
        assert_eq!(kit::build(&format!("[channel.pagerduty]\n{toml}\n")).unwrap().describe(), described, "{toml}");
    }
    for (toml, expected) in [
        (String::new(), "`routing_key` is missing @ [channel.pagerduty]"),
        (
            "routing_key = \"env:CANARY\"".to_owned(),
            "channel `ops`: `routing_key` is not 32 letters and digits @ \"env:CANARY\"",
        ),
        (
            format!("{good}\nbase_url = \"http://far.example\""),
            "channel `ops`: `base_url` is a plain http address of another machine",
        ),
    ] {
        assert_eq!(kit::build(&format!("[channel.pagerduty]\n{toml}\n")).unwrap_err(), [expected], "{toml}");
    }
}

use std::time::Duration;

use super::*;
use crate::model::message::Kind;
use crate::notify::kit::{self, CANARY, Case, dead, later, ok};
use crate::notify::{Channel, SEND_LIMIT};
use crate::support::http::{Answer, HttpFake};

/// Settings with the secret where Slack has it.
pub fn at(base: &str) -> String {
    format!("[channel.slack]\nwebhook_url = \"{base}/services/T0/B0/{CANARY}\"\nchannel = \"#ops\"\n")
}

pub fn cases() -> Vec<Case> {
    let login = "302: redirected, perhaps to a login page; nothing was posted";
    let answers = vec![
        (Answer::new(200, "ok"), ok("200 ok")),
        (Answer::new(200, "<html>log in</html>"), later("200 <html>log in</html>: not Slack's answer `ok`", None)),
        (Answer::new(200, ""), later("200: not Slack's answer `ok`", None)),
        (Answer::new(204, ""), later("204: not Slack's answer `ok`", None)),
        (Answer::new(200, "no_service"), dead("200 no_service")),
        (Answer::new(302, "").header("location", "/login"), dead(login)),
        (Answer::new(400, "user_not_found"), dead("400 user_not_found")),
        (Answer::new(403, "action_prohibited"), dead("403 action_prohibited")),
        (Answer::new(404, "channel_not_found"), dead("404 channel_not_found")),
        (Answer::new(410, "channel_is_archived"), dead("410 channel_is_archived")),
        (Answer::new(413, ""), dead("413")),
        (Answer::new(408, ""), later("408", None)),
        (Answer::new(429, "rate_limited").header("retry-after", "30"), later("429 rate_limited", Some(30))),
        (Answer::new(429, ""), later("429", None)),
        (Answer::new(500, "rollup_error"), dead("500 rollup_error")),
        (Answer::new(500, ""), later("500", None)),
        (Answer::new(503, "x\x1b]0;evil\x07"), later(r"503 x\u{1b}]0;evil\u{7}", None)),
        (Answer::new(502, format!("no hook {CANARY}")), later("502 no hook ***", None)),
    ];
    kit::http_cases(at, answers)
}

pub fn bad() -> Vec<String> {
    [format!("xoxb-1:{CANARY}"), format!("http://hooks.slack.com/{CANARY}"), format!("https://acme.slack.com/{CANARY}")]
        .map(|url| format!("[channel.slack]\nwebhook_url = \"{url}\"\n"))
        .into()
}

/// The outcome of sending through a webhook at `fake`.
async fn sent(fake: &HttpFake, limit: Duration) -> Outcome {
    let channel = kit::build(&at(&fake.url(""))).unwrap();
    let Channel::Slack(slack) = &channel else { panic!("not Slack: {channel:?}") };
    let delivery = kit::delivery(Kind::Firing);
    slack.send(&delivery, &Net::new(None, None), delivery.created, Instant::now() + limit).await
}

#[tokio::test]
async fn an_endless_answer_is_read_no_further_than_needed() {
    let fake = HttpFake::start([Answer::new(500, "x".repeat(1 << 20))]);
    let Outcome::Later { why, .. } = sent(&fake, SEND_LIMIT).await else { panic!("not later") };
    assert_eq!(why.chars().count(), "500 ".len() + 200);
}

#[tokio::test]
async fn a_refused_form_still_gets_through_as_plain_text() {
    for word in FORM {
        let fake = HttpFake::start([Answer::new(400, word), Answer::new(200, "ok")]);
        let expected = format!("200 ok (as plain text, since the blocks were refused: 400 {word})");
        assert_eq!(sent(&fake, SEND_LIMIT).await, ok(&expected));
        let bodies: Vec<_> = fake.seen().iter().map(crate::support::http::Seen::json).collect();
        assert_eq!(bodies.iter().map(|body| body.get("blocks").is_some()).collect::<Vec<_>>(), [true, false]);
        assert!(bodies.iter().all(|body| body["channel"] == "#ops" && body["text"].as_str().is_some()));
    }
    let fake = HttpFake::start([Answer::new(400, "invalid_payload")]);
    let expected = "refused with blocks (400 invalid_payload) and as plain text (400 invalid_payload)";
    assert_eq!((sent(&fake, SEND_LIMIT).await, fake.seen().len()), (dead(expected), 2));
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let good = "webhook_url = \"https://hooks.slack.com/services/T0/B0/x\"";
    let danger = "webhook_url = \"http://chat.example/hooks/x\"\ndanger_allow_plaintext = true";
    for (toml, described) in [
        (format!("{good}\nchannel = \"#ops\""), "#ops via hooks.slack.com"),
        (good.to_owned(), "webhook at hooks.slack.com"),
        ("webhook_url = \"https://chat.example/hooks/x\\n\"".to_owned(), "webhook at chat.example"),
        ("webhook_url = \"http://127.0.0.1:80/hooks/x\"".to_owned(), "webhook at 127.0.0.1"),
        (danger.to_owned(), "webhook at chat.example"),
    ] {
        let channel = kit::build(&format!("[channel.slack]\n{toml}\n")).unwrap();
        assert_eq!(channel.describe(), described, "{toml}");
    }
    for (toml, expected) in [
        ("", "`webhook_url` is missing @ [channel.slack]"),
        ("webhook_url = \"env:NOPE\"", "the environment variable NOPE is not set @ \"env:NOPE\""),
        (
            "webhook_url = \"env:CANARY\"",
            "channel `ops`: `webhook_url` is not an address: relative URL without a base @ \"env:CANARY\"",
        ),
        (
            "webhook_url = \"xoxb-1:canary\"",
            "channel `ops`: `webhook_url` is not an address that begins with http:// or https://",
        ),
        (
            "webhook_url = \"http://hooks.slack.com/services/x\"",
            "channel `ops`: `webhook_url` is a plain http address of another machine",
        ),
        (
            "webhook_url = \"https://acme.slack.com/services/x\"",
            "channel `ops`: `webhook_url` names the host acme.slack.com, which takes no webhooks",
        ),
        ("webhook_url = \"https://hooks.slack.com/\"", "channel `ops`: `webhook_url` has no path"),
    ] {
        let faults = kit::build(&format!("[channel.slack]\n{toml}\n")).unwrap_err();
        assert_eq!(faults, [expected], "{toml}");
    }
}

#[test]
fn the_environment_alone_makes_a_channel() {
    let none: &dyn Fn(&str) -> Option<String> = &|_| None;
    assert!(Settings::from_env(none).is_none());
    let get = |name: &str| Some(if name == "SLACK_CHANNEL" { "#ops" } else { "https://x.example/y" }.to_owned());
    let settings = Settings::from_env(&get).unwrap();
    let resolve = |name: &str| {
        assert_eq!(name, "env:SLACK_WEBHOOK_URL");
        Ok(Secret::new("https://hooks.example/x"))
    };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let slack = settings.build("slack", &(0..0), &mut check).unwrap();
    assert_eq!((slack.name(), slack.describe().as_str()), ("slack", "#ops via hooks.example"));
}

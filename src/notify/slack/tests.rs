use std::time::Duration;

use super::*;
use crate::model::message::Kind;
use crate::notify::{Channel, SEND_LIMIT, kit};
use crate::support::http::{Answer, HttpFake, Manner};

/// The outcome of sending through a webhook at `fake`, and everything a person could see of the channel.
async fn sent(fake: &HttpFake, limit: Duration) -> Outcome {
    let url = fake.url(&format!("/services/T0/B0/{}", kit::CANARY));
    let channel = kit::build(&format!("[channel.slack]\nwebhook_url = \"{url}\"\nchannel = \"#ops\"\n")).unwrap();
    let Channel::Slack(slack) = &channel else { panic!("not Slack: {channel:?}") };
    let delivery = kit::delivery(Kind::Firing);
    let net = Net::new(None, None);
    let outcome = slack.send(&delivery, &net, delivery.created, Instant::now() + limit).await;
    let shown = format!("{outcome:?} {channel:?} {} {:?}", channel.describe(), channel.destinations());
    assert!(!shown.contains(kit::CANARY), "{shown}");
    outcome
}

fn later(why: &str, after: Option<u64>, ambiguous: bool) -> Outcome {
    Outcome::Later { why: why.to_owned(), after: after.map(Duration::from_secs), ambiguous }
}

fn dead(why: &str) -> Outcome {
    Outcome::Dead { why: why.to_owned() }
}

fn ok(answer: &str) -> Outcome {
    Outcome::Sent { answer: answer.to_owned() }
}

#[tokio::test]
async fn each_answer_means_one_thing() {
    let login = "302: redirected, perhaps to a login page; nothing was posted";
    for (answer, expected) in [
        (Answer::new(200, "ok"), ok("200 ok")),
        (
            Answer::new(200, "<html>log in</html>"),
            later("200 <html>log in</html>: not Slack's answer `ok`", None, false),
        ),
        (Answer::new(200, ""), later("200: not Slack's answer `ok`", None, false)),
        (Answer::new(204, ""), later("204: not Slack's answer `ok`", None, false)),
        (Answer::new(200, "no_service"), dead("200 no_service")),
        (Answer::new(302, "").header("location", "/login"), dead(login)),
        (Answer::new(400, "user_not_found"), dead("400 user_not_found")),
        (Answer::new(403, "action_prohibited"), dead("403 action_prohibited")),
        (Answer::new(404, "channel_not_found"), dead("404 channel_not_found")),
        (Answer::new(410, "channel_is_archived"), dead("410 channel_is_archived")),
        (Answer::new(413, ""), dead("413")),
        (Answer::new(408, ""), later("408", None, false)),
        (Answer::new(429, "rate_limited").header("retry-after", "30"), later("429 rate_limited", Some(30), false)),
        (Answer::new(429, ""), later("429", None, false)),
        (Answer::new(500, "rollup_error"), dead("500 rollup_error")),
        (Answer::new(500, ""), later("500", None, false)),
        (Answer::new(503, "x\x1b]0;evil\x07"), later(r"503 x\u{1b}]0;evil\u{7}", None, false)),
        (Answer::new(502, format!("no hook {}", kit::CANARY)), later("502 no hook ***", None, false)),
    ] {
        let fake = HttpFake::start([answer.clone()]);
        assert_eq!(sent(&fake, SEND_LIMIT).await, expected, "{answer:?}");
        assert_eq!(fake.seen().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn without_an_answer_it_is_told_whether_it_may_have_arrived() {
    let ended = "the connection ended before the answer did";
    for (manner, expected) in [
        (Manner::Reset, later("the connection was reset", None, true)),
        (Manner::Cut(0), later(ended, None, true)),
        (Manner::Cut(60), later(ended, None, true)),
    ] {
        let fake = HttpFake::start([Answer::new(200, "ok").manner(manner)]);
        assert_eq!(sent(&fake, SEND_LIMIT).await, expected, "{manner:?}");
    }
    let silent = HttpFake::start([Answer::new(200, "ok").manner(Manner::Silence)]);
    let Outcome::Later { why, after: None, ambiguous: true } = sent(&silent, Duration::from_millis(300)).await else {
        panic!("neither later nor ambiguous");
    };
    // the time left for the post is a little less than the limit
    assert!(why.starts_with("no answer within ") && why.ends_with(" ms"), "{why}");
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

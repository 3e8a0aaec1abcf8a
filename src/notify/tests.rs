//! What holds for every kind of channel alike.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::kit::{CANARY, Case, Fake};
use super::*;
use crate::model::message::Kind;
use crate::support::http::{Answer, HttpFake};

/// A kind of channel as these tests see it.
struct Subject {
    kind: &'static str,
    /// Each answer that its provider has, and what it means.
    cases: fn() -> Vec<Case>,
    /// The settings for a server at an address, with a secret in every place for one; none where it speaks no HTTP.
    at: Option<fn(&str) -> String>,
    /// Settings with a secret that cannot be used.
    bad: fn() -> Vec<String>,
}

/// Every kind; [`no_kind_is_left_out`] holds that.
const SUBJECTS: [Subject; 8] = [
    Subject { kind: "slack", cases: slack::tests::cases, at: Some(slack::tests::at), bad: slack::tests::bad },
    Subject { kind: "email", cases: email::tests::cases, at: None, bad: email::tests::bad },
    Subject { kind: "sms", cases: sms::tests::cases, at: Some(sms::tests::at), bad: sms::tests::bad },
    Subject { kind: "webhook", cases: webhook::tests::cases, at: Some(webhook::tests::at), bad: webhook::tests::bad },
    Subject {
        kind: "pagerduty",
        cases: pagerduty::tests::cases,
        at: Some(pagerduty::tests::at),
        bad: pagerduty::tests::bad,
    },
    Subject {
        kind: "telegram",
        cases: telegram::tests::cases,
        at: Some(telegram::tests::at),
        bad: telegram::tests::bad,
    },
    Subject {
        kind: "alertmanager",
        cases: alertmanager::tests::cases,
        at: Some(alertmanager::tests::at),
        bad: alertmanager::tests::bad,
    },
    Subject { kind: "exec", cases: exec::tests::cases, at: None, bad: Vec::new },
];

const fn kind(channel: &Channel) -> &'static str {
    match channel {
        Channel::Slack(_) => "slack",
        Channel::Email(_) => "email",
        Channel::Sms(_) => "sms",
        Channel::Webhook(_) => "webhook",
        Channel::PagerDuty(_) => "pagerduty",
        Channel::Telegram(_) => "telegram",
        Channel::Alertmanager(_) => "alertmanager",
        Channel::Exec(_) => "exec",
    }
}

/// The outcome of a case, and everything that a person could see of it.
async fn tried(case: &Case) -> (Outcome, String) {
    let Case { what: _, channel, delivery, net, limit, expected: _, fake: _ } = case;
    let outcome = channel.send_by(delivery, net, delivery.created, Instant::now() + *limit).await;
    let shown = format!("{outcome:?} {channel:?} {} {:?}", channel.describe(), channel.destinations());
    (outcome, shown)
}

/// The reason of a time-out names what was left of the limit.
fn is_expected(outcome: &Outcome, expected: &Outcome) -> bool {
    match (outcome, expected) {
        (
            Outcome::Later { why, after, ambiguous },
            Outcome::Later { why: begins, after: expected_after, ambiguous: expected_ambiguous },
        ) if begins.ends_with(' ') => {
            why.starts_with(begins.as_str()) && (after, ambiguous) == (expected_after, expected_ambiguous)
        }
        _ => outcome == expected,
    }
}

#[test]
fn no_kind_is_left_out() {
    let error = kit::build("[channel]\npigeon = 1\n").unwrap_err().concat();
    let listed: BTreeSet<&str> = error.split('`').skip(3).step_by(2).collect();
    assert_eq!(SUBJECTS.iter().map(|subject| subject.kind).collect::<BTreeSet<_>>(), listed);
    for subject in SUBJECTS {
        let kinds: Vec<_> = (subject.cases)().iter().map(|case| kind(&case.channel)).collect();
        assert!(kinds.len() >= 5 && kinds.iter().all(|kind| *kind == subject.kind), "{}: {kinds:?}", subject.kind);
    }
}

#[tokio::test]
async fn each_answer_means_one_thing() {
    let mut waiting = JoinSet::new();
    for case in SUBJECTS.iter().flat_map(|subject| (subject.cases)()) {
        waiting.spawn(async move {
            let (outcome, _) = tried(&case).await;
            let kind = kind(&case.channel);
            assert!(is_expected(&outcome, &case.expected), "{kind}: {}\n{outcome:?}\n{:?}", case.what, case.expected);
            if let (Fake::Http(fake), Outcome::Sent { .. }) = (&case.fake, &outcome) {
                assert_eq!(fake.seen().len(), 1, "{kind}: {}", case.what);
            }
        });
    }
    while let Some(done) = waiting.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn no_secret_shows_whatever_is_answered() {
    for case in SUBJECTS.iter().flat_map(|subject| (subject.cases)()) {
        let (_, shown) = tried(&case).await;
        assert!(!shown.contains(CANARY), "{}: {shown}", case.what);
    }
    for (subject, at) in SUBJECTS.iter().filter_map(|subject| Some((subject, subject.at?))) {
        // all that was sent comes back: first it is learnt, then repeated
        let ear = HttpFake::start([Answer::new(403, "")]);
        let case = kit::case(String::new(), &at(&ear.url("")), kit::dead(""), Fake::Http(ear));
        tried(&case).await;
        let Fake::Http(ear) = &case.fake else { unreachable!("it was made above") };
        let heard = ear.seen();
        let headers: Vec<String> = heard[0].headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let echo = format!("{} {} {}", heard[0].path, headers.join(" "), String::from_utf8_lossy(&heard[0].body));
        assert!(echo.contains(CANARY) || echo.contains("Basic "), "{}: it was not used: {echo}", subject.kind);
        for status in [200, 201, 202, 204, 400, 401, 403, 404, 429, 500, 503] {
            let json = serde_json::json!({"code": 1, "message": echo, "description": echo}).to_string();
            for body in [echo.clone(), echo.replace('&', "&amp;"), json] {
                let fake = HttpFake::start([Answer::new(status, body)]);
                let case = kit::case(status.to_string(), &at(&fake.url("")), kit::dead(""), Fake::Http(fake));
                let (_, shown) = tried(&case).await;
                assert!(!shown.contains(CANARY), "{} {status}: {shown}", subject.kind);
            }
        }
    }
}

#[test]
fn no_secret_shows_in_a_fault() {
    for subject in SUBJECTS {
        for toml in (subject.bad)() {
            assert!(toml.contains(CANARY));
            let faults = kit::build(&toml).unwrap_err();
            assert!(!faults.is_empty() && !faults.concat().contains(CANARY), "{toml}: {faults:#?}");
            assert!(!kit::settings(&toml).contains(CANARY), "{toml}");
        }
    }
}

#[test]
fn a_channel_has_exactly_one_kind() {
    let slack = "slack.webhook_url = \"https://hooks.slack.com/services/T0/B0/x\"\n";
    for (toml, expected) in [
        ("[channel]\n".to_owned(), "channel `ops` has no kind @ [channel]"),
        (format!("[channel]\n{slack}email = {{ host = \"x\" }}\n"), "channel `ops` has two kinds @ { host = \"x\" }"),
    ] {
        assert_eq!(kit::build(&toml).unwrap_err(), [expected], "{toml}");
    }
}

#[tokio::test]
async fn channels_send_side_by_side_on_tasks_of_their_own() {
    let fake = HttpFake::start([]);
    let url = fake.url("/services/T0/B0/x");
    let slack = kit::build(&format!("[channel.slack]\nwebhook_url = \"{url}\"\n")).unwrap();
    let delivery = kit::delivery(Kind::Test);
    let sending = async move { slack.send(&delivery, &Net::new(None, None), delivery.created).await };
    assert_eq!(tokio::spawn(sending).await.unwrap(), Outcome::sent("200 ok"));
}

#[test]
fn half_a_channel_of_the_environment_is_not_silently_ignored() {
    let said = |set: &[&str]| -> Vec<String> {
        let get = |name: &str| set.contains(&name).then(|| "x".to_owned());
        half_set(&get).into_iter().map(|(kind, fault)| format!("{kind}: {}", fault.what)).collect()
    };
    let sms =
        "sms: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN are set, but ALERT_PHONE_NUMBERS is not: that makes no sms channel";
    assert_eq!(said(&["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]), [sms]);
    let email = "email: SMTP_HOST is set, but ALERT_EMAIL_RECIPIENTS is not: that makes no email channel";
    assert_eq!(said(&["SMTP_HOST"]), [email]);
    assert_eq!(said(&["SMTP_HOST", "ALERT_EMAIL_RECIPIENTS"]), [""; 0]);
    assert_eq!(said(&[]), [""; 0]);
}

use std::time::Duration;

use super::*;
use crate::model::message::Kind;
use crate::model::severity::Severity;
use crate::notify::kit::{self, Case, Fake};
use crate::notify::{Channel, SEND_LIMIT};
use crate::support::ca::{Ca, Flaw};
use crate::support::ports::ReservedPort;
use crate::support::smtp::{Behaviour, Play, Received, SmtpFake, Stage, Tls};

/// A mail server with a CA of its own, and what a client needs to trust it.
struct World {
    ca: Ca,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { ca: Ca::new(), dir: tempfile::tempdir().unwrap() };
        world.ca.write(&world.dir.path().join("ca.pem"));
        world
    }

    fn net(&self) -> Net {
        let path = self.dir.path().join("ca.pem");
        Net::new(Some(path.clone()), Some(path))
    }

    fn good(&self) -> Behaviour {
        let login = Some(("monitor".to_owned(), kit::CANARY.to_owned()));
        Behaviour { tls: Tls::Start(self.ca.server(Flaw::None)), login, ..Behaviour::default() }
    }
}

const LOGIN: &str = "user = \"monitor\"\npassword = \"env:CANARY\"\n";

fn channel(port: u16, extra: &str) -> Channel {
    let toml = format!(
        "[channel.email]\nhost = \"localhost\"\nport = {port}\nfrom = \"Sippar <mon@example.org>\"\n\
         to = [\"ops@example.org\", \"night@example.org\"]\n{extra}"
    );
    kit::build(&toml).unwrap()
}

/// Sends `delivery` and checks that nothing a person could see holds the password.
async fn sent(channel: &Channel, delivery: &Delivery, net: &Net, limit: Duration) -> Outcome {
    let Channel::Email(email) = channel else { panic!("not e-mail: {channel:?}") };
    let outcome = email.send(delivery, net, delivery.created, Instant::now() + limit).await;
    let shown = format!("{outcome:?} {channel:?} {} {:?}", channel.describe(), channel.destinations());
    assert!(!shown.contains(kit::CANARY), "{shown}");
    outcome
}

fn later(why: &str, ambiguous: bool) -> Outcome {
    Outcome::Later { why: why.to_owned(), after: None, ambiguous }
}

fn dead(why: &str) -> Outcome {
    Outcome::Dead { why: why.to_owned() }
}

fn queued() -> Outcome {
    Outcome::sent("250 2.0.0 queued as 4711")
}

#[tokio::test]
async fn a_mail_goes_over_tls_after_a_login_to_the_one_recipient() {
    let world = World::new();
    for (behaviour, extra) in [
        (world.good(), LOGIN.to_owned()),
        (Behaviour { mechanisms: Some("LOGIN".to_owned()), ..world.good() }, LOGIN.to_owned()),
        (Behaviour { mechanisms: Some("PLAIN".to_owned()), ..world.good() }, LOGIN.to_owned()),
        (
            Behaviour { tls: Tls::Implicit(world.ca.server(Flaw::None)), ..world.good() },
            format!("{LOGIN}tls = \"implicit\"\n"),
        ),
    ] {
        let fake = SmtpFake::start(behaviour);
        let channel = channel(fake.port(), &extra);
        assert_eq!(sent(&channel, &kit::delivery(Kind::Firing), &world.net(), SEND_LIMIT).await, queued(), "{extra}");
        let [mail] = fake.mails().try_into().unwrap();
        let Received { from, to, content: _, encrypted } = mail;
        assert_eq!((from.as_str(), to, encrypted), ("mon@example.org", vec!["ops@example.org".to_owned()], true));
        assert_eq!(fake.commands().last().map(String::as_str), Some("QUIT"));
    }
}

pub fn cases() -> Vec<Case> {
    let say = |stage, line: &str| vec![(stage, Play::Say(line.to_owned()))];
    let all = [
        (say(Stage::Greeting, "421 busy"), later("421 when connecting: busy", false)),
        (say(Stage::Greeting, "554 no service"), dead("554 when connecting: no service")),
        (say(Stage::StartTls, "454 TLS not available"), later("454 at STARTTLS: TLS not available", false)),
        (say(Stage::Auth, "454 4.7.0 later, AHVzZXI="), later("454 at the login: 4.7.0, login refused", false)),
        (say(Stage::Auth, "535 AHVzZXI="), dead("535 at the login: login refused")),
        (say(Stage::Mail, "452 no space"), later("452 at the sender: no space", false)),
        (say(Stage::Rcpt, "451 greylisted"), later("451 at the recipient: greylisted", false)),
        (say(Stage::Rcpt, "550 5.1.1 nobody"), dead("550 at the recipient: 5.1.1 nobody")),
        (say(Stage::Data, "451 not now"), later("451 at DATA: not now", false)),
        (say(Stage::Content, "450 try again"), later("450 after the message: try again", false)),
        (say(Stage::Content, "554-spam\r\n554 really"), dead("554 after the message: spam really")),
        (say(Stage::Quit, "421 in a hurry"), queued()),
        (vec![(Stage::Quit, Play::Hang)], queued()),
        (vec![(Stage::Quit, Play::Drop)], queued()),
    ];
    let case = |(plays, expected): (Vec<(Stage, Play)>, Outcome)| {
        let world = World::new();
        let what = format!("{plays:?}");
        let fake = SmtpFake::start(Behaviour { plays, ..world.good() });
        let channel = channel(fake.port(), LOGIN);
        let (net, delivery) = (world.net(), kit::delivery(Kind::Firing));
        Case { what, channel, delivery, net, limit: SEND_LIMIT, expected, fake: Fake::Folder(world.dir) }
    };
    all.into_iter().map(case).collect()
}

pub fn bad() -> Vec<String> {
    let server = "host = \"smtp.example.org\"\nto = [\"ops@example.org\"]\n";
    vec![format!("[channel.email]\n{server}password = \"{}\"\n", kit::CANARY)]
}

#[tokio::test]
async fn a_silent_or_dripping_server_is_left_at_the_deadline() {
    let world = World::new();
    let mut waiting = tokio::task::JoinSet::new();
    for (stage, place, ambiguous) in [
        (Stage::Greeting, "when connecting", false),
        (Stage::Ehlo, "when connecting", false),
        (Stage::StartTls, "at STARTTLS", false),
        (Stage::Auth, "at the login", false),
        (Stage::Mail, "at the sender", false),
        (Stage::Rcpt, "at the recipient", false),
        (Stage::Data, "at DATA", false),
        (Stage::Content, "after the message", true),
    ] {
        for play in [Play::Hang, Play::Drip(Duration::from_millis(200))] {
            let (behaviour, net) = (Behaviour { plays: vec![(stage, play)], ..world.good() }, world.net());
            waiting.spawn(async move {
                let channel = channel(SmtpFake::start(behaviour).port(), LOGIN);
                let outcome = sent(&channel, &kit::delivery(Kind::Firing), &net, Duration::from_secs(2)).await;
                assert_eq!(outcome, later(&format!("no answer {place} within 2 s"), ambiguous), "{stage:?}");
            });
        }
    }
    while let Some(done) = waiting.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_so() {
    let closed = ReservedPort::take();
    let net = Net::new(None, None);
    let delivery = kit::delivery(Kind::Firing);
    let refused = sent(&channel(closed.port(), "tls = \"none\"\n"), &delivery, &net, SEND_LIMIT).await;
    assert_eq!(refused, later("connection refused (when connecting)", false));
    let toml = "[channel.email]\nhost = \"nowhere.invalid\"\nto = [\"a@x.org\"]\n";
    let outcome = sent(&kit::build(toml).unwrap(), &delivery, &World::new().net(), SEND_LIMIT).await;
    assert_eq!(outcome, later("the host's name could not be resolved (when connecting)", false));
    let absent = Net::new(None, Some("/nonexistent/bundle.pem".into()));
    let outcome = sent(&kit::build(toml).unwrap(), &delivery, &absent, SEND_LIMIT).await;
    let expected = "SSL_CERT_FILE /nonexistent/bundle.pem: No such file or directory (os error 2)";
    assert_eq!(outcome, later(expected, false));
}

#[test]
fn what_may_have_arrived_is_repeated_once() {
    assert!(!channel(25, "tls = \"none\"\n").idempotent(), "most mailboxes show both");
}

#[tokio::test]
async fn a_lost_connection_after_the_final_dot_is_ambiguous_and_the_repeat_has_the_same_message_id() {
    let world = World::new();
    let fake = SmtpFake::start(Behaviour { plays: vec![(Stage::Content, Play::Drop)], ..world.good() });
    let channel = channel(fake.port(), LOGIN);
    let delivery = kit::delivery(Kind::Firing);
    for _ in 0..2 {
        let outcome = sent(&channel, &delivery, &world.net(), SEND_LIMIT).await;
        assert!(matches!(outcome, Outcome::Later { ambiguous: true, .. }), "{outcome:?}");
    }
    let ids: Vec<_> = fake.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    let id = Some("<sippar-mon.7.1795424400000@example.org>".to_owned());
    assert_eq!(ids, [id.clone(), id]);
    for stage in [Stage::Greeting, Stage::Ehlo, Stage::Auth, Stage::Mail, Stage::Rcpt, Stage::Data] {
        let fake = SmtpFake::start(Behaviour { plays: vec![(stage, Play::Drop)], ..world.good() });
        let outcome = sent(&self::channel(fake.port(), LOGIN), &delivery, &world.net(), SEND_LIMIT).await;
        assert!(matches!(outcome, Outcome::Later { ambiguous: false, .. }), "{stage:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_in_clear_or_to_a_stranger() {
    let world = World::new();
    let tls = |flaw| Tls::Start(world.ca.server(flaw));
    let stranger = Tls::Start(Ca::new().server(Flaw::None));
    for (tls, expected) in [
        (Tls::None, "the server does not offer STARTTLS, so nothing was sent"),
        (tls(Flaw::Expired), "the certificate has expired (at STARTTLS)"),
        (tls(Flaw::OtherName), "the certificate is for another name (at STARTTLS)"),
        (stranger, "the certificate's issuer is not trusted (at STARTTLS)"),
    ] {
        let fake = SmtpFake::start(Behaviour { tls, ..world.good() });
        let channel = channel(fake.port(), LOGIN);
        let outcome = sent(&channel, &kit::delivery(Kind::Firing), &world.net(), SEND_LIMIT).await;
        assert_eq!(outcome, later(expected, false));
        assert!(fake.commands().iter().all(|verb| !matches!(verb.as_str(), "AUTH" | "MAIL")), "{expected}");
    }
    let fake = SmtpFake::start(Behaviour { mechanisms: Some("XOAUTH2".to_owned()), ..world.good() });
    let outcome = sent(&channel(fake.port(), LOGIN), &kit::delivery(Kind::Firing), &world.net(), SEND_LIMIT).await;
    assert_eq!(outcome, dead("the server offers none of the logins PLAIN and LOGIN"));
}

#[tokio::test]
async fn a_wrong_password_is_dead_and_what_the_server_repeats_is_not_shown() {
    let world = World::new();
    let login = Some(("monitor".to_owned(), "another".to_owned()));
    let fake = SmtpFake::start(Behaviour { login, ..world.good() });
    let outcome = sent(&channel(fake.port(), LOGIN), &kit::delivery(Kind::Firing), &world.net(), SEND_LIMIT).await;
    assert_eq!(outcome, dead("535 at the login: 5.7.8, login refused"));
}

#[tokio::test]
async fn a_flood_is_not_read_to_its_end() {
    let world = World::new();
    let fake = SmtpFake::start(Behaviour { plays: vec![(Stage::Greeting, Play::Flood(8 << 20))], ..world.good() });
    let outcome = sent(&channel(fake.port(), LOGIN), &kit::delivery(Kind::Firing), &world.net(), SEND_LIMIT).await;
    assert_eq!(outcome, later("the server sent more than 256 KiB (when connecting)", false));
}

#[tokio::test]
async fn what_was_slipped_in_before_tls_is_not_taken_for_an_answer() {
    let world = World::new();
    let injected = "220 go ahead\r\n250-evil.example\r\n250 AUTH PLAIN";
    let plays = vec![(Stage::StartTls, Play::Say(injected.to_owned()))];
    let fake = SmtpFake::start(Behaviour { plays, ..world.good() });
    let outcome = sent(&channel(fake.port(), LOGIN), &kit::delivery(Kind::Firing), &world.net(), SEND_LIMIT).await;
    let expected = "TLS failed: received corrupt message of type InvalidContentType (at STARTTLS)";
    assert_eq!(outcome, later(expected, false));
}

#[tokio::test]
async fn one_bad_recipient_is_no_matter_to_the_other() {
    let fake = SmtpFake::start(Behaviour {
        refused: vec![("night@example.org".to_owned(), "550 5.1.1 nobody".to_owned())],
        ..Behaviour::default()
    });
    let channel = channel(fake.port(), "tls = \"none\"\n");
    let net = Net::new(None, Some("/nonexistent".into()));
    let mut outcomes = Vec::new();
    for destination in channel.destinations() {
        let delivery = Delivery { destination, ..kit::delivery(Kind::Firing) };
        outcomes.push(sent(&channel, &delivery, &net, SEND_LIMIT).await);
    }
    assert_eq!(outcomes, [queued(), dead("550 at the recipient: 5.1.1 nobody")]);
    assert_eq!(fake.mails().iter().map(|mail| mail.to.clone()).collect::<Vec<_>>(), [["ops@example.org"]]);
}

/// The mail that the fake server takes for `delivery`.
async fn taken(delivery: &Delivery) -> Received {
    let fake = SmtpFake::start(Behaviour::default());
    let outcome = sent(&channel(fake.port(), "tls = \"none\"\n"), delivery, &Net::new(None, None), SEND_LIMIT).await;
    assert_eq!(outcome, queued());
    fake.mails().pop().unwrap()
}

#[tokio::test]
async fn the_headers_sort_thread_and_silence() {
    let mail = taken(&kit::delivery(Kind::Firing)).await;
    for (name, expected) in [
        ("Message-ID", "<sippar-mon.7.1795424400000@example.org>"),
        ("References", "<sippar-mon.alert.41@example.org>"),
        ("In-Reply-To", "<sippar-mon.alert.41@example.org>"),
        ("Date", "Mon, 23 Nov 2026 09:00:00 +0000"),
        ("From", "Sippar <mon@example.org>"),
        ("To", "ops@example.org"),
        ("Subject", "[CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 %"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("List-Id", "<alerts.sippar-mon.example.org>"),
    ] {
        assert_eq!(mail.header(name).as_deref(), Some(expected), "{name}");
    }
    let parts: Vec<_> = mail.content.lines().filter(|line| line.starts_with("Content-Type: ")).collect();
    let expected = ["multipart/alternative;", "text/plain; charset=utf-8", "text/html; charset=utf-8"];
    assert_eq!(parts, expected.map(|kind| format!("Content-Type: {kind}")));
}

#[tokio::test]
async fn hostile_text_adds_no_header_no_markup_and_no_early_end() {
    let mut delivery = kit::delivery(Kind::Resolved);
    let message = &mut delivery.message;
    message.severity = Severity::High;
    message.summary = format!("x\r\nBcc: evil@example.org\r\n\r\n.\r\n\u{202e}\0 grün <b>{}", "y".repeat(5000));
    message.labels = vec![("a\r\nFrom: b".to_owned(), ".\r\nFrom me <script>".to_owned())];
    let mail = taken(&delivery).await;
    let head = mail.content.split("\r\n\r\n").next().unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert!(mail.content.is_ascii() && mail.content.lines().all(|line| line.len() <= 998));
    let html = mail.content.split("<!DOCTYPE").nth(1).unwrap().replace("=\r\n", "");
    assert!(html.contains("From me &lt;script&gt;") && html.contains("&lt;b&gt;y") && !html.contains("<b>"), "{html}");
    assert!(mail.content.trim_end().ends_with("--"), "the last boundary arrived: {}", mail.content);
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let to = "to = [\"ops@example.org\"]\n";
    let host = "host = \"smtp.example.org\"\n";
    for (toml, described) in [
        (format!("{host}{to}"), "ops@example.org via smtp.example.org:587 (STARTTLS)"),
        (format!("{host}{to}tls = \"implicit\""), "ops@example.org via smtp.example.org:465 (TLS)"),
        (format!("{host}{to}port = 465"), "ops@example.org via smtp.example.org:465 (TLS)"),
        (format!("host = \"127.0.0.1\"\n{to}tls = \"none\""), "ops@example.org via 127.0.0.1:25 (no TLS)"),
        (
            format!("{host}{to}tls = \"none\"\ndanger_allow_plaintext = true"),
            "ops@example.org via smtp.example.org:25 (no TLS)",
        ),
        (
            format!("{host}to = [\"a@x.org\", \"b@x.org\", \"a@x.org\"]"),
            "a@x.org, b@x.org via smtp.example.org:587 (STARTTLS)",
        ),
    ] {
        assert_eq!(kit::build(&format!("[channel.email]\n{toml}\n")).unwrap().describe(), described, "{toml}");
    }
    let plain = "mail without TLS to another machine can be read by everybody on the way @ \"none\"";
    for (toml, expected) in [
        (String::new(), vec!["`host` is missing @ [channel.email]", "`to` is missing @ [channel.email]"]),
        (format!("{host}to = []"), vec!["`to` is missing @ [channel.email]"]),
        (
            format!("{host}to = [\"ops\", \"a@b.org\", \"ü@b.org\"]"),
            vec!["`ops` is not an e-mail address @ \"ops\"", "`ü@b.org` is not an e-mail address @ \"ü@b.org\""],
        ),
        (format!("{host}{to}from = \"me\""), vec!["`me` is not an e-mail address @ \"me\""]),
        (format!("{host}{to}tls = \"none\""), vec![plain]),
        (
            format!("{host}{to}tls = \"ssl\""),
            vec!["`ssl` is none of \"starttls\", \"implicit\" and \"none\" @ \"ssl\""],
        ),
        (format!("{host}{to}port = 0"), vec!["0 is no port @ 0"]),
        (format!("{host}{to}user = \"me\""), vec!["`user` without `password` @ \"me\""]),
        (format!("{host}{to}password = \"{}\"", "x"), vec!["channel `ops`: `password` without `user`"]),
        (
            format!("{host}{to}user = \"me\"\npassword = \"env:NOPE\""),
            vec!["the environment variable NOPE is not set @ \"env:NOPE\""],
        ),
        (format!("host = \"smtp://x:25\"\n{to}"), vec!["`smtp://x:25` is not the name of a server @ \"smtp://x:25\""]),
    ] {
        assert_eq!(kit::build(&format!("[channel.email]\n{toml}\n")).unwrap_err(), expected, "{toml}");
    }
}

#[test]
fn the_sender_follows_from_what_is_known() {
    for (toml, expected) in [
        ("host = \"smtp.example.org\"", "sippar-mon <sippar-mon@smtp.example.org>"),
        ("host = \"127.0.0.1\"", "sippar-mon <sippar-mon@localhost>"),
        ("host = \"smtp.x.org\"\nuser = \"bot@x.org\"\npassword = \"p\"", "sippar-mon <bot@x.org>"),
        ("host = \"smtp.x.org\"\nuser = \"bot\"\npassword = \"p\"", "sippar-mon <sippar-mon@smtp.x.org>"),
        ("host = \"smtp.x.org\"\nfrom = \"Watch <w@x.org>\"", "Watch <w@x.org>"),
    ] {
        let built = kit::build(&format!("[channel.email]\n{toml}\nto = [\"a@x.org\"]\n")).unwrap();
        let Channel::Email(email) = built else { panic!("not e-mail") };
        assert_eq!(email.from.to_string(), expected, "{toml}");
    }
}

#[test]
fn the_environment_alone_makes_a_channel() {
    let from = |pairs: &[(&str, &str)]| {
        let get = |name: &str| pairs.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).to_owned());
        Settings::from_env(&get)
    };
    let host = ("SMTP_HOST", "smtp.example.org");
    let to = ("ALERT_EMAIL_RECIPIENTS", "a@x.org, b@x.org,");
    assert!(from(&[host]).unwrap().is_none());
    assert_eq!(from(&[to]).unwrap_err(), "ALERT_EMAIL_RECIPIENTS is set, but SMTP_HOST is not");
    let error = from(&[host, to, ("SMTP_PORT", "smtp")]).unwrap_err();
    assert_eq!(error, "SMTP_PORT is `smtp`, which is no port number");
    let settings =
        from(&[host, to, ("SMTP_PORT", "465"), ("SMTP_USER", "bot@x.org"), ("SMTP_PASS", "p")]).unwrap().unwrap();
    let resolve = |name: &str| {
        assert_eq!(name, "env:SMTP_PASS");
        Ok(Secret::new(kit::CANARY))
    };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let email = settings.build("email", &(0..0), &mut check).unwrap();
    assert_eq!(email.describe(), "a@x.org, b@x.org via smtp.example.org:465 (TLS)");
}

use serde_json::json;

use super::*;
use crate::model::delivery::Fate;
use crate::model::message::Kind;
use crate::notify::Channel;
use crate::notify::kit::{self, CANARY, Case, dead, later};
use crate::support::http::{Answer, HttpFake};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const MESSAGE: &str = "SMfedcba9876543210fedcba9876543210";

pub fn at(base: &str) -> String {
    format!(
        "[channel.sms]\naccount_sid = \"{ACCOUNT}\"\nauth_token = \"{CANARY}\"\nfrom = \"+41790000000\"\n\
         to = [\"+41791111111\", \"+41792222222\"]\nbase_url = \"{base}\"\n"
    )
}

/// A message as Twilio describes it.
fn message(status: u16, word: &str, error: Option<i64>) -> Answer {
    let body = json!({"sid": MESSAGE, "status": word, "error_code": error, "error_message": null, "num_segments": "1"});
    Answer::new(status, body.to_string())
}

/// An error as Twilio describes it.
fn error(status: u16, code: i64, message: &str) -> Answer {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more, "status": status});
    Answer::new(status, body.to_string())
}

fn sent(answer: &str) -> Outcome {
    Outcome::Sent { answer: answer.to_owned(), receipt: Some(MESSAGE.to_owned()) }
}

fn unsure(why: &str, after: Option<u64>) -> Outcome {
    Outcome::Later { why: why.to_owned(), after: after.map(Duration::from_secs), ambiguous: true }
}

pub fn cases() -> Vec<Case> {
    let permanent = [
        (401, 20003, "Authenticate"),
        (400, 21211, "The 'To' number +41791111111 is not a valid phone number."),
        (400, 21212, "The 'From' number is not a valid phone number."),
        (400, 21408, "Permission to send an SMS has not been enabled for the region"),
        (400, 21606, "The 'From' phone number is not a valid, SMS-capable inbound phone number"),
        (400, 21608, "The number is unverified."),
        (400, 21610, "Attempt to send to unsubscribed recipient"),
        (400, 21612, "The message cannot be routed"),
        (400, 21614, "'To' number is not a valid mobile number"),
        (400, 21617, "The concatenated message body exceeds the 1600 character limit"),
        (403, 20008, "Resource not accessible with Test Account Credentials"),
        (404, 20404, "The requested resource was not found"),
    ];
    let mut answers: Vec<(Answer, Outcome)> = permanent
        .map(|(status, code, said)| (error(status, code, said), dead(&format!("{status} {code} {said}"))))
        .into();
    answers.extend([
        (message(201, "queued", None), sent(&format!("201 queued {MESSAGE}"))),
        (message(201, "accepted", None), sent(&format!("201 accepted {MESSAGE}"))),
        (message(201, "delivered", None), sent(&format!("201 delivered {MESSAGE}"))),
        (message(201, "failed", Some(30007)), dead("201 failed: 30007 the operator filtered it as unwanted")),
        (Answer::new(201, ""), unsure("201: an answer without a sid", None)),
        (Answer::new(201, "{\"sid\":\"../x\"}"), unsure("201 {\"sid\":\"../x\"}: an answer without a sid", None)),
        (message(200, "queued", None), later(&format!("200 {}: not Twilio's answer", body("queued")), None)),
        (Answer::new(200, "<html>log in</html>"), later("200 <html>log in</html>: not Twilio's answer", None)),
        (
            error(429, 20429, "Too Many Requests").header("retry-after", "3"),
            later("429 20429 Too Many Requests", Some(3)),
        ),
        (error(429, 14107, "SMS send rate limit exceeded"), later("429 14107 SMS send rate limit exceeded", None)),
        (error(503, 20429, "Too Many Requests"), later("503 20429 Too Many Requests", None)),
        (error(500, 20500, "Internal Server Error"), unsure("500 20500 Internal Server Error", None)),
        (Answer::new(502, "bad gateway"), unsure("502 bad gateway", None)),
        (Answer::new(503, "").header("retry-after", "30"), unsure("503", Some(30))),
        (Answer::new(504, ""), unsure("504", None)),
    ]);
    kit::http_cases(at, answers)
}

/// The body of [`message`], as far as it is shown.
fn body(word: &str) -> String {
    let body = json!({"sid": MESSAGE, "status": word, "error_code": null, "error_message": null, "num_segments": "1"});
    crate::text::safe::clip(&body.to_string(), 200)
}

pub fn bad() -> Vec<String> {
    let numbers = "from = \"+41790000000\"\nto = [\"+41791111111\"]\n";
    vec![
        format!("[channel.sms]\naccount_sid = \"{CANARY}\"\nauth_token = \"{CANARY}\"\n{numbers}"),
        format!(
            "[channel.sms]\naccount_sid = \"{ACCOUNT}\"\napi_key = \"{CANARY}\"\nauth_token = \"{CANARY}\"\n{numbers}"
        ),
        format!(
            "[channel.sms]\naccount_sid = \"{ACCOUNT}\"\nauth_token = \"{CANARY}\"\n{numbers}base_url = \"ftp://{CANARY}\"\n"
        ),
    ]
}

/// What the fake was asked for `delivery`: path, `Authorization` and the form.
async fn asked(toml: &str, fake: &HttpFake, delivery: &Delivery) -> (String, String, Vec<(String, String)>) {
    let channel = kit::build(toml).unwrap();
    let outcome = channel.send(delivery, &Net::new(None, None), delivery.created).await;
    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    let seen = fake.seen().pop().unwrap();
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    (seen.path.clone(), seen.header("authorization").unwrap_or_default().to_owned(), seen.form())
}

fn to(number: &str) -> Delivery {
    let mut delivery = kit::delivery(Kind::Firing);
    number.clone_into(&mut delivery.destination.address);
    delivery
}

#[tokio::test]
async fn a_message_is_a_form_with_basic_auth_for_one_number() {
    let fake = HttpFake::start([message(201, "queued", None)]);
    let (path, authorization, form) = asked(&at(&fake.url("/")), &fake, &to("+41792222222")).await;
    assert_eq!(path, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    // printf '%s' AC0123456789abcdef0123456789abcdef:canary5e1d | base64
    assert_eq!(authorization, "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpjYW5hcnk1ZTFk");
    let text = "CRITICAL HIGH_MEMORY_USAGE: Memory at 96.1 %, Sippar bridge (production), node-1. \
                Check the dashboard at once. id 41-7";
    let expected = [("To", "+41792222222"), ("From", "+41790000000"), ("Body", text), ("ValidityPeriod", "900")];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_service_an_api_key_and_a_validity_can_take_their_places() {
    let fake = HttpFake::start([message(201, "queued", None)]);
    let toml = format!(
        "[channel.sms]\naccount_sid = \"{ACCOUNT}\"\napi_key = \"SK0123456789abcdef0123456789abcdef\"\nauth_token = \"k\"\n\
         messaging_service_sid = \"MG0123456789abcdef0123456789abcdef\"\nto = [\"+41791111111\"]\nvalidity = \"2m\"\n\
         base_url = \"{}\"\n",
        fake.url("")
    );
    let (path, authorization, form) = asked(&toml, &fake, &to("+41791111111")).await;
    assert_eq!(path, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    // printf '%s' SK0123456789abcdef0123456789abcdef:k | base64
    assert_eq!(authorization, "Basic U0swMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpr");
    let of = |name: &str| form.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
    assert_eq!(of("MessagingServiceSid"), Some("MG0123456789abcdef0123456789abcdef"));
    assert_eq!((of("From"), of("ValidityPeriod")), (None, Some("120")));
}

#[tokio::test]
async fn what_became_of_a_message_can_be_asked() {
    let asked = |fake: &HttpFake| {
        let Channel::Sms(sms) = kit::build(&at(&fake.url(""))).unwrap() else { panic!("another kind") };
        let deadline = Instant::now() + crate::notify::SEND_LIMIT;
        async move { sms.fate(MESSAGE, &Net::new(None, None), deadline).await }
    };
    let failed = |why: &str| Ok(Fate::Failed(why.to_owned()));
    for (answer, expected) in [
        (message(200, "delivered", None), Ok(Fate::Arrived("delivered".to_owned()))),
        (message(200, "sent", None), Ok(Fate::Underway("sent".to_owned()))),
        (message(200, "queued", None), Ok(Fate::Underway("queued".to_owned()))),
        (message(200, "undelivered", Some(30003)), failed("undelivered: 30003 the phone cannot be reached")),
        (
            message(200, "undelivered", Some(30036)),
            failed("undelivered: 30036 it could not be handed on within its validity"),
        ),
        (message(200, "failed", Some(31999)), failed("failed: 31999")),
        (message(200, "canceled", None), failed("canceled")),
        (error(404, 20404, "not found"), Err("404 not found".to_owned())),
        (Answer::new(500, format!("no {CANARY}")), Err("500 no ***".to_owned())),
        (Answer::new(200, "<html>"), Err("200 <html>".to_owned())),
    ] {
        let fake = HttpFake::start([answer.clone()]);
        assert_eq!(asked(&fake).await, expected, "{answer:?}");
        let [seen] = fake.seen().try_into().unwrap();
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{MESSAGE}.json");
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", path.as_str()));
        assert!(seen.header("authorization").is_some_and(|value| value.starts_with("Basic ")));
    }
    let said = json!({"status": "failed", "error_code": 30034, "error_message": "Unregistered number"}).to_string();
    let fake = HttpFake::start([Answer::new(200, said)]);
    assert_eq!(asked(&fake).await, failed("failed: 30034 Unregistered number"));
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let account = format!("account_sid = \"{ACCOUNT}\"\nauth_token = \"t\"\n");
    let from = "from = \"+41790000000\"\n";
    let to = "to = [\"+41791111111\"]\n";
    for (toml, described) in [
        (format!("{account}{from}{to}"), "+41791111111 via api.twilio.com"),
        (
            format!("{account}from = \"Sippar\"\nto = [\"+41 79 111-11-11\", \"+1(415)5550100\", \"+41791111111\"]"),
            "+41791111111, +14155550100 via api.twilio.com",
        ),
        (
            format!("{account}from = \"12345\"\nto = [\"+41791111111, +41792222222\"]"),
            "+41791111111, +41792222222 via api.twilio.com",
        ),
    ] {
        assert_eq!(kit::build(&format!("[channel.sms]\n{toml}\n")).unwrap().describe(), described, "{toml}");
    }
    let missing = ["account_sid", "auth_token", "from", "to"].map(|key| format!("`{key}` is missing @ [channel.sms]"));
    assert_eq!(kit::build("[channel.sms]\n").unwrap_err(), missing);
    let service = "messaging_service_sid = \"MG0123456789abcdef0123456789abcdef\"\n";
    for (toml, expected) in [
        (
            format!("account_sid = \"AC1\"\nauth_token = \"t\"\n{from}{to}"),
            "channel `ops`: `account_sid` is not AC and 32 hexadecimal digits",
        ),
        (format!("{account}{from}to = []"), "`to` is missing @ [channel.sms]"),
        (format!("{account}{from}to = [\"0791111111\"]"), "`0791111111` is not a phone number @ \"0791111111\""),
        (format!("{account}{from}to = [\"+0791111111\"]"), "`+0791111111` is not a phone number @ \"+0791111111\""),
        (format!("{account}from = \"+\"\n{to}"), "`+` is not a sender @ \"+\""),
        (
            format!("{account}from = \"a name that is long\"\n{to}"),
            "`a name that is long` is not a sender @ \"a name that is long\"",
        ),
        (format!("{account}messaging_service_sid = \"MG\"\n{to}"), "`MG` is not a sender @ \"MG\""),
        (
            format!("{account}{from}{service}{to}"),
            "`from` and `messaging_service_sid` are two senders @ \"MG0123456789abcdef0123456789abcdef\"",
        ),
        (format!("{account}{from}{to}validity = \"11h\""), "`validity` is not between 1s and 10h @ \"11h\""),
        (format!("{account}{from}{to}validity = \"0s\""), "`validity` is not between 1s and 10h @ \"0s\""),
    ] {
        assert_eq!(kit::build(&format!("[channel.sms]\n{toml}\n")).unwrap_err(), [expected], "{toml}");
    }
}

#[test]
fn the_environment_alone_makes_a_channel() {
    let from = |pairs: &[(&str, &str)]| {
        let get = |name: &str| pairs.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).to_owned());
        Settings::from_env(&get)
    };
    let all = [
        ("ALERT_PHONE_NUMBERS", "+41791111111, +41792222222"),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", CANARY),
        ("TWILIO_PHONE_NUMBER", "+41790000000"),
    ];
    assert!(from(&all[1..]).unwrap().is_none(), "without recipients there is nobody to tell");
    for missing in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"] {
        let some: Vec<_> = all.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_eq!(from(&some).unwrap_err(), format!("ALERT_PHONE_NUMBERS is set, but {missing} is not"));
    }
    let settings = from(&all).unwrap().unwrap();
    let resolve = |text: &str| {
        let name = text.strip_prefix("env:").expect("a reference");
        Ok(Secret::new(all.iter().find(|(have, _)| *have == name).unwrap().1))
    };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let sms = settings.build("sms", &(0..0), &mut check).unwrap();
    assert_eq!(sms.describe(), "+41791111111, +41792222222 via api.twilio.com");
    assert_eq!(sms.recipients(), ["+41791111111", "+41792222222"]);
}

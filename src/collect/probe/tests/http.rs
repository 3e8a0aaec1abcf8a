use std::time::Duration;

use super::{collect, net, probe, run, shown, why};
use crate::collect::Report;
use crate::model::reading::Value;
use crate::model::time::Time;
use crate::support::ca::{Ca, Flaw};
use crate::support::http::{Answer, HttpFake, Manner};
use crate::support::ports::ReservedPort;

const HOUR: i64 = 3_600_000;
/// 2001-01-01, when the expired certificate of the fakes ended.
const ENDED: &str = r#"probe_ssl_earliest_cert_expiry{probe="p"} 978307200"#;

fn json(body: &str) -> Answer {
    Answer::new(200, body)
}

#[tokio::test]
async fn an_answer_is_measured() {
    let fake = HttpFake::start([json(r#"{"data":{"x":0.97}}"#)]);
    let keys = format!("url = '{}'\njson = '/data/x'\nheaders = {{ X-Key = 'env:TOKEN' }}", fake.url("/h?q=1"));
    let report = run(&probe("http", &keys)).await;
    let want =
        [r#"probe_success{probe="p"} 1"#, r#"probe_http_status_code{probe="p"} 200"#, r#"probe_value{probe="p"} 0.97"#];
    assert_eq!((shown(&report).as_slice(), report.memory), (want.map(str::to_owned).as_slice(), None));
    let seen = fake.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("GET", "/h?q=1"));
    assert_eq!(seen[0].header("x-key"), Some("env:TOKEN"), "the secret that the reference resolved to");
}

/// Success, status and value of a probe that failed for `why`.
fn refused(status: &str, value: Option<&str>) -> Vec<String> {
    let value = value.map(|value| format!(r#"probe_value{{probe="p"}} {value}"#));
    [r#"probe_success{probe="p"} 0"#.to_owned(), format!(r#"probe_http_status_code{{probe="p"}} {status}"#)]
        .into_iter()
        .chain(value)
        .collect()
}

#[tokio::test]
async fn a_bad_answer_fails_with_its_status_known() {
    for (answer, keys, value, reason) in [
        (Answer::new(503, "{}"), "json = '/x'", Some("- status 503, expected 200-299"), "status 503, expected 200-299"),
        (
            Answer::new(302, "").header("location", "http://169.254.169.254/"),
            "",
            None,
            "status 302, expected 200-299 (redirects are not followed)",
        ),
        (json("<html>"), "body_matches = 'ok'", None, "the body does not match `ok`"),
        (json("x"), "json = '/s'\njson_equals = 'up'", None, "the body is not JSON: expected value at line 1 column 1"),
        (json(r#"{"s":"down"}"#), "json = '/s'\njson_equals = 'up'", None, "/s: expected `up`, got `down`"),
        (json(r#"{"s":false}"#), "json = '/s'\njson_equals = 'true'", Some("0"), "/s: expected `true`, got `false`"),
    ] {
        let status = answer.clone();
        let fake = HttpFake::start([answer, json("a second question")]);
        let report = run(&probe("http", &format!("url = '{}'\n{keys}", fake.url("/")))).await;
        let code = shown(&report)[1].rsplit(' ').next().unwrap().to_owned();
        assert_eq!(shown(&report), refused(&code, value), "{status:?}");
        assert_eq!(why(&report), Some(reason));
        assert_eq!(fake.seen().len(), 1, "one attempt, no redirect followed");
    }
}

#[tokio::test]
async fn no_whole_answer_is_a_failure_with_the_rest_unknown() {
    let body = r#"{"x": 1}"#;
    let too_long = "the answer is longer than 1048576 bytes";
    let ended = "the connection ended before the answer did";
    for (answer, reason) in [
        (json(body).manner(Manner::Silence), "no answer within 300 ms"),
        (json(body).manner(Manner::Drip(Duration::from_millis(60))), "the answer did not end within 300 ms"),
        (json(body).manner(Manner::Cut(65)), ended),
        (json(body).manner(Manner::Reset), "the connection was reset"),
        (Answer::new(200, vec![b' '; 100_000_000]), too_long),
    ] {
        let fake = HttpFake::start([answer]);
        let limit = if reason == too_long { "timeout = '10s'" } else { "" };
        let report = run(&probe("http", &format!("url = '{}'\njson = '/x'\n{limit}", fake.url("/")))).await;
        assert_eq!(shown(&report), refused(&format!("- {reason}"), Some(&format!("- {reason}"))));
        assert_eq!(why(&report), Some(reason));
    }
    let closed = ReservedPort::take();
    let report = run(&probe("http", &format!("url = 'http://{closed}/'"))).await;
    assert_eq!(shown(&report), refused("- connection refused", None));
}

#[tokio::test]
async fn a_value_that_is_no_number_is_unknown_and_no_failure() {
    let deep = "[".repeat(200_000);
    for (body, reason) in [
        (r#"{"x":"high"}"#, "/x: expected number, got string"),
        (r#"{"y":1}"#, "/x: missing"),
        (&deep, "the body is not JSON: recursion limit exceeded at line 1 column 128"),
    ] {
        let fake = HttpFake::start([json(body)]);
        let report = run(&probe("http", &format!("url = '{}'\njson = '/x'", fake.url("/")))).await;
        assert_eq!(shown(&report)[0], r#"probe_success{probe="p"} 1"#);
        assert_eq!(shown(&report)[2], format!(r#"probe_value{{probe="p"}} - {reason}"#));
    }
}

#[tokio::test]
async fn the_first_success_ends_the_attempts() {
    let fake = HttpFake::start([Answer::new(500, ""), Answer::new(204, ""), Answer::new(500, "")]);
    let report = run(&probe("http", &format!("url = '{}'\nattempts = 3", fake.url("/")))).await;
    let want = [r#"probe_success{probe="p"} 1"#, r#"probe_http_status_code{probe="p"} 204"#];
    assert_eq!((shown(&report).as_slice(), why(&report)), (want.map(str::to_owned).as_slice(), None));
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn an_expired_certificate_fails_the_probe_and_still_has_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let (path, ca) = (dir.path().join("ca.pem"), Ca::new());
    ca.write(&path);
    let fake = HttpFake::start_tls([], ca.server(Flaw::Expired));
    let probe = probe("http", &format!("url = '{}'\ntimeout = '5s'", fake.url("/")));
    let report = collect(&probe, None, &net(Some(path)), Time::from_millis(0)).await;
    let mut want = refused("- the certificate has expired", None);
    want.push(ENDED.to_owned());
    assert_eq!(shown(&report), want);
    assert_eq!(fake.seen(), [], "nothing is sent to a server that is not trusted");
}

#[tokio::test]
async fn the_end_of_a_trusted_certificate_is_measured_once_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let (path, ca) = (dir.path().join("ca.pem"), Ca::new());
    ca.write(&path);
    let fake = HttpFake::start_tls([json("ok")], ca.server(Flaw::None));
    let keys = format!("url = '{}'\ntimeout = '5s'", fake.url("/"));
    let (https, net) = (probe("http", &keys), net(Some(path)));
    let end = |report: &Report| report.readings.as_ref().unwrap().last().unwrap().value.clone();

    let first = collect(&https, None, &net, Time::from_millis(1000)).await;
    assert_eq!(shown(&first)[0], r#"probe_success{probe="p"} 1"#);
    // 4096-01-01, the default end of the library that makes the certificates
    assert_eq!(end(&first), Value::Known(67_090_118_400.0));
    assert_eq!(fake.seen().len(), 1, "the handshake for the date asks nothing");

    // a forged memory shows where a date comes from
    let mut memory = first.memory.unwrap();
    memory["certificate"]["not_after"] = 7.into();
    let again = collect(&https, Some(&memory), &net, Time::from_millis(999 + HOUR)).await;
    assert_eq!((end(&again), again.memory.as_ref()), (Value::Known(7.0), Some(&memory)));
    for (now, url) in [(1000 + HOUR, "localhost"), (500, "localhost"), (2000, "127.0.0.1")] {
        let other = probe("http", &keys.replace("localhost", url));
        let due = collect(&other, Some(&memory), &net, Time::from_millis(now)).await;
        assert_eq!(end(&due), Value::Known(67_090_118_400.0), "{now} {url}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_not_trusted_but_read_and_no_handshake_is_unknown() {
    let stranger = HttpFake::start_tls([], Ca::new().server(Flaw::None));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    Ca::new().write(&path);
    let net = net(Some(path));
    let ask = async |url: String| {
        let probe = probe("http", &format!("url = '{url}'\ntimeout = '5s'"));
        collect(&probe, None, &net, Time::from_millis(0)).await
    };
    let report = ask(stranger.url("/")).await;
    assert_eq!(why(&report), Some("the certificate's issuer is not trusted"));
    assert_eq!(shown(&report)[2], r#"probe_ssl_earliest_cert_expiry{probe="p"} 67090118400"#);

    let plain = HttpFake::start([]);
    let report = ask(plain.url("/").replace("http:", "https:")).await;
    let ended = "the server ended the connection during the TLS handshake";
    assert_eq!(why(&report), Some(ended));
    assert_eq!(shown(&report)[2], format!(r#"probe_ssl_earliest_cert_expiry{{probe="p"}} - {ended}"#));
    assert!(report.memory.unwrap().get("certificate").is_none(), "it is tried again at the next run");
}

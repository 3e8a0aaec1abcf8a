use super::*;
use crate::support::ca::{Ca, Flaw};
use crate::support::http::{Answer, HttpFake, Manner};
use crate::support::ports::ReservedPort;

/// In the address of every failing call; no error may show it.
const CANARY: &str = "canary-8f3a";

fn net() -> Net {
    Net::new(None, None)
}

fn get(url: &str) -> Request {
    Request::get(Secret::new(url))
}

async fn failure(net: &Net, request: Request) -> (FailureKind, String, bool) {
    let failure = net.http(request).await.unwrap_err();
    assert!(!format!("{failure:?} {failure}").contains(CANARY), "{failure:?}");
    (failure.kind, failure.text, failure.maybe_received)
}

fn told(kind: FailureKind, text: &str, maybe_received: bool) -> (FailureKind, String, bool) {
    (kind, text.to_owned(), maybe_received)
}

#[tokio::test]
async fn a_call_carries_what_it_was_given_and_nothing_else() {
    let fake = HttpFake::start([Answer::new(201, "made").header("retry-after", "7")]);
    let url = fake.url("/a?b=c");
    let port = url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let request = Request {
        headers: vec![("X-Token".to_owned(), Secret::new(CANARY))],
        ..Request::post(Secret::new(&url), "text/plain", b"hello".to_vec())
    };
    let reply = net().http(request).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.text().as_ref()), (201, "made"));
    assert_eq!(reply.retry_after(Time::from_millis(0)), Some(Duration::from_secs(7)));
    let [seen] = fake.seen().try_into().unwrap();
    let mut headers = seen.headers.clone();
    headers.sort();
    let expected = [
        ("accept", "*/*"),
        ("content-length", "5"),
        ("content-type", "text/plain"),
        ("host", &format!("localhost:{port}")),
        ("user-agent", USER_AGENT),
        ("x-token", CANARY),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.body.as_slice()),
        ("POST", "/a?b=c", b"hello".as_slice())
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let fake = HttpFake::start([Answer::new(302, "").header("location", "/login"), Answer::new(200, "ok")]);
    let reply = net().http(get(&fake.url("/"))).await.unwrap();
    assert_eq!((reply.status.as_u16(), fake.seen().len()), (302, 1));
}

#[tokio::test]
async fn every_failure_says_why_and_whether_the_request_may_have_arrived() {
    use FailureKind as Kind;
    let closed = ReservedPort::take();
    let ended = "the connection ended before the answer did";
    for (manner, expected) in [
        (Manner::Silence, told(Kind::Timeout, "no answer within 300 ms", true)),
        (Manner::Drip(Duration::from_millis(50)), told(Kind::Timeout, "the answer did not end within 300 ms", true)),
        (Manner::Reset, told(Kind::Cut, "the connection was reset", true)),
        (Manner::Cut(0), told(Kind::Cut, ended, true)),
        (Manner::Cut(20), told(Kind::Cut, ended, true)),
        (Manner::Cut(70), told(Kind::Cut, ended, true)),
    ] {
        let waits = matches!(manner, Manner::Silence | Manner::Drip(_));
        let timeout = if waits { Duration::from_millis(300) } else { Duration::from_secs(10) };
        let fake = HttpFake::start([Answer::new(200, "0123456789 0123456789").manner(manner)]);
        let request = Request { timeout, ..get(&fake.url(&format!("/{CANARY}"))) };
        assert_eq!(failure(&net(), request).await, expected, "{manner:?}");
    }
    for (url, expected) in [
        (format!("http://{closed}/{CANARY}"), told(Kind::Connect, "connection refused", false)),
        (format!("http://{CANARY}.invalid/"), told(Kind::Dns, "the host's name could not be resolved", false)),
        (CANARY.to_owned(), told(Kind::BadUrl, "not an address: relative URL without a base", false)),
        (format!("{CANARY}://x/"), told(Kind::BadUrl, "not an address that begins with http:// or https://", false)),
    ] {
        assert_eq!(failure(&net(), get(&url)).await, expected, "{url}");
    }
}

#[tokio::test]
async fn a_connection_that_never_comes_about_has_a_limit_of_its_own_and_is_surely_unsent() {
    // nobody accepts: the kernel completes TCP, but TLS waits for ever
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    Ca::new().write(&path);
    let request = Request::get(Secret::new(&format!("https://{}/{CANARY}", listener.local_addr().unwrap())));
    let expected = told(FailureKind::Timeout, "no connection within 5 s", false);
    assert_eq!(failure(&Net::new(None, Some(path)), request).await, expected);
}

#[tokio::test]
async fn a_long_answer_is_refused_or_cut_and_never_read_to_its_end() {
    let fake = HttpFake::start([Answer::new(500, vec![b'x'; 1 << 20])]);
    let request = Request { max_body: 1000, ..get(&fake.url("/")) };
    let refused = told(FailureKind::TooLarge, "the answer is longer than 1000 bytes", true);
    assert_eq!(failure(&net(), request.clone()).await, refused);
    let reply = net().http(Request { overflow: Overflow::Cut, ..request }).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.body.len()), (500, 1000));
}

#[tokio::test]
async fn a_certificate_is_trusted_or_the_reason_is_named() {
    use FailureKind as Kind;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let ca = Ca::new();
    ca.write(&path);
    let trusting = Net::new(Some(path.clone()), Some(path));
    for (flaw, expected) in [
        (Flaw::Expired, "the certificate has expired"),
        (Flaw::NotYetValid, "the certificate is not valid yet"),
        (Flaw::OtherName, "the certificate is for another name"),
    ] {
        let fake = HttpFake::start_tls([], ca.server(flaw));
        assert_eq!(failure(&trusting, get(&fake.url("/"))).await, told(Kind::Tls, expected, false), "{flaw:?}");
    }
    let good = HttpFake::start_tls([Answer::new(200, "fine")], ca.server(Flaw::None));
    let reply = trusting.http(get(&good.url("/"))).await.unwrap();
    assert_eq!(reply.text().as_ref(), "fine");
    let other = HttpFake::start_tls([], Ca::new().server(Flaw::None));
    let untrusted = told(Kind::Tls, "the certificate's issuer is not trusted", false);
    assert_eq!(failure(&trusting, get(&other.url("/"))).await, untrusted);
    let plain = HttpFake::start([]);
    let https = plain.url("/").replace("http:", "https:");
    let expected = "the server ended the connection during the TLS handshake";
    assert_eq!(failure(&trusting, get(&https)).await, told(Kind::Tls, expected, false));
}

#[test]
fn retry_after_is_read_as_seconds_or_date() {
    let now = Time::from_millis(784_111_777_000);
    for (text, expected) in [
        ("120", Some(120)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("soon", None),
        ("-3", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        let took = Duration::ZERO;
        let reply = Response { status: StatusCode::TOO_MANY_REQUESTS, headers, body: vec![], took };
        assert_eq!(reply.retry_after(now), expected.map(Duration::from_secs), "{text}");
    }
}

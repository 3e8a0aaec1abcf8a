//! Who may ask what: every address, with and without the token, by the wrong method, under a wrong name, from a page of
//! another site.

use crate::serving::{Serving, TOKEN, WITH_TOKEN};
use crate::support::client::ask;
use crate::world::{Ran, World};

/// How a request comes, and with what a POST of it is answered; a GET is answered whatever it shows.
struct Case {
    name: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    post: &'static [u16],
}

const JSON: (&str, &str) = ("content-type", "application/json");
const GOOD: (&str, &str) = ("authorization", "Bearer 0123456789abcdef-token");

fn cases() -> Vec<Case> {
    let case = |name, headers: &[(&'static str, &'static str)], post| Case { name, headers: headers.to_vec(), post };
    vec![
        case("no token", &[JSON], &[401]),
        case("a bad token", &[JSON, ("authorization", "Bearer 0123456789abcdef-tokem")], &[401]),
        case("another scheme", &[JSON, ("authorization", "Basic dTpw")], &[401]),
        // it passes the gate, and is found wanting after it
        case("the token", &[JSON, GOOD], &[400, 404]),
        case("no content type", &[GOOD], &[415]),
        case("a form", &[("content-type", "application/x-www-form-urlencoded"), GOOD], &[415]),
        case("another site", &[JSON, GOOD, ("origin", "https://evil.example")], &[403]),
        case("a page of another site", &[JSON, GOOD, ("sec-fetch-site", "cross-site")], &[403]),
        case("a wrong name", &[JSON, GOOD, ("host", "evil.example")], &[421]),
    ]
}

#[test]
fn every_address_keeps_to_the_same_rules() {
    let world = World::with_queue(WITH_TOKEN);
    world.check();
    let serving = Serving::start(&world);
    let endpoints = serving.get("/nowhere").json()["available_endpoints"].clone();
    let endpoints = endpoints.as_array().unwrap();
    assert!(endpoints.len() >= 15, "{endpoints:?}");
    let (mut reads, mut writes) = (0, 0);
    for path in endpoints {
        let path = path.as_str().unwrap().replace("{number}", "4711").replace("{name}", "HIGH_CPU_USAGE");
        let allow = ask(serving.at, "DELETE", &path, &[], "");
        assert_eq!(allow.status, 405, "{path}");
        let may = |method: &str| allow.header("allow").unwrap().split(", ").any(|one| one == method);
        for Case { name, headers, post } in cases() {
            let is_lost = post == [421];
            if may("GET") && path != "/events" {
                let answer = ask(serving.at, "GET", &path, &headers, "");
                let expected = if is_lost { vec![421] } else { vec![200, 400, 404] };
                assert!(expected.contains(&answer.status), "GET {path}, {name}: {answer:?}");
                assert_eq!(answer.header("access-control-allow-origin"), None, "{path}, {name}");
                reads += 1;
            }
            let answer = ask(serving.at, "POST", &path, &headers, "not json");
            let expected: &[u16] = if may("POST") || is_lost { post } else { &[405] };
            assert!(expected.contains(&answer.status), "POST {path}, {name}: {answer:?}");
            assert_eq!(answer.json()["success"], false);
            writes += u32::from(may("POST"));
        }
    }
    assert!(reads >= 90 && writes >= 27, "{reads} {writes}");
    // the token is no part of an address
    let path = format!("/monitoring/alerts/test?token={TOKEN}");
    assert_eq!(ask(serving.at, "POST", &path, &[JSON], "").status, 401);
}

#[test]
fn every_answer_is_safe_to_show() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    for path in ["/monitoring/dashboard", "/metrics", "/health", "/nowhere", "/monitoring/history?x"] {
        let answer = serving.get(path);
        let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        for (name, value) in [
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
    }
}

#[test]
fn without_a_token_nothing_can_be_changed() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let answer = serving.post("/monitoring/alerts/test", "");
    assert_eq!((answer.status, answer.json()["success"].clone()), (403, false.into()), "{}", answer.text());
}

#[test]
fn pages_that_are_named_may_read() {
    let world =
        World::with_queue("[serve]\ncors_origins = [\"https://nuru.network\"]\npublic_url = \"https://mon.example\"\n");
    world.check();
    let serving = Serving::start(&world);
    let allowed = |origin: &str| {
        let answer = ask(serving.at, "GET", "/monitoring/system", &[("origin", origin), ("host", "mon.example")], "");
        assert_eq!(answer.status, 200);
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(allowed("https://nuru.network"), Some("https://nuru.network".to_owned()));
    assert_eq!((allowed("https://evil.example"), allowed("null")), (None, None));
}

#[test]
fn requests_that_are_none_are_refused() {
    let world = World::with_queue(WITH_TOKEN);
    world.check();
    let serving = Serving::start(&world);
    let head = format!("host: localhost\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    let long = "x".repeat(20_000);
    let status = |bytes: &str| serving.raw(bytes.as_bytes()).map(|answer| answer.status);
    let post = format!("POST /monitoring/alerts/test HTTP/1.1\r\n{head}connection: close\r\n");
    assert_eq!(status(&format!("{post}content-length: 1000000\r\n\r\n{long}")), Some(413));
    let chunks = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    assert_eq!(status(&format!("{post}transfer-encoding: chunked\r\n\r\n{chunks}")), Some(413));
    assert_eq!(status(&format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n")), Some(431));
    assert_eq!(status("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n"), Some(400), "no Host");
    assert_eq!(
        status("GET http://evil.example/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
        Some(400)
    );
    assert_eq!(status("nonsense\r\n\r\n"), Some(400));
    assert_eq!(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").filter(|status| *status < 400), None);
    for path in ["/../../etc/passwd", "/%2e%2e%2f", "//", "/monitoring/system/", "/MONITORING/SYSTEM"] {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.json()["available_endpoints"].is_array()), (404, true), "{path}");
    }
    assert_eq!(ask(serving.at, "OPTIONS", "/monitoring/system", &[], "").status, 405);
    let head = ask(serving.at, "HEAD", "/monitoring/system", &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(ask(serving.at, "GET", "/monitoring/system", &[("accept", "text/html")], "").status, 406);
    assert_eq!(serving.get("/health").status, 200, "and it goes on");
}

#[test]
fn a_port_that_is_taken_and_an_address_that_is_open_are_told() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let at = serving.at.to_string();
    let port = serving.at.port();
    let err = format!(
        "sippar-mon: cannot listen on {at}: another process listens there already\n  help: `ss -ltnp 'sport = :{port}'` shows which; or name another address with --listen\n"
    );
    assert_eq!(world.run(&["serve", "--listen", &at]), Ran { code: 69, out: String::new(), err });
    let ran = world.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(ran.code == 78 && ran.err.contains("lets other machines read all that is measured"), "{ran:?}");
    let ran = world.run(&["serve", "--listen", "nowhere"]);
    assert!(ran.code == 64 && ran.err.contains("is no address to listen on"), "{ran:?}");
}

//! Secrets: in nothing that is printed, stored or sent, whatever goes wrong.

use std::fs;
use std::net::TcpListener;

use crate::support::http::{Answer, HttpFake};
use crate::support::smtp::{Behaviour, Play, SmtpFake, Stage};
use crate::world::{QUEUE, World};

/// Part of every secret here.
const CANARY: &str = "CaNaRy";

/// Channels of every further kind at `base`, with secrets in the environment.
fn further_channels(base: &str) -> String {
    format!(
        r#"
[channels.phones.sms]
account_sid = "env:SID"
auth_token = "env:SMS"
from = "+41790000000"
to = ["+41791111111"]
base_url = "{base}"

[channels.hook.webhook]
url = "env:WEBHOOK"
signing_key = "env:SIGN"
headers = {{ Authorization = "env:TOKEN" }}

[channels.pager.pagerduty]
routing_key = "env:PAGER"
base_url = "{base}"

[channels.room.telegram]
token = "env:BOT"
chat_id = "-100"
base_url = "{base}"

[channels.cluster.alertmanager]
url = "{base}"
headers = {{ Authorization = "env:TOKEN" }}

[channels.script.exec]
command = ["/bin/sh", "-c", "cat; env; exit 1"]
"#
    )
}

/// A world whose channels and probe have secrets in the environment.
fn world(webhook: &str, smtp_port: u16, page: &str, base: &str) -> World {
    let mut world = World::new(&format!(
        r#"{QUEUE}
[probes.page.http]
url = "{page}"
headers = {{ Authorization = "env:TOKEN" }}
attempts = 1
timeout = "700ms"

[channels.slack.slack]
webhook_url = "env:HOOK"

[channels.mail.email]
host = "127.0.0.1"
port = {smtp_port}
tls = "none"
user = "mon@example.org"
password = "env:PASS"
to = ["ops@example.org"]
{}"#,
        further_channels(base)
    ));
    world.set("HOOK", webhook);
    world.set("PASS", &format!("{CANARY}-password"));
    world.set("TOKEN", &format!("Bearer {CANARY}-token"));
    world.set("SID", "AC0123456789abcdef0123456789abcdef");
    world.set("SMS", &format!("{CANARY}-sms"));
    world.set("WEBHOOK", &format!("{base}/{CANARY}-webhook"));
    world.set("SIGN", &format!("{CANARY}-sign"));
    world.set("PAGER", &format!("{CANARY}{CANARY}{CANARY}{CANARY}{CANARY}12"));
    world.set("BOT", &format!("123:{CANARY}-bot"));
    world.queue(50);
    world
}

/// Runs every command and looks everywhere.
fn look_everywhere(world: &World) {
    world.next_tick();
    for args in [
        &["check", "-vv"][..],
        &["alert", "test", "--yes"],
        &["alert", "test", "--json", "--yes"],
        &["alert", "test", "--dry-run", "-v"],
        &["alert", "list", "-v"],
        &["alert", "show", "1", "-v"],
        &["status", "--json", "-v"],
        &["status", "--all"],
        &["collect", "--json"],
        &["collect", "-v"],
        &["--help"],
    ] {
        let ran = world.run(args);
        assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "{args:?}: {ran:?}");
    }
    for entry in fs::read_dir(world.path(".")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        assert!(!found, "in {}", path.display());
    }
}

#[test]
fn no_secret_shows_when_servers_repeat_what_they_were_sent() {
    let echo = |status| {
        Answer::new(
            status,
            format!("no {CANARY}-hook at /services/T0/B0/{CANARY}-hook, http://localhost/services/T0/B0/{CANARY}-hook"),
        )
    };
    let slack = HttpFake::start([echo(403), echo(500), echo(200)]);
    let login = Some(("mon@example.org".to_owned(), "other".to_owned()));
    let refusal = Play::Say(format!("535 not with {CANARY}-password"));
    let smtp = SmtpFake::start(Behaviour { login, plays: vec![(Stage::Auth, refusal)], ..Behaviour::default() });
    let page = HttpFake::start([Answer::new(401, format!("not with Bearer {CANARY}-token"))]);
    let repeats = HttpFake::serving(|request| {
        let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let all = format!("{} {} {}", request.path, headers.join(" "), String::from_utf8_lossy(&request.body));
        Answer::new(403, all)
    });
    let world =
        world(&slack.url(&format!("/services/T0/B0/{CANARY}-hook")), smtp.port(), &page.url("/"), &repeats.url(""));
    look_everywhere(&world);
    let used = repeats.seen().iter().filter(|seen| format!("{seen:?}").contains(CANARY)).count();
    assert!(used > 0, "they were really used");
    let authorization = format!("Bearer {CANARY}-token");
    assert_eq!(page.seen()[0].header("authorization"), Some(authorization.as_str()), "it was really used");
}

#[test]
fn no_secret_shows_when_nobody_answers() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let webhook = format!("http://localhost:{port}/services/T0/B0/{CANARY}-hook");
    let base = format!("http://localhost:{port}");
    look_everywhere(&world(&webhook, port, &format!("{base}/"), &base));
}

#[test]
fn no_secret_shows_when_it_is_malformed() {
    for webhook in
        [format!("{CANARY} not an address"), format!("ftp://{CANARY}/x"), format!("http://far.example/{CANARY}")]
    {
        let world = world(&webhook, 25, "http://localhost/", "http://localhost");
        let ran = world.run(&["check", "-v"]);
        assert_eq!(ran.code, 78, "{ran:?}");
        assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "{ran:?}");
    }
}

#[test]
fn the_kept_copy_of_a_literal_secret_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with_queue("[channels.slack.slack]\nwebhook_url = \"http://localhost:1/services/T0/B0/x\"\n");
    world.check();
    for entry in fs::read_dir(world.path(".")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("state.") {
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", entry.path().display());
        }
    }
}

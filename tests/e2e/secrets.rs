//! Secrets: in nothing that is printed, stored or sent, whatever goes wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::http::{Answer, HttpFake};
use crate::support::ports::ReservedPort;
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

/// Every key of the example that takes its value from elsewhere, with the variable that holds it here and its value; `@`
/// is a server that repeats what it was sent. A new key of this kind must join the table.
const SECRETS: [(&str, &str, &str); 17] = [
    ("channels.*.slack.webhook_url", "HOOK", "@/services/T0/B0/CaNaRy-hook"),
    ("channels.*.email.password", "PASS", "CaNaRy-password"),
    ("channels.*.sms.account_sid", "SID", "AC0123456789abcdef0123456789abcdef"),
    ("channels.*.sms.auth_token", "AUTH", "CaNaRy-auth"),
    ("channels.*.sms.from", "FROM", "+41790000001"),
    ("channels.*.sms.to", "NUMBERS", "+41790000002"),
    ("channels.*.webhook.headers", "HEADER", "CaNaRy-header"),
    ("channels.*.webhook.signing_key", "KEY", "CaNaRy-signing-key-of-some-length"),
    ("channels.*.pagerduty.routing_key", "ROUTING", "CaNaRyCaNaRyCaNaRyCaNaRyCaNaRy00"),
    ("channels.*.telegram.token", "BOT", "123456:CaNaRy-bot-token-of-some-length"),
    ("channels.*.alertmanager.headers", "AMHEADER", "CaNaRy-alertmanager"),
    ("probes.*.http.headers", "TOKEN", "Bearer CaNaRy-token"),
    ("sources.backend.headers", "BACKEND", "CaNaRy-backend"),
    ("sources.algorand.token", "ALGOD", "CaNaRy-algod"),
    ("sources.algorand.tokens", "NODE", "CaNaRy-node"),
    ("sources.algorand.indexer_token", "INDEXER", "CaNaRy-indexer"),
    ("heartbeat.url", "LIFE", "@/ping/CaNaRy-uuid"),
];

/// The keys of the example whose values may come from elsewhere: those written so there, and headers.
fn keys_of_the_example() -> BTreeSet<String> {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml.example")).unwrap();
    let (mut keys, mut table) = (BTreeSet::new(), String::new());
    for line in example.lines() {
        let line = line.strip_prefix("#+ ").unwrap_or(line);
        if let Some(header) = line.strip_prefix('[') {
            let mut parts: Vec<&str> = header.trim_matches(['[', ']']).split('.').collect();
            if ["probes", "channels"].contains(&parts[0]) {
                parts[1] = "*";
            }
            table = parts.join(".");
        } else if line.contains("\"env:") && line.contains(" = ") && !line.starts_with("# ") {
            keys.insert(format!("{table}.{}", line.split(" = ").next().unwrap()));
        } else if let Some(map) = ["headers", "tokens"].iter().find(|map| line.starts_with(&format!("#{map} = "))) {
            keys.insert(format!("{table}.{map}"));
        }
    }
    keys
}

/// Every kind of channel, and the heartbeat, with secrets from the table.
fn channels_with_secrets(base: &str, smtp_port: u16) -> String {
    format!(
        r#"
[channels.slack.slack]
webhook_url = "env:HOOK"

[channels.mail.email]
host = "127.0.0.1"
port = {smtp_port}
tls = "none"
user = "mon@example.org"
password = "env:PASS"
to = ["ops@example.org"]

[channels.phone.sms]
account_sid = "env:SID"
auth_token = "env:AUTH"
from = "env:FROM"
to = ["env:NUMBERS"]
base_url = "{base}"

[channels.hook.webhook]
url = "{base}/hook"
headers = {{ X-Key = "env:HEADER" }}
signing_key = "env:KEY"

[channels.pager.pagerduty]
routing_key = "env:ROUTING"
base_url = "{base}"

[channels.chat.telegram]
token = "env:BOT"
chat_id = "-1001234567890"
base_url = "{base}"

[channels.cluster.alertmanager]
url = "{base}"
headers = {{ X-Key = "env:AMHEADER" }}

[channels.script.exec]
command = ["/bin/sh", "@look.sh", "@channel"]

[heartbeat]
url = "env:LIFE"
"#
    )
}

/// A world in which every key that takes a secret has one, and every server is `server`.
fn full_world(server: &HttpFake, smtp_port: u16) -> World {
    let base = server.url("");
    let host = base.trim_start_matches("http://");
    let other = base.replace("localhost", "127.0.0.1");
    let mut world = World::new(&format!(
        r#"{QUEUE}
[sources.backend]
url = "{base}"
headers = {{ X-Key = "env:BACKEND" }}

[sources.algorand]
nodes = ["{base}", "{other}"]
token = "env:ALGOD"
tokens = {{ "{host}" = "env:NODE" }}
indexer = "{base}"
indexer_token = "env:INDEXER"

[probes.page.http]
url = "{base}/"
headers = {{ Authorization = "env:TOKEN" }}
attempts = 1
timeout = "700ms"

[probes.look.exec]
command = ["/bin/sh", "@look.sh", "@probe"]
attempts = 1
timeout = "700ms"

{}"#,
        channels_with_secrets(&base, smtp_port)
    ));
    for (_, name, value) in SECRETS {
        world.set(name, &value.replace('@', &base));
    }
    world.set("RUST_LOG", "trace");
    world.set("RUST_BACKTRACE", "1");
    // what a child sees: its environment, its own command line and ours
    let look = "cat > /dev/null < /dev/null\nenv > $1.env\ncat /proc/$$/cmdline /proc/$PPID/cmdline > $1.lines\n";
    world.write("look.sh", look, 0o700);
    world.queue(50);
    world
}

#[test]
fn the_table_of_secrets_has_every_key_that_takes_one() {
    let table: BTreeSet<String> = SECRETS.iter().map(|(key, ..)| (*key).to_owned()).collect();
    assert_eq!(keys_of_the_example(), table);
}

#[test]
fn no_secret_of_any_kind_shows_when_every_server_repeats_all_it_was_sent() {
    let words: Vec<&str> = SECRETS.iter().map(|(_, _, value)| value.trim_start_matches('@')).collect();
    let all = words.join(" and ");
    let echo = |status| Answer::new(status, format!("not with {all}")).header("x-echo", &all);
    let server = HttpFake::start([403, 500, 200, 401, 429, 302].map(echo));
    let refusal = Play::Say("535 not with CaNaRy-password".to_owned());
    let login = Some(("mon@example.org".to_owned(), "other".to_owned()));
    let smtp = SmtpFake::start(Behaviour { login, plays: vec![(Stage::Auth, refusal)], ..Behaviour::default() });
    let world = full_world(&server, smtp.port());
    look_everywhere(&world);
    for name in ["probe.env", "probe.lines", "channel.env", "channel.lines"] {
        assert!(world.path(name).exists(), "the child that writes {name} was never started");
    }
    let seen = server.seen();
    for used in ["/services/T0/B0/CaNaRy-hook", "/hook", "/v2/enqueue", "/ping/CaNaRy-uuid"] {
        assert!(seen.iter().any(|one| one.path.starts_with(used)), "{used} was never asked");
    }
    for used in ["/Messages.json", "/sendMessage", "/alerts"] {
        assert!(seen.iter().any(|one| one.path.ends_with(used)), "{used} was never asked");
    }
}

/// Runs every command and looks everywhere.
fn look_everywhere(world: &World) {
    world.next_tick();
    for args in [
        &["check", "-vv"][..],
        &["alert", "test", "--yes"],
        &["alert", "test", "--json", "--yes"],
        &["alert", "test", "--rule", "QUEUE_LONG", "--yes"],
        &["alert", "test", "--dry-run", "-v"],
        &["alert", "list", "-v"],
        &["alert", "show", "1", "-v"],
        &["alert", "show", "1", "--json"],
        &["alert", "deliveries", "-v"],
        &["alert", "deliveries", "--json"],
        &["alert", "resend", "1", "-v"],
        &["alert", "drop", "2", "-m", "enough"],
        &["check", "--json"],
        &["rules", "check", "-v"],
        &["db", "check"],
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
    let closed = ReservedPort::take();
    let base = format!("http://localhost:{}", closed.port());
    let webhook = format!("{base}/services/T0/B0/{CANARY}-hook");
    look_everywhere(&world(&webhook, closed.port(), &format!("{base}/"), &base));
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

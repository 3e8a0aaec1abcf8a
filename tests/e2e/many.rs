//! Five hundred alerts at once: few messages for people, each alert for machines, nothing dropped, and all of it ends.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::http::{Answer, HttpFake};
use crate::support::smtp::{Behaviour, SmtpFake};
use crate::world::{QUEUE, Ran, World};

const MANY: usize = 500;

/// So many queues of this length.
fn queues(world: &World, depth: u32) {
    let mut text = String::new();
    for queue in 0..MANY {
        let _ = writeln!(text, "depth{{queue=\"q{queue:03}\"}} {depth}");
    }
    world.write("queue.prom", &text, 0o644);
}

/// How many deliveries each channel has in each state, and in how many messages they went.
fn deliveries(world: &World) -> BTreeMap<String, (usize, usize)> {
    let rows = world.run(&["alert", "deliveries", "--limit", "9999", "--json"]).json();
    let mut found: BTreeMap<String, (usize, Vec<Value>)> = BTreeMap::new();
    for row in rows.as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let entry = found.entry(format!("{} {} {}", text("channel"), text("kind"), text("state"))).or_default();
        let message = if row["messageOf"].is_null() { &row["id"] } else { &row["messageOf"] };
        entry.0 += 1;
        if !entry.1.contains(message) {
            entry.1.push(message.clone());
        }
    }
    found.into_iter().map(|(what, (count, messages))| (what, (count, messages.len()))).collect()
}

/// Everybody who can be told.
struct Audience {
    chat: HttpFake,
    mail: SmtpFake,
    sms: HttpFake,
    hook: HttpFake,
}

impl Audience {
    fn new() -> Self {
        let taken =
            r#"{"sid":"SM00000000000000000000000000000001","status":"queued","num_segments":"1","error_code":null}"#;
        let ok = || HttpFake::start([Answer::new(200, "ok")]);
        let sms = HttpFake::start([Answer::new(201, taken)]);
        Self { chat: ok(), mail: SmtpFake::start(Behaviour::default()), sms, hook: ok() }
    }

    fn world(&self) -> World {
        let head = QUEUE.split("[[rule]]\nalert = \"QUEUE_LONG\"").next().unwrap();
        World::new(&format!(
            r#"{head}
[[rule]]
alert = "QUEUE_LONG"
expr = "depth"
above = {{ CRITICAL = 10 }}
summary = "{{{{ queue }}}} has {{{{ value }}}}"

[channels.chat.slack]
webhook_url = "{}"
[channels.mail.email]
host = "127.0.0.1"
port = {}
tls = "none"
from = "mon@example.org"
to = ["ops@example.org"]
[channels.sms.sms]
account_sid = "AC00000000000000000000000000000001"
auth_token = "hush"
from = "+15550001"
to = ["+15550002"]
base_url = "{}"
[channels.hook.webhook]
url = "{}"
"#,
            self.chat.url("/services/T0/B0/chat"),
            self.mail.port(),
            self.sms.url(""),
            self.hook.url("/hook"),
        ))
    }

    /// How many messages came to chat, mail, phone and machine.
    fn counts(&self) -> (usize, usize, usize, usize) {
        let texts = self.sms.seen().iter().filter(|seen| seen.method == "POST").count();
        (self.chat.seen().len(), self.mail.mails().len(), texts, self.hook.seen().len())
    }
}

/// What each channel has of this kind: as many deliveries as alerts, for people in one message.
fn each(kind: &str) -> [(String, (usize, usize)); 4] {
    let (one, many) = ((MANY, 1), (MANY, MANY));
    [("chat", one), ("hook", many), ("mail", one), ("sms", one)]
        .map(|(channel, count)| (format!("{channel} {kind} sent"), count))
}

#[test]
fn five_hundred_alerts_at_once_are_few_messages_and_each_has_its_end() {
    let audience = Audience::new();
    let world = audience.world();
    queues(&world, 0);
    assert_eq!(world.check(), Ran::silent(0));
    queues(&world, 20);
    assert_eq!(world.check(), Ran::silent(2));
    assert_eq!(audience.counts(), (1, 1, 1, MANY), "one message for people, each alert for a machine");
    assert_eq!(deliveries(&world), each("firing").into());
    // whoever reads it learns how many there are, and of what
    let post = audience.chat.seen()[0].json().to_string();
    assert!(post.contains("500 alerts") && post.contains("QUEUE_LONG"), "{post}");
    let mail = audience.mail.mails()[0].content.replace("=\r\n", "");
    let missing: Vec<usize> = (0..MANY).filter(|queue| !mail.contains(&format!("q{queue:03} has 20"))).collect();
    assert_eq!(missing, [0; 0], "a mail has room for all of them");
    // a report shows the first of them, and counts all
    let report = world.run(&["report", "-o", "-", "--from", "1h"]).out;
    assert!(report.contains("500 alerts in 1 h") && report.contains("✖ CRITICAL (500)"), "{report}");

    queues(&world, 0);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(audience.counts(), (2, 2, 2, 2 * MANY));
    let mut all: BTreeMap<_, _> = each("firing").into();
    all.extend(each("resolved"));
    assert_eq!(deliveries(&world), all);
    let alerts = world.run(&["alert", "list", "--all", "--json"]).json();
    let over = alerts.as_array().unwrap().iter().filter(|alert| alert["state"] == "resolved").count();
    assert_eq!(over, MANY);
    // a machine heard of each alert twice, in order: firing, then resolved
    let mut heard: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for seen in audience.hook.seen() {
        let json = seen.json();
        heard.entry(json["number"].as_u64().unwrap()).or_default().push(json["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(heard.len(), MANY);
    assert!(heard.values().all(|kinds| kinds == &["firing", "resolved"]), "{heard:?}");
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(audience.counts(), (2, 2, 2, 2 * MANY), "and then there is silence");
}

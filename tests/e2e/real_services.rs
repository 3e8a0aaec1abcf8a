//! Requests judged by programs that somebody else wrote: Prism by Twilio's own description of its API, a counter of SMS
//! segments, and Alertmanager itself. `.ci/run` fetches them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::http::{Answer, HttpFake};
use crate::support::ports::ReservedPort;
use crate::support::skip::skipped;
use crate::support::twilio::{ACCOUNT, Twilio};
use crate::world::{QUEUE, Ran, World, until};

/// The queue's rule as one that wakes people.
fn critical() -> String {
    QUEUE.replace("HIGH = 10", "CRITICAL = 10")
}

/// What `.ci/run` puts beside the build.
fn fetched(name: &str) -> PathBuf {
    let debug = Path::new(env!("CARGO_BIN_EXE_sippar-mon")).parent().unwrap();
    let path = debug.parent().unwrap().join(name);
    assert!(path.exists(), "{} is missing: .ci/run fetches it", path.display());
    path
}

/// A server that ends with the test.
struct Server {
    process: Child,
    at: ReservedPort,
}

impl Server {
    /// Starts `command`, which is to listen `at` that port, and waits until it does.
    fn start(command: &mut Command, at: ReservedPort) -> Self {
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { process, at };
        until("the server", || TcpStream::connect(server.at.address()).is_ok());
        server
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The whole answer to a request.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.at.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Twilio's own description of its Messages, where this machine has it; it is not part of this project.
fn description() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/payloads/twilio_messages_openapi.json");
    path.canonicalize().ok()
}

#[test]
#[ignore = "needs npm's Prism and Twilio's OpenAPI description; run by .ci/run"]
fn what_twilio_is_asked_is_what_its_description_allows() {
    let Some(description) = description() else {
        return skipped(
            "there is no ../shared/reference/payloads/twilio_messages_openapi.json to hold requests against",
        );
    };
    let twilio = Twilio::start();
    let at = ReservedPort::take();
    let mut prism = Command::new("node");
    prism.arg(fetched("npm").join("node_modules/.bin/prism")).arg("proxy").arg(description);
    prism.arg(twilio.fake.url("")).args(["--errors", "-h", "127.0.0.1", "-p", &at.port().to_string()]);
    let prism = Server::start(&mut prism, at);

    // it refuses what is wrong, so that its silence means something
    let body = "From=%2B41790000000&Body=x";
    let refused = prism.ask(&format!(
        "POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Basic eDp5\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert!(refused.starts_with("HTTP/1.1 422"), "{refused}");
    assert_eq!(twilio.fake.seen().len(), 0);

    let through = |settings: &str| settings.replace(&twilio.fake.url(""), &prism.url());
    let service = "messaging_service_sid = \"MG0123456789abcdef0123456789abcdef\"";
    let other = twilio.channel("service", &["+41793333333"]).replace("from = \"+41790000000\"", service);
    let channels = through(&format!("{}{other}", twilio.channel("phones", &["+41791111111", "+41792222222"])));
    let world = World::new(&format!("{}{channels}", critical()));
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(2));
    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(world.run(&["alert", "test", "--yes"]), Ran::silent(0));
    assert_eq!(twilio.messages().len(), 9, "{:#?}", twilio.texts());
    until("what became of them", || {
        world.check();
        world.run(&["alert", "show", "1"]).out.matches("; delivered").count() == 6
    });
    assert!(twilio.fake.seen().iter().any(|seen| seen.method == "GET"));
}

#[test]
#[ignore = "needs npm's sms-segments-calculator; run by .ci/run"]
fn every_text_message_is_one_segment_to_an_independent_counter() {
    let summaries = [
        "plain",
        "[brackets] {braces} ^caret ~tilde back\\\\slash |pipe| `tick` €",
        "“quotes” — dashes … ‘more’ non\u{a0}breaking",
        "Zürich größer çà ñ Łódź",
        "日本語のアラート 🔥🔥🔥",
        "a very long cause that goes on and on and on, with a value of 123456789 and a limit of 987654321, and then some \
         more words that nobody will read on a small screen at three in the morning, and on and on",
    ];
    let twilio = Twilio::start();
    let rules: Vec<String> = (0..)
        .zip(summaries)
        .map(|(at, summary)| {
            format!("[[rule]]\nalert = \"RULE_{at}\"\nexpr = \"queue_depth > 10\"\nseverity = \"CRITICAL\"\nsummary = \"{summary}\"\n")
        })
        .collect();
    let world = World::new(&format!("{}{}{}", critical(), rules.concat(), twilio.channel("phones", &["+41791111111"])));
    world.queue(50);
    world.check();
    world.queue(3);
    world.check();
    let texts: Vec<String> = twilio.messages().into_iter().map(|message| message.body).collect();
    assert!(texts.len() >= 2, "{texts:#?}");

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/segments.mjs");
    let count = |texts: &[String]| {
        let mut counter = Command::new("node");
        let counter = counter.arg(script).arg(fetched("npm")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut counter = counter.spawn().unwrap();
        let input = serde_json::to_string(texts).unwrap();
        counter.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = counter.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(count(&["a".repeat(161), "🔥".to_owned()]), ["GSM-7 2", "UCS-2 1"], "it counts");
    let counted = count(&texts);
    assert_eq!(counted.len(), texts.len());
    for (text, counted) in texts.iter().zip(counted) {
        assert_eq!(counted, "GSM-7 1", "{text}");
    }
}

/// Alertmanager with one receiver.
fn alertmanager(world: &World, receiver: &HttpFake) -> Server {
    let config = format!(
        "route: {{receiver: ops, group_by: [alertname, severity], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\n\
         receivers: [{{name: ops, webhook_configs: [{{url: '{}', send_resolved: true}}]}}]\n",
        receiver.url("/told")
    );
    world.write("alertmanager.yml", &config, 0o600);
    let at = ReservedPort::take();
    let flag = |name: &str, value: &str| format!("--{name}={value}");
    let place = |name: &str| world.path(name).display().to_string();
    let mut command = Command::new(fetched("alertmanager/prometheus-alertmanager"));
    command.args([
        flag("config.file", &place("alertmanager.yml")),
        flag("storage.path", &place("alertmanager")),
        flag("web.listen-address", &at.to_string()),
        flag("cluster.listen-address", ""),
    ]);
    fs::create_dir(world.path("alertmanager")).unwrap();
    Server::start(&mut command, at)
}

#[test]
#[ignore = "needs Debian's prometheus-alertmanager; run by .ci/run"]
fn alertmanager_takes_what_fires_its_severities_and_its_end() {
    let receiver = HttpFake::start([Answer::new(200, "")]);
    let world = World::empty();
    let server = alertmanager(&world, &receiver);
    let ladder = QUEUE.replace("above = { HIGH = 10 }", "above = { HIGH = 10, CRITICAL = 100 }");
    let channel = format!("[channels.cluster.alertmanager]\nurl = \"{}\"\n", server.url());
    world.configure(&format!("{ladder}{channel}"));
    let told = || -> Vec<String> {
        let one = |post: Value| {
            let labels = &post["commonLabels"];
            format!("{} {} {}", post["status"], labels["alertname"], labels["severity"]).replace('"', "")
        };
        receiver.seen().iter().map(|seen| one(seen.json())).collect()
    };

    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    until("the first word", || told() == ["firing QUEUE_LONG HIGH"]);
    world.queue(500);
    assert_eq!(world.check(), Ran::silent(2));
    until("the higher severity in the place of the other", || {
        let told = told();
        told.len() == 3
            && told.contains(&"firing QUEUE_LONG CRITICAL".to_owned())
            && told.contains(&"resolved QUEUE_LONG HIGH".to_owned())
    });
    let active = server.get("/api/v2/alerts?active=true");
    assert!(active.contains("\"severity\":\"CRITICAL\"") && !active.contains("\"severity\":\"HIGH\""), "{active}");
    assert!(active.contains("\"summary\":\"500 are waiting\""), "{active}");

    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0));
    until("the end", || told().last().map(String::as_str) == Some("resolved QUEUE_LONG CRITICAL"));
    assert_eq!(told().len(), 4, "nothing that never fired is told of: {:#?}", told());
}

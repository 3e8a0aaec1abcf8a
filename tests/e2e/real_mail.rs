//! E-mail through a mail server that somebody else wrote.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::ca::Ca;
use crate::world::{QUEUE, Ran, World};

const USER: &str = "mon@example.org";
const PASSWORD: &str = "hush";

/// aiosmtpd with STARTTLS and a login, on Debian's own Python.
struct Server {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(world: &World, ca: &Ca) -> (Self, u16) {
        let (certificate, key) = ca.pem_of_server();
        std::fs::write(world.path("server.pem"), certificate).unwrap();
        std::fs::write(world.path("server.key"), key).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/aiosmtpd_server.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .args([world.path("server.pem"), world.path("server.key")])
            .args([USER, PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        lines.read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("the server prints its port; is python3-aiosmtpd installed?");
        (Self { process, lines }, port)
    }

    /// The mails that were accepted.
    fn mails(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let mails = self.lines.by_ref().lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        self.process.wait().unwrap();
        mails
    }
}

#[test]
#[ignore = "needs python3-aiosmtpd; run by .ci/run"]
fn a_real_mail_server_takes_the_firing_and_the_resolved_mail() {
    let ca = Ca::new();
    let world = World::new("");
    let (server, port) = Server::start(&world, &ca);
    ca.write(&world.path("ca.pem"));
    let mail = format!(
        "\n[channels.mail.email]\nhost = \"localhost\"\nport = {port}\nuser = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
         to = [\"ops@example.org\", \"night@example.org\"]\n"
    );
    world.configure(&format!("{QUEUE}{mail}").replace("[monitor]", "[monitor]\nca_file = \"@ca.pem\""));
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(world.check(), Ran::silent(1));
    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0));

    let mails = server.mails();
    let mut told: Vec<String> = mails
        .iter()
        .map(|mail| format!("{} {}", mail["to"][0].as_str().unwrap(), mail["headers"]["subject"]))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "night@example.org \"[HIGH] QUEUE_LONG: 50 are waiting\"",
            "night@example.org \"[HIGH] Resolved: QUEUE_LONG: 3 are waiting\"",
            "ops@example.org \"[HIGH] QUEUE_LONG: 50 are waiting\"",
            "ops@example.org \"[HIGH] Resolved: QUEUE_LONG: 3 are waiting\"",
        ]
    );
    for mail in &mails {
        assert_eq!((&mail["tls"], &mail["login"]), (&Value::Bool(true), &Value::Bool(true)));
        assert_eq!(mail["types"], serde_json::json!(["text/plain", "text/html"]));
        assert_eq!(mail["defects"], serde_json::json!([]));
        assert_eq!(mail["headers"]["auto-submitted"], "auto-generated");
        assert!(mail["text"].as_str().unwrap().contains("QUEUE_LONG"), "{mail:#}");
    }
}

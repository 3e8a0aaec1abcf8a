//! A server of a world: the real binary on a free port of loopback.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::client::{Answered, ask, raw};
use crate::world::{Ran, Running, World};

/// The token of servers that have one.
pub const TOKEN: &str = "0123456789abcdef-token";

/// The table that gives it.
pub const WITH_TOKEN: &str = "[serve]\ntoken = \"0123456789abcdef-token\"\n";

/// A server that runs.
pub struct Serving {
    running: Running,
    /// Where it listens.
    pub at: SocketAddr,
}

impl Serving {
    /// Starts it.
    pub fn start(world: &World) -> Self {
        Self::start_with(world, &[])
    }

    /// Starts it with further arguments.
    pub fn start_with(world: &World, more: &[&str]) -> Self {
        let args = [&["serve", "-v", "--listen", "127.0.0.1:0"], more].concat();
        let mut command = world.command(&args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut lines = String::new();
        let at = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended: {lines}");
            if let Some(rest) = line.split("http://").nth(1) {
                break rest.split('/').next().unwrap().parse().unwrap();
            }
            lines.push_str(&line);
        };
        // what it says later must not fill the pipe
        std::thread::spawn(move || said.lines().for_each(drop));
        Self { running: child.into(), at }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Answered {
        ask(self.at, "GET", path, &[], "")
    }

    /// The document of a GET that succeeds.
    pub fn data(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["data"].clone()
    }

    /// A POST with the token.
    pub fn post(&self, path: &str, body: &str) -> Answered {
        let bearer = format!("Bearer {TOKEN}");
        ask(self.at, "POST", path, &[("authorization", &bearer), ("content-type", "application/json")], body)
    }

    /// Bytes, and what is answered to them.
    pub fn raw(&self, bytes: &[u8]) -> Option<Answered> {
        raw(self.at, bytes)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Asks it to stop and waits for its end: how it ended, and how long that took.
    pub fn stop(self) -> (Ran, Duration) {
        let begun = Instant::now();
        self.running.terminate();
        (self.running.wait(), begun.elapsed())
    }
}

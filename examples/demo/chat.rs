//! The place of Slack: prints what people are told.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::support::http::{Answer, HttpFake, Seen};

/// What was told so far, and how many lines of it somebody has waited for.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    read: usize,
}

/// A chat that one can listen to.
pub struct Chat {
    server: HttpFake,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Chat {
    /// Opens it.
    pub fn start() -> Self {
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let shared = Arc::clone(&heard);
        let server = HttpFake::serving(move |post| {
            let line = text(post);
            println!("> {line}");
            shared.0.lock().unwrap().lines.push(line);
            shared.1.notify_all();
            Answer::new(200, "ok")
        });
        Self { server, heard }
    }

    /// Where messages are sent to.
    pub fn url(&self) -> String {
        self.server.url("/services/T0/B0/demo")
    }

    /// Waits for a message with `text` in it, after the last one that was waited for.
    pub fn hears(&self, text: &str, patience: Duration) -> bool {
        let find = |heard: &Heard| heard.lines.iter().skip(heard.read).position(|line| line.contains(text));
        let waiting = self.heard.0.lock().unwrap();
        let (mut heard, _) = self.heard.1.wait_timeout_while(waiting, patience, |heard| find(heard).is_none()).unwrap();
        match find(&heard) {
            Some(at) => heard.read += at + 1,
            None => return false,
        }
        true
    }
}

/// The line that a phone would show.
fn text(post: &Seen) -> String {
    let json: serde_json::Value = serde_json::from_slice(&post.body).unwrap_or_default();
    json["text"].as_str().unwrap_or("a message without text").to_owned()
}

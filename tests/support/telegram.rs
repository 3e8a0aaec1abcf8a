//! A fake Telegram: `sendMessage` of the Bot API with its checks.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Answer, HttpFake, Seen};

pub const TOKEN: &str = "123456789:AAhush-telegram_token";
pub const CHAT: &str = "-1001234567890";

/// The service.
pub struct Telegram {
    pub fake: HttpFake,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Telegram {
    pub fn start() -> Self {
        let texts = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&texts);
        Self { fake: HttpFake::serving(move |request| answer(request, &mut shared.lock().unwrap())), texts }
    }

    /// A channel at this service.
    pub fn channel(&self, name: &str) -> String {
        format!(
            "[channels.{name}.telegram]\ntoken = \"{TOKEN}\"\nchat_id = \"{CHAT}\"\nbase_url = \"{}\"\n",
            self.fake.url("")
        )
    }

    /// The texts that were taken so far.
    pub fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }
}

fn no(code: u16, description: &str) -> Answer {
    Answer::new(code, json!({"ok": false, "error_code": code, "description": description}).to_string())
}

fn answer(request: &Seen, texts: &mut Vec<String>) -> Answer {
    if request.path != format!("/bot{TOKEN}/sendMessage") {
        return no(404, "Not Found");
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else { return no(400, "Bad Request") };
    if asked["chat_id"] != CHAT {
        return no(400, "Bad Request: chat not found");
    }
    let text = asked["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return no(400, "Bad Request: message text is empty");
    }
    if text.chars().count() > 4096 {
        return no(400, "Bad Request: message is too long");
    }
    texts.push(text.to_owned());
    let message = json!({"message_id": texts.len(), "date": 0, "chat": {"id": -1_001_234_567_890_i64}, "text": text});
    Answer::new(200, json!({"ok": true, "result": message}).to_string())
}

//! A fake PagerDuty: the Events API v2 with its checks, and the incidents that come of the events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Answer, HttpFake, Seen};

pub const KEY: &str = "0123456789abcdef0123456789abcdef";

#[derive(Default)]
struct State {
    /// By `dedup_key`: what happened to the incident, in order.
    incidents: BTreeMap<String, Vec<String>>,
}

/// The service.
pub struct PagerDuty {
    pub fake: HttpFake,
    state: Arc<Mutex<State>>,
}

impl PagerDuty {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        Self { fake: HttpFake::serving(move |request| answer(request, &mut shared.lock().unwrap())), state }
    }

    /// A channel at this service.
    pub fn channel(&self, name: &str) -> String {
        format!("[channels.{name}.pagerduty]\nrouting_key = \"{KEY}\"\nbase_url = \"{}\"\n", self.fake.url(""))
    }

    /// What happened to each incident, in the order of their keys.
    pub fn incidents(&self) -> Vec<(String, Vec<String>)> {
        self.state.lock().unwrap().incidents.clone().into_iter().collect()
    }
}

fn answer(request: &Seen, state: &mut State) -> Answer {
    if (request.method.as_str(), request.path.as_str()) != ("POST", "/v2/enqueue") {
        return Answer::new(404, "");
    }
    let invalid = |why: &str| {
        let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": [why]});
        Answer::new(400, body.to_string())
    };
    let Ok(event) = serde_json::from_slice::<Value>(&request.body) else { return invalid("not JSON") };
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("/routing_key") != KEY {
        return invalid("Length of 'routing_key' is incorrect (should be 32 characters)");
    }
    let key = text("/dedup_key");
    if key.chars().count() > 255 {
        return invalid("'dedup_key' is too long");
    }
    let word = match text("/event_action").as_str() {
        "trigger" => {
            let severity = text("/payload/severity");
            if !["critical", "error", "warning", "info"].contains(&severity.as_str()) {
                return invalid("'payload.severity' is invalid");
            }
            if text("/payload/summary").is_empty() || text("/payload/source").is_empty() {
                return invalid("'payload.summary' and 'payload.source' are required");
            }
            if text("/payload/summary").chars().count() > 1024 {
                return invalid("'payload.summary' is too long");
            }
            format!("trigger {severity}: {}", text("/payload/summary"))
        }
        action @ ("acknowledge" | "resolve") if !key.is_empty() => action.to_owned(),
        _ => return invalid("'event_action' is invalid"),
    };
    state.incidents.entry(key.clone()).or_default().push(word);
    let body = json!({"status": "success", "message": "Event processed", "dedup_key": key});
    Answer::new(202, body.to_string())
}

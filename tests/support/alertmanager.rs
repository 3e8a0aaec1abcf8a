//! A fake Alertmanager: `POST /api/v2/alerts` with its checks, and the alerts that it would take for firing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::http::{Answer, HttpFake, Seen};

/// Labels, and when they end.
type Alerts = BTreeMap<String, String>;

/// The service.
pub struct Alertmanager {
    pub fake: HttpFake,
    alerts: Arc<Mutex<Alerts>>,
}

impl Alertmanager {
    pub fn start() -> Self {
        let alerts = Arc::new(Mutex::new(Alerts::new()));
        let shared = Arc::clone(&alerts);
        Self { fake: HttpFake::serving(move |request| answer(request, &mut shared.lock().unwrap())), alerts }
    }

    /// A channel at this service.
    pub fn channel(&self, name: &str) -> String {
        format!("[channels.{name}.alertmanager]\nurl = \"{}\"\n", self.fake.url(""))
    }

    /// The labels of what fires at an instant (RFC 3339, UTC).
    pub fn firing(&self, at: &str) -> Vec<String> {
        let alerts = self.alerts.lock().unwrap();
        alerts.iter().filter(|(_, ends)| ends.as_str() > at).map(|(labels, _)| labels.clone()).collect()
    }

    /// It forgets everything, as when it is started anew without a disk.
    pub fn forget(&self) {
        self.alerts.lock().unwrap().clear();
    }
}

fn answer(request: &Seen, alerts: &mut Alerts) -> Answer {
    if (request.method.as_str(), request.path.as_str()) != ("POST", "/api/v2/alerts") {
        return Answer::new(404, "");
    }
    let Ok(Value::Array(posted)) = serde_json::from_slice(&request.body) else {
        return Answer::new(400, "\"parsing alerts body\"");
    };
    for alert in &posted {
        let Some(labels) = alert["labels"].as_object() else { return Answer::new(400, "\"labels are required\"") };
        if labels.is_empty() || labels.iter().any(|(_, value)| !value.is_string()) {
            return Answer::new(400, "\"at least one label pair required\"");
        }
        let (starts, ends) = (alert["startsAt"].as_str().unwrap(), alert["endsAt"].as_str().unwrap());
        if starts > ends {
            return Answer::new(400, "\"start time must be before end time\"");
        }
        let words: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
        alerts.insert(words.join(" "), ends.to_owned());
    }
    Answer::new(200, "")
}

//! A fake Twilio: the Messages resource with its checks, as its documentation and its `OpenAPI` description have it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Answer, HttpFake, Manner, Seen};

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "hush-twilio";
/// `ACCOUNT:TOKEN` in base64.
const LOGIN: &str = "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpodXNoLXR3aWxpbw==";

/// A message that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub sid: String,
    pub to: String,
    pub body: String,
    /// Seconds.
    pub validity: u32,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// What becomes of messages to a number: status and error code; otherwise they are delivered.
    fates: BTreeMap<String, (String, Option<u32>)>,
    /// Numbers that are refused at once, with the error code.
    refused: BTreeMap<String, (u16, u32, String)>,
    /// How the next answers to posts are lost after the message was taken.
    losses: Vec<Answer>,
}

/// The service.
pub struct Twilio {
    pub fake: HttpFake,
    state: Arc<Mutex<State>>,
}

impl Twilio {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        Self { fake: HttpFake::serving(move |request| answer(request, &mut shared.lock().unwrap())), state }
    }

    /// A channel at this service.
    pub fn channel(&self, name: &str, to: &[&str]) -> String {
        format!(
            "[channels.{name}.sms]\naccount_sid = \"{ACCOUNT}\"\nauth_token = \"{TOKEN}\"\nfrom = \"+41790000000\"\n\
             to = {to:?}\nbase_url = \"{}\"\n",
            self.fake.url("")
        )
    }

    /// The messages that were taken so far.
    pub fn messages(&self) -> Vec<Message> {
        self.state.lock().unwrap().messages.clone()
    }

    /// `number text` of the messages that were taken so far.
    pub fn texts(&self) -> Vec<String> {
        self.messages().iter().map(|message| format!("{} {}", message.to, message.body)).collect()
    }

    /// What becomes of messages to `number`.
    pub fn fate(&self, number: &str, status: &str, code: Option<u32>) {
        self.state.lock().unwrap().fates.insert(number.to_owned(), (status.to_owned(), code));
    }

    /// Messages to `number` are refused.
    pub fn refuse(&self, number: &str, status: u16, code: u32, message: &str) {
        self.state.lock().unwrap().refused.insert(number.to_owned(), (status, code, message.to_owned()));
    }

    /// The next message is taken, but the answer is this one.
    pub fn lose(&self, answer: Answer) {
        self.state.lock().unwrap().losses.push(answer);
    }

    /// The next message is taken, and the connection reset before the answer.
    pub fn reset(&self) {
        self.lose(Answer::new(201, "").manner(Manner::Reset));
    }
}

/// An error as Twilio words it.
pub fn error(status: u16, code: u32, message: &str) -> Answer {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more, "status": status});
    Answer::new(status, body.to_string()).header("content-type", "application/json")
}

fn answer(request: &Seen, state: &mut State) -> Answer {
    if request.header("authorization") != Some(LOGIN) {
        return error(401, 20003, "Authenticate");
    }
    let base = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages");
    match (request.method.as_str(), request.path.strip_prefix(&base)) {
        ("POST", Some(".json")) => create(request, state),
        ("GET", Some(rest)) => {
            let sid = rest.trim_start_matches('/').trim_end_matches(".json");
            match state.messages.iter().find(|message| message.sid == sid) {
                Some(message) => {
                    let (status, code) =
                        state.fates.get(&message.to).cloned().unwrap_or_else(|| ("delivered".to_owned(), None));
                    described(200, message, &status, code)
                }
                None => error(404, 20404, &format!("The requested resource {} was not found", request.path)),
            }
        }
        _ => error(404, 20404, &format!("The requested resource {} was not found", request.path)),
    }
}

fn create(request: &Seen, state: &mut State) -> Answer {
    if request.header("content-type") != Some("application/x-www-form-urlencoded") {
        return error(415, 20415, "Unsupported Media Type");
    }
    let form: BTreeMap<String, String> = request.form().into_iter().collect();
    let of = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (to, body) = (of("To"), of("Body"));
    if to.is_empty() {
        return error(400, 21604, "A 'To' phone number is required.");
    }
    let digits = to.strip_prefix('+').unwrap_or_default();
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return error(400, 21211, &format!("Invalid 'To' Phone Number: {to}"));
    }
    if of("From").is_empty() && of("MessagingServiceSid").is_empty() {
        return error(400, 21603, "A 'From' phone number is required.");
    }
    if body.is_empty() {
        return error(400, 21602, "Message body is required.");
    }
    if body.chars().count() > 1600 {
        return error(400, 21617, "The concatenated message body exceeds the 1600 character limit.");
    }
    let validity = of("ValidityPeriod").parse().unwrap_or(36_000);
    if !(1..=36_000).contains(&validity) {
        return error(400, 30484, "ValidityPeriod is out of range");
    }
    if let Some((status, code, message)) = state.refused.get(&to) {
        return error(*status, *code, message);
    }
    let message = Message { sid: format!("SM{:032x}", state.messages.len() + 1), to, body, validity };
    state.messages.push(message.clone());
    if state.losses.is_empty() { described(201, &message, "queued", None) } else { state.losses.remove(0) }
}

fn described(status: u16, message: &Message, word: &str, code: Option<u32>) -> Answer {
    let body: Value = json!({
        "sid": message.sid,
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "to": message.to,
        "from": "+41790000000",
        "body": message.body,
        "status": word,
        "num_segments": "1",
        "num_media": "0",
        "direction": "outbound-api",
        "error_code": code,
        "error_message": null,
        "price": null,
        "price_unit": "USD",
        "messaging_service_sid": null,
        "date_created": "Thu, 26 Nov 2026 09:00:00 +0000",
        "date_sent": null,
        "date_updated": "Thu, 26 Nov 2026 09:00:00 +0000",
        "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}.json", message.sid),
        "subresource_uris": {"media": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}/Media.json", message.sid)},
    });
    Answer::new(status, body.to_string()).header("content-type", "application/json")
}

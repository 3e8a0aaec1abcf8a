use serde_json::json;

use super::*;
use crate::model::message::Kind;
use crate::notify::kit::{self, CANARY, Case, dead, later, ok};
use crate::support::http::{Answer, HttpFake};

pub fn at(base: &str) -> String {
    format!("[channel.telegram]\ntoken = \"123456:{CANARY}-AA_x\"\nchat_id = \"-100123\"\nbase_url = \"{base}\"\n")
}

/// An answer that says no.
fn no(status: u16, description: &str, parameters: &Value) -> Answer {
    let body = json!({"ok": false, "error_code": status, "description": description, "parameters": parameters});
    Answer::new(status, body.to_string())
}

fn yes() -> Answer {
    Answer::new(200, json!({"ok": true, "result": {"message_id": 4711, "chat": {"id": -100_123}}}).to_string())
}

pub fn cases() -> Vec<Case> {
    let answers = vec![
        (yes(), ok("200 message 4711")),
        (Answer::new(200, "{\"ok\":true}"), ok("200")),
        (Answer::new(200, "<html>log in</html>"), later("200 <html>log in</html>: not Telegram's answer", None)),
        (Answer::new(200, "{\"ok\":false}"), later("200 {\"ok\":false}: not Telegram's answer", None)),
        (no(400, "Bad Request: chat not found", &json!({})), dead("400 Bad Request: chat not found")),
        (no(401, "Unauthorized", &json!(null)), dead("401 Unauthorized")),
        (
            no(403, "Forbidden: bot was blocked by the user", &json!(null)),
            dead("403 Forbidden: bot was blocked by the user"),
        ),
        (no(404, "Not Found", &json!(null)), dead("404 Not Found")),
        (
            no(429, "Too Many Requests: retry after 17", &json!({"retry_after": 17})),
            later("429 Too Many Requests: retry after 17", Some(17)),
        ),
        (no(500, "Internal Server Error", &json!(null)), later("500 Internal Server Error", None)),
        (Answer::new(502, "bad gateway"), later("502 bad gateway", None)),
    ];
    kit::http_cases(at, answers)
}

pub fn bad() -> Vec<String> {
    vec![
        format!("[channel.telegram]\ntoken = \"{CANARY}\"\nchat_id = \"1\"\n"),
        format!("[channel.telegram]\ntoken = \"1:{CANARY}/x\"\nchat_id = \"1\"\n"),
    ]
}

async fn sent(fake: &HttpFake) -> Outcome {
    let delivery = kit::delivery(Kind::Firing);
    kit::build(&at(&fake.url(""))).unwrap().send(&delivery, &Net::new(None, None), delivery.created).await
}

#[tokio::test]
async fn it_is_posted_as_plain_text_without_a_preview() {
    let fake = HttpFake::start([yes()]);
    assert_eq!(sent(&fake).await, ok("200 message 4711"));
    let [seen] = fake.seen().try_into().unwrap();
    assert_eq!(seen.path, format!("/bot123456:{CANARY}-AA_x/sendMessage"));
    let text = "\
[CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 %

Value: 96.1 %
Limit: > 95 %
Worst value: 97 %
Since: 2026-11-23T08:55:00Z
Timestamp: 2026-11-23T09:00:00Z
System: Sippar bridge (production)
Host: node-1
mount: /data

Action required: Find the process: ps aux --sort=-rss | head
Runbook: https://runbooks.example/HIGH_MEMORY_USAGE
id 41-7";
    assert_eq!(seen.json(), json!({"chat_id": "-100123", "text": text, "link_preview_options": {"is_disabled": true}}));
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_is_followed_once() {
    let moved = |chat: i64| {
        no(400, "Bad Request: group chat was upgraded to a supergroup chat", &json!({"migrate_to_chat_id": chat}))
    };
    let fake = HttpFake::start([moved(-100_999), yes()]);
    let expected = "200 message 4711 (the chat has a new number: write chat_id = \"-100999\")";
    assert_eq!(sent(&fake).await, ok(expected));
    let chats: Vec<String> = fake.seen().iter().map(|seen| seen.json()["chat_id"].to_string()).collect();
    assert_eq!(chats, ["\"-100123\"", "\"-100999\""]);
    let fake = HttpFake::start([moved(-1), moved(-2)]);
    assert_eq!(sent(&fake).await, dead("the chat moved to -1, and from there to -2"));
    assert_eq!(fake.seen().len(), 2);
}

#[test]
fn a_long_message_keeps_what_to_do_and_its_id() {
    let mut delivery = kit::delivery(Kind::Firing);
    let long = "😀".repeat(900);
    delivery.message.summary = long.clone();
    delivery.message.labels = (0..30).map(|i| (format!("l{i}"), long.clone())).collect();
    let text = text(&delivery);
    assert!(text.encode_utf16().count() <= MAX_TEXT, "{}", text.encode_utf16().count());
    let end = "…\n\nAction required: Find the process: ps aux --sort=-rss | head\n\
               Runbook: https://runbooks.example/HIGH_MEMORY_USAGE\nid 41-7";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let token = "token = \"123456:abc-DEF_9\"";
    for chat in ["-1001234567890", "42", "@ops_room"] {
        let channel = kit::build(&format!("[channel.telegram]\n{token}\nchat_id = \"{chat}\"\n")).unwrap();
        assert_eq!(channel.describe(), format!("chat {chat} via api.telegram.org"));
        assert_eq!(channel.destinations()[0].address, chat);
    }
    for (toml, expected) in [
        ("chat_id = \"1\"".to_owned(), "`token` is missing @ [channel.telegram]"),
        (token.to_owned(), "`chat_id` is missing @ [channel.telegram]"),
        (format!("{token}\nchat_id = \"ops room\""), "`ops room` is not a Telegram chat @ \"ops room\""),
        (
            "token = \"env:CANARY\"\nchat_id = \"1\"".to_owned(),
            "channel `ops`: `token` is not a number, a colon and a key @ \"env:CANARY\"",
        ),
    ] {
        assert_eq!(kit::build(&format!("[channel.telegram]\n{toml}\n")).unwrap_err(), [expected], "{toml}");
    }
}

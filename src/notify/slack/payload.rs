//! The JSON that a webhook is sent. All foreign text goes into `plain_text` objects, so that `*`, backticks and
//! `:names:` in it are shown as they are, and `&`, `<`, `>` are escaped, which also kills mentions and links.
//!
//! Limits kept (docs.slack.dev): header 150 characters, section text 3000, ten fields of 2000 each, and fewer than
//! 10,000 characters in all blocks, below an undocumented limit near 13,200 (`msg_blocks_too_long`).

use serde_json::{Value, json};

use crate::model::delivery::Delivery;
use crate::model::message::{Kind, Message};
use crate::model::severity::Severity;
use crate::notify::render::{self, Row};

/// Slack's limit for a header.
const MAX_HEADER: usize = 150;
/// Our limits, well below Slack's, so that everything together stays below the limit of the whole message.
const MAX_SECTION: usize = 1500;
const MAX_FIELD: usize = 450;
/// For the list of a message about several alerts, which has no other long part.
const MAX_LIST: usize = 4000;
/// Slack's limit of fields in a section.
const MAX_FIELDS: usize = 10;

/// The full message.
pub fn blocks(delivery: &Delivery, room: Option<&str>) -> Value {
    let message = &delivery.message;
    let mut blocks = vec![
        json!({"type": "header", "text": plain(&format!("{} {}", mark(message), render::title(message)), MAX_HEADER)}),
    ];
    let rows = render::rows(message);
    blocks.extend(value(&rows, "Message").map(section));
    blocks.push(json!({"type": "section", "fields": fields(&rows)}));
    blocks.extend(listed(message));
    blocks.extend(value(&rows, "Note").map(section));
    blocks.push(section(&format!("Action required: {}", render::action(message))));
    blocks.extend(runbook(message));
    blocks.push(json!({"type": "context", "elements": [plain(&footer(delivery), MAX_SECTION)]}));
    let mut payload = envelope(&render::headline(message), room);
    if let Value::Object(map) = &mut payload {
        map.insert("blocks".to_owned(), Value::Array(blocks));
    }
    payload
}

/// The alerts of a message that stands for several, in sections of lines.
fn listed(message: &Message) -> Vec<Value> {
    let mut sections: Vec<String> = Vec::new();
    for line in render::list(message, MAX_LIST) {
        match sections.last_mut() {
            Some(last) if width(last) + width(&line) + 4 < MAX_SECTION => *last = format!("{last}\n• {line}"),
            _ => sections.push(format!("• {line}")),
        }
    }
    sections.iter().map(|text| section(text)).collect()
}

/// How long a text is once it is escaped.
fn width(text: &str) -> usize {
    let size = |c| match c {
        '&' => 5,
        '<' | '>' => 4,
        _ => 1,
    };
    text.chars().map(size).sum()
}

/// The same in one short line without blocks, for a service that refuses them.
pub fn short(delivery: &Delivery, room: Option<&str>) -> Value {
    let listed =
        render::list(&delivery.message, MAX_SECTION).iter().fold(String::new(), |all, line| all + "\n- " + line);
    envelope(&format!("{}{listed} | {}", render::headline(&delivery.message), footer(delivery)), room)
}

/// The text is what phones show in a notification and what screen readers read.
fn envelope(text: &str, room: Option<&str>) -> Value {
    let mut payload = json!({
        "text": escaped(text, 2 * MAX_SECTION),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    if let (Some(room), Value::Object(map)) = (room, &mut payload) {
        map.insert("channel".to_owned(), Value::from(room));
    }
    payload
}

/// The value of a row that has one.
fn value<'a>(rows: &'a [Row], name: &str) -> Option<&'a str> {
    rows.iter().find(|row| row.name == name).map(|row| row.value.as_str()).filter(|value| !value.is_empty())
}

/// The rows, without what stands elsewhere in the message.
fn fields(rows: &[Row]) -> Vec<Value> {
    rows.iter()
        .filter(|row| !matches!(row.name.as_str(), "Message" | "Host" | "Note"))
        .take(MAX_FIELDS)
        .map(|row| plain(&format!("{}\n{}", row.name, row.value), MAX_FIELD))
        .collect()
}

/// The link, the one place with markup: the address holds no character that ends a link, and is not cut.
fn runbook(message: &Message) -> Option<Value> {
    let url = render::runbook(message)?.replace('&', "&amp;");
    (url.len() <= MAX_SECTION)
        .then(|| json!({"type": "section", "text": {"type": "mrkdwn", "text": format!("<{url}|Runbook>")}}))
}

fn footer(delivery: &Delivery) -> String {
    let message = &delivery.message;
    format!(
        "{} · {} · {} · {}",
        message.at.rfc3339(),
        render::system(message),
        render::host(message),
        render::id(delivery)
    )
}

/// A coloured mark, so that the room can be skimmed; the words say the same.
const fn mark(message: &Message) -> &'static str {
    match (message.kind, message.severity) {
        (Kind::Resolved, _) => "✅",
        (Kind::Test, _) => "🔧",
        (Kind::Acknowledged, _) => "🙋",
        (_, Severity::Critical) => "🔴",
        (_, Severity::High) => "🟠",
        (_, Severity::Medium) => "🟡",
        (_, Severity::Low) => "🔵",
    }
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": plain(text, MAX_SECTION)})
}

fn plain(text: &str, max: usize) -> Value {
    json!({"type": "plain_text", "emoji": false, "text": escaped(text, max)})
}

/// At most `max` characters after escaping; never half an escape.
fn escaped(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.chars() {
        let (entity, size) = match c {
            '&' => ("&amp;", 5),
            '<' => ("&lt;", 4),
            '>' => ("&gt;", 4),
            _ => ("", 1),
        };
        if length + size >= max {
            out.push('…');
            break;
        }
        length += size;
        if entity.is_empty() { out.push(c) } else { out.push_str(entity) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::kit;

    #[test]
    fn the_whole_payload() {
        let field = |text: &str| json!({"type": "plain_text", "emoji": false, "text": text});
        let expected = json!({
            "channel": "#ops",
            "text": "[CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 %",
            "mrkdwn": false,
            "unfurl_links": false,
            "unfurl_media": false,
            "blocks": [
                {"type": "header", "text": field("🔴 [CRITICAL] HIGH_MEMORY_USAGE")},
                {"type": "section", "text": field("Memory at 96.1 %")},
                {"type": "section", "fields": [
                    field("Alert type\nHIGH_MEMORY_USAGE"),
                    field("Severity\nCRITICAL"),
                    field("Value\n96.1 %"),
                    field("Limit\n&gt; 95 %"),
                    field("Worst value\n97 %"),
                    field("Since\n2026-11-23T08:55:00Z"),
                    field("Timestamp\n2026-11-23T09:00:00Z"),
                    field("System\nSippar bridge (production)"),
                    field("mount\n/data"),
                ]},
                {"type": "section", "text": field("Action required: Find the process: ps aux --sort=-rss | head")},
                {"type": "section", "text":
                    {"type": "mrkdwn", "text": "<https://runbooks.example/HIGH_MEMORY_USAGE|Runbook>"}},
                {"type": "context", "elements": [
                    field("2026-11-23T09:00:00Z · Sippar bridge (production) · node-1 · id 41-7"),
                ]},
            ],
        });
        assert_eq!(blocks(&kit::delivery(Kind::Firing), Some("#ops")), expected);
    }

    /// Every string below `value`.
    fn texts(value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(map) => map.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn hostile_text_mentions_nobody_links_nowhere_and_fits() {
        let hostile = "<!channel> <@U1> *bold* `code` &lt; ".repeat(200);
        let mut delivery = kit::delivery(Kind::Firing);
        let message = &mut delivery.message;
        for text in [&mut message.alert, &mut message.summary, &mut message.system, &mut message.host] {
            hostile.clone_into(text);
        }
        message.note = Some(hostile.clone());
        message.action = Some(hostile.clone());
        message.labels = (0..30).map(|i| (format!("l{i}"), hostile.clone())).collect();
        message.runbook_url = Some(format!("https://x.example/{}", "&".repeat(200)));
        let payload = blocks(&delivery, None);
        let link = |text: &String| text.starts_with("<https://x.example/&amp;") && text.ends_with("|Runbook>");
        for text in texts(&payload).iter().filter(|text| !link(text)) {
            assert!(!text.contains(['<', '>']) && text.chars().count() <= 3000, "{text}");
        }
        let sum: usize = texts(&payload["blocks"]).iter().map(|text| text.chars().count()).sum();
        assert!(sum < 10_000, "{sum}");
        let header = &payload["blocks"][0]["text"];
        assert_eq!((header["type"].as_str(), header["emoji"].as_bool()), (Some("plain_text"), Some(false)));
        assert!(header["text"].as_str().unwrap().chars().count() <= MAX_HEADER);
    }

    #[test]
    fn escaping_never_leaves_half_an_escape() {
        for (text, max, expected) in [("a&b<c>d", 50, "a&amp;b&lt;c&gt;d"), ("ab&c", 6, "ab…"), ("abcdef", 4, "abc…")]
        {
            assert_eq!(escaped(text, max), expected);
        }
    }

    #[test]
    fn the_plain_form_carries_the_id() {
        let payload = short(&Delivery { maybe_repeat: true, ..kit::delivery(Kind::Resolved) }, None);
        let expected = "[CRITICAL] Resolved: HIGH_MEMORY_USAGE: Memory at 96.1 % | 2026-11-23T09:00:00Z · \
                        Sippar bridge (production) · node-1 · id 41-7 (possible repeat)";
        assert_eq!(payload["text"], expected);
        assert!(payload.get("blocks").is_none());
    }
}

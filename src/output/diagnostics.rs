//! Faults as people read them: the line, a caret under the wrong word, the way out.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::model::fault::{Fault, Located, Place, SourceText, Weight};
use crate::text::safe;

/// Keys whose values are secrets; what follows them is masked before a line is shown.
const SECRET_KEYS: [&str; 10] = [
    "webhook_url",
    "password",
    "token",
    "auth_token",
    "account_sid",
    "routing_key",
    "signing_key",
    "secret",
    "headers",
    "authorization",
];

/// Tables whose values are masked, whatever their key is called.
const SECRET_TABLES: [&str; 3] = ["channels", "heartbeat", "serve"];

/// Keys of those tables whose values help and hurt nobody.
const HARMLESS_KEYS: [&str; 13] = [
    "host",
    "port",
    "tls",
    "from",
    "to",
    "channel",
    "chat_id",
    "messaging_service_sid",
    "validity",
    "confirm",
    "hold",
    "timeout",
    "danger_allow_plaintext",
];

/// All faults, each with its place, in colour if wanted.
pub fn render(faults: &[Located], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for located in faults {
        out.push_str(&one(located, &renderer));
        out.push('\n');
    }
    out
}

fn one(located: &Located, renderer: &Renderer) -> String {
    let fault = &located.fault;
    let level = match fault.weight {
        Weight::Error => Level::ERROR,
        Weight::Warning => Level::WARNING,
    };
    let what = safe::one_line(&fault.what);
    let label = safe::one_line(&fault.label);
    let masked = located.source.as_ref().map(|source| (source.path.display().to_string(), mask(&source.text)));
    let mut group =
        level.primary_title(what.as_str()).elements([] as [Snippet<'_, annotate_snippets::Annotation<'_>>; 0]);
    if let (Some((path, text)), Some(source)) = (&masked, &located.source) {
        group = match range(fault, source) {
            Some(span) => {
                let annotation = AnnotationKind::Primary.span(span);
                let annotation = if label.is_empty() { annotation } else { annotation.label(label.as_str()) };
                group.element(Snippet::source(text.as_str()).path(path.as_str()).annotation(annotation))
            }
            None => group.element(annotate_snippets::Origin::path(path.as_str())),
        };
    }
    let help = fault.help.as_deref().map(safe::one_line);
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// Where a fault stands in its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// The first one is 1.
    pub line: usize,
    /// In characters, the first one is 1.
    pub column: usize,
}

/// Where a fault begins, if it is in a file.
pub fn position(located: &Located) -> Option<Position> {
    let source = located.source.as_ref()?;
    let offset = range(&located.fault, source)?.start;
    let before = source.text.get(..offset)?;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some(Position { offset, line: before.matches('\n').count() + 1, column })
}

/// The bytes of the file that a fault means. A place inside a string is found by looking for the decoded string in its
/// literal; where escapes make them differ, the whole literal is meant.
fn range(fault: &Fault, source: &SourceText) -> Option<std::ops::Range<usize>> {
    match &fault.place {
        Place::Nowhere => None,
        Place::File(span) => Some(clamp(span, &source.text)),
        Place::Inside { outer, inner } => {
            let outer = clamp(outer, &source.text);
            let literal = source.text.get(outer.clone())?;
            let quotes = if literal.starts_with("\"\"\"") || literal.starts_with("'''") { 3 } else { 1 };
            let newline = literal.get(quotes..).map_or(0, |rest| usize::from(rest.starts_with('\n')));
            let start = outer.start + quotes + newline;
            let plain = literal.starts_with('\'') || !literal.contains('\\');
            let span = start + inner.start..start + inner.end;
            if plain && span.end <= outer.end { Some(clamp(&span, &source.text)) } else { Some(outer) }
        }
    }
}

fn clamp(span: &std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
    let floor = |at: usize| {
        let at = at.min(text.len());
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    floor(span.start)..floor(span.end).max(floor(span.start))
}

/// The text with what may be secret masked, byte for byte so that places stay true: values of secret keys wherever they
/// stand, every value of a channel (a misspelt key must not show what it holds) but harmless ones, request headers, and
/// all of an address but its host.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut table_is_secret = false;
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        if let Some(quotes) = open {
            out.push_str(&cover(line));
            open = if line.contains(quotes) { None } else { open };
            continue;
        }
        let start = line.trim_start();
        if start.starts_with('[') {
            // "reserves" is no "serve"
            let is_source = start.starts_with("[sources.");
            let is_named = SECRET_TABLES.iter().any(|table| start.contains(table)) && !is_source;
            table_is_secret = is_named || start.contains("headers");
            out.push_str(line);
            continue;
        }
        let from = if table_is_secret || start.starts_with("channels") { value_from(line) } else { secret_from(line) };
        let (shown, hidden) = line.split_at(from.unwrap_or(line.len()));
        out.push_str(&cover_addresses(shown));
        let is_reference = hidden.contains("\"env:") || hidden.contains("\"file:");
        out.push_str(&if is_reference { hidden.to_owned() } else { cover(hidden) });
        open = ["\"\"\"", "'''"].into_iter().find(|quotes| hidden.matches(quotes).count() == 1);
    }
    out
}

/// Stars for everything but white space and quotes.
fn cover(text: &str) -> String {
    let star = |c: char| if c.is_whitespace() || "\"'".contains(c) { c.to_string() } else { "*".repeat(c.len_utf8()) };
    text.chars().map(star).collect()
}

/// Where the value of a line in a secret table begins; `None` where its key is harmless.
fn value_from(line: &str) -> Option<usize> {
    let start = line.len() - line.trim_start().len();
    let end = start + line[start..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')?;
    let equals = line[end..].find(|c: char| c != ' ').filter(|at| line[end + at..].starts_with('='));
    (!HARMLESS_KEYS.contains(&&line[start..end])).then_some(end + equals.map_or(0, |at| at + 1))
}

/// Where the value of a secret key begins.
fn secret_from(line: &str) -> Option<usize> {
    line.match_indices('=').map(|(at, _)| at + 1).find(|at| {
        let key = line[..at - 1].trim_end().trim_end_matches(['"', '\'']);
        let word = key.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(key, |before| &key[before + 1..]);
        SECRET_KEYS.iter().any(|secret| word.eq_ignore_ascii_case(secret))
    })
}

/// Leaves of each address the scheme and the host: paths and queries carry tokens, and some hosts a password.
fn cover_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'".contains(c)).unwrap_or(after.len());
        let (address, next) = after.split_at(end);
        let host_end = address.find(['/', '?', '#']).unwrap_or(address.len());
        let host_start = address[..host_end].rfind('@').map_or(0, |at| at + 1);
        out.push_str(&cover(&address[..host_start]));
        out.push_str(&address[host_start..host_end]);
        let tail = &address[host_end..];
        out.push_str(&if tail == "/" { tail.to_owned() } else { cover(tail) });
        rest = next;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn shown(text: &str, fault: Fault) -> String {
        let source = Arc::new(SourceText { path: "config.toml".into(), text: text.to_owned() });
        render(&[Located { source: Some(source), fault }], false)
    }

    #[test]
    fn a_fault_has_its_line_a_caret_and_the_way_out() {
        let text = "[[rule]]\nexpr = 'sum(mem) by host'\n";
        let fault = Fault::error("`by` needs parentheses", Place::Inside { outer: 16..34, inner: 9..16 })
            .label("here")
            .help("write by (host)");
        assert_eq!(
            shown(text, fault),
            "\
error: `by` needs parentheses
 --> config.toml:2:18
  |
2 | expr = 'sum(mem) by host'
  |                  ^^^^^^^ here
  |
  = help: write by (host)
"
        );
    }

    #[test]
    fn no_secret_is_shown_although_the_fault_is_on_its_line() {
        for text in [
            "webhook_url = \"https://hooks.example/canary\" oops\n",
            "slack = { auth_token = 'canary' }\n",
            "[probes.x.http.headers]\nX-Key = \"canary\"\n",
            "[channels.ops.slack]\nwebhook_uri = \"canary\"\n",
            "[channels.ops.slack]\nurl = \"https://h/canary\"\n",
            "[channels.ops]\nslack = \"canary\"\n",
            "[channels.ops.email]\npasswd = \"canary\"\n",
            "[channels.ops.slack]\nwebhook_url \"canary\"\n",
            "[channels.ops.slack]\nwebhook_url: \"canary\"\n",
            "[channels.ops.slack]\nwebhook_url = \"\"\"\nhttps://canary\n\"\"\"\n",
            "channels.ops.slack.webhook_uri = \"canary\"\n",
            "[probes.p.http]\nurl = \"http://user:canary@host/x?key=canary\"\n",
            "[chanels.ops.slack]\nwebhok = \"https://hooks.example/canary\"\n",
        ] {
            for at in 0..text.len() - 1 {
                let shown = shown(text, Fault::error("x", Place::File(at..at + 1)));
                assert!(!shown.contains("canary"), "{shown}");
            }
            assert_eq!(mask(text).len(), text.len());
        }
    }

    #[test]
    fn what_helps_is_shown() {
        let text =
            "[channels.ops.email]\nport = \"x\"\n[probes.p.http]\nurl = \"https://a.example/\"\nexpr = 'up == 0'\n";
        assert_eq!(mask(text), text);
    }

    #[test]
    fn references_stay_readable() {
        assert_eq!(mask("password = \"env:SMTP_PASS\"\n"), "password = \"env:SMTP_PASS\"\n");
    }
}

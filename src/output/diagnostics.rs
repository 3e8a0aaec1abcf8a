//! Faults as people read them: the line, a caret under the wrong word, the way out.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::model::fault::{Fault, Located, Place, SourceText, Weight};
use crate::text::safe;

/// Keys whose values are secrets; what follows them is masked before a line is shown.
const SECRET_KEYS: [&str; 9] = [
    "webhook_url",
    "password",
    "token",
    "auth_token",
    "account_sid",
    "routing_key",
    "secret",
    "headers",
    "authorization",
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

/// The text with everything after a secret key masked, byte for byte so that places stay true.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_headers = false;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            in_headers = line.contains("headers]");
        }
        let from = if in_headers { line.find('=') } else { secret_from(line) };
        let (open, hidden) = line.split_at(from.map_or(line.len(), |at| at + 1));
        out.push_str(open);
        if hidden.contains("\"env:") || hidden.contains("\"file:") {
            out.push_str(hidden);
        } else {
            let cover =
                |c: char| if c.is_whitespace() || "\"'".contains(c) { c.to_string() } else { "*".repeat(c.len_utf8()) };
            out.extend(hidden.chars().map(cover));
        }
    }
    out
}

/// Where the `=` of a secret key stands in a line.
fn secret_from(line: &str) -> Option<usize> {
    line.match_indices('=').map(|(at, _)| at).find(|at| {
        let key = line[..*at].trim_end().trim_end_matches(['"', '\'']);
        let word = key.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(key, |before| &key[before + 1..]);
        SECRET_KEYS.iter().any(|secret| word.eq_ignore_ascii_case(secret))
    })
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
        let text = "webhook_url = \"https://hooks.example/canary\" oops\nslack = { auth_token = 'canary' }\n[probes.x.http.headers]\nX-Key = \"canary\"\n";
        for at in [0, 50, 110] {
            let shown = shown(text, Fault::error("x", Place::File(at..at + 4)));
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn references_stay_readable() {
        assert_eq!(mask("password = \"env:SMTP_PASS\"\n"), "password = \"env:SMTP_PASS\"\n");
    }
}

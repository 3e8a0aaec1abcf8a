//! A Rust file as a list of words and signs: comments, literals and code that is only compiled for tests are left out.

/// A word or a sign, with its line counted from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// What a file holds besides its tests.
pub struct Source {
    /// In order, without test code.
    pub tokens: Vec<Token>,
    /// Lines that are not test code.
    pub lines: usize,
    /// Names of modules in files of their own that are only compiled for tests.
    pub test_modules: Vec<String>,
}

/// Reads `text`.
pub fn read(text: &str) -> Source {
    let mut source = Source { tokens: Vec::new(), lines: text.lines().count(), test_modules: Vec::new() };
    let all = tokens(text);
    let mut at = 0;
    while at < all.len() {
        if !is(&all[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            source.tokens.push(all[at].clone());
            at += 1;
            continue;
        }
        let end = end_of_item(&all, at + 7);
        let item = &all[at..end];
        if let Some(found) = item.iter().position(|token| token.text == "mod").filter(|_| item.ends_with_sign(";")) {
            source.test_modules.extend(item.get(found + 1).map(|name| name.text.clone()));
        }
        source.lines -= item[item.len() - 1].line - item[0].line + 1;
        at = end;
    }
    source
}

trait EndsWith {
    fn ends_with_sign(&self, sign: &str) -> bool;
}

impl EndsWith for [Token] {
    fn ends_with_sign(&self, sign: &str) -> bool {
        self.last().is_some_and(|token| token.text == sign)
    }
}

/// Whether `tokens` begin with `expected`.
pub fn is(tokens: &[Token], expected: &[&str]) -> bool {
    tokens.len() >= expected.len() && tokens.iter().zip(expected).all(|(token, text)| token.text == *text)
}

/// Where the item that starts at `from` (perhaps with further attributes) ends: after its `;` or its braces.
fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                // `use a::{b};` ends at the semicolon
                if depth == 0 && tokens.get(at + 1).is_none_or(|next| next.text != ";") {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let length = length(rest, first);
        let piece = &rest[..length];
        let is_word = first.is_alphanumeric() || first == '_';
        let is_literal = piece.ends_with(['"', '#', '\'']) && piece.len() > 1;
        if !first.is_whitespace() && !piece.starts_with("//") && !piece.starts_with("/*") && (is_word || !is_literal) {
            tokens.push(Token { text: if is_literal { String::from("\"\"") } else { piece.to_owned() }, line });
        }
        line += piece.matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Bytes of the piece that `rest` begins with.
fn length(rest: &str, first: char) -> usize {
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    let raw = rest.trim_start_matches(['b', 'r']).trim_start_matches('#');
    match first {
        '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
        '/' if rest.starts_with("/*") => until("*/"),
        'r' | 'b' if raw.starts_with('"') && !rest.starts_with("b\"") => {
            let hashes = rest.len() - raw.len() - rest.find(['#', '"']).unwrap_or_default();
            let open = rest.len() - raw.len() + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len())
        }
        'b' if rest.starts_with("b\"") => 1 + quoted(&rest[1..], '"'),
        'b' if rest.starts_with("b'") => 1 + quoted(&rest[1..], '\''),
        '"' => quoted(rest, '"'),
        '\'' if is_char(rest) => quoted(rest, '\''),
        ':' if rest.starts_with("::") => 2,
        first if first.is_alphanumeric() || first == '_' => {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        }
        first => first.len_utf8(),
    }
}

/// `'x'` and `'\n'` are characters, `'a` is a lifetime.
fn is_char(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    matches!((chars.next(), chars.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

//! As much of Markdown as the runbook is written in, as HTML: headings, paragraphs, lists, blocks of code, and within a
//! line code, bold text and links.

use maud::{Markup, PreEscaped, html};

/// A part of a text.
enum Block<'a> {
    Heading(usize, &'a str),
    Paragraph(String),
    /// Items, and whether they are numbered.
    List(Vec<String>, bool),
    Code(String),
}

/// The text as HTML, with its headings `lower` levels below their own.
pub fn html_of(text: &str, lower: usize) -> Markup {
    html! { @for block in blocks(text) { (of_block(&block, lower)) } }
}

fn of_block(block: &Block<'_>, lower: usize) -> Markup {
    match block {
        Block::Heading(level, text) => match level + lower {
            0..=2 => html! { h1 { (inline(text)) } },
            3 => html! { h3 { (inline(text)) } },
            _ => html! { h4 { (inline(text)) } },
        },
        Block::Paragraph(text) => html! { p { (inline(text)) } },
        Block::List(items, true) => html! { ol { @for item in items { li { (inline(item)) } } } },
        Block::List(items, false) => html! { ul { @for item in items { li { (inline(item)) } } } },
        Block::Code(text) => html! { pre { code { (text) } } },
    }
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            blocks.push(Block::Code(code.join("\n")));
            is_open = false;
        } else if trimmed.is_empty() {
            is_open = false;
        } else if let Some((level, heading)) = heading(trimmed) {
            blocks.push(Block::Heading(level, heading));
            is_open = false;
        } else if let Some((item, numbered)) = item(trimmed) {
            match blocks.last_mut() {
                Some(Block::List(items, have)) if *have == numbered => items.push(item.to_owned()),
                _ => blocks.push(Block::List(vec![item.to_owned()], numbered)),
            }
            is_open = true;
        } else {
            goes_on(&mut blocks, trimmed, is_open);
            is_open = true;
        }
    }
    blocks
}

/// A line that goes on with what was open, or begins a paragraph.
fn goes_on(blocks: &mut Vec<Block<'_>>, line: &str, is_open: bool) {
    let open = match blocks.last_mut().filter(|_| is_open) {
        Some(Block::Paragraph(text)) => Some(text),
        Some(Block::List(items, _)) => items.last_mut(),
        _ => None,
    };
    match open {
        Some(text) => {
            text.push(' ');
            text.push_str(line);
        }
        None => blocks.push(Block::Paragraph(line.to_owned())),
    }
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, rest))
}

fn item(line: &str) -> Option<(&str, bool)> {
    if let Some(item) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some((item, false));
    }
    let (number, item) = line.split_once(". ")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((item, true))
}

/// Code, bold text and links of a line.
fn inline(text: &str) -> Markup {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (plain, from) = rest.split_at(at);
        out.push_str(&html! { (plain) }.into_string());
        let found = code(from).or_else(|| bold(from)).or_else(|| link(from));
        let (shown, after) = found.unwrap_or_else(|| {
            let (sign, after) = from.split_at(1);
            (html! { (sign) }, after)
        });
        out.push_str(&shown.into_string());
        rest = after;
    }
    out.push_str(&html! { (rest) }.into_string());
    PreEscaped(out)
}

fn code(from: &str) -> Option<(Markup, &str)> {
    let (code, after) = from.strip_prefix('`')?.split_once('`')?;
    Some((html! { code { (code) } }, after))
}

fn bold(from: &str) -> Option<(Markup, &str)> {
    let (bold, after) = from.strip_prefix("**")?.split_once("**")?;
    Some((html! { strong { (inline(bold)) } }, after))
}

/// A link within the runbook, or to a page of the web.
fn link(from: &str) -> Option<(Markup, &str)> {
    let (text, rest) = from.strip_prefix('[')?.split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    let href = match target.strip_prefix('#') {
        Some(name) => format!("/runbook/{}", super::kit::escaped(name)),
        None if target.starts_with("https://") => target.to_owned(),
        None => return Some((html! { (text) }, after)),
    };
    Some((html! { a href=(href) rel="noreferrer" { (inline(text)) } }, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::runbook;

    #[test]
    fn every_kind_of_block() {
        let text = "## NAME\n\n**Meaning.** One `a<b>`\nand two.\n\n1. first\n   goes on\n2. second [x](#y) [z](https://e.org) [w](javascript:1)\n\n- a\n\n```sh\nls <x>\n```\n* lone `tick";
        let wanted = "<h1>NAME</h1><p><strong>Meaning.</strong> One <code>a&lt;b&gt;</code> and two.</p>\
            <ol><li>first goes on</li><li>second <a href=\"/runbook/y\" rel=\"noreferrer\">x</a> \
            <a href=\"https://e.org\" rel=\"noreferrer\">z</a> w</li></ol>\
            <ul><li>a</li></ul><pre><code>ls &lt;x&gt;</code></pre><ul><li>lone `tick</li></ul>";
        assert_eq!(html_of(text, 0).into_string(), wanted);
    }

    #[test]
    fn nothing_of_the_runbook_is_left_as_it_was_written() {
        for name in runbook::names() {
            let html = html_of(runbook::section(name).unwrap(), 0).into_string();
            let outside: String = html.split("<pre>").map(|part| part.split("</pre>").last().unwrap()).collect();
            let outside: String = outside.split("<code>").map(|part| part.split("</code>").last().unwrap()).collect();
            for sign in ["**", "```", "\n- ", "](", "## "] {
                assert!(!outside.contains(sign), "{name}: {sign} is left in {outside}");
            }
            assert!(html.starts_with(&format!("<h1>{name}</h1>")) && html.contains("<ol>"), "{name}");
        }
    }
}

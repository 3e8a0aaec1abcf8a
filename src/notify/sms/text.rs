//! The text of an SMS: one segment of 160 characters, ASCII only, each of which is one character of the GSM 7-bit alphabet
//! (3GPP TS 23.038). One character beyond it, an emoji or a curly quote, would leave room for 70 in all; one of its
//! extension table (`[ ] { } ^ ~ \ |`) counts twice.

use crate::model::delivery::Delivery;
use crate::model::message::{Kind, Message};
use crate::notify::render;

/// Characters of one segment.
pub const SEGMENT: usize = 160;
/// The longest name of an alert.
const MAX_NAME: usize = 60;

/// Severity and type, the cause, how many go along with it, what to do, the id that every repeat carries. What is less
/// important is there only where it fits whole. Of several alerts the first one, which is the worst, is told.
pub fn text(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let head = match message.list.first() {
        None => format!("{}: ", clip(&without_brackets(&render::title(message)), MAX_NAME)),
        Some(_) => String::new(),
    };
    let more = match message.list.len() {
        0 | 1 => String::new(),
        several => format!(", and {} more", several - 1),
    };
    let action = match message.kind {
        Kind::Resolved | Kind::Acknowledged | Kind::Test => "",
        _ => " Check the dashboard at once.",
    };
    let tail = format!("{action} {}", ascii(&render::id(delivery)));
    // one is for the full stop
    let room = SEGMENT.saturating_sub(head.len() + more.len() + tail.len() + 1);
    let cause = match message.list.first() {
        None => ascii(&message.summary),
        // its id is that of a message of its own, which this is not
        Some(first) => without_brackets(first.line.rsplit_once(" (id ").map_or(&first.line, |(line, _)| line)),
    };
    let mut body = clip(cause.trim_end_matches(['.', ' ']), room);
    for further in [value(message), place(message)] {
        if body.len() + further.len() <= room {
            body.push_str(&further);
        }
    }
    let stop = if more.is_empty() && body.ends_with('.') { "" } else { "." };
    clip(&format!("{head}{body}{more}{stop}{tail}"), SEGMENT)
}

/// `[CRITICAL] NAME` as `CRITICAL NAME`.
fn without_brackets(line: &str) -> String {
    ascii(line).replacen('(', "", 1).replacen(')', "", 1)
}

/// Value and limit, unless the summary says the value.
fn value(message: &Message) -> String {
    match (&message.value, &message.limit) {
        (Some(value), limit) if !message.summary.contains(value.as_str()) => {
            let words = ascii(&format!("{value} {}", limit.as_deref().unwrap_or_default()));
            format!(" ({words})")
        }
        _ => String::new(),
    }
}

fn place(message: &Message) -> String {
    ascii(&format!(", {}, {}", render::system(message), render::host(message)))
}

/// At most `max` characters of an ASCII text, the last three being `...` where something was cut.
fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end()).chars().take(max).collect()
}

/// `text` in characters that are one in the alphabet: letters without their accents, signs as words; `?` for the rest.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' | '{' => out.push('('),
            ']' | '}' => out.push(')'),
            '^' | '`' => out.push('\''),
            '~' => out.push('-'),
            '\\' | '|' => out.push('/'),
            ' '..='\u{7e}' => out.push(c),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c => out.push_str(plain(c)),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A character beyond ASCII in ASCII.
const fn plain(c: char) -> &'static str {
    match c {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'Æ' => "AE",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ð' | 'Ď' | 'Đ' => "D",
        'ð' | 'ď' | 'đ' => "d",
        'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ì'..='Ï' | 'Ī' | 'Į' | 'İ' => "I",
        'ì'..='ï' | 'ī' | 'į' | 'ı' => "i",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' => "N",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ő' => "O",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'Œ' => "OE",
        'œ' => "oe",
        'Ŕ' | 'Ř' => "R",
        'ŕ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'Ţ' | 'Ť' | 'Ț' => "T",
        'ţ' | 'ť' | 'ț' => "t",
        'Ù'..='Ü' | 'Ū' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' | 'µ' | 'μ' => "u",
        'Ý' | 'Ÿ' => "Y",
        'ý' | 'ÿ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        '‐'..='―' | '−' | '·' | '•' => "-",
        '‘'..='‛' | '′' | '´' => "'",
        '“'..='‟' | '«' | '»' | '″' => "\"",
        '…' => "...",
        '→' => "->",
        '×' => "x",
        '°' => " deg",
        '±' => "+-",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '½' => "1/2",
        '€' => "EUR",
        '£' => "GBP",
        '№' => "No",
        // joiners, marks that belong to the letter before, and what turns the direction of reading
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => "",
        _ => "?",
    }
}

#[cfg(test)]
mod tests;

//! TOML text into settings, with every error in one go.
//!
//! serde stops at the first error. So the offending key or value is cut out of the parsed document and the rest is
//! read again, until it fits: each round yields one error at its own place.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use crate::model::fault::{Fault, Place};
use crate::text::nearest::nearest;

/// More errors than this in one file are not worth reading.
const MOST_FAULTS: usize = 50;

/// Reads `text`. What could not be used is left out of the result and named in the faults.
pub fn parse<T: DeserializeOwned + Default>(text: &str) -> (T, Vec<Fault>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<Fault> = errors.iter().map(|error| fault(error, text)).collect();
    if !faults.is_empty() {
        faults.dedup();
        faults.truncate(MOST_FAULTS);
        return (T::default(), faults);
    }
    let mut cuts = Vec::new();
    let mut next = Some(document);
    while let Some(document) = next {
        let error = match T::deserialize(Deserializer::from(document)) {
            Ok(settings) => return (settings, faults),
            Err(error) => error,
        };
        faults.push(fault(&error, text));
        cuts.extend(error.span());
        next = if faults.len() < MOST_FAULTS { without(text, &cuts) } else { None };
    }
    (T::default(), faults)
}

/// The document without what stands at `cuts`; `None` where there is nothing at the last one. Reading the text again is
/// cheaper than keeping a copy of a document that is nearly always right.
fn without<'a>(text: &'a str, cuts: &[Range<usize>]) -> Option<Spanned<DeTable<'a>>> {
    let (mut document, _) = DeTable::parse_recoverable(text);
    let done = cuts.iter().fold(false, |_, span| cut(document.get_mut(), span));
    done.then_some(document)
}

/// The value of a key at a path of tables, for the one setting that is needed even from a broken file.
pub fn peek(text: &str, table: &str, key: &str) -> Option<String> {
    let (document, _) = DeTable::parse_recoverable(text);
    let value = document.get_ref().get(table)?.get_ref().get(key)?.get_ref().as_str()?.to_owned();
    Some(value)
}

/// Cuts the key or value at `span`, or else the innermost value around it; `false` when there is none.
fn cut(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    cut_exact(table, span) || cut_around(table, span)
}

fn cut_exact(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let hit = |key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>| key.span() == *span || value.span() == *span;
    if let Some(key) = table.iter().find(|(key, value)| hit(key, value)).map(|(key, _)| key.clone()) {
        return table.remove(&key).is_some();
    }
    in_children(table, |inner| cut_exact(inner, span))
}

fn cut_around(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let covers = |value: &Spanned<DeValue<'_>>| value.span().start <= span.start && span.end <= value.span().end;
    if in_children(table, |inner| cut_around(inner, span)) {
        return true;
    }
    let key = table.iter().find(|(_, value)| covers(value)).map(|(key, _)| key.clone());
    key.is_some_and(|key| table.remove(&key).is_some())
}

/// Whether `cut` finds something in a table below this one, also in lists of tables.
fn in_children(table: &mut DeTable<'_>, cut: impl Fn(&mut DeTable<'_>) -> bool) -> bool {
    table.iter_mut().any(|(_, value)| match value.get_mut() {
        DeValue::Table(inner) => cut(inner),
        DeValue::Array(items) => items.iter_mut().any(|item| match item.get_mut() {
            DeValue::Table(inner) => cut(inner),
            _ => false,
        }),
        _ => false,
    })
}

/// The parser's words, with a way out where one can be told.
fn fault(error: &Error, text: &str) -> Fault {
    let place = error.span().map_or(Place::Nowhere, Place::File);
    let message = error.message().trim();
    if let Some((key, known)) = unknown_key(message) {
        let fault = Fault::error(format!("unknown key `{key}`"), place);
        return match nearest(key, known.iter().copied()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => fault.help("no keys are allowed here"),
            None => fault.help(format!("the keys here are: {}", known.join(", "))),
        };
    }
    let written = error.span().and_then(|span| text.get(span)).unwrap_or_default();
    let mut lines = message.lines();
    let what = lines.next().unwrap_or("this is not TOML").trim_end_matches(',').to_owned();
    let rest: Vec<&str> = lines.collect();
    match wrong_type(&what, written) {
        Some((what, help)) => Fault::error(what, place).help(help),
        None if rest.is_empty() => Fault::error(what, place),
        None => Fault::error(what, place).help(rest.join("; ")),
    }
}

/// serde's "unknown field `x`, expected one of `a`, `b`" taken apart.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// serde's "invalid type: string "x", expected u16" in words, without repeating a value that may be a secret.
fn wrong_type(what: &str, written: &str) -> Option<(String, &'static str)> {
    let (found, expected) = what.strip_prefix("invalid type: ")?.split_once(", expected ")?;
    let found = found.split_whitespace().next().unwrap_or("something else");
    let help = match expected {
        "a string" if written.starts_with(|c: char| c.is_ascii_digit()) => "put it in quotes",
        "a string" => "write text in quotes",
        "a boolean" => "write true or false, without quotes",
        "a sequence" => "write a list: [\"…\", \"…\"]",
        expected if expected.starts_with(['u', 'i']) => "write a whole number without quotes",
        _ => "see config.toml.example for the form of this key",
    };
    let expected = match expected {
        "a sequence" => "a list",
        expected if expected.starts_with("struct ") || expected == "a map" => "a table",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        other => other,
    };
    let found = match found {
        "map" => "a table",
        "sequence" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "floating" => "a number",
        other => other,
    };
    Some((format!("this must be {expected}, and it is {found}"), help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Default, Debug)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        port: Option<Spanned<u16>>,
        name: Option<Spanned<String>>,
    }

    #[derive(Deserialize, Default, Debug)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        a: Inner,
        list: Vec<Spanned<Inner>>,
    }

    fn told(text: &str) -> Vec<String> {
        let (_, faults) = parse::<Outer>(text);
        let place = |fault: &Fault| match &fault.place {
            Place::File(span) => text[span.clone()].to_owned(),
            _ => "?".to_owned(),
        };
        faults.iter().map(|f| format!("{} | {} | {}", place(f), f.what, f.help.as_deref().unwrap_or(""))).collect()
    }

    #[test]
    fn every_error_is_told_at_its_own_place() {
        let text = "[a]\nprot = 1\nport = \"x\"\nname = 5\n[[list]]\nport = 7\n[[list]]\nport = -1\nzzz = 1\n";
        assert_eq!(
            told(text),
            [
                "5 | this must be a string, and it is a whole number | put it in quotes",
                "\"x\" | this must be a whole number, and it is text | write a whole number without quotes",
                "prot | unknown key `prot` | did you mean `port`?",
                "-1 | invalid value: integer `-1`, expected u16 | ",
                "zzz | unknown key `zzz` | the keys here are: port, name",
            ]
        );
    }

    #[test]
    fn what_is_right_is_kept() {
        let (outer, faults) = parse::<Outer>("[a]\nport = 7\nnope = 1\n");
        assert_eq!((outer.a.port.map(Spanned::into_inner), faults.len()), (Some(7), 1));
    }

    #[test]
    fn syntax_errors_are_told_together() {
        let faults = told("[a\nport = = 7\nname = \"x\n");
        assert!(faults.len() >= 2, "{faults:#?}");
    }

    #[test]
    fn one_value_can_be_read_from_a_broken_file() {
        assert_eq!(peek("[store]\npath = \"/x\"\n[oops\n", "store", "path").as_deref(), Some("/x"));
    }
}

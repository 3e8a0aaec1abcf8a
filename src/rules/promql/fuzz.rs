//! Whatever is written, there is an answer or a fault whose place lies in the text; nothing panics, nothing runs away.

use std::sync::LazyLock;

use proptest::prelude::{ProptestConfig, any};

use super::value::{Answer, Element};
use super::{arbitrary, cases, evaluate_within, parse};
use crate::model::fault::Place;
use crate::model::time::Time;
use crate::rules::windows::{Windows, needs};

/// The series of all our own cases.
static DATA: LazyLock<Windows> = LazyLock::new(cases::everything);

/// Parses `text` and evaluates what it means; panics where a promise is broken.
fn survive(text: &str) {
    let at = Time::from_millis(600_000);
    match parse(text) {
        Ok(expr) => {
            let _ = needs([&expr], at);
            match evaluate_within(&expr, &DATA, at, (Time::from_millis(0), at)) {
                Ok(Answer::Vector(elements)) => elements.iter().for_each(|element| drop(Element::to_string(element))),
                Ok(Answer::Scalar(_) | Answer::Text(_)) | Err(_) => {}
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "{text}");
            for fault in faults {
                let Place::File(span) = &fault.place else { panic!("no place: {text}: {fault:?}") };
                assert!(text.get(span.clone()).is_some(), "{text}: {fault:?}");
                assert!(fault.help.is_some(), "no way out: {text}: {fault:?}");
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text(text in any::<String>()) {
        survive(&text);
    }

    #[test]
    fn any_text_of_the_signs_and_words_of_the_language(text in r#"([a-c0-9mä"'\\{}()\[\]=~!<>+*/%^@,.: -]|sum|rate|by|on|cpu|offset|and|\(|\)|\[5m\]|,| ){0,40}"#) {
        survive(&text);
    }

    #[test]
    fn any_expression(text in arbitrary::expression()) {
        survive(&text);
    }

    #[test]
    fn any_expression_after_slips(text in arbitrary::slipped(cases::expressions())) {
        survive(&text);
    }

    /// A pattern is compiled from what a person wrote.
    #[test]
    fn any_pattern(pattern in proptest::prop_oneof![any::<String>(), r"[a(|)\[\]{}*+?.^$0-9,\\wdb-]{0,30}"]) {
        survive(&format!("up{{host=~{pattern:?}}}"));
        survive(&format!("label_replace(up, 'a', {pattern:?}, 'host', {pattern:?})"));
    }
}

#[test]
fn patterns_are_bounded() {
    let what =
        |pattern: &str| parse(&format!("up{{host=~'{pattern}'}}")).map(drop).map_err(|faults| faults[0].what.clone());
    assert_eq!(what("(a{1000}){1000}").unwrap_err(), "this regular expression needs more than 1 MiB");
    assert_eq!(what("(((a{99}){99}){99}){99}").unwrap_err(), "this regular expression needs more than 1 MiB");
    let deep = format!("{}a{}", "(".repeat(150), ")".repeat(150));
    assert!(
        what(&deep).unwrap_err().starts_with("this is not a regular expression: exceed the maximum number of nested")
    );
    // whole only between the parentheses of the anchors
    assert_eq!(what("a)(b").unwrap_err(), "this is not a regular expression: unopened group");
    // what people do write fits
    for pattern in [r"\\w{1,10}", r"([a-z0-9-]+\\.){3,8}example\\.com", "eth.*|en.*|wl.*", r"[0-9a-f]{64}"] {
        assert_eq!(what(pattern), Ok(()), "{pattern}");
    }
}

use proptest::prelude::*;

use super::*;
use crate::model::severity::Severity;
use crate::notify::kit;

/// The GSM 7-bit default alphabet, row by row as table 1 of 3GPP TS 23.038 prints it, and its extension table. Written
/// from the standard and not from the code above: this judges it.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How many segments a text takes, and whether it is in the alphabet.
fn segments(text: &str) -> (usize, bool) {
    let septets: Option<usize> =
        text.chars().map(|c| if BASIC.contains(c) { Some(1) } else { EXTENSION.contains(c).then_some(2) }).sum();
    if let Some(count) = septets {
        return (if count <= 160 { 1 } else { count.div_ceil(153) }, true);
    }
    let units = text.encode_utf16().count();
    (if units <= 70 { 1 } else { units.div_ceil(67) }, false)
}

#[test]
fn the_judge_counts_as_the_standard_does() {
    assert_eq!(BASIC.chars().count(), 127, "all of the alphabet but the escape");
    for (text, expected) in [
        ("a".repeat(160), (1, true)),
        ("a".repeat(161), (2, true)),
        ("[".repeat(80), (1, true)),
        ("[".repeat(81), (2, true)),
        ("ё".repeat(70), (1, false)),
        (format!("{}’", "a".repeat(70)), (2, false)),
        ("`".to_owned(), (1, false)),
    ] {
        assert_eq!(segments(&text), expected, "{text}");
    }
}

fn said(kind: Kind) -> String {
    text(&kit::delivery(kind))
}

#[test]
fn type_and_cause_come_first_and_the_id_last() {
    for (kind, expected) in [
        (
            Kind::Firing,
            "CRITICAL HIGH_MEMORY_USAGE: Memory at 96.1 %, Sippar bridge (production), node-1. Check the dashboard at once. id 41-7",
        ),
        (
            Kind::Raised,
            "CRITICAL Raised: HIGH_MEMORY_USAGE: Memory at 96.1 %, Sippar bridge (production), node-1. Check the dashboard at once. id 41-7",
        ),
        (
            Kind::Resolved,
            "CRITICAL Resolved: HIGH_MEMORY_USAGE: Memory at 96.1 %, Sippar bridge (production), node-1. id 41-7",
        ),
    ] {
        assert_eq!(said(kind), expected);
    }
}

#[test]
fn a_repeat_and_what_goes_along_are_told() {
    let one = |id| {
        let mut delivery = Delivery { id, maybe_repeat: true, ..kit::delivery(Kind::Firing) };
        delivery.message.alert = format!("RULE_{id}");
        delivery
    };
    let all: Vec<Delivery> = (7..52).map(one).collect();
    let several = crate::notify::digest::of(&all, all[0].created).unwrap();
    assert_eq!(
        text(&several),
        "#41 CRITICAL RULE_7: Memory at 96.1 %, Sippar bridge (production), node-1, and 44 more. \
         Check the dashboard at once. id several-7 (possible repeat)"
    );
    assert_eq!(
        text(&all[0]),
        "CRITICAL RULE_7: Memory at 96.1 %, Sippar bridge (production), node-1. Check the dashboard at once. \
         id 41-7 (possible repeat)"
    );
}

#[test]
fn a_value_that_the_summary_does_not_say_is_added() {
    let mut delivery = kit::delivery(Kind::Firing);
    delivery.message.summary = "Zu wenig Speicher für die Brücke.".to_owned();
    assert_eq!(
        text(&delivery),
        "CRITICAL HIGH_MEMORY_USAGE: Zu wenig Speicher fur die Brucke (96.1 % > 95 %), Sippar bridge (production), node-1. \
         Check the dashboard at once. id 41-7"
    );
}

#[test]
fn a_long_cause_is_cut_and_never_what_to_do() {
    let mut delivery = kit::delivery(Kind::Firing);
    delivery.message.summary = "word ".repeat(100);
    let words = "word ".repeat(17);
    assert_eq!(
        text(&delivery),
        format!("CRITICAL HIGH_MEMORY_USAGE: {words}word w... Check the dashboard at once. id 41-7")
    );
}

#[test]
fn every_character_becomes_one_that_counts_once() {
    for (text, expected) in [
        ("Zürich — 10 €, “grün”…", "Zurich - 10 EUR, \"grun\"..."),
        ("[a] {b} c|d ~e ^f `g` \\h", "(a) (b) c/d -e 'f 'g' /h"),
        ("Łódź, Škoda, Œuvre, ß, Ærø, ñ", "Lodz, Skoda, OEuvre, ss, AEro, n"),
        ("a\u{a0}b\u{2009}c\r\nd\te", "a b c d e"),
        ("e\u{301}\u{200d}\u{202e}x", "ex"),
        ("日本 🔥", "?? ?"),
        ("≥ 5 °C ± ½ µs → ×2", ">= 5 degC +- 1/2 us -> x2"),
    ] {
        assert_eq!(ascii(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn one_segment_whatever_the_message_holds(
        (alert, summary, host, value) in ("\\PC{0,80}", "\\PC{0,300}", any::<String>(), any::<String>()),
        along in 0_usize..200,
        number in any::<u64>(),
        maybe_repeat in any::<bool>(),
        severity in prop::sample::select(Severity::ALL.to_vec()),
        kind in prop::sample::select(Kind::ALL.to_vec()),
    ) {
        let mut delivery = Delivery { id: i64::MAX, maybe_repeat, ..kit::delivery(kind) };
        let message = &mut delivery.message;
        message.alert = alert;
        message.summary = summary;
        message.host = host;
        message.value = Some(value);
        message.number = Some(number);
        message.severity = severity;
        let entry = |at: usize| crate::model::message::Entry {
            name: delivery.message.alert.clone(),
            line: format!("#{at} {} (id {at})", crate::notify::render::headline(&delivery.message)),
        };
        delivery.message.list = (0..along).map(entry).collect();
        let text = text(&delivery);
        prop_assert!(text.len() <= SEGMENT && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        prop_assert_eq!(segments(&text), (1, true), "{}", text);
        prop_assert!(!text.contains(|c| EXTENSION.contains(c) || c == '`'), "{text}");
        let word = severity.name();
        prop_assert!(text.starts_with(word) || along > 0, "{text}");
    }
}

//! How large an expression may be, and that each fault of a type is found. What is said of mistakes stands in
//! `tests/promql/slips.txt`.

use super::parse;
use crate::model::fault::Place;

/// What is wrong, the text it points at, and the way out.
fn fault(text: &str) -> String {
    let fault = parse(text).expect_err(text).remove(0);
    let Place::File(span) = fault.place else { panic!("no place: {text}") };
    format!("{} [{}] {}", fault.what, &text[span], fault.help.unwrap_or_default())
}

#[test]
fn every_type_fault_is_found() {
    let faults = parse("rate(a) + abs(1) + 2 > 1").unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn depth_is_limited_before_the_stack_is() {
    for text in ["(", "-", "abs(", "2^"] {
        let fault = fault(&format!("{}1", text.repeat(2000)));
        assert!(fault.starts_with("the expression is nested more than 50 times"), "{fault}");
    }
    let many = fault(&format!("{}1", "1+".repeat(4000)));
    assert!(many.starts_with("the expression has more than 250 operators and operands"), "{many}");
    assert!(parse(&format!("{}1{}", "(".repeat(45), ")".repeat(45))).is_ok());
    assert!(parse(&format!("{}1", "1+".repeat(80))).is_ok());
    let length = fault(&format!("up{{host=~\"{}\"}}", "ä".repeat(5_000)));
    assert_eq!(
        length,
        "the expression has 10012 bytes; at most 10000 are read [ä] split it into several rules, or match many values with \
         one regular expression"
    );
}

//! Samples written in the notation of a test: runs instead of repetition. What is read back is the same.

use super::notation::Sample;
use crate::model::reading::{Datum, Reason};

/// Fewer numbers than this in even steps are written one by one.
const SHORTEST_CLIMB: usize = 3;

/// The samples as short as runs make them.
pub fn written(samples: &[Option<Sample>]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let (word, count) = run(first.as_ref(), rest);
        words.push(word);
        rest = rest.get(count.max(1)..).unwrap_or_default();
    }
    words.join(" ")
}

/// The word that the samples begin with, and for how many of them it stands.
fn run(first: Option<&Sample>, samples: &[Option<Sample>]) -> (String, usize) {
    let same = || samples.iter().take_while(|sample| sample.as_ref() == first).count();
    match first.map(|sample| (sample.datum, &sample.reason)) {
        None => (times("_", same(), 0), same()),
        Some((Datum::Gone, _)) => ("stale".to_owned(), 1),
        Some((Datum::Unknown, reason)) => (times(&unknown(reason.as_ref()), same(), 0), same()),
        Some((Datum::Value(from), _)) => numbers(from, samples),
    }
}

/// `word`, `wordx3`: a number stands for itself, and what follows the x for as many `more`.
fn times(word: &str, count: usize, more: usize) -> String {
    if count <= 1 { word.to_owned() } else { format!("{word}x{}", count - more) }
}

/// `?`, `?(timeout)`; parentheses would end the reason too early.
fn unknown(reason: Option<&Reason>) -> String {
    match reason.map(Reason::as_str) {
        None | Some("" | "not measured") => "?".to_owned(),
        Some(reason) => format!("?({})", reason.replace(['(', ')'], "|")),
    }
}

/// The run of numbers that begins with `from`: all the same, or in even steps.
fn numbers(from: f64, samples: &[Option<Sample>]) -> (String, usize) {
    let value = |at: usize| match samples.get(at) {
        Some(Some(Sample { datum: Datum::Value(value), .. })) => Some(*value),
        _ => None,
    };
    // exactly as they are read
    let length = |by: f64| {
        let reads = |at: &usize| value(*at).is_some_and(|value| is_same(value, by.mul_add(*at as f64, from)));
        1 + (1..samples.len()).take_while(reads).count()
    };
    let same = length(0.0);
    if same > 1 {
        return (times(&number(from), same, 1), same);
    }
    let by = value(1).map(|second| second - from).filter(|by| by.is_finite() && from.is_finite());
    match by.map(|by| (by, length(by))) {
        Some((by, count)) if count >= SHORTEST_CLIMB => {
            let sign = if by.is_sign_negative() { "" } else { "+" };
            (format!("{}{sign}{}x{}", number(from), number(by), count - 1), count)
        }
        _ => (number(from), 1),
    }
}

fn is_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// A number that is read back as itself.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let is_plain = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notation::samples;
    use super::*;

    #[test]
    fn runs_are_short() {
        for text in [
            "0.5 0.86x2 0.5",
            "1+0.5x3 9",
            "5-1x4",
            "_ _x3 1",
            "? 1 ?x2 ?(timeout)x3 ?(no way)",
            "stale stale _",
            "NaNx2 Inf -Inf 1e300 1.5e-9",
            "-0 -0",
            "1 2",
            "1763877600+60x9",
        ] {
            let text = text.replace("_ _x3", "_x4");
            assert_eq!(written(&samples(&text).unwrap()), text);
        }
    }

    fn sample() -> impl Strategy<Value = Option<Sample>> {
        let known = |value| Some(Sample { datum: Datum::Value(value), reason: None });
        let unknown =
            |reason: &str| Some(Sample { datum: Datum::Unknown, reason: Some(Reason::new(reason.to_owned())) });
        prop_oneof![
            any::<f64>().prop_map(known),
            (0..5i32).prop_map(move |value| known(f64::from(value) / 10.0)),
            Just(None),
            Just(Some(Sample { datum: Datum::Gone, reason: None })),
            "(not measured|timeout|no answer)".prop_map(move |reason| unknown(&reason)),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(parts in proptest::collection::vec((sample(), 1..4usize), 0..20)) {
            let all: Vec<Option<Sample>> =
                parts.iter().flat_map(|(sample, count)| vec![sample.clone(); *count]).collect();
            let text = written(&all);
            let read = samples(&text).unwrap();
            let bits = |samples: &[Option<Sample>]| format!("{samples:?}");
            prop_assert_eq!(bits(&read), bits(&all), "{}", text);
        }
    }
}

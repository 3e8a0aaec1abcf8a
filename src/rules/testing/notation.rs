//! The samples of a test as they are written, in the notation of Prometheus's own tests and with a sign of our own for
//! what was not measured: `0.5 0.86x2 1+0.5x3 _ _x5 ? ?x2 ?(timeout) stale`.

use std::ops::Range;

use super::MOST_TICKS;
use crate::model::fault::{Fault, Place};
use crate::model::reading::{Datum, Reason};

/// Faults of one series that are worth reading.
const MOST_FAULTS: usize = 5;

/// What a series has at one tick, where it has anything.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The sample.
    pub datum: Datum,
    /// Why it is unknown.
    pub reason: Option<Reason>,
}

/// One entry for each tick; `None` where there is no sample. Places of faults are bytes of `text`.
pub fn samples(text: &str) -> Result<Vec<Option<Sample>>, Vec<Fault>> {
    let mut samples = Vec::new();
    let mut faults = Vec::new();
    for span in words(text) {
        let word = text.get(span.clone()).unwrap_or_default();
        let fault = |slip: Slip| Fault::error(slip.what, Place::File(span.clone())).help(slip.help);
        match run(word).map_err(fault) {
            Ok(run) if samples.len() + run.count > MOST_TICKS => {
                let what = format!("a series of a test has at most {MOST_TICKS} samples");
                let help = "a longer interval takes a test further with fewer of them";
                faults.push(Fault::error(what, Place::File(span.clone())).help(help));
            }
            Ok(run) => samples.extend((0..run.count).map(|at| run.of.at(at))),
            Err(fault) => faults.push(fault),
        }
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    if faults.is_empty() { Ok(samples) } else { Err(faults) }
}

/// Words between blanks; a reason in parentheses may have blanks of its own.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let (mut begun, mut is_inside) = (None, false);
    for (at, c) in text.char_indices() {
        is_inside = (is_inside || c == '(') && c != ')';
        match begun {
            None if !c.is_whitespace() => begun = Some(at),
            Some(start) if c.is_whitespace() && !is_inside => {
                words.push(start..at);
                begun = None;
            }
            _ => {}
        }
    }
    words.extend(begun.map(|start| start..text.len()));
    words
}

/// What is wrong with a word, and how it is written.
#[derive(Debug)]
struct Slip {
    what: String,
    help: &'static str,
}

const FORMS: &str = "a sample is 0.86, 0.86x2 (and two more), 1+0.5x3, _ (none), ? (not measured) or stale (gone)";

/// Samples in a row.
struct Run {
    of: Of,
    count: usize,
}

enum Of {
    Nothing,
    Gone,
    Unknown(Reason),
    Numbers { from: f64, by: f64 },
}

impl Of {
    fn at(&self, at: usize) -> Option<Sample> {
        let (datum, reason) = match self {
            Self::Nothing => return None,
            Self::Gone => (Datum::Gone, None),
            Self::Unknown(reason) => (Datum::Unknown, Some(reason.clone())),
            Self::Numbers { from, .. } if at == 0 => (Datum::Value(*from), None),
            Self::Numbers { from, by } => (Datum::Value(by.mul_add(at as f64, *from)), None),
        };
        Some(Sample { datum, reason })
    }
}

fn run(word: &str) -> Result<Run, Slip> {
    if word == "stale" {
        return Ok(Run { of: Of::Gone, count: 1 });
    }
    if let Some(rest) = word.strip_prefix('_') {
        return Ok(Run { of: Of::Nothing, count: repeats(word, rest)?.unwrap_or(1) });
    }
    if let Some(rest) = word.strip_prefix('?') {
        let (reason, rest) = match rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            Some((reason, rest)) => (Reason::new(reason.to_owned()), rest),
            None => (Reason::new("not measured"), rest),
        };
        return Ok(Run { of: Of::Unknown(reason), count: repeats(word, rest)?.unwrap_or(1) });
    }
    let Some((from, rest)) = number(word) else { return Err(no_sample(word)) };
    let (by, rest) = match number(rest).filter(|_| rest.starts_with(['+', '-'])) {
        Some((_, "")) => {
            let what = format!("`{word}` does not say how many times");
            return Err(Slip { what, help: "write it behind an x: 1+0.5x3 is 1 1.5 2 2.5" });
        }
        Some((by, rest)) => (by, rest),
        None => (0.0, rest),
    };
    // the first number stands for itself, what follows the x for as many more
    Ok(Run { of: Of::Numbers { from, by }, count: repeats(word, rest)?.unwrap_or(0) + 1 })
}

/// The number behind an `x`; `None` where there is nothing.
fn repeats(word: &str, rest: &str) -> Result<Option<usize>, Slip> {
    let Some(times) = rest.strip_prefix('x') else {
        return if rest.is_empty() { Ok(None) } else { Err(no_sample(word)) };
    };
    if times.is_empty() || !times.chars().all(|c| c.is_ascii_digit()) {
        let what = format!("`{times}` is not a number of times");
        let help = if word.starts_with("0x") {
            "there are no hexadecimal numbers here: 0x10 is 0 and ten more of it"
        } else {
            "write digits behind the x and no blank around it: 0.86x2"
        };
        return Err(Slip { what, help });
    }
    // more digits than fit are more than there may be
    Ok(Some(times.parse().unwrap_or(usize::MAX).min(MOST_TICKS + 1)))
}

/// The number that `text` begins with, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let sign = usize::from(text.starts_with(['+', '-']));
    let unsigned = text.get(sign..)?;
    let word = unsigned.get(..3).filter(|word| ["inf", "nan"].iter().any(|known| word.eq_ignore_ascii_case(known)));
    let length = sign + word.map_or_else(|| decimal(unsigned), str::len);
    let value: f64 = text.get(..length)?.parse().ok()?;
    // what is written in digits is a number that a sample can hold
    (word.is_some() || value.is_finite()).then_some((value, text.get(length..)?))
}

/// The bytes of the decimal number that `text` begins with.
fn decimal(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let whole = digits(0);
    let point = text.get(whole..).is_some_and(|rest| rest.starts_with('.'));
    let mantissa = if point { whole + 1 + digits(whole + 1) } else { whole };
    let exponent = text.get(mantissa..).unwrap_or_default();
    if !exponent.starts_with(['e', 'E']) {
        return mantissa;
    }
    let sign = usize::from(exponent.get(1..).is_some_and(|rest| rest.starts_with(['+', '-'])));
    let power = digits(mantissa + 1 + sign);
    if power == 0 { mantissa } else { mantissa + 1 + sign + power }
}

fn no_sample(word: &str) -> Slip {
    let what = format!("`{word}` is not a sample");
    let help = match word {
        word if word.ends_with('%') => "write it as a plain number: 0.85",
        word if word.starts_with("stale") => "a series goes once, and what follows has no samples: stale _x3",
        word if word.starts_with("?(") => "close the reason with a parenthesis: ?(timeout)",
        word if word.contains(',') => "samples are set apart by blanks",
        "x" => "write it without blanks: 0.86x2",
        _ => FORMS,
    };
    Slip { what, help }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The samples in a row, as short as possible.
    fn shown(text: &str) -> String {
        let one = |sample: Option<Sample>| match sample {
            None => "_".to_owned(),
            Some(Sample { datum: Datum::Gone, .. }) => "gone".to_owned(),
            Some(Sample { datum: Datum::Unknown, reason }) => format!("?{}", reason.unwrap()),
            Some(Sample { datum: Datum::Value(value), reason: None }) => value.to_string(),
            Some(odd) => format!("{odd:?}"),
        };
        samples(text).unwrap().into_iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_form_of_a_sample() {
        for (text, wanted) in [
            ("", ""),
            (" 0.5\n 1 ", "0.5 1"),
            ("0.86x2", "0.86 0.86 0.86"),
            ("7x0", "7"),
            ("1+0.5x3 9", "1 1.5 2 2.5 9"),
            ("0-10x2", "0 -10 -20"),
            ("-5-3x1", "-5 -8"),
            ("1e3 1.5e-3x1 .5 2. +4", "1000 0.0015 0.0015 0.5 2 4"),
            ("1e5+2x1", "100000 100002"),
            ("_ _x3 1", "_ _ _ _ 1"),
            ("stale _", "gone _"),
            ("? ?x2", "?not measured ?not measured ?not measured"),
            ("?(timeout) ?(no answer (yet)x2", "?timeout ?no answer (yet ?no answer (yet"),
            ("NaN Inf -Inf +inf nanx1", "NaN inf -inf inf NaN NaN"),
            ("Inf+1x1", "inf inf"),
            // never hexadecimal
            ("0x3", "0 0 0 0"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_slip_is_told_at_its_place_with_the_way_out() {
        let text = "0.5 0x1F 85% 1-2 stalex3 ?(oops";
        let told: Vec<String> = samples(text)
            .unwrap_err()
            .into_iter()
            .map(|fault| {
                let Place::File(span) = fault.place else { panic!("{:?}", fault.place) };
                format!("{} | {} | {}", &text[span], fault.what, fault.help.unwrap())
            })
            .collect();
        assert_eq!(
            told,
            [
                "0x1F | `1F` is not a number of times | there are no hexadecimal numbers here: 0x10 is 0 and ten more of it",
                "85% | `85%` is not a sample | write it as a plain number: 0.85",
                "1-2 | `1-2` does not say how many times | write it behind an x: 1+0.5x3 is 1 1.5 2 2.5",
                "stalex3 | `stalex3` is not a sample | a series goes once, and what follows has no samples: stale _x3",
                "?(oops | `?(oops` is not a sample | close the reason with a parenthesis: ?(timeout)",
            ]
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "[0-9x+_?() .einfastle\\-]{0,40}|\\PC{0,20}") {
            match samples(&text) {
                Ok(samples) => prop_assert!(samples.len() <= MOST_TICKS),
                Err(faults) => {
                    for fault in faults {
                        let is_word = matches!(&fault.place, Place::File(span) if text.get(span.clone()).is_some_and(|word| !word.is_empty()));
                        prop_assert!(is_word && fault.help.is_some(), "{fault:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_slips() {
        for (text, what, help) in [
            ("0.86 x 2", "`x` is not a sample", "write it without blanks: 0.86x2"),
            ("1,2,3", "`1,2,3` is not a sample", "samples are set apart by blanks"),
            ("0.86x", "`` is not a number of times", "write digits behind the x and no blank around it: 0.86x2"),
            ("1x-3", "`-3` is not a number of times", "write digits behind the x and no blank around it: 0.86x2"),
            ("1e999", "`1e999` is not a sample", FORMS),
            ("up", "`up` is not a sample", FORMS),
            (".", "`.` is not a sample", FORMS),
            (
                "1 _x99999999999999999999",
                "a series of a test has at most 20000 samples",
                "a longer interval takes a test further with fewer of them",
            ),
        ] {
            let faults = samples(text).unwrap_err();
            assert_eq!((faults[0].what.as_str(), faults[0].help.as_deref()), (what, Some(help)), "{text}");
        }
    }
}

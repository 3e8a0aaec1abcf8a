//! Parts of `PromQL` that are left out on purpose and refused by name: this program stores no native histograms, and what
//! is experimental in Prometheus may still change its meaning there.

use super::ast::Span;
use super::parser::wrong;
use crate::model::fault::Fault;

/// What every refusal says, so that tests can tell it from a mistake.
pub const REFUSAL: &str = "is left out on purpose";

const NATIVE: &str = "native histograms are not stored here";
const EXPERIMENTAL: &str = "it is experimental in Prometheus";

/// Functions and aggregations: name, why, and what to write instead.
const CALLS: [(&str, &str, &str); 24] = [
    ("histogram_avg", NATIVE, "of a classic histogram it is rate(name_sum[5m]) / rate(name_count[5m])"),
    ("histogram_count", NATIVE, "a classic histogram has a counter for it: name_count"),
    ("histogram_sum", NATIVE, "a classic histogram has a counter for it: name_sum"),
    ("histogram_stddev", NATIVE, "a classic histogram has quantiles: histogram_quantile(0.9, name_bucket)"),
    ("histogram_stdvar", NATIVE, "a classic histogram has quantiles: histogram_quantile(0.9, name_bucket)"),
    ("histogram_quantiles", EXPERIMENTAL, "write one histogram_quantile for each quantile"),
    ("double_exponential_smoothing", EXPERIMENTAL, "smooth with avg_over_time, look ahead with predict_linear"),
    ("holt_winters", EXPERIMENTAL, "smooth with avg_over_time, look ahead with predict_linear"),
    ("mad_over_time", EXPERIMENTAL, "measure the spread with stddev_over_time"),
    ("ts_of_first_over_time", EXPERIMENTAL, TIMES),
    ("ts_of_last_over_time", EXPERIMENTAL, TIMES),
    ("ts_of_max_over_time", EXPERIMENTAL, TIMES),
    ("ts_of_min_over_time", EXPERIMENTAL, TIMES),
    ("start_timestamp", EXPERIMENTAL, TIMES),
    ("sort_by_label", EXPERIMENTAL, "sort and sort_desc order by value"),
    ("sort_by_label_desc", EXPERIMENTAL, "sort and sort_desc order by value"),
    ("info", EXPERIMENTAL, "copy labels by hand: a * on (host) group_left (version) b"),
    ("start", EXPERIMENTAL, "time() is the time of the evaluation"),
    ("end", EXPERIMENTAL, "time() is the time of the evaluation"),
    ("range", EXPERIMENTAL, "write the length out, for example 5m"),
    ("step", EXPERIMENTAL, "write the length out, for example 1m"),
    ("limitk", EXPERIMENTAL, "topk keeps the largest elements, bottomk the smallest"),
    ("limit_ratio", EXPERIMENTAL, "topk keeps the largest elements, bottomk the smallest"),
    ("fill", EXPERIMENTAL, FILL),
];
const TIMES: &str = "timestamp(metric) is the time of the newest sample";
const FILL: &str = "give the missing side a value with `or`: a + (b or 0 * a)";

/// Words that only mean something at their place in the grammar.
const WORDS: [(&str, &str); 4] =
    [("fill_left", FILL), ("fill_right", FILL), ("anchored", EXTRAPOLATED), ("smoothed", EXTRAPOLATED)];
const EXTRAPOLATED: &str = "remove it: rate, increase and delta extrapolate to the edges of the range by themselves";

/// The refusal of a call of `name`, if it is one of these.
pub fn call(name: &str, span: &Span) -> Option<Fault> {
    let (_, why, instead) = CALLS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
    Some(refusal(name, why, instead, span))
}

/// The refusal of a modifier, if it is one of these.
pub fn modifier(word: &str, span: &Span) -> Option<Fault> {
    let (_, instead) = WORDS.iter().chain(&[("fill", FILL)]).find(|(known, _)| known.eq_ignore_ascii_case(word))?;
    Some(refusal(word, EXPERIMENTAL, instead, span))
}

/// The refusal of `</` and `>/`.
pub fn trim(sign: &str, span: &Span) -> Fault {
    refusal(sign, NATIVE, "a division by a comparison needs parentheses; a comparison is `<` or `>`", span)
}

/// The refusal of `[5m + 30s]`.
pub fn arithmetic(span: &Span) -> Fault {
    let what = format!("arithmetic with durations {REFUSAL}: {EXPERIMENTAL}");
    wrong(what, span).help("write the length out, for example 5m30s")
}

fn refusal(name: &str, why: &str, instead: &str, span: &Span) -> Fault {
    wrong(format!("`{name}` {REFUSAL}: {why}"), span).help(instead)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn every_part_that_is_left_out_is_refused_by_its_name() {
        let calls = CALLS.iter().filter(|(name, ..)| *name != "fill");
        let mut cases: Vec<(String, String)> =
            calls.clone().map(|(name, ..)| (format!("{name}(up[5m])"), format!("`{name}`"))).collect();
        cases.extend(["limitk", "LIMIT_RATIO"].map(|name| (format!("{name} by (a) (1, up)"), format!("`{name}`"))));
        cases.extend(["info(up, {job=~\".*\"})"].map(|text| (text.to_owned(), "`info`".to_owned())));
        for word in ["fill", "fill_left", "fill_right"] {
            cases.push((format!("a + on (host) {word} (0) b"), format!("`{word}`")));
            cases.push((format!("a + {word}(0) b"), format!("`{word}`")));
        }
        for word in ["anchored", "smoothed"] {
            cases.push((format!("rate(up[5m] {word})"), format!("`{word}`")));
            cases.push((format!("up {word}"), format!("`{word}`")));
        }
        for sign in ["</", ">/"] {
            cases.push((format!("up {sign} 3"), format!("`{sign}`")));
        }
        for range in ["5m+1m", "(5m)", "2*5m", "step()", "max_of(5m,1m)", "5m:30s*2", "5m:step()", "1m^2", "-(5m)"] {
            cases.push((format!("rate(up[{range}])"), "arithmetic with durations".to_owned()));
        }
        for offset in ["(5m)", "step()", "-(1m+5m)", "min_of(5m,1m)"] {
            cases.push((format!("up offset {offset}"), "arithmetic with durations".to_owned()));
        }
        assert!(cases.len() > 45);
        for (text, name) in cases {
            let faults = parse(&text).expect_err(&text);
            assert!(faults[0].what.starts_with(&format!("{name} {REFUSAL}: ")), "{text}: {faults:?}");
            assert!(faults[0].help.is_some(), "{text}");
        }
    }

    /// The names stay free for metrics and labels.
    #[test]
    fn a_metric_may_have_such_a_name() {
        for text in
            ["info", "range{step=\"1\"}", "sum by (fill) (start)", "a + fill", "rate(smoothed[5m])", "up < info"]
        {
            assert!(parse(text).is_ok(), "{text}");
        }
    }
}

//! The language, by cases of our own.

use std::time::Duration;

use super::value::{Answer, Element, Halt};
use super::{evaluate, parse};
use crate::model::fault::Place;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Point, Value, Window};
use crate::model::time::Time;
use crate::rules::windows::Windows;

/// Series measured each minute from 1,200,000 s on; `u` is unknown, `g` gone, `_` no sample, `N` NaN.
fn window(metric: &str, labels: &[(&str, &str)], samples: &str) -> Window {
    let datum = |text: &str| match text {
        "_" => None,
        "u" => Some(Datum::Unknown),
        "g" => Some(Datum::Gone),
        "N" => Some(Datum::Value(f64::NAN)),
        value => Some(Datum::Value(value.parse().unwrap())),
    };
    let points = samples.split_whitespace().enumerate().filter_map(|(minute, text)| {
        let tick = Time::from_millis(1_200_000_000 + i64::try_from(minute).unwrap() * 60_000);
        datum(text).map(|datum| Point { tick, datum })
    });
    let series = SeriesKey::new(metric, Labels::new(labels.iter().copied()));
    Window { series, every: Duration::from_mins(1), points: points.collect(), reason: None }
}

/// Ten minutes of data; the last samples are at minute 10.
fn data() -> Windows {
    let mut windows = vec![
        window("cpu", &[("host", "a")], "1 2 3 4 5 6 7 8 9 10 11"),
        window("cpu", &[("host", "b")], "2 2 2 2 2 2 2 2 2 2 2"),
        window("mem", &[("host", "a")], "_ _ _ _ _ _ _ _ _ _ 0.5"),
        window("mem", &[("host", "b")], "_ _ _ _ _ _ _ _ _ _ 0.9"),
        window("info", &[("host", "a"), ("version", "2")], "1 1 1 1 1 1 1 1 1 1 1"),
        window("disk", &[("host", "a"), ("mount", "/")], "100 90 80 70 60 50 40 30 20 10 5"),
        window("disk", &[("host", "a"), ("mount", "/var")], "1 1 1 1 1 1 1 1 1 1 1"),
        window("jobs_total", &[("outcome", "ok")], "0 60 120 180 240 300 360 420 480 540 600"),
        window("jobs_total", &[("outcome", "failed")], "5 6 7 0 1 2 3 4 5 6 7"),
        window("odd", &[("host", "nan")], "N N N N N N N N N N N"),
        window("odd", &[("host", "neg")], "-7 -7 -7 -7 -7 -7 -7 -7 -7 -7 -7"),
        window("old", &[], "1 2 3 4 5 6 _ _ _ _ _"),
        window("older", &[], "1 2 3 4 5 _ _ _ _ _ _"),
        window("dark", &[("host", "a")], "1 1 1 1 1 1 1 1 1 1 u"),
        window("dark", &[("host", "b")], "1 1 1 1 1 1 1 1 1 u 4"),
        window("left", &[("host", "a")], "1 1 1 1 1 1 1 1 1 1 g"),
        window("left", &[("host", "b")], "1 1 1 1 1 1 1 1 g 3 3"),
    ];
    for (le, count) in [("0.1", "10"), ("0.5", "30"), ("1", "40"), ("+Inf", "50")] {
        windows.push(window("took_bucket", &[("le", le)], &format!("_ _ _ _ _ _ _ _ _ _ {count}")));
    }
    let mut slow = window("slow", &[], "7");
    slow.every = Duration::from_mins(5);
    windows.push(slow);
    Windows::new(windows)
}

/// The answer at minute 10 on one line, elements sorted.
fn answer(text: &str) -> String {
    let expr = match parse(text) {
        Ok(expr) => expr,
        Err(faults) => return format!("fault: {}", faults[0].what),
    };
    let element = |element: &Element| match &element.value {
        Value::Known(value) => format!("{element} {}", rounded(*value)),
        Value::Unknown(reason) => format!("{element} ?{reason}"),
    };
    match evaluate(&expr, &data(), Time::from_millis(1_200_600_000)) {
        Ok(Answer::Scalar(value)) => rounded(value),
        Ok(Answer::Text(text)) => format!("{text:?}"),
        Ok(Answer::Vector(elements)) => {
            let mut shown: Vec<String> = elements.iter().map(element).collect();
            shown.sort();
            shown.join(" | ")
        }
        Err(Halt::Unknown(reason)) => format!("?{reason}"),
        Err(Halt::Failed(why)) => format!("failed: {why}"),
    }
}

/// Six decimals hide the last bits of a float, which are not what these tests are about.
fn rounded(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if value.is_finite() { rounded.to_string() } else { value.to_string() }
}

fn all(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(answer(text), *wanted, "{text}");
    }
}

#[test]
fn numbers_and_precedence() {
    all(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("2 ^ 3 ^ 2", "512"),
        ("-2 ^ 2", "-4"),
        ("2 ^ -1", "0.5"),
        ("8 / 4 / 2", "1"),
        ("-7 % 3", "-1"),
        ("7 % -3", "1"),
        ("1 - -1", "2"),
        ("0x10 + 1_000", "1016"),
        ("5m + 30", "330"),
        ("1 / 0", "inf"),
        ("0 / 0", "NaN"),
        ("-Inf", "-inf"),
        ("nan == bool nan", "0"),
        ("1 > bool 2 == bool 0", "1"),
        ("2 atan2 2", "0.785398"),
        ("time()", "1200600"),
        ("pi()", "3.141593"),
        ("\"text\"", "\"text\""),
    ]);
}

#[test]
fn selectors() {
    all(&[
        ("cpu", r#"cpu{host="a"} 11 | cpu{host="b"} 2"#),
        ("cpu{host='a'}", r#"cpu{host="a"} 11"#),
        ("cpu{host!='a'}", r#"cpu{host="b"} 2"#),
        ("cpu{host=~'a|c'}", r#"cpu{host="a"} 11"#),
        ("cpu{host=~'.', host!~'a'}", r#"cpu{host="b"} 2"#),
        ("cpu{host=~'a.'}", ""),
        ("cpu{nothing=''}", r#"cpu{host="a"} 11 | cpu{host="b"} 2"#),
        (r#"{__name__="mem", host="a"}"#, r#"mem{host="a"} 0.5"#),
        (r#"{"mem", host="a"}"#, r#"mem{host="a"} 0.5"#),
        ("{__name__=~'mem|info'}", r#"info{host="a",version="2"} 1 | mem{host="a"} 0.5 | mem{host="b"} 0.9"#),
        ("cpu{host='a'} offset 3m", r#"cpu{host="a"} 8"#),
        ("cpu{host='a'} offset -3m", r#"cpu{host="a"} 11"#),
        ("cpu{host='a'} @ 1200060", r#"cpu{host="a"} 2"#),
        ("cpu{host='a'} @ start() offset 1m", r#"cpu{host="a"} 10"#),
        // lookback is open on the left: a value is gone after exactly five minutes
        ("old", ""),
        ("old offset 1s", "old 6"),
        ("older", ""),
        // 2.5 x every, where that is longer than five minutes
        ("slow", "slow 7"),
    ]);
}

#[test]
fn arithmetic_and_comparison_with_numbers() {
    all(&[
        ("mem * 100", r#"{host="a"} 50 | {host="b"} 90"#),
        ("1 - mem", r#"{host="a"} 0.5 | {host="b"} 0.1"#),
        ("-mem", r#"{host="a"} -0.5 | {host="b"} -0.9"#),
        ("mem > 0.6", r#"mem{host="b"} 0.9"#),
        ("0.6 < mem", r#"mem{host="b"} 0.9"#),
        ("mem > bool 0.6", r#"{host="a"} 0 | {host="b"} 1"#),
        ("cpu == 2", r#"cpu{host="b"} 2"#),
        ("odd > -100", r#"odd{host="neg"} -7"#),
        ("odd != 0", r#"odd{host="nan"} NaN | odd{host="neg"} -7"#),
        ("odd % 3", r#"{host="nan"} NaN | {host="neg"} -1"#),
    ]);
}

#[test]
fn matching_between_vectors() {
    all(&[
        ("cpu * mem", r#"{host="a"} 5.5 | {host="b"} 1.8"#),
        ("cpu > mem", r#"cpu{host="a"} 11 | cpu{host="b"} 2"#),
        ("mem > cpu", ""),
        ("mem > bool cpu", r#"{host="a"} 0 | {host="b"} 0"#),
        ("cpu * on(host) info", r#"{host="a"} 11"#),
        ("cpu * ignoring(version) info", r#"{host="a"} 11"#),
        ("cpu * info", ""),
        ("disk / on(host) group_left cpu", r#"{host="a",mount="/"} 0.454545 | {host="a",mount="/var"} 0.090909"#),
        ("cpu * on(host) group_left(version) info", r#"{host="a",version="2"} 11"#),
        ("mem * on(host) group_right disk", r#"{host="a",mount="/"} 2.5 | {host="a",mount="/var"} 0.5"#),
        (
            "cpu * on(host) disk",
            "failed: disk{host=\"a\",mount=\"/\"} and disk{host=\"a\",mount=\"/var\"} on the right side have the same \
             matching labels {host=\"a\"}; there must be one: aggregate them, match on more labels, or say which side has \
             many with group_left or group_right",
        ),
        (
            "disk > on(host) cpu",
            "failed: several elements on the left side match one on the right side ({host=\"a\"}); if that is meant, write \
             group_left",
        ),
        ("{__name__=~'cpu|mem'} + 1", "failed: two results have the same labels: {host=\"a\"}"),
    ]);
}

#[test]
fn sets() {
    all(&[
        ("cpu and mem > 0.6", r#"cpu{host="b"} 2"#),
        ("cpu unless mem > 0.6", r#"cpu{host="a"} 11"#),
        ("mem > 0.6 or cpu", r#"cpu{host="a"} 11 | mem{host="b"} 0.9"#),
        ("disk and on(host) info", r#"disk{host="a",mount="/"} 5 | disk{host="a",mount="/var"} 1"#),
        ("cpu and on() vector(1)", r#"cpu{host="a"} 11 | cpu{host="b"} 2"#),
        // `and` binds tighter than `or`
        ("vector(1) or cpu and mem", "cpu{host=\"a\"} 11 | cpu{host=\"b\"} 2 | {} 1"),
    ]);
}

#[test]
fn aggregations() {
    all(&[
        ("sum(cpu)", "{} 13"),
        ("SUM BY (host) (disk)", r#"{host="a"} 6"#),
        ("sum(disk) by (host)", r#"{host="a"} 6"#),
        ("avg without (mount) (disk)", r#"{host="a"} 3"#),
        ("min(cpu)", "{} 2"),
        ("max(odd)", "{} -7"),
        ("count(cpu > 5)", "{} 1"),
        ("count(cpu > 50)", ""),
        ("group(cpu)", "{} 1"),
        ("stddev(cpu)", "{} 4.5"),
        ("stdvar(cpu)", "{} 20.25"),
        ("quantile(0.5, cpu)", "{} 6.5"),
        ("topk(1, cpu)", r#"cpu{host="a"} 11"#),
        ("bottomk(1, cpu)", r#"cpu{host="b"} 2"#),
        ("topk(1, odd)", r#"odd{host="neg"} -7"#),
        ("count_values('n', cpu)", r#"{n="11"} 1 | {n="2"} 1"#),
        ("sum by (__name__) ({__name__=~'cpu|mem'})", "cpu 13 | mem 1.4"),
        ("sum(cpu, mem)", "fault: `sum` takes one vector"),
    ]);
}

#[test]
fn functions_of_one_value() {
    all(&[
        ("abs(odd{host='neg'})", r#"{host="neg"} 7"#),
        ("ceil(mem)", r#"{host="a"} 1 | {host="b"} 1"#),
        ("floor(mem)", r#"{host="a"} 0 | {host="b"} 0"#),
        ("round(mem)", r#"{host="a"} 1 | {host="b"} 1"#),
        ("round(mem, 0.2)", r#"{host="a"} 0.6 | {host="b"} 1"#),
        ("clamp(cpu, 3, 5)", r#"{host="a"} 5 | {host="b"} 3"#),
        ("clamp(cpu, 5, 3)", ""),
        ("clamp_min(cpu, 3)", r#"{host="a"} 11 | {host="b"} 3"#),
        ("clamp_max(odd, 3)", r#"{host="nan"} NaN | {host="neg"} -7"#),
        ("scalar(cpu{host='a'}) + 1", "12"),
        ("scalar(cpu)", "NaN"),
        ("vector(3)", "{} 3"),
        ("timestamp(cpu{host='a'} offset 1m)", r#"{host="a"} 1200540"#),
        ("timestamp(-cpu{host='a'})", r#"{host="a"} 1200600"#),
        ("day_of_week(vector(0))", "{} 4"),
        ("hour()", "{} 21"),
        ("absent(cpu)", ""),
        ("absent(nothing{host='x', mount!='/', a='1', a='2'})", r#"{host="x"} 1"#),
        ("absent(sum(nothing))", "{} 1"),
        ("absent_over_time(old[10m])", ""),
        ("absent_over_time(nothing{host='x'}[10m])", r#"{host="x"} 1"#),
        ("label_replace(mem{host='a'}, 'room', '$1-1', 'host', '(.)')", r#"mem{host="a",room="a-1"} 0.5"#),
        ("label_replace(mem{host='a'}, 'room', 'x', 'host', 'b')", r#"mem{host="a"} 0.5"#),
        ("label_replace(mem, 'host', '', 'host', '.*')", "failed: two results have the same labels: mem"),
        ("label_join(info, 'both', '/', 'host', 'none', 'version')", r#"info{both="a//2",host="a",version="2"} 1"#),
        ("label_replace(mem, 'a', 'b', 'c', '(')", "fault: this is not a regular expression: unclosed group"),
        ("sgn(odd)", r#"{host="nan"} NaN | {host="neg"} -1"#),
    ]);
}

#[test]
fn classic_histograms() {
    all(&[
        ("histogram_quantile(0.1, took_bucket)", "{} 0.05"),
        ("histogram_quantile(0.4, took_bucket)", "{} 0.3"),
        // beyond the highest finite bound nothing is known
        ("histogram_quantile(0.9, took_bucket)", "{} 1"),
        ("histogram_quantile(-1, took_bucket)", "{} -inf"),
        ("histogram_quantile(0.5, took_bucket{le!='+Inf'})", "{} NaN"),
        ("histogram_quantile(0.5, took_bucket * 0)", "{} NaN"),
        ("histogram_quantile(0.5, cpu)", ""),
        ("histogram_fraction(0.1, 0.5, took_bucket)", "{} 0.4"),
        ("histogram_fraction(0, 0.3, took_bucket)", "{} 0.4"),
        ("histogram_fraction(1, 1, took_bucket)", "{} 0"),
        ("histogram_quantile(0.5, {__name__=~'took_bucket|dark'})", "?not measured"),
    ]);
}

#[test]
fn functions_of_a_range() {
    all(&[
        // (t-5m, t]: minutes 6 to 10
        ("count_over_time(cpu{host='a'}[5m])", r#"{host="a"} 5"#),
        ("avg_over_time(cpu{host='a'}[5m])", r#"{host="a"} 9"#),
        ("min_over_time(cpu{host='a'}[5m])", r#"{host="a"} 7"#),
        ("max_over_time(cpu{host='a'}[5m])", r#"{host="a"} 11"#),
        ("sum_over_time(cpu{host='a'}[5m])", r#"{host="a"} 45"#),
        ("last_over_time(cpu{host='a'}[5m])", r#"cpu{host="a"} 11"#),
        ("present_over_time(cpu{host='a'}[5m])", r#"{host="a"} 1"#),
        ("stddev_over_time(cpu{host='a'}[5m])", r#"{host="a"} 1.414214"#),
        ("stdvar_over_time(cpu{host='a'}[5m])", r#"{host="a"} 2"#),
        ("quantile_over_time(0.95, cpu{host='a'}[5m])", r#"{host="a"} 10.8"#),
        ("quantile_over_time(2, cpu{host='a'}[5m])", r#"{host="a"} inf"#),
        // grows by 60 a minute; the window's left edge lies one distance before the first sample
        ("increase(jobs_total{outcome='ok'}[5m])", r#"{outcome="ok"} 300"#),
        ("rate(jobs_total{outcome='ok'}[5m])", r#"{outcome="ok"} 1"#),
        // a reset: 5 6 7 | 0 1 … 7 is 2 + 0 + 7 within eleven samples
        ("increase(jobs_total{outcome='failed'}[10m])", r#"{outcome="failed"} 8.888889"#),
        ("rate(jobs_total[1m])", ""),
        ("irate(jobs_total{outcome='ok'}[5m])", r#"{outcome="ok"} 1"#),
        ("idelta(cpu{host='a'}[5m])", r#"{host="a"} 1"#),
        ("delta(disk{mount='/'}[5m])", r#"{host="a",mount="/"} -43.75"#),
        ("deriv(cpu{host='a'}[5m])", r#"{host="a"} 0.016667"#),
        ("predict_linear(cpu{host='a'}[5m], 600)", r#"{host="a"} 21"#),
        ("predict_linear(cpu{host='b'}[5m], 600)", r#"{host="b"} 2"#),
        ("changes(cpu[5m])", r#"{host="a"} 4 | {host="b"} 0"#),
        ("resets(jobs_total{outcome='failed'}[10m])", r#"{outcome="failed"} 1"#),
        ("max_over_time((cpu{host='a'} * 2)[3m:1m])", r#"{host="a"} 22"#),
        ("count_over_time(cpu{host='a'}[3m:30s])", r#"{host="a"} 6"#),
        ("sum_over_time(vector(1)[5m:1m])", "{} 5"),
        ("avg_over_time(cpu{host='a'}[5m] offset 5m)", r#"{host="a"} 4"#),
    ]);
}

#[test]
fn unknown_taints_what_rests_on_it() {
    all(&[
        // element by element
        ("dark", r#"dark{host="a"} ?not measured | dark{host="b"} 4"#),
        ("dark * 2", r#"{host="a"} ?not measured | {host="b"} 8"#),
        ("-dark", r#"{host="a"} ?not measured | {host="b"} -4"#),
        ("abs(dark)", r#"{host="a"} ?not measured | {host="b"} 4"#),
        ("dark > 100", r#"dark{host="a"} ?not measured"#),
        ("dark > bool 100", r#"{host="a"} ?not measured | {host="b"} 0"#),
        ("timestamp(dark)", r#"{host="a"} ?not measured | {host="b"} 1200600"#),
        // ranges skip it, unless it is the newest
        ("sum_over_time(dark[3m])", r#"{host="a"} ?not measured | {host="b"} 5"#),
        ("sum_over_time(dark[3m] offset 2m)", r#"{host="a"} 3 | {host="b"} 3"#),
        ("sum_over_time(dark[3m:1m])", r#"{host="a"} ?not measured | {host="b"} 5"#),
        // as a whole
        ("sum(dark)", "?not measured"),
        ("sum by (host) (dark)", "?not measured"),
        ("sum(dark{host='b'})", "{} 4"),
        ("dark + cpu", "?not measured"),
        ("cpu + dark", "?not measured"),
        ("cpu and dark", "?not measured"),
        ("cpu or dark", "?not measured"),
        ("cpu unless dark", "?not measured"),
        ("absent(dark)", "?not measured"),
        ("absent_over_time(dark[5m])", "?not measured"),
        ("scalar(dark{host='a'})", "?not measured"),
        ("vector(1) > scalar(dark{host='a'})", "?not measured"),
        ("sum_over_time(sum(dark)[3m:1m])", "?not measured"),
        ("sum_over_time(sum(dark)[3m:1m] offset 2m)", "{} 6"),
        // gone is not unknown
        ("left", r#"left{host="b"} 3"#),
        ("sum(left)", "{} 3"),
        ("sum_over_time(left[3m])", r#"{host="b"} 6"#),
        ("absent(left{host='a'})", r#"{host="a"} 1"#),
    ]);
}

/// What is wrong, the text it points at, and the way out.
fn fault(text: &str) -> String {
    let fault = parse(text).expect_err(text).remove(0);
    let Place::File(span) = fault.place else { panic!("no place: {text}") };
    format!("{} [{}] {}", fault.what, &text[span], fault.help.unwrap_or_default())
}

fn all_faults(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(fault(text).trim_end(), *wanted, "{text}");
    }
}

const SYNTAX: &[(&str, &str)] = &[
    (
        "mem > 85%",
        "an expression has no percentages; `%` is the remainder of a division [85%] write 0.85 here, or leave the \
             comparison out of `expr` and write above = \"85%\"",
    ),
    (
        "mem > 85% and cpu",
        "an expression has no percentages; `%` is the remainder of a division [85%] write 0.85 here, or leave the \
             comparison out of `expr` and write above = \"85%\"",
    ),
    (
        "rate(e[5m]) > 0.1 for 2m",
        "unexpected `for` after the expression [for] `for` is a field of the rule, not a part of the expression",
    ),
    (
        "sum(mem) by host",
        "`by` needs its labels in parentheses, found `host` [host] write by (label), or by () for none",
    ),
    (
        "sum by host (mem)",
        "`by` needs its labels in parentheses, found `host` [host] write by (label), or by () for none",
    ),
    ("mem by (host)", "unexpected `by` after the expression [by] `by` belongs to an aggregation: sum by (label) (mem)"),
    ("mem => 0.85", "unexpected `=` after the expression [=] write `>=`"),
    ("mem =< 0.85", "unexpected `=` after the expression [=] write `<=`"),
    ("mem = 1", "unexpected `=` after the expression [=] write `==` to compare; `=` only stands in {…}"),
    (
        "mem > > 1",
        "expected a metric, a number or a call, found `>` [>] comparisons are `==`, `!=`, `>`, `<`, `>=` and `<=`",
    ),
    ("mem >", "expected a metric, a number or a call, found the end [] the expression stops in the middle"),
    ("", "the expression is empty [] write a metric's name, for example system_memory_usage_ratio"),
    ("a && b", "`&&` means nothing in an expression [&&] write `and`"),
    ("a || b", "`||` means nothing in an expression [||] write `or`"),
    ("(a + b", "this parenthesis is never closed [(] add the missing `)`"),
    ("a)", "unexpected `)` after the expression [)] there is one `)` too many"),
    ("a b", "unexpected `b` after the expression [b] two operands need an operator between them"),
    ("a{host=b}", "expected a string, found `b` [b] put the value in quotes: host=\"…\""),
    ("a{host==\"b\"}", "expected `=`, `!=`, `=~` or `!~` behind a label [==] write host=\"value\""),
    ("a{host=\"b\"", "this brace is never closed [{] add the missing `}`"),
    ("{}", "this selects every series there is [{}] name a metric, or match at least one label that is not empty"),
    (
        "{a=~\".*\"}",
        "this selects every series there is [{a=~\".*\"}] name a metric, or match at least one label that is not empty",
    ),
    (
        "a{b=~\"(\"}",
        "this is not a regular expression: unclosed group [\"(\"] a literal dot or bracket needs a backslash: \"a\\\\.b\", or \
             put the pattern in backticks",
    ),
    ("a[5]b", "unexpected `b` after the expression [b] two operands need an operator between them"),
    ("a[0s]", "a range of nothing selects nothing [0s]"),
    ("a[b]", "expected the length of a range [b] write a duration like 90s, 5m or 1h30m"),
    (
        "(a + b)[5m]",
        "only a selector has a range [[5m]] put the range behind the metric, or make it a subquery: [5m:1m]",
    ),
    (
        "rate(a[5m]) offset 1h",
        "only a selector or a subquery can be moved in time [offset 1h] put it behind the metric: rate(metric[5m] offset 1h)",
    ),
    ("a offset 1h [5m]", "the range stands before `offset` and `@` [[5m]] write metric[5m] offset 1h"),
    ("a + bool b", "`bool` only goes with a comparison [bool] remove it"),
    (
        "a * group_left b",
        "`group_left` must follow `on (…)` or `ignoring (…)` [group_left] name the labels that both sides share, for example on(host) group_left",
    ),
    (
        "a and on(x) group_left b",
        "`and`, `or` and `unless` need no grouping: they match many to many [group_left] remove group_left or group_right",
    ),
    (
        "a > 10GiB",
        "`10GiB` is neither a number nor a duration [10GiB] write numbers like 0.85, 1e9 or 0x1F, durations like 90s, 5m or 1h30m; sizes such as 10GiB only stand in `above` and `below`",
    ),
];

#[test]
fn syntax_faults_teach() {
    all_faults(SYNTAX);
}

#[test]
fn type_faults_teach() {
    all_faults(&[
        (
            "rate(errors_total)",
            "rate needs a range vector (metric[5m]) here, this is an instant vector [errors_total] give it a range: errors_total[5m]",
        ),
        (
            "rate(sum(errors_total))",
            "rate needs a range vector (metric[5m]) here, this is an instant vector [sum(errors_total)] make it a subquery: \
             (sum(errors_total))[5m:1m]",
        ),
        (
            "sum(a[5m])",
            "sum needs an instant vector here, this is a range vector [a[5m]] remove the range, or say what is wanted of it: \
             avg_over_time(a[5m])",
        ),
        ("abs(1)", "abs needs an instant vector here, this is a number [1] make it a vector: vector(1)"),
        (
            "vector(a)",
            "vector needs a number here, this is an instant vector [a] if it has exactly one element: scalar(a)",
        ),
        ("a[5m]", "a range of samples is no answer yet [a[5m]] say what is wanted of it: avg_over_time(a[5m])"),
        ("a[5m] > 1", "a range vector has no operators [a[5m]] say what is wanted of it first: avg_over_time(a[5m])"),
        ("a == \"x\"", "a string has no operators [\"x\"] labels are compared in a selector: metric{label=\"value\"}"),
        ("1 > 2", "a comparison of two numbers needs `bool` [>] write > bool"),
        (
            "a and 1",
            "`and`, `or` and `unless` join instant vectors, not numbers [and] compare first: a > 1 and b > 2; vector(1) makes a \
             vector of a number",
        ),
        (
            "a + on(x) 1",
            "labels are only matched between two instant vectors [on(x)] remove it: a number goes with every element",
        ),
        (
            "a * on(x) group_left(x) b",
            "`x` is both matched and copied [on(x) group_left(x)] name it in `on` or in the group, not in both",
        ),
        ("avrg(a)", "there is no function `avrg` [avrg] did you mean `avg`?"),
        ("mean(a)", "there is no function `mean` [mean] PromQL's word for it is avg"),
        ("histogram_stddev(a)", "`histogram_stddev` is not built yet [histogram_stddev] it comes with a later version"),
        ("limitk(1, a)", "`limitk` is not built yet [limitk] it comes with a later version"),
        ("clamp(a)", "`clamp` takes an instant vector, a number, a number; 1 given [clamp(a)]"),
        ("time(1)", "`time` takes no argument; 1 given [time(1)]"),
    ]);
}

#[test]
fn every_type_fault_is_found() {
    let faults = parse("rate(a) + abs(1) + 2 > 1").unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn depth_is_limited_before_the_stack_is() {
    for text in ["(", "-", "abs(", "2^"] {
        let fault = fault(&format!("{}1", text.repeat(5000)));
        assert!(fault.starts_with("the expression is nested more than 50 times"), "{fault}");
    }
    let long = fault(&format!("{}1", "1+".repeat(5000)));
    assert!(long.starts_with("the expression has more than 250 operators and operands"), "{long}");
    assert_eq!(answer(&format!("{}1{}", "(".repeat(45), ")".repeat(45))), "1");
    assert_eq!(answer(&format!("{}1", "1+".repeat(80))), "81");
}

proptest::proptest! {
    /// Whatever is written, there is an answer or a fault whose place lies in the text.
    #[test]
    fn no_text_breaks_the_parser(text in r#"[a-c0-9mä"'\\{}()\[\]=~!<>+*/%^@,.: -]{0,40}|(sum|rate|by|on|cpu|offset|and|\(|\)|\[5m\]|,| )*"#) {
        match parse(&text) {
            Ok(expr) => { let _ = evaluate(&expr, &data(), Time::from_millis(0)); }
            Err(faults) => for fault in faults {
                let Place::File(span) = fault.place else { panic!("no place") };
                proptest::prop_assert!(text.get(span).is_some());
            }
        }
    }
}

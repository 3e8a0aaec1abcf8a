//! A rule taken apart: what each part yields, and where elements get lost.

use std::fmt::Write as _;

use super::*;
use crate::model::reading::{Reason, Value};
use crate::rules::explain::{Explained, Found, Outcome, Seen, Tree, explain, explain_needs};
use crate::rules::promql;
use crate::rules::rule::filters;

/// Minutes after the first sample at which the rules are looked at.
const LAST: i64 = 20;

/// Metric, labels, what was measured in each of the last minutes.
type Series<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [Datum]);

const fn known(value: f64) -> Datum {
    Datum::Value(value)
}

/// A window whose last sample is that of the last minute.
fn recent((metric, labels, data): Series<'_>) -> Window {
    let mut all = window(metric, labels, data);
    let shift = Duration::from_mins((LAST as u64 + 1) - data.len() as u64);
    all.points.iter_mut().for_each(|point| point.tick = point.tick + shift);
    all.reason = data.last().filter(|datum| **datum == Datum::Unknown).map(|_| Reason::TIMEOUT);
    all
}

/// The rule `A` with these keys, of a catalogue that is open.
fn own(keys: &str) -> Rule {
    let (rules, _) = compiled(&format!("[[rule]]\nalert = 'A'\n{keys}"), true);
    rules.into_iter().find(|rule| &*rule.name == "A").expect(keys)
}

fn explained(text: &str, series: &[Series<'_>]) -> Explained {
    let rule = own(text);
    let data = Windows::new(series.iter().map(|series| recent(*series)).collect());
    explain(&rule, Catalogue { metrics: METRICS, is_open: true, sources: &[] }, &data, minute(LAST))
}

fn minute(minute: i64) -> Time {
    Time::from_millis(T0 + minute * 60_000)
}

/// A tree with an indentation for each level, its elements and its notes.
fn drawn(tree: &Tree) -> String {
    let mut out = String::new();
    draw(tree, "", &mut out);
    out
}

fn draw(tree: &Tree, indent: &str, out: &mut String) {
    let yields = match &tree.found {
        Found::Number(value) => format!("number {value}"),
        Found::Text(text) => format!("text {text:?}"),
        Found::Elements(seen) => format!("{} elements", seen.len()),
        Found::Samples(range, seen) => format!("{} series over {}s", seen.len(), range.as_secs()),
        Found::Unknown(reason) => format!("unknown: {reason}"),
        Found::Failed(why) => format!("failed: {why}"),
    };
    let _ = writeln!(out, "{indent}{} -> {yields}", tree.text);
    for note in &tree.notes {
        let _ = writeln!(out, "{indent}  ! {note}");
    }
    for seen in tree.found.seen() {
        let _ = writeln!(out, "{indent}  {}", element(seen));
    }
    for part in &tree.parts {
        draw(part, &format!("{indent}  "), out);
    }
}

fn element(seen: &Seen) -> String {
    let minute = |time: Time| (time.millis() - T0) / 60_000;
    let value = match &seen.element.value {
        Value::Known(value) => value.to_string(),
        Value::Unknown(reason) => format!("?{reason}"),
    };
    let measured = seen.measured.map_or_else(String::new, |time| format!(" at {}", minute(time)));
    let samples = seen.samples.map_or_else(String::new, |samples| format!(", {samples} samples"));
    let since = seen.unknown_since.map_or_else(String::new, |time| format!(", unknown since {}", minute(time)));
    format!("{} {value}{measured}{samples}{since}", seen.element)
}

/// The keys of a rule on `expr`: a condition where something in it can be false, else a limit.
fn keys(expr: &str) -> String {
    let is_condition = filters(&promql::parse(expr).unwrap());
    let test = if is_condition { "severity = 'HIGH'" } else { "above = { HIGH = 1 }" };
    format!("expr = '''{expr}'''\n{test}")
}

/// The tree of a rule on `series`.
fn tree(expr: &str, series: &[Series<'_>]) -> String {
    drawn(&explained(&keys(expr), series).tree)
}

const ROOT: &[(&str, &str)] = &[("mount", "/")];
const VAR: &[(&str, &str)] = &[("mount", "/var")];
const DATA: &[(&str, &str)] = &[("mount", "/data")];

#[test]
fn selectors_show_what_they_find_and_what_they_miss() {
    let disks: &[Series<'_>] = &[
        ("system_disk_usage_ratio", ROOT, &[known(0.4), known(0.5)]),
        ("system_disk_usage_ratio", VAR, &[known(0.7), Datum::Unknown, Datum::Unknown]),
        ("system_disk_usage_ratio", DATA, &[known(0.9), Datum::Gone, Datum::Gone]),
    ];
    assert_eq!(
        tree("system_disk_usage_ratio > 0.9", disks),
        "\
system_disk_usage_ratio > 0.9 -> 1 elements
  ! it holds for 1 of 2
  system_disk_usage_ratio{mount=\"/var\"} ?timeout
  system_disk_usage_ratio -> 2 elements
    ! system_disk_usage_ratio{mount=\"/data\"} is gone since 00:19:00
    system_disk_usage_ratio{mount=\"/\"} 0.5 at 20
    system_disk_usage_ratio{mount=\"/var\"} ?timeout at 20, unknown since 19
"
        .replace("00:19:00", &minute(19).clock(minute(20)))
    );
}

#[test]
fn what_finds_nothing_says_why() {
    let long_ago = [known(1.0), Datum::Value(1.0)];
    let mut disks: Vec<Window> =
        [("system_disk_usage_ratio", ROOT, &long_ago[..]), ("system_disk_usage_ratio", VAR, &long_ago)]
            .map(recent)
            .into();
    let reason = |expr: &str, disks: &[Window]| {
        let rule = own(&keys(expr));
        let catalogue = Catalogue { metrics: METRICS, is_open: true, sources: &[] };
        explain(&rule, catalogue, &Windows::new(disks.to_vec()), minute(LAST)).tree.notes.join("; ")
    };
    for (expr, wanted) in [
        ("service_up", "there is no series of service_up in the database at this time; it comes from the source test"),
        ("queue_depth", "there is no series of queue_depth in the database at this time"),
        (
            "system_disk_usage_ratio{mount=\"/vra\"}",
            "no series of system_disk_usage_ratio has mount=\"/vra\"; the nearest is \"/var\"",
        ),
        (
            "system_disk_usage_ratio{mount=\"/home/x\"}",
            "no series of system_disk_usage_ratio has mount=\"/home/x\"; there is \"/\", \"/var\"",
        ),
        (
            "system_disk_usage_ratio{mount=~\"/h.*\"}",
            "no series of system_disk_usage_ratio has mount like \"/h.*\"; there is \"/\", \"/var\"",
        ),
        (
            "system_disk_usage_ratio{device=\"sda\"}",
            "no series of system_disk_usage_ratio has device=\"sda\"; none has the label device",
        ),
        (
            "system_disk_usage_ratio{mount=\"/\",mount=\"/var\"}",
            "no series of system_disk_usage_ratio fulfils all conditions at once",
        ),
        ("ALERTS", "no alert that fits is pending or firing; of the past ALERTS is not known"),
        ("{mount=\"/x\"}", "no series fits these conditions"),
    ] {
        assert_eq!(reason(expr, &disks), wanted, "{expr}");
    }
    for window in &mut disks {
        window.points.iter_mut().for_each(|point| point.tick = point.tick - Duration::from_mins(10));
    }
    assert_eq!(
        reason("system_disk_usage_ratio", &disks),
        "system_disk_usage_ratio{mount=\"/\"} was last measured 10 min ago, and a value stands for 5 min; \
         system_disk_usage_ratio{mount=\"/var\"} was last measured 10 min ago, and a value stands for 5 min"
    );
    assert_eq!(
        reason("rate(system_disk_usage_ratio{mount=\"/\"}[5m])", &disks),
        "",
        "it is said of the selector, not of the function"
    );
}

#[test]
fn a_range_with_too_few_samples_is_pointed_out() {
    assert_eq!(
        tree(
            "sum(idelta(system_disk_free_bytes[5m])) > 99",
            &[
                ("system_disk_free_bytes", ROOT, &[known(100.0), known(148.0), known(196.0), known(220.0)]),
                ("system_disk_free_bytes", VAR, &[known(7.0)]),
            ]
        ),
        "\
sum(idelta(system_disk_free_bytes[5m])) > 99 -> 0 elements
  ! it does not hold
  sum(idelta(system_disk_free_bytes[5m])) -> 1 elements
    {} 24
    idelta(system_disk_free_bytes[5m]) -> 1 elements
      ! system_disk_free_bytes{mount=\"/var\"}: the range holds 1 sample, and idelta needs 2
      {mount=\"/\"} 24
      system_disk_free_bytes[5m] -> 2 series over 300s
        system_disk_free_bytes{mount=\"/\"} 220 at 20, 4 samples
        system_disk_free_bytes{mount=\"/var\"} 7 at 20, 1 samples
"
    );
}

/// Two sides, and what is to be said of them; the data is that of the test below.
const JOINS: &[(&str, &str)] = &[
    (
        "system_disk_usage_ratio + system_inodes_usage_ratio",
        "left 3, right 1, result 1: system_disk_usage_ratio{mount=\"/\"}, system_disk_usage_ratio{mount=\"/data\"} \
         have no partner on the right",
    ),
    (
        "system_inodes_usage_ratio + system_disk_usage_ratio",
        "left 1, right 3, result 1: system_disk_usage_ratio{mount=\"/\"}, system_disk_usage_ratio{mount=\"/data\"} \
         have no partner on the left",
    ),
    (
        "system_disk_usage_ratio + system_memory_usage_ratio",
        "left 3, right 1, result 0: other labels: left has mount, right has none; on () would pair one with \
         one",
    ),
    (
        "system_disk_usage_ratio * service_up",
        "left 3, right 1, result 0: other labels: left has mount, right has service; on () would pair one \
         with one",
    ),
    (
        "system_disk_usage_ratio{mount=\"/\"} + system_inodes_usage_ratio",
        "left 1, right 1, result 0: no two agree in mount",
    ),
    (
        "system_disk_usage_ratio * on (mount) service_up",
        "left 3, right 1, result 0: the right side has no label mount, which must agree",
    ),
    (
        "system_disk_usage_ratio * on (service) service_up",
        "left 3, right 1, result 0: the left side has no label service, which must agree",
    ),
    ("system_disk_usage_ratio + system_load1", "left 3, right 0, result 0: the right side has nothing"),
    ("system_disk_usage_ratio + on () group_left system_memory_usage_ratio", ""),
    (
        "system_disk_usage_ratio and system_inodes_usage_ratio",
        "left 3, right 1, result 1: system_disk_usage_ratio{mount=\"/\"}, system_disk_usage_ratio{mount=\"/data\"} \
         have no partner on the right",
    ),
    ("system_inodes_usage_ratio and system_disk_usage_ratio", ""),
    (
        "system_disk_usage_ratio unless system_inodes_usage_ratio",
        "left 3, right 1, result 2: the right side takes 1 away",
    ),
    ("system_disk_usage_ratio or system_inodes_usage_ratio", ""),
    ("system_disk_usage_ratio > system_disk_usage_ratio", "left 3, right 3, result 0: the others do not hold"),
    ("system_disk_usage_ratio > 0.9", "it holds for 2 of 3"),
    ("0.1 > system_disk_usage_ratio", "it holds for none of 3"),
    ("system_disk_usage_ratio > 0.1", ""),
    ("system_disk_usage_ratio > bool 0.9", ""),
];

#[test]
fn elements_that_find_no_partner_are_named() {
    let disk = |mount: &'static [(&'static str, &'static str)], value: &'static [Datum]| {
        ("system_disk_usage_ratio", mount, value)
    };
    let half: &[Datum] = &[Datum::Value(0.5)];
    let full: &[Datum] = &[Datum::Value(0.95)];
    let inodes = |mount| ("system_inodes_usage_ratio", mount, full);
    let memory: Series<'_> = ("system_memory_usage_ratio", &[], half);
    let up: Series<'_> = ("service_up", &[("service", "nginx")], half);
    let all = [disk(ROOT, half), disk(VAR, full), disk(DATA, full), inodes(VAR), memory, up];
    for (expr, wanted) in JOINS {
        let found = explained(&keys(expr), &all);
        assert_eq!(found.tree.notes.join("; "), *wanted, "{expr}");
    }
    let found = explained("expr = 'vector(scalar(system_disk_usage_ratio))'\nabove = { HIGH = 1 }", &all);
    assert_eq!(found.tree.parts[0].notes, ["scalar of 3 elements is NaN: it needs exactly one"]);
}

#[test]
fn unknown_is_traced_to_where_it_spreads() {
    let text = "expr = 'sum(system_disk_usage_ratio)'\nwhen = 'system_memory_usage_ratio > 0.5'\nabove = { HIGH = 1 }";
    let found = explained(
        text,
        &[
            ("system_disk_usage_ratio", ROOT, &[known(0.4)]),
            ("system_disk_usage_ratio", VAR, &[Datum::Unknown]),
            ("system_memory_usage_ratio", &[], &[known(0.6)]),
        ],
    );
    assert_eq!(found.outcome, Outcome::Unknown(Reason::TIMEOUT));
    assert_eq!(found.results, []);
    assert_eq!(
        drawn(&found.tree) + &drawn(&found.when.unwrap()),
        "\
sum(system_disk_usage_ratio) -> unknown: timeout
  ! system_disk_usage_ratio{mount=\"/var\"} is unknown, and this rests on all elements together
  system_disk_usage_ratio -> 2 elements
    system_disk_usage_ratio{mount=\"/\"} 0.4 at 20
    system_disk_usage_ratio{mount=\"/var\"} ?timeout at 20, unknown since 20
system_memory_usage_ratio > 0.5 -> 1 elements
  system_memory_usage_ratio 0.6
  system_memory_usage_ratio -> 1 elements
    system_memory_usage_ratio 0.6 at 20
"
    );
}

#[test]
fn what_cannot_be_evaluated_fails_where_it_fails() {
    let found = explained(
        "expr = 'abs(label_replace(system_disk_usage_ratio, \"mount\", \"x\", \"\", \"\") * 2)'\nabove = { HIGH = 1 }",
        &[("system_disk_usage_ratio", ROOT, &[known(0.4)]), ("system_disk_usage_ratio", VAR, &[known(0.4)])],
    );
    let why = "two results have the same labels: system_disk_usage_ratio{mount=\"x\"}";
    assert_eq!(found.outcome, Outcome::Failed(why.to_owned()));
    let shown = drawn(&found.tree);
    assert_eq!(shown.matches(why).count(), 3, "{shown}");
}

#[test]
fn a_subquery_shows_its_last_step() {
    assert_eq!(
        tree(
            "max_over_time(sum(system_disk_usage_ratio)[3m:1m] offset 1m) > 9",
            &[("system_disk_usage_ratio", ROOT, &[known(1.0), known(2.0), known(3.0), known(4.0), known(5.0)])]
        ),
        "\
max_over_time(sum(system_disk_usage_ratio)[3m:1m] offset 1m) > 9 -> 0 elements
  ! it does not hold
  max_over_time(sum(system_disk_usage_ratio)[3m:1m] offset 1m) -> 1 elements
    {} 4
    sum(system_disk_usage_ratio)[3m:1m] offset 1m -> 1 series over 180s
      {} 4 at 19, 3 samples
      sum(system_disk_usage_ratio) -> 1 elements
        {} 4
        system_disk_usage_ratio -> 1 elements
          system_disk_usage_ratio{mount=\"/\"} 4 at 19
"
    );
}

#[test]
fn results_say_what_does_not_count() {
    let text = "expr = 'system_disk_usage_ratio'\nwhen = 'system_inodes_usage_ratio > 0.5'\n\
                except = ['{mount=\"/data\"}']\nlabels = { team = 'ops' }\nabove = { HIGH = '90%' }";
    let full = &[Datum::Value(0.95)][..];
    let found = explained(
        text,
        &[
            ("system_disk_usage_ratio", ROOT, full),
            ("system_disk_usage_ratio", VAR, full),
            ("system_disk_usage_ratio", DATA, full),
            ("system_inodes_usage_ratio", VAR, full),
        ],
    );
    let shown = found.results.iter().map(|result| {
        let Says::Measured { value, levels } = &result.says else { panic!("{result:?}") };
        let level = levels[Severity::High];
        format!("{} {value} {level:?} {:?} {:?}", result.labels, result.allowed, result.left_out_by)
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            r#"{mount="/",team="ops"} 0.95 Within Some(false) None"#,
            r#"{mount="/var",team="ops"} 0.95 Beyond Some(true) None"#,
            r#"{mount="/data",team="ops"} 0.95 Within Some(false) Some("{mount=\"/data\"}")"#,
        ]
    );
    assert_eq!(found.outcome, Outcome::Judged(Missing::Gone));
}

#[test]
fn an_explanation_looks_further_back_than_the_rule() {
    let rule = rule("", "HIGH_CPU_USAGE");
    let back = |needs: Vec<crate::model::reading::Need>| needs.into_iter().map(|need| need.back).max();
    assert_eq!(back(explain_needs(&rule, minute(0))), Some(Duration::from_mins(70)));
    assert_eq!(back(needs(rule.exprs(), minute(0))), Some(Duration::from_mins(10)));
}

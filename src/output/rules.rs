//! `rules list`: the rules in effect, and the metrics they can use.

use std::fmt::Write as _;
use std::time::Duration;

use super::terminal::Terminal;
use crate::model::metric::Metric;
use crate::model::severity::{BySeverity, Severity};
use crate::rules::Rule;
use crate::text::{safe, units};

/// The table of rules.
pub fn list(rules: &[Rule], with_expr: bool, terminal: &Terminal) -> String {
    let mut header = vec!["NAME", "LIMITS", "FOR", "ORIGIN"];
    header.extend(with_expr.then_some("EXPR"));
    let mut table = terminal.table(&header);
    for rule in rules {
        let mut cells = vec![rule.name.to_string(), limits(rule), waits(rule), origin(rule)];
        cells.extend(with_expr.then(|| expr(rule)));
        table.add_row(cells);
    }
    terminal.fit(&format!("{table}\n"))
}

/// Lines for scripts: name, limits, for, origin, expression.
pub fn lines(rules: &[Rule]) -> String {
    let line = |rule: &Rule| [rule.name.to_string(), limits(rule), waits(rule), origin(rule), expr(rule)].join("\t");
    rules.iter().map(|rule| line(rule) + "\n").collect()
}

/// The table of metrics.
pub fn metrics(metrics: &[Metric], terminal: &Terminal) -> String {
    let mut table = terminal.table(&["METRIC", "UNIT", "TYPE", "LABELS", "SOURCE", "HELP"]);
    for metric in metrics {
        table.add_row(columns(metric));
    }
    terminal.fit(&format!("{table}\n"))
}

/// Lines for scripts, in the order of the table's columns.
pub fn metric_lines(metrics: &[Metric]) -> String {
    let mut out = String::new();
    for metric in metrics {
        let _ = writeln!(out, "{}", columns(metric).join("\t"));
    }
    out
}

fn columns(metric: &Metric) -> [String; 6] {
    let Metric { name, help, unit, shape, labels, source } = metric;
    let labels = if labels.is_empty() { "-".to_owned() } else { labels.join(", ") };
    [
        (*name).to_owned(),
        unit.name().to_owned(),
        shape.name().to_owned(),
        labels,
        (*source).to_owned(),
        (*help).to_owned(),
    ]
}

/// `HIGH > 85 %, CRITICAL > 95 %`; of a condition that is no comparison with a number, its severity.
fn limits(rule: &Rule) -> String {
    let limit = |severity: Severity| format!("{severity} {}", rule.limit_text(severity)).trim_end().to_owned();
    severities(rule).map(limit).collect::<Vec<_>>().join(", ")
}

/// `5m`, or `HIGH 5m, CRITICAL 1m` where the severities differ.
fn waits(rule: &Rule) -> String {
    let by: &BySeverity<Duration> = &rule.policy.pending_for;
    let literal = |severity| units::duration_literal(by[severity]);
    let mut all = severities(rule).map(|severity| by[severity]);
    match all.next() {
        Some(first) if all.all(|other| other == first) => {
            if first.is_zero() {
                "-".to_owned()
            } else {
                units::duration_literal(first)
            }
        }
        _ => {
            severities(rule).map(|severity| format!("{severity} {}", literal(severity))).collect::<Vec<_>>().join(", ")
        }
    }
}

fn severities(rule: &Rule) -> impl Iterator<Item = Severity> {
    Severity::ALL.into_iter().filter(|severity| rule.policy.severities[*severity])
}

fn origin(rule: &Rule) -> String {
    safe::one_line(&rule.origin.to_string())
}

fn expr(rule: &Rule) -> String {
    safe::one_line(&rule.text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::metric::{Shape, Unit};
    use crate::model::secret::Secret;
    use crate::rules::{Catalogue, Settings, compile};
    use crate::text::check::Check;

    fn rules() -> Vec<Rule> {
        #[derive(serde::Deserialize)]
        struct File {
            rule: Vec<Settings>,
        }
        let text = "[[rule]]\nalert = 'LADDER'\nexpr = '''\na\n + b'''\nabove = { HIGH = '85%', CRITICAL = 0.95 }\nfor = { HIGH = '5m' }\n\
                    [[rule]]\nalert = 'SAME'\nexpr = 'a'\nbelow = { LOW = 2, HIGH = 1 }\nfor = '90s'\n\
                    [[rule]]\nalert = 'PLAIN'\nexpr = 'a and b > 1'\nseverity = 'LOW'";
        let file: File = toml::from_str(text).unwrap();
        let resolve = |_: &str| -> Result<Secret, String> { Err(String::new()) };
        let mut check = Check::new(Duration::from_mins(1), &resolve);
        compile(file.rule, &[], Catalogue { is_open: true, ..Catalogue::of(&[]) }, &mut check)
    }

    fn terminal() -> Terminal {
        Terminal { out: true, err: true, color: false, color_err: false, ascii: false, width: 120 }
    }

    fn trimmed(table: &str) -> Vec<&str> {
        table.lines().map(str::trim_end).collect()
    }

    #[test]
    fn a_rule_is_a_line() {
        assert_eq!(
            lines(&rules()),
            "LADDER\tHIGH > 85 %, CRITICAL > 95 %\tHIGH 5m, CRITICAL 0s\tthe configuration\ta  + b\n\
             SAME\tLOW < 2, HIGH < 1\t1m30s\tthe configuration\ta\n\
             PLAIN\tLOW\t-\tthe configuration\ta and b > 1\n"
        );
        assert_eq!(
            trimmed(&list(&rules(), true, &terminal())),
            [
                " NAME    LIMITS                        FOR                   ORIGIN             EXPR",
                " LADDER  HIGH > 85 %, CRITICAL > 95 %  HIGH 5m, CRITICAL 0s  the configuration  a  + b",
                " SAME    LOW < 2, HIGH < 1             1m30s                 the configuration  a",
                " PLAIN   LOW                           -                     the configuration  a and b > 1",
            ]
        );
        assert!(!list(&rules(), false, &terminal()).contains("EXPR"));
    }

    #[test]
    fn a_metric_is_a_line() {
        let metric = |labels| Metric {
            name: "m",
            help: "What it is.",
            unit: Unit::Ratio,
            shape: Shape::Counter,
            labels,
            source: "s",
        };
        let all = [metric(&[]), metric(&["a", "b"])];
        assert_eq!(
            metric_lines(&all),
            "m\tratio\tcounter\t-\ts\tWhat it is.\nm\tratio\tcounter\ta, b\ts\tWhat it is.\n"
        );
        assert_eq!(
            trimmed(&metrics(&all, &terminal())),
            [
                " METRIC  UNIT   TYPE     LABELS  SOURCE  HELP",
                " m       ratio  counter  -       s       What it is.",
                " m       ratio  counter  a, b    s       What it is.",
            ]
        );
    }
}

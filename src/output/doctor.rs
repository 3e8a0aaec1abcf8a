//! `doctor` for people and scripts.

use std::fmt::Write as _;

use super::explain::lines::wrapped;
use super::terminal::{Badge, Terminal};
use crate::text::{safe, units};
use crate::view::doctor::{Finding, Level, Report};

/// The widest column of topics.
const WIDEST: usize = 24;

/// The screen: a mark, a topic and what was found; the way out below it.
pub fn screen(report: &Report, terminal: &Terminal) -> String {
    let topics = report.findings.iter().map(|finding| finding.topic.chars().count());
    let width = topics.max().unwrap_or_default().min(WIDEST);
    let mut out = String::new();
    let mut before = "";
    for finding in &report.findings {
        let topic = if finding.topic == before { "" } else { &finding.topic };
        before = &finding.topic;
        out.push_str(&one(finding, topic, width, terminal));
    }
    let _ = writeln!(out, "{}", verdict(report));
    terminal.fit(&out)
}

fn one(finding: &Finding, topic: &str, width: usize, terminal: &Terminal) -> String {
    let mark = terminal.mark(badge(finding.level));
    let topic = safe::one_line(topic);
    let margin = " ".repeat(2 + terminal.mark_width() + 1 + width + 2);
    let first = format!("  {mark} {topic:width$}  ");
    // colour takes no columns: it is put in after the lines are broken
    let lead = format!("  {} {topic:width$}  ", "#".repeat(terminal.mark_width()));
    let text = wrapped(&safe::one_line(&finding.what), terminal.width, &lead, &margin);
    let mut out = format!("{first}{}", text.strip_prefix(&lead).unwrap_or(&text));
    if let Some(fix) = &finding.fix {
        let (lead, rest) = (format!("{margin}fix:  "), format!("{margin}      "));
        out.push_str(&wrapped(&safe::one_line(fix), terminal.width, &lead, &rest));
    }
    out
}

const fn badge(level: Level) -> Badge {
    match level {
        Level::Fine => Badge::SENT,
        Level::Note => Badge::NOTE,
        Level::Warning => Badge::WARNING,
        Level::Problem => Badge::PROBLEM,
    }
}

/// `1 problem, 2 warnings`.
fn verdict(report: &Report) -> String {
    let count = |count: usize, noun: &str| (count > 0).then(|| units::counted(count, noun));
    let parts = [count(report.problems, "problem"), count(report.warnings, "warning")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "all is well".to_owned() } else { parts.join(", ") }
}

/// Lines for scripts: level, topic, what, the way out; separated by tabs, nothing cut.
pub fn lines(report: &Report) -> String {
    let line = |finding: &Finding| {
        let Finding { topic, level, what, fix } = finding;
        let fix = safe::one_line(fix.as_deref().unwrap_or_default());
        format!("{}\t{}\t{}\t{fix}\n", level.name(), safe::one_line(topic), safe::one_line(what))
    };
    report.findings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let finding = |level, topic: &str, what: &str, fix: Option<&str>| Finding {
            topic: topic.to_owned(),
            level,
            what: what.to_owned(),
            fix: fix.map(str::to_owned),
        };
        Report {
            sound: false,
            problems: 1,
            warnings: 1,
            findings: vec![
                finding(Level::Fine, "config", "/etc/sippar-mon/config.toml: 14 rules, 3 channels", None),
                finding(
                    Level::Problem,
                    "schedule",
                    "/etc/cron.d/sippar-mon has no newline at its end: cron ignores it",
                    Some("echo >> /etc/cron.d/sippar-mon"),
                ),
                finding(Level::Warning, "schedule", "one\u{1b}[2Jtwo", None),
                finding(Level::Note, "clock", "not known", Some("apt install chrony")),
            ],
        }
    }

    fn terminal(ascii: bool) -> Terminal {
        Terminal { out: true, err: true, color: false, color_err: false, ascii, width: 60 }
    }

    #[test]
    fn the_screen_fits() {
        let expected = [
            "  ✓ config    /etc/sippar-mon/config.toml: 14 rules, 3",
            "              channels",
            "  ✗ schedule  /etc/cron.d/sippar-mon has no newline at its",
            "              end: cron ignores it",
            "              fix:  echo >> /etc/cron.d/sippar-mon",
            "  !           one\\u{1b}[2Jtwo",
            "  · clock     not known",
            "              fix:  apt install chrony",
            "1 problem, 1 warning",
        ];
        assert_eq!(screen(&report(), &terminal(false)).lines().collect::<Vec<_>>(), expected);
        let ascii = screen(&report(), &terminal(true));
        assert!(ascii.is_ascii() && ascii.starts_with("  [ok]   config    /etc/"), "{ascii}");
        assert!(ascii.lines().all(|line| line.len() <= 60), "{ascii}");
    }

    #[test]
    fn scripts_get_a_line_for_each() {
        assert_eq!(
            lines(&report()).lines().nth(1),
            Some(
                "problem\tschedule\t/etc/cron.d/sippar-mon has no newline at its end: cron ignores it\techo >> /etc/cron.d/sippar-mon"
            )
        );
    }
}

//! Whether cycles are done, and what starts them: cron, a timer, never both.

use std::time::Duration;

use super::Finding;
use super::crontab::{self, Line};
use super::facts::{Cycles, Facts, Starts, Unit};
use crate::text::units;
use crate::view::age::{self, is_stale};

/// What these findings are about.
pub const TOPIC: &str = "schedule";

/// The schedule.
pub fn check(facts: &Facts) -> Vec<Finding> {
    let interval = facts.config.works.as_ref().map(|works| works.interval);
    let mut found: Vec<Finding> = Vec::new();
    let mut ways: Vec<Way> = Vec::new();
    let mut faults: Vec<Finding> = Vec::new();
    for tab in &facts.starts.tabs {
        let lines = crontab::lines(tab);
        if lines.is_empty() {
            continue;
        }
        faults.extend(crontab::file_faults(tab, &facts.starts));
        for line in &lines {
            faults.extend(crontab::line_faults(tab, line, &facts.starts, interval));
            let file = tab.file.path.display().to_string();
            ways.push(Way { is_read: crontab::is_read(tab, &facts.starts), ..Way::of_cron(&file, line) });
        }
    }
    let units: Vec<&Unit> = facts.starts.units.iter().filter(|unit| is_on(unit)).collect();
    ways.extend(units.iter().map(|unit| Way {
        words: unit.name.clone(),
        stop: format!("systemctl disable --now {}", unit.name),
        is_cron: false,
        is_read: true,
    }));
    faults.extend(units.iter().flat_map(|unit| unit_faults(unit, interval)));
    // beside another way it may be that unit's, or watch something else
    ways.extend(facts.starts.server.filter(|_| ways.is_empty()).map(|process| Way {
        words: format!("sippar-mon serve --repeat (process {process})"),
        stop: format!("kill {process}"),
        is_cron: false,
        is_read: true,
    }));
    found.extend(done(facts, &ways));
    found.append(&mut faults);
    if ways.iter().any(|way| way.is_cron) && !facts.starts.cron_runs {
        let what = "no cron daemon runs, so no crontab is read";
        found.push(Finding::problem(TOPIC, what).fix("systemctl enable --now cron (not installed: apt install cron)"));
    }
    found.extend(double(&ways));
    found
}

/// One way in which cycles are started.
struct Way {
    words: String,
    stop: String,
    is_cron: bool,
    /// Not a crontab that cron refuses.
    is_read: bool,
}

impl Way {
    fn of_cron(file: &str, line: &Line<'_>) -> Self {
        let how = if line.repeats() { ", with --repeat" } else { "" };
        let (words, stop) = (format!("cron ({file}{how})"), format!("take the line out of {file}"));
        Self { words, stop, is_cron: true, is_read: true }
    }
}

fn is_on(unit: &Unit) -> bool {
    unit.is_active.unwrap_or(unit.is_enabled) || unit.is_enabled
}

/// Whether cycles are done, with who starts them.
fn done(facts: &Facts, ways: &[Way]) -> Vec<Finding> {
    let words: Vec<&str> = ways.iter().map(|way| way.words.as_str()).collect();
    let by = if words.is_empty() { String::new() } else { format!("; started by {}", words.join(" and ")) };
    let Some(cycles) = &facts.cycles else {
        return if ways.is_empty() {
            vec![nobody(&facts.starts)]
        } else {
            vec![Finding::note(TOPIC, format!("started by {}", words.join(" and ")))]
        };
    };
    let Some(last) = cycles.last else {
        let what = format!("nothing has been checked yet{by}");
        return vec![Finding::problem(TOPIC, what).fix(if ways.is_empty() {
            begin(&facts.starts)
        } else {
            "sippar-mon check".to_owned()
        })];
    };
    let interval = facts.config.works.as_ref().map(|works| works.interval);
    let is_late = interval.is_some_and(|interval| is_stale(&last, interval, facts.now));
    let took = units::duration(last.finished.since(last.started));
    if age::ahead(&last, facts.now).is_some() {
        let what = format!("{}{by}", age::silence(&last, facts.now));
        let fix = "set the clock (timedatectl), or go on with this one: sippar-mon check";
        return vec![Finding::problem(TOPIC, what).fix(fix)];
    }
    let ago = units::duration(facts.now.since(last.finished));
    let what = format!("last cycle {ago} ago, took {took}; {}{by}", in_a_day(cycles));
    if is_late {
        let late = Finding::problem(TOPIC, what);
        let again = "sippar-mon check (and: journalctl -u sippar-mon-check, or cron's mail)";
        return vec![late.fix(if ways.is_empty() { start(&facts.starts) } else { again.to_owned() })];
    }
    let mut found = vec![if cycles.missed > 0 { Finding::warning(TOPIC, what) } else { Finding::fine(TOPIC, what) }];
    if ways.is_empty() {
        found.push(unseen(&facts.starts));
    }
    found
}

fn in_a_day(cycles: &Cycles) -> String {
    let done = units::counted(usize::try_from(cycles.done).unwrap_or(usize::MAX), "cycle");
    if cycles.missed == 0 {
        format!("{done} in 24 h, none missed")
    } else {
        format!("{done} in 24 h, {} missed", cycles.missed)
    }
}

/// The way to a schedule.
fn begin(starts: &Starts) -> String {
    format!("sudo sippar-mon init --install (or add to crontab -e: {})", crontab::personal_line(starts))
}

fn start(starts: &Starts) -> String {
    if starts.saw_all_tabs { begin(starts) } else { "sudo sippar-mon doctor (it sees every crontab)".to_owned() }
}

fn nobody(starts: &Starts) -> Finding {
    if starts.saw_all_tabs {
        Finding::problem(TOPIC, "nothing starts cycles: no crontab, no timer").fix(begin(starts))
    } else {
        Finding::problem(TOPIC, "nothing that this user can see starts cycles").fix(begin(starts))
    }
}

/// Cycles are done, and it is not seen who starts them.
fn unseen(starts: &Starts) -> Finding {
    if starts.saw_all_tabs {
        let what = "no crontab and no timer starts them: somebody does by hand, or another scheduler";
        Finding::warning(TOPIC, what).fix(begin(starts))
    } else {
        Finding::note(TOPIC, "what starts them is in nothing that this user can read").fix("sudo sippar-mon doctor")
    }
}

fn double(ways: &[Way]) -> Option<Finding> {
    // what cron does not read starts nothing
    let mut works = ways.iter().filter(|way| way.is_read);
    let (first, last) = (works.next()?, works.next_back()?);
    let what = format!("cycles are started twice: by {} and by {}", first.words, last.words);
    Some(Finding::problem(TOPIC, what).fix(format!("keep one: {}", first.stop)))
}

fn unit_faults(unit: &Unit, interval: Option<Duration>) -> Vec<Finding> {
    let mut found = Vec::new();
    let Unit { name, service, is_enabled, is_active, text, .. } = unit;
    match (is_enabled, is_active) {
        (true, Some(false)) => {
            let what = format!("{name} is enabled and does not run");
            found.push(Finding::problem(TOPIC, what).fix(format!("systemctl start {name}")));
        }
        (false, Some(true)) => {
            let what = format!("{name} runs and does not begin with the system");
            found.push(Finding::warning(TOPIC, what).fix(format!("systemctl enable {name}")));
        }
        _ => {}
    }
    let is_timer = name != service;
    let has = |key: &str| text.lines().any(|line| line.trim().starts_with(key));
    let is_minutely = text.lines().rfind(|line| line.trim().starts_with("OnCalendar=")).is_some_and(|line| {
        let when = line.trim().trim_start_matches("OnCalendar=").trim();
        matches!(when, "minutely" | "*:*" | "*:*:00")
    });
    let short = interval.filter(|interval| *interval < Duration::from_mins(1));
    if let Some(interval) = short.filter(|_| is_timer && is_minutely && !text.contains("--repeat")) {
        let seconds = interval.as_secs();
        let what = format!("{name} starts one cycle a minute, and the interval is {seconds} s");
        let fix =
            format!("systemctl edit {service}: [Service] ExecStart= and then ExecStart=sippar-mon check --repeat");
        found.push(Finding::problem(TOPIC, what).fix(fix));
    }
    if is_timer && !has("AccuracySec=") {
        let what = format!("{name} has no AccuracySec, so systemd may be late by a minute");
        found.push(Finding::warning(TOPIC, what).fix(format!("systemctl edit {name}: [Timer] AccuracySec=1s")));
    }
    if is_timer && !has("SuccessExitStatus=") {
        let what = format!("{service} has no SuccessExitStatus, so systemd calls each alert a failure of the unit");
        found.push(
            Finding::warning(TOPIC, what).fix(format!("systemctl edit {service}: [Service] SuccessExitStatus=1 2 3")),
        );
    }
    found
}

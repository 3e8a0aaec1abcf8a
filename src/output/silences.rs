//! Silences for people and for scripts.

use std::fmt::Write as _;

use comfy_table::Cell;

use super::terminal::Terminal;
use crate::model::alert::Alert;
use crate::model::hold::Silence;
use crate::model::time::Time;
use crate::store::alerts::AlertId;
use crate::text::{safe, units};

/// The open alerts that it mutes, each in a line.
pub fn mutes(silence: &Silence, open: &[(AlertId, Alert)]) -> Vec<String> {
    let is_muted = |alert: &&Alert| silence.scope.covers(&alert.key, alert.number);
    let line = |alert: &Alert| {
        let number = alert.number.map_or_else(String::new, |number| format!("{number} "));
        safe::one_line(&format!("{number}{} ({})", alert.key, alert.state()))
    };
    open.iter().map(|(_, alert)| alert).filter(is_muted).map(line).collect()
}

/// What was made, and what it mutes now.
pub fn made(silence: &Silence, mutes: &[String], dry_run: bool, terminal: &Terminal) -> String {
    let Silence { number, scope, until, who, .. } = silence;
    let head = if dry_run { "dry run: would silence".to_owned() } else { format!("silence {number}:") };
    let mut out = format!("{head} {} until {until}, by {}\n", safe::one_line(&scope.to_string()), safe::answer(who));
    match mutes {
        [] => out.push_str("  no alert that is open now\n"),
        _ => out.extend(mutes.iter().map(|line| format!("  {line}\n"))),
    }
    out.push_str("  whoever was told of one is told of its end all the same\n");
    if !dry_run {
        let _ = writeln!(out, "  end it earlier: sippar-mon alert unsilence {number}");
    }
    terminal.fit(&out)
}

/// The table of silences.
pub fn table(silences: &[Silence], now: Time, terminal: &Terminal) -> String {
    if silences.is_empty() {
        return "no silences\n".to_owned();
    }
    let mut table = terminal.table(&["ID", "ALERTS", "UNTIL (UTC)", "BY", "WHY"]);
    for Silence { number, scope, until, who, why, .. } in silences {
        let ends = format!("{}, in {}", until.short_beside(now), units::duration(until.since(now)));
        table.add_row([
            Cell::new(number),
            Cell::new(safe::one_line(&scope.to_string())),
            Cell::new(ends),
            Cell::new(safe::answer(who)),
            Cell::new(safe::answer(why)),
        ]);
    }
    terminal.fit(&format!("{table}\n"))
}

/// Lines for scripts: number, alerts, since, until, by, why.
pub fn lines(silences: &[Silence]) -> String {
    let mut out = String::new();
    for Silence { number, scope, from, until, who, why } in silences {
        let scope = safe::one_line(&scope.to_string());
        let _ = writeln!(out, "{number}\t{scope}\t{from}\t{until}\t{}\t{}", safe::answer(who), safe::answer(why));
    }
    out
}

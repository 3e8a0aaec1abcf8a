//! `status --from` for people, scripts and Nagios: a line for each machine.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment};

use super::status::badge_of;
use super::terminal::Terminal;
use crate::model::metric::Unit;
use crate::text::{safe, units};
use crate::view::dashboard::state_word;
use crate::view::elsewhere::{Row, Said, ago, worst};

/// The screen.
pub fn screen(rows: &[Row], terminal: &Terminal) -> String {
    let mut table = terminal.table(&["STATE", "SYSTEM", "MACHINE", "RESERVES", "FIRING", "CHECKED", ""]);
    for row in rows {
        let said = row.said.as_ref().ok();
        let text = |value: Option<String>| Cell::new(value.unwrap_or_else(|| "-".to_owned()));
        let right = |cell: Cell| cell.set_alignment(CellAlignment::Right);
        table.add_row([
            terminal.cell(badge_of(row.state)),
            text(said.map(|said| said.name.clone())),
            text(Some(said.map_or_else(|| safe::one_line(&row.url), |said| said.host.clone()))),
            right(text(said.and_then(reserves))),
            right(text(said.map(|said| said.firing.to_string()))),
            text(said.and_then(|said| said.age).map(|age| format!("{} ago", ago(age)))),
            Cell::new(row.remark()),
        ]);
    }
    terminal.fit(&format!("{table}\n"))
}

fn reserves(said: &Said) -> Option<String> {
    said.ratio.map(|ratio| units::value(ratio, Unit::Ratio)).or_else(|| said.backing.clone())
}

/// Lines for scripts: state, address, system, machine, reserve ratio, alerts that fire, age in seconds, remark; separated by
/// tabs.
pub fn lines(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let said = row.said.as_ref().ok();
        let word = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let fields = [
            state_word(row.state).to_owned(),
            safe::one_line(&row.url),
            word(said.map(|said| said.name.as_str())),
            word(said.map(|said| said.host.as_str())),
            number(said.and_then(|said| said.ratio)),
            said.map(|said| said.firing.to_string()).unwrap_or_default(),
            number(said.and_then(|said| said.age)),
            row.remark(),
        ];
        let _ = writeln!(out, "{}", fields.join("\t"));
    }
    out
}

/// One line for Nagios.
pub fn nagios(rows: &[Row]) -> String {
    let word = match worst(rows).exit() {
        0 => "OK",
        1 => "WARNING",
        2 => "CRITICAL",
        _ => "UNKNOWN",
    };
    let one = |row: &Row| {
        let name = row.said.as_ref().map_or(&row.url, |said| &said.host);
        format!("{} {}", safe::one_line(name), state_word(row.state))
    };
    let machines: Vec<String> = rows.iter().map(one).collect();
    // a bar would begin the performance data
    format!("SIPPAR {word} - {}\n", machines.join(", ").replace('|', "/"))
}

//! `db check` for people and programs.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{Cell, CellAlignment};
use serde::Serialize;

use super::terminal::{Badge, Terminal};
use crate::model::metric::Unit;
use crate::model::time::Time;
use crate::store::examine::{Examined, SeriesSize, TableSize};
use crate::text::{safe, units};

/// Series that the screen shows; the document has all.
const SERIES: usize = 10;

/// `db check --json`.
#[derive(Serialize)]
pub struct Document<'a> {
    file: String,
    sound: bool,
    findings: &'a [String],
    format: usize,
    bytes: u64,
    log_bytes: u64,
    /// The tick of the newest cycle.
    tick: Option<String>,
    tables: Vec<Taken<'a>>,
    series: Vec<Taken<'a>>,
}

/// What one thing takes.
#[derive(Serialize)]
struct Taken<'a> {
    name: &'a str,
    rows: u64,
    bytes: u64,
}

impl<'a> Document<'a> {
    /// The document about the database at `path`.
    pub fn new(path: &Path, found: &'a Examined) -> Self {
        let Examined { format, bytes, log_bytes, tick, findings, tables, series } = found;
        let table = |TableSize { name, rows, bytes }: &'a TableSize| Taken { name, rows: *rows, bytes: *bytes };
        let one = |SeriesSize { series, samples, bytes }: &'a SeriesSize| Taken {
            name: series,
            rows: *samples,
            bytes: *bytes,
        };
        Self {
            file: path.display().to_string(),
            sound: findings.is_empty(),
            findings,
            format: *format,
            bytes: *bytes,
            log_bytes: *log_bytes,
            tick: tick.map(Time::rfc3339),
            tables: tables.iter().map(table).collect(),
            series: series.iter().map(one).collect(),
        }
    }
}

/// The findings, a line for each; nothing of a sound database.
pub fn lines(found: &Examined) -> String {
    let mut out = String::new();
    for finding in &found.findings {
        out.push_str(&safe::one_line(finding));
        out.push('\n');
    }
    out
}

/// The screen: the verdict, what is wrong, what takes how much.
pub fn screen(path: &Path, found: &Examined, terminal: &Terminal) -> String {
    let badge = if found.findings.is_empty() { Badge::OK } else { Badge::DAMAGED };
    let tick = found.tick.map(|tick| format!(", up to the tick {tick}")).unwrap_or_default();
    let file = safe::one_line(&path.display().to_string());
    let size = size(found.bytes + found.log_bytes);
    let mut out = format!("{}  {file}: {size}, format {}{tick}\n", terminal.badge(badge), found.format);
    for finding in &found.findings {
        let _ = writeln!(out, "  {}", safe::one_line(finding));
    }
    if !found.findings.is_empty() {
        out.push_str("  restore a backup with: sippar-mon db restore FILE (this file is kept beside it)\n");
    }
    let rows = found.tables.iter().map(|table| (table.name.as_str(), table.rows, table.bytes));
    out.push_str(&table(["TABLE", "ROWS", "SIZE"], rows, terminal));
    let rows = found.series.iter().take(SERIES).map(|one| (one.series.as_str(), one.samples, one.bytes));
    out.push_str(&table(["SERIES", "SAMPLES", "SIZE"], rows, terminal));
    if let Some(more) = found.series.len().checked_sub(SERIES).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {more} more series; --json lists all");
    }
    terminal.fit(&out)
}

fn table<'a>(head: [&str; 3], rows: impl Iterator<Item = (&'a str, u64, u64)>, terminal: &Terminal) -> String {
    let mut table = terminal.table(&head);
    for (name, rows, bytes) in rows {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([Cell::new(safe::one_line(name)), right(rows.to_string()), right(size(bytes))]);
    }
    if table.row_count() == 0 { String::new() } else { format!("\n{table}\n") }
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    units::value(bytes as f64, Unit::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(findings: &[&str]) -> Examined {
        let series = |at: u64| SeriesSize { series: format!("m{{\"n\":\"{at}\"}}"), samples: 20 - at, bytes: 200 - at };
        Examined {
            format: 1,
            bytes: 8192,
            log_bytes: 4096,
            tick: Some(Time::from_millis(1_795_424_400_000)),
            findings: findings.iter().map(|&finding| finding.to_owned()).collect(),
            tables: vec![
                TableSize { name: "sample".to_owned(), rows: 1200, bytes: 8192 },
                TableSize { name: "note".to_owned(), rows: 0, bytes: 4096 },
            ],
            series: (0..12).map(series).collect(),
        }
    }

    fn terminal() -> Terminal {
        Terminal { out: true, err: true, color: false, color_err: false, ascii: true, width: 80 }
    }

    #[test]
    fn the_screen_says_what_is_wrong_before_what_is_large() {
        let text = screen(Path::new("state.db"), &found(&["samples that belong to no series: 1"]), &terminal());
        let head: Vec<&str> = text.lines().take(7).map(str::trim_end).collect();
        assert_eq!(
            head,
            [
                "[DAMAGED]  state.db: 12 KiB, format 1, up to the tick 2026-11-23T09:00:00Z",
                "  samples that belong to no series: 1",
                "  restore a backup with: sippar-mon db restore FILE (this file is kept beside it)",
                "",
                " TABLE   ROWS  SIZE",
                " sample  1200  8 KiB",
                " note       0  4 KiB",
            ]
        );
        assert!(text.ends_with("and 2 more series; --json lists all\n"), "{text}");
    }

    #[test]
    fn scripts_see_only_what_is_wrong() {
        assert_eq!(lines(&found(&[])), "");
        assert_eq!(lines(&found(&["a\nb", "c"])), "a b\nc\n");
    }

    #[test]
    fn the_document_has_every_series() {
        let found = found(&[]);
        let json = serde_json::to_value(Document::new(Path::new("state.db"), &found)).unwrap();
        assert_eq!((json["sound"].as_bool(), json["tick"].as_str()), (Some(true), Some("2026-11-23T09:00:00Z")));
        assert_eq!(json["series"].as_array().unwrap().len(), 12);
        assert_eq!(json["tables"][0], serde_json::json!({ "name": "sample", "rows": 1200, "bytes": 8192 }));
    }
}

//! A chart in words and as a table: for those who do not see it, and for those who want to know it exactly.

use std::fmt::Write as _;
use std::time::Duration;

use maud::{Markup, html};

use super::{class, time};
use crate::text::units;
use crate::view::page::chart::Chart;
use crate::view::page::course::{Cell, Hole, Peak};

/// Holes that a sentence names.
const HOLES: usize = 3;

/// What there is to see, in a sentence.
pub fn sentence(chart: &Chart) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (chart.now, chart.course.last) {
        (Some(now), _) => parts.push(format!("now {}", chart.text(now))),
        (None, Some(last)) => parts.push(format!("last {}", peak(chart, last))),
        (None, None) => parts.push("no data".to_owned()),
    }
    if let (Some(lowest), Some(highest)) = (chart.course.lowest, chart.course.highest) {
        parts.push(format!("lowest {}", peak(chart, lowest)));
        parts.push(format!("highest {}", peak(chart, highest)));
    }
    if let Some(limit) = chart.limits.first().filter(|_| !chart.course.beyond.is_zero()) {
        parts.push(format!("{} for {}", chart.limit_text(limit), units::duration(chart.course.beyond)));
    }
    let mut sentence = format!("{}, {}: {}", chart.title, chart.span.words(), parts.join(", "));
    let holes = &chart.course.holes;
    for hole in holes.iter().take(HOLES) {
        let _ = write!(sentence, "; {} {}", hole.why.missing(), hole_words(hole));
    }
    if holes.len() > HOLES {
        let _ = write!(sentence, " and {} more times", holes.len() - HOLES);
    }
    sentence.push('.');
    sentence
}

fn peak(chart: &Chart, peak: Peak) -> String {
    format!("{} at {} UTC", chart.text(peak.value), peak.at.short())
}

fn hole_words(hole: &Hole) -> String {
    format!("{} to {} UTC, {}", hole.from.short(), hole.to.short(), hole.why.words())
}

/// A row of the table.
enum Row<'a> {
    Cell(&'a Cell),
    Hole(&'a Hole),
}

/// The numbers as a table of at most about `most` rows, newest first.
pub fn table(chart: &Chart, most: usize) -> Markup {
    let cells: Vec<Cell> = fewer(chart, most);
    let each = chart.course.each.max(chart.course.bucket.unwrap_or_default());
    let is_put_together = cells.iter().any(|cell| cell.count > 1);
    let mut rows: Vec<(crate::model::time::Time, Row<'_>)> =
        cells.iter().map(|cell| (cell.at, Row::Cell(cell))).collect();
    rows.extend(chart.course.holes.iter().map(|hole| (hole.from, Row::Hole(hole))));
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    html! {
        table class="numbers" {
            caption {
                (chart.title) ", " (chart.span.words())
                @if is_put_together { ", several values a row" } @else { ", a value each " (units::duration(each)) }
            }
            thead { tr {
                th scope="col" { "Time (UTC)" }
                @if is_put_together {
                    th scope="col" { "Lowest" } th scope="col" { "Mean" } th scope="col" { "Highest" } th scope="col" { "Values" }
                } @else { th scope="col" { "Value" } }
            } }
            tbody { @for (at, row) in &rows { tr {
                th scope="row" { (time(*at, "dhm")) }
                @match row {
                    Row::Cell(cell) if is_put_together => {
                        td { (beyond(chart, cell.low)) } td { (chart.text(cell.mean)) } td { (beyond(chart, cell.high)) }
                        td { (cell.count) }
                    }
                    Row::Cell(cell) => { td { (beyond(chart, cell.mean)) } }
                    Row::Hole(hole) => {
                        td class="gap" colspan=(if is_put_together { 4 } else { 1 }) {
                            (hole.why.missing()) " for " (units::duration(hole.to.since(hole.from))) ", " (hole.why.words())
                        }
                    }
                }
            } } }
        }
    }
}

/// A value, with a word where it is beyond a limit: not by its colour alone.
fn beyond(chart: &Chart, value: f64) -> Markup {
    let worst = chart.limits.iter().rev().find(|limit| limit.is_beyond(value));
    html! {
        (chart.text(value))
        @if let Some(limit) = worst { " " span class={ "tag " (class(limit.severity)) } { (limit.severity) } }
    }
}

/// The cells, put together until there are no more than `most`.
fn fewer(chart: &Chart, most: usize) -> Vec<Cell> {
    let count = chart.course.cells().count();
    let together = count.div_ceil(most.max(1)).max(1);
    let merge = |cells: &[Cell]| {
        let (first, last) = (cells.first()?, cells.last()?);
        let weight: f64 = cells.iter().map(|cell| f64::from(cell.count)).sum();
        // each by its share: the sum of large numbers is none
        let mean = cells.iter().map(|cell| cell.mean * (f64::from(cell.count) / weight.max(1.0))).sum();
        let middle: Duration = last.at.since(first.at) / 2;
        Some(Cell {
            at: first.at + middle,
            low: cells.iter().map(|cell| cell.low).fold(f64::INFINITY, f64::min),
            high: cells.iter().map(|cell| cell.high).fold(f64::NEG_INFINITY, f64::max),
            mean,
            count: cells.iter().map(|cell| cell.count).sum(),
        })
    };
    chart.course.runs.iter().flat_map(|run| run.chunks(together)).filter_map(merge).collect()
}

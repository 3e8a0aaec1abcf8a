//! What was imported, for people and for programs.

use std::time::Duration;

use serde::Serialize;

use crate::import::{Import, Series, TimeForm};
use crate::model::time::Time;
use crate::text::units;

/// `db import --json`.
#[derive(Serialize)]
pub(super) struct Document {
    samples: u64,
    series: u64,
    first: Option<String>,
    last: Option<String>,
    /// The shortest and the longest time between two measurements of a series.
    every_seconds: [f64; 2],
    gaps: u64,
    longest_gap_seconds: f64,
    format: &'static str,
    times: Option<&'static str>,
    lines_without_value: u64,
    samples_replaced: u64,
    lines_skipped: u64,
}

/// What all series have in common.
struct Sums {
    samples: u64,
    span: Option<(Time, Time)>,
    every: (Duration, Duration),
    gaps: u64,
    longest_gap: Duration,
}

impl Sums {
    fn of(series: &[Series]) -> Self {
        let ticks =
            || series.iter().flat_map(|one| [one.points.first(), one.points.last()]).flatten().map(|(at, _)| *at);
        let every = || series.iter().map(|one| one.every);
        Self {
            samples: series.iter().map(|one| one.points.len() as u64).sum(),
            span: ticks().min().zip(ticks().max()),
            every: (every().min().unwrap_or_default(), every().max().unwrap_or_default()),
            gaps: series.iter().map(|one| one.gaps).sum(),
            longest_gap: series.iter().map(|one| one.longest_gap).max().unwrap_or_default(),
        }
    }
}

/// The document.
pub(super) fn document(found: &Import) -> Document {
    let sums = Sums::of(&found.series);
    Document {
        samples: sums.samples,
        series: found.series.len() as u64,
        first: sums.span.map(|(first, _)| first.rfc3339()),
        last: sums.span.map(|(_, last)| last.rfc3339()),
        every_seconds: [sums.every.0.as_secs_f64(), sums.every.1.as_secs_f64()],
        gaps: sums.gaps,
        longest_gap_seconds: sums.longest_gap.as_secs_f64(),
        format: format(found),
        times: found.times.map(TimeForm::name),
        lines_without_value: found.empty,
        samples_replaced: found.replaced,
        lines_skipped: found.bad_count,
    }
}

const fn format(found: &Import) -> &'static str {
    if found.is_csv { "CSV" } else { "Prometheus text" }
}

/// The lines: what there is now, and how it was read.
pub(super) fn lines(found: &Import) -> String {
    let sums = Sums::of(&found.series);
    let samples = counted(sums.samples, "sample", "samples");
    let series = counted(found.series.len() as u64, "series", "series");
    let span = sums.span.map_or_else(String::new, |(first, last)| format!(", {} to {}", first.minute(), last.minute()));
    let (shortest, longest) = sums.every;
    let every = match units::duration_literal(shortest) {
        every if shortest == longest => every,
        every => format!("{every} to {}", units::duration_literal(longest)),
    };
    let gaps = match sums.gaps {
        0 => "no gaps".to_owned(),
        gaps => format!("{}, longest {}", counted(gaps, "gap", "gaps"), units::duration(sums.longest_gap)),
    };
    format!("{samples} of {series}{span}, every {every} ({gaps})\nread as {}\n", reading(found, sums.samples))
}

/// How the file was read, and what of it was not.
fn reading(found: &Import, samples: u64) -> String {
    let times = found.times.map_or_else(String::new, |times| format!(" with times as {}", times.name()));
    let mut parts = vec![format!("{}{times}", format(found))];
    let mut note = |count: u64, one: &str, many: &str, words: &str| {
        if count > 0 {
            parts.push(format!("{} {words}", counted(count, one, many)));
        }
    };
    note(found.empty, "line", "lines", "without a value");
    note(found.bad_count, "line", "lines", "left out");
    // where many did, two series are most likely read as one
    let hint = found.is_csv && found.replaced > samples / 10;
    let hint = if hint { "; is there a --label-column that tells series apart?" } else { "" };
    note(found.replaced, "sample", "samples", &format!("gave way to a later one of the same tick{hint}"));
    parts.join(", ")
}

/// `1 line`, `5,760 lines`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", units::count(count), if count == 1 { one } else { many })
}

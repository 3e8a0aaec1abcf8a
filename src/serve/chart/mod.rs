//! Charts as SVG, drawn here and not in the browser: they need no script, print well, and break no content policy.
//!
//! The outer `svg` has no `viewBox`, so that its text keeps its size at any width; shapes are on a plane inside it that is
//! stretched, with lines that are not.

mod axis;
mod path;
mod scale;
#[cfg(test)]
mod tests;
pub mod words;

use maud::{Markup, html};

use self::axis::{Form, Label};
use self::path::{HEIGHT, Plane, WIDTH, picked};
use self::scale::{Scale, tick_text};
use crate::model::severity::Severity;
use crate::model::time::{Time, millis_of};
use crate::text::units;
use crate::view::page::chart::{Chart, Mark};
use crate::view::page::course::Why;
use crate::view::page::limits::Limit;

/// How large a chart is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// Beside the state.
    Hero,
    /// One of many.
    Card,
    /// Alone on its page.
    Wide,
}

impl Size {
    /// Its class, which gives it its height.
    const fn class(self) -> &'static str {
        match self {
            Self::Hero => "plot hero-plot",
            Self::Card => "plot",
            Self::Wide => "plot wide-plot",
        }
    }

    /// Pixels from top to bottom, as the style sheet has it; only for keeping labels apart.
    const fn pixels(self) -> f64 {
        match self {
            Self::Hero => 196.0,
            Self::Card => 96.0,
            Self::Wide => 280.0,
        }
    }

    /// Labels of the axis of time.
    const fn times(self) -> u64 {
        match self {
            Self::Hero => 9,
            Self::Card => 5,
            Self::Wide => 13,
        }
    }

    /// Round numbers on the axis of values.
    const fn values(self) -> u32 {
        match self {
            Self::Hero => 6,
            Self::Card => 4,
            Self::Wide => 8,
        }
    }
}

/// Pixels between two labels of limits.
const APART: f64 = 13.0;

/// What the pattern of a hole is called; it stands once in a document.
pub const PATTERN: &str = "hatch";

/// The pattern that holes are filled with.
pub fn patterns() -> Markup {
    html! {
        svg class="defs" width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern id=(PATTERN) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect class="hatch-ground" width="6" height="6" {}
                    rect class="hatch-line" width="1.5" height="6" {}
                }
            }
        }
    }
}

/// The picture of a chart.
pub fn plot(chart: &Chart, size: Size) -> Markup {
    let scale = Scale::of(chart, size.values());
    let labels = axis::labels(chart.span, size.times());
    html! {
        div class=(size.class()) {
            svg class="chart" id=(chart.id()) role="img" tabindex="0" aria-label=(words::sentence(chart)) {
                (grid(chart, &scale))
                (holes(chart))
                (plane(chart, &scale))
                (limit_labels(chart, &scale, size))
                (times(chart, &labels))
                @for mark in &chart.marks { (alert_mark(chart, mark)) }
                @if chart.course.lowest.is_none() {
                    text class="nothing" x="50%" y="50%" text-anchor="middle" { (nothing(chart)) }
                }
                g class="cursor" aria-hidden="true" {
                    line class="cursor-line" y1="0" y2="100%" {}
                    circle class="cursor-dot" r="4" {}
                }
            }
        }
    }
}

/// Why there is no line at all.
fn nothing(chart: &Chart) -> String {
    match (&chart.trouble, chart.course.last) {
        (Some(trouble), _) => trouble.clone(),
        (None, Some(last)) => format!("measured as {}, which cannot be drawn", chart.text(last.value)),
        (None, None) => "no data in this time".to_owned(),
    }
}

fn grid(chart: &Chart, scale: &Scale) -> Markup {
    html! {
        g class="grid" aria-hidden="true" {
            @for tick in &scale.ticks {
                @let y = percent(1.0 - scale.place(*tick));
                line x1="0" x2="100%" y1=(y) y2=(y) {}
                text x="0" dx="-8" y=(y) dy="4" text-anchor="end" { (tick_text(*tick, chart.unit)) }
            }
        }
    }
}

fn holes(chart: &Chart) -> Markup {
    let part = |at: Time| {
        let span = chart.span;
        (at.millis() - span.from.millis()) as f64 / millis_of(span.length()).max(1) as f64
    };
    html! {
        @for hole in &chart.course.holes {
            @let (from, to) = (part(hole.from).clamp(0.0, 1.0), part(hole.to).clamp(0.0, 1.0));
            // what was never measured is no gap in what was
            @let (class, fill) = if hole.why == Why::Before { ("hole before", None) } else { ("hole", Some(format!("url(#{PATTERN})"))) };
            rect class=(class) x=(percent(from)) width=(percent((to - from).max(0.001))) y="0" height="100%" fill=[fill] {
                title { (hole.why.missing()) ", " (hole.why.words()) ": " (hole.from.short()) " to " (hole.to.short()) " UTC" }
            }
        }
    }
}

fn plane(chart: &Chart, scale: &Scale) -> Markup {
    let plane = Plane::new(chart, scale);
    let band = plane.band();
    let drawn = || chart.limits.iter().filter(|limit| scale.has(limit.value));
    html! {
        svg class="plane" width="100%" height="100%" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none"
            aria-hidden="true" focusable="false" {
            @if !band.is_empty() { path class="band" d=(band) {} }
            @for limit in drawn() {
                @let area = plane.breach(limit);
                @if !area.is_empty() { path class={ "breach " (class(limit.severity)) } d=(area) {} }
            }
            @for limit in drawn() {
                @let y = plane.level(limit);
                path class={ "limit " (class(limit.severity)) } d={ "M0 " (y) "H" (WIDTH) } {}
            }
            path class="line" d=(plane.line()) {}
        }
    }
}

/// The numbers of the limits in the right margin, kept apart; one beyond the picture has an arrow.
fn limit_labels(chart: &Chart, scale: &Scale, size: Size) -> Markup {
    let mut labels: Vec<(f64, String, &Limit)> = Vec::new();
    for limit in &chart.limits {
        let text = units::value(limit.value, chart.unit);
        let place = 1.0 - scale.place(limit.value);
        let (place, text) = match place {
            _ if scale.has(limit.value) => (place, text),
            p if p < 0.0 => (0.0, format!("↑ {text}")),
            _ => (1.0, format!("↓ {text}")),
        };
        // of several beyond the edge the nearest one says enough
        let is_at_edge = !scale.has(limit.value);
        if !(is_at_edge && labels.iter().any(|(have, ..)| (have - place).abs() < 1e-9)) {
            labels.push((place, text, limit));
        }
    }
    labels.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut below = f64::NEG_INFINITY;
    for (place, ..) in &mut labels {
        let pixels = (*place * size.pixels()).max(below + APART);
        below = pixels;
        *place = pixels / size.pixels();
    }
    html! {
        g class="limits" aria-hidden="true" {
            @for (place, text, limit) in &labels {
                text class={ "limit-text " (class(limit.severity)) } x="100%" dx="8" y=(percent(*place)) dy="4" { (text) }
            }
        }
    }
}

fn times(chart: &Chart, labels: &[Label]) -> Markup {
    let part = |at: Time| {
        let span = chart.span;
        (at.millis() - span.from.millis()) as f64 / millis_of(span.length()).max(1) as f64
    };
    html! {
        g class="times" aria-hidden="true" {
            @for (at, label) in labels.iter().enumerate() {
                @let x = part(label.at);
                @let anchor = if x > 0.96 { "end" } else if x < 0.04 { "start" } else { "middle" };
                text class=(if at % 2 == 1 { "odd" } else { "even" }) x=(percent(x)) y="100%" dy="17" text-anchor=(anchor)
                    data-t=(label.at.millis()) data-f=(label.form.word()) { (label.text) }
            }
        }
    }
}

/// The beginning or the end of an alert on the axis of time.
fn alert_mark(chart: &Chart, mark: &Mark) -> Markup {
    let span = chart.span;
    let x = (mark.at.millis() - span.from.millis()) as f64 / millis_of(span.length()).max(1) as f64;
    let (sign, word) = if mark.begins { ("▲", "fired") } else { ("△", "ended") };
    html! {
        text class={ "mark " (class(mark.severity)) } x=(percent(x)) y="100%" dy="-1" text-anchor="middle" {
            title {
                "alert " @if let Some(number) = mark.number { (number) } " " (word) " " (mark.at.short()) " UTC ("
                (mark.severity) ")"
            }
            (sign)
        }
    }
}

/// The numbers behind the line, for whoever points at it: seconds since the span began, and what is drawn.
pub fn numbers(chart: &Chart) -> serde_json::Value {
    let seconds = |at: Time| (at.millis() - chart.span.from.millis()) / 1000;
    let mut last = 0;
    let steps: Vec<i64> =
        chart.course.cells().map(|cell| seconds(cell.at) - std::mem::replace(&mut last, seconds(cell.at))).collect();
    let values: Vec<f64> = chart.course.cells().map(|cell| shortened(picked(cell, chart.pick))).collect();
    let scale = |size: Size| {
        let scale = Scale::of(chart, size.values());
        [scale.low, scale.high]
    };
    let size = if chart.is_backing() { Size::Hero } else { Size::Card };
    let bucket = chart.course.bucket.map(|bucket| format!("{} of {}", chart.pick.word(), units::duration(bucket)));
    serde_json::json!({
        "id": chart.id(),
        "from": chart.span.from.millis(),
        "to": chart.span.to.millis(),
        "unit": chart.unit,
        "down": chart.is_backing(),
        "of": bucket,
        "scale": scale(size),
        "each": millis_of(chart.course.each.max(chart.course.bucket.unwrap_or_default())),
        "steps": steps,
        "values": values,
    })
}

/// A value with as many digits as a reader of a chart can use; never rounded across what it stands for in full.
fn shortened(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// The class of a severity.
pub const fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// A part of one as SVG has it.
fn percent(part: f64) -> String {
    let part = if part.is_finite() { part } else { 0.0 };
    let text = format!("{:.2}", part * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An instant that is written anew where another zone is wanted.
pub fn time(at: Time, form: &'static str) -> Markup {
    let text = match form {
        "hm" => axis::text(at, Form::Minute),
        "hms" => axis::text(at, Form::Second),
        "d" => axis::text(at, Form::Day),
        "dhms" => format!("{} {}", axis::text(at, Form::Day), axis::text(at, Form::Second)),
        "full" => at.minute(),
        _ => at.short(),
    };
    html! { time datetime=(at.rfc3339()) data-t=(at.millis()) data-f=(form) { (text) } }
}

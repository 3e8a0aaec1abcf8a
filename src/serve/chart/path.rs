//! The shapes of a chart as SVG paths, in whole numbers on a plane of [`WIDTH`] by [`HEIGHT`].

use std::fmt::Write as _;

use super::scale::Scale;
use crate::model::time::millis_of;
use crate::view::page::chart::{Chart, Pick};
use crate::view::page::course::Cell;
use crate::view::page::limits::Limit;

/// Units of the plane from left to right.
pub const WIDTH: i64 = 10_000;
/// Units of the plane from top to bottom.
pub const HEIGHT: i64 = 1_000;

/// A point of the plane.
pub type Point = (i64, i64);

/// What values and instants are on the plane.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    chart: &'a Chart,
    scale: &'a Scale,
}

impl<'a> Plane<'a> {
    /// The plane of a chart.
    pub fn new(chart: &'a Chart, scale: &'a Scale) -> Self {
        Self { chart, scale }
    }

    /// An instant, as a part of the span.
    fn part(self, at: crate::model::time::Time) -> f64 {
        let span = self.chart.span;
        (at.millis() - span.from.millis()) as f64 / millis_of(span.length()).max(1) as f64
    }

    fn x(self, cell: &Cell) -> i64 {
        whole(self.part(cell.at) * WIDTH as f64, WIDTH)
    }

    fn y(self, value: f64) -> i64 {
        whole((1.0 - self.scale.place(value)) * HEIGHT as f64, HEIGHT)
    }

    /// What is drawn of a cell.
    fn picked(self, cell: &Cell) -> f64 {
        picked(cell, self.chart.pick)
    }

    /// The line: a sub-path for each run.
    pub fn line(self) -> String {
        let mut path = String::new();
        for run in &self.chart.course.runs {
            let points: Vec<Point> = run.iter().map(|cell| (self.x(cell), self.y(self.picked(cell)))).collect();
            draw(&mut path, &points);
        }
        path
    }

    /// The area from the lowest to the highest value of each bucket; empty where nothing was put together.
    pub fn band(self) -> String {
        let mut path = String::new();
        if self.chart.course.bucket.is_none() {
            return path;
        }
        for run in &self.chart.course.runs {
            let highs = run.iter().map(|cell| (self.x(cell), self.y(cell.high)));
            let lows = run.iter().rev().map(|cell| (self.x(cell), self.y(cell.low)));
            close(&mut path, &highs.chain(lows).collect::<Vec<_>>());
        }
        path
    }

    /// The areas between the line and a limit, where the line is beyond it.
    pub fn breach(self, limit: &Limit) -> String {
        let mut path = String::new();
        let level = self.y(limit.value);
        for run in &self.chart.course.runs {
            let mut area: Vec<Point> = Vec::new();
            let mut before: Option<(Point, bool)> = None;
            for cell in run {
                let value = self.picked(cell);
                let (point, is_beyond) = ((self.x(cell), self.y(value)), limit.is_beyond(value));
                if let Some((last, was_beyond)) = before
                    && was_beyond != is_beyond
                {
                    area.push((crossing(last, point, level), level));
                }
                if is_beyond {
                    if area.is_empty() {
                        area.push((point.0, level));
                    }
                    area.push(point);
                } else {
                    finish(&mut path, &mut area, level);
                }
                before = Some((point, is_beyond));
            }
            finish(&mut path, &mut area, level);
        }
        path
    }

    /// The height of a limit.
    pub fn level(self, limit: &Limit) -> i64 {
        self.y(limit.value)
    }
}

/// What is drawn of a cell.
pub fn picked(cell: &Cell, pick: Pick) -> f64 {
    match pick {
        Pick::Lowest => cell.low,
        Pick::Highest => cell.high,
        Pick::Mean => cell.mean,
    }
}

/// A whole number from a little below 0 to a little above `most`; what is not finite is 0.
#[allow(clippy::cast_possible_truncation, reason = "clamped to the plane before")]
fn whole(value: f64, most: i64) -> i64 {
    let room = most as f64;
    if value.is_finite() { value.clamp(-room, 2.0 * room).round() as i64 } else { 0 }
}

/// Where the line from one point to the next is at `level`.
#[allow(clippy::cast_possible_truncation, reason = "between two points of the plane")]
fn crossing(one: Point, other: Point, level: i64) -> i64 {
    let rise = other.1 - one.1;
    if rise == 0 {
        return other.0;
    }
    let part = ((level - one.1) as f64 / rise as f64).clamp(0.0, 1.0);
    one.0 + ((other.0 - one.0) as f64 * part).round() as i64
}

/// Closes an area back to the limit.
fn finish(path: &mut String, area: &mut Vec<Point>, level: i64) {
    if let Some(last) = area.last().copied() {
        area.push((last.0, level));
        close(path, area);
    }
    area.clear();
}

/// A sub-path through these points. What lies on a straight level between two others is left out.
fn draw(path: &mut String, points: &[Point]) {
    let Some(first) = points.first() else { return };
    let _ = write!(path, "M{} {}", first.0, first.1);
    let mut last = *first;
    for (at, point) in points.iter().enumerate().skip(1) {
        let is_level = point.1 == last.1 && points.get(at + 1).is_some_and(|next| next.1 == point.1);
        if !is_level {
            let _ = write!(path, "l{} {}", point.0 - last.0, point.1 - last.1);
            last = *point;
        }
    }
    if points.len() == 1 {
        // a lone value is a dot, which the round end of a line draws
        path.push_str("h1");
    }
}

/// The same, closed.
fn close(path: &mut String, points: &[Point]) {
    if points.len() > 1 {
        draw(path, points);
        path.push('z');
    }
}

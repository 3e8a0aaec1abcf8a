//! A small picture of a series on one line.

use crate::model::reading::{Datum, Point};
use crate::model::time::Time;

/// Eight heights for UTF-8 terminals.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same for terminals that only know ASCII.
const ASCII: [char; 8] = ['_', '_', '.', '.', '-', '-', '=', '#'];

/// One character per value, scaled between `low` and `high`; a blank for what was not measured.
pub fn sparkline(values: &[Option<f64>], low: f64, high: f64, ascii: bool) -> String {
    let glyphs = if ascii { ASCII } else { BLOCKS };
    let span = high - low;
    values
        .iter()
        .map(|value| match value {
            Some(value) if value.is_finite() => {
                let part = if span > 0.0 { ((value - low) / span).clamp(0.0, 1.0) } else { 0.0 };
                // seven steps above the lowest glyph; the clamp keeps the index in range
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=7 above")]
                glyphs[(part * 7.0).round() as usize]
            }
            _ => ' ',
        })
        .collect()
}

/// One value for each of `buckets` equal parts of `[from, to)`: the newest of the part, `None` where nothing was measured.
pub fn buckets(points: &[Point], from: Time, to: Time, buckets: usize) -> Vec<Option<f64>> {
    let mut out = vec![None; buckets];
    let span = to.since(from).as_secs_f64();
    for point in points.iter().filter(|point| point.tick >= from && point.tick < to) {
        let part = point.tick.since(from).as_secs_f64() / span;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of one times a small count")]
        let at = (part * buckets as f64) as usize;
        if let (Some(slot), Datum::Value(value)) = (out.get_mut(at), point.datum) {
            *slot = Some(value);
        }
    }
    out
}

/// The same picture between the lowest and the highest of the values.
pub fn scaled(values: &[Option<f64>], ascii: bool) -> String {
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    sparkline(values, low, high, ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_and_leaves_gaps() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(0.5), Some(2.0)], 0.0, 1.0, false), "▁ ▅█");
        assert_eq!(sparkline(&[Some(3.0), Some(f64::NAN)], 3.0, 3.0, true), "_ ");
    }

    #[test]
    fn a_bucket_keeps_its_newest_value_and_a_gap_stays_a_gap() {
        let at = |seconds: i64| Time::from_millis(seconds * 1000);
        let point = |seconds, value| Point { tick: at(seconds), datum: Datum::Value(value) };
        let points = [point(0, 1.0), point(5, 2.0), Point { tick: at(12), datum: Datum::Unknown }, point(29, 3.0)];
        assert_eq!(buckets(&points, at(0), at(30), 3), [Some(2.0), None, Some(3.0)]);
    }
}

//! A small picture of a series on one line.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_and_leaves_gaps() {
        assert_eq!(sparkline(&[Some(0.0), None, Some(0.5), Some(2.0)], 0.0, 1.0, false), "▁ ▅█");
        assert_eq!(sparkline(&[Some(3.0), Some(f64::NAN)], 3.0, 3.0, true), "_ ");
    }
}

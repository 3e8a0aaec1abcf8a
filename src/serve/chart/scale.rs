//! The value axis of a chart: where it begins and ends, its round numbers, and which limits are within it.

use crate::model::metric::Unit;
use crate::rules::Worse;
use crate::text::units;
use crate::view::page::chart::Chart;
use crate::view::page::limits::Limit;

/// Steps of an axis of seconds beyond a minute.
const TIMES: [f64; 16] = [
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1800.0,
    3600.0,
    7200.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    2_592_000.0,
    7_776_000.0,
];

/// A limit that lies so many times as far out as what was measured is named at the edge: drawn, it would press the line flat.
const REACH: f64 = 4.0;

/// The axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Scale {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Round numbers on it.
    pub ticks: Vec<f64>,
}

impl Scale {
    /// The axis of a chart, with about so many round numbers.
    pub fn of(chart: &Chart, count: u32) -> Self {
        let course = &chart.course;
        let (Some(lowest), Some(highest)) = (course.lowest, course.highest) else {
            return Self::round(0.0, 1.0, chart.unit, count);
        };
        let (mut low, mut high) = (lowest.value, highest.value);
        let from_zero = starts_at_zero(chart, low, high);
        if from_zero {
            low = low.min(0.0);
        }
        for limit in chart.limits.iter().filter(|limit| reaches(limit, lowest.value, highest.value, from_zero)) {
            (low, high) = (low.min(limit.value), high.max(limit.value));
        }
        if chart.unit == Unit::Bool {
            (low, high) = (low.min(0.0), high.max(1.0));
        }
        let is_part = chart.unit == Unit::Ratio && from_zero && high <= 1.0;
        if is_part && (high > 0.5 || chart.limits.iter().any(|limit| limit.value >= 0.5)) {
            high = 1.0;
        }
        let some = part(low, high, 0.08);
        let room = if from_zero && low >= 0.0 { 0.0 } else { some };
        let top = if is_part && high >= 1.0 { 0.0 } else { some };
        Self::round(low - room, high + top, chart.unit, count)
    }

    fn round(low: f64, high: f64, unit: Unit, count: u32) -> Self {
        // what never moves still needs a height
        let flat = if high > low { 0.0 } else { (high.abs() * 0.1).max(1e-6) };
        let (low, high) = (if low == 0.0 { 0.0 } else { low - flat }, high + flat);
        // beyond the largest number there is no axis
        let (low, high) = (low.max(f64::MIN), high.min(f64::MAX));
        let step = step(part(low, high, 1.0 / f64::from(count.max(1))), unit);
        let (from, to) = ((low / step).ceil(), (high / step).floor());
        let mut ticks = Vec::new();
        let mut at = from;
        while at <= to && ticks.len() < 12 {
            ticks.push(at * step);
            at += 1.0;
        }
        Self { low, high, ticks }
    }

    /// Where a value stands, from 0 at the lower end to 1 at the upper.
    pub fn place(&self, value: f64) -> f64 {
        let is_wide = !(self.high - self.low).is_finite();
        // halves of what is wider than the largest number
        let scale = if is_wide { 0.5 } else { 1.0 };
        (value * scale - self.low * scale) / (self.high * scale - self.low * scale)
    }

    /// Whether a limit is drawn; another one is named at the edge.
    pub fn has(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }
}

/// A part of the way from one number to another, which may be longer than the largest number.
fn part(low: f64, high: f64, part: f64) -> f64 {
    let way = high - low;
    if way.is_finite() { way * part } else { high * part - low * part }
}

/// Whether zero belongs to the picture: not where small changes of a large number are what there is to see.
fn starts_at_zero(chart: &Chart, low: f64, high: f64) -> bool {
    if chart.is_backing() || low < 0.0 {
        return false;
    }
    match chart.unit {
        Unit::Timestamp => false,
        Unit::Algo | Unit::Count | Unit::Bytes => high - low > high * 0.3 || high == 0.0,
        Unit::Ratio | Unit::Seconds | Unit::Bool => true,
    }
}

/// Whether a limit is near enough to be drawn.
fn reaches(limit: &Limit, low: f64, high: f64, from_zero: bool) -> bool {
    let (from, to) = if from_zero { (0.0, high) } else { (low, high) };
    let span = (to - from).max(to.abs() * 0.02).max(f64::MIN_POSITIVE);
    match limit.worse {
        Worse::Higher => limit.value - to <= span * (REACH - 1.0),
        Worse::Lower => from - limit.value <= span * (REACH - 1.0),
    }
}

/// The round number next above `least`.
fn step(least: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Seconds if least > 5.0 => TIMES.into_iter().find(|step| *step >= least).unwrap_or_else(|| decimal(least)),
        Unit::Bytes if least >= 1.0 => 2.0_f64.powf(least.log2().ceil()),
        Unit::Bool => 1.0,
        _ => decimal(least),
    }
}

fn decimal(least: f64) -> f64 {
    let power = 10.0_f64.powf(least.log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= least * 0.999_999);
    digit.unwrap_or(10.0) * power
}

/// A round number of an axis in words.
pub fn tick_text(value: f64, unit: Unit) -> String {
    // a sum of steps may be a hair beside zero
    let value = if value.abs() < 1e-12 { 0.0 } else { value };
    match unit {
        // money on an axis is a round number, in full where it is said
        Unit::Bool | Unit::Algo => units::number(value),
        Unit::Timestamp => units::value(value, unit).chars().take(10).collect(),
        _ => units::value(value, unit),
    }
}

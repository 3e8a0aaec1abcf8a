//! Functions of one series over a range: `avg_over_time`, `rate` and their like. The formulas are those of Prometheus 3.
#![allow(clippy::unnecessary_wraps, reason = "all have the signature that the table of functions asks for")]

use super::numeric::{self, Sum};

/// The measured samples of one series in a window; at least one.
pub struct Run<'a> {
    /// Milliseconds and value, oldest first.
    pub samples: &'a [(i64, f64)],
    /// Left edge of the window, which is not part of it.
    pub from: i64,
    /// Right edge, which is.
    pub to: i64,
    /// The time of the evaluation (`offset` moves the window, not this).
    pub at: i64,
}

impl Run<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|(_, value)| *value)
    }

    /// Neighbouring values.
    fn steps(&self) -> impl Iterator<Item = (f64, f64)> {
        self.samples.iter().zip(self.samples.iter().skip(1)).map(|((_, before), (_, after))| (*before, *after))
    }

    /// First and last sample, where there are at least two.
    fn ends(&self) -> Option<((i64, f64), (i64, f64))> {
        match self.samples {
            [first, .., last] => Some((*first, *last)),
            _ => None,
        }
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// `avg_over_time`
pub fn avg(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(numeric::mean(run.values()))
}

/// `min_over_time`
pub fn min(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    numeric::min(run.values())
}

/// `max_over_time`
pub fn max(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    numeric::max(run.values())
}

/// `sum_over_time`
pub fn sum(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(numeric::sum(run.values()))
}

/// `count_over_time`
pub fn count(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(run.samples.len() as f64)
}

/// `present_over_time`
pub fn present(_: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(1.0)
}

/// `first_over_time`
pub fn first(run: &Run<'_>) -> Option<f64> {
    run.samples.first().map(|(_, value)| *value)
}

/// `last_over_time`
pub fn last(run: &Run<'_>) -> Option<f64> {
    run.samples.last().map(|(_, value)| *value)
}

/// `stdvar_over_time`
pub fn stdvar(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(numeric::variance(run.values()))
}

/// `stddev_over_time`
pub fn stddev(run: &Run<'_>, parameters: &[f64]) -> Option<f64> {
    stdvar(run, parameters).map(f64::sqrt)
}

/// `quantile_over_time`
pub fn quantile(run: &Run<'_>, parameters: &[f64]) -> Option<f64> {
    parameters.first().map(|phi| numeric::quantile(*phi, run.values().collect()))
}

/// `rate`: growth per second of a counter, resets made good.
pub fn rate(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(run, true).map(|growth| growth / seconds(run.to - run.from))
}

/// `increase`: growth of a counter, resets made good.
pub fn increase(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(run, true)
}

/// `delta`: change of a gauge.
pub fn delta(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(run, false)
}

/// The change between the first and the last sample, stretched to the window's edges: all the way where the edge is
/// near (1.1 mean distances between samples), half a mean distance otherwise; a counter never below zero.
fn extrapolated(run: &Run<'_>, is_counter: bool) -> Option<f64> {
    let (first, last) = run.ends()?;
    let mut change = last.1 - first.1;
    if is_counter {
        change += run.steps().filter(|(before, after)| after < before).map(|(before, _)| before).sum::<f64>();
    }
    let sampled = seconds(last.0 - first.0);
    let spacing = sampled / (run.samples.len() - 1) as f64;
    let stretch = |gap: f64| if gap >= spacing * 1.1 { spacing / 2.0 } else { gap };
    let mut to_start = stretch(seconds(first.0 - run.from));
    if is_counter && change > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(sampled * (first.1 / change));
    }
    let to_end = stretch(seconds(run.to - last.0));
    Some(change * ((sampled + to_start + to_end) / sampled))
}

/// The last two samples.
fn last_two(run: &Run<'_>) -> Option<((i64, f64), (i64, f64))> {
    match run.samples {
        [.., before, last] => Some((*before, *last)),
        _ => None,
    }
}

/// `irate`: growth per second between the last two samples of a counter.
pub fn irate(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    let (before, last) = last_two(run)?;
    let growth = if last.1 < before.1 { last.1 } else { last.1 - before.1 };
    Some(growth / seconds(last.0 - before.0))
}

/// `idelta`: change between the last two samples.
pub fn idelta(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    last_two(run).map(|(before, last)| last.1 - before.1)
}

/// `deriv`: slope per second of the line through the samples.
pub fn deriv(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    let (first, _) = run.ends()?;
    Some(line(run.samples, first.0).0)
}

/// `predict_linear`: where that line will be, the parameter's seconds from now.
pub fn predict_linear(run: &Run<'_>, parameters: &[f64]) -> Option<f64> {
    run.ends()?;
    let (slope, now) = line(run.samples, run.at);
    parameters.first().map(|ahead| slope * ahead + now)
}

/// Slope per second and value at `origin` of the least-squares line through `samples`.
#[allow(clippy::float_cmp, reason = "a constant series has slope 0 exactly, also where the sums would round")]
fn line(samples: &[(i64, f64)], origin: i64) -> (f64, f64) {
    let first = samples.first().map_or(f64::NAN, |(_, value)| *value);
    if samples.iter().all(|(_, value)| *value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let (mut x, mut y, mut xy, mut xx) = (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for (at, value) in samples {
        let from_origin = seconds(at - origin);
        x = x.plus(from_origin);
        y = y.plus(*value);
        xy = xy.plus(from_origin * value);
        xx = xx.plus(from_origin * from_origin);
    }
    let count = samples.len() as f64;
    let (x, y) = (x.total(), y.total());
    let slope = (xy.total() - x * y / count) / (xx.total() - x * x / count);
    (slope, y / count - slope * x / count)
}

/// `changes`: how often the value became another one.
#[allow(clippy::float_cmp, reason = "any difference is a change")]
pub fn changes(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(run.steps().filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count() as f64)
}

/// `resets`: how often the value fell.
pub fn resets(run: &Run<'_>, _: &[f64]) -> Option<f64> {
    Some(run.steps().filter(|(before, after)| after < before).count() as f64)
}

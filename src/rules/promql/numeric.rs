//! Sums, means and their like over many numbers, as exact as Prometheus computes them.

/// A sum with Neumaier's compensation for lost low bits.
#[derive(Clone, Copy, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// The sum with `value` added.
    #[must_use]
    pub fn plus(self, value: f64) -> Self {
        let sum = self.sum + value;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= value.abs() {
            self.lost + ((self.sum - sum) + value)
        } else {
            self.lost + ((value - sum) + self.sum)
        };
        Self { sum, lost }
    }

    /// The total.
    pub fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }

    fn scaled(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, lost: self.lost * factor }
    }
}

/// The sum.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(Sum::default(), Sum::plus).total()
}

/// The mean; where the sum overflows, by moving the mean step by step. NaN of nothing.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    let mut moving = false;
    let mut count = 0.0;
    for value in values {
        count += 1.0;
        if !moving {
            let next = sum.plus(value);
            if count <= 1.0 || next.sum.is_finite() || next.sum.is_nan() {
                sum = next;
                continue;
            }
            moving = true;
            sum = sum.scaled(1.0 / (count - 1.0));
        }
        sum = sum.scaled((count - 1.0) / count).plus(value / count);
    }
    if moving { sum.sum + sum.lost } else { sum.sum / count + sum.lost / count }
}

/// The variance of a whole population, by Welford's method.
pub fn variance(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
    for value in values {
        count += 1.0;
        let delta = value - (mean.sum + mean.lost);
        mean = mean.plus(delta / count);
        squares = squares.plus(delta * (value - (mean.sum + mean.lost)));
    }
    (squares.sum + squares.lost) / count
}

/// The smallest number; NaN only where there is nothing else.
pub fn min(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    values.into_iter().reduce(|least, value| if value < least || least.is_nan() { value } else { least })
}

/// The largest number; NaN only where there is nothing else.
pub fn max(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    values.into_iter().reduce(|most, value| if value > most || most.is_nan() { value } else { most })
}

/// The φ-quantile, interpolated between neighbours; ∓Inf for φ outside 0 to 1, NaN of nothing. NaN values sort first.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the rank lies between 0 and the length")]
pub fn quantile(phi: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&phi) {
        return if phi < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = phi * (values.len() - 1) as f64;
    let (lower, weight) = (rank.floor() as usize, rank.fract());
    let at = |index: usize| values.get(index.min(values.len() - 1)).copied().unwrap_or(f64::NAN);
    at(lower) * (1.0 - weight) + at(lower + 1) * weight
}

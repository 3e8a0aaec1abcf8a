//! Classic histograms: series that differ only in `le` are the cumulative buckets of one.

use std::collections::HashMap;

use super::value::{Element, GroupKey, Halt, distinct};
use crate::model::reading::Value;

/// Counts that differ by less than this part are the same: sums of rates are not exact.
const TOLERANCE: f64 = 1e-12;

/// Observations up to and including a bound.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// A function of each histogram among `elements`; those without a readable `le` are left out. One unknown bucket makes the
/// whole result unknown.
pub fn each(
    elements: Vec<Element>,
    body: impl Fn(&[f64], Buckets<'_>) -> f64,
    parameters: &[f64],
) -> Result<Vec<Element>, Halt> {
    let mut places: HashMap<GroupKey, usize> = HashMap::new();
    let mut histograms: Vec<(GroupKey, Vec<Bucket>)> = Vec::new();
    for element in elements {
        let count = element.known()?;
        let Ok(bound) = element.label("le").parse::<f64>() else { continue };
        // with the name: two metrics alike in their labels are two histograms, and end as two equal results
        let key = (element.name.clone(), element.labels.with("le", ""));
        let at = *places.entry(key.clone()).or_insert(histograms.len());
        match histograms.get_mut(at) {
            Some((_, buckets)) => buckets.push(Bucket { bound, count }),
            None => histograms.push((key, vec![Bucket { bound, count }])),
        }
    }
    let result = |((_, labels), buckets): (GroupKey, Vec<Bucket>)| {
        let value = body(parameters, Buckets(&repaired(buckets)));
        Element { name: None, labels, value: Value::Known(value) }
    };
    distinct(histograms.into_iter().map(result).collect())
}

/// The buckets of one histogram: sorted, of different bounds, with counts that never fall.
#[derive(Clone, Copy)]
pub struct Buckets<'a>(&'a [Bucket]);

impl Buckets<'_> {
    /// All observations, where there is the bucket that counts them and any in it.
    fn total(self) -> Option<f64> {
        let last = self.0.last().filter(|last| last.bound == f64::INFINITY)?;
        (last.count > 0.0).then_some(last.count)
    }
}

/// Sorts the buckets, merges equal bounds and makes the counts rise.
#[allow(clippy::float_cmp, reason = "the same bound, written in two ways")]
fn repaired(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    let mut repaired: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match repaired.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => repaired.push(bucket),
        }
    }
    let mut highest = repaired.first().map_or(0.0, |first| first.count);
    for bucket in &mut repaired {
        let rise = bucket.count - highest;
        if rise < 0.0 || rise < TOLERANCE * (bucket.count.abs() + highest.abs()) {
            bucket.count = highest;
        } else {
            highest = bucket.count;
        }
    }
    repaired
}

/// `histogram_quantile(φ, …)`: interpolated within the bucket that holds the rank; the highest finite bound beyond.
pub fn quantile(parameters: &[f64], buckets: Buckets<'_>) -> f64 {
    let phi = parameters.first().copied().unwrap_or(f64::NAN);
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    let ([.., highest_finite, _], Some(total)) = (buckets.0, buckets.total()) else { return f64::NAN };
    let rank = phi * total;
    let mut below = None;
    for bucket in buckets.0 {
        if bucket.count >= rank {
            return within(below, *bucket, rank, *highest_finite);
        }
        below = Some(*bucket);
    }
    f64::NAN
}

/// The place of `rank` between the bucket below and `bucket`, which holds it.
fn within(below: Option<Bucket>, bucket: Bucket, rank: f64, highest_finite: Bucket) -> f64 {
    if bucket.bound == f64::INFINITY {
        return highest_finite.bound;
    }
    match below {
        None if bucket.bound <= 0.0 => bucket.bound,
        None => bucket.bound * (rank / bucket.count),
        Some(below) => {
            let part = (rank - below.count) / (bucket.count - below.count);
            below.bound + (bucket.bound - below.bound) * part
        }
    }
}

/// `histogram_fraction(lower, upper, …)`: the part of the observations between two values.
pub fn fraction(parameters: &[f64], buckets: Buckets<'_>) -> f64 {
    let [lower, upper] = parameters else { return f64::NAN };
    let (Some(total), false) = (buckets.total(), lower.is_nan() || upper.is_nan()) else { return f64::NAN };
    if lower >= upper {
        return 0.0;
    }
    (rank_of(*upper, buckets).min(total) - rank_of(*lower, buckets).min(total)) / total
}

/// How many observations lie below `value`, interpolated within its bucket.
fn rank_of(value: f64, Buckets(buckets): Buckets<'_>) -> f64 {
    let mut rank = 0.0;
    let mut start = match buckets.first() {
        Some(first) if first.bound > 0.0 => 0.0,
        _ => f64::NEG_INFINITY,
    };
    for bucket in buckets {
        if start >= value {
            return rank;
        }
        if bucket.bound > value {
            // within a bucket without a lower bound nothing is known: all of it counts as below
            return match start {
                f64::NEG_INFINITY => bucket.count,
                _ => rank + (bucket.count - rank) * (value - start) / (bucket.bound - start),
            };
        }
        rank = bucket.count;
        start = bucket.bound;
    }
    rank
}

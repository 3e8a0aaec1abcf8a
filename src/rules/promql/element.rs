//! Functions of one number.

/// The sign: -1, 0 or 1; NaN stays.
pub fn sgn(value: f64) -> f64 {
    if value.is_nan() || value == 0.0 { value } else { value.signum() }
}

/// Larger of two. As in Go, whose arithmetic `PromQL` has, NaN wins (unlike `f64::max`) but over infinity.
pub fn larger(a: f64, b: f64) -> f64 {
    if (a.is_nan() || b.is_nan()) && a.max(b) < f64::INFINITY { f64::NAN } else { a.max(b) }
}

/// Smaller of two. NaN wins but over minus infinity.
pub fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

/// Between a lower and an upper bound; nothing at all where the bounds are crossed.
pub fn clamp(value: f64, parameters: &[f64]) -> Option<f64> {
    match parameters {
        [low, high] if low > high => None,
        [low, high] => Some(larger(*low, smaller(*high, value))),
        _ => None,
    }
}

/// At least the bound.
pub fn clamp_min(value: f64, parameters: &[f64]) -> Option<f64> {
    parameters.first().map(|low| larger(*low, value))
}

/// At most the bound.
pub fn clamp_max(value: f64, parameters: &[f64]) -> Option<f64> {
    parameters.first().map(|high| smaller(*high, value))
}

/// The nearest multiple of the parameter (1 where it is left out); halves go up.
#[allow(clippy::unnecessary_wraps, reason = "the signature of the table of functions")]
pub fn round(value: f64, parameters: &[f64]) -> Option<f64> {
    // the inverse, as Prometheus does, so that a tenth is exact where it can be
    let inverse = 1.0 / parameters.first().copied().unwrap_or(1.0);
    Some((value * inverse + 0.5).floor() / inverse)
}

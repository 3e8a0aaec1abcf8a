//! Numbers with units, read from people and written for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::money;
use crate::model::metric::Unit;
use crate::model::time::Time;

/// Duration units with their length in milliseconds, longest first (a year is 365 days, as in `PromQL`).
const DURATIONS: [(&str, u64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Byte units, binary and decimal.
const BYTES: [(&str, f64); 9] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

/// Reads `90s`, `5m`, `1h30m`, `500ms`, as `PromQL` writes durations: whole numbers, each unit once, longest first.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration; write it like 90s, 5m, 1h30m or 500ms");
    let mut rest = text;
    let mut total = 0_u64;
    let mut allowed = DURATIONS.as_slice();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let at = allowed.iter().position(|(unit, _)| *unit == &rest[..letters]).ok_or_else(wrong)?;
        total = number.checked_mul(allowed[at].1).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        allowed = &allowed[at + 1..];
        rest = &rest[letters..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Duration::from_millis(total)) }
}

/// `1 alert`, `2 alerts`
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Reads a limit as people write it: `0.85`, `85%`, `5m`, `10GiB`; durations become seconds, bytes bytes, percent parts of one.
/// The unit is `None` for a plain number.
pub fn parse_quantity(text: &str) -> Result<(f64, Option<Unit>), String> {
    let text = text.trim();
    let number = |digits: &str| digits.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    if let Some(value) = number(text) {
        return Ok((value, None));
    }
    if let Some(value) = text.strip_suffix('%').and_then(number) {
        return Ok((value / 100.0, Some(Unit::Ratio)));
    }
    for (unit, factor) in BYTES {
        if let Some(value) = text.strip_suffix(unit).and_then(number) {
            return Ok((value * factor, Some(Unit::Bytes)));
        }
    }
    match parse_duration(text) {
        Ok(duration) => Ok((duration.as_secs_f64(), Some(Unit::Seconds))),
        Err(_) => {
            Err(format!("`{text}` is not a number, percentage, duration or size; write it like 0.85, 85%, 5m or 10GiB"))
        }
    }
}

/// A duration in its two largest units, from an hour on to the nearest: `1 d 3 h`, `4 min 10 s`, `850 ms`. So 4 h 9 min
/// 58 s is `4 h 10 min`.
pub fn duration(duration: Duration) -> String {
    const STEPS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let seconds = duration.as_secs();
    if seconds == 0 {
        return format!("{} ms", duration.as_millis());
    }
    let largest = |seconds: u64| STEPS.iter().position(|(_, length)| seconds >= *length).unwrap_or(STEPS.len() - 1);
    let finest = STEPS.get(largest(seconds) + 1).map_or(1, |(_, length)| *length);
    let seconds = seconds.saturating_add(finest / 2) / finest * finest;
    // what was rounded up may be a whole day
    let first = largest(seconds);
    let (name, length) = STEPS[first];
    let head = format!("{} {name}", seconds / length);
    match STEPS.get(first + 1).map(|(name, length)| (name, seconds % STEPS[first].1 / length)) {
        Some((name, rest)) if rest > 0 => format!("{head} {rest} {name}"),
        _ => head,
    }
}

/// A duration as a rule file writes it, shortest exact form: `90s` is `1m30s`.
pub fn duration_literal(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (unit, length) in DURATIONS.into_iter().filter(|(unit, _)| !matches!(*unit, "y" | "w")) {
        if rest >= length {
            let _ = write!(out, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// A number as a rule file writes it in `unit`, where [`parse_quantity`] reads exactly the same number from that: `85%`,
/// `5m`, `10GiB`; otherwise the plain number.
pub fn quantity_literal(value: f64, unit: Unit) -> String {
    let candidates = match unit {
        Unit::Ratio => vec![format!("{}%", trimmed(value * 100.0, 6))],
        Unit::Seconds => Duration::try_from_secs_f64(value).ok().map(duration_literal).into_iter().collect(),
        Unit::Bytes => BYTES.iter().map(|(unit, factor)| format!("{}{unit}", trimmed(value / factor, 2))).collect(),
        Unit::Timestamp | Unit::Bool | Unit::Algo | Unit::Count => Vec::new(),
    };
    let is_exact = |text: &String| matches!(parse_quantity(text), Ok((read, _)) if read.to_bits() == value.to_bits());
    let shortest = candidates.into_iter().filter(is_exact).min_by_key(String::len);
    // a whole number beyond what TOML's integers hold is written with an exponent
    shortest.unwrap_or_else(|| if value.abs() < 9e15 { value.to_string() } else { format!("{value:e}") })
}

/// A value as people read it in its unit: `85.3 %`, `4 min 10 s`, `1.2 GiB`.
pub fn value(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return number(value);
    }
    match unit {
        Unit::Ratio => format!("{} %", trimmed(value * 100.0, 2)),
        Unit::Bytes => bytes(value),
        Unit::Seconds => seconds(value),
        #[allow(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, and is no date anyway")]
        Unit::Timestamp => Time::from_millis((value * 1000.0) as i64).rfc3339(),
        Unit::Algo => algos(value),
        Unit::Bool => if value == 0.0 { "no" } else { "yes" }.to_owned(),
        Unit::Count => number(value),
    }
}

/// A value with all that is known of it, for where [`value`] would print it as its limit: `2 h 0.4 s`, `1073741823 B`.
pub fn exact(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return number(value);
    }
    match unit {
        // what a float adds beyond the tenth decimal is its own
        Unit::Ratio => format!("{} %", trimmed(value * 100.0, 10)),
        Unit::Bytes => format!("{value} B"),
        Unit::Seconds => exact_seconds(value),
        Unit::Timestamp | Unit::Algo | Unit::Bool | Unit::Count => value.to_string(),
    }
}

/// Seconds in all their units, with the decimals there are.
fn exact_seconds(value: f64) -> String {
    const STEPS: [(&str, f64); 3] = [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)];
    let mut rest = value.abs();
    let mut parts = Vec::new();
    for (name, length) in STEPS {
        let count = (rest / length).floor();
        if count > 0.0 {
            parts.push(format!("{count} {name}"));
            rest -= count * length;
        }
    }
    if rest > 0.0 || parts.is_empty() {
        parts.push(format!("{} s", trimmed(rest, 6)));
    }
    format!("{}{}", if value < 0.0 { "-" } else { "" }, parts.join(" "))
}

/// Algos to the last of their decimals; amounts of which a float holds no more are cut where it ends.
fn algos(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "a float beyond i128 saturates, and is no amount anyway")]
    let micro = (value * 1e6).round() as i128;
    format!("{} ALGO", money::amount(micro))
}

/// Seconds: below a minute with decimals, above in two units; a minus sign for what has passed.
fn seconds(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let magnitude = value.abs();
    let text = if magnitude == 0.0 {
        "0 s".to_owned()
    } else if magnitude < 1.0 {
        format!("{} ms", trimmed(magnitude * 1000.0, 2))
    } else if magnitude < 60.0 {
        format!("{} s", number(magnitude))
    } else {
        duration(Duration::try_from_secs_f64(magnitude).unwrap_or(Duration::MAX))
    };
    format!("{sign}{text}")
}

/// Bytes in binary units with up to one decimal.
fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value;
    let mut unit = 0;
    // what is printed as 1024 of a unit is one of the next
    while (scaled.abs() * 10.0).round() >= 10_240.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", trimmed(scaled, 1), UNITS[unit])
}

/// A plain number with about four significant digits and no idle zeros.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude >= 1e15 || (magnitude > 0.0 && magnitude < 1e-4) {
        return format!("{value:e}");
    }
    trimmed(
        value,
        if magnitude >= 100.0 {
            1
        } else if magnitude >= 1.0 {
            2
        } else {
            4
        },
    )
}

/// A whole number with its thousands apart: `5,760`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `value` with at most `decimals` decimals, without idle zeros.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let all = [0, 999, 1000, 65_536, 1_234_567].map(count);
        assert_eq!(all, ["0", "999", "1,000", "65,536", "1,234,567"]);
    }

    #[test]
    fn durations_read_like_promql() {
        for (text, millis) in [("5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500), ("1d", 86_400_000), ("0s", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "m", "-5m", "5m5m", "1m1h", "1.5h", "5 m", "99999999999y"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn quantities_carry_their_unit() {
        assert_eq!(parse_quantity("85%"), Ok((0.85, Some(Unit::Ratio))));
        assert_eq!(parse_quantity("21d"), Ok((1_814_400.0, Some(Unit::Seconds))));
        assert_eq!(parse_quantity("10GiB"), Ok((10_737_418_240.0, Some(Unit::Bytes))));
        assert_eq!(parse_quantity("-0.5"), Ok((-0.5, None)));
        for text in ["nan", "inf", "85 percent", "%", ""] {
            assert!(parse_quantity(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_would_read_as_its_limit_is_told_exactly() {
        for (given, unit, shown) in [
            (7200.4, Unit::Seconds, "2 h 0.4 s"),
            (-90_061.5, Unit::Seconds, "-1 d 1 h 1 min 1.5 s"),
            (0.0, Unit::Seconds, "0 s"),
            (1_073_741_823.0, Unit::Bytes, "1073741823 B"),
            (0.850_000_1, Unit::Ratio, "85.00001 %"),
            (1_000.000_1, Unit::Count, "1000.0001"),
            (f64::INFINITY, Unit::Bytes, "+Inf"),
        ] {
            assert_eq!(exact(given, unit), shown);
        }
        for (given, shown) in
            [(1_073_741_823.0, "1 GiB"), (1023.96, "1 KiB"), (1023.9, "1023.9 B"), (-1024.0, "-1 KiB")]
        {
            assert_eq!(value(given, Unit::Bytes), shown);
        }
    }

    #[test]
    fn values_read_well() {
        for (given, unit, shown) in [
            (0.9123, Unit::Ratio, "91.23 %"),
            (0.85, Unit::Ratio, "85 %"),
            (250.0, Unit::Seconds, "4 min 10 s"),
            (0.212, Unit::Seconds, "212 ms"),
            (0.000_301_2, Unit::Seconds, "0.3 ms"),
            (-90.0, Unit::Seconds, "-1 min 30 s"),
            (1_288_490_188.8, Unit::Bytes, "1.2 GiB"),
            (0.0, Unit::Bool, "no"),
            (1_214_806.402_117, Unit::Algo, "1,214,806.402117 ALGO"),
            (-0.1, Unit::Algo, "-0.1 ALGO"),
            (12_345.678, Unit::Count, "12345.7"),
            (f64::INFINITY, Unit::Ratio, "+Inf"),
        ] {
            assert_eq!(value(given, unit), shown);
        }
        assert_eq!(duration(Duration::from_hours(27)), "1 d 3 h");
        assert_eq!(duration(Duration::from_hours(24)), "1 d");
        assert_eq!(duration(Duration::from_millis(850)), "850 ms");
        for (seconds, said) in [
            (3_599, "59 min 59 s"),
            (3_629, "1 h"),
            (3_630, "1 h 1 min"),
            (14_998, "4 h 10 min"),
            (86_369, "23 h 59 min"),
            (86_370, "1 d"),
            (86_400 + 82_800 + 1_800, "2 d"),
            (u64::MAX, "213503982334601 d 7 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), said);
        }
        assert_eq!(duration_literal(Duration::from_secs(90)), "1m30s");
    }
}

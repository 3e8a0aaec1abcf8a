//! Times as programs write them.

use std::ops::Range;

use jiff::civil;

use crate::model::time::Time;
use crate::text::{instant, safe};

/// What a time can be: from 1970 to 2200, in milliseconds. What lies outside was not meant.
const BOUNDS: Range<i64> = 0..7_258_118_400_000;

/// How times are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeForm {
    /// `2026-11-23T05:44:00Z`, `2026-11-23 05:44:00`, `2026-11-23`.
    Dates,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
    /// Microseconds since 1970.
    Micros,
    /// Nanoseconds since 1970.
    Nanos,
}

impl TimeForm {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dates => "dates",
            Self::Seconds => "seconds since 1970",
            Self::Millis => "milliseconds since 1970",
            Self::Micros => "microseconds since 1970",
            Self::Nanos => "nanoseconds since 1970",
        }
    }

    /// What a number is most likely counted in: as seconds each limit lies beyond the year 5000, as the next smaller
    /// unit in 1973.
    fn of(number: f64) -> Self {
        match number {
            number if number < 1e11 => Self::Seconds,
            number if number < 1e14 => Self::Millis,
            number if number < 1e17 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    fn millis(self, number: f64) -> f64 {
        match self {
            Self::Seconds => number * 1e3,
            Self::Millis | Self::Dates => number,
            Self::Micros => number / 1e3,
            Self::Nanos => number / 1e6,
        }
    }
}

/// Reads times that are all of one form.
pub(super) struct Times {
    form: Option<TimeForm>,
    is_fixed: bool,
}

impl Times {
    /// In this form, or in that of the first one.
    pub(super) const fn new(form: Option<TimeForm>) -> Self {
        Self { form, is_fixed: form.is_some() }
    }

    pub(super) const fn form(&self) -> Option<TimeForm> {
        self.form
    }

    /// Reads one.
    pub(super) fn read(&mut self, text: &str) -> Result<Time, String> {
        let text = text.trim();
        let (form, time) = match text.parse::<f64>() {
            Ok(number) => {
                let form = self.form.filter(|_| self.is_fixed).unwrap_or_else(|| TimeForm::of(number));
                (form, of_number(number, form))
            }
            Err(_) => (TimeForm::Dates, date(text)),
        };
        let shown = || safe::clip(&safe::one_line(text), 60);
        let time = time.ok_or_else(|| {
            format!("`{}` is not a time between 1970 and 2200; write it like 2026-11-23T05:44:00Z", shown())
        })?;
        match *self.form.get_or_insert(form) {
            before if before == form => Ok(time),
            before => {
                Err(format!("the time `{}` would be {}, and those before are {}", shown(), form.name(), before.name()))
            }
        }
    }
}

/// Whether `text` can be read as a time.
pub(super) fn is_time(text: &str) -> bool {
    Times::new(None).read(text).is_ok()
}

fn of_number(number: f64, form: TimeForm) -> Option<Time> {
    let millis = form.millis(number).round();
    #[allow(clippy::cast_possible_truncation, reason = "whole, and within bounds that fit")]
    (millis >= BOUNDS.start as f64 && millis < BOUNDS.end as f64).then(|| Time::from_millis(millis as i64))
}

/// A date with or without a time of day; UTC where it names no zone.
fn date(text: &str) -> Option<Time> {
    let text = text.strip_suffix("UTC").map_or(text, str::trim_end);
    let midnight = || text.parse::<civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = instant::absolute(text)
        .or_else(|| midnight().map(|midnight| Time::from_millis(midnight.timestamp().as_millisecond())));
    time.filter(|time| BOUNDS.contains(&time.millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T05:44:00Z
    const AT: &str = "1795412640000";

    #[test]
    fn every_way_to_write_a_time() {
        let read = |form, text: &str| {
            let mut times = Times::new(form);
            let time = times.read(text);
            format!(
                "{} {}",
                time.map_or_else(|why| why, |time| time.millis().to_string()),
                times.form().map_or("", TimeForm::name)
            )
        };
        for (text, wanted) in [
            ("2026-11-23T05:44:00Z", format!("{AT} dates")),
            ("2026-11-23T07:44:00+02:00", format!("{AT} dates")),
            ("2026-11-23 05:44:00", format!("{AT} dates")),
            ("2026-11-23 05:44", format!("{AT} dates")),
            ("2026-11-23 05:44:00 UTC", format!("{AT} dates")),
            (" 2026-11-23 ", "1795392000000 dates".to_owned()),
            ("2026-11-23 05:44:00.5", "1795412640500 dates".to_owned()),
            ("1795412640", format!("{AT} seconds since 1970")),
            ("1795412640.25", "1795412640250 seconds since 1970".to_owned()),
            ("1.79541264e9", format!("{AT} seconds since 1970")),
            ("0", "0 seconds since 1970".to_owned()),
            ("1795412640000", format!("{AT} milliseconds since 1970")),
            ("1795412640000000", format!("{AT} microseconds since 1970")),
            ("1795412640000000000", format!("{AT} nanoseconds since 1970")),
        ] {
            assert_eq!(read(None, text), wanted, "{text}");
        }
        for text in
            ["", "05:44", "20m", "yesterday", "11/23/2026", "NaN", "inf", "-1", "1e30", "1969-12-31", "2200-01-01"]
        {
            let why = format!("`{text}` is not a time between 1970 and 2200; write it like 2026-11-23T05:44:00Z ");
            assert_eq!(read(None, text), why);
        }
        assert_eq!(read(Some(TimeForm::Millis), "60000"), "60000 milliseconds since 1970");
        assert!(read(Some(TimeForm::Seconds), "1795412640000").starts_with('`'));
    }

    #[test]
    fn the_first_time_says_how_they_are_written() {
        let mut times = Times::new(None);
        assert!(times.read("soon").is_err());
        assert!(times.read("1795412640").is_ok());
        assert_eq!(
            times.read("1795412640000").unwrap_err(),
            "the time `1795412640000` would be milliseconds since 1970, and those before are seconds since 1970"
        );
        assert!(times.read("2026-11-23").is_err());
        assert!(times.read("1795412641").is_ok());
    }
}

//! Wall-clock instants as plain values: milliseconds since the Unix epoch, UTC.
//!
//! Nothing here reads a clock; `world::Clock` is the one place that does.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    /// The instant `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, the unit of `PromQL`'s `time()`.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The tick this instant belongs to: itself rounded down to a multiple of `interval`.
    pub fn floor(self, interval: Duration) -> Self {
        let step = millis_of(interval).max(1);
        Self(self.0.div_euclid(step) * step)
    }

    /// Time passed since `earlier`; zero when `earlier` is later (a clock that went back never makes a negative duration).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with whole seconds, as documents and messages print it.
    pub fn rfc3339(self) -> String {
        self.formatted("%Y-%m-%dT%H:%M:%SZ")
    }
}

/// A duration in whole milliseconds, saturating far beyond any monitored span.
pub fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Time {
    /// Day and minute in UTC, `Nov 23 09:00`, for tables that say so in their head.
    pub fn short(self) -> String {
        self.formatted("%b %d %H:%M")
    }
}

impl Time {
    /// Year, day and minute in UTC, `2026-11-23 09:00`, for spans of any length.
    pub fn minute(self) -> String {
        self.formatted("%Y-%m-%d %H:%M")
    }

    /// Day and minute in UTC; with the year where that is not the year of `other`.
    pub fn short_beside(self, other: Self) -> String {
        if self.formatted("%Y") == other.formatted("%Y") { self.short() } else { self.minute() }
    }

    fn formatted(self, format: &str) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| format!("{} ms", self.0), |time| time.strftime(format).to_string())
    }

    /// The time of day in UTC, `09:00:15`; with the day before it where that is not the day of `other`.
    pub fn clock(self, other: Self) -> String {
        const DAY: Duration = Duration::from_hours(24);
        let is_same_day = self.floor(DAY) == other.floor(DAY);
        self.formatted(if is_same_day { "%H:%M:%S" } else { "%b %d %H:%M:%S" })
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis_of(duration)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis_of(duration)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_the_instant_rounded_down_also_before_the_epoch() {
        let minute = Duration::from_mins(1);
        assert_eq!(Time::from_millis(119_999).floor(minute), Time::from_millis(60_000));
        assert_eq!(Time::from_millis(-1).floor(minute), Time::from_millis(-60_000));
    }

    #[test]
    fn a_clock_that_went_back_makes_no_negative_duration() {
        assert_eq!(Time::from_millis(5).since(Time::from_millis(9)), Duration::ZERO);
    }

    #[test]
    fn a_time_of_day_names_the_day_where_it_is_another_one() {
        let at = Time::from_millis(1_795_424_400_123);
        assert_eq!(at.clock(at + Duration::from_hours(14)), "09:00:00");
        assert_eq!(at.clock(at + Duration::from_hours(15)), "Nov 23 09:00:00");
    }

    #[test]
    fn prints_utc() {
        assert_eq!(Time::from_millis(1_795_424_400_123).to_string(), "2026-11-23T09:00:00Z");
    }

    #[test]
    fn the_year_is_told_where_it_is_another_one() {
        let at = Time::from_millis(1_795_424_400_000);
        assert_eq!(at.short_beside(at), "Nov 23 09:00");
        assert_eq!(at.short_beside(Time::from_millis(0)), "2026-11-23 09:00");
    }
}

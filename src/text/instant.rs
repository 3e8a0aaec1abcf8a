//! Instants as people write them on a command line.

use std::time::Duration;

use jiff::civil;

use super::{safe, units};
use crate::model::time::Time;

/// Reads `2026-11-23T05:44:00Z`, `2026-11-23 05:44` (UTC), `05:44` (today's or yesterday's, whichever was last) or how
/// long ago it was, `20m`. What is to come is refused.
pub fn parse(text: &str, now: Time) -> Result<Time, String> {
    let text = text.trim();
    let time = absolute(text).or_else(|| of_day(text, now)).or_else(|| ago(text, now)).ok_or_else(|| {
        let shown = safe::one_line(text);
        format!("`{shown}` is not a time; write it like 2026-11-23T05:44:00Z, \"2026-11-23 05:44\", 05:44 or 20m (all in UTC)")
    })?;
    let time = known(time, text)?;
    if time > now {
        return Err(format!("{time} is still to come; it is {now}"));
    }
    Ok(time)
}

/// The time, where the calendar has it: what is before 1970 or after 9999 is a slip of the pen, and could not be shown.
pub fn known(time: Time, text: &str) -> Result<Time, String> {
    let last = jiff::Timestamp::MAX.as_millisecond();
    if (0..=last).contains(&time.millis()) {
        return Ok(time);
    }
    Err(format!("`{}` is not in the years from 1970 to 9999", safe::one_line(text)))
}

/// Reads an instant that is still to come: `2026-11-23T07:00:00Z`, `2026-11-23 07:00` (UTC) or the next `07:00`.
pub fn upcoming(text: &str, now: Time) -> Result<Time, String> {
    const DAY: Duration = Duration::from_hours(24);
    let text = text.trim();
    let next = || of_day(text, now).map(|last| last + DAY);
    let time = absolute(text).or_else(next).ok_or_else(|| {
        let shown = safe::one_line(text);
        format!(
            "`{shown}` is not a time; write it like 2026-11-23T07:00:00Z, \"2026-11-23 07:00\" or 07:00 (all in UTC)"
        )
    })?;
    let time = known(time, text)?;
    if time <= now {
        return Err(format!("{time} is over; it is {now}"));
    }
    Ok(time)
}

/// A date with a time: with an offset, or in UTC.
pub fn absolute(text: &str) -> Option<Time> {
    let stamp = text.parse::<jiff::Timestamp>().ok();
    let stamp = stamp.or_else(|| utc(text.parse::<civil::DateTime>().ok().filter(|_| text.contains(':'))?));
    stamp.map(|stamp| Time::from_millis(stamp.as_millisecond()))
}

/// The last time that the clock showed this.
fn of_day(text: &str, now: Time) -> Option<Time> {
    const DAY: Duration = Duration::from_hours(24);
    let time = text.parse::<civil::Time>().ok().filter(|_| text.contains(':'))?;
    let since_midnight = time.duration_since(civil::Time::midnight()).unsigned_abs();
    let today = now.floor(DAY) + since_midnight;
    Some(if today > now { today - DAY } else { today })
}

fn ago(text: &str, now: Time) -> Option<Time> {
    let age = text.strip_suffix("ago").unwrap_or(text).trim();
    units::parse_duration(age).ok().map(|age| now - age)
}

fn utc(date: civil::DateTime) -> Option<jiff::Timestamp> {
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_outside_of_the_calendar() {
        let now = Time::from_millis(1_795_424_400_000);
        for text in ["99999999d", "57y", "1969-12-31T23:59:59Z", "-000044-03-15T12:00:00Z"] {
            let why = format!("`{text}` is not in the years from 1970 to 9999");
            assert_eq!(parse(text, now), Err(why.clone()), "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:00Z", now), Ok(Time::from_millis(0)));
        assert!(upcoming("1969-12-31 23:59", now).unwrap_err().contains("1970 to 9999"));
        for millis in [i64::MIN, -1, 253_402_300_800_000, i64::MAX] {
            assert!(known(Time::from_millis(millis), "x").is_err(), "{millis}");
        }
    }

    #[test]
    fn what_is_still_to_come() {
        // 2026-11-23T09:00:00Z
        let now = Time::from_millis(1_795_424_400_000);
        for (text, wanted) in [
            ("2026-11-23T09:00:01Z", "2026-11-23T09:00:01Z"),
            ("2026-12-01 07:00", "2026-12-01T07:00:00Z"),
            ("09:30", "2026-11-23T09:30:00Z"),
            ("09:00", "2026-11-24T09:00:00Z"),
            ("07:00", "2026-11-24T07:00:00Z"),
        ] {
            assert_eq!(upcoming(text, now).map(Time::rfc3339).as_deref(), Ok(wanted), "{text}");
        }
        let over = upcoming("2026-11-23T08:59:00Z", now).unwrap_err();
        assert_eq!(over, "2026-11-23T08:59:00Z is over; it is 2026-11-23T09:00:00Z");
        assert!(upcoming("2h", now).unwrap_err().starts_with("`2h` is not a time; "));
    }

    #[test]
    fn every_way_to_write_an_instant() {
        // 2026-11-23T09:00:00Z
        let now = Time::from_millis(1_795_424_400_000);
        for (text, wanted) in [
            ("2026-11-23T05:44:00Z", "2026-11-23T05:44:00Z"),
            ("2026-11-23T05:44:00+02:00", "2026-11-23T03:44:00Z"),
            ("2026-11-23 05:44:30", "2026-11-23T05:44:30Z"),
            ("2026-11-23T05:44", "2026-11-23T05:44:00Z"),
            (" 2026-11-22 05:44 ", "2026-11-22T05:44:00Z"),
            ("05:44", "2026-11-23T05:44:00Z"),
            ("09:00", "2026-11-23T09:00:00Z"),
            ("09:00:01", "2026-11-22T09:00:01Z"),
            ("23:10", "2026-11-22T23:10:00Z"),
            ("20m", "2026-11-23T08:40:00Z"),
            ("1h30m ago", "2026-11-23T07:30:00Z"),
        ] {
            assert_eq!(parse(text, now).map(Time::rfc3339).as_deref(), Ok(wanted), "{text}");
        }
        assert_eq!(
            parse("2026-11-23T09:00:01Z", now).unwrap_err(),
            "2026-11-23T09:00:01Z is still to come; it is 2026-11-23T09:00:00Z"
        );
        for text in ["", "yesterday", "25:00", "2026-11-23", "0544", "-5m", "2026-13-01 00:00"] {
            let error = parse(text, now).unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is not a time; ")), "{text}: {error}");
        }
    }
}

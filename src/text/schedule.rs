//! Weekly windows of time: maintenance, quiet hours, office hours.

use std::ops::RangeInclusive;

use jiff::civil::{self, Date, Weekday};
use jiff::tz::TimeZone;

use super::nearest::nearest;
use crate::model::time::Time;

/// The days of the week as they are written.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A window that comes back on some days of each week. It begins on those days and ends at `to`, on the next day where
/// `to` is not later than `from`. Both are times that a clock on the wall of the zone shows: where daylight saving time
/// skips one, the window begins or ends as much later; where it repeats one, the first of the two counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// The days on which it begins.
    days: Vec<Weekday>,
    from: civil::Time,
    to: civil::Time,
    zone: TimeZone,
}

impl Schedule {
    /// A window on these days; no days are all days.
    pub fn new(days: Vec<Weekday>, from: civil::Time, to: civil::Time, zone: TimeZone) -> Self {
        let days = if days.is_empty() { DAYS.map(|(_, day)| day).to_vec() } else { days };
        Self { days, from, to, zone }
    }

    /// When the window that `at` lies in ends; none outside of every window.
    pub fn covers(&self, at: Time) -> Option<Time> {
        let stamp = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
        let today = stamp.to_zoned(self.zone.clone()).date();
        // one that began yesterday may last until today, and one of a day before that across a skipped date
        let begins = [today, today.yesterday().ok()?, today.yesterday().ok()?.yesterday().ok()?];
        begins
            .into_iter()
            .filter_map(|date| self.window(date))
            .find(|window| window.contains(&at))
            .map(|w| *w.end() + ONE)
    }

    /// The window that begins on `date`, without the instant of its end.
    fn window(&self, date: Date) -> Option<RangeInclusive<Time>> {
        if !self.days.contains(&date.weekday()) {
            return None;
        }
        let last = if self.to > self.from { date } else { date.tomorrow().ok()? };
        let instant = |date: Date, time: civil::Time| {
            let zoned = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
            Some(Time::from_millis(zoned.timestamp().as_millisecond()))
        };
        Some(instant(date, self.from)?..=instant(last, self.to)? - ONE)
    }
}

/// The grain of an instant.
const ONE: std::time::Duration = std::time::Duration::from_millis(1);

/// Reads `sun` or `mon-fri`.
pub fn weekdays(text: &str) -> Result<Vec<Weekday>, String> {
    let place = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        DAYS.iter().position(|(day, _)| *day == name).ok_or_else(|| {
            let near = nearest(&name, DAYS.iter().map(|(day, _)| *day));
            let way = near.map_or_else(
                || "the days are mon, tue, wed, thu, fri, sat, sun".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            format!("`{name}` is no day of the week; {way}")
        })
    };
    let Some((first, last)) = text.split_once('-') else { return Ok(vec![DAYS[place(text)?].1]) };
    let (first, last) = (place(first)?, place(last)?);
    // sat-mon goes over the end of the week
    let length = (last + DAYS.len() - first) % DAYS.len() + 1;
    Ok(DAYS.iter().cycle().skip(first).take(length).map(|(_, day)| *day).collect())
}

/// Reads a time of day: `22:00`.
pub fn time_of_day(text: &str) -> Result<civil::Time, String> {
    let read = if text.contains(':') { text.parse().ok() } else { None };
    read.ok_or_else(|| "write a time of day such as \"22:00\"".to_owned())
}

/// Reads a zone: `Europe/Zurich`, `UTC`.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        "write a name of the tz database such as \"Europe/Zurich\", or \"UTC\" (the machine needs the package tzdata)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::instant::absolute;

    fn schedule(days: &str, from: &str, to: &str, zone_name: &str) -> Schedule {
        let days = days.split_whitespace().flat_map(|day| weekdays(day).unwrap()).collect();
        Schedule::new(days, time_of_day(from).unwrap(), time_of_day(to).unwrap(), zone(zone_name).unwrap())
    }

    /// The end of the window, or nothing.
    fn end(schedule: &Schedule, at: &str) -> Option<String> {
        schedule.covers(absolute(at).unwrap()).map(Time::rfc3339)
    }

    #[test]
    fn a_window_covers_its_beginning_and_not_its_end() {
        // 2026-11-22 is a Sunday
        let sunday = schedule("sun", "02:00", "04:00", "UTC");
        for (at, wanted) in [
            ("2026-11-22T01:59:59.999Z", None),
            ("2026-11-22T02:00:00Z", Some("2026-11-22T04:00:00Z")),
            ("2026-11-22T03:59:59.999Z", Some("2026-11-22T04:00:00Z")),
            ("2026-11-22T04:00:00Z", None),
            ("2026-11-23T03:00:00Z", None),
        ] {
            assert_eq!(end(&sunday, at).as_deref(), wanted, "{at}");
        }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let nights = schedule("mon-fri", "22:00", "07:00", "UTC");
        for (at, wanted) in [
            // Friday night lasts until Saturday morning
            ("2026-11-21T06:59:00Z", Some("2026-11-21T07:00:00Z")),
            ("2026-11-21T23:00:00Z", None),
            ("2026-11-22T23:00:00Z", None),
            ("2026-11-23T05:00:00Z", None),
            ("2026-11-23T22:00:00Z", Some("2026-11-24T07:00:00Z")),
        ] {
            assert_eq!(end(&nights, at).as_deref(), wanted, "{at}");
        }
        let always = schedule("", "00:00", "00:00", "UTC");
        assert_eq!(end(&always, "2026-11-23T05:00:00Z").as_deref(), Some("2026-11-24T00:00:00Z"));
    }

    #[test]
    fn the_clock_on_the_wall_counts_on_both_days_of_daylight_saving() {
        // 2026-03-29: 02:00 becomes 03:00 in Berlin; 2026-10-25: 03:00 becomes 02:00
        let night = schedule("sun", "01:30", "03:30", "Europe/Berlin");
        for (at, wanted) in [
            ("2026-03-29T00:29:00Z", None),
            ("2026-03-29T00:30:00Z", Some("2026-03-29T01:30:00Z")),
            ("2026-03-29T01:30:00Z", None),
            ("2026-10-24T23:30:00Z", Some("2026-10-25T02:30:00Z")),
            ("2026-10-25T02:29:00Z", Some("2026-10-25T02:30:00Z")),
            ("2026-10-25T02:30:00Z", None),
        ] {
            assert_eq!(end(&night, at).as_deref(), wanted, "{at}");
        }
    }

    #[test]
    fn days_times_and_zones_are_read_or_refused_with_a_way_out() {
        assert_eq!(weekdays("sat-mon").unwrap(), [Weekday::Saturday, Weekday::Sunday, Weekday::Monday]);
        assert_eq!(weekdays("Sun").unwrap(), [Weekday::Sunday]);
        assert_eq!(weekdays("tues").unwrap_err(), "`tues` is no day of the week; did you mean `tue`?");
        assert_eq!(
            weekdays("holiday").unwrap_err(),
            "`holiday` is no day of the week; the days are mon, tue, wed, thu, fri, sat, sun"
        );
        for text in ["22", "25:00", "", "22.00"] {
            assert_eq!(time_of_day(text).unwrap_err(), "write a time of day such as \"22:00\"", "{text}");
        }
        assert!(zone("Europe/Atlantis").unwrap_err().starts_with("write a name of the tz database"));
    }
}

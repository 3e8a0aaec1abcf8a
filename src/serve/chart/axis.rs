//! The time axis of a chart: round instants and their labels.

use std::time::Duration;

use crate::model::time::Time;
use crate::view::page::span::Span;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// Steps between two labels, in seconds.
const STEPS: [u64; 21] = [
    10,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    30 * DAY,
    60 * DAY,
    120 * DAY,
];

/// How a label is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `09:30:10`
    Second,
    /// `09:30`
    Minute,
    /// `Nov 23`
    Day,
}

impl Form {
    /// The word for whoever writes it anew in another zone.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Second => "hms",
            Self::Minute => "hm",
            Self::Day => "d",
        }
    }
}

/// A label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The instant.
    pub at: Time,
    /// What is written.
    pub text: String,
    /// How.
    pub form: Form,
}

/// At most `most` labels of a span.
pub fn labels(span: Span, most: u64) -> Vec<Label> {
    let length = span.length().as_secs();
    let whole_days = || DAY * (length / DAY / most.saturating_sub(1).max(1) + 1);
    let step = STEPS.into_iter().find(|step| length / step < most).unwrap_or_else(whole_days);
    let every = Duration::from_secs(step);
    let mut at = span.from.floor(every);
    if at < span.from {
        at = at + every;
    }
    let mut labels = Vec::new();
    while at <= span.to && labels.len() < 40 {
        let is_midnight = at == at.floor(Duration::from_secs(DAY));
        let form = match step {
            _ if is_midnight => Form::Day,
            DAY.. => Form::Day,
            MINUTE.. => Form::Minute,
            _ => Form::Second,
        };
        labels.push(Label { at, text: text(at, form), form });
        at = at + every;
    }
    labels
}

/// An instant in UTC.
pub fn text(at: Time, form: Form) -> String {
    let short = at.short();
    let (day, minute) = short.split_at_checked(6).unwrap_or((&short, ""));
    match form {
        Form::Second => at.clock(at),
        Form::Minute => minute.trim_start().to_owned(),
        Form::Day => day.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_round_and_few() {
        // 2026-11-23T09:07:00Z
        let now = Time::from_millis(1_795_424_820_000);
        let of = |hours, most| {
            let labels = labels(Span::between(now - Duration::from_hours(hours), now), most);
            labels.into_iter().map(|label| label.text).collect::<Vec<_>>()
        };
        assert_eq!(of(1, 7), ["08:10", "08:20", "08:30", "08:40", "08:50", "09:00"]);
        assert_eq!(of(24, 7), ["12:00", "16:00", "20:00", "Nov 23", "04:00", "08:00"]);
        assert_eq!(of(24 * 30, 7), ["Oct 29", "Nov 03", "Nov 08", "Nov 13", "Nov 18", "Nov 23"]);
        for hours in [1, 2, 5, 13, 24, 50, 168, 720, 9600, 90_000] {
            for most in [4, 7, 12] {
                let labels = of(hours, most);
                assert!(labels.len() as u64 <= most && !labels.is_empty(), "{hours} {most} {labels:?}");
            }
        }
    }
}

//! The span of time that a page shows, as its address says it.

use std::time::Duration;

use crate::model::time::Time;
use crate::text::{instant, safe};

/// The ranges with a button of their own, ending now.
pub const PRESETS: [(&str, &str, Duration); 5] = [
    ("1h", "1 h", Duration::from_hours(1)),
    ("6h", "6 h", Duration::from_hours(6)),
    ("24h", "24 h", Duration::from_hours(24)),
    ("7d", "7 d", Duration::from_hours(7 * 24)),
    ("30d", "30 d", Duration::from_hours(30 * 24)),
];

/// What is shown where nothing is said.
const USUAL: &str = "24h";

/// The shortest span: below it there is nothing to see.
const SHORTEST: Duration = Duration::from_mins(1);

/// How a span was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// So long up to now.
    Last(&'static str),
    /// All that is kept.
    All,
    /// From one instant to another.
    Between,
}

/// A span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// How it was chosen.
    pub choice: Choice,
}

/// What an address asks for.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// `range=`
    pub range: Option<&'a str>,
    /// `from=`
    pub from: Option<&'a str>,
    /// `to=`
    pub to: Option<&'a str>,
}

impl Span {
    /// From one instant to another.
    pub fn between(from: Time, to: Time) -> Self {
        Self { from, to: to.max(from + SHORTEST), choice: Choice::Between }
    }

    /// The span that is asked for, at `now`, where samples begin at `oldest`.
    pub fn of(asked: &Asked<'_>, now: Time, oldest: Option<Time>) -> Result<Self, String> {
        let instant = |key: &str, text: &str| instant_of(text, now).map_err(|why| format!("{key}: {why}"));
        let from = asked.from.map(|text| instant("from", text)).transpose()?;
        let to = asked.to.map(|text| instant("to", text)).transpose()?;
        match (from, to) {
            (Some(from), Some(to)) if to <= from => Err(format!("from {from} to {to} is no span: it ends first")),
            (Some(from), to) => Ok(Self::between(from, to.unwrap_or(now))),
            (None, Some(to)) => Ok(Self::between((to - Duration::from_hours(24)).max(Time::from_millis(0)), to)),
            (None, None) => Self::last(asked.range.unwrap_or(USUAL), now, oldest),
        }
    }

    fn last(range: &str, now: Time, oldest: Option<Time>) -> Result<Self, String> {
        if range == "all" {
            let from = oldest.unwrap_or(now).min(now - SHORTEST);
            return Ok(Self { from, to: now, choice: Choice::All });
        }
        let preset = PRESETS.iter().find(|(name, ..)| *name == range).ok_or_else(|| {
            let known: Vec<&str> = PRESETS.iter().map(|(name, ..)| *name).collect();
            format!("range: `{}` is none of {}, all", safe::answer(range), known.join(", "))
        })?;
        Ok(Self { from: now - preset.2, to: now, choice: Choice::Last(preset.0) })
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// Whether it ends now and goes on with the time.
    pub fn is_live(&self) -> bool {
        self.choice != Choice::Between
    }

    /// What an address says to get it again.
    pub fn query(&self) -> String {
        match self.choice {
            Choice::Last(name) => format!("range={name}"),
            Choice::All => "range=all".to_owned(),
            Choice::Between => format!("from={}&to={}", self.from.rfc3339(), self.to.rfc3339()),
        }
    }

    /// How long it is, in words: `24 h`, `3 h 20 min`.
    pub fn words(&self) -> String {
        match self.choice {
            Choice::Last(name) => {
                PRESETS.iter().find(|(have, ..)| *have == name).map_or(name, |(_, words, _)| words).to_owned()
            }
            Choice::All | Choice::Between => crate::text::units::duration(self.length()),
        }
    }
}

/// An instant in an address: seconds or milliseconds since the epoch, or as people write it.
fn instant_of(text: &str, now: Time) -> Result<Time, String> {
    const MILLIS_FROM: i64 = 100_000_000_000;
    match text.trim().parse::<i64>() {
        Ok(number) if number >= MILLIS_FROM => Ok(Time::from_millis(number).min(now)),
        Ok(number) if number >= 0 => Ok(Time::from_millis(number * 1000).min(now)),
        // what is still to come ends now
        _ => match instant::absolute(text.trim()) {
            Some(time) => instant::known(time.min(now), text),
            None => instant::parse(text, now),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_span() {
        // 2026-11-23T09:00:00Z
        let now = Time::from_millis(1_795_424_400_000);
        let oldest = Some(now - Duration::from_hours(1000));
        let of = |range, from, to| {
            Span::of(&Asked { range, from, to }, now, oldest)
                .map(|span| format!("{} {} {} {}", span.from, span.to, span.query(), span.words()))
        };
        let day = "2026-11-22T09:00:00Z 2026-11-23T09:00:00Z range=24h 24 h";
        assert_eq!((of(None, None, None).as_deref(), of(Some("24h"), None, None).as_deref()), (Ok(day), Ok(day)));
        let all = of(Some("all"), None, None).unwrap();
        assert_eq!(all, "2026-10-12T17:00:00Z 2026-11-23T09:00:00Z range=all 41 d 16 h");
        let hour = "2026-11-23T07:00:00Z 2026-11-23T08:00:00Z from=2026-11-23T07:00:00Z&to=2026-11-23T08:00:00Z 1 h";
        for (from, to) in [("1795417200", "1795420800"), ("1795417200000", "2026-11-23T08:00:00Z"), ("07:00", "08:00")]
        {
            assert_eq!(of(None, Some(from), Some(to)).as_deref(), Ok(hour), "{from} {to}");
        }
        // what is still to come ends now
        assert!(of(None, Some("08:00"), Some("2030-01-01T00:00:00Z")).unwrap().ends_with(" 1 h"));
        for (range, from, to) in
            [(Some("2h"), None, None), (None, Some("x"), None), (None, Some("08:00"), Some("07:00"))]
        {
            assert!(of(range, from, to).is_err(), "{range:?} {from:?} {to:?}");
        }
        assert_eq!(of(Some("<b>"), None, None).unwrap_err(), "range: `<b>` is none of 1h, 6h, 24h, 7d, 30d, all");
        let empty = Span::of(&Asked { range: Some("all"), ..Asked::default() }, now, None).unwrap();
        assert_eq!(empty.length(), SHORTEST);
    }
}

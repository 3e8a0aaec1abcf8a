//! How often a probe runs and how often it asks again before it believes a failure.

use std::time::Duration;

use toml::Spanned;

use crate::collect::{deadline, settings};
use crate::model::fault::{Fault, Place};
use crate::model::severity::Severity;
use crate::text::check::Check;
use crate::text::units;

/// Pause between two attempts.
pub const PAUSE: Duration = Duration::from_millis(500);
/// Attempts where `attempts` is not given.
const ATTEMPTS: u32 = 3;
/// The most attempts that make sense in one cycle.
const MAX_ATTEMPTS: u32 = 10;
/// Time limit of one attempt where `timeout` is not given and there is room for it.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest time limit that is chosen for somebody.
const SHORTEST: Duration = Duration::from_millis(500);

/// What all attempts and pauses may take: three quarters of the interval. That is less than the source's deadline, so that
/// a service that hangs through every attempt is reported as failed, and not cut off as a source that is late.
fn allowed(interval: Duration) -> Duration {
    deadline(interval) * 15 / 16
}

/// The keys that every kind of probe has, as they were written.
pub struct Keys<'a> {
    /// `every`: time between two runs.
    pub every: Option<&'a Spanned<String>>,
    /// `severity` of `PROBE_FAILED` for this probe.
    pub severity: Option<&'a Spanned<String>>,
    /// `timeout` of one attempt.
    pub timeout: Option<&'a Spanned<String>>,
    /// `attempts` before a failure is believed.
    pub attempts: Option<&'a Spanned<u32>>,
}

/// The same, checked and with defaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Time between two runs, at least the interval.
    pub every: Duration,
    /// Severity of `PROBE_FAILED` for this probe.
    pub severity: Severity,
    /// Time limit of one attempt.
    pub timeout: Duration,
    /// Attempts before a failure is believed, at least 1.
    pub attempts: u32,
}

impl Keys<'_> {
    /// Checks the keys: all attempts and pauses fit into the interval.
    pub fn build(&self, check: &mut Check<'_>) -> Option<Pace> {
        let every = settings::every(self.every, check.interval, check);
        let severity = match self.severity {
            None => Some(Severity::High),
            Some(text) => check.parsed(text),
        };
        let (attempts, timeout) = self.fitted(check)?;
        Some(Pace { every: every?, severity: severity?, timeout, attempts })
    }

    /// Attempts and the time limit of each.
    fn fitted(&self, check: &mut Check<'_>) -> Option<(u32, Duration)> {
        let whole = allowed(check.interval);
        let timeout = self.timeout.map(|key| check.duration(Some(key), TIMEOUT));
        let attempts = match self.attempts {
            Some(key) if !(1..=MAX_ATTEMPTS).contains(key.get_ref()) => {
                let what = format!("`attempts = {}` is not between 1 and {MAX_ATTEMPTS}", key.get_ref());
                check.fault(Fault::error(what, Place::File(key.span())));
                return None;
            }
            Some(key) => *key.get_ref(),
            // a very short interval leaves room for fewer; what was asked for is never lowered silently
            None if timeout.is_none() => (1..=ATTEMPTS).rev().find(|n| room(whole, *n) >= SHORTEST).unwrap_or(1),
            None => ATTEMPTS,
        };
        let timeout = match timeout {
            Some(timeout) => timeout?,
            None => TIMEOUT.min(room(whole, attempts)),
        };
        let fits = !timeout.is_zero() && needed(attempts, timeout) <= whole;
        if !fits {
            self.does_not_fit(check, attempts, timeout);
        }
        fits.then_some((attempts, timeout))
    }

    fn does_not_fit(&self, check: &mut Check<'_>, attempts: u32, timeout: Duration) {
        let span = self.timeout.map(Spanned::span).or_else(|| self.attempts.map(Spanned::span));
        let place = span.map_or(Place::Nowhere, Place::File);
        let whole = allowed(check.interval);
        if timeout.is_zero() && self.timeout.is_some() {
            let help = "write a time limit like 5s, or leave the key out";
            return check.fault(Fault::error("a `timeout` of zero lets no attempt succeed", place).help(help));
        }
        let what = format!(
            "{attempts} attempts of {} with pauses of {} between them take up to {}, but there are only {} (75 % of the interval of {})",
            units::duration_literal(timeout),
            units::duration_literal(PAUSE),
            units::duration_literal(needed(attempts, timeout)),
            units::duration_literal(whole),
            units::duration_literal(check.interval),
        );
        let help = match room(whole, attempts) {
            longest if longest >= SHORTEST => {
                format!("set `timeout` to at most {}, or lower `attempts`", units::duration_literal(longest))
            }
            _ => "lower `attempts`".to_owned(),
        };
        check.fault(Fault::error(what, place).help(help));
    }
}

/// The longest time limit with which `attempts` and their pauses fit into `whole`, in whole milliseconds; zero when none does.
fn room(whole: Duration, attempts: u32) -> Duration {
    let each = whole.saturating_sub(PAUSE * attempts.saturating_sub(1)) / attempts.max(1);
    Duration::from_millis(u64::try_from(each.as_millis()).unwrap_or(u64::MAX))
}

/// The longest that `attempts` of `timeout` each can take.
fn needed(attempts: u32, timeout: Duration) -> Duration {
    timeout.saturating_mul(attempts).saturating_add(PAUSE * attempts.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::model::secret::Secret;

    #[derive(Deserialize)]
    struct File {
        every: Option<Spanned<String>>,
        severity: Option<Spanned<String>>,
        timeout: Option<Spanned<String>>,
        attempts: Option<Spanned<u32>>,
    }

    fn built(interval: u64, text: &str) -> Result<(Duration, Severity, u32, Duration), String> {
        let file: File = toml::from_str(text).unwrap();
        let mut check = Check::new(Duration::from_secs(interval), &|text| Ok(Secret::new(text)));
        let keys = Keys {
            every: file.every.as_ref(),
            severity: file.severity.as_ref(),
            timeout: file.timeout.as_ref(),
            attempts: file.attempts.as_ref(),
        };
        let pace = keys.build(&mut check);
        let faults: Vec<String> = check
            .faults
            .into_iter()
            .map(|located| located.fault)
            .map(|f| format!("{}; {}", f.what, f.help.unwrap_or_default()))
            .collect();
        pace.map(|p| (p.every, p.severity, p.attempts, p.timeout)).ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn defaults_fit_into_every_interval() {
        let ms = Duration::from_millis;
        for (interval, attempts, timeout) in
            [(60, 3, 5_000), (15, 3, 3_416), (5, 3, 916), (2, 2, 500), (1, 1, 750), (3600, 3, 5_000)]
        {
            let want = (Duration::from_secs(interval), Severity::High, attempts, ms(timeout));
            assert_eq!(built(interval, ""), Ok(want), "interval {interval} s");
            assert!(needed(attempts, want.3) < deadline(want.0), "interval {interval} s");
        }
    }

    #[test]
    fn what_is_written_is_taken_or_refused_with_the_arithmetic() {
        let ok = (Duration::from_mins(5), Severity::Critical, 1, Duration::from_secs(20));
        assert_eq!(built(60, "every='5m'\nseverity='critical'\ntimeout='20s'\nattempts=1"), Ok(ok));
        for (text, want) in [
            (
                "timeout='20s'",
                "3 attempts of 20s with pauses of 500ms between them take up to 1m1s, but there are only 45s (75 % of \
                 the interval of 1m); set `timeout` to at most 14s666ms, or lower `attempts`",
            ),
            ("attempts=0", "`attempts = 0` is not between 1 and 10; "),
            (
                "timeout='0s'",
                "a `timeout` of zero lets no attempt succeed; write a time limit like 5s, or leave the key out",
            ),
            (
                "every='10s'",
                "`every = \"10s\"` is shorter than the interval of 1m; leave it out, or lower `[monitor] interval` to 10s",
            ),
            ("severity='bad'", "a severity is one of LOW, MEDIUM, HIGH, CRITICAL; "),
            ("timeout='5'", "`5` is not a duration; write it like 90s, 5m, 1h30m or 500ms; "),
        ] {
            assert_eq!(built(60, text), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn attempts_that_cannot_fit_are_refused() {
        let error = built(5, "attempts=10").unwrap_err();
        assert!(error.ends_with("; lower `attempts`"), "{error}");
    }
}

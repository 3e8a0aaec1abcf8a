//! `[store]`: how much of the past is kept.

use std::time::Duration;

use toml::Spanned;

use super::file::Store;
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::store::retain::Limits;
use crate::text::check::Check;
use crate::text::units;

/// The shortest time that samples may be kept; rules look back hours.
const SHORTEST: Duration = Duration::from_hours(24);

/// The longest: a hundred years.
const LONGEST: Duration = Duration::from_hours(36_500 * 24);

/// The least room, in bytes: a few hours of a few hundred series and the history of alerts.
const LEAST: f64 = 10e6;

/// The most room: 1 TB.
const MOST: f64 = 1e12;

/// What is kept.
pub fn limits(store: &Store, check: &mut Check<'_>) -> Limits {
    let default = Limits::default();
    let mut kept = |key: Option<&Spanned<String>>, read: fn(&str) -> Result<Limits, String>| {
        let key = key?;
        read(key.get_ref()).map_err(|what| check.fault(Fault::error(what, Place::File(key.span())))).ok()
    };
    let age = kept(store.retention.as_ref(), |text| Ok(Limits { age: age(text)?, ..Limits::default() }));
    let bytes = kept(store.max_size.as_ref(), |text| Ok(Limits { bytes: bytes(text)?, ..Limits::default() }));
    Limits { age: age.unwrap_or(default).age, bytes: bytes.unwrap_or(default).bytes }
}

fn age(text: &str) -> Result<Duration, String> {
    let age = units::parse_duration(text)?;
    if age < SHORTEST || age > LONGEST {
        return Err("samples are kept at least 1d and at most 36500d; the default is 400d".to_owned());
    }
    Ok(age)
}

fn bytes(text: &str) -> Result<u64, String> {
    match units::parse_quantity(text) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the two bounds")]
        Ok((bytes, Some(Unit::Bytes))) if (LEAST..=MOST).contains(&bytes) => Ok(bytes as u64),
        Ok((_, Some(Unit::Bytes))) => {
            Err("the size must be at least 10MB and at most 1TB; the default is 450MB".to_owned())
        }
        _ => Err(format!("`{}` is not a size; write it like 450MB or 2GiB", text.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_have_bounds() {
        assert_eq!((bytes("450MB"), bytes("1GiB")), (Ok(450_000_000), Ok(1 << 30)));
        for wrong in ["9MB", "2TB", "-1GB", "450", "5m", "50%", "", "NaNMB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(age("30d"), Ok(Duration::from_hours(720)));
        for wrong in ["1h", "23h", "40000d", "soon", ""] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}

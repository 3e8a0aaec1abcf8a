//! `[sources.reserves]`: the custody addresses, and what may be missing of them.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use toml::Spanned;

use super::{Ground, Known, Reserves};
use crate::bridge::address::Address;
use crate::collect::settings;
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::model::time::Time;
use crate::text::check::Check;
use crate::text::{instant, money, units};

/// How often, where `every` is not given.
const EVERY: Duration = Duration::from_mins(1);
/// What fees may have cost, where `tolerance` is not given: ten of them.
const TOLERANCE: u128 = 10_000;
/// Between two looks at something that is bad, where `confirm_after` is not given: a round of Algorand and several of the
/// Internet Computer.
const CONFIRM: Duration = Duration::from_secs(5);
/// How long deposits and withdrawals are on their way, where `settle` is not given.
const SETTLE: Duration = Duration::from_mins(30);

/// `[sources.reserves]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Custody that counts: somebody can sign for it.
    pub custody: Option<Spanned<Vec<Spanned<String>>>>,
    /// Custody that nobody can sign for: shown, never counted.
    pub unspendable: Vec<Spanned<String>>,
    /// What may always be missing, ALGO.
    pub tolerance: Option<Spanned<Amount>>,
    /// The same as a part of what must be backed.
    pub tolerance_ratio: Option<Spanned<String>>,
    /// Between two looks at something that is bad.
    pub confirm_after: Option<Spanned<String>>,
    /// How long what is on its way at first sight may take.
    pub settle: Option<Spanned<String>>,
    /// How often; default 60s.
    pub every: Option<Spanned<String>>,
    /// A shortfall that people know of.
    pub known_shortfall: Option<Spanned<Shortfall>>,
}

/// `[sources.reserves.known_shortfall]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shortfall {
    /// How much, ALGO.
    pub algo: Spanned<Amount>,
    /// Why.
    pub reason: Spanned<String>,
    /// Until when it does not count.
    pub until: Spanned<String>,
}

/// An amount of ALGO as written, a string or a number; read exactly.
#[derive(Clone, Debug)]
pub struct Amount(String);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of ALGO such as \"24.12\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
        // the shortest text that means this number: 24.12 is 24.12
        Ok(Amount(number.to_string()))
    }
}

impl Settings {
    /// The source these settings describe; what is wrong goes to `check`. `ground`: the chains it reads, where they are
    /// configured.
    pub fn build(&self, table: &Range<usize>, ground: &Ground, check: &mut Check<'_>) -> Option<Reserves> {
        let every = settings::every(self.every.as_ref(), EVERY, check);
        let addresses = self.addresses(table, check);
        let tolerance = self.tolerance(check);
        let tolerance_ppm = self.ratio(check);
        let confirm_after = check.duration(self.confirm_after.as_ref(), CONFIRM);
        let settle = check.duration(self.settle.as_ref(), SETTLE);
        let known = self.known(check);
        let chains = ground.chains(table, check);
        let (spendable, addresses) = addresses?;
        Some(Reserves {
            every: every?,
            chains: chains?,
            spendable,
            addresses,
            tolerance: tolerance?,
            tolerance_ppm: tolerance_ppm?,
            confirm_after: confirm_after?,
            settle: settle?,
            known: known?,
            has_claims: ground.has_claims,
        })
    }

    /// The addresses that count, and all of them.
    fn addresses(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<(Vec<Address>, Vec<Address>)> {
        let help = "name the bridge's custody addresses: custody = [\"…\"]";
        let custody = check.required(self.custody.as_ref(), table, "custody", help)?;
        let before = check.faults.len();
        let mut all: Vec<Address> = Vec::new();
        let mut spendable = 0;
        for (at, key) in custody.get_ref().iter().chain(&self.unspendable).enumerate() {
            let Some(address) = check.parsed::<Address>(key) else { continue };
            if all.contains(&address) {
                let what = format!("the address {} is named twice", address.short());
                let help = "it would count twice; name it once, in `custody` or in `unspendable`";
                check.fault(Fault::error(what, Place::File(key.span())).help(help));
                continue;
            }
            all.push(address);
            spendable += usize::from(at < custody.get_ref().len());
        }
        if custody.get_ref().is_empty() {
            check.fault(Fault::error("`custody` is empty", Place::File(custody.span())).help(help));
        }
        (check.faults.len() == before).then(|| (all[..spendable].to_vec(), all))
    }

    fn tolerance(&self, check: &mut Check<'_>) -> Option<u128> {
        self.tolerance.as_ref().map_or(Some(TOLERANCE), |key| amount(key, check))
    }

    /// A part of one, in millionths.
    fn ratio(&self, check: &mut Check<'_>) -> Option<u128> {
        let Some(key) = &self.tolerance_ratio else { return Some(0) };
        match units::parse_quantity(key.get_ref()) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of one in millionths")]
            Ok((ratio, None | Some(Unit::Ratio))) if (0.0..1.0).contains(&ratio) => Some((ratio * 1e6).round() as u128),
            _ => {
                let what = format!("`{}` is not a part of what must be backed", key.get_ref().escape_debug());
                check.fault(Fault::error(what, Place::File(key.span())).help("write it like \"0.1%\""));
                None
            }
        }
    }

    #[allow(clippy::option_option, reason = "outer: whether the table is right; inner: whether it is there")]
    fn known(&self, check: &mut Check<'_>) -> Option<Option<Known>> {
        let Some(Shortfall { algo, reason, until }) = self.known_shortfall.as_ref().map(Spanned::get_ref) else {
            return Some(None);
        };
        let amount = amount(algo, check);
        if reason.get_ref().trim().is_empty() {
            let fault = Fault::error("a known shortfall needs its `reason`", Place::File(reason.span()));
            check.fault(fault.help("whoever reads that something is missing must also read why nobody worries"));
        }
        let end = end(until.get_ref());
        if end.is_none() {
            let what = format!("`{}` is not a day", until.get_ref().escape_debug());
            check.fault(Fault::error(what, Place::File(until.span())).help("write it like \"2026-12-31\" (UTC)"));
        }
        Some(Some(Known { amount: amount?, reason: reason.get_ref().clone(), until: end? }))
    }
}

fn amount(key: &Spanned<Amount>, check: &mut Check<'_>) -> Option<u128> {
    let read = money::parse(&key.get_ref().0);
    read.map_err(|what| check.fault(Fault::error(what, Place::File(key.span())))).ok()
}

/// The end of a day, or an instant.
fn end(text: &str) -> Option<Time> {
    let midnight = format!("{text}T00:00:00Z");
    instant::absolute(text).or_else(|| Some(instant::absolute(&midnight)? + Duration::from_hours(24)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;
    use crate::support::algorand::address;

    fn built(text: &str) -> (Option<Reserves>, Vec<String>) {
        let resolve = |text: &str| Ok(Secret::new(text));
        let mut check = Check::new(Duration::from_mins(1), &resolve);
        let settings = toml::from_str::<Settings>(text).unwrap();
        let reserves = settings.build(&(0..0), &super::super::kit::ground(), &mut check);
        let faults = check.faults.into_iter().map(|located| located.fault);
        (reserves, faults.map(|fault| fault.what).collect())
    }

    #[test]
    fn what_is_written_is_taken_exactly() {
        let text = format!(
            r#"
            custody = ["{}", "{}"]
            unspendable = ["{}"]
            tolerance = 0.000_001
            tolerance_ratio = "0.1%"
            known_shortfall = {{ algo = 24.12, reason = "written off", until = "2026-12-31" }}
            "#,
            address(1),
            address(2),
            address(3)
        );
        let (reserves, faults) = built(&text);
        assert_eq!(faults, [""; 0]);
        let reserves = reserves.unwrap();
        assert_eq!((reserves.spendable.len(), reserves.addresses.len()), (2, 3));
        assert_eq!((reserves.tolerance, reserves.tolerance_ppm), (1, 1_000));
        let known = reserves.known.unwrap();
        assert_eq!((known.amount, known.until.rfc3339().as_str()), (24_120_000, "2027-01-01T00:00:00Z"));
        let plain = built(&format!("custody = [\"{}\"]", address(1))).0.unwrap();
        assert_eq!((plain.tolerance, plain.tolerance_ppm, plain.known), (10_000, 0, None));
        assert_eq!((plain.confirm_after, plain.settle), (CONFIRM, SETTLE));
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let one = address(1);
        let slip = one.replacen('A', "B", 1);
        let text = format!(
            r#"
            custody = ["{one}", "{slip}"]
            unspendable = ["{one}"]
            tolerance = "-1"
            tolerance_ratio = "5m"
            known_shortfall = {{ algo = "1,5", reason = " ", until = "soon" }}
            "#
        );
        let (_, faults) = built(&text);
        let short = one.parse::<Address>().unwrap().short();
        assert_eq!(
            faults,
            [
                "the checksum of this Algorand address is wrong: a letter differs from the real one",
                &format!("the address {short} is named twice"),
                "`-1` is not an amount; write it like 24.12, with at most six decimals",
                "`5m` is not a part of what must be backed",
                "`1,5` is not an amount; write it like 24.12, with at most six decimals",
                "a known shortfall needs its `reason`",
                "`soon` is not a day",
            ]
        );
        assert_eq!(built("custody = []").1, ["`custody` is empty"]);
        assert_eq!(built("").1, ["`custody` is missing"]);
    }
}

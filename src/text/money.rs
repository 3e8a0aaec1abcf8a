//! Money, exactly: whole micro-units inside, decimals only where people read and write.

/// Micro-units in one unit.
const UNIT: u128 = 1_000_000;
/// Decimals of one unit.
const DECIMALS: usize = 6;

/// Micro-units as people read them: `1,214,806.402117`, without idle zeros.
pub fn amount(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let (whole, part) = (micro.unsigned_abs() / UNIT, micro.unsigned_abs() % UNIT);
    let digits = whole.to_string();
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if part > 0 {
        out.push('.');
        out.push_str(format!("{part:06}").trim_end_matches('0'));
    }
    out
}

/// The same for what is never negative.
pub fn unsigned(micro: u128) -> String {
    amount(i128::try_from(micro).unwrap_or(i128::MAX))
}

/// Reads `24.12`: digits, and at most six decimals. Nothing is rounded; what does not fit is refused.
pub fn parse(text: &str) -> Result<u128, String> {
    let wrong =
        || format!("`{}` is not an amount; write it like 24.12, with at most six decimals", text.escape_debug());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > DECIMALS {
        return Err(wrong());
    }
    let number = |digits: &str| digits.parse::<u128>().map_err(|_| wrong());
    let micro = number(&format!("{part:0<DECIMALS$}"))?;
    number(whole)?.checked_mul(UNIT).and_then(|whole| whole.checked_add(micro)).ok_or_else(wrong)
}

/// Units as a float, for samples and rules; verdicts are never made of these.
pub fn units(micro: i128) -> f64 {
    micro as f64 / UNIT as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_read_well() {
        for (micro, text) in [
            (0, "0"),
            (1, "0.000001"),
            (23_419_000, "23.419"),
            (-2_000, "-0.002"),
            (1_214_806_402_117, "1,214,806.402117"),
            // 2^53 + 1 micro-units, which no float holds
            (9_007_199_254_740_993, "9,007,199,254.740993"),
        ] {
            assert_eq!(amount(micro), text);
            assert_eq!(parse(&text.replace(',', "")).ok(), u128::try_from(micro).ok(), "{text}");
        }
        assert_eq!(unsigned(u128::MAX), amount(i128::MAX), "beyond any supply there is");
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "1,000", "1e3", "0.0000001", "inf", "340282366920938463463374607431769"]
        {
            assert!(parse(text).unwrap_err().starts_with(&format!("`{text}` is not an amount")), "{text}");
        }
        assert_eq!(parse("24"), Ok(24_000_000));
    }
}

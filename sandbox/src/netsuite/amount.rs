//! Exact amounts: fixed-point numbers with eight decimals, and the rounding of a currency.
//!
//! In: decimal text or JSON numbers. Out: [`Amount`]s and JSON numbers with their shortest digits. It must never see a
//! binary float.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Neg, Sub},
};

use serde_json::Value;

const DECIMALS: u32 = 8;
const ONE: i128 = 100_000_000;
/// Larger figures are refused on input, so that a product of two always fits.
const LIMIT: i128 = 10_000_000_000 * ONE;

/// A number with eight decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Amount(i128);

impl Amount {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const ONE: Self = Self(ONE);
    pub(crate) const HUNDRED: Self = Self(100 * ONE);

    /// Reads decimal text (`-12.50`, `1e-3`); further decimals are rounded half away from zero. None: not a number, or
    /// beyond ten thousand million.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || whole.len() + fraction.len() > 60 {
            return None;
        }
        let mut number = 0_i128;
        let shift = i64::from(DECIMALS) + i64::from(exponent) + i64::try_from(whole.len()).ok()?;
        let mut up = false;
        for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
            let digit = digit.to_digit(10)?;
            match i64::try_from(at).ok()?.cmp(&shift) {
                std::cmp::Ordering::Less => {
                    number = number.checked_mul(10)?.checked_add(i128::from(digit))?;
                }
                std::cmp::Ordering::Equal => up = digit >= 5,
                std::cmp::Ordering::Greater => {}
            }
        }
        let missing = shift - i64::try_from(whole.len() + fraction.len()).ok()?;
        if number != 0 && missing > 0 {
            number = number.checked_mul(10_i128.checked_pow(u32::try_from(missing).ok()?)?)?;
        }
        number += i128::from(up);
        (number <= LIMIT).then_some(Self(if negative { -number } else { number }))
    }

    /// Reads a JSON number, or text that is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    pub(crate) fn whole(number: i64) -> Self {
        Self(i128::from(number) * ONE)
    }

    /// The product, rounded at the eighth decimal.
    pub(crate) fn times(self, other: Self) -> Self {
        Self(divide(self.0.saturating_mul(other.0), ONE))
    }

    /// The quotient, rounded at the eighth decimal; nothing over zero.
    pub(crate) fn over(self, other: Self) -> Option<Self> {
        (other.0 != 0).then(|| Self(divide(self.0.saturating_mul(ONE), other.0)))
    }

    /// Rounded to so many decimals, half away from zero.
    pub(crate) fn round(self, decimals: u32) -> Self {
        let unit = 10_i128.pow(DECIMALS.saturating_sub(decimals));
        Self(divide(self.0, unit) * unit)
    }

    /// The whole part.
    pub(crate) fn trunc(self) -> i64 {
        i64::try_from(self.0 / ONE).unwrap_or(i64::MAX)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The JSON number with its shortest digits.
    pub(crate) fn json(self) -> Value {
        self.to_string().parse().map_or(Value::Null, Value::Number)
    }
}

fn divide(dividend: i128, divisor: i128) -> i128 {
    let (dividend, divisor) = if divisor < 0 { (-dividend, -divisor) } else { (dividend, divisor) };
    let half = divisor / 2;
    if dividend < 0 { (dividend - half) / divisor } else { (dividend + half) / divisor }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs();
        let (whole, fraction) = (digits / ONE.unsigned_abs(), digits % ONE.unsigned_abs());
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{fraction:08}").trim_end_matches('0'))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn reads_and_writes_digits() {
        for (text, shown) in [
            ("12.50", "12.5"),
            ("-0.07", "-0.07"),
            ("1e2", "100"),
            ("25e-1", "2.5"),
            ("0.123456785", "0.12345679"),
            (".5", "0.5"),
            ("5e-9", "0.00000001"),
            ("0e99999", "0"),
        ] {
            assert_eq!(n(text).to_string(), shown, "{text}");
        }
        for bad in ["", "-", "a", "1.2.3", "99999999999", "1e40", "0x1"] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rounds_half_away_from_zero() {
        assert_eq!(n("62.675").round(2), n("62.68"));
        assert_eq!(n("-62.675").round(2), n("-62.68"));
        assert_eq!(n("1250.5").round(0), n("1251"));
        assert_eq!(n("24.99").times(n("3")).round(2), n("74.97"));
        assert_eq!(n("10").over(n("3")).unwrap().round(3), n("3.333"));
    }
}

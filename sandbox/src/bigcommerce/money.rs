//! Fixed-point amounts with ten decimals, the twin's own arithmetic. In: decimal texts and JSON numbers. Out: texts
//! with the four decimals of V2, numbers as V3 prints them. It must never pass through a binary fraction.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Number, Value};

const DECIMALS: u32 = 10;
const SCALE: i128 = 10_i128.pow(DECIMALS);
/// Amounts from here on are refused at the door, so that no product of two of them can overflow.
const LIMIT: i128 = 100_000_000_000 * SCALE;

/// A decimal number with ten decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fixed(i128);

impl Fixed {
    /// Nothing.
    pub(super) const ZERO: Self = Self(0);
    /// One.
    pub(super) const ONE: Self = Self(SCALE);

    /// So many minor units of a currency with `digits` decimals.
    pub(super) fn from_minor(minor: i128, digits: u32) -> Self {
        Self(minor * 10_i128.pow(DECIMALS - digits.min(DECIMALS)))
    }

    /// A whole number.
    pub(super) fn whole(number: i64) -> Self {
        Self(i128::from(number) * SCALE)
    }

    /// Reads `12`, `-0.5`, `1.20e2`; further decimals than ten are rounded. Nothing if it is no number or too big.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{before}{after}");
        if all.is_empty() || all.len() > 30 || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let shift = i32::try_from(DECIMALS).ok()? + exponent - i32::try_from(after.len()).ok()?;
        let plain: i128 = all.parse().ok()?;
        let scaled = match u32::try_from(shift) {
            Ok(up) => plain.checked_mul(10_i128.checked_pow(up)?)?,
            Err(_) => divide(plain, 10_i128.checked_pow(shift.unsigned_abs())?),
        };
        (scaled < LIMIT).then_some(Self(if negative { -scaled } else { scaled }))
    }

    /// Reads a JSON number, or a number in a string: the platform takes both.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// The product, rounded to ten decimals.
    pub(super) fn mul(self, other: Self) -> Self {
        Self(divide(self.0 * other.0, SCALE))
    }

    /// The quotient, rounded to ten decimals; zero if `other` is zero.
    pub(super) fn div(self, other: Self) -> Self {
        if other.0 == 0 { Self::ZERO } else { Self(divide(self.0 * SCALE, other.0)) }
    }

    /// So many times the amount.
    pub(super) fn times(self, count: u32) -> Self {
        Self(self.0 * i128::from(count))
    }

    /// Its ten-billionths.
    pub(super) fn raw(self) -> i128 {
        self.0
    }

    /// Rounded to `digits` decimals, halves away from zero.
    pub(super) fn round(self, digits: u32) -> Self {
        Self::from_minor(self.minor(digits), digits)
    }

    /// The nearest number of minor units of a currency with `digits` decimals.
    pub(super) fn minor(self, digits: u32) -> i128 {
        divide(self.0, 10_i128.pow(DECIMALS - digits.min(DECIMALS)))
    }

    /// Whether it is nothing.
    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// With exactly `decimals` decimals, as V2 prints money (4) and rates (10).
    pub(super) fn text(self, decimals: u32) -> String {
        let minor = self.minor(decimals);
        let base = 10_i128.pow(decimals);
        let sign = if minor < 0 { "-" } else { "" };
        let (whole, rest) = (minor.abs() / base, minor.abs() % base);
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{rest:0width$}", width = decimals as usize)
    }

    /// As V2 prints money.
    pub(super) fn v2(self) -> Value {
        Value::String(self.text(4))
    }

    /// As V3 prints money: a number without needless zeros.
    pub(super) fn v3(self) -> Value {
        let text = self.to_string();
        text.parse::<Number>().map_or(Value::Null, Value::Number)
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text(DECIMALS);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Shares `minor` units out by `weights`, largest remainders first; the shares add up to `minor` and none is greater
/// than its weight as long as `minor` is not greater than their sum. Without weights nothing is shared out.
pub(super) fn allocate(minor: i128, weights: &[i128]) -> Vec<i128> {
    let sum: i128 = weights.iter().sum();
    if sum <= 0 {
        return vec![0; weights.len()];
    }
    let mut shares: Vec<i128> = weights.iter().map(|weight| minor * weight / sum).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(minor * weights[*at] % sum));
    let left = minor - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        shares[at] += 1;
    }
    shares
}

/// Division to the nearest whole number, halves away from zero.
fn divide(a: i128, b: i128) -> i128 {
    let (a, b) = if b < 0 { (-a, -b) } else { (a, b) };
    let half = b / 2 + b % 2;
    if a.abs() % b >= half { a / b + a.signum() } else { a / b }
}

impl Add for Fixed {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Fixed {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Fixed {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Fixed {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Fixed {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Fixed {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fixed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Self::from_json(&value).ok_or_else(|| D::Error::custom(format!("{value} is not an amount")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let cases = [
            ("0", "0.0000", "0"),
            ("12.5", "12.5000", "12.5"),
            ("-0.00005", "-0.0001", "-0.00005"),
            ("1.20e2", "120.0000", "120"),
            ("3E-1", "0.3000", "0.3"),
            ("7.99999", "8.0000", "7.99999"),
        ];
        for (text, v2, plain) in cases {
            let amount = Fixed::parse(text).expect(text);
            assert_eq!((amount.text(4).as_str(), amount.to_string().as_str()), (v2, plain), "{text}");
        }
        for text in ["", ".", "1.2.3", "ten", "1e40", "999999999999", "--1"] {
            assert_eq!(Fixed::parse(text), None, "{text}");
        }
    }

    #[test]
    fn halves_go_away_from_zero_and_thirds_do_not_drift() {
        let amount = |text| Fixed::parse(text).expect(text);
        assert_eq!(amount("0.005").round(2), amount("0.01"));
        assert_eq!(amount("-0.005").round(2), amount("-0.01"));
        assert_eq!(amount("0.0049999").round(2), amount("0"));
        assert_eq!(amount("10").div(amount("3")).text(10), "3.3333333333");
        assert_eq!(amount("10").mul(amount("0.0825")), amount("0.825"));
    }

    #[test]
    fn shares_add_up() {
        assert_eq!(allocate(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(allocate(7, &[5, 0, 2]), [5, 0, 2]);
        assert_eq!(allocate(5, &[]), Vec::<i128>::new());
        assert_eq!(allocate(5, &[0]), [0]);
    }
}

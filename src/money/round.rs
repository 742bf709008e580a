//! Rounding, always asked for by name. In: a decimal or a quotient, digits, a mode. Out: one rounding of the exact value.

use std::cmp::Ordering;

use rust_decimal::RoundingStrategy;

use super::{Decimal, Error};

/// Where a value between two neighbours goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Rounding {
    /// To the nearer one; the middle goes away from zero.
    #[default]
    HalfUp,
    /// To the nearer one; the middle goes to the even one.
    HalfEven,
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
    /// Towards minus infinity.
    Floor,
    /// Towards plus infinity.
    Ceiling,
}

impl Rounding {
    /// The names as expressions write them.
    pub const NAMES: &'static [&'static str] = &["half_up", "half_even", "down", "up", "floor", "ceiling"];

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "half_up" => Self::HalfUp,
            "half_even" => Self::HalfEven,
            "down" => Self::Down,
            "up" => Self::Up,
            "floor" => Self::Floor,
            "ceiling" => Self::Ceiling,
            _ => return None,
        })
    }

    fn strategy(self) -> RoundingStrategy {
        match self {
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::Down => RoundingStrategy::ToZero,
            Self::Up => RoundingStrategy::AwayFromZero,
            Self::Floor => RoundingStrategy::ToNegativeInfinity,
            Self::Ceiling => RoundingStrategy::ToPositiveInfinity,
        }
    }

    /// Whether a cut-off magnitude goes one up. `rest` compares what was cut off with one half; there was a rest.
    fn goes_up(self, negative: bool, odd: bool, rest: Ordering) -> bool {
        match self {
            Self::HalfUp => rest != Ordering::Less,
            Self::HalfEven => rest == Ordering::Greater || (rest == Ordering::Equal && odd),
            Self::Down => false,
            Self::Up => true,
            Self::Floor => negative,
            Self::Ceiling => !negative,
        }
    }
}

/// The value with `digits` digits after the point.
pub fn round(value: Decimal, digits: u32, mode: Rounding) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(digits.min(28), mode.strategy());
    rounded.rescale(digits.min(28));
    rounded
}

/// `a / b` with `digits` digits after the point: the exact quotient, rounded once.
pub fn divide_rounded(a: Decimal, b: Decimal, digits: u32, mode: Rounding) -> Result<Decimal, Error> {
    if b.is_zero() {
        return Err(Error::DivisionByZero);
    }
    let negative = a.is_sign_negative() != b.is_sign_negative();
    let (dividend, divisor) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    let shift = i64::from(digits) + i64::from(b.scale()) - i64::from(a.scale());
    let (mut quotient, rest) = shifted_quotient(dividend, divisor, shift)?;
    if let Some(half) = rest
        && mode.goes_up(negative, quotient % 2 == 1, half)
    {
        quotient += 1;
    }
    let magnitude = i128::try_from(quotient).map_err(|_| Error::Overflow)?;
    Decimal::try_from_i128_with_scale(if negative { -magnitude } else { magnitude }, digits)
        .map_err(|_| Error::Overflow)
}

/// The whole part of `dividend / divisor * 10^shift`, and how what is cut off compares with one half (none: nothing is).
/// Both numbers have at most 96 bits, so ten times a remainder still fits.
fn shifted_quotient(dividend: u128, divisor: u128, shift: i64) -> Result<(u128, Option<Ordering>), Error> {
    let (mut quotient, mut rest) = (dividend / divisor, dividend % divisor);
    if shift >= 0 {
        for _ in 0..shift {
            rest *= 10;
            let grown = quotient.checked_mul(10).and_then(|tens| tens.checked_add(rest / divisor));
            quotient = grown.ok_or(Error::Overflow)?;
            rest %= divisor;
        }
        return Ok((quotient, (rest != 0).then(|| (2 * rest).cmp(&divisor))));
    }
    let unit =
        u32::try_from(-shift).ok().and_then(|zeros| 10u128.checked_pow(zeros)).ok_or(Error::Overflow)?;
    let cut = quotient % unit;
    let half = (2 * cut).cmp(&unit);
    let half = if half == Ordering::Equal && rest != 0 { Ordering::Greater } else { half };
    Ok((quotient / unit, (cut != 0 || rest != 0).then_some(half)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dec(text: &str) -> Decimal {
        crate::money::decimal(text).unwrap()
    }

    #[test]
    fn each_mode_goes_its_way() {
        for (mode, plus, minus) in [
            ("half_up", "2.35", "-2.35"),
            ("half_even", "2.34", "-2.34"),
            ("down", "2.34", "-2.34"),
            ("up", "2.35", "-2.35"),
            ("floor", "2.34", "-2.35"),
            ("ceiling", "2.35", "-2.34"),
        ] {
            let mode = Rounding::from_name(mode).unwrap();
            assert_eq!(round(dec("2.345"), 2, mode), dec(plus), "{mode:?}");
            assert_eq!(round(dec("-2.345"), 2, mode), dec(minus), "{mode:?}");
            assert_eq!(divide_rounded(dec("4.69"), dec("2"), 2, mode), Ok(dec(plus)), "{mode:?}");
            assert_eq!(divide_rounded(dec("4.69"), dec("-2"), 2, mode), Ok(dec(minus)), "{mode:?}");
        }
        assert_eq!(
            Rounding::NAMES.iter().filter_map(|name| Rounding::from_name(name)).count(),
            Rounding::NAMES.len()
        );
    }

    #[test]
    fn digits_are_filled_up() {
        assert_eq!(round(dec("5"), 2, Rounding::HalfUp).to_string(), "5.00");
        assert_eq!(divide_rounded(dec("1"), dec("3"), 4, Rounding::HalfUp).unwrap().to_string(), "0.3333");
        assert_eq!(divide_rounded(dec("0.0000001"), dec("1"), 2, Rounding::Up).unwrap().to_string(), "0.01");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn a_rounded_quotient_is_within_one_unit(
            a in any::<i64>(), b in any::<i64>(), scale_a in 0u32..10, scale_b in 0u32..10, digits in 0u32..6, mode in 0usize..6,
        ) {
            prop_assume!(b != 0);
            let (a, b) = (Decimal::new(a, scale_a), Decimal::new(b, scale_b));
            let mode = Rounding::from_name(Rounding::NAMES[mode]).unwrap();
            if let Ok(quotient) = divide_rounded(a, b, digits, mode) {
                let unit = Decimal::new(1, digits);
                if let Ok(back) = crate::money::multiply(quotient, b) {
                    let gap = crate::money::subtract(back, a).unwrap().abs();
                    prop_assert!(gap <= crate::money::multiply(b.abs(), unit).unwrap());
                }
                if let Ok(exact) = crate::money::divide(a, b) {
                    prop_assert_eq!(quotient, round(exact, digits, mode));
                }
            }
        }
    }
}

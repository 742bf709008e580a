//! Arithmetic without a lost digit. In: two decimals. Out: the exact result, or an error. It must never round unasked:
//! `rust_decimal` does so past 28 digits, which shows in the scale of its result.

use super::{Decimal, Error, Rounding, divide_rounded};

const MAX_EXPONENT: u32 = 100;

/// `a + b`, exactly.
pub fn add(a: Decimal, b: Decimal) -> Result<Decimal, Error> {
    let kept =
        |a: Decimal, b: Decimal| a.checked_add(b).filter(|sum| sum.scale() >= a.scale().max(b.scale()));
    kept(a, b).or_else(|| kept(a.normalize(), b.normalize())).ok_or(Error::Overflow)
}

/// `a - b`, exactly.
pub fn subtract(a: Decimal, b: Decimal) -> Result<Decimal, Error> {
    add(a, -b)
}

/// `a * b`, exactly.
pub fn multiply(a: Decimal, b: Decimal) -> Result<Decimal, Error> {
    if a.is_zero() || b.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let kept =
        |a: Decimal, b: Decimal| a.checked_mul(b).filter(|product| product.scale() >= a.scale() + b.scale());
    kept(a, b).or_else(|| kept(a.normalize(), b.normalize())).ok_or(Error::Overflow)
}

/// `a / b` if it comes out exactly; see [`divide_rounded`] for the rest.
pub fn divide(a: Decimal, b: Decimal) -> Result<Decimal, Error> {
    if b.is_zero() {
        return Err(Error::DivisionByZero);
    }
    let quotient = a.checked_div(b).ok_or(Error::Overflow)?;
    match multiply(quotient, b) {
        Ok(back) if back == a => Ok(quotient.normalize()),
        _ => Err(Error::Endless),
    }
}

/// The whole number at or below `a / b`.
pub fn floor_divide(a: Decimal, b: Decimal) -> Result<Decimal, Error> {
    divide_rounded(a, b, 0, Rounding::Floor)
}

/// What [`floor_divide`] leaves: it has the sign of `b`.
pub fn remainder(a: Decimal, b: Decimal) -> Result<Decimal, Error> {
    if b.is_zero() {
        return Err(Error::DivisionByZero);
    }
    let rest = a.checked_rem(b).ok_or(Error::Overflow)?;
    let other_side = !rest.is_zero() && rest.is_sign_negative() != b.is_sign_negative();
    if other_side { add(rest, b) } else { Ok(rest) }
}

/// `a` to a small whole power.
pub fn power(a: Decimal, exponent: Decimal) -> Result<Decimal, Error> {
    let whole = exponent.fract().is_zero().then(|| u32::try_from(exponent).ok()).flatten();
    let times = whole.filter(|times| *times <= MAX_EXPONENT).ok_or(Error::Exponent)?;
    (0..times).try_fold(Decimal::ONE, |product, _| multiply(product, a))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dec(text: &str) -> Decimal {
        crate::money::decimal(text).unwrap()
    }

    #[test]
    fn results_are_exact_or_refused() {
        assert_eq!(add(dec("0.1"), dec("0.2")), Ok(dec("0.3")));
        assert_eq!(subtract(dec("5"), dec("5.00")), Ok(dec("0")));
        assert_eq!(multiply(dec("19.99"), dec("3")), Ok(dec("59.97")));
        assert_eq!(divide(dec("1"), dec("8")), Ok(dec("0.125")));
        assert_eq!(divide(dec("1"), dec("3")), Err(Error::Endless));
        assert_eq!(divide(dec("1"), dec("0")), Err(Error::DivisionByZero));
        assert_eq!(floor_divide(dec("-7"), dec("2")), Ok(dec("-4")));
        assert_eq!(remainder(dec("-7"), dec("2")), Ok(dec("1")));
        assert_eq!(remainder(dec("7"), dec("-2")), Ok(dec("-1")));
        assert_eq!(power(dec("1.1"), dec("2")), Ok(dec("1.21")));
        assert_eq!(power(dec("2"), dec("0.5")), Err(Error::Exponent));
        let tiny = dec("0.0000000000000000000000000001");
        assert_eq!(add(dec("79228162514264337593543950335"), tiny), Err(Error::Overflow));
        assert_eq!(multiply(tiny, dec("0.1")), Err(Error::Overflow));
    }

    /// Mantissas small enough that `i128` can say what is exact.
    fn plain() -> impl Strategy<Value = Decimal> {
        (-1_000_000_000_000_000i64..1_000_000_000_000_000, 0u32..9)
            .prop_map(|(digits, scale)| Decimal::new(digits, scale))
    }

    fn at_scale(value: Decimal, scale: u32) -> i128 {
        value.mantissa() * 10i128.pow(scale - value.scale())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn sums_and_products_agree_with_whole_numbers(a in plain(), b in plain()) {
            let sum = Decimal::from_i128_with_scale(at_scale(a, 9) + at_scale(b, 9), 9);
            prop_assert_eq!(add(a, b), Ok(sum));
            if let Ok(product) = multiply(a, b) {
                let zeros = a.scale() + b.scale() - product.scale().min(a.scale() + b.scale());
                prop_assert_eq!(product.mantissa() * 10i128.pow(zeros), a.mantissa() * b.mantissa());
            }
            prop_assert_eq!(subtract(add(a, b).unwrap(), b), Ok(a));
        }

        #[test]
        fn division_gives_back_what_was_divided(a in plain(), b in plain()) {
            prop_assume!(!b.is_zero());
            let (whole, rest) = (floor_divide(a, b).unwrap(), remainder(a, b).unwrap());
            prop_assert_eq!(add(multiply(whole, b).unwrap(), rest), Ok(a));
            prop_assert!(rest.is_zero() || rest.is_sign_negative() == b.is_sign_negative());
            prop_assert!(rest.abs() < b.abs());
            if let Ok(quotient) = divide(a, b) {
                prop_assert_eq!(multiply(quotient, b), Ok(a));
            }
        }
    }
}

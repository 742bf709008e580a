//! Splitting a total over weights. In: a total, weights, how many digits a share has. Out: shares that add up to the
//! total to the last minor unit.

use super::{Decimal, Error};

/// Splits `total` over `weights` by largest remainder; a share has `digits` digits after the point. Among equal remainders
/// the earlier share gets the unit. A negative total gives the same shares as its opposite, negative.
pub fn allocate(total: Decimal, weights: &[Decimal], digits: u32) -> Result<Vec<Decimal>, Error> {
    if let Some(weight) = weights.iter().find(|weight| weight.is_sign_negative() && !weight.is_zero()) {
        return Err(Error::NegativeWeight(*weight));
    }
    let units = whole(total.normalize(), digits).ok_or(Error::TotalTooFine(total, digits))??;
    let scale = weights.iter().map(|weight| weight.normalize().scale()).max().unwrap_or(0);
    let weights = weights.iter().map(|weight| whole(weight.normalize(), scale).ok_or(Error::Overflow)?);
    let weights = weights.collect::<Result<Vec<i128>, _>>()?;
    let shares = split(units.abs(), &weights)?.ok_or(Error::NoWeight(total))?;
    let signed = shares.into_iter().map(|share| if units < 0 { -share } else { share });
    signed
        .map(|share| Decimal::try_from_i128_with_scale(share, digits).map_err(|_| Error::Overflow))
        .collect()
}

/// A decimal as a whole number of `10^-digits`; none if it is finer than that.
pub(super) fn whole(value: Decimal, digits: u32) -> Option<Result<i128, Error>> {
    let zeros = digits.checked_sub(value.scale())?;
    Some(10i128.checked_pow(zeros).and_then(|unit| value.mantissa().checked_mul(unit)).ok_or(Error::Overflow))
}

/// Whole shares of whole units; none if there is something to split and nothing to split it over.
fn split(units: i128, weights: &[i128]) -> Result<Option<Vec<i128>>, Error> {
    let sum =
        weights.iter().try_fold(0i128, |sum, weight| sum.checked_add(*weight)).ok_or(Error::Overflow)?;
    if sum == 0 {
        return Ok((units == 0).then(|| vec![0; weights.len()]));
    }
    let mut shares = Vec::with_capacity(weights.len());
    let mut rests = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let part = units.checked_mul(*weight).ok_or(Error::Overflow)?;
        shares.push(part / sum);
        rests.push((part % sum, index));
    }
    let left = usize::try_from(units - shares.iter().sum::<i128>()).map_err(|_| Error::Overflow)?;
    rests.sort_by_key(|(rest, index)| (-rest, *index));
    for (_, index) in rests.iter().take(left) {
        shares[*index] += 1;
    }
    Ok(Some(shares))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dec(text: &str) -> Decimal {
        crate::money::decimal(text).unwrap()
    }

    #[test]
    fn shares_add_up() {
        let cases: [(&str, &[&str], u32, &[&str]); 6] = [
            ("10.00", &["1", "1", "1"], 2, &["3.34", "3.33", "3.33"]),
            ("-10.00", &["1", "1", "1"], 2, &["-3.34", "-3.33", "-3.33"]),
            ("100", &["50.5", "49.5"], 0, &["51", "49"]),
            ("0.05", &["3", "7"], 2, &["0.02", "0.03"]),
            ("1.000", &["0", "2"], 3, &["0.000", "1.000"]),
            ("0", &["0", "0"], 2, &["0.00", "0.00"]),
        ];
        for (total, weights, digits, shares) in cases {
            let weights: Vec<_> = weights.iter().map(|text| dec(text)).collect();
            let shares: Vec<_> = shares.iter().map(|text| dec(text)).collect();
            assert_eq!(allocate(dec(total), &weights, digits), Ok(shares), "{total}");
        }
    }

    #[test]
    fn what_cannot_be_split_is_said() {
        assert_eq!(allocate(dec("1.005"), &[dec("1")], 2), Err(Error::TotalTooFine(dec("1.005"), 2)));
        assert_eq!(allocate(dec("1"), &[dec("-1")], 2), Err(Error::NegativeWeight(dec("-1"))));
        assert_eq!(allocate(dec("1"), &[dec("0")], 2), Err(Error::NoWeight(dec("1"))));
        assert_eq!(allocate(dec("1"), &[], 2), Err(Error::NoWeight(dec("1"))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn nothing_is_lost_and_no_share_is_off_by_a_unit(
            total in -1_000_000_000i64..1_000_000_000, digits in 0u32..4, weights in prop::collection::vec((0i64..1_000_000, 0u32..5), 1..12),
        ) {
            let total = Decimal::new(total, digits);
            let weights: Vec<_> = weights.into_iter().map(|(digits, scale)| Decimal::new(digits, scale)).collect();
            let sum: Decimal = weights.iter().sum();
            match allocate(total, &weights, digits) {
                Err(error) => prop_assert_eq!(error, Error::NoWeight(total)),
                Ok(_) if sum.is_zero() => prop_assert!(total.is_zero()),
                Ok(shares) => {
                    prop_assert_eq!(shares.iter().sum::<Decimal>(), total);
                    for (share, weight) in shares.iter().zip(&weights) {
                        // |share * sum - total * weight| < one unit * sum, all exact at these sizes
                        let gap = (share * sum - total * weight).abs();
                        prop_assert!(gap < Decimal::new(1, digits) * sum);
                    }
                }
            }
        }
    }
}

//! Rounding amounts so that they keep their sum (also called controlled rounding). In: a total, exact amounts, how many
//! digits a share has. Out: shares that add up to the total, none further than a minor unit from its amount.

use super::{Decimal, Error, Rounding, allocate::whole, round};

/// An amount on its way: whole units below it, what is cut off, and whether it may go a whole unit up or down.
struct Part {
    units: i128,
    rest: Decimal,
    size: Decimal,
}

/// Rounds `amounts` to `digits` digits after the point so that together they make `total`: each goes to one of its two
/// neighbours, up where most is cut off. If that is not enough (the total was rounded by itself), whole amounts go one
/// unit up or down, the greatest first; nought stays nought. Further than a unit nothing is moved: that is an error.
pub fn round_to_sum(total: Decimal, amounts: &[Decimal], digits: u32) -> Result<Vec<Decimal>, Error> {
    let wanted = whole(total.normalize(), digits).ok_or(Error::TotalTooFine(total, digits))??;
    let mut parts = Vec::with_capacity(amounts.len());
    let mut missing = wanted;
    for amount in amounts {
        let below = round(*amount, digits, Rounding::Floor);
        let units = whole(below.normalize(), digits).ok_or(Error::Overflow)??;
        missing = missing.checked_sub(units).ok_or(Error::Overflow)?;
        parts.push(Part { units, rest: amount - below, size: amount.abs() });
    }
    let step = if missing < 0 { -1 } else { 1 };
    let mut order: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].may_move(step)).collect();
    order.sort_by_key(|at| (-parts[*at].rest, -parts[*at].size, *at));
    let count = usize::try_from(missing.unsigned_abs()).unwrap_or(usize::MAX);
    if count > order.len() {
        return Err(Error::SumTooFar(amounts.iter().sum(), total));
    }
    for at in order.into_iter().take(count) {
        parts[at].units += step;
    }
    let share = |part: &Part| Decimal::try_from_i128_with_scale(part.units, digits);
    parts.iter().map(share).collect::<Result<_, _>>().map_err(|_| Error::Overflow)
}

impl Part {
    /// Up goes what is cut off or whole, down only what is whole: the rest is below its amount already.
    fn may_move(&self, step: i128) -> bool {
        !self.size.is_zero() && (step > 0 || self.rest.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dec(text: &str) -> Decimal {
        crate::money::decimal(text).unwrap()
    }

    fn decs(texts: &[&str]) -> Vec<Decimal> {
        texts.iter().map(|text| dec(text)).collect()
    }

    #[test]
    fn each_goes_to_a_neighbour_and_the_sum_is_kept() {
        let cases: [(&str, &[&str], u32, &[&str]); 8] = [
            ("10.00", &["3.3333", "3.3333", "3.3334"], 2, &["3.33", "3.33", "3.34"]),
            ("10.00", &["3.335", "3.335", "3.33"], 2, &["3.34", "3.33", "3.33"]),
            ("7", &["3.4", "0", "3.4"], 0, &["4", "0", "3"]),
            // The total was rounded by itself, a unit off what the amounts make.
            ("9.99", &["2.00", "8.00"], 2, &["2.00", "7.99"]),
            ("10.01", &["2.00", "0", "8.00"], 2, &["2.00", "0.00", "8.01"]),
            ("10.01", &["2.004", "8.00"], 2, &["2.01", "8.00"]),
            ("4.50", &["9.503", "-5.00"], 2, &["9.50", "-5.00"]),
            ("0", &[], 2, &[]),
        ];
        for (total, amounts, digits, shares) in cases {
            assert_eq!(round_to_sum(dec(total), &decs(amounts), digits), Ok(decs(shares)), "{total}");
        }
    }

    #[test]
    fn nothing_is_moved_further_than_a_unit() {
        let refused = |total: &str, amounts: &[&str]| {
            let amounts = decs(amounts);
            let told = Error::SumTooFar(amounts.iter().sum(), dec(total));
            assert_eq!(round_to_sum(dec(total), &amounts, 2), Err(told), "{total}");
        };
        refused("10.02", &["10.00"]);
        refused("9.98", &["10.00"]);
        refused("9.99", &["10.004"]);
        refused("0.01", &["0", "0"]);
        refused("0.01", &[]);
        assert_eq!(round_to_sum(dec("1.005"), &[dec("1")], 2), Err(Error::TotalTooFine(dec("1.005"), 2)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        /// As a platform has it that rounds its sums only: the total is off by less than a unit.
        #[test]
        fn a_total_near_the_sum_is_met_within_a_unit(
            amounts in prop::collection::vec(-10_000_000i64..10_000_000, 1..40), digits in 0u32..4, off in -1i64..=1,
        ) {
            let amounts: Vec<Decimal> = amounts.into_iter().map(|ten_thousandths| Decimal::new(ten_thousandths, digits + 4)).collect();
            let (sum, unit) = (amounts.iter().sum::<Decimal>(), Decimal::new(1, digits));
            let total = round(sum, digits, Rounding::HalfUp) + unit * Decimal::from(off);
            match round_to_sum(total, &amounts, digits) {
                Ok(shares) => {
                    prop_assert_eq!(shares.iter().sum::<Decimal>(), total);
                    for (share, amount) in shares.iter().zip(&amounts) {
                        prop_assert!((share - amount).abs() <= unit, "{} is {}", amount, share);
                    }
                }
                // Only a total that is further than a unit from the sum may be out of reach.
                Err(_) => prop_assert!((total - sum).abs() > unit || amounts.iter().all(Decimal::is_zero)),
            }
        }
    }
}

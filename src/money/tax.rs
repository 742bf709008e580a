//! Prices with and without tax, and currencies. In: amounts, percents, rates, a rounding. Out: amounts rounded once.

use super::{Currency, Decimal, Error, Money, Rounding, add, divide_rounded, multiply, round};

const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

/// The part of a gross amount that is left without its tax: `gross * 100 / (100 + percent)`, rounded once.
pub fn net_of_tax(gross: Decimal, percent: Decimal, digits: u32, mode: Rounding) -> Result<Decimal, Error> {
    divide_rounded(multiply(gross, HUNDRED)?, factor(percent)?, digits, mode)
}

/// A net amount with its tax: `net * (100 + percent) / 100`, rounded once.
pub fn with_tax(net: Decimal, percent: Decimal, digits: u32, mode: Rounding) -> Result<Decimal, Error> {
    divide_rounded(multiply(net, factor(percent)?)?, HUNDRED, digits, mode)
}

/// An amount in another currency: `amount * rate`, rounded once to the minor unit of `to`.
pub fn convert(amount: Decimal, rate: Decimal, to: Currency, mode: Rounding) -> Result<Money, Error> {
    Ok(Money { amount: round(multiply(amount, rate)?, to.minor_digits(), mode), currency: to })
}

fn factor(percent: Decimal) -> Result<Decimal, Error> {
    let factor = add(HUNDRED, percent)?;
    if factor > Decimal::ZERO { Ok(factor) } else { Err(Error::TaxRate(percent)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        crate::money::decimal(text).unwrap()
    }

    #[test]
    fn tax_comes_off_and_goes_on() {
        assert_eq!(net_of_tax(dec("119.99"), dec("20"), 2, Rounding::HalfUp), Ok(dec("99.99")));
        assert_eq!(net_of_tax(dec("10"), dec("8.875"), 2, Rounding::HalfUp), Ok(dec("9.18")));
        assert_eq!(with_tax(dec("99.99"), dec("20"), 2, Rounding::HalfUp), Ok(dec("119.99")));
        assert_eq!(with_tax(dec("1000"), dec("10"), 0, Rounding::Down), Ok(dec("1100")));
        assert_eq!(net_of_tax(dec("1"), dec("-100"), 2, Rounding::HalfUp), Err(Error::TaxRate(dec("-100"))));
    }

    #[test]
    fn another_currency_rounds_to_its_own_unit() {
        let (yen, dinar) = (Currency::from_code("jpy").unwrap(), Currency::from_code("KWD").unwrap());
        assert_eq!(convert(dec("10.05"), dec("151.37"), yen, Rounding::HalfUp).unwrap().amount, dec("1521"));
        assert_eq!(
            convert(dec("10"), dec("0.30755"), dinar, Rounding::HalfEven).unwrap().amount,
            dec("3.076")
        );
    }
}

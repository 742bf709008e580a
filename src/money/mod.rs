//! Exact amounts of money: currencies, rounding, allocation. In: decimals and ISO 4217 codes. Out: [`Money`] or an
//! [`Error`]; never a result that lost a digit unasked. It must never know JSON, files or platforms.

mod allocate;
mod exact;
mod round;
mod round_to_sum;
mod tax;

use std::fmt;

pub use rust_decimal::Decimal;

pub use self::{
    allocate::allocate,
    exact::{add, divide, floor_divide, multiply, power, remainder, subtract},
    round::{Rounding, divide_rounded, round},
    round_to_sum::round_to_sum,
    tax::{convert, net_of_tax, with_tax},
};

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency of a three-letter code, in any case.
    pub fn from_code(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(&code.to_ascii_uppercase()).map(Self)
    }

    /// The three-letter code, upper case.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the point: 0 for JPY, 2 for GBP, 3 for KWD.
    pub fn minor_digits(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(2))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = String::deserialize(from)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom(format!("unknown currency `{code}`")))
    }
}

/// An exact amount in one currency. The amount may have more digits than the currency has (a rate on its way to an
/// explicit rounding).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Money {
    /// The amount, in major units.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
}

/// What cannot be done exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Text that is no decimal number of at most 28 digits.
    #[error("`{0}` is not an exact decimal (at most 28 digits)")]
    NotDecimal(String),
    /// The exact result has more than 28 digits.
    #[error("the exact result has more than 28 digits: round one side first")]
    Overflow,
    /// Two currencies met in one operation.
    #[error("{0:?} and {1:?} cannot meet in one operation: convert one with `fx`")]
    Currencies(Currency, Currency),
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A quotient that never ends, such as 1 / 3.
    #[error("the division does not come out exactly: put it inside a rounding, such as `round(a / b, 2)`")]
    Endless,
    /// An exponent that is no small whole number.
    #[error("an exponent must be a whole number from 0 to 100")]
    Exponent,
    /// An amount that its currency cannot pay.
    #[error("{0} has more digits than {1:?} has ({digits}): round it first, or read it as a `rate`", digits = .1.minor_digits())]
    TooFine(Decimal, Currency),
    /// More digits after the point than a total that is to be split may have.
    #[error("{0} has more than {1} digits after the point: round it before it is split")]
    TotalTooFine(Decimal, u32),
    /// A share below zero.
    #[error("a weight is negative ({0}): shares need weights of zero or more")]
    NegativeWeight(Decimal),
    /// Nothing to split over.
    #[error("an amount of {0} cannot be split: all weights are zero")]
    NoWeight(Decimal),
    /// Amounts too far from what they should make together.
    #[error(
        "amounts that add up to {0} cannot be rounded to make {1}: one of them would move by more than a minor unit"
    )]
    SumTooFar(Decimal, Decimal),
    /// A tax rate that would make a division by zero or a negative price.
    #[error("a tax rate of {0} percent is not possible")]
    TaxRate(Decimal),
}

/// Reads a decimal exactly, or says why not: a minus, digits, a point and digits (`.5` is 0.5); nothing else, no exponent.
pub fn decimal(text: &str) -> Result<Decimal, Error> {
    let refused = || Error::NotDecimal(text.chars().take(40).collect());
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if part.is_empty() || digits.is_empty() || !plain(whole) || !plain(part) {
        return Err(refused());
    }
    Decimal::from_str_exact(text).map_err(|_| refused())
}

impl Money {
    /// An amount that its currency can pay: no more digits than the currency has, trailing zeros aside.
    pub fn payable(amount: Decimal, currency: Currency) -> Result<Self, Error> {
        let rounded = round(amount, currency.minor_digits(), Rounding::HalfEven);
        if rounded == amount {
            Ok(Self { amount: rounded, currency })
        } else {
            Err(Error::TooFine(amount, currency))
        }
    }

    /// The amount with at least the digits of its currency (`5` GBP is `5.00`), as it goes out.
    pub fn written(&self) -> Decimal {
        let mut amount = self.amount;
        if amount.scale() < self.currency.minor_digits() {
            amount.rescale(self.currency.minor_digits());
        }
        amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        for (text, read) in [
            ("12.10", "12.10"),
            ("-0.5", "-0.5"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("007", "7"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ] {
            assert_eq!(decimal(text).map(|digits| digits.to_string()), Ok(read.into()), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "5.",
            "1_000",
            "1,000",
            "+5",
            "1e3",
            " 1",
            "1.2.3",
            "NaN",
            "٣",
            "79228162514264337593543950336",
            "0.00000000000000000000000000001",
        ] {
            assert_eq!(decimal(text), Err(Error::NotDecimal(text.into())), "{text}");
        }
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (code, digits) in [("JPY", 0), ("gbp", 2), ("KWD", 3), ("USD", 2)] {
            assert_eq!(Currency::from_code(code).map(Currency::minor_digits), Some(digits), "{code}");
        }
        assert_eq!(Currency::from_code("QQQ"), None);
        let pounds = Currency::from_code("GBP").unwrap();
        let amount = |text: &str| Money::payable(decimal(text).unwrap(), pounds);
        assert_eq!(amount("5").unwrap().written().to_string(), "5.00");
        assert_eq!(amount("5.1000").unwrap().written().to_string(), "5.10");
        assert_eq!(amount("5.101"), Err(Error::TooFine(decimal("5.101").unwrap(), pounds)));
    }
}

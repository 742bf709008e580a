//! Exact amounts of money: currencies, rounding, allocation. In: decimals and ISO 4217 codes. Out: [`Money`] or an
//! [`Error`]; never a result that lost a digit unasked. It must never know JSON, files or platforms.

use std::fmt;

pub use rust_decimal::Decimal;

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
}

/// Reads a decimal exactly, or says why not.
pub fn decimal(text: &str) -> Result<Decimal, Error> {
    Decimal::from_str_exact(text).map_err(|_| Error::NotDecimal(text.chars().take(40).collect()))
}

impl Money {
    /// The amount with at least the digits of its currency (`5` GBP is `5.00`), as it goes out.
    pub fn written(&self) -> Decimal {
        let mut amount = self.amount;
        if amount.scale() < self.currency.minor_digits() {
            amount.rescale(self.currency.minor_digits());
        }
        amount
    }
}

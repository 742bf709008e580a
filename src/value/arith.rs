//! Operators on values: exact, or an error in words. A plain 0 goes with any currency; text never counts as a number.

use super::{Number, Value};
use crate::money::{self, Currency, Decimal, Money, Rounding};

/// Why an operator has no result, in words fit for people.
pub type Refusal = String;

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`: numbers, amounts of one currency, lists.
    Add,
    /// `-`.
    Subtract,
    /// `*`: at most one side is an amount.
    Multiply,
    /// `/`: exact or an error.
    Divide,
    /// `//`: rounded down to a whole number.
    FloorDivide,
    /// `%`: has the sign of the right side.
    Remainder,
    /// `**`.
    Power,
}

impl Arithmetic {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "**",
        }
    }

    fn decimals(self, a: Decimal, b: Decimal) -> Result<Decimal, Refusal> {
        let exactly = match self {
            Self::Add => money::add,
            Self::Subtract => money::subtract,
            Self::Multiply => money::multiply,
            Self::Divide => money::divide,
            Self::FloorDivide => money::floor_divide,
            Self::Remainder => money::remainder,
            Self::Power => money::power,
        };
        exactly(a, b).map_err(|error| error.to_string())
    }

    /// `left op right`.
    pub fn apply(self, left: &Value, right: &Value) -> Result<Value, Refusal> {
        if let (Self::Add, Value::List(first), Value::List(second)) = (self, left, right) {
            return Ok(first.iter().chain(second.iter()).cloned().collect::<Vec<_>>().into());
        }
        let (Some(a), Some(b)) = (Quantity::of(left)?, Quantity::of(right)?) else {
            return Err(not_possible(left, self.symbol(), right));
        };
        match (a.currency, b.currency) {
            (None, None) => self.decimals(a.digits, b.digits).map(Value::from),
            (Some(one), Some(other)) => self.amounts(
                Money { amount: a.digits, currency: one },
                Money { amount: b.digits, currency: other },
            ),
            (Some(currency), None) => match self {
                Self::Multiply | Self::Divide => Ok(amount(self.decimals(a.digits, b.digits)?, currency)),
                Self::Add | Self::Subtract if b.digits.is_zero() => Ok(left.clone()),
                _ => Err(mixed(left, self.symbol(), right)),
            },
            (None, Some(currency)) => match self {
                Self::Multiply => Ok(amount(self.decimals(a.digits, b.digits)?, currency)),
                Self::Add if a.digits.is_zero() => Ok(right.clone()),
                Self::Subtract if a.digits.is_zero() => Ok(amount(-b.digits, currency)),
                _ => Err(mixed(left, self.symbol(), right)),
            },
        }
    }

    fn amounts(self, a: Money, b: Money) -> Result<Value, Refusal> {
        if a.currency != b.currency {
            return Err(money::Error::Currencies(a.currency, b.currency).to_string());
        }
        let result = self.decimals(a.amount, b.amount)?;
        match self {
            Self::Add | Self::Subtract | Self::Remainder => Ok(amount(result, a.currency)),
            Self::Divide | Self::FloorDivide => Ok(result.into()),
            Self::Multiply | Self::Power => Err(format!("amount {} amount is not possible", self.symbol())),
        }
    }
}

fn amount(amount: Decimal, currency: Currency) -> Value {
    Value::Money(Money { amount, currency })
}

/// A number or an amount, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// Its digits.
    pub digits: Decimal,
    /// Its currency, if it is an amount.
    pub currency: Option<Currency>,
}

impl Quantity {
    /// The quantity in a value: none if it is neither number nor amount; an error if the number has too many digits.
    pub fn of(value: &Value) -> Result<Option<Self>, Refusal> {
        Ok(match value {
            Value::Number(number) => Some(Self { digits: number.exact()?, currency: None }),
            Value::Money(money) => Some(Self { digits: money.amount, currency: Some(money.currency) }),
            _ => None,
        })
    }

    /// The same kind of quantity with other digits.
    pub fn with(self, digits: Decimal) -> Value {
        self.currency.map_or_else(|| digits.into(), |currency| amount(digits, currency))
    }
}

impl Number {
    /// The number as an exact decimal, or why it is none.
    pub fn exact(&self) -> Result<Decimal, Refusal> {
        match self {
            Self::Exact(digits) => Ok(*digits),
            Self::Written(text) => unwritten(text).ok_or_else(|| {
                format!("the number {} does not fit an exact decimal of 28 digits", shorten(text))
            }),
        }
    }
}

/// A number with an exponent, if its digits fit.
fn unwritten(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (mut digits, exponent) = (money::decimal(digits).ok()?.normalize(), exponent.parse::<i32>().ok()?);
    let scale = i32::try_from(digits.scale()).ok()?.checked_sub(exponent)?;
    if scale < 0 {
        return money::multiply(
            digits,
            money::power(Decimal::TEN, Decimal::from(scale.unsigned_abs())).ok()?,
        )
        .ok();
    }
    digits.set_scale(scale.unsigned_abs()).ok()?;
    Some(digits)
}

fn shorten(text: &str) -> String {
    if text.len() <= 40 {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(40).collect::<String>())
    }
}

/// `left / right`, rounded once.
pub fn divide_rounded(
    left: &Value,
    right: &Value,
    digits: Option<u32>,
    mode: Rounding,
) -> Result<Value, Refusal> {
    let (Some(a), Some(b)) = (Quantity::of(left)?, Quantity::of(right)?) else {
        return Err(not_possible(left, "/", right));
    };
    let currency = match (a.currency, b.currency) {
        (Some(one), Some(other)) if one != other => {
            return Err(money::Error::Currencies(one, other).to_string());
        }
        (Some(_), Some(_)) | (None, None) => None,
        (Some(currency), None) => Some(currency),
        (None, Some(_)) => return Err(mixed(left, "/", right)),
    };
    let digits = digits.unwrap_or_else(|| currency.map_or(0, Currency::minor_digits));
    let quotient =
        money::divide_rounded(a.digits, b.digits, digits, mode).map_err(|error| error.to_string())?;
    Ok(Quantity { digits: quotient, currency }.with(quotient))
}

/// `-value`.
pub fn negate(value: &Value) -> Result<Value, Refusal> {
    match Quantity::of(value)? {
        Some(quantity) => Ok(quantity.with(-quantity.digits)),
        None => Err(format!("minus {} is not possible", value.kind())),
    }
}

/// Two kinds that an operator does not join, and what may help.
pub(super) fn not_possible(left: &Value, symbol: &str, right: &Value) -> Refusal {
    let text = matches!(left, Value::Text(_)) || matches!(right, Value::Text(_));
    let help = match symbol {
        "+" if text => ": join text with `~`, turn text into a number with `| decimal`",
        _ if text => ": turn the text into a number with `| decimal`",
        _ if left.is_null() || right.is_null() => ": give it a value with `| default(…)`",
        _ => "",
    };
    format!("{} {symbol} {} is not possible{help}", left.kind(), right.kind())
}

pub(super) fn mixed(left: &Value, symbol: &str, right: &Value) -> Refusal {
    format!(
        "{} {symbol} {} is not possible: make the number an amount with `| money(currency)`",
        left.kind(),
        right.kind()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pounds(text: &str) -> Value {
        amount(money::decimal(text).unwrap(), Currency::from_code("GBP").unwrap())
    }

    fn number(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn amounts_and_numbers_keep_apart() {
        use Arithmetic::{Add, Divide, Multiply, Subtract};
        let dollars = amount(Decimal::ONE, Currency::from_code("USD").unwrap());
        let cases = [
            (Add, pounds("1.10"), pounds("2"), Ok(pounds("3.10"))),
            (Add, number("0"), pounds("2"), Ok(pounds("2"))),
            (Subtract, number("0"), pounds("2"), Ok(pounds("-2"))),
            (Multiply, number("3"), pounds("1.5"), Ok(pounds("4.5"))),
            (Divide, pounds("3"), pounds("2"), Ok(number("1.5"))),
            (
                Add,
                pounds("1"),
                dollars,
                Err("GBP and USD cannot meet in one operation: convert one with `fx`"),
            ),
            (
                Add,
                pounds("1"),
                number("1"),
                Err("amount + number is not possible: make the number an amount with `| money(currency)`"),
            ),
            (Multiply, pounds("1"), pounds("1"), Err("amount * amount is not possible")),
            (
                Add,
                "1".into(),
                number("1"),
                Err(
                    "text + number is not possible: join text with `~`, turn text into a number with `| decimal`",
                ),
            ),
            (
                Add,
                Value::Null,
                number("1"),
                Err("null + number is not possible: give it a value with `| default(…)`"),
            ),
            (Add, number("1e3"), number("1"), Ok(number("1001"))),
            (Multiply, number("12e-1"), number("1"), Ok(number("1.2"))),
            (
                Add,
                number("1e40"),
                number("1"),
                Err("the number 1e40 does not fit an exact decimal of 28 digits"),
            ),
        ];
        for (operator, left, right, result) in cases {
            assert_eq!(
                operator.apply(&left, &right),
                result.map_err(str::to_owned),
                "{left:?} {} {right:?}",
                operator.symbol()
            );
        }
    }

    #[test]
    fn lists_join() {
        let both = Arithmetic::Add.apply(&number("[1]"), &number("[2]"));
        assert_eq!(both, Ok(number("[1,2]")));
    }
}

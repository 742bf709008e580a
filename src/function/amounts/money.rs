//! `money`: an amount in a currency.

use crate::{
    function::{Args, Function, Param, Takes, amounts::decimal::readable, args::expected},
    money::{self, Currency, Money},
    shape::{CurrencyOf, Shape},
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "money",
    "An amount in a currency (ISO 4217 code). The number must not have more digits than the currency has: JPY 0, GBP 2, \
     KWD 3; round it first.",
    &[
        Param::needed("value", Takes::TEXT.or(Takes::QUANTITY)).constant(|value| readable(value).map(drop)),
        CURRENCY,
    ],
    |args| Shape::Money(literal_currency(args, 1)),
    run,
)
.examples(&[("'62.6' | money('GBP')", "62.60"), ("(62.6793 | round(2)) | money('GBP')", "62.68"), ("0.1 + 0.2 == 0.3", "true")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let currency = currency(args.text(1)?)?;
    if let Value::Money(money) = args.value(0)
        && money.currency != currency
    {
        return Err(money::Error::Currencies(money.currency, currency).to_string());
    }
    Money::payable(readable(args.value(0))?, currency).map(Value::Money).map_err(|error| error.to_string())
}

/// A parameter that takes the code of a currency.
pub(crate) const CURRENCY: Param = Param::needed("currency", Takes::TEXT)
    .constant(|code| currency(code.as_str().ok_or_else(|| expected("text", code))?).map(drop));

/// The currency of a code.
pub(crate) fn currency(code: &str) -> Result<Currency, Refusal> {
    let spelt = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let refusal = if spelt {
        format!("`{code}` is no ISO 4217 currency")
    } else {
        "the text is no ISO 4217 currency: expected three letters".into()
    };
    Currency::from_code(code).ok_or(refusal)
}

/// The currency of an argument, if it is a literal text.
pub(crate) fn literal_currency(args: &[Option<Shape>], index: usize) -> CurrencyOf {
    match args.get(index) {
        Some(Some(Shape::Enum(words))) if words.len() == 1 => {
            Currency::from_code(&words[0]).map_or(CurrencyOf::Unknown, CurrencyOf::Code)
        }
        _ => CurrencyOf::Unknown,
    }
}

//! `money`: an amount in a currency.

use crate::{
    function::{Args, Function, Param, Takes, amounts::decimal::read, args::expected},
    money::{self, Currency, Money},
    shape::{CurrencyOf, Shape},
    value::{Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "money",
    "An amount in a currency (ISO 4217 code). The number must not have more digits than the currency has: JPY 0, GBP 2, \
     KWD 3; round it first.",
    &[Param::needed("value", Takes::TEXT.or(Takes::QUANTITY)), Param::needed("currency", Takes::TEXT)],
    |args| Shape::Money(literal_currency(args, 1)),
    run,
)
.examples(&[("'62.6' | money('GBP')", "62.60"), ("(62.6793 | round(2)) | money('GBP')", "62.68"), ("0.1 + 0.2 == 0.3", "true")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let currency = currency(args.text(1)?)?;
    let digits = match args.value(0) {
        Value::Money(money) if money.currency != currency => {
            return Err(money::Error::Currencies(money.currency, currency).to_string());
        }
        Value::Money(money) => money.amount,
        Value::Number(number) => number.exact()?,
        Value::Text(text) => read(text)?,
        other => return Err(expected("number or text", other)),
    };
    Money::payable(digits, currency).map(Value::Money).map_err(|error| error.to_string())
}

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

//! Values crossing the border between a platform and expressions. In: a value and the shape of its record. Out: the value
//! with amounts, instants and booleans as expressions see them ([`inward`]), or as the platform writes them ([`outward`]).
//! Subtrees in which nothing changes stay shared.

use std::sync::Arc;

use super::{CurrencyOf, Mismatch, Object, Shape, Wire};
use crate::{
    money::{Currency, Decimal, Money},
    time::{self, Date, TimeZone, Timestamp},
    value::{Number, Value},
};

/// An answer as expressions see it. Fields that the record does not know stay as they are; a value that is not what the record
/// says is an error that names its path and never the value of a text.
pub fn inward(value: &Value, shape: &Shape) -> Result<Value, Mismatch> {
    inward_with(value, shape, &|_| None)
}

/// As [`inward`], where a currency may also be an id of the platform that `code` knows.
pub fn inward_with(
    value: &Value,
    shape: &Shape,
    code: &dyn Fn(&Value) -> Option<Currency>,
) -> Result<Value, Mismatch> {
    Border { way: Way::In, around: None, code }
        .convert(value, shape, Wire::Plain)
        .map(|changed| changed.unwrap_or_else(|| value.clone()))
}

/// A value as the platform writes it: amounts as numbers or texts, instants in the platform's form.
pub fn outward(value: &Value, shape: &Shape) -> Result<Value, Mismatch> {
    Border { way: Way::Out, around: None, code: &|_| None }
        .convert(value, shape, Wire::Plain)
        .map(|changed| changed.unwrap_or_else(|| value.clone()))
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    In,
    Out,
}

/// The objects around a value, the innermost first: an amount's currency is looked for in them.
#[derive(Clone, Copy)]
struct Border<'a> {
    way: Way,
    around: Option<&'a Around<'a>>,
    code: &'a dyn Fn(&Value) -> Option<Currency>,
}

struct Around<'a> {
    object: &'a Value,
    outer: Option<&'a Around<'a>>,
}

/// None: nothing changes.
type Changed = Result<Option<Value>, Mismatch>;

impl Border<'_> {
    fn convert(self, value: &Value, shape: &Shape, wire: Wire) -> Changed {
        match (shape, value) {
            (Shape::Optional(inner), _) => self.convert(value, inner, wire),
            (_, Value::Null) | (Shape::Any, _) => Ok(None),
            (Shape::List(element), Value::List(items)) => self.list(items, element, wire),
            (Shape::Object(object), Value::Map(_)) => self.object(value, object),
            (Shape::List(_) | Shape::Object(_), _) => Err(expected(shape, value)),
            _ if self.way == Way::In => self.scalar_in(value, shape, wire),
            _ => scalar_out(value, shape, wire),
        }
    }

    fn list(self, items: &[Value], element: &Shape, wire: Wire) -> Changed {
        let mut changed: Option<Vec<Value>> = None;
        for (index, item) in items.iter().enumerate() {
            let converted = self.convert(item, element, wire).map_err(|miss| miss.below_index(index))?;
            if let Some(new) = converted {
                changed.get_or_insert_with(|| items.to_vec())[index] = new;
            }
        }
        Ok(changed.map(Value::from))
    }

    fn object(self, value: &Value, object: &Object) -> Changed {
        let Value::Map(map) = value else { return Ok(None) };
        let around = Around { object: value, outer: self.around };
        let inside = Border { way: self.way, around: Some(&around), code: self.code };
        let mut changed = None;
        for (name, field) in &object.fields {
            let Some(member) = map.get(name) else { continue };
            let converted =
                inside.convert(member, &field.shape, field.wire).map_err(|miss| miss.below_name(name))?;
            if let Some(new) = converted {
                changed.get_or_insert_with(|| map.as_ref().clone()).insert(Arc::clone(name), new);
            }
        }
        Ok(changed.map(Value::from))
    }

    fn scalar_in(self, value: &Value, shape: &Shape, wire: Wire) -> Changed {
        match wire {
            Wire::BoolTf => return bool_tf(value).map(Some),
            Wire::Rfc2822 | Wire::Unix => return instant_in(value, wire).map(Some),
            Wire::UsDate => return us_date_in(value).map(Some),
            Wire::Plain | Wire::Text => {}
        }
        match shape {
            Shape::Money(currency) => self.amount_in(value, currency).map(Some),
            Shape::Rate | Shape::Number | Shape::Int => number_in(value, shape),
            Shape::Bool if !matches!(value, Value::Bool(_)) => Err(expected(shape, value)),
            Shape::Text(_) | Shape::Enum(_) if matches!(value, Value::List(_) | Value::Map(_)) => {
                Err(expected(shape, value))
            }
            _ => Ok(None),
        }
    }

    fn amount_in(self, value: &Value, currency: &CurrencyOf) -> Result<Value, Mismatch> {
        if matches!(value, Value::Money(_)) {
            return Ok(value.clone());
        }
        let digits = digits(value).ok_or_else(|| expected(&Shape::Money(currency.clone()), value))?;
        let currency = match currency {
            CurrencyOf::Code(currency) => *currency,
            CurrencyOf::Field(name) => self.currency(name)?,
            CurrencyOf::Unknown | CurrencyOf::Unrounded(_) => return Ok(digits.into()),
        };
        Money::payable(digits, currency).map(Value::Money).map_err(|error| Mismatch::here(error.to_string()))
    }

    /// What the nearest field of that name says.
    fn currency(self, name: &str) -> Result<Currency, Mismatch> {
        let mut around = self.around;
        while let Some(here) = around {
            if let Some(code) = name.split('.').try_fold(here.object, |value, step| value.get(step)) {
                let known = code.as_str().and_then(Currency::from_code).or_else(|| (self.code)(code));
                return known.ok_or_else(|| {
                    Mismatch::here(format!("`{name}` is no ISO 4217 currency, so the amount has none"))
                });
            }
            around = here.outer;
        }
        Err(Mismatch::here(format!("there is no `{name}`, so the amount has no currency")))
    }
}

impl Mismatch {
    fn below_name(mut self, name: &Arc<str>) -> Self {
        self.path.insert(0, Arc::clone(name));
        self
    }

    fn below_index(mut self, index: usize) -> Self {
        self.path.insert(0, format!("[{index}]").into());
        self
    }
}

fn expected(shape: &Shape, value: &Value) -> Mismatch {
    Mismatch::here(format!("expected {shape}, found {}", value.kind()))
}

/// A number, or text that is one.
fn digits(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => number.exact().ok(),
        Value::Text(text) => crate::money::decimal(text.trim()).ok(),
        _ => None,
    }
}

fn number_in(value: &Value, shape: &Shape) -> Changed {
    match value {
        Value::Number(_) | Value::Money(_) => Ok(None),
        _ => digits(value).map(|digits| Some(digits.into())).ok_or_else(|| expected(shape, value)),
    }
}

fn bool_tf(value: &Value) -> Result<Value, Mismatch> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::Text(text) if &**text == "T" => Ok(Value::Bool(true)),
        Value::Text(text) if &**text == "F" => Ok(Value::Bool(false)),
        _ => Err(Mismatch::here(format!("expected `T` or `F`, found {}", value.kind()))),
    }
}

fn instant_in(value: &Value, wire: Wire) -> Result<Value, Mismatch> {
    let refused = || Mismatch::here(format!("expected an instant, found {}", value.kind()));
    let at = match (value, wire) {
        (Value::Text(text), _) if text.is_empty() => return Ok(Value::Null),
        (Value::Number(_), Wire::Unix) => {
            value.as_i64().and_then(|seconds| time::from_unix(seconds).ok()).ok_or_else(refused)?
        }
        (Value::Text(text), _) => time::read(text, &TimeZone::UTC)
            .map_err(|_| Mismatch::here("expected an instant, found text that is none"))?
            .timestamp(),
        _ => return Err(refused()),
    };
    Ok(at.to_string().into())
}

fn us_date_in(value: &Value) -> Result<Value, Mismatch> {
    let Value::Text(text) = value else {
        return Err(Mismatch::here(format!("expected M/D/YYYY, found {}", value.kind())));
    };
    match time::us_date(text) {
        Some(date) => Ok(date.to_string().into()),
        None if text.is_empty() => Ok(Value::Null),
        None if text.parse::<Date>().is_ok() => Ok(value.clone()),
        None => Err(Mismatch::here("expected M/D/YYYY, found other text")),
    }
}

fn scalar_out(value: &Value, shape: &Shape, wire: Wire) -> Changed {
    if let (Shape::Int, Value::Number(_) | Value::Money(_)) = (shape, value) {
        let whole = whole(value)?;
        let is_plain = matches!(value, Value::Number(Number::Exact(digits)) if digits.scale() == 0);
        return Ok(match wire {
            Wire::Text => Some(whole.to_string().into()),
            _ => (!is_plain).then(|| whole.into()),
        });
    }
    match (wire, value) {
        (Wire::BoolTf, Value::Bool(truth)) => Ok(Some(if *truth { "T" } else { "F" }.into())),
        (Wire::Rfc2822 | Wire::Unix | Wire::UsDate, Value::Text(text)) => time_out(text, wire).map(Some),
        (Wire::Text, Value::Number(_) | Value::Money(_)) => Ok(value.scalar_text().map(Value::from)),
        (_, Value::Money(money)) if matches!(shape, Shape::Text(_)) => {
            Ok(Some(money.written().to_string().into()))
        }
        (_, Value::Money(money)) => Ok(Some(money.written().into())),
        (_, Value::Number(number)) if shape.is_text() => Ok(Some(number.to_string().into())),
        (_, Value::Text(text)) => text_fits(text, shape).map(|()| None),
        _ => Ok(None),
    }
}

/// A whole number of 64 bits, however it is written: `101.0` and `1e2` are, `101.5` and `1e400` are not.
fn whole(value: &Value) -> Result<i64, Mismatch> {
    let exact = digits(value).or_else(|| value.as_decimal()).filter(|digits| digits.fract().is_zero());
    exact
        .and_then(|digits| i64::try_from(digits).ok())
        .ok_or_else(|| Mismatch::here(format!("expected {} of 64 bits, found another number", Shape::Int)))
}

fn time_out(text: &str, wire: Wire) -> Result<Value, Mismatch> {
    let told = |error: time::Error| Mismatch::here(error.to_string());
    let at = time::read(text, &TimeZone::UTC).map_err(told)?;
    Ok(match wire {
        Wire::Rfc2822 => time::write_rfc2822(at.timestamp()).map_err(told)?.into(),
        Wire::Unix => Value::Number(Number::Exact(Timestamp::as_second(at.timestamp()).into())),
        _ => time::write_us_date(at.date()).into(),
    })
}

fn text_fits(text: &str, shape: &Shape) -> Result<(), Mismatch> {
    match shape {
        Shape::Text(known) => match known.max_len {
            Some(most) if text.chars().nth(most as usize).is_some() => Err(Mismatch::here(format!(
                "has {} characters, at most {most} are possible: shorten it with `| clip({most})`",
                text.chars().count()
            ))),
            _ => Ok(()),
        },
        Shape::Enum(words) if !words.iter().any(|word| &**word == text) => {
            Err(Mismatch::here(format!("expected {shape}, found another text")))
        }
        Shape::Number | Shape::Int | Shape::Rate | Shape::Money(_) | Shape::Bool => {
            Err(Mismatch::here(format!("expected {shape}, found text")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Field, TextShape};

    fn json(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    fn field(shape: Shape, wire: Wire) -> Field {
        Field { wire, ..Field::optional(shape) }
    }

    fn order() -> Shape {
        let amount = || Shape::Money(CurrencyOf::Field("currency".into()));
        let line = Object {
            fields: [("cost".into(), field(amount(), Wire::Text))].into_iter().collect(),
            ..Object::default()
        };
        let short = Shape::Text(TextShape { max_len: Some(3), format: None });
        let fields = [
            ("total".into(), field(amount(), Wire::Text)),
            ("unit".into(), field(Shape::Rate, Wire::Text)),
            ("lines".into(), field(Shape::Object(Arc::new(line)).list(), Wire::Plain)),
            ("made".into(), field(Shape::TEXT, Wire::Rfc2822)),
            ("paid".into(), field(Shape::TEXT, Wire::Unix)),
            ("due".into(), field(Shape::TEXT, Wire::UsDate)),
            ("closed".into(), field(Shape::Bool, Wire::BoolTf)),
            ("code".into(), field(short, Wire::Plain)),
        ];
        Shape::Object(Arc::new(Object { fields: fields.into_iter().collect(), ..Object::default() }))
    }

    #[test]
    fn a_record_comes_in_and_goes_out_as_it_was() {
        let text = r#"{"currency":"GBP","total":"62.60","unit":"1.2345","lines":[{"cost":"5.00"}],"made":"Tue, 20 Nov 2012 00:00:00 +0000","paid":1353369600,"due":"11/2/2026","closed":"T","other":[1]}"#;
        let inside = inward(&json(text), &order()).unwrap();
        assert!(matches!(inside.get("total"), Some(Value::Money(money)) if money.currency.code() == "GBP"));
        assert!(matches!(inside.get("lines").unwrap().at(0).unwrap().get("cost"), Some(Value::Money(_))));
        assert_eq!(
            inside.to_json(),
            r#"{"currency":"GBP","total":62.60,"unit":1.2345,"lines":[{"cost":5.00}],"made":"2012-11-20T00:00:00Z","paid":"2012-11-20T00:00:00Z","due":"2026-11-02","closed":true,"other":[1]}"#
        );
        assert_eq!(outward(&inside, &order()).unwrap().to_json(), text);
    }

    #[test]
    fn a_whole_number_goes_out_as_one_or_not_at_all() {
        for (text, sent) in [
            ("101", "101"),
            ("101.0", "101"),
            ("1e2", "100"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            assert_eq!(outward(&json(text), &Shape::Int).unwrap().to_json(), sent);
        }
        for text in ["101.5", "1e400", "1e-1", "9223372036854775808", "-1e19"] {
            let error = outward(&json(text), &Shape::Int).unwrap_err().to_string();
            assert_eq!(error, "expected whole number of 64 bits, found another number", "{text}");
        }
    }

    #[test]
    fn nothing_to_change_shares_the_value() {
        let value = json(r#"{"code":"ab","x":{"y":[1]}}"#);
        let (Value::Map(before), Value::Map(after)) = (&value, inward(&value, &order()).unwrap()) else {
            panic!("no object")
        };
        assert!(Arc::ptr_eq(before, &after));
    }

    #[test]
    fn what_does_not_fit_names_its_path() {
        for (text, message) in [
            (
                r#"{"currency":"GBP","total":"62.6793"}"#,
                "`total`: 62.6793 has more digits than GBP has (2): round it first, or read it as a `rate`",
            ),
            (
                r#"{"currency":"JPY","total":"5.5"}"#,
                "`total`: 5.5 has more digits than JPY has (0): round it first, or read it as a `rate`",
            ),
            (
                r#"{"currency":"QQQ","total":"1"}"#,
                "`total`: `currency` is no ISO 4217 currency, so the amount has none",
            ),
            (r#"{"total":"1"}"#, "`total`: there is no `currency`, so the amount has no currency"),
            (
                r#"{"currency":"GBP","lines":[{},{"cost":"dear"}]}"#,
                "`lines.[1].cost`: expected amount, found text",
            ),
            (r#"{"unit":true}"#, "`unit`: expected rate, found boolean"),
            (r#"{"made":"yesterday"}"#, "`made`: expected an instant, found text that is none"),
            (r#"{"closed":"yes"}"#, "`closed`: expected `T` or `F`, found text"),
            (r#"{"lines":{}}"#, "`lines`: expected list of object, found object"),
        ] {
            assert_eq!(inward(&json(text), &order()).unwrap_err().to_string(), message);
        }
        let long = outward(&json(r#"{"code":"abcd"}"#), &order()).unwrap_err().to_string();
        assert_eq!(long, "`code`: has 4 characters, at most 3 are possible: shorten it with `| clip(3)`");
    }
}

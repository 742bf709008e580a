//! `compare`: what two lists of records disagree on.

use indexmap::IndexMap;

use crate::{
    function::{Args, Function, Param, Takes, args::expected, element, items::group_by::key},
    money,
    shape::Shape,
    value::{Hash, Path, Quantity, Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "compare",
    "Compares two lists of objects, matched by one attribute or a list of attributes: `missing` (only left), `extra` (only \
     right), `different` and `same` (`{key, left, right}`; `different` also names the `fields`). Only `fields` are compared; \
     numbers and amounts may differ by `tolerance`.",
    &[
        Param::needed("left", Takes::LIST),
        Param::needed("right", Takes::LIST),
        Param::needed("by", Takes::NAMES),
        Param::optional("fields", Takes::NAMES),
        Param::optional("tolerance", Takes::NUMBER),
    ],
    |args| {
        let (left, right) = (element(args, 0), element(args, 1));
        let pair = [("key", Shape::Any), ("left", left.clone()), ("right", right.clone())];
        let differing = pair.clone().into_iter().chain([("fields", Shape::TEXT.list())]);
        Shape::object([
            ("missing", left.list()),
            ("extra", right.list()),
            ("different", Shape::object(differing).list()),
            ("same", Shape::object(pair).list()),
        ])
    },
    run,
)
.examples(&[
    ("compare([{'id': 1, 'n': 5}, {'id': 2, 'n': 5}], [{'id': 2, 'n': 6}], by='id', fields=['n']).different | map(attribute='fields')", "[[\"n\"]]"),
    ("compare([{'id': 1}], [{'id': 2}], by='id').missing", "[{\"id\":1}]"),
    ("compare([{'id': 1, 'n': 5}], [{'id': 1, 'n': 5.01}], by='id', fields='n', tolerance=0.01).different", "[]"),
]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let (by, fields) = (args.names(2)?, args.names(3)?);
    let tolerance = if args.given(4).is_some() { args.quantity(4)?.digits } else { money::Decimal::ZERO };
    let mut right = keyed(args.list(1)?, &by)?;
    let (mut missing, mut different, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for (hash, (key, left)) in keyed(args.list(0)?, &by)? {
        let Some((_, other)) = right.shift_remove(&hash) else {
            missing.push(left.clone());
            continue;
        };
        let wrong = differing(left, other, &fields, tolerance)?;
        let pair = [("key", key), ("left", left.clone()), ("right", other.clone())];
        if wrong.is_empty() {
            same.push(Value::object(pair));
        } else {
            different.push(Value::object(pair.into_iter().chain([("fields", wrong.into())])));
        }
    }
    let extra = Value::list(right.into_values().map(|(_, item)| item.clone()));
    Ok(Value::object([
        ("missing", missing.into()),
        ("extra", extra),
        ("different", different.into()),
        ("same", same.into()),
    ]))
}

fn keyed<'v>(items: &'v [Value], by: &[Path]) -> Result<IndexMap<Hash, (Value, &'v Value)>, Refusal> {
    let mut keyed = IndexMap::new();
    for item in items {
        let key = key(item, by)?;
        if keyed.insert(key.hash(), (key, item)).is_some() {
            return Err("two elements of one list have the same key".into());
        }
    }
    Ok(keyed)
}

/// The names of the fields that differ. A field that one side lacks differs from any but null.
fn differing(
    left: &Value,
    right: &Value,
    fields: &[Path],
    tolerance: money::Decimal,
) -> Result<Vec<Value>, Refusal> {
    let mut wrong = Vec::new();
    for field in fields {
        let (one, two) =
            (field.find(left).unwrap_or(&Value::Null), field.find(right).unwrap_or(&Value::Null));
        if !agree(one, two, tolerance)? {
            wrong.push(field.to_string().into());
        }
    }
    Ok(wrong)
}

fn agree(one: &Value, two: &Value, tolerance: money::Decimal) -> Result<bool, Refusal> {
    if one.same(two)? {
        return Ok(true);
    }
    let (Some(a), Some(b)) = (Quantity::of(one)?, Quantity::of(two)?) else { return Ok(false) };
    if tolerance.is_sign_negative() {
        return Err(expected("tolerance of zero or more", &tolerance.into()));
    }
    let gap = money::subtract(a.digits, b.digits).map_err(|error| error.to_string())?;
    Ok(gap.abs() <= tolerance)
}

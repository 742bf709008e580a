//! `group_by`: elements that have an attribute in common.

use indexmap::IndexMap;

use crate::{
    function::{Args, Function, Param, Takes, args::expected, element},
    shape::Shape,
    value::{Hash, Path, Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "group_by",
    "Groups the elements by one attribute, or by a list of attributes: a list of `{key, items}` in the order the keys first \
     come. The key of several attributes is an object.",
    &[Param::needed("list", Takes::LIST), Param::needed("by", Takes::NAMES)],
    |args| {
        let items = element(args, 0).list();
        Shape::object([("key", Shape::Any), ("items", items)]).list()
    },
    run,
)
.examples(&[
    ("[{'k': 1, 'v': 'a'}, {'k': 2, 'v': 'b'}, {'k': 1, 'v': 'c'}] | group_by('k') | map(attribute='items') | map('length')", "[2,1]"),
    ("[{'a': 1, 'b': 2}] | group_by(['a', 'b']) | map(attribute='key')", "[{\"a\":1,\"b\":2}]"),
]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let by = args.names(1)?;
    if by.is_empty() {
        return Err(expected("attribute name", args.value(1)));
    }
    let mut groups: IndexMap<Hash, (Value, Vec<Value>)> = IndexMap::new();
    for item in args.list(0)? {
        let key = key(item, &by)?;
        groups.entry(key.hash()).or_insert_with(|| (key, Vec::new())).1.push(item.clone());
    }
    Ok(Value::list(
        groups.into_values().map(|(key, items)| Value::object([("key", key), ("items", items.into())])),
    ))
}

/// What an element is grouped or matched by.
pub(crate) fn key(item: &Value, by: &[Path]) -> Result<Value, Refusal> {
    let part = |path: &Path| path.find(item).cloned().ok_or_else(|| format!("an element has no `{path}`"));
    match by {
        [one] => part(one),
        several => {
            let parts = several.iter().map(|path| Ok((path.to_string(), part(path)?)));
            Ok(Value::object(parts.collect::<Result<Vec<_>, Refusal>>()?))
        }
    }
}

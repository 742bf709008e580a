//! Record schemas to shapes. In: JSON Schema files (a subset of 2020-12, with border types of our own). Out: [`Records`], one
//! shape a record. It must never know a connector or a flow.

mod schema;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    problem::{Problem, Problems, codes},
    shape::{Shape, near},
    source::{Sources, Span},
    yaml::{self, Kind, Node},
};

/// Every record that is known, by name (`bigcommerce.order`).
#[derive(Clone, Debug, Default)]
pub struct Records(BTreeMap<Arc<str>, Shape>);

impl Records {
    /// Reads record files: their numbers in `sources`, whose names end in `<system>/<record>.json`. Of two of one name the first
    /// is an estate's, which adds to the second.
    pub fn read(files: &[u32], sources: &Sources, problems: &mut Problems) -> Self {
        Self::read_beside(files, Vec::new(), sources, problems)
    }

    /// As [`Records::read`], beside records that are there and could not be read: nothing is known of them.
    pub fn read_beside(
        files: &[u32],
        mut unread: Vec<Arc<str>>,
        sources: &Sources,
        problems: &mut Problems,
    ) -> Self {
        let mut nodes = BTreeMap::new();
        for file in files {
            let name = sources.get(*file).and_then(|source| name_of(&source.name));
            let Some(node) = yaml::read(sources, *file, problems) else {
                // It is there, only nothing is known of it.
                unread.extend(name);
                continue;
            };
            let span = Span { file: *file, start: 0, end: 1 };
            let Some(name) = name else {
                let told = "a record file lies at `<system>/<record>.json`";
                problems.add(Problem::error(codes::RECORD, span, told));
                continue;
            };
            check_id(&name, &node, problems);
            let whole = match nodes.remove(&name) {
                Some(more) => with_more(&node, &more),
                None => node,
            };
            nodes.insert(name, whole);
        }
        let mut reader = schema::Reader::new(&nodes, &unread, problems);
        let names: Vec<_> = nodes.keys().chain(&unread).cloned().collect();
        let shapes = names.into_iter().map(|name| (Arc::clone(&name), reader.record(&name))).collect();
        Self(shapes)
    }

    /// The shape of a record.
    pub fn get(&self, name: &str) -> Option<&Shape> {
        self.0.get(name)
    }

    /// A record's name that is close to a wrong one.
    pub fn near(&self, name: &str) -> Option<&str> {
        near(name, self.0.keys().map(|known| &**known))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.0.iter().map(|(name, shape)| (&**name, shape))
    }
}

/// The name of the record whose file lies there: `<system>/<record>.json` is `system.record`.
pub fn name_of(path: &str) -> Option<Arc<str>> {
    let (folder, file) = path.rsplit_once('/')?;
    let record = file.strip_suffix(".json")?;
    let system = folder.rsplit('/').next().filter(|system| !system.is_empty())?;
    Some(format!("{system}.{record}").into())
}

/// The key of a record of an estate whose properties come to those of the record that comes with flowrun.
pub const ADDS: &str = "x-adds";

/// A record with the properties that an estate's own file adds or writes anew.
fn with_more(base: &Node, more: &Node) -> Node {
    let (Kind::Map(below), Some(Node { kind: Kind::Map(added), .. })) =
        (&base.kind, member(more, "properties"))
    else {
        return base.clone();
    };
    let mut entries = below.clone();
    if let Some((_, Node { kind: Kind::Map(known), .. })) =
        entries.iter_mut().find(|(key, _)| &*key.value == "properties")
    {
        known.retain(|(key, _)| !added.iter().any(|(new, _)| new.value == key.value));
        known.extend(added.iter().cloned());
    }
    Node { kind: Kind::Map(entries), span: base.span }
}

fn check_id(name: &str, node: &Node, problems: &mut Problems) {
    let found = member(node, "$id");
    let right = found.is_some_and(|id| matches!(&id.kind, Kind::Scalar(scalar) if &*scalar.text == name));
    if !right {
        let span = found.map_or(node.span, |id| id.span);
        problems.add(Problem::error(
            codes::RECORD,
            span,
            format!("`$id` must be `{name}`, as the file's path says"),
        ));
    }
}

fn member<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Kind::Map(members) = &node.kind else { return None };
    members.iter().find(|(name, _)| &*name.value == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{CurrencyOf, Wire, inward, outward};
    use crate::value::Value;

    fn read(files: &[(&str, &str)]) -> (Records, Vec<String>) {
        let mut sources = Sources::default();
        let numbers: Vec<_> = files.iter().map(|(name, text)| sources.add(*name, *text)).collect();
        let mut problems = Problems::default();
        let records = Records::read(&numbers, &sources, &mut problems);
        (
            records,
            problems
                .into_sorted()
                .into_iter()
                .map(|problem| format!("{} {}", problem.code, problem.message))
                .collect(),
        )
    }

    const ORDER: &str = r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "shop.order", "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "integer", "readOnly": true, "x-key": true},
            "currency": {"type": "string"},
            "total": {"type": "string", "x-type": "money(currency)"},
            "unit": {"type": "number", "x-type": "rate"},
            "made": {"type": ["string", "null"], "x-type": "rfc2822"},
            "open": {"type": "string", "x-type": "bool"},
            "lines": {"type": "array", "items": {"$ref": "shop.line"}},
            "state": {"enum": ["new", "paid"]}
        },
        "x-sum": ["lines[].net", "-unit"]
    }"#;
    const LINE: &str = r#"{"$id": "shop.line", "type": "object", "additionalProperties": false,
        "properties": {"net": {"type": "number", "x-type": "money(currency)"}, "mail": {"type": "string", "maxLength": 9, "x-personal": "email"}}}"#;

    #[test]
    fn a_schema_becomes_a_shape_with_its_borders() {
        let (records, problems) = read(&[("a/shop/order.json", ORDER), ("a/shop/line.json", LINE)]);
        assert_eq!(problems, Vec::<String>::new());
        let shape = records.get("shop.order").unwrap();
        let Shape::Object(order) = shape else { panic!("{shape:?}") };
        assert!(order.open && order.name.as_deref() == Some("shop.order"));
        assert!(order.fields["id"].required && order.fields["id"].read_only && order.fields["id"].key);
        assert_eq!(order.fields["total"].wire, Wire::Text);
        assert_eq!(order.fields["unit"].wire, Wire::Plain);
        assert_eq!(order.fields["total"].shape, Shape::Money(CurrencyOf::Field("currency".into())));
        assert_eq!(order.sums.as_ref().unwrap()[0].path, ["lines".into(), "net".into()]);
        assert!(order.sums.as_ref().unwrap()[1].minus);
        let text = r#"{"currency":"GBP","total":"5.00","made":"Tue, 20 Nov 2012 00:00:00 +0000","open":"F","lines":[{"net":1.50}]}"#;
        let inside = inward(&Value::parse(text.as_bytes()).unwrap(), shape).unwrap();
        let line = inside.get("lines").unwrap().at(0).unwrap().clone();
        assert!(matches!(line.get("net"), Some(Value::Money(money)) if money.currency.code() == "GBP"));
        assert_eq!(outward(&inside, shape).unwrap().to_json(), text);
    }

    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        for (text, told) in [
            (
                r#"{"$id": "shop.order", "typ": "object"}"#,
                "FR650 record schemas have no key `typ`; did you mean `type`?",
            ),
            (r#"{"$id": "shop.other"}"#, "FR651 `$id` must be `shop.order`, as the file's path says"),
            (
                r#"{"$id": "shop.order", "properties": {"a": {"$ref": "shop.lin"}}}"#,
                "FR652 there is no record `shop.lin`",
            ),
            (
                r#"{"$id": "shop.order", "properties": {"a": {"type": "strin"}}}"#,
                "FR651 there is no type `strin`; did you mean `string`?",
            ),
            (
                r#"{"$id": "shop.order", "properties": {"a": {"type": "string", "x-type": "monney(x)"}}}"#,
                "FR651 there is no border type `monney`; did you mean `money`?",
            ),
            (
                r#"{"$id": "shop.order", "type": "object", "required": ["b"], "properties": {"a": {}}}"#,
                "FR651 `b` is required, but `properties` does not have it",
            ),
        ] {
            assert_eq!(read(&[("shop/order.json", text)]).1, [told], "{text}");
        }
    }

    #[test]
    fn a_circle_of_records_ends() {
        let text = r#"{"$id": "shop.order", "properties": {"parent": {"$ref": "shop.order"}}}"#;
        let (records, problems) = read(&[("shop/order.json", text)]);
        assert!(problems.is_empty() && records.get("shop.order").is_some());
    }
}

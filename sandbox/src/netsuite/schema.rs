//! The record types of the twin, read from `records.txt`.
//!
//! In: that text and the account's custom fields. Out: [`Schema`]: definitions by name, fields by name in any case. It
//! must never know a value.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::settings::{CustomField, CustomKind, CustomRecord, TaxMode};

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    Email,
    Country,
    Integer,
    Number,
    /// A number, or text that ends in `%`.
    Rate,
    /// Price breaks: a number, or `{"value": n}`.
    Break,
    Bool,
    Date,
    Moment,
    /// A reference to a record type, to any of a family, or (empty) to anything.
    Ref(String),
    /// Several references.
    Many(String),
    /// One of these ids, with the name each is shown by.
    Choice(Vec<(String, String)>),
    /// A sublist: the name of its definition.
    List(String),
    /// A subrecord: the name of its definition.
    Part(String),
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) read_only: bool,
    pub(crate) required: bool,
    pub(crate) custom: bool,
}

/// A record type, a sublist or a subrecord.
#[derive(Clone, Debug, Default)]
pub(crate) struct Def {
    pub(crate) name: String,
    /// `transaction`, `entity`, `item` or `list`; empty for sublists and subrecords.
    pub(crate) family: String,
    /// The type's `SuiteQL` code.
    pub(crate) code: String,
    pub(crate) title: String,
    /// Only reads are allowed.
    pub(crate) fixed: bool,
    /// Known to `SuiteQL` and to references, and no record of the REST service.
    pub(crate) hidden: bool,
    /// Sublists: the field a line is known by.
    pub(crate) key: Option<String>,
    fields: IndexMap<String, Field>,
}

impl Def {
    /// A field by its name in any case.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(&name.to_ascii_lowercase())
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }

    fn add(&mut self, field: Field) {
        self.fields.insert(field.name.to_ascii_lowercase(), field);
    }

    /// Whether a reference to `target` may name a record of this type.
    pub(crate) fn is(&self, target: &str) -> bool {
        target.is_empty() || self.name == target || self.family == target
    }
}

/// All definitions.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    defs: IndexMap<String, Def>,
    names: HashMap<String, String>,
}

impl Schema {
    /// Reads the table and adds what this account has of its own.
    pub(crate) fn load(custom: &[CustomField], records: &[CustomRecord], tax: TaxMode) -> Self {
        let mut defs: IndexMap<String, Def> = IndexMap::new();
        let mut open = Def::default();
        for line in include_str!("records.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            match words.clone().next() {
                None => {}
                Some("record" | "lines" | "part") => {
                    close(&mut defs, std::mem::replace(&mut open, header(line)));
                }
                Some("+") => {
                    let from = defs.get(words.nth(1).unwrap_or_default()).cloned().unwrap_or_default();
                    from.fields.into_values().for_each(|field| open.add(field));
                }
                Some("-") => words.skip(1).for_each(|name| {
                    open.fields.shift_remove(&name.to_ascii_lowercase());
                }),
                Some(_) => words.for_each(|word| open.add(field(word))),
            }
        }
        close(&mut defs, open);
        add_tax(&mut defs, tax);
        if tax == TaxMode::SuiteTax {
            // Groups of tax codes are a thing of legacy tax.
            defs.shift_remove("taxGroup");
        }
        for field in custom {
            add_custom(&mut defs, field);
        }
        for record in records {
            add_record(&mut defs, record);
        }
        let names = defs.keys().map(|name| (name.to_ascii_lowercase(), name.clone())).collect();
        Self { defs, names }
    }

    /// A record type by its name in any case.
    pub(crate) fn record(&self, name: &str) -> Option<&Def> {
        self.names
            .get(&name.to_ascii_lowercase())
            .and_then(|name| self.defs.get(name))
            .filter(|def| !def.family.is_empty() && !def.hidden)
    }

    /// A definition by its exact name; an empty one if there is none.
    pub(crate) fn def(&self, name: &str) -> &Def {
        static NONE: std::sync::LazyLock<Def> = std::sync::LazyLock::new(Def::default);
        self.defs.get(name).unwrap_or(&NONE)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Def> {
        self.defs.values().filter(|def| !def.family.is_empty())
    }
}

fn close(defs: &mut IndexMap<String, Def>, def: Def) {
    if !def.name.is_empty() {
        defs.insert(def.name.clone(), def);
    }
}

fn header(line: &str) -> Def {
    let mut words = line.split_whitespace();
    let sort = words.next().unwrap_or_default();
    let name = words.next().unwrap_or_default().to_owned();
    match sort {
        "record" => {
            let family = words.next().unwrap_or_default().to_owned();
            let code = words.next().unwrap_or_default().to_owned();
            let title = words.collect::<Vec<_>>().join(" ");
            let hidden = title.ends_with(" hidden");
            let fixed = hidden || title.ends_with(" fixed");
            let title = title.trim_end_matches(" hidden").trim_end_matches(" fixed").to_owned();
            Def { name, family, code, title, fixed, hidden, ..Def::default() }
        }
        "lines" => {
            Def { name, key: words.next().filter(|key| *key != "-").map(str::to_owned), ..Def::default() }
        }
        _ => Def { name, ..Def::default() },
    }
}

fn field(word: &str) -> Field {
    let (word, required) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
    let (word, read_only) = word.strip_suffix('!').map_or((word, false), |word| (word, true));
    let (name, kind) = word.split_once(':').unwrap_or((word, ""));
    Field { name: name.to_owned(), kind: kind_of(kind), read_only, required, custom: false }
}

fn kind_of(code: &str) -> Kind {
    let inner = |open: char, close: char| code.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    match code {
        "d" => Kind::Date,
        "t" => Kind::Moment,
        "n" => Kind::Number,
        "i" => Kind::Integer,
        "b" => Kind::Bool,
        "rate" => Kind::Rate,
        "breaks" => Kind::Break,
        "email" => Kind::Email,
        "country" => Kind::Country,
        _ => {
            if let Some(target) = code.strip_prefix('>') {
                Kind::Ref(target.to_owned())
            } else if let Some(target) = code.strip_prefix('&') {
                Kind::Many(target.to_owned())
            } else if let Some(choices) = code.strip_prefix('=') {
                Kind::Choice(choices.split('|').filter_map(choice).collect())
            } else if let Some(def) = inner('[', ']') {
                Kind::List(def.to_owned())
            } else if let Some(def) = inner('{', '}') {
                Kind::Part(def.to_owned())
            } else {
                Kind::Text(code.parse().unwrap_or(4000))
            }
        }
    }
}

fn choice(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(id, name)| (id.to_owned(), name.replace('_', " ")))
}

fn add_tax(defs: &mut IndexMap<String, Def>, mode: TaxMode) {
    let (body, line) = match mode {
        TaxMode::SuiteTax => ("suitetax", ""),
        TaxMode::Legacy => ("legacytax", "legacytax-item"),
        TaxMode::None => return,
    };
    let fields =
        |name: &str, defs: &IndexMap<String, Def>| defs.get(name).cloned().unwrap_or_default().fields;
    let (body, line) = (fields(body, defs), fields(line, defs));
    for def in defs.values_mut().filter(|def| def.field("item").is_some() && def.field("taxTotal").is_some())
    {
        body.values().for_each(|field| def.add(field.clone()));
    }
    if let Some(def) = defs.get_mut("sale-item") {
        line.into_values().for_each(|field| def.add(field));
    }
}

/// The custom list a field takes its values from: `customlist_colour` for `custitem_colour`.
pub(crate) fn custom_list(field: &str) -> String {
    format!("customlist_{}", field.split_once('_').map_or(field, |(_, rest)| rest))
}

fn custom_field(custom: &CustomField) -> Field {
    let kind = match custom.kind {
        CustomKind::Text => Kind::Text(4000),
        CustomKind::Integer => Kind::Integer,
        CustomKind::Number => Kind::Number,
        CustomKind::Bool => Kind::Bool,
        CustomKind::Date => Kind::Date,
        CustomKind::Moment => Kind::Moment,
        CustomKind::Record => Kind::Ref(custom.record.clone()),
        CustomKind::List => Kind::Ref(custom_list(&custom.name)),
        CustomKind::Multi => Kind::Many(custom_list(&custom.name)),
    };
    Field { name: custom.name.clone(), kind, read_only: false, required: false, custom: true }
}

fn add_record(defs: &mut IndexMap<String, Def>, record: &CustomRecord) {
    let mut def = Def {
        name: record.name.clone(),
        family: "list".into(),
        code: "CustomRecord".into(),
        title: record.title.clone(),
        ..Def::default()
    };
    ["name", "isInactive:b", "refName!", "created:t!", "lastModified:t!"]
        .into_iter()
        .for_each(|word| def.add(field(word)));
    record.fields.iter().for_each(|field| def.add(custom_field(field)));
    close(defs, def);
}

fn add_custom(defs: &mut IndexMap<String, Def>, custom: &CustomField) {
    if matches!(custom.kind, CustomKind::List | CustomKind::Multi) {
        let mut list = Def {
            name: custom_list(&custom.name),
            family: "list".into(),
            code: "CustomList".into(),
            title: "Custom List".into(),
            fixed: true,
            ..Def::default()
        };
        ["name", "isInactive:b", "refName!"].into_iter().for_each(|word| list.add(field(word)));
        close(defs, list);
    }
    let field = custom_field(custom);
    for def in defs.values_mut() {
        let fits = match custom.name.split('_').next() {
            Some("custbody") => def.family == "transaction",
            Some("custcol") => matches!(def.name.as_str(), "sale-item" | "fulfilment-item" | "receipt-item"),
            Some("custentity") => def.family == "entity",
            Some("custitem") => def.family == "item",
            _ => false,
        };
        if fits {
            def.add(field.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_table_leads_somewhere() {
        let schema = Schema::load(&[], &[], TaxMode::SuiteTax);
        for def in schema.defs.values() {
            for field in def.fields() {
                let good = match &field.kind {
                    Kind::Ref(target) | Kind::Many(target) => {
                        target.is_empty() || schema.records().any(|def| def.is(target))
                    }
                    Kind::List(name) | Kind::Part(name) => schema.defs.contains_key(name),
                    _ => true,
                };
                assert!(good, "{}.{}", def.name, field.name);
            }
            assert!(def.key.as_deref().is_none_or(|key| def.field(key).is_some()), "{}", def.name);
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_tax_fields_follow_the_mode() {
        let custom = [CustomField::new("custcol_bc_line_id", CustomKind::Text)];
        let schema = Schema::load(&custom, &[], TaxMode::SuiteTax);
        let order = schema.record("SALESORDER").unwrap();
        assert_eq!(order.field("otherrefnum").unwrap().name, "otherRefNum");
        assert!(order.field("taxDetails").is_some() && order.field("taxItem").is_none());
        assert!(schema.def("sale-item").field("custcol_bc_line_id").is_some());
        assert!(schema.record("sale-item").is_none());
        assert!(
            Schema::load(&[], &[], TaxMode::Legacy)
                .record("salesOrder")
                .unwrap()
                .field("taxDetails")
                .is_none()
        );
    }
}

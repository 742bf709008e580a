//! Mappings: nested values, names bound inside, errors that name the field and the place.

use std::sync::Arc;

use super::{ORDER, json, names, tables};
use crate::{
    expr::{Mapping, Root, Scope, Template},
    source::Span,
    value::Value,
};

fn scalar(text: &str) -> Mapping {
    Mapping::Template(Template::parse(text, &names()).unwrap())
}

fn eval(mapping: &Mapping) -> Result<Option<Value>, crate::expr::Error> {
    let order = json(ORDER);
    let roots = [Root::Value(&order)];
    mapping.eval(&Scope::new(&roots, &tables()))
}

#[test]
fn nested_values_are_made() {
    let inner = Mapping::Each {
        list: Template::parse("{{ order.tags }}", &names()).unwrap(),
        slot: 2,
        filter: None,
        body: Box::new(scalar("{{ items.sku }}-{{ skipped }}")),
    };
    let lines = Mapping::Each {
        list: Template::parse("{{ order.lines }}", &names()).unwrap(),
        slot: 1,
        filter: Some(Template::parse("{{ items.qty > 5 }}", &names()).unwrap()),
        body: Box::new(Mapping::Object(vec![
            ("sku".into(), scalar("{{ items.sku }}")),
            ("tags".into(), inner),
        ])),
    };
    let mapping = Mapping::Let {
        bind: vec![(3, scalar("{{ order.qty + 1 }}")), (4, Mapping::Const(Value::from(9)))],
        body: Box::new(Mapping::Object(vec![
            ("more".into(), scalar("{{ sent }}")),
            ("gone".into(), scalar("{{ order.nothing | default(omit) }}")),
            ("lines".into(), lines),
            (
                "pair".into(),
                Mapping::List(vec![scalar("a"), scalar("{{ omit }}"), Mapping::Const(Value::Null)]),
            ),
        ])),
    };
    let made = eval(&mapping).unwrap().unwrap().to_json();
    assert_eq!(made, r#"{"more":4,"lines":[{"sku":"B2","tags":["B2-new","B2-web"]}],"pair":["a",null]}"#);
}

#[test]
fn errors_name_the_field_and_the_place() {
    let text = "{{ items.qty * order.note }}";
    // as if the scalar stood quoted at byte 100 of file 3, with an escape of two bytes before its tenth character
    let places: Arc<[(u32, u32)]> = [(0, 101), (10, 112)].into();
    let template =
        Template::parse(text, &names()).unwrap().placed(Span { file: 3, start: 100, end: 131 }, places);
    let mapping = Mapping::Object(vec![(
        "lines".into(),
        Mapping::Each {
            list: Template::parse("{{ order.lines }}", &names()).unwrap(),
            slot: 1,
            filter: None,
            body: Box::new(Mapping::Object(vec![("amount".into(), Mapping::Template(template))])),
        },
    )]);
    let error = eval(&mapping).unwrap_err();
    assert_eq!(
        error.to_string(),
        "lines[0].amount: number * null is not possible: give it a value with `| default(…)`"
    );
    assert_eq!(error.span, Some(Span { file: 3, start: 104, end: 127 }));
    let each = Mapping::Each {
        list: Template::parse("{{ order.note }}", &names()).unwrap(),
        slot: 1,
        filter: None,
        body: Box::new(scalar("x")),
    };
    assert_eq!(
        eval(&each).unwrap_err().message,
        "`each` needs a list, found null: give it one with `| default([])`"
    );
}

#[test]
fn a_missing_row_names_table_and_key() {
    let error = eval(&scalar("{{ tables.currencies[order.customer.email].id }}")).unwrap_err();
    let row = error.missing_row.clone().unwrap();
    assert_eq!((&*row.table, row.key.as_str()), ("currencies", "Ann@Example.test"));
}

#[test]
fn untouched_subtrees_are_shared() {
    let order = json(ORDER);
    let roots = [Root::Value(&order)];
    let lines = scalar("{{ order.lines }}").eval(&Scope::new(&roots, &tables())).unwrap().unwrap();
    let (Value::List(one), Some(Value::List(two))) = (&lines, order.get("lines")) else { panic!("no lists") };
    assert!(Arc::ptr_eq(one, two));
}

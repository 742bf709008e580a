//! Expressions as their users see them: text in, value, error or fault out.

mod evaluate;
mod examples;
mod infer;
mod kept;
mod limits;
mod mapping;

use super::{Names, Root, Scope, Table, Tables, Template};
use crate::value::Value;

const ORDER: &str = r#"{
    "id": 7, "total": "12.50", "price": 12.50, "qty": 3, "note": null, "paid": true, "tags": ["new", "web"],
    "customer": {"email": "Ann@Example.test", "address": {"city": "Leeds"}},
    "lines": [{"id": 1, "sku": "A1", "qty": 2, "cost": 0.1}, {"id": 2, "sku": "B2", "qty": 9, "cost": 0.2}]
}"#;
const KEYED: &str = r#"[{"key": "A1", "item": {"id": 1}, "value": {"id": 501}}, {"key": "B2", "item": {"id": 2}, "value": null}]"#;

fn json(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap()
}

fn tables() -> Tables {
    let mut tables = Tables::new();
    tables.add(Table::from_csv("currencies", "code:text*,id:int,name:text\nGBP,1,Pound\nUSD,2,\n").unwrap());
    tables.add(Table::from_csv("tenders", "method:text*,gateway:text*,id:int\ncard,acme,9\n").unwrap());
    tables.add(Table::from_csv("stores", "channel:int*,exported:bool\n1,true\n").unwrap());
    tables
}

fn names() -> Names<'static> {
    Names::new().with("order", 0).with("items", 1).with("skipped", 2).with("sent", 3)
}

/// The JSON of what a scalar gives, `omit`, or the message of its error with the text it points at.
fn run(text: &str) -> Result<String, String> {
    let template = Template::parse(text, &names()).map_err(|faults| {
        faults
            .iter()
            .map(|fault| format!("[{}] {}", &text[fault.start as usize..fault.end as usize], fault.message))
            .collect::<Vec<_>>()
            .join("; ")
    })?;
    let (order, items, done, failed) = (json(ORDER), json(KEYED), json("[1]"), json("[2, 3]"));
    let roots = [
        Root::Value(&order),
        Root::Value(&items),
        Root::Skipped,
        Root::Apart { done: &done, failed: &failed },
    ];
    let tables = tables();
    match template.eval(&Scope::new(&roots, &tables)) {
        Ok(value) => Ok(value.map_or_else(|| "omit".to_owned(), |value| value.to_json())),
        Err(error) => Err(format!("[{}] {}", &text[error.start as usize..error.end as usize], error.message)),
    }
}

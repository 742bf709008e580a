//! What is known of expressions before they run.

use std::sync::Arc;

use super::{names, tables};
use crate::{
    expr::{Env, FaultKind, Mapping, Template},
    money::Currency,
    shape::{CurrencyOf, Field, Object, Part, Shape},
};

fn order() -> Shape {
    let money = || Shape::Money(CurrencyOf::Field("currency".into()));
    let words = |words: &[&str]| Shape::Enum(words.iter().map(|word| (*word).into()).collect());
    let line = Shape::object([
        ("id", Shape::Int),
        ("sku", Shape::TEXT),
        ("qty", Shape::Int),
        ("cost", money()),
        ("unit", Shape::Rate),
    ]);
    let customer = Object {
        fields: [
            ("email".into(), Field::required(Shape::TEXT)),
            ("company".into(), Field::optional(Shape::TEXT)),
            ("boss".into(), Field::optional(Shape::object([("name", Shape::TEXT)]))),
        ]
        .into_iter()
        .collect(),
        name: Some("shop.customer".into()),
        ..Object::default()
    };
    let part = |path: &[&str], minus| Part { path: path.iter().map(|name| (*name).into()).collect(), minus };
    let Shape::Object(order) = Shape::object([
        ("id", Shape::Int),
        ("total", money()),
        ("paid", Shape::Bool),
        ("status", words(&["open", "paid", "gone"])),
        ("currency", Shape::TEXT),
        ("note", Shape::TEXT.optional()),
        ("lines", line.list()),
        ("discount", money().optional()),
        ("customer", Shape::Object(Arc::new(customer))),
    ]) else {
        unreachable!("an object")
    };
    let sums: Arc<[Part]> = [part(&["lines", "cost"], false), part(&["discount"], true)].into();
    Shape::Object(Arc::new(Object {
        sums: Some(sums),
        name: Some("shop.order".into()),
        ..Object::clone(&order)
    }))
}

fn check(text: &str) -> (String, Vec<(FaultKind, String)>) {
    let keyed = Shape::object([
        ("key", Shape::TEXT),
        ("item", Shape::Any),
        ("value", Shape::object([("id", Shape::Int)]).optional()),
    ]);
    let tables = tables();
    let mut env = Env::new(Some(&tables)).with(0, order()).with(1, keyed.list());
    env.set(2, Shape::object([("id", Shape::Int)]), true);
    let template = Template::parse(text, &names()).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let inferred = template.infer(&env);
    let faults = inferred.faults.iter().map(|fault| {
        let at = &text[fault.start as usize..fault.end as usize];
        let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        (fault.kind, format!("[{at}] {}{help}", fault.message))
    });
    (inferred.shape.to_string(), faults.collect())
}

#[test]
fn shapes_are_known() {
    for (text, shape) in [
        ("x", "the text `x`"),
        ("{{ order.id }}", "whole number"),
        ("n{{ order.id }}", "text"),
        ("{{ order.customer.company }}", "text or null"),
        ("{{ order.customer.company | default('') }}", "text"),
        ("{{ order.customer.boss.name | default('') }}", "text"),
        ("{{ order.note if order.note is not none else 'x' }}", "text"),
        ("{{ order.note if order.note else 'x' }}", "text"),
        ("{{ 'x' if order.note is none else order.note }}", "text"),
        (
            "{{ order.customer.boss.name if order.customer.boss is defined and order.customer.boss is not none else 'x' }}",
            "text",
        ),
        ("{{ order.customer.boss is not none and order.customer.boss.name == 'x' }}", "boolean"),
        ("{{ first_of(order.note, order.customer.company) }}", "text or null"),
        ("{{ first_of(order.note, order.customer.email) }}", "text"),
        ("{{ order.id * 2 + 1 }}", "whole number"),
        ("{{ order.id / 2 }}", "number"),
        ("{{ order.total * 2 }}", "amount"),
        ("{{ order.total - (order.discount | default(0)) }}", "amount"),
        ("{{ order.discount | default(0) }}", "amount"),
        ("{{ 0 if order.paid else order.total }}", "amount"),
        ("{{ order.total / order.total }}", "number"),
        ("{{ order.lines | map(attribute='cost') | sum }}", "amount"),
        ("{{ order.lines | sum(attribute='qty') }}", "whole number"),
        ("{{ order.lines | map(attribute='unit') | sum | round(2) }}", "number"),
        ("{{ [[order.id], [1, 2]] | map('length') }}", "list of whole number"),
        ("{{ order.lines[0].sku | upper }}", "text"),
        ("{{ order.lines | first }}", "object or null"),
        ("{{ order.lines | find(id=5) }}", "object or null"),
        ("{{ (order.lines | find(id=5)).sku | default('x') }}", "text"),
        ("{{ order.total | allocate(order.lines, weight='qty') }}", "list of amount"),
        ("{{ (order.total | allocate(order.lines, weight='qty', by='id'))[7].value }}", "amount"),
        ("{{ order.total | fx(1.1, 'EUR') }}", "amount in EUR"),
        ("{{ items['A'].value.id | default(0) }}", "whole number"),
        ("{{ tables.currencies[order.currency].id }}", "whole number"),
        ("{{ tables.currencies[order.currency].name }}", "text or null"),
        ("{{ tables.currencies.id }}", "list of whole number"),
        ("{{ skipped.id | default(0) }}", "whole number"),
        ("{{ skipped.id if skipped is defined else 0 }}", "whole number"),
        ("{{ [order.id, 1.5] }}", "list of number"),
        ("{{ [1, none] | reject('none') | sum }}", "whole number"),
        ("{{ [order.customer] | rejectattr('company', 'none') | map(attribute='company') | join }}", "text"),
        (
            "{{ [order.customer] | selectattr('company', '==', 'x') | sort(attribute='company') | length }}",
            "whole number",
        ),
        ("{{ order.status == 'paid' }}", "boolean"),
        ("{{ tie_out(order) == order.total }}", "boolean"),
        ("{{ order.total if order.paid else omit }}", "amount"),
        ("{{ order.paid and order.total > 0 }}", "boolean"),
        ("{{ order.currency | date }}", "date text"),
        ("{{ order | path('$.lines[?@.qty > 1].sku') }}", "list of text"),
        ("{{ order.lines | path('$[*]') | map(attribute='qty') | sum }}", "whole number"),
        ("{{ order | path('$..sku') }}", "list of anything"),
    ] {
        assert_eq!(check(text), (shape.to_owned(), Vec::new()), "{text}");
    }
}

#[test]
fn mistakes_are_found_before_it_runs() {
    use FaultKind::{
        Arguments, Currency, MayBeMissing, MayBeSkipped, Type, UnknownColumn, UnknownField, UnknownTable,
    };
    let test_first = "(test it first (`… if x is not none else …`), or use `| default(…)` or `first_of(…)`)";
    let give = "(give it a value with `| default(…)`, or test it first)";
    for (text, kind, fault) in [
        ("{{ order.totl }}", UnknownField, "[totl] `shop.order` has no field `totl` (did you mean `total`?)".to_owned()),
        ("{{ order.totl | default(0) }}", UnknownField, "[totl] `shop.order` has no field `totl` (did you mean `total`?)".into()),
        ("{{ order.lines | find(skuu='x') }}", UnknownField, "[skuu] the object has no field `skuu` (did you mean `sku`?)".into()),
        ("{{ order.lines | selectattr('quty', '>', 1) }}", UnknownField, "['quty'] the object has no field `quty` (did you mean `qty`?)".into()),
        ("{{ order.customer.emial | lower }}", UnknownField, "[emial] `shop.customer` has no field `emial` (did you mean `email`?)".into()),
        ("{{ order.lines.sku }}", UnknownField, "[sku] list of object has no fields, so there is no `sku` in it (a list has elements: use `[0]`, `map(attribute='…')`, `find(…)` or `each`)".into()),
        ("{{ order.lines | map(attribute='sk') }}", UnknownField, "['sk'] the object has no field `sk` (did you mean `sku`?)".into()),
        ("{{ order.customer.boss.name }}", MayBeMissing, format!("[name] what stands before this may be null {test_first}")),
        ("{{ order.note | upper }}", MayBeMissing, format!("[order.note] `upper` takes text here, this may be null {give}")),
        ("{{ order.total + order.discount }}", MayBeMissing, format!("[order.discount] this may be null (amount or null) {give}")),
        ("x {{ order.note }}", MayBeMissing, format!("[order.note] this may be null (text or null) {give}")),
        ("{{ order.customer.email * 2 }}", Type, "[order.customer.email * 2] text * whole number is not possible (turn the text into a number with `| decimal`)".into()),
        ("{{ order.customer.email == 5 }}", Type, "[order.customer.email == 5] text can never be equal to whole number (turn the text into a number with `| decimal`, or the number into text with `| text`)".into()),
        ("{{ order.total > 5 }}", Type, "[order.total > 5] amount is compared with whole number (make the number an amount with `| money(currency)`)".into()),
        ("{{ order.total + 1 }}", Type, "[order.total + 1] amount + whole number is not possible (make the number an amount with `| money(currency)`)".into()),
        ("{{ order.status == 'pade' }}", Type, "['pade'] `pade` is never found here: it is one of open, paid, gone (did you mean `paid`?)".into()),
        ("{{ order.id in ['a'] }}", Type, "[order.id in ['a']] whole number can never be equal to the text `a` (turn the text into a number with `| decimal`, or the number into text with `| text`)".into()),
        ("{{ order.id | upper }}", Type, "[order.id] `upper` takes text here, found whole number (make it text with `| text`)".into()),
        ("{{ order.customer.email | sum }}", Type, "[order.customer.email] `sum` takes list here, found text".into()),
        ("{{ order.lines | map(attribute='sku') | sum }}", Type, "[order.lines | map(attribute='sku') | sum] `sum` takes number or amount in its list, found text (turn each into a number with `| map('decimal')`)".into()),
        ("{{ order.lines | sort(attribute='id') | sum(attribute='sku') }}", Type, "[order.lines | sort(attribute='id') | sum(attribute='sku')] `sum` takes number or amount in its list, found text (turn each into a number with `| map('decimal')`)".into()),
        ("{{ [order.customer] | sort(attribute='company') }}", MayBeMissing, "[[order.customer] | sort(attribute='company')] `sort` takes number or amount or text in its list, found text or null (leave those out that are null: `| rejectattr('…', 'none')`, or give each a value)".into()),
        ("{{ order.lines | join(', ') }}", Type, "[order.lines | join(', ')] `join` takes number or amount or text or boolean in its list, found object".into()),
        ("{{ (1 | money('GBP')) + (1 | money('USD')) }}", Currency, "[(1 | money('GBP')) + (1 | money('USD'))] GBP and USD meet here (convert one with `fx(rate, currency)`)".into()),
        ("{{ (1 | money('GBP')) == (1 | money('USD')) }}", Currency, "[(1 | money('GBP')) == (1 | money('USD'))] GBP is compared with USD (convert one with `fx(rate, currency)`)".into()),
        ("{{ skipped.id }}", MayBeSkipped, "[skipped] this node may be skipped (say so with `when`, or provide for it: `first_of(…)`, `| default(…)`)".into()),
        ("{{ tables.currncies['x'].id }}", UnknownTable, "[currncies] there is no table `currncies` (did you mean `currencies`?)".into()),
        ("{{ tables.currencies.idd }}", UnknownColumn, "[idd] the table `currencies` has no column `idd` (did you mean `id`?)".into()),
        ("{{ tables.currencies[5].id }}", Type, "[5] the key `code` of the table `currencies` is text, found whole number (make it text with `| text`)".into()),
        ("{{ tables.tenders['card'].id }}", Arguments, "[tables.tenders['card']] the table `tenders` is keyed by 2 columns (method, gateway), found 1 keys".into()),
        ("{{ items[order.id].value }}", Type, "[order.id] the elements are keyed by text, found whole number".into()),
        ("{{ order.note or 'x' }}", Type, "['x'] `or` gives true or false, never the text `x` (for a value in place of a missing one write `x | default(…)`)".into()),
        ("{{ tie_out(order.customer) }}", Type, "[order.customer] nothing says what shop.customer adds up to (say which record it is with `shape:`; its schema declares what adds up)".into()),
        ("x {{ order.lines }}", Type, "[order.lines] list of object cannot stand in text (join a list with `| join(', ')`)".into()),
    ] {
        assert_eq!(check(text).1, [(kind, fault)], "{text}");
    }
}

#[test]
fn known_absent_fields_are_null_after_inference() {
    let text = "{{ order.customer.company }}";
    let template = Template::parse(text, &names()).unwrap();
    let tables = tables();
    let value = super::json(r#"{"customer": {"email": "a@b.example"}}"#);
    let roots = [crate::expr::Root::Value(&value)];
    assert!(template.eval(&crate::expr::Scope::new(&roots, &tables)).is_err());
    template.infer(&Env::new(Some(&tables)).with(0, order()));
    assert_eq!(
        template.eval(&crate::expr::Scope::new(&roots, &tables)).unwrap(),
        Some(crate::value::Value::Null)
    );
}

#[test]
fn tie_out_adds_the_declared_parts() {
    let template = Template::parse("{{ tie_out(order) }}", &names()).unwrap();
    let tables = tables();
    let pounds = Currency::from_code("GBP").unwrap();
    let typed = Template::parse(
        "{{ {'lines': [{'cost': 5.5 | money('GBP')}, {'cost': 1 | money('GBP')}], 'discount': 2 | money('GBP')} }}",
        &names(),
    );
    let value = typed.unwrap().eval(&crate::expr::Scope::new(&[], &tables)).unwrap().unwrap();
    let roots = [crate::expr::Root::Value(&value)];
    let scope = crate::expr::Scope::new(&roots, &tables);
    assert!(template.eval(&scope).unwrap_err().message.contains("does not say"));
    template.infer(&Env::new(Some(&tables)).with(0, order()));
    let total = template.eval(&scope).unwrap().unwrap();
    assert_eq!(total.to_json(), "4.50");
    assert!(matches!(total, crate::value::Value::Money(money) if money.currency == pounds));
    let reads: Vec<String> = template.reads().iter().map(|read| read.path.join(".")).collect();
    assert_eq!(reads, ["lines.cost", "discount"]);
}

#[test]
fn mappings_infer_objects() {
    let parse = |text: &str| Mapping::Template(Template::parse(text, &names()).unwrap());
    let list = Template::parse("{{ order.lines }}", &names()).unwrap();
    let filter = Template::parse("{{ skipped.note is not none }}", &names()).unwrap();
    let mapping = Mapping::Object(vec![
        ("a".into(), parse("{{ order.id }}")),
        ("b".into(), parse("{{ order.note | default(omit) }}")),
        (
            "c".into(),
            Mapping::Each {
                list,
                slot: 2,
                filter: Some(filter),
                body: Box::new(parse("{{ skipped.note }}")),
            },
        ),
    ]);
    let element = Shape::object([("note", Shape::TEXT.optional())]);
    let order =
        Shape::object([("id", Shape::Int), ("note", Shape::TEXT.optional()), ("lines", element.list())]);
    let inferred = mapping.infer(&mut Env::new(None).with(0, order));
    assert_eq!(inferred.faults, []);
    let Shape::Object(object) = inferred.shape else { panic!("not an object") };
    assert_eq!(object.fields["a"], Field::required(Shape::Int));
    assert_eq!(object.fields["b"], Field::optional(Shape::TEXT));
    assert_eq!(object.fields["c"].shape, Shape::TEXT.list());
}

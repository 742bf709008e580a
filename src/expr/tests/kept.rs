//! What is kept on disk by what is read is enough to make the same value again.

use std::collections::BTreeMap;

use super::{KEYED, ORDER, evaluate::VALUES, json, names, tables};
use crate::{
    expr::{Root, Scope, Template},
    value::{Keep, Value},
};

const MORE: &[&str] = &[
    "{{ items[501] | default('by index?') }}",
    "{{ order.lines | sort(attribute='sku', reverse=true) | map(attribute='qty') }}",
    "{{ order.lines | unique(attribute='sku') | map(attribute='id') }}",
    "{{ order.lines | group_by('sku') | map(attribute='key') }}",
    "{{ order.qty | allocate(order.lines, weight='qty', digits=0) }}",
    "{{ (5.00 | allocate(order.lines, weight='qty', by='sku'))['B2'].value }}",
    "{{ order.lines | rejectattr('cost', 'none') | length }}",
    "{{ order.customer is none }} {{ order.customer.address is defined }} {{ order.note is none }}",
    "{{ order.lines | length }} {{ order.tags | length }}",
    "{{ (order.customer if order.paid else order).address.city }}",
    "{{ first_of(order.gone, order.customer).email }}",
    "{{ (order.lines + order.lines) | map(attribute='sku') | join }}",
    "{{ order.lines[1:] | map(attribute='sku') }}",
    "{{ order['customer'].address['city'] }}",
    "{{ compare(order.lines, order.lines, by='id', fields=['qty']).same | length }}",
    "{{ order.customer == order.customer }}",
    "{{ order.tags }} {{ order.qty }}",
];

#[test]
fn pruned_roots_give_the_same() {
    let roots = [json(ORDER), json(KEYED), Value::Null, json("[1]")];
    let tables = tables();
    for text in VALUES.iter().map(|(text, _)| text).chain(MORE) {
        let Ok(template) = Template::parse(text, &names()) else { panic!("{text}") };
        let mut keep: BTreeMap<u16, Keep> = BTreeMap::new();
        for read in template.reads() {
            keep.entry(read.slot).or_default().add(&read.path);
        }
        let kept = |slot: u16| keep.get(&slot).unwrap_or(&Keep::Nothing).prune(&roots[usize::from(slot)]);
        let pruned: Vec<Value> = (0..4).map(kept).collect();
        let eval = |roots: &[Value]| {
            let failed = json("[2, 3]");
            let done = roots[3].clone();
            let roots = [
                Root::Value(&roots[0]),
                Root::Value(&roots[1]),
                Root::Skipped,
                Root::Apart { done: &done, failed: &failed },
            ];
            template
                .eval(&Scope::new(&roots, &tables))
                .map(|value| value.map(|value| value.to_json()))
                .map_err(|error| error.to_string())
        };
        assert_eq!(eval(&pruned), eval(&roots), "{text} of {pruned:?}");
    }
}

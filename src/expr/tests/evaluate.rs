//! What expressions give, and what they say when they cannot.

use super::run;

/// Scalars and what they give.
pub(super) const VALUES: &[(&str, &str)] = &[
    // scalars keep their type; text joins
    ("plain", r#""plain""#),
    ("{{ order.qty }}", "3"),
    (" {{ order.qty }} ", "3"),
    ("n{{ order.qty }}", r#""n3""#),
    ("{{ order.price }} of {{ order.customer.email }}", r#""12.50 of Ann@Example.test""#),
    ("{{ '{{' }} x", r#""{{ x""#),
    // paths
    ("{{ order.customer.address.city }}", r#""Leeds""#),
    ("{{ order.lines[0].sku }}", r#""A1""#),
    ("{{ order.lines[-1]['sku'] }}", r#""B2""#),
    ("{{ order.lines[order.qty - 2].sku }}", r#""B2""#),
    ("{{ order.tags[0:1] }}", r#"["new"]"#),
    ("{{ order['customer']['email'] | lower }}", r#""ann@example.test""#),
    ("{{ {'a': {'b': 1}}.a.b }}", "1"),
    // keyed results
    ("{{ items['A1'].value.id }}", "501"),
    ("{{ items[order.lines[0].sku].value.id }}", "501"),
    ("{{ items.key is defined }}", "false"),
    ("{{ items | map(attribute='key') }}", r#"["A1","B2"]"#),
    // tables
    ("{{ tables.currencies['GBP'].id }}", "1"),
    ("{{ tables.tenders['card', 'acme'].id }}", "9"),
    ("{{ tables.stores[1].exported }}", "true"),
    ("{{ tables.currencies.id }}", "[1,2]"),
    ("{{ 'USD' in tables.currencies.code }}", "true"),
    ("{{ tables.currencies['USD'].name | default('?') }}", r#""?""#),
    ("{{ tables.currencies['EUR'].id | default(0) }}", "0"),
    ("{{ tables.currencies | find(id=2) | map(attribute='x') if false else 1 }}", "1"),
    // arithmetic is exact
    ("{{ 0.1 + 0.2 == 0.3 }}", "true"),
    ("{{ order.lines[0].cost + order.lines[1].cost }}", "0.3"),
    ("{{ order.qty * order.price - 0.50 }}", "37.00"),
    ("{{ -order.qty + 10 / 4 }}", "-0.5"),
    ("{{ 7 // 2 }},{{ -7 % 3 }},{{ 2 ** 10 }}", r#""3,2,1024""#),
    ("{{ (1 + 2) * 3 }}", "9"),
    ("{{ round(order.price / 3, 4) }}", "4.1667"),
    ("{{ (order.price / 3) | round(2, 'down') }}", "4.16"),
    ("{{ order.tags + ['x'] }}", r#"["new","web","x"]"#),
    ("{{ 'L' ~ order.id ~ '-' ~ 1.50 }}", r#""L7-1.50""#),
    ("{{ 0x1F + 1_000 }}", "1031"),
    // conditions
    ("{{ 1 < order.qty <= 3 }}", "true"),
    ("{{ order.qty in [1, 3.0] and 'web' in order.tags }}", "true"),
    ("{{ 5 not in [1, 2] and not (2 in [1]) }}", "true"),
    ("{{ 'yes' if order.paid else 'no' }}", r#""yes""#),
    ("{{ none == 0 }}", "false"),
    ("{{ order.note is none and order.note is defined }}", "true"),
    ("{{ order.nothing is defined or order.customer.x.y is defined }}", "false"),
    ("{{ order.qty is number and order.qty is not string }}", "true"),
    // missing
    ("{{ order.nothing | default('x') }}", r#""x""#),
    ("{{ order.note | default(omit) }}", "omit"),
    ("{{ (order.lines | find(sku='Z')).id | default(omit) }}", "omit"),
    ("{{ (order.gone | find(sku='Z')).id | default(3) }}", "3"),
    ("{{ order.lines[9].sku | default('none') }}", r#""none""#),
    ("{{ skipped.id | default(1) }}", "1"),
    ("{{ first_of(skipped.id, order.note, order.id) }}", "7"),
    ("{{ first_of(skipped, none) }}", "null"),
    ("{{ order.gone | map(attribute='x') | sum | default(0) }}", "0"),
    ("{{ [1, omit, 2] }}", "[1,2]"),
    ("{{ {'a': omit, 'b': order.note} }}", r#"{"b":null}"#),
    // isolation
    ("{{ sent }}", "[1]"),
    ("{{ failed_of(sent) }}", "[2,3]"),
    // one filter after another
    ("{{ order.lines | selectattr('qty', '>', 5) | map(attribute='sku') | join(', ') }}", r#""B2""#),
    ("{{ order.lines | map(attribute='cost') | sum | round(2) }}", "0.30"),
    ("{{ order | path('$.lines[?@.qty > 5].sku') | first }}", r#""B2""#),
];

#[test]
fn values() {
    for (text, value) in VALUES {
        assert_eq!(run(text).as_deref(), Ok(*value), "{text}");
    }
}

#[test]
fn errors_point_at_their_cause() {
    for (text, error) in [
        ("{{ order.custmer.email }}", "[custmer] `order` has no `custmer`: did you mean `customer`?"),
        ("{{ order.customer.emial }}", "[emial] `order.customer` has no `emial`: did you mean `email`?"),
        (
            "{{ order.note.text }}",
            "[text] `order.note` is null, so it has no `text`: test it first, or use `| default(…)`",
        ),
        (
            "{{ order.lines.sku }}",
            "[sku] `order.lines` is a list, so it has no `sku`: use `[0]`, `map(attribute='sku')` or `find(…)`",
        ),
        ("{{ order.lines[5] }}", "[5] `order.lines` has 2 elements, so no [5]"),
        ("{{ items['Z9'].value }}", "['Z9'] `items` has no element for Z9"),
        (
            "{{ items[order.customer.address.city].value }}",
            "[items[order.customer.address.city]] `items` has no element for Leeds",
        ),
        (
            "{{ order.total + 1 }}",
            "[order.total + 1] text + number is not possible: join text with `~`, turn text into a number with `| decimal`",
        ),
        (
            "x {{ order.qty * (order.note) }}",
            "[order.qty * (order.note)] number * null is not possible: give it a value with `| default(…)`",
        ),
        (
            "{{ order.total > 100 }}",
            "[order.total > 100] text > number is not possible: turn the text into a number with `| decimal`",
        ),
        (
            "{{ 1 / 3 }}",
            "[1 / 3] the division does not come out exactly: put it inside a rounding, such as `round(a / b, 2)`",
        ),
    ] {
        assert_eq!(run(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn errors_of_functions_and_tables_point_at_their_cause() {
    for (text, error) in [
        (
            "{{ order.customer.email | decimal }}",
            "[order.customer.email | decimal] `decimal`: the text is no exact decimal: expected digits and one point, at most 28 digits",
        ),
        (
            "{{ order.customer.email | date }}",
            "[order.customer.email | date] `date`: the text is no date: expected ISO 8601, RFC 2822, M/D/YYYY or seconds since 1970",
        ),
        (
            "{{ 1 | money(order.customer.email) }}",
            "[1 | money(order.customer.email)] `money`: the text is no ISO 4217 currency: expected three letters",
        ),
        ("{{ 1 | money('QQQ') }}", "[1 | money('QQQ')] `money`: `QQQ` is no ISO 4217 currency"),
        ("{{ 5 | upper }}", "[5 | upper] `upper`: expected text, found number"),
        (
            "{{ order.note | upper }}",
            "[order.note | upper] `upper`: expected text, found null: give it a value with `| default(…)`",
        ),
        ("{{ skipped.id }}", "[skipped.id] `skipped` was skipped: use `first_of(…)` or `| default(…)`"),
        (
            "a {{ order.note }}",
            "[order.note] `order.note` is null, which cannot stand in text: give it a text with `| default('')`",
        ),
        ("a {{ order.tags }}", "[order.tags] `order.tags` is a list, which cannot stand in text"),
        (
            "{{ tables.currencies['EUR'].id }}",
            "[tables.currencies['EUR']] the table `currencies` has no row for EUR",
        ),
        (
            "{{ tables.tenders['card', 'x'].id }}",
            "[tables.tenders['card', 'x']] the table `tenders` has no row for card, x",
        ),
        (
            "{{ tables.stores['1'].exported }}",
            "['1'] the key `channel` of the table `stores` is whole number, found text",
        ),
        (
            "{{ tables.stors[1].exported }}",
            "[tables.stors[1]] there is no table `stors`: did you mean `stores`?",
        ),
        (
            "{{ tables.stores.exportd }}",
            "[tables.stores.exportd] the table `stores` has no column `exportd`: did you mean `exported`?",
        ),
        (
            "{{ '62.6793' | money('GBP') }}",
            "['62.6793' | money('GBP')] `money`: 62.6793 has more digits than GBP has (2): round it first, or read it as a `rate`",
        ),
        (
            "{{ (1 | money('GBP')) + (1 | money('USD')) }}",
            "[(1 | money('GBP')) + (1 | money('USD'))] GBP and USD cannot meet in one operation: convert one with `fx`",
        ),
        (
            "{{ [1, 'a'] | sort }}",
            "[[1, 'a'] | sort] `sort`: text < number is not possible: turn the text into a number with `| decimal`",
        ),
        (
            "{{ order.lines | map(attribute='sk') }}",
            "[order.lines | map(attribute='sk')] element [0] has no `sk`: did you mean `sku`?",
        ),
        ("{{ omit + 1 }}", "[omit] `omit` leaves a field out: it cannot be worked with"),
    ] {
        assert_eq!(run(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn faults_are_found_when_it_is_read_all_at_once() {
    for (text, faults) in [
        ("{{ ordr.id }}", "[ordr] there is no `ordr` here"),
        (
            "{{ order.id | uper }} and {{ nothing }}",
            "[uper] there is no function `uper`; [nothing] there is no `nothing` here",
        ),
        ("{{ x + y }}", "[x] there is no `x` here; [y] there is no `y` here"),
        ("{{ order.id | round(digit=2) }}", "[digit] `round` has no parameter `digit`"),
        (
            "{{ order.id | round(2, 'halfup') }}",
            "['halfup'] `halfup` is no mode: expected half_up, half_even, down, up, floor, ceiling",
        ),
        ("{{ order.id | clip }}", "[clip] `clip` needs `length` (number)"),
        ("{{ order.id | upper(1, 2) }}", "[upper] `upper` takes at most 1 arguments"),
        ("{{ order.id is odd }}", "[odd] there is no test `odd`"),
        ("{{ 1 if order.id }}", "[1 if order.id] an `if` needs its `else`"),
        ("{{ order | path('$.[') }}", "['$.['] this is no JSONPath: expected wildcard_selector or ALPHA"),
        (
            "{{ order | path(order.id) }}",
            "[order.id] a JSONPath must be a quoted text: it is read when the flow is checked",
        ),
        ("{{ order.id.upper() }}", "[.upper()] values have no methods, so no `.upper()`"),
        ("{{ order.tags[1, 2] }}", "[order.tags[1, 2]] only a table takes several keys"),
        ("{{ 1e400 }}", "[1e400] `1e400` has an exponent: write its digits out"),
        (
            "{{ 1.00000000000000000000000000001 }}",
            "[1.00000000000000000000000000001] `1.00000000000000000000000000001` is not an exact decimal (at most 28 digits)",
        ),
        ("{{ tables }}", "[tables] `tables` is no value"),
        ("{{ {a: 1} }}", "[a] a key must be a quoted text"),
        ("{{ order.lines | sum(attribute=qty) }}", "[qty] the attribute must be a quoted text"),
        (
            "{{ order.lines | sum(attribute='a b') }}",
            "['a b'] this is no path to an attribute: expected `name` or `name.name`",
        ),
        ("{{ tabls.tenders['card', 'x'] }}", "[tabls] there is no `tabls` here"),
        ("{{ failed_of(snt) }}", "[snt] there is no `snt` here"),
        ("{{ failed_of(order.id) }}", "[order.id] `failed_of` takes the name of a node"),
        ("{{ order.id | map }}", "[map] `map` needs `attribute='…'` or the quoted name of a function"),
    ] {
        assert_eq!(run(text).unwrap_err(), faults, "{text}");
    }
    for text in ["{{ }}", "{{ order. }}", "{{ order.id + }}", "{{ (1 }}", "{{ a b }}", "{{ 'x }}"] {
        assert!(run(text).is_err(), "{text}");
    }
}

//! Functions that the evaluator itself carries out, since their arguments are not just values. Here: how they are called
//! and what they mean.

use super::{Form, Function, Origin, Param, Run, Takes, element, given};
use crate::shape::{self, Shape};

const fn form(
    name: &'static str,
    doc: &'static str,
    params: &'static [Param],
    gives: fn(&[Option<Shape>]) -> Shape,
    form: Form,
) -> Function {
    Function {
        name,
        doc,
        params,
        rest: false,
        gives,
        run: Run::Form(form),
        origin: Origin::All,
        anonymous: false,
        examples: &[],
    }
}

pub(super) const DEFAULT: Function = form(
    "default",
    "The value, or `otherwise` if it is missing or null: an absent field, a node that was skipped, a table row that is not \
     there. A misspelt field of a known record is still a problem.",
    &[Param::needed("value", Takes::ANY), Param::needed("otherwise", Takes::ANY)],
    |args| shape::join(given(args, 0).present(), &given(args, 1)),
    Form::Default,
)
.examples(&[("none | default('x')", "\"x\""), ("{'a': 1}.b | default(2)", "2"), ("0 | default(5)", "0")]);

pub(super) const FIRST_OF: Function = form(
    "first_of",
    "The first of the values that is there: not missing, not null, not from a node that was skipped. Null if none is.",
    &[Param::needed("value", Takes::ANY), Param::optional("other", Takes::ANY)],
    |args| args.iter().flatten().cloned().reduce(|one, two| shape::join(&one, &two)).unwrap_or(Shape::Any),
    Form::FirstOf,
)
.rest()
.examples(&[("first_of(none, {'a': 1}.b, 3, 4)", "3"), ("first_of(none, none)", "null")]);

pub(super) const MAP: Function = form(
    "map",
    "An attribute of every element (`map(attribute='price.net')`), or a function applied to every element \
     (`map('round', 2)`).",
    &[
        Param::needed("list", Takes::LIST),
        Param::optional("function", Takes::TEXT),
        Param::optional("attribute", Takes::PATH),
    ],
    |args| if args.get(2).is_some_and(Option::is_some) { given(args, 2).list() } else { Shape::Any.list() },
    Form::Map,
)
.rest()
.examples(&[
    ("[{'a': {'b': 1}}] | map(attribute='a.b')", "[1]"),
    ("['a', 'b'] | map('upper')", "[\"A\",\"B\"]"),
    ("[1.005, 2] | map('round', 2, 'half_even')", "[1.00,2.00]"),
]);

const SELECT_PARAMS: &[Param] = &[
    Param::needed("list", Takes::LIST),
    Param::optional("test", Takes::TEXT),
    Param::optional("than", Takes::ANY),
];
const SELECTATTR_PARAMS: &[Param] = &[
    Param::needed("list", Takes::LIST),
    Param::needed("attribute", Takes::PATH),
    Param::optional("test", Takes::TEXT),
    Param::optional("than", Takes::ANY),
];

pub(super) const SELECT: Function = form(
    "select",
    "The elements for which a test holds: `select('>', 5)`. Without a test, those that count as true.",
    SELECT_PARAMS,
    |args| given(args, 0),
    Form::Select { attribute: false, keep: true },
)
.origin_first()
.examples(&[("[1, 7, 9] | select('>', 5)", "[7,9]"), ("[0, '', 'a'] | select", "[\"a\"]")]);

pub(super) const REJECT: Function = form(
    "reject",
    "The elements for which a test does not hold.",
    SELECT_PARAMS,
    |args| given(args, 0),
    Form::Select { attribute: false, keep: false },
)
.origin_first()
.examples(&[("[1, none, 2] | reject('none')", "[1,2]")]);

pub(super) const SELECTATTR: Function = form(
    "selectattr",
    "The elements whose attribute passes a test: `selectattr('quantity', '>', 0)`, `selectattr('value', 'none')`.",
    SELECTATTR_PARAMS,
    |args| given(args, 0),
    Form::Select { attribute: true, keep: true },
)
.origin_first()
.examples(&[
    ("[{'n': 1, 't': 'a'}, {'n': 2, 't': 'b'}] | selectattr('t', '==', 'b') | map(attribute='n')", "[2]"),
    ("[{'n': 1}, {'n': none}] | selectattr('n', 'none') | length", "1"),
    ("[{'n': 1}, {}] | selectattr('n', 'defined') | length", "1"),
]);

pub(super) const REJECTATTR: Function = form(
    "rejectattr",
    "The elements whose attribute does not pass a test.",
    SELECTATTR_PARAMS,
    |args| given(args, 0),
    Form::Select { attribute: true, keep: false },
)
.origin_first()
.examples(&[("[{'n': 1}, {'n': 2}] | rejectattr('n', 'in', [2, 3])", "[{\"n\":1}]")]);

pub(super) const PATH: Function = form(
    "path",
    "What an RFC 9535 JSONPath selects, as a list: for filters and descents; `x.y[0]` is shorter for the rest. The path is \
     a literal, read when the flow is checked. Amounts compare as their digits.",
    &[Param::needed("value", Takes::ANY), Param::needed("path", Takes::TEXT)],
    |_| Shape::Any.list(),
    Form::Path,
)
.examples(&[
    ("{'lines': [{'sku': 'A', 'qty': 2}, {'sku': 'B', 'qty': 9}]} | path('$.lines[?@.qty > 6].sku')", "[\"B\"]"),
    ("{'a': {'id': 1}, 'b': [{'id': 2}]} | path('$..id')", "[1,2]"),
]);

pub(super) const FIND: Function = form(
    "find",
    "The first element whose fields have these values, or null: `find(id=5)`; two underscores step into an object: \
     `find(item__id=5)` looks at `item.id`. An element without the field does not match.",
    &[Param::needed("list", Takes::LIST)],
    |args| element(args, 0).optional(),
    Form::Find,
)
.origin_first()
.examples(&[
    ("[{'id': 1}, {'id': 2, 'n': 'b'}] | find(id=2)", "{\"id\":2,\"n\":\"b\"}"),
    ("[{'item': {'id': 1}}] | find(item__id=2)", "null"),
]);

pub(super) const FAILED_OF: Function = form(
    "failed_of",
    "The elements of a node with `apart` that failed, as the node's own list holds those that succeeded.",
    &[Param::needed("node", Takes::ANY)],
    |args| given(args, 0),
    Form::FailedOf,
);

pub(super) const TIE_OUT: Function = form(
    "tie_out",
    "What a record adds up to: the sum of the amounts that its record schema declares.",
    &[Param::needed("record", Takes::OBJECT)],
    |_| Shape::MONEY,
    Form::TieOut,
);

pub(super) const OMIT: Function = form(
    "omit",
    "Not called: stands where a value would, and leaves the field or element out: `x | default(omit)`.",
    &[],
    |_| Shape::Any,
    Form::Omit,
)
.examples(&[("{'a': 1, 'b': omit}", "{\"a\":1}"), ("[1, omit if true else 2]", "[1]")]);

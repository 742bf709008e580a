//! `sum`: numbers or amounts of one currency.

use crate::{
    function::{Args, Function, Param, Takes, args::attribute, element, given, quantity},
    shape::Shape,
    value::{Arithmetic, Refusal, Value},
};

pub(crate) const FUNCTION: Function = Function::plain(
    "sum",
    "The sum of the numbers or amounts, or of an attribute of the elements. The sum of nothing is a plain 0, which goes with \
     any currency.",
    &[Param::needed("list", Takes::LIST).of(Takes::QUANTITY), Param::optional("attribute", Takes::PATH).of(Takes::QUANTITY)],
    |args| {
        let summand = if args.get(1).is_some_and(Option::is_some) { given(args, 1) } else { element(args, 0) };
        match summand.present() {
            Shape::Int | Shape::Money(_) => summand.present().clone(),
            summand => quantity(summand),
        }
    },
    run,
)
.examples(&[("[0.1, 0.2] | sum", "0.3"), ("[{'n': 1}, {'n': 2}] | sum(attribute='n')", "3"), ("[] | sum", "0")]);

fn run(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut sum = Value::from(0_i64);
    for item in args.list(0)? {
        let summand = attribute(item, args.path(1))?;
        if matches!(summand, Value::List(_)) {
            return Err("expected numbers or amounts in the list, found list".into());
        }
        sum = Arithmetic::Add.apply(&sum, summand)?;
    }
    Ok(sum)
}

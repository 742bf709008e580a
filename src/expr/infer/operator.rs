//! Shapes of arithmetic and comparisons.

use super::Infer;
use crate::{
    expr::{
        FaultKind,
        node::{Comparison, Kind, Node},
    },
    function::Takes,
    shape::{self, CurrencyOf, Shape, near},
    value::{Arithmetic, Value},
};

impl Infer<'_> {
    pub(super) fn arithmetic(&mut self, node: &Node, operator: Arithmetic, sides: &[Node; 2]) -> Shape {
        let (left, right) = (self.present(&sides[0]), self.present(&sides[1]));
        if operator == Arithmetic::Add
            && let (Shape::List(one), Shape::List(two)) = (&left, &right)
        {
            return shape::join(one, two).list();
        }
        if matches!(
            (operator, &left, &right),
            (Arithmetic::Add, Shape::List(_), Shape::Any) | (Arithmetic::Add, Shape::Any, Shape::List(_))
        ) {
            return Shape::Any.list();
        }
        if is_quantity(&left) && is_quantity(&right) {
            return self.quantities(node, operator, sides, (&left, &right));
        }
        let help = match operator {
            Arithmetic::Add if left.is_text() || right.is_text() => {
                Some("join text with `~`, turn text into a number with `| decimal`".to_owned())
            }
            _ if left.is_text() || right.is_text() => {
                Some("turn the text into a number with `| decimal`".to_owned())
            }
            _ => None,
        };
        self.fault(
            FaultKind::Type,
            node.place(),
            format!("{left} {} {right} is not possible", operator.symbol()),
            help,
        )
    }

    fn quantities(
        &mut self,
        node: &Node,
        operator: Arithmetic,
        sides: &[Node; 2],
        (left, right): (&Shape, &Shape),
    ) -> Shape {
        use Arithmetic::{Add, Divide, FloorDivide, Multiply, Power, Remainder, Subtract};
        match (left, right, operator) {
            (Shape::Money(one), Shape::Money(two), Add | Subtract | Remainder) => {
                self.same_currency(node, one, two);
                Shape::Money(one.with(two))
            }
            (Shape::Money(one), Shape::Money(two), Divide | FloorDivide) => {
                self.same_currency(node, one, two);
                Shape::Number
            }
            (Shape::Any, Shape::Money(_), Add | Subtract | Multiply) => right.clone(),
            (Shape::Money(_), Shape::Any, Add | Subtract | Multiply) => left.clone(),
            (Shape::Any, _, _) | (_, Shape::Any, _) => Shape::Any,
            (Shape::Money(_), Shape::Int, Multiply) => left.clone(),
            (Shape::Int, Shape::Money(_), Multiply) => right.clone(),
            (Shape::Money(currency), _, Multiply | Divide) | (_, Shape::Money(currency), Multiply) => {
                Shape::Money(currency.unrounded())
            }
            (Shape::Money(_), _, Add | Subtract) if is_zero(&sides[1]) => left.clone(),
            (_, Shape::Money(_), Add | Subtract) if is_zero(&sides[0]) => right.clone(),
            (Shape::Money(_), _, _) | (_, Shape::Money(_), _) => {
                let help = match operator {
                    Add | Subtract => Some("make the number an amount with `| money(currency)`".to_owned()),
                    _ => None,
                };
                self.fault(
                    FaultKind::Type,
                    node.place(),
                    format!("{left} {} {right} is not possible", operator.symbol()),
                    help,
                )
            }
            (Shape::Int, Shape::Int, Add | Subtract | Multiply | FloorDivide | Remainder | Power) => {
                Shape::Int
            }
            (Shape::Rate, _, _) | (_, Shape::Rate, _) => Shape::Rate,
            _ => Shape::Number,
        }
    }

    fn same_currency(&mut self, node: &Node, one: &CurrencyOf, two: &CurrencyOf) {
        if let (CurrencyOf::Code(one), CurrencyOf::Code(two)) = (one.rounded(), two.rounded())
            && one != two
        {
            let help = Some("convert one with `fx(rate, currency)`".to_owned());
            self.fault(FaultKind::Currency, node.place(), format!("{one:?} and {two:?} meet here"), help);
        }
    }

    pub(super) fn compare(&mut self, node: &Node, first: &Node, rest: &[(Comparison, Node)]) -> Shape {
        let mut left = (first, self.given(first));
        for (operator, next) in rest {
            let right = self.given(next);
            let place = if rest.len() == 1 { node.place() } else { (left.0.start, next.end) };
            self.pair((*operator, place), (left.0, &left.1), (next, &right));
            left = (next, right);
        }
        Shape::Bool
    }

    fn pair(
        &mut self,
        (operator, place): (Comparison, (u32, u32)),
        left: (&Node, &Shape),
        right: (&Node, &Shape),
    ) {
        match operator {
            Comparison::Equal | Comparison::Unequal => self.equal(place, left, right),
            Comparison::In | Comparison::NotIn => {
                let container = self.must_be_there(right.0, right.1);
                self.within(place, left, (right.0, &container));
            }
            _ => {
                let (one, two) = (self.must_be_there(left.0, left.1), self.must_be_there(right.0, right.1));
                if [&one, &two].into_iter().any(|shape| !is_quantity(shape) && !shape.is_text()) {
                    self.fault(
                        FaultKind::Type,
                        (left.0.start, right.0.end),
                        format!("{one} and {two} have no order"),
                        None,
                    );
                    return;
                }
                self.equal(place, (left.0, &one), (right.0, &two));
            }
        }
    }

    /// Kinds that can never be equal are a mistake, not a `false`.
    pub(super) fn equal(&mut self, place: (u32, u32), left: (&Node, &Shape), right: (&Node, &Shape)) {
        match (left.1.present(), right.1.present()) {
            (Shape::Any | Shape::Null, _) | (_, Shape::Any | Shape::Null) => {}
            (Shape::Money(one), Shape::Money(two)) => {
                if let (CurrencyOf::Code(one), CurrencyOf::Code(two)) = (one.rounded(), two.rounded())
                    && one != two
                {
                    let help = Some("convert one with `fx(rate, currency)`".to_owned());
                    self.fault(FaultKind::Currency, place, format!("{one:?} is compared with {two:?}"), help);
                }
            }
            (Shape::Money(_), number) if number.is_number() && is_zero(right.0) => {}
            (number, Shape::Money(_)) if number.is_number() && is_zero(left.0) => {}
            (one @ Shape::Money(_), two) | (one, two @ Shape::Money(_))
                if one.is_number() || two.is_number() =>
            {
                let help = Some("make the number an amount with `| money(currency)`".to_owned());
                self.fault(FaultKind::Type, place, format!("{one} is compared with {two}"), help);
            }
            (Shape::Enum(one), Shape::Enum(two)) if !one.iter().any(|word| two.contains(word)) => {
                let (known, written, at) =
                    if two.len() == 1 { (one, &two[0], right.0) } else { (two, &one[0], left.0) };
                let help = near(written, known.iter().map(|word| &**word))
                    .map(|word| format!("did you mean `{word}`?"));
                let message =
                    format!("`{written}` is never found here: it is {}", Shape::Enum(known.clone()));
                self.fault(FaultKind::Type, at.place(), message, help);
            }
            (one, two) if Takes::of(one).overlaps(Takes::of(two)) => {}
            (one, two) => {
                let text_and_number =
                    (one.is_text() && two.is_number()) || (one.is_number() && two.is_text());
                let help = text_and_number.then(|| {
                    "turn the text into a number with `| decimal`, or the number into text with `| text`"
                        .to_owned()
                });
                self.fault(FaultKind::Type, place, format!("{one} can never be equal to {two}"), help);
            }
        }
    }

    /// `left in right`.
    pub(super) fn within(&mut self, place: (u32, u32), left: (&Node, &Shape), right: (&Node, &Shape)) {
        match right.1 {
            Shape::Any | Shape::Object(_) => {}
            Shape::List(element) => self.equal(place, left, (right.0, element)),
            text if text.is_text() => {
                if !left.1.present().is_text() && *left.1.present() != Shape::Any {
                    self.fault(
                        FaultKind::Type,
                        left.0.place(),
                        format!("only text is part of a text, not {}", left.1),
                        None,
                    );
                }
            }
            other => {
                self.fault(
                    FaultKind::Type,
                    right.0.place(),
                    format!("nothing is in {other}: expected list, text or object"),
                    None,
                );
            }
        }
    }
}

fn is_quantity(shape: &Shape) -> bool {
    matches!(shape, Shape::Any | Shape::Money(_)) || shape.is_number()
}

/// What two branches have in common. A literal zero goes with any currency.
pub(super) fn join(one: (&Node, &Shape), two: (&Node, &Shape)) -> Shape {
    match (one.1.present(), two.1.present()) {
        (Shape::Money(_), _) if is_zero(two.0) => one.1.clone(),
        (_, Shape::Money(_)) if is_zero(one.0) => two.1.clone(),
        _ => shape::join(one.1, two.1),
    }
}

/// A literal zero goes with any currency.
fn is_zero(node: &Node) -> bool {
    match &node.kind {
        Kind::Const(number @ Value::Number(_)) => number.as_decimal().is_some_and(|digits| digits.is_zero()),
        _ => false,
    }
}

//! Shapes of calls, tests and list forms.

use super::Infer;
use crate::{
    expr::{
        FaultKind,
        node::{Kind, Node, Select},
    },
    function::{self, Function, Origin, Takes, Test},
    shape::{self, Part, Shape},
    value::{Path, Step},
};

impl Infer<'_> {
    pub(super) fn call_shape(&mut self, node: &Node) -> Shape {
        match &node.kind {
            Kind::Call { function, args } => self.call(node, function, None, args),
            Kind::Test { value, test, than } => self.test(value, test, than.as_deref()),
            Kind::MapPath { list, .. } | Kind::MapCall { list, .. } | Kind::Find { list, .. } => {
                let list_shape = self.list(list);
                self.over(node, &list_shape)
            }
            Kind::Select(select) => {
                let list = self.list(&select.list);
                self.select(select, &list)
            }
            Kind::JsonPath { value, path, at } => {
                let shape = self.present(value);
                self.found(node, &shape, path, *at)
            }
            Kind::FailedOf { slot } => self.env.get(*slot).map_or(Shape::Any, |known| known.shape.clone()),
            Kind::TieOut { record, .. } => self.tie_out(node, record),
            Kind::RoundedDivision { sides, digits, mode } => {
                let quotient = self.arithmetic(node, crate::value::Arithmetic::Divide, sides);
                for (position, arg) in [(1, digits), (2, mode)] {
                    let Some(arg) = arg else { continue };
                    let shape = self.present(arg);
                    self.constant_argument(&function::ROUND, position, arg, &shape);
                }
                match quotient {
                    Shape::Number | Shape::Rate if digits.is_none() => Shape::Int,
                    Shape::Rate => Shape::Number,
                    Shape::Money(currency) => Shape::Money(currency.rounded().clone()),
                    quotient => quotient,
                }
            }
            _ => Shape::Any,
        }
    }

    /// A call whose first argument may be missing: then so is its result.
    pub(super) fn call_soft(&mut self, node: &Node) -> Shape {
        let first = match &node.kind {
            Kind::Find { list, .. } | Kind::MapPath { list, .. } => list,
            Kind::Select(select) => &select.list,
            Kind::JsonPath { value, .. } => value,
            Kind::Call { function, args } => {
                let Some(Some(first)) = args.first() else { return self.call_shape(node) };
                let shape = self.soft(first).unwrap_or(Shape::Null);
                let rest = args.get(1..).unwrap_or_default();
                let result = self.call(node, function, Some(shape.present()), rest);
                return if shape.may_miss() { result.optional() } else { result };
            }
            _ => return self.given(node),
        };
        let shape = self.soft(first).unwrap_or(Shape::Null);
        let result = match &node.kind {
            Kind::Select(select) => self.select(select, shape.present()),
            Kind::JsonPath { path, at, .. } => self.found(node, shape.present(), path, *at),
            _ => {
                let list = self.must_be_list(first, shape.present().clone());
                self.over(node, &list)
            }
        };
        if shape.may_miss() { result.optional() } else { result }
    }

    fn list(&mut self, node: &Node) -> Shape {
        let shape = self.present(node);
        self.must_be_list(node, shape)
    }

    fn must_be_list(&mut self, node: &Node, shape: Shape) -> Shape {
        match shape {
            Shape::List(_) => shape,
            Shape::Any | Shape::Null => Shape::Any.list(),
            other => {
                self.fault(FaultKind::Type, node.place(), format!("expected list, found {other}"), None);
                Shape::Any.list()
            }
        }
    }

    /// A form over a list of known shape.
    fn over(&mut self, node: &Node, list: &Shape) -> Shape {
        let element = shape::element(list).unwrap_or(Shape::Any);
        match &node.kind {
            Kind::MapPath { steps, .. } => self.walk_from(element, steps).list(),
            Kind::MapCall { function, args, .. } => self.call(node, function, Some(&element), args).list(),
            Kind::Find { fields, .. } => {
                for (path, value) in fields {
                    let (field, wanted) = self.aside(|infer| {
                        (infer.attribute(&element, &path.path, path.place), infer.given(value))
                    });
                    self.equal(value.place(), (value, &field), (value, &wanted));
                }
                element.optional()
            }
            _ => Shape::Any,
        }
    }

    /// The list that is left: what was tested is there in its elements.
    fn select(&mut self, select: &Select, list: &Shape) -> Shape {
        let element = shape::element(list).unwrap_or(Shape::Any);
        self.aside(|infer| {
            let value = match &select.attribute {
                Some(attribute) => infer.attribute(&element, &attribute.path, attribute.place),
                None => element,
            };
            if let (Some(test), Some(than)) = (select.test, &select.than) {
                let wanted = infer.given(than);
                infer.compared_by(test, (&select.list, &value), (than, &wanted));
            }
        });
        let there = match select.test.map(|test| test.names[0]) {
            Some("none" | "empty" | "undefined") => !select.keep,
            Some("defined") => false,
            _ => select.keep,
        };
        match (there, shape::element(list)) {
            (true, Some(element)) => shape::present_at(
                &element,
                select.attribute.as_ref().map_or(&[], |attribute| &attribute.path.0),
            )
            .list(),
            _ => list.clone(),
        }
    }

    fn test(&mut self, value: &Node, test: &Test, than: Option<&Node>) -> Shape {
        let shape =
            if test.takes_missing() { self.soft(value).unwrap_or(Shape::Null) } else { self.given(value) };
        if let Some(than) = than {
            let wanted = self.given(than);
            self.compared_by(test, (value, &shape), (than, &wanted));
        }
        Shape::Bool
    }

    fn compared_by(&mut self, test: &Test, value: (&Node, &Shape), than: (&Node, &Shape)) {
        let place = (value.0.start.min(than.0.start), value.0.end.max(than.0.end));
        match test.names[0] {
            "==" | "!=" | "<" | "<=" | ">" | ">=" => self.equal(place, value, than),
            "in" => self.within(place, value, than),
            _ => {}
        }
    }

    /// The shape that an attribute has in elements.
    fn attribute(&mut self, element: &Shape, path: &Path, place: (u32, u32)) -> Shape {
        let mut shape = element.clone();
        for step in &path.0 {
            let missing = shape.may_miss();
            shape = match (shape.present(), step) {
                (Shape::Any | Shape::Null, _) => return Shape::Any,
                (present, Step::Key(name)) => match shape::lookup(present, name) {
                    Ok(found) => {
                        if let Shape::Object(object) = present
                            && let Some(kind) =
                                object.fields.get(name).and_then(|field| field.personal.as_ref())
                        {
                            self.mentions(kind, place);
                        }
                        found
                    }
                    Err(miss) => {
                        return self.fault(FaultKind::UnknownField, place, miss.to_string(), miss.help());
                    }
                },
                (Shape::List(element), Step::At(_)) => Shape::clone(element),
                (other, Step::At(_)) => {
                    return self.fault(FaultKind::Type, place, format!("{other} has no elements"), None);
                }
            };
            if missing {
                shape = shape.optional();
            }
        }
        shape
    }

    /// A plain function. `first`: the shape of its first argument, where that is no node; then `args` begin with its second.
    fn call(
        &mut self,
        node: &Node,
        function: &Function,
        first: Option<&Shape>,
        args: &[Option<Node>],
    ) -> Shape {
        let mut shapes: Vec<Option<Shape>> = Vec::new();
        if let Some(first) = first {
            self.takes(function, 0, node.place(), first);
            shapes.push(Some(first.clone()));
        }
        for arg in args {
            let position = shapes.len();
            shapes.push(match arg {
                None => None,
                Some(Node { kind: Kind::Attribute(path), start, end }) => {
                    let element = shapes.first().cloned().flatten();
                    let list = if matches!(function.name, "allocate" | "round_to_sum") {
                        shapes.get(1).cloned().flatten()
                    } else {
                        element
                    };
                    let element = list.and_then(|list| shape::element(&list)).unwrap_or(Shape::Any);
                    let before = self.personal.clone();
                    let found = self.attribute(&element, path, (*start, *end));
                    if function.origin == Origin::First {
                        self.personal = before;
                    }
                    Some(found)
                }
                Some(arg) => {
                    let shape = self.given(arg);
                    self.takes(function, position, arg.place(), &shape);
                    self.constant_argument(function, position, arg, &shape);
                    Some(shape)
                }
            });
        }
        self.elements(function, node, &shapes);
        (function.gives)(&shapes)
    }

    /// What the elements of lists must be, or the attributes of them that count.
    fn elements(&mut self, function: &Function, node: &Node, shapes: &[Option<Shape>]) {
        let given =
            || function.params.iter().zip(shapes).filter_map(|(param, shape)| Some((param, shape.as_ref()?)));
        let by_path = given().any(|(param, _)| param.takes.is_path());
        for (param, shape) in given().filter(|(param, _)| param.each != Takes::ANY) {
            let each = match (param.takes.is_path(), by_path) {
                (true, _) => shape.clone(),
                (false, true) => continue,
                (false, false) => shape::element(shape).unwrap_or(Shape::Any),
            };
            if param.each.all_of(Takes::of(&each)) {
                continue;
            }
            let message =
                format!("`{}` takes {} in its list, found {each}", function.name, param.each.words());
            if each.may_miss() && param.each.all_of(Takes::of(each.present())) {
                let help = "leave those out that are null: `| rejectattr('…', 'none')`, or give each a value"
                    .to_owned();
                self.fault(FaultKind::MayBeMissing, node.place(), message, Some(help));
            } else {
                let help =
                    each.is_text().then(|| "turn each into a number with `| map('decimal')`".to_owned());
                self.fault(FaultKind::Type, node.place(), message, help);
            }
        }
    }

    fn takes(&mut self, function: &Function, position: usize, place: (u32, u32), shape: &Shape) {
        let Some(param) = function.param(position) else { return };
        if param.takes.all_of(Takes::of(shape)) {
            return;
        }
        let name = function.name;
        if shape.may_miss() && param.takes.all_of(Takes::of(shape.present())) {
            let help = "give it a value with `| default(…)`, or test it first".to_owned();
            self.fault(
                FaultKind::MayBeMissing,
                place,
                format!("`{name}` takes {} here, this may be null", param.takes.words()),
                Some(help),
            );
            return;
        }
        let help = match (shape.is_text(), param.takes.overlaps(Takes::QUANTITY)) {
            (true, true) => Some("turn the text into a number with `| decimal`".to_owned()),
            (false, _) if shape.is_number() && param.takes.overlaps(Takes::TEXT) => {
                Some("make it text with `| text`".to_owned())
            }
            _ => None,
        };
        self.fault(
            FaultKind::Type,
            place,
            format!("`{name}` takes {} here, found {shape}", param.takes.words()),
            help,
        );
    }

    /// Binds the parts that the record declares.
    fn tie_out(&mut self, node: &Node, record: &Node) -> Shape {
        let Kind::TieOut { parts, .. } = &node.kind else { return Shape::Any };
        let shape = self.present(record);
        let unknown = |shape: &Shape| format!("nothing says what {shape} adds up to");
        let object = match &shape {
            Shape::Object(object) => object,
            Shape::Any => return Shape::MONEY,
            other => return self.fault(FaultKind::Type, record.place(), unknown(other), None),
        };
        let Some(sums) = &object.sums else {
            let help =
                Some("say which record it is with `shape:`; its schema declares what adds up".to_owned());
            return self.fault(FaultKind::Type, record.place(), unknown(&shape), help);
        };
        // a second inference finds the same record's parts there already
        let sums = parts.get_or_init(|| sums.clone());
        let amounts = sums.iter().filter_map(|part| amount(&shape, part));
        amounts.reduce(|one, two| shape::join(&one, &two)).unwrap_or(Shape::MONEY)
    }
}

/// The shape of a part, if the record has it and it is an amount.
fn amount(record: &Shape, part: &Part) -> Option<Shape> {
    let mut shape = record.clone();
    for name in &part.path {
        if let Some(element) = shape::element(&shape) {
            shape = element;
        }
        shape = shape::lookup(&shape, name).ok()?.present().clone();
    }
    let shape = shape::element(&shape).filter(|_| matches!(shape, Shape::List(_))).unwrap_or(shape);
    matches!(shape, Shape::Money(_)).then_some(shape)
}

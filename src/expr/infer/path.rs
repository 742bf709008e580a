//! Shapes along paths and in tables.

use super::{Infer, facts};
use crate::{
    expr::{
        FaultKind, Slot, Table,
        node::{Kind, Named, Node, Step, Way},
    },
    shape::{self, Miss, Object, Shape},
    value::Value,
};

/// Where a walk begins.
#[derive(Clone, Copy)]
struct Walk<'n> {
    root: Option<Slot>,
    steps: &'n [Step],
    /// Whether what is missing is provided for.
    lenient: bool,
}

impl<'e> Infer<'e> {
    /// The shape of a value whose absence is provided for; none if it says `omit`.
    pub(super) fn soft(&mut self, node: &Node) -> Option<Shape> {
        if super::is_anonymous(node) {
            return self.aside(|infer| Some(infer.call_soft(node)));
        }
        match &node.kind {
            Kind::Path { .. } | Kind::Steps { .. } | Kind::Index { .. } | Kind::Row { .. } => {
                Some(self.path(node, true))
            }
            Kind::Find { .. }
            | Kind::MapPath { .. }
            | Kind::Select(_)
            | Kind::Call { .. }
            | Kind::JsonPath { .. } => Some(self.call_soft(node)),
            _ => self.shape(node),
        }
    }

    pub(super) fn path(&mut self, node: &Node, lenient: bool) -> Shape {
        match &node.kind {
            Kind::Path { slot, steps } => {
                let Some(known) = self.env.get(*slot).cloned() else { return Shape::Any };
                if let Some(kind) = &known.personal {
                    self.mentions(kind, node.place());
                }
                let walk = Walk { root: Some(*slot), steps, lenient };
                let skipped = known.may_be_skipped && !facts::known(&self.facts, *slot, &[]);
                if skipped && !lenient {
                    let help =
                        "say so with `when`, or provide for it: `first_of(…)`, `| default(…)`".to_owned();
                    let end =
                        steps.first().map_or(node.end, |step| step.start.saturating_sub(1)).max(node.start);
                    self.fault(
                        FaultKind::MayBeSkipped,
                        (node.start, end),
                        "this node may be skipped",
                        Some(help),
                    );
                }
                let shape = self.walk(known.shape, walk);
                if skipped { shape.optional() } else { shape }
            }
            Kind::Steps { base, steps } => {
                let base = if lenient { self.soft(base).unwrap_or(Shape::Null) } else { self.given(base) };
                self.walk(base, Walk { root: None, steps, lenient })
            }
            Kind::Index { base, key } => self.index(base, key, lenient),
            Kind::Row { table, keys } => self.row(node, table, keys, lenient),
            Kind::Rows { table } => self.table(table).map_or(Shape::Any, |table| table.shape().list()),
            Kind::Column { table, column } => {
                let Some(table) = self.table(table) else { return Shape::Any };
                if let Ok(shape) = shape::lookup(&table.shape(), &column.name) {
                    return shape.list();
                }
                let help = table.nearest_column(&column.name).map(|name| format!("did you mean `{name}`?"));
                let message = format!("the table `{}` has no column `{}`", table.name, column.name);
                self.fault(FaultKind::UnknownColumn, column.place, message, help)
            }
            _ => self.given(node),
        }
    }

    /// Steps into an element.
    pub(super) fn walk_from(&mut self, from: Shape, steps: &[Step]) -> Shape {
        self.walk(from, Walk { root: None, steps, lenient: false })
    }

    fn walk(&mut self, from: Shape, walk: Walk<'_>) -> Shape {
        let (mut shape, mut missing) = (from, false);
        for (at, step) in walk.steps.iter().enumerate() {
            let granted = walk.root.is_some_and(|slot| facts::known(&self.facts, slot, &walk.steps[..at]));
            if shape.may_miss() && !granted {
                missing = true;
                if !walk.lenient {
                    let help =
                        "test it first (`… if x is not none else …`), or use `| default(…)` or `first_of(…)`"
                            .to_owned();
                    self.fault(
                        FaultKind::MayBeMissing,
                        (step.start, step.end),
                        "what stands before this may be null",
                        Some(help),
                    );
                }
            }
            shape = self.step(shape.present(), step);
            if shape == Shape::Any {
                break;
            }
        }
        if walk.root.is_some_and(|slot| facts::known(&self.facts, slot, walk.steps)) {
            shape = shape.present().clone();
        }
        if missing { shape.optional() } else { shape }
    }

    fn step(&mut self, shape: &Shape, step: &Step) -> Shape {
        let place = (step.start, step.end);
        match (shape, &step.way) {
            (Shape::Any | Shape::Null, _) => Shape::Any,
            (Shape::List(element), Way::At(_)) => Shape::clone(element),
            (Shape::List(element), Way::Look(_)) => self.keyed(element, place),
            (Shape::Object(object), Way::Member(name) | Way::Look(name)) => {
                if let Some(field) = object.fields.get(name) {
                    if !field.required {
                        step.set_known();
                    }
                    field.personal.iter().for_each(|kind| self.mentions(kind, place));
                }
                self.looked_up(shape::lookup(shape, name), place)
            }
            (_, Way::Member(name) | Way::Look(name)) => self.looked_up(shape::lookup(shape, name), place),
            (other, Way::At(_)) => {
                self.fault(FaultKind::Type, place, format!("{other} has no elements"), None)
            }
        }
    }

    fn looked_up(&mut self, found: Result<Shape, Miss>, place: (u32, u32)) -> Shape {
        match found {
            Ok(shape) => shape,
            Err(miss) => self.fault(FaultKind::UnknownField, place, miss.to_string(), miss.help()),
        }
    }

    /// The element that a key leads to, if the list is keyed.
    fn keyed(&mut self, element: &Shape, place: (u32, u32)) -> Shape {
        match element {
            Shape::Any => Shape::Any,
            Shape::Object(object) if object.fields.contains_key("key") => element.clone(),
            other => {
                let help = "a result is keyed by `by:`; in any other list look with `find(…)`".to_owned();
                self.fault(
                    FaultKind::Type,
                    place,
                    format!("a list of {other} is not looked up by key"),
                    Some(help),
                )
            }
        }
    }

    fn index(&mut self, base: &Node, key: &Node, lenient: bool) -> Shape {
        let base_shape = if lenient { self.soft(base).unwrap_or(Shape::Null) } else { self.present(base) };
        let key_shape = self.key(key, lenient);
        let missing = base_shape.may_miss();
        let found = match base_shape.present() {
            Shape::List(element) => {
                let element = facts::of_every(&self.facts, base, Shape::clone(element));
                self.element_by(&element, &key_shape, key.place())
            }
            Shape::Object(_) if key_shape.is_text() || key_shape == Shape::Any => Shape::Any,
            Shape::Any | Shape::Null => Shape::Any,
            other => {
                let message = format!("{other} has no elements");
                self.fault(FaultKind::Type, base.place(), message, None)
            }
        };
        if missing { found.optional() } else { found }
    }

    fn element_by(&mut self, element: &Shape, key: &Shape, place: (u32, u32)) -> Shape {
        let keyed_by = match element {
            Shape::Object(object) if is_keyed(object) => object.fields.get("key").map(|field| &field.shape),
            _ => None,
        };
        match (keyed_by, key) {
            (_, Shape::Any) | (Some(Shape::Any), _) => {}
            (Some(known), key)
                if (known.is_text() && key.is_text()) || (known.is_number() && key.is_number()) => {}
            (Some(known), key) => {
                self.fault(
                    FaultKind::Type,
                    place,
                    format!("the elements are keyed by {known}, found {key}"),
                    None,
                );
            }
            (None, key) if key.is_number() => {}
            (None, _) => return self.keyed(element, place),
        }
        element.clone()
    }

    /// The shape of a key that something is looked up by.
    fn key(&mut self, key: &Node, lenient: bool) -> Shape {
        self.aside(|infer| {
            if lenient {
                infer.soft(key).unwrap_or(Shape::Null).present().clone()
            } else {
                infer.present(key)
            }
        })
    }

    fn table(&mut self, Named { name, place }: &Named) -> Option<&'e Table> {
        let tables = self.env.tables?;
        let Some(table) = tables.get(name) else {
            let help = tables.nearest(name).map(|name| format!("did you mean `{name}`?"));
            self.fault(FaultKind::UnknownTable, *place, format!("there is no table `{name}`"), help);
            return None;
        };
        Some(table)
    }

    fn row(&mut self, node: &Node, table: &Named, keys: &[Node], lenient: bool) -> Shape {
        let shapes: Vec<Shape> = keys.iter().map(|key| self.key(key, lenient)).collect();
        let name = &table.name;
        let Some(table) = self.table(table) else { return Shape::Any };
        let columns: Vec<_> = table.keys().collect();
        if columns.len() != keys.len() {
            let names = columns.iter().map(|column| &*column.name).collect::<Vec<_>>().join(", ");
            let message = format!(
                "the table `{name}` is keyed by {} columns ({names}), found {} keys",
                columns.len(),
                keys.len()
            );
            self.fault(FaultKind::Arguments, node.place(), message, None);
        }
        for ((column, key), shape) in columns.iter().zip(keys).zip(shapes) {
            let wanted = column.shape.shape();
            let fits = match &shape {
                Shape::Any => true,
                shape if wanted.is_text() => shape.is_text(),
                shape if wanted.is_number() => shape.is_number(),
                shape => *shape == wanted,
            };
            if !fits {
                let help = match (wanted.is_text(), shape.is_text()) {
                    (true, false) => Some("make it text with `| text`".to_owned()),
                    (false, true) => Some("make it a number with `| decimal`".to_owned()),
                    _ => None,
                };
                let message =
                    format!("the key `{}` of the table `{name}` is {wanted}, found {shape}", column.name);
                self.fault(FaultKind::Type, key.place(), message, help);
            }
        }
        let constants: Option<Vec<&Value>> = keys
            .iter()
            .map(|key| if let Kind::Const(value) = &key.kind { Some(value) } else { None })
            .collect();
        if let (false, Some(constants)) = (lenient, constants)
            && self.faults.is_empty()
            && table.row(&constants).is_none()
            && let (Some(first), Some(last)) = (keys.first(), keys.last())
        {
            let shown = constants.iter().filter_map(|key| key.scalar_text()).collect::<Vec<_>>().join(", ");
            let message = format!("the table `{name}` has no row for `{shown}`");
            let help = table.nearest_key(&shown).map(|near| format!("did you mean `{near}`?"));
            self.fault(FaultKind::UnknownRow, (first.start, last.end), message, help);
        }
        if lenient { table.shape().optional() } else { table.shape() }
    }
}

fn is_keyed(object: &Object) -> bool {
    object.fields.len() == 3 && ["key", "item", "value"].iter().all(|name| object.fields.contains_key(*name))
}

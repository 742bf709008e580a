//! Shapes of what a `JSONPath` finds.

use super::Infer;
use crate::{
    expr::{FaultKind, node::Node},
    shape::{self, Shape},
    value::{JsonPath, JsonStep},
};

/// The text of a path in its expression, read from left to right with its names.
struct Text<'t> {
    text: &'t str,
    /// The place of the whole literal, quotes included.
    place: (u32, u32),
    read: usize,
}

impl Text<'_> {
    /// The place of the next mention of a name.
    fn next(&mut self, name: &str) -> (u32, u32) {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let ends = |at: usize| !self.text[at + name.len()..].starts_with(is_word);
        let begins = |at: usize| !self.text[..at].ends_with(is_word);
        let rest = self.text.get(self.read..).unwrap_or_default();
        let found =
            rest.match_indices(name).map(|(at, _)| self.read + at).find(|at| begins(*at) && ends(*at));
        // A literal with escapes is longer than its text: then the whole of it is meant.
        let plain = (self.place.1 - self.place.0) as usize == self.text.len() + 2;
        let Some(at) = found.filter(|_| plain) else { return self.place };
        self.read = at + name.len();
        let start = self.place.0 + 1 + at as u32;
        (start, start + name.len() as u32)
    }
}

impl Infer<'_> {
    /// What a `JSONPath` finds. Where it cannot be followed, it is data of a person if anything below its first steps is.
    pub(super) fn found(&mut self, node: &Node, value: &Shape, path: &JsonPath, place: (u32, u32)) -> Shape {
        let mut text = Text { text: path.text(), place, read: 0 };
        let found = self.follow(value, &path.steps(), (node, &mut text));
        if found.is_none()
            && let Some(kind) = shape::personal(value, &path.prefix())
        {
            self.mentions(kind, node.place());
        }
        found.unwrap_or(Shape::Any).list()
    }

    /// What steps lead to; none if it is not known. A field that is absent gives nothing, so it is no null.
    fn follow(
        &mut self,
        value: &Shape,
        steps: &[JsonStep],
        (node, text): (&Node, &mut Text<'_>),
    ) -> Option<Shape> {
        let mut shape = value.present().clone();
        for step in steps {
            let next = match (&shape, step) {
                (Shape::Any | Shape::Null, _) | (_, JsonStep::Other) => return None,
                (Shape::List(element), JsonStep::Elements) => Shape::clone(element),
                (Shape::List(element), JsonStep::Filter(looked)) => {
                    for path in looked {
                        self.aside(|infer| infer.follow(element, path, (node, text)));
                    }
                    Shape::clone(element)
                }
                (shape, JsonStep::Name(name)) => {
                    let place = text.next(name);
                    if let Shape::Object(object) = shape
                        && let Some(field) = object.fields.get(name)
                    {
                        field.personal.iter().for_each(|kind| self.mentions(kind, node.place()));
                        field.shape.clone()
                    } else {
                        match shape::lookup(shape, name) {
                            Ok(found) => found,
                            Err(miss) => {
                                self.fault(FaultKind::UnknownField, place, miss.to_string(), miss.help());
                                return None;
                            }
                        }
                    }
                }
                (_, JsonStep::Elements | JsonStep::Filter(_)) => return None,
            };
            shape = next.present().clone();
        }
        Some(shape)
    }
}

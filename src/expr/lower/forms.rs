//! Functions whose arguments are not just values.

use std::sync::OnceLock;

use minijinja::machinery::ast::Expr;

use super::{Lower, Node, call::Written, unknown};
use crate::{
    expr::{
        Fault, FaultKind,
        node::{Attribute, Kind, Select, Step, Way},
    },
    function::{self, Form, Function, Run},
    shape::near,
    value::{self, JsonPath, Path},
};

impl Lower<'_> {
    pub(super) fn form(
        &mut self,
        function: &'static Function,
        form: Form,
        place: (u32, u32),
        written: &[Written<'_, '_>],
    ) -> Node {
        let kind = match form {
            Form::Map => self.map(place, written),
            Form::Select { attribute, keep } => self.select(function, (attribute, keep), place, written),
            Form::Find => self.find(place, written),
            Form::Omit => {
                let fault = Fault::new(FaultKind::Arguments, place, "`omit` is not called");
                return self.fault(fault.help("write `omit` alone: `x | default(omit)`"));
            }
            _ => self.simple_form(function, form, place, written),
        };
        kind.map_or_else(|| unknown(place), |kind| Node::new(kind, place))
    }

    /// Forms whose arguments match their parameters.
    fn simple_form(
        &mut self,
        function: &'static Function,
        form: Form,
        place: (u32, u32),
        written: &[Written<'_, '_>],
    ) -> Option<Kind> {
        let mut args = self.arguments(function, place, written).into_iter().flatten();
        let first = args.next()?;
        match form {
            Form::Default => Some(Kind::Default(Box::new([first, args.next()?]))),
            Form::FirstOf => Some(Kind::FirstOf(std::iter::once(first).chain(args).collect())),
            Form::TieOut => Some(Kind::TieOut { record: Box::new(first), parts: OnceLock::new() }),
            Form::Path => self.json_path(first, &args.next()?),
            _ => match first.kind {
                Kind::Path { slot, steps } if steps.is_empty() => Some(Kind::FailedOf { slot }),
                _ if !self.faults.is_empty() => None,
                _ => {
                    self.refuse(FaultKind::Arguments, first.place(), "`failed_of` takes the name of a node");
                    None
                }
            },
        }
    }

    fn json_path(&mut self, value: Node, path: &Node) -> Option<Kind> {
        let Some(text) = path.literal() else {
            self.refuse(
                FaultKind::JsonPath,
                path.place(),
                "a JSONPath must be a quoted text: it is read when the flow is checked",
            );
            return None;
        };
        let at = path.place();
        match JsonPath::parse(text) {
            Ok(path) => Some(Kind::JsonPath { value: Box::new(value), path, at }),
            Err(error) => {
                self.parts.push(value);
                self.refuse(FaultKind::JsonPath, at, error.to_string());
                None
            }
        }
    }

    fn map(&mut self, place: (u32, u32), written: &[Written<'_, '_>]) -> Option<Kind> {
        let (list, rest) = self.split_list("map", place, written)?;
        let list = Box::new(list);
        if let [Written { name: Some("attribute"), tree }] = rest {
            let node = self.attribute(tree);
            let at = node.place();
            let Kind::Attribute(path) = node.kind else { return None };
            return Some(Kind::MapPath { list, steps: steps(&path, at) });
        }
        if let Some(Written { name: Some(name), tree }) = rest.first() {
            let fault = Fault::new(
                FaultKind::Arguments,
                self.keyword(name, tree),
                format!("`map` has no parameter `{name}`"),
            );
            self.fault(fault.did_you_mean(near(name, ["attribute"])));
            return None;
        }
        let Some(Written { name: None, tree: Expr::Const(name) }) = rest.first() else {
            let fault = Fault::new(
                FaultKind::Arguments,
                place,
                "`map` needs `attribute='…'` or the quoted name of a function",
            );
            self.fault(fault);
            return None;
        };
        let at = self.place(name.span());
        let name = name.value.as_str().unwrap_or_default();
        match function::find(name) {
            Some(function) if matches!(function.run, Run::Plain(_)) => {
                // the element stands for the first parameter, as the list does here
                let with_element: Vec<_> = written.iter().take(1).chain(&rest[1..]).copied().collect();
                let mut args = self.arguments(function, at, &with_element);
                args.drain(..1.min(args.len()));
                Some(Kind::MapCall { list, function, args })
            }
            Some(_) => {
                self.refuse(FaultKind::Arguments, at, format!("`{name}` cannot be mapped over elements"));
                None
            }
            None => {
                self.parts.push(*list);
                let fault =
                    Fault::new(FaultKind::UnknownFunction, at, format!("there is no function `{name}`"));
                self.fault(fault.did_you_mean(function::nearest(name)));
                None
            }
        }
    }

    fn select(
        &mut self,
        function: &Function,
        (by_attribute, keep): (bool, bool),
        place: (u32, u32),
        written: &[Written<'_, '_>],
    ) -> Option<Kind> {
        let (list, mut rest) = self.split_list(function.name, place, written)?;
        let mut attribute = None;
        if by_attribute {
            let Some((first, others)) = rest.split_first() else {
                self.refuse(
                    FaultKind::Arguments,
                    place,
                    format!("`{}` needs the name of an attribute", function.name),
                );
                return None;
            };
            let node = self.attribute(first.tree);
            let place = node.place();
            let Kind::Attribute(path) = node.kind else { return None };
            attribute = Some(Attribute { path, place });
            rest = others;
        }
        let Some((name, args)) = rest.split_first() else {
            return Some(Kind::Select(Box::new(Select { list, attribute, test: None, than: None, keep })));
        };
        let name = self.lower(name.tree);
        let Some(word) = name.literal().cloned() else {
            self.refuse(FaultKind::Arguments, name.place(), "the test must be a quoted text");
            return None;
        };
        let Some((test, than)) = self.known_test(&word, name.place(), args) else {
            self.parts.push(list);
            return None;
        };
        Some(Kind::Select(Box::new(Select { list, attribute, test: Some(test), than, keep })))
    }

    fn find(&mut self, place: (u32, u32), written: &[Written<'_, '_>]) -> Option<Kind> {
        let (list, mut rest) = self.split_list("find", place, written)?;
        let mut fields = Vec::new();
        while let Some((first, others)) = rest.split_first() {
            rest = others;
            if let Some(name) = first.name {
                let path = Path(name.split("__").map(|name| value::Step::Key(name.into())).collect());
                let place = self.keyword(name, first.tree);
                fields.push((Attribute { path, place }, self.lower(first.tree)));
                continue;
            }
            let node = self.attribute(first.tree);
            let place = node.place();
            let Kind::Attribute(path) = node.kind else { return None };
            let Some((value, others)) = rest.split_first() else {
                self.refuse(FaultKind::Arguments, place, format!("`find` needs a value for `{path}`"));
                return None;
            };
            rest = others;
            fields.push((Attribute { path, place }, self.lower(value.tree)));
        }
        if fields.is_empty() {
            let fault = Fault::new(FaultKind::Arguments, place, "`find` needs a field and its value");
            self.fault(fault.help("write `find(id=5)`"));
            return None;
        }
        Some(Kind::Find { list: Box::new(list), fields })
    }

    /// The list a form works on, and its other arguments.
    fn split_list<'w, 't, 's>(
        &mut self,
        name: &str,
        place: (u32, u32),
        written: &'w [Written<'t, 's>],
    ) -> Option<(Node, &'w [Written<'t, 's>])> {
        match written.split_first() {
            Some((first, rest)) if first.name.is_none() => Some((self.lower(first.tree), rest)),
            _ => {
                self.refuse(FaultKind::Arguments, place, format!("`{name}` needs a list"));
                None
            }
        }
    }
}

/// An attribute path as steps, all at the place of its text.
fn steps(path: &Path, place: (u32, u32)) -> Vec<Step> {
    let step = |step: &value::Step| match step {
        value::Step::Key(name) => Step::new(Way::Member(name.clone()), place),
        value::Step::At(at) => Step::new(Way::At(*at), place),
    };
    path.0.iter().map(step).collect()
}

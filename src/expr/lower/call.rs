//! Calls: filters, functions, tests; arguments are matched to parameters here, once.

use minijinja::machinery::{
    Span as Place,
    ast::{Call, CallArg, Expr, Filter, Spanned, Test},
};

use super::{Lower, Node, unknown};
use crate::{
    expr::{Fault, FaultKind, node::Kind},
    function::{self, Function, Param, Run},
    shape::near,
    value::{Arithmetic, Path},
};

/// An argument as it was written.
#[derive(Clone, Copy)]
pub(super) struct Written<'t, 's> {
    pub(super) name: Option<&'s str>,
    pub(super) tree: &'t Expr<'s>,
}

impl Lower<'_> {
    pub(super) fn filter(&mut self, filter: &Spanned<Filter<'_>>) -> Node {
        let name = self.place(filter.span());
        let name = (name.0, name.0 + filter.name.len() as u32);
        let Some(operand) = &filter.expr else {
            return self.refuse(FaultKind::Syntax, name, "a filter needs something before `|`");
        };
        let mut written = vec![Written { name: None, tree: operand }];
        if let Some(fault) = self.splat(&filter.args, &mut written) {
            return fault;
        }
        self.function(filter.name, name, &written, filter.span())
    }

    pub(super) fn call(&mut self, call: &Spanned<Call<'_>>) -> Node {
        let callee_end = call.expr.span().end_offset as usize;
        let open = callee_end + self.source.text[callee_end..].len()
            - self.source.text[callee_end..].trim_start().len();
        let mut written = Vec::new();
        if let Some(fault) = self.splat(&call.args, &mut written) {
            return fault;
        }
        if self.source.several.contains(&open) {
            let faults = self.faults.len();
            let base = self.lower(&call.expr);
            if self.faults.len() > faults {
                return base;
            }
            let keys = written.iter().map(|key| self.lower(key.tree)).collect();
            return self.several_keys(base, keys, call.span());
        }
        match &call.expr {
            Expr::Var(var) => self.function(var.id, self.place(var.span()), &written, call.span()),
            Expr::GetAttr(attr) => {
                self.keep(&attr.expr);
                written.iter().for_each(|written| self.keep(written.tree));
                let place = self.place(call.span());
                let fault = Fault::new(
                    FaultKind::UnknownFunction,
                    place,
                    format!("values have no methods, so no `.{}()`", attr.name),
                );
                self.fault(fault.help(format!("a function stands after `|`: `… | {}`", attr.name)))
            }
            other => {
                let place = self.place(other.span());
                self.refuse(FaultKind::Syntax, place, "only a function can be called")
            }
        }
    }

    /// Adds the arguments; `*list` and `**object` are refused.
    fn splat<'t, 's>(&mut self, args: &'t [CallArg<'s>], written: &mut Vec<Written<'t, 's>>) -> Option<Node> {
        for arg in args {
            written.push(match arg {
                CallArg::Pos(tree) => Written { name: None, tree },
                CallArg::Kwarg(name, tree) => Written { name: Some(name), tree },
                CallArg::PosSplat(tree) | CallArg::KwargSplat(tree) => {
                    let place = self.place(tree.span());
                    return Some(self.refuse(
                        FaultKind::Arguments,
                        place,
                        "arguments cannot be unpacked with `*`",
                    ));
                }
            });
        }
        None
    }

    /// A call of the function `name`, which stands at `place`.
    fn function(&mut self, name: &str, place: (u32, u32), written: &[Written<'_, '_>], span: Place) -> Node {
        let Some(function) = function::find(name) else {
            written.iter().for_each(|written| self.keep(written.tree));
            let nearest = function::nearest(name);
            let fault =
                Fault::new(FaultKind::UnknownFunction, place, format!("there is no function `{name}`"));
            return self.fault(fault.did_you_mean(nearest));
        };
        let end = self.place(span).1;
        let mut node = match function.run {
            Run::Form(form) => self.form(function, form, place, written),
            Run::Plain(_) => {
                let args = self.arguments(function, place, written);
                Node::new(plain(function, args), place)
            }
        };
        let first = written.first().map_or(place.0, |first| self.place(first.tree.span()).0);
        let start = node_start(&node).unwrap_or(first).min(place.0);
        (node.start, node.end) = self.balanced(start, end.max(place.1));
        node
    }

    /// The arguments by position of their parameters.
    pub(super) fn arguments(
        &mut self,
        function: &'static Function,
        place: (u32, u32),
        written: &[Written<'_, '_>],
    ) -> Vec<Option<Node>> {
        let mut args: Vec<Option<Node>> = Vec::new();
        for (position, written) in written.iter().enumerate() {
            let found = match written.name {
                None => function.param(position).map(|param| (position, param)),
                Some(name) => function.params.iter().enumerate().find(|(_, param)| param.name == name),
            };
            let Some((position, param)) = found else {
                if written.name.is_some() || position == function.params.len() {
                    self.no_parameter(function, place, *written);
                }
                self.keep(written.tree);
                continue;
            };
            if args.len() <= position {
                args.resize_with(position + 1, || None);
            }
            if args[position].is_some() {
                let message = format!("`{}` is given twice", param.name);
                self.refuse(FaultKind::Arguments, self.place(written.tree.span()), message);
            }
            args[position] = Some(self.argument(param, written.tree));
        }
        let missing = function
            .params
            .iter()
            .enumerate()
            .find(|(at, param)| param.needed && args.get(*at).is_none_or(Option::is_none));
        if let Some((_, param)) = missing {
            let message = format!("`{}` needs `{}` ({})", function.name, param.name, param.takes.words());
            self.refuse(FaultKind::Arguments, place, message);
        }
        args
    }

    fn no_parameter(&mut self, function: &Function, place: (u32, u32), written: Written<'_, '_>) {
        let names = || function.params.iter().map(|param| param.name);
        let fault = if let Some(name) = written.name {
            let message = format!("`{}` has no parameter `{name}`", function.name);
            let place = self.keyword(name, written.tree);
            Fault::new(FaultKind::Arguments, place, message).did_you_mean(near(name, names()))
        } else {
            let message = format!("`{}` takes at most {} arguments", function.name, function.params.len());
            Fault::new(FaultKind::Arguments, place, message)
        };
        let known = names().collect::<Vec<_>>().join(", ");
        let fault =
            if fault.help.is_none() { fault.help(format!("its parameters are {known}")) } else { fault };
        self.fault(fault);
    }

    /// The place of the name in `name=value`: what stands before the value.
    pub(super) fn keyword(&self, name: &str, value: &Expr<'_>) -> (u32, u32) {
        let text = &self.source.text;
        let before = &text[..(value.span().end_offset as usize).min(text.len())];
        let is_keyword = |at: &usize| {
            let rest = before[at + name.len()..].trim_start();
            rest.starts_with('=') && !rest.starts_with("==")
        };
        let found = before.rmatch_indices(name).map(|(at, _)| at).find(is_keyword);
        let start = found.unwrap_or(value.span().start_offset as usize);
        let end = found.map_or(value.span().end_offset as usize, |start| start + name.len());
        (self.offset + start as u32, self.offset + end as u32)
    }

    fn argument(&mut self, param: &Param, tree: &Expr<'_>) -> Node {
        if param.takes.is_path() {
            return self.attribute(tree);
        }
        let node = self.lower(tree);
        if let Some(word) = node.literal()
            && !param.words.is_empty()
            && !param.words.contains(&&**word)
        {
            let message = format!("`{}` is no {}: expected {}", word, param.name, param.words.join(", "));
            let fault = Fault::new(FaultKind::Arguments, node.place(), message)
                .did_you_mean(near(word, param.words.iter().copied()));
            return self.fault(fault);
        }
        node
    }

    /// A literal path to an attribute.
    pub(super) fn attribute(&mut self, tree: &Expr<'_>) -> Node {
        let place = self.place(tree.span());
        let Some(text) = text_of(tree) else {
            let fault = Fault::new(FaultKind::Arguments, place, "the attribute must be a quoted text");
            return self.fault(fault.help("write it as `'name'`"));
        };
        let Some(path) = Path::parse(&text) else {
            let message = "this is no path to an attribute: expected `name` or `name.name`";
            return self.refuse(FaultKind::Arguments, place, message);
        };
        Node::new(Kind::Attribute(path), place)
    }

    pub(super) fn test(&mut self, test: &Spanned<Test<'_>>) -> Node {
        let value = self.lower(&test.expr);
        let name = self.place(test.span());
        let place = (name.0, name.0 + test.name.len() as u32);
        let whole = self.balanced(value.start, name.1);
        let mut written = Vec::new();
        if let Some(fault) = self.splat(&test.args, &mut written) {
            return fault;
        }
        let Some((test, than)) = self.known_test(test.name, place, &written) else {
            self.parts.push(value);
            return unknown(whole);
        };
        Node::new(Kind::Test { value: Box::new(value), test, than: than.map(Box::new) }, whole)
    }

    /// A test by name and what it compares with.
    pub(super) fn known_test(
        &mut self,
        name: &str,
        place: (u32, u32),
        args: &[Written<'_, '_>],
    ) -> Option<(&'static function::Test, Option<Node>)> {
        let Some(test) = function::find_test(name) else {
            let names = function::TESTS.iter().flat_map(|test| test.names.iter().copied());
            let fault = Fault::new(FaultKind::UnknownFunction, place, format!("there is no test `{name}`"));
            self.fault(fault.did_you_mean(near(name, names)));
            args.iter().for_each(|written| self.keep(written.tree));
            return None;
        };
        match (test.compares(), args) {
            (true, [than]) => Some((test, Some(self.lower(than.tree)))),
            (false, []) => Some((test, None)),
            (true, _) => {
                self.refuse(
                    FaultKind::Arguments,
                    place,
                    format!("the test `{name}` needs one value to compare with"),
                );
                None
            }
            (false, _) => {
                self.refuse(FaultKind::Arguments, place, format!("the test `{name}` takes no value"));
                None
            }
        }
    }
}

/// The text of a quoted text.
pub(super) fn text_of(tree: &Expr<'_>) -> Option<String> {
    match tree {
        Expr::Const(constant) => constant.value.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Where the leftmost argument of a call begins.
fn node_start(node: &Node) -> Option<u32> {
    match &node.kind {
        Kind::Call { args, .. } => args.iter().flatten().map(|arg| arg.start).min(),
        Kind::RoundedDivision { sides, .. } | Kind::Default(sides) => Some(sides[0].start),
        Kind::FirstOf(values) => values.first().map(|value| value.start),
        Kind::MapPath { list, .. } | Kind::MapCall { list, .. } | Kind::Find { list, .. } => Some(list.start),
        Kind::Select(select) => Some(select.list.start),
        Kind::JsonPath { value, .. } => Some(value.start),
        Kind::TieOut { record, .. } => Some(record.start),
        _ => None,
    }
}

/// A plain call; a division right inside `round` is rounded once.
fn plain(function: &'static Function, args: Vec<Option<Node>>) -> Kind {
    let divides =
        matches!(args.first(), Some(Some(Node { kind: Kind::Arithmetic(Arithmetic::Divide, _), .. })));
    if function.name != "round" || !divides {
        return Kind::Call { function, args };
    }
    let mut args = args.into_iter();
    let mut next = || args.next().flatten();
    match next() {
        Some(Node { kind: Kind::Arithmetic(_, sides), .. }) => {
            Kind::RoundedDivision { sides, digits: next().map(Box::new), mode: next().map(Box::new) }
        }
        other => Kind::Call { function, args: vec![other, next(), next()] },
    }
}

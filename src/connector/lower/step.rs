//! One call of an operation. In: a step as written. Out: the step; problems where its path, query or paging make no sense.

use std::sync::Arc;

use super::{Lower, operation::before};
use crate::{
    connector::{
        address::Path,
        model::{Asked, Method, Paging, PagingKind, Step, slot},
        suiteql::Statement,
    },
    expr::{Mapping, Template},
    problem::codes,
    source::Span,
    syntax::connector as ast,
    value::Value,
};

impl Lower<'_> {
    pub(super) fn step(
        &mut self,
        file: &ast::Operation,
        step: &ast::Step,
        index: usize,
        names: &[Arc<str>],
        earlier: &[Step],
    ) -> Step {
        self.operation_scope(file, names, index);
        let condition = step.condition.as_ref().map(|condition| self.template(condition));
        let query = self.mappings(&step.query);
        let headers = self.mappings(&step.headers);
        let (ask, mut mentioned) = self.ask(file, step, &names[..index]);
        let over = step.over.as_ref().and_then(|over| self.find_step(over, &names[..index]));
        mentioned.extend(over.map(|over| slot::STEPS + over as u16));
        let mark = self.names.len();
        self.names.push(("answer".into(), slot::ANSWER));
        let take = step.take.as_ref().map(|take| self.mapping(take));
        let paging = step.paging.as_ref().and_then(|paging| self.paging(paging, step.suiteql.is_some()));
        self.names.truncate(mark);
        mentioned.extend(condition.iter().flat_map(slots_of_template));
        mentioned.extend(query.iter().chain(&headers).flat_map(|(_, mapping)| slots_of(mapping)));
        mentioned.extend(take.iter().flat_map(slots_of));
        let name = Arc::clone(&names[index]);
        let mut lowered = Step {
            name,
            ask,
            query,
            headers,
            paging,
            take,
            absent: step.absent_none,
            condition,
            over,
            after: Vec::new(),
        };
        lowered.after = before(&mentioned, lowered.has_effect() && file.writes.is_some(), earlier);
        if lowered.has_effect() && file.reads.is_some() && !matches!(step.method.value, ast::Method::Post) {
            self.add(
                codes::OPERATION,
                step.method.span,
                "a read does not PUT, PATCH or DELETE: say `writes`",
            );
        }
        lowered
    }

    fn ask(&mut self, file: &ast::Operation, step: &ast::Step, earlier: &[Arc<str>]) -> (Asked, Vec<u16>) {
        if let Some(text) = &step.suiteql {
            if text.text.contains("{{") {
                self.add(
                    codes::OPERATION,
                    text.span,
                    "the text of a query is constant: bind values with `:name` and `params`",
                );
            }
            let statement = Statement::parse(&text.text);
            let params = self.mappings(&step.params);
            self.bound(&statement, step, text.span);
            let mentioned = params.iter().flat_map(|(_, mapping)| slots_of(mapping)).collect();
            return (Asked::SuiteQl { statement, params }, mentioned);
        }
        let method = match step.method.value {
            ast::Method::Get => Method::Get,
            ast::Method::Post => Method::Post,
            ast::Method::Put => Method::Put,
            ast::Method::Patch => Method::Patch,
            ast::Method::Delete => Method::Delete,
        };
        let path = Path::parse(&step.path.value).or_else(|error| {
            self.add(codes::PATH, step.path.span, error.to_string());
            Path::parse("/")
        });
        let Ok(path) = path else { unreachable!("`/` is a path") };
        let mut mentioned = Vec::new();
        for place in path.places() {
            let (name, rest) = place.split_once('.').unwrap_or((place, ""));
            match earlier.iter().position(|known| &**known == name) {
                Some(step) if !rest.is_empty() => mentioned.push(slot::STEPS + step as u16),
                _ if rest.is_empty() && file.with.iter().any(|(param, _)| &*param.value == name) => {}
                _ => {
                    let known = file
                        .with
                        .iter()
                        .map(|(param, _)| &*param.value)
                        .chain(earlier.iter().map(|name| &**name));
                    let hint = crate::shape::near(name, known)
                        .map_or(String::new(), |close| format!("; did you mean `{close}`?"));
                    let told =
                        format!("`{{{place}}}` is neither a parameter nor a part of an earlier step{hint}");
                    self.add(codes::CONNECTOR_NAME, step.path.span, told);
                }
            }
        }
        let body = step.body.as_ref().map(|body| self.mapping(body));
        mentioned.extend(body.iter().flat_map(slots_of));
        (Asked::Http { method, path, body }, mentioned)
    }

    /// Every place of a query is bound, and nothing else is.
    fn bound(&mut self, statement: &Statement, step: &ast::Step, span: Span) {
        let keyset =
            step.paging.iter().any(|paging| paging.keys.iter().any(|(key, _)| &*key.value == "after"));
        for place in statement.places() {
            let given = step.params.iter().any(|(name, _)| name.value == *place);
            if !given && (!keyset || &**place != "after") {
                self.add(codes::CONNECTOR_NAME, span, format!("`:{place}` has no value under `params`"));
            }
        }
        for (name, _) in &step.params {
            if !statement.places().any(|place| *place == name.value) {
                self.add(codes::CONNECTOR_NAME, name.span, format!("the query has no `:{}`", name.value));
            }
        }
    }

    fn paging(&mut self, paging: &ast::Paging, suiteql: bool) -> Option<Paging> {
        let kinds = [("page", 0), ("cursor", 1), ("offset", 2), ("link", 3), ("suiteql", 4)];
        let kind = self.word(&paging.kind, "kind of paging", &kinds)?;
        if suiteql != (kind == 4) {
            self.add(codes::OPERATION, paging.kind.span, "queries page by `suiteql`, and nothing else does");
        }
        let known: &[&str] = match kind {
            0 => &["size", "page", "limit", "max_pages"],
            1 => &["size", "after", "limit", "next", "max_pages"],
            2 => &["size", "offset", "limit", "max_pages"],
            3 => &["next", "max_pages"],
            _ => &["size", "after", "start", "max_pages"],
        };
        self.only(&paging.keys, known, "this kind of paging");
        let mut key = |name: &'static str| -> Arc<str> {
            self.optional_text(&paging.keys, name).map_or_else(|| name.into(), |found| found.value)
        };
        let (size, kind) = match kind {
            0 => (Some(250), PagingKind::Page { page: key("page"), limit: key("limit") }),
            1 => {
                let (after, limit) = (key("after"), key("limit"));
                (None, PagingKind::Cursor { after, limit, next: self.next_page(paging)? })
            }
            2 => (Some(1000), PagingKind::Offset { offset: key("offset"), limit: key("limit") }),
            3 => (None, PagingKind::Link { next: self.next_page(paging)? }),
            _ => match self.optional_text(&paging.keys, "after") {
                Some(column) => {
                    let start = self
                        .optional_text(&paging.keys, "start")
                        .map_or_else(|| "0".into(), |start| start.value);
                    (Some(1000), PagingKind::Keyset { column: column.value, start: Value::from(start) })
                }
                None => (Some(1000), PagingKind::Offset { offset: "offset".into(), limit: "limit".into() }),
            },
        };
        let size = self.number(&paging.keys, "size").or(size);
        Some(Paging { kind, size, max_pages: self.number(&paging.keys, "max_pages").unwrap_or(1000) })
    }

    fn next_page(&mut self, paging: &ast::Paging) -> Option<Mapping> {
        self.needed_template(&paging.keys, "next", paging.span).map(Mapping::Template)
    }
}

fn slots_of(mapping: &Mapping) -> Vec<u16> {
    mapping.reads().iter().map(|read| read.slot).collect()
}

fn slots_of_template(template: &Template) -> Vec<u16> {
    template.reads().iter().map(|read| read.slot).collect()
}

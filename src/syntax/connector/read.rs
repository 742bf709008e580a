//! A connector's tree to its AST. In: a tree that was held against its keys. Out: the AST; what is not good is left out.

use super::{
    Auth, Batch, ClassRule, Connector, Cursor, ErrorPaths, Example, Limits, Method, Operation, Paging,
    Repeat, Reply, Setting, Step, Sublist, Type, Webhooks, Window,
};
use crate::{
    source::{Name, Spanned},
    syntax::{
        ast::Given,
        fields::{Fields, given, many, name, scalar},
    },
    yaml::{self, Kind},
};

pub(in crate::syntax) fn connector(tree: &yaml::Node) -> Option<Connector> {
    let fields = Fields::of(tree)?;
    let operations = fields.map("operations", Fields::of);
    Some(Connector {
        name: fields.name("connector")?,
        title: fields.name("title"),
        base: fields.name("base")?,
        settings: fields
            .map("settings", Some)
            .into_iter()
            .filter_map(|(name, node)| setting(name, node))
            .collect(),
        account: fields.scalar("account"),
        headers: givens(fields, "headers"),
        auth: fields.map("auth", |node| auth(Fields::of(node)?)),
        limits: fields.object("limits", |limits| Some(read_limits(limits))).unwrap_or_default(),
        timeout: fields.scalar("timeout"),
        error: fields
            .object("error", |error| {
                Some(ErrorPaths { code: error.names("code"), message: error.names("message") })
            })
            .unwrap_or_default(),
        classes: fields.list("classes", class),
        webhooks: fields.object("webhooks", |webhooks| Some(read_webhooks(webhooks))),
        operations: operations.into_iter().map(|(name, fields)| operation(name, fields)).collect(),
        span: tree.span,
    })
}

fn givens(fields: Fields<'_>, key: &str) -> Vec<(Name, Given)> {
    fields.map(key, |node| Some(given(node)))
}

/// `type = default` is one scalar: it is cut in two, each with its place.
fn setting(name: Name, node: &yaml::Node) -> Option<Setting> {
    let cut = scalar(node).and_then(|scalar| {
        let at = scalar.text.find('=')?;
        let part = |from: usize, to: usize| {
            let text = &scalar.text[from..to];
            let start = from + (text.len() - text.trim_start().len());
            let text = text.trim();
            Spanned::new(text.into(), scalar.place(start as u32, (start + text.len()) as u32))
        };
        Some((part(0, at), part(at + 1, scalar.text.len())))
    });
    match cut {
        Some((kind, default)) => Some(Setting { name, kind: Type::Named(kind), default: Some(default) }),
        None => Some(Setting { name, kind: read_type(node)?, default: None }),
    }
}

fn read_type(node: &yaml::Node) -> Option<Type> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(Type::Named(scalar.name())),
        Kind::List(items) => Some(Type::List(Box::new(read_type(items.first()?)?), node.span)),
        Kind::Map(entries) => {
            let fields = entries.iter().filter_map(|(name, node)| Some((name.clone(), read_type(node)?)));
            Some(Type::Object(fields.collect(), node.span))
        }
        Kind::Null => None,
    }
}

fn auth(fields: Fields<'_>) -> Option<Auth> {
    Some(Auth { kind: fields.name("kind")?, keys: fields.rest(&["kind"]), span: fields.span })
}

fn read_limits(fields: Fields<'_>) -> Limits {
    let window = |window: Fields<'_>| {
        let headers = window.map("headers", name);
        Some(Window { quota: window.scalar("quota")?, every: window.duration("every")?, headers })
    };
    Limits {
        window: fields.object("window", window),
        slots: fields.scalar("slots"),
        groups: fields.map("groups", scalar),
    }
}

fn class(tree: &yaml::Node) -> Option<ClassRule> {
    let fields = Fields::of(tree)?;
    Some(ClassRule {
        status: fields.names("status"),
        code: fields.names("code"),
        class: fields.name("class")?,
        sent: fields.name("sent"),
        span: tree.span,
    })
}

fn read_webhooks(fields: Fields<'_>) -> Webhooks {
    Webhooks {
        verify: fields.map("verify", name),
        producer: fields
            .object("producer", |producer| Some((producer.name("field")?, producer.scalar("equals")?))),
        scope: fields.name("scope"),
        scopes: match fields.get("scopes").and_then(Fields::of) {
            Some(_) => fields.map("scopes", |node| Some(read_type(node))),
            None => fields.names("scopes").into_iter().map(|scope| (scope, None)).collect(),
        },
        list: fields.name("list"),
        register: fields.name("register"),
        enable: fields.name("enable"),
        span: fields.span,
    }
}

fn operation(called: Name, fields: Fields<'_>) -> Operation {
    let several = fields.get("steps").is_some();
    let calls = if several {
        fields.list("steps", |node| step(Fields::of(node)?))
    } else {
        step(fields).into_iter().collect()
    };
    Operation {
        name: called,
        doc: fields.name("doc"),
        reads: fields.get("reads").and_then(read_type),
        writes: fields
            .get("writes")
            .map(|node| name(node).unwrap_or_else(|| Name::new("".into(), node.span))),
        gives: fields.get("gives").and_then(read_type),
        with: fields.map("with", read_type),
        calls,
        join: fields.name("join"),
        take: fields.given("take").filter(|_| several),
        repeat: fields.get("repeat").and_then(repeat),
        sublists: fields.map("sublists", sublist),
        batch: fields.object("batch", batch),
        cursor: fields.object("cursor", |cursor| Some(Cursor { keys: cursor.rest(&[]), span: cursor.span })),
        group: fields.name("group"),
        classes: fields.list("classes", class),
        timeout: fields.scalar("timeout"),
        example: fields.object("example", example),
        span: fields.span,
    }
}

fn step(fields: Fields<'_>) -> Option<Step> {
    let (key, node) = fields.first(&["get", "post", "put", "patch", "delete", "suiteql"])?;
    let method = match &*key.value {
        "get" => Method::Get,
        "put" => Method::Put,
        "patch" => Method::Patch,
        "delete" => Method::Delete,
        _ => Method::Post,
    };
    let suiteql = (&*key.value == "suiteql").then(|| scalar(node)).flatten();
    let path = if suiteql.is_some() { Spanned::new("".into(), node.span) } else { name(node)? };
    Some(Step {
        name: fields.name("as"),
        method: Spanned::new(method, key.span),
        path,
        query: givens(fields, "query"),
        headers: givens(fields, "headers"),
        body: fields.given("body"),
        paging: fields.object("paging", |paging| {
            Some(Paging { kind: paging.name("kind")?, keys: paging.rest(&["kind"]), span: paging.span })
        }),
        take: fields.given("take"),
        absent_none: fields.name("absent").is_some_and(|word| &*word.value == "none"),
        condition: fields.scalar("if"),
        over: fields.name("over"),
        suiteql,
        params: givens(fields, "params"),
        span: fields.span,
    })
}

fn repeat(node: &yaml::Node) -> Option<Repeat> {
    let span = node.span;
    if let Some(word) = name(node) {
        return match &*word.value {
            "safe" => Some(Repeat::Safe(span)),
            "never" => Some(Repeat::Never(span)),
            _ => None,
        };
    }
    let fields = Fields::of(node)?;
    if let Some(header) = fields.name("key") {
        return Some(Repeat::Key { header, valid_for: fields.scalar("valid_for")?, span });
    }
    let operation = fields.name("look")?;
    Some(Repeat::Look { operation, settle: fields.scalar("settle"), lag: fields.scalar("lag"), span })
}

fn sublist(node: &yaml::Node) -> Option<Sublist> {
    let span = node.span;
    if let Some(word) = name(node) {
        return match &*word.value {
            "replace" => Some(Sublist::Replace(span)),
            "append" => Some(Sublist::Append(span)),
            _ => None,
        };
    }
    let fields = Fields::of(node)?;
    let (by, gone, keep) = (fields.name("by"), fields.given("gone"), fields.scalar("keep"));
    Some(Sublist::Key { key: fields.name("key")?, by, gone, keep, span })
}

fn batch(fields: Fields<'_>) -> Option<Batch> {
    Some(Batch {
        max: fields.whole("max")?,
        key: fields.scalar("key"),
        match_: fields.scalar("match"),
        answers: fields.name("answers"),
        errors: fields.map("errors", scalar),
        same: fields.scalar("same"),
        span: fields.span,
    })
}

fn example(fields: Fields<'_>) -> Option<Example> {
    Some(Example {
        with: fields.data("with"),
        cursor: fields.data("cursor"),
        answers: fields.map("answers", |node| Some(many(node, |node| Some(reply(Fields::of(node)?))))),
        gives: fields.data("gives")?,
        span: fields.span,
    })
}

fn reply(fields: Fields<'_>) -> Reply {
    Reply {
        asked: fields.name("asked"),
        sent: fields.data("sent"),
        status: fields.whole("status"),
        headers: givens(fields, "headers"),
        body: fields.data("body"),
    }
}

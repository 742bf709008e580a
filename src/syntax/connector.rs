//! Connector files. In: a tree that was held against its keys. Out: the AST of a connector, as written; defaults, types and
//! names are the business of the room `connector`.

use std::time::Duration;

use crate::{
    source::{Name, Scalar, Span, Spanned},
    syntax::{
        ast::Given,
        fields::{Fields, given, many, name, scalar},
    },
    yaml::{self, Kind},
};

/// A connector file.
#[derive(Clone, Debug, PartialEq)]
pub struct Connector {
    /// `connector:`.
    pub name: Name,
    /// `title:`.
    pub title: Option<Name>,
    /// `base:` with `{setting}` parts.
    pub base: Name,
    /// `settings:`.
    pub settings: Vec<Setting>,
    /// `account:`.
    pub account: Option<Scalar>,
    /// `headers:` of every request.
    pub headers: Vec<(Name, Given)>,
    /// `auth:` ways by name.
    pub auth: Vec<(Name, Auth)>,
    /// `limits:`.
    pub limits: Limits,
    /// `timeout:`; a duration or an expression over settings.
    pub timeout: Option<Scalar>,
    /// `error:`.
    pub error: ErrorPaths,
    /// `classes:`.
    pub classes: Vec<ClassRule>,
    /// `webhooks:`.
    pub webhooks: Option<Webhooks>,
    /// `operations:`.
    pub operations: Vec<Operation>,
    /// The whole file.
    pub span: Span,
}

/// One setting: `name: type` or `name: type = default`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub kind: Type,
    /// What stands after `=`.
    pub default: Option<Name>,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `text`, `bigcommerce.order`, with a `?` behind it if it may be absent.
    Named(Name),
    /// `[type]`.
    List(Box<Type>, Span),
    /// `{ name: type }`; with `maybe` as its only key an object or list that may be absent.
    Object(Vec<(Name, Type)>, Span),
}

/// One way to authenticate.
#[derive(Clone, Debug, PartialEq)]
pub struct Auth {
    /// `kind:`.
    pub kind: Name,
    /// All other keys.
    pub keys: Vec<(Name, Given)>,
    /// All of it.
    pub span: Span,
}

/// `limits:`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// `window:`.
    pub window: Option<Window>,
    /// `slots:`.
    pub slots: Option<Scalar>,
    /// `groups:`.
    pub groups: Vec<(Name, Scalar)>,
}

/// `window:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// `quota:`.
    pub quota: Scalar,
    /// `every:`.
    pub every: Spanned<Duration>,
    /// `headers:`.
    pub headers: Vec<(Name, Name)>,
}

/// `error:` paths, the first that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorPaths {
    /// `code:`.
    pub code: Vec<Name>,
    /// `message:`.
    pub message: Vec<Name>,
}

/// One entry of `classes:`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRule {
    /// `status:`.
    pub status: Vec<Name>,
    /// `code:`.
    pub code: Vec<Name>,
    /// `class:`.
    pub class: Name,
    /// `sent:`.
    pub sent: Option<Name>,
    /// All of it.
    pub span: Span,
}

/// `webhooks:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhooks {
    /// `verify:`.
    pub verify: Vec<(Name, Name)>,
    /// `producer:` field and what it must equal.
    pub producer: Option<(Name, Scalar)>,
    /// `scope:`.
    pub scope: Option<Name>,
    /// `scopes:`.
    pub scopes: Vec<Name>,
    /// `list:`.
    pub list: Option<Name>,
    /// `register:`.
    pub register: Option<Name>,
    /// `enable:`.
    pub enable: Option<Name>,
    /// All of it.
    pub span: Span,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its name.
    pub name: Name,
    /// `doc:`.
    pub doc: Option<Name>,
    /// `reads:`.
    pub reads: Option<Type>,
    /// `writes:`.
    pub writes: Option<Name>,
    /// `gives:`.
    pub gives: Option<Type>,
    /// `with:` parameters.
    pub with: Vec<(Name, Type)>,
    /// `steps:`, or the one call without a name; its `take` then stands there.
    pub calls: Vec<Step>,
    /// `join:`.
    pub join: Option<Name>,
    /// `take:` beside `steps:`.
    pub take: Option<Given>,
    /// `repeat:`.
    pub repeat: Option<Repeat>,
    /// `sublists:`.
    pub sublists: Vec<(Name, Sublist)>,
    /// `batch:`.
    pub batch: Option<Batch>,
    /// `cursor:`.
    pub cursor: Option<Cursor>,
    /// `group:`.
    pub group: Option<Name>,
    /// `classes:`.
    pub classes: Vec<ClassRule>,
    /// `timeout:`; a duration or an expression over settings.
    pub timeout: Option<Scalar>,
    /// `example:`.
    pub example: Option<Example>,
    /// All of it.
    pub span: Span,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `as:`.
    pub name: Option<Name>,
    /// How; of SuiteQL POST.
    pub method: Spanned<Method>,
    /// Where, with `{parameter}` parts; of SuiteQL empty.
    pub path: Name,
    /// `query:`.
    pub query: Vec<(Name, Given)>,
    /// `headers:`.
    pub headers: Vec<(Name, Given)>,
    /// `body:`.
    pub body: Option<Given>,
    /// `paging:`.
    pub paging: Option<Paging>,
    /// `take:`.
    pub take: Option<Given>,
    /// `absent: none`.
    pub absent_none: bool,
    /// `if:`.
    pub condition: Option<Scalar>,
    /// `over:`.
    pub over: Option<Name>,
    /// `suiteql:`.
    pub suiteql: Option<Scalar>,
    /// `params:`.
    pub params: Vec<(Name, Given)>,
    /// All of it.
    pub span: Span,
}

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// `paging:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Paging {
    /// `kind:`.
    pub kind: Name,
    /// All other keys.
    pub keys: Vec<(Name, Given)>,
    /// All of it.
    pub span: Span,
}

/// `repeat:`.
#[derive(Clone, Debug, PartialEq)]
pub enum Repeat {
    /// `safe`.
    Safe(Span),
    /// `never`.
    Never(Span),
    /// `{ key, valid_for }`.
    Key {
        /// The header.
        header: Name,
        /// A duration or an expression over settings.
        valid_for: Scalar,
        /// All of it.
        span: Span,
    },
    /// `{ look, settle, lag }`.
    Look {
        /// The operation that looks.
        operation: Name,
        /// A duration or an expression over settings.
        settle: Option<Scalar>,
        /// A duration or an expression over settings.
        lag: Option<Scalar>,
        /// All of it.
        span: Span,
    },
}

/// One entry of `sublists:`.
#[derive(Clone, Debug, PartialEq)]
pub enum Sublist {
    /// `replace`.
    Replace(Span),
    /// `append`.
    Append(Span),
    /// `{ key, by, gone, keep }`.
    Key {
        /// The key of a line.
        key: Name,
        /// What identifies a line across systems.
        by: Option<Name>,
        /// What is sent for a line that is gone.
        gone: Option<Given>,
        /// Lines left alone.
        keep: Option<Scalar>,
        /// All of it.
        span: Span,
    },
}

/// `batch:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `max:`.
    pub max: Spanned<u32>,
    /// `key:`.
    pub key: Option<Scalar>,
    /// `match:`.
    pub match_: Option<Scalar>,
    /// `answers:`.
    pub answers: Option<Name>,
    /// `errors:`.
    pub errors: Vec<(Name, Scalar)>,
    /// `same:`.
    pub same: Option<Scalar>,
    /// All of it.
    pub span: Span,
}

/// `cursor:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// Its keys.
    pub keys: Vec<(Name, Given)>,
    /// All of it.
    pub span: Span,
}

/// `example:`; its values stand as they are, expressions are not read in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// `with:`.
    pub with: Option<Given>,
    /// `cursor:`.
    pub cursor: Option<Given>,
    /// `answers:` by step.
    pub answers: Vec<(Name, Vec<Reply>)>,
    /// `gives:`.
    pub gives: Given,
    /// All of it.
    pub span: Span,
}

/// One scripted answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// `asked:`.
    pub asked: Option<Name>,
    /// `sent:`.
    pub sent: Option<Given>,
    /// `status:`.
    pub status: Option<Spanned<u32>>,
    /// `headers:`.
    pub headers: Vec<(Name, Given)>,
    /// `body:`.
    pub body: Option<Given>,
}

pub(super) fn connector(tree: &yaml::Node) -> Option<Connector> {
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
        webhooks: fields.object("webhooks", webhooks),
        operations: operations.into_iter().filter_map(|(name, fields)| operation(name, fields)).collect(),
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

fn webhooks(fields: Fields<'_>) -> Option<Webhooks> {
    Some(Webhooks {
        verify: fields.map("verify", name),
        producer: fields
            .object("producer", |producer| Some((producer.name("field")?, producer.scalar("equals")?))),
        scope: fields.name("scope"),
        scopes: fields.names("scopes"),
        list: fields.name("list"),
        register: fields.name("register"),
        enable: fields.name("enable"),
        span: fields.span,
    })
}

fn operation(called: Name, fields: Fields<'_>) -> Option<Operation> {
    let several = fields.get("steps").is_some();
    let calls = if several {
        fields.list("steps", |node| step(Fields::of(node)?))
    } else {
        step(fields).into_iter().collect()
    };
    Some(Operation {
        name: called,
        doc: fields.name("doc"),
        reads: fields.get("reads").and_then(read_type),
        writes: fields.name("writes"),
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
    })
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

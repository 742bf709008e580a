//! Connector files. In: a tree that was held against its keys. Out: the AST of a connector, as written; defaults, types and
//! names are the business of the room `connector`.

mod read;

use std::time::Duration;

use crate::{
    source::{Name, Scalar, Span, Spanned},
    syntax::ast::Given,
};

pub(super) use read::connector;

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

/// One setting: `name: type` or `name: one | two`, perhaps with `= default`.
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
    /// `scopes:` and what the body of each is, if that is said.
    pub scopes: Vec<(Name, Option<Type>)>,
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
    /// How; of `SuiteQL` POST.
    pub method: Spanned<Method>,
    /// Where, with `{parameter}` parts; of `SuiteQL` empty.
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

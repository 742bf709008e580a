//! `flowrun.yaml`. In: a tree that was held against its keys. Out: the AST of an estate, as written. It opens no file,
//! reads no secret and knows no connector.
//!
//! ```yaml
//! estate: harbour                 # its name: part of the identity of its journal
//! title: Harbour Goods
//! environment: sandbox            # what is meant when none is named; the only one needs no pick
//! environments:                   # tables/<environment>/x.csv replaces tables/x.csv by itself
//!   sandbox:
//!     connections:                # what flows mean by `connections: { store: bigcommerce }`
//!       bigcommerce:
//!         connector: bigcommerce
//!         url: http://127.0.0.1:8810/stores/abc    # instead of the connector's base
//!         allow_private: true                      # addresses of private networks may be called
//!         auth: token                              # which of the connector's ways; the only one needs no pick
//!         settings: { store_hash: abc, code: uk }
//!         secrets: { token: env:BC_TOKEN }         # env:NAME or file:path, never the secret
//!     listen: { public_url: https://hooks.example.org }    # over the estate's own
//!     journal: { dir: /var/lib/flowrun }
//! flows:                          # optional, by flow
//!   orders: { class: live, settings: { warn_above: 500 }, for: { store: [uk, us] }, on: true }
//! classes: { live: 100, normal: 10, bulk: 1 }
//! service_levels: [{ flow: orders, within: 10m, share: 0.99, alert: operations }]
//! alerts: { operations: { webhook: env:ALERT_URL } }       # or { log: true }
//! retention: { runs: 90d, letters: 365d, answers: 30d }
//! memory: { customers: { key: [store, bc_id], columns: { ns_id: text }, unique: [ns_id], personal: true, keep: 400d } }
//! listen: { address: "127.0.0.1:7780" }
//! journal: { dir: .flowrun }
//! ```

use std::time::Duration;

use crate::{
    source::{Name, Scalar, Span, Spanned},
    syntax::fields::{Fields, many, name, scalar},
    yaml,
};

/// An estate file.
#[derive(Clone, Debug, PartialEq)]
pub struct Estate {
    /// `estate:`.
    pub name: Name,
    /// `title:`.
    pub title: Option<Name>,
    /// `environment:` the one that is meant when none is named.
    pub environment: Option<Name>,
    /// `environments:`.
    pub environments: Vec<(Name, Environment)>,
    /// `flows:` settings by flow.
    pub flows: Vec<(Name, FlowSettings)>,
    /// `classes:` and their weights.
    pub classes: Vec<(Name, Spanned<u32>)>,
    /// `service_levels:`.
    pub service_levels: Vec<ServiceLevel>,
    /// `alerts:`.
    pub alerts: Vec<(Name, Alert)>,
    /// `retention:`.
    pub retention: Retention,
    /// `memory:`.
    pub books: Vec<(Name, Book)>,
    /// `listen:`.
    pub listen: Listen,
    /// `journal: { dir }`.
    pub journal: Option<Name>,
    /// The whole file.
    pub span: Span,
}

/// One environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `title:`.
    pub title: Option<Name>,
    /// `connections:`.
    pub connections: Vec<(Name, Connection)>,
    /// `listen:`, over the estate's.
    pub listen: Listen,
    /// `journal: { dir }`, over the estate's.
    pub journal: Option<Name>,
    /// All of it.
    pub span: Span,
}

/// One connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// `connector:`.
    pub connector: Name,
    /// `url:` instead of the connector's base.
    pub url: Option<Name>,
    /// `allow_private:`.
    pub allow_private: Option<Spanned<bool>>,
    /// `auth:`.
    pub auth: Option<Name>,
    /// `settings:` as written; types are the connector's.
    pub settings: Vec<(Name, Scalar)>,
    /// `secrets:`.
    pub secrets: Vec<(Name, Reference)>,
    /// All of it.
    pub span: Span,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// `env:NAME`.
    Env(Name),
    /// `file:path`.
    File(Name),
}

/// Settings of one flow.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowSettings {
    /// `class:`.
    pub class: Option<Name>,
    /// `settings:`.
    pub settings: Vec<(Name, Scalar)>,
    /// `for:` local connection and the connections that stand for it, one instance each.
    pub instances: Vec<(Name, Vec<Name>)>,
    /// `on:`; none means true.
    pub on: Option<Spanned<bool>>,
}

/// One entry of `service_levels:`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceLevel {
    /// `flow:`.
    pub flow: Name,
    /// `within:`.
    pub within: Spanned<Duration>,
    /// `share:` between 0 and 1; none means 1.
    pub share: Option<Name>,
    /// `alert:`.
    pub alert: Option<Name>,
    /// All of it.
    pub span: Span,
}

/// Where alerts go.
#[derive(Clone, Debug, PartialEq)]
pub enum Alert {
    /// Posted to the address that the reference holds.
    Webhook(Reference),
    /// Written to the log.
    Log(bool),
}

/// `retention:`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retention {
    /// `runs:`.
    pub runs: Option<Spanned<Duration>>,
    /// `letters:`.
    pub letters: Option<Spanned<Duration>>,
    /// `answers:`.
    pub answers: Option<Spanned<Duration>>,
}

/// One book of `memory:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    /// `key:` columns.
    pub key: Vec<Name>,
    /// `columns:` and their types; a column of the key that is not among them is text.
    pub columns: Vec<(Name, Name)>,
    /// `unique:` columns of the value.
    pub unique: Vec<Name>,
    /// `personal:`.
    pub personal: bool,
    /// `keep:`.
    pub keep: Option<Spanned<Duration>>,
    /// All of it.
    pub span: Span,
}

/// `listen:`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    /// `address:`.
    pub address: Option<Name>,
    /// `public_url:`.
    pub public_url: Option<Name>,
    /// `token:` of the page.
    pub token: Option<Reference>,
}

pub(super) fn estate(tree: &yaml::Node) -> Option<Estate> {
    let fields = Fields::of(tree)?;
    let retention = |retention: Fields<'_>| {
        let duration = |key| retention.duration(key);
        Some(Retention { runs: duration("runs"), letters: duration("letters"), answers: duration("answers") })
    };
    Some(Estate {
        name: fields.name("estate")?,
        title: fields.name("title"),
        environment: fields.name("environment"),
        environments: fields.map("environments", |node| Some(environment(Fields::of(node)?))),
        flows: fields.map("flows", |node| Some(settings(Fields::of(node)?))),
        classes: fields.map("classes", |node| {
            let weight = name(node)?;
            Some(Spanned::new(weight.value.parse().ok()?, weight.span))
        }),
        service_levels: fields.list("service_levels", |node| service_level(Fields::of(node)?)),
        alerts: fields.map("alerts", |node| alert(Fields::of(node)?)),
        retention: fields.object("retention", retention).unwrap_or_default(),
        books: fields.map("memory", |node| Some(book(Fields::of(node)?))),
        listen: fields.object("listen", |listen| Some(listener(listen))).unwrap_or_default(),
        journal: fields.object("journal", |journal| journal.name("dir")),
        span: tree.span,
    })
}

fn environment(fields: Fields<'_>) -> Environment {
    Environment {
        title: fields.name("title"),
        connections: fields.map("connections", |node| connection(Fields::of(node)?)),
        listen: fields.object("listen", |listen| Some(listener(listen))).unwrap_or_default(),
        journal: fields.object("journal", |journal| journal.name("dir")),
        span: fields.span,
    }
}

fn connection(fields: Fields<'_>) -> Option<Connection> {
    Some(Connection {
        connector: fields.name("connector")?,
        url: fields.name("url"),
        allow_private: fields.flag("allow_private"),
        auth: fields.name("auth"),
        settings: fields.map("settings", scalar),
        secrets: fields.map("secrets", |node| Some(reference(node).unwrap_or_else(|| nowhere(node)))),
        span: fields.span,
    })
}

/// A reference; anything else is left out, for it may be the secret itself.
fn reference(node: &yaml::Node) -> Option<Reference> {
    let written = name(node)?;
    let (kind, rest) = written.value.split_once(':')?;
    let rest = rest.trim();
    let place = Spanned::new(rest.into(), written.span);
    match kind {
        "env" if !rest.is_empty() => Some(Reference::Env(place)),
        "file" if !rest.is_empty() => Some(Reference::File(place)),
        _ => None,
    }
}

/// What stands for a secret whose reference was told: it is named, and refers to nothing.
fn nowhere(node: &yaml::Node) -> Reference {
    Reference::Env(Spanned::new("".into(), node.span))
}

fn settings(fields: Fields<'_>) -> FlowSettings {
    FlowSettings {
        class: fields.name("class"),
        settings: fields.map("settings", scalar),
        instances: fields.map("for", |node| Some(many(node, name))),
        on: fields.flag("on"),
    }
}

fn service_level(fields: Fields<'_>) -> Option<ServiceLevel> {
    Some(ServiceLevel {
        flow: fields.name("flow")?,
        within: fields.duration("within")?,
        share: fields.name("share"),
        alert: fields.name("alert"),
        span: fields.span,
    })
}

fn alert(fields: Fields<'_>) -> Option<Alert> {
    match fields.get("webhook") {
        Some(node) => reference(node).map(Alert::Webhook),
        None => fields.flag("log").map(|log| Alert::Log(log.value)),
    }
}

fn book(fields: Fields<'_>) -> Book {
    Book {
        key: fields.names("key"),
        columns: fields.map("columns", name),
        unique: fields.names("unique"),
        personal: fields.flag("personal").is_some_and(|flag| flag.value),
        keep: fields.duration("keep"),
        span: fields.span,
    }
}

fn listener(fields: Fields<'_>) -> Listen {
    let token = fields.get("token").and_then(reference);
    Listen { address: fields.name("address"), public_url: fields.name("public_url"), token }
}

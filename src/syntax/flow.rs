//! Flows, overlays and fragments: trees to ASTs. In: a tree that was held against its keys. Out: the AST, and what keys
//! alone cannot tell: two nodes of one name. It knows no connector and resolves no name.

use std::collections::HashMap;

use crate::{
    problem::{Problem, Problems, codes},
    source::{Name, Spanned},
    syntax::{
        ast::{
            Call, Change, Check, Decide, Flow, Fragment, Keep, Kind, Node, NodeEach, Overlay, Source,
            SourceKind, Timing, Trigger, Work,
        },
        fields::{Fields, body, each_as, given, many, name, scalar, type_name},
    },
    yaml,
};

const KINDS: &[(&str, Kind)] = &[
    ("extract", Kind::Extract),
    ("transform", Kind::Transform),
    ("decision", Kind::Decision),
    ("action", Kind::Action),
    ("writeback", Kind::Writeback),
];

/// Nodes of one flow: each name is held against all others, so they are not without end.
const MAX_NODES: usize = 1000;

/// A flow file.
pub(super) fn flow(tree: &yaml::Node, problems: &mut Problems) -> Option<Flow> {
    let fields = Fields::of(tree)?;
    let mut names = Names::default();
    let mut broken = Vec::new();
    let nodes = fields.list("nodes", |tree| {
        let Some((kind, name)) = node_name(tree) else {
            broken.extend(first_name(tree));
            return None;
        };
        names.add(&name, "node", problems);
        let read = node(tree, kind, &name);
        if read.is_none() {
            broken.push(name);
        }
        read
    });
    let flow = fields.name("flow")?;
    if nodes.len() > MAX_NODES {
        let message = format!("the flow has {} nodes, at most {MAX_NODES} are read", nodes.len());
        let problem = Problem::error(codes::LIMIT, flow.span, message);
        problems.add(problem.help("move a part of it to a flow of its own: `call: flows.name`"));
        return None;
    }
    Some(Flow {
        name: flow,
        title: fields.name("title"),
        connections: fields.map("connections", name),
        reconcile: fields.name("reconcile"),
        trigger: fields.object("trigger", trigger)?,
        nodes,
        broken,
        give: fields.given("give"),
        span: tree.span,
    })
}

/// An overlay file. Its nodes stay trees: they are merged with the flow's before they are read.
pub(super) fn overlay(tree: &yaml::Node) -> Option<Overlay> {
    let fields = Fields::of(tree)?;
    let extends = fields.name("extends")?;
    let (base, print) = match extends.value.split_once('@') {
        Some((base, print)) => {
            (extends.clone().map(|_| base.into()), Some(extends.clone().map(|_| print.into())))
        }
        None => (extends, None),
    };
    let nodes = fields.list("nodes", |tree| {
        let fields = Fields::of(tree)?;
        if let Some(gone) = fields.name("drop") {
            return Some(Change::Drop(gone));
        }
        let (kind, name) = node_name(tree)?;
        Some(Change::Node { kind, name, before: fields.name("before"), tree: tree.clone() })
    });
    Some(Overlay { extends: base, print, nodes, tree: tree.clone(), span: tree.span })
}

/// A fragment file.
pub(super) fn fragment(tree: &yaml::Node) -> Option<Fragment> {
    let fields = Fields::of(tree)?;
    Some(Fragment {
        name: fields.name("fragment")?,
        params: fields.map("params", type_name),
        lets: fields.map("let", |node| Some(given(node))),
        body: body(fields)?,
        span: tree.span,
    })
}

/// Names of one list, each once.
#[derive(Default)]
pub(super) struct Names(HashMap<std::sync::Arc<str>, crate::source::Span>);

impl Names {
    pub(super) fn add(&mut self, name: &Name, what: &str, problems: &mut Problems) {
        if let Some(first) = self.0.get(&name.value) {
            let message = format!("two of the {what}s are called `{}`", name.value);
            let problem = Problem::error(codes::DUPLICATE_NAME, name.span, message).says("again here");
            problems.add(problem.also(*first, "first here").help(format!("give each {what} its own name")));
        } else {
            self.0.insert(name.value.clone(), name.span);
        }
    }
}

pub(super) fn node_name(tree: &yaml::Node) -> Option<(Spanned<Kind>, Name)> {
    let fields = Fields::of(tree)?;
    let kind = |key: &Name| KINDS.iter().find(|(word, _)| **word == *key.value).map(|(_, kind)| *kind);
    let (key, kind) = fields.keys().find_map(|key| kind(key).map(|kind| (key, kind)))?;
    Some((Spanned::new(kind, key.span), name(fields.get(&key.value)?)?))
}

/// What a node of no known kind is called, if it begins as a node does.
fn first_name(tree: &yaml::Node) -> Option<Name> {
    let (_, first) = Fields::of(tree)?.entries().first()?;
    name(first)
}

fn node(tree: &yaml::Node, kind: Spanned<Kind>, called: &Name) -> Option<Node> {
    let fields = Fields::of(tree)?;
    let work = match kind.value {
        Kind::Transform => Work::Map { shape: fields.name("shape"), body: body(fields)? },
        Kind::Decision => Work::Decide(decide(fields)?),
        Kind::Extract | Kind::Action | Kind::Writeback => Work::Call(call(fields)?),
    };
    Some(Node {
        kind,
        name: called.clone(),
        title: fields.name("title"),
        after: fields.names("after"),
        when: fields.map("when", |node| Some(many(node, name))),
        condition: fields.scalar("if"),
        each: node_each(fields),
        work,
        expect: fields.list("expect", check),
        warn: fields.list("warn", check),
        span: tree.span,
    })
}

fn node_each(fields: Fields<'_>) -> Option<NodeEach> {
    let (list, name) = each_as(fields)?;
    Some(NodeEach {
        list,
        name,
        filter: fields.scalar("where"),
        by: fields.scalar("by"),
        apart: fields.scalar("apart"),
    })
}

fn decide(fields: Fields<'_>) -> Option<Decide> {
    let retry = fields.object("retry", |retry| Some((retry.duration("every")?, retry.duration("for")?)));
    let choose = fields.map("choose", scalar);
    if choose.is_empty() {
        return None; // told; what it leads to cannot be known
    }
    Some(Decide {
        choose,
        otherwise: fields.name("otherwise")?,
        ignore: fields.map("ignore", scalar),
        reject: fields.map("reject", scalar),
        retry,
    })
}

fn call(fields: Fields<'_>) -> Option<Call> {
    Some(Call {
        target: fields.name("call")?,
        with: fields.map("with", |node| Some(given(node))),
        changes: fields.name("changes"),
        fresh: fields.duration("fresh"),
        wait: fields.flag("wait"),
        timing: Timing {
            at: fields.scalar("at"),
            late: fields.duration("late"),
            until: fields.scalar("until"),
            every: fields.duration("every"),
            within: fields.duration("for"),
        },
    })
}

fn check(tree: &yaml::Node) -> Option<Check> {
    let fields = Fields::of(tree)?;
    Some(Check { that: fields.scalar("that")?, otherwise: fields.scalar("else")?, span: tree.span })
}

fn trigger(fields: Fields<'_>) -> Option<Trigger> {
    let keep = fields.name("keep").and_then(|word| match &*word.value {
        "latest" => Some(Spanned::new(Keep::Latest, word.span)),
        "all" => Some(Spanned::new(Keep::All, word.span)),
        _ => None,
    });
    let batch = fields.object("batch", |batch| {
        Some((batch.whole("size")?.value, batch.duration("linger")?.value, batch.span))
    });
    Some(Trigger {
        from: fields.list("from", source),
        key: fields.scalar("key")?,
        keep,
        lane: fields.scalar("lane"),
        id: fields.scalar("id"),
        version: fields.scalar("version"),
        supersede: fields.name("supersede"),
        batch,
        span: fields.span,
    })
}

fn source(tree: &yaml::Node) -> Option<Source> {
    let fields = Fields::of(tree)?;
    let with = || fields.map("with", |node| Some(given(node)));
    let (key, _) = fields.first(&["webhook", "poll", "schedule", "flow"])?;
    let kind = match &*key.value {
        "webhook" => {
            SourceKind::Webhook { connection: fields.name("webhook")?, scopes: fields.names("scopes") }
        }
        "poll" => SourceKind::Poll {
            call: fields.name("poll")?,
            every: fields.duration("every")?,
            start: fields.name("start")?,
            with: with(),
        },
        "schedule" => SourceKind::Schedule {
            cron: fields.name("schedule")?,
            zone: fields.name("zone")?,
            read: fields.name("read"),
            with: with(),
        },
        _ => SourceKind::Flow { takes: fields.object("flow", |flow| Some(flow.map("takes", type_name)))? },
    };
    Some(Source { kind, event: fields.given("event"), span: tree.span })
}

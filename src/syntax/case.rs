//! Test files (`*.test.yaml`). In: a tree that was held against its keys. Out: the AST of the cases. Values stand as they
//! are: expressions are not read in them. It runs nothing and opens no file.
//!
//! ```yaml
//! test: orders                    # the flow or the fragment under test
//! settings: { store: { code: uk } }    # connection.<local name>.<setting>, over the estate's, in all cases
//! cases:
//!   - case: unknown_sku_parks_and_recovers
//!     now: 2026-01-31T10:00:00Z   # the virtual clock begins here (default 2026-01-01T00:00:00Z)
//!     event: { order_id: 250 }    # the mapped event; or hook: {connection, body, scope}; a fragment has with: and gives:
//!     answers:                    # by operation as the flow writes it; a call without an answer fails the case
//!       store.get_order: { file: order_250.json }    # JSON beside the test; one answer is for every call
//!       erp.items_by_sku: [{ by: { NEW: { give: null } } }, { by: { NEW: { give: { id: "8" } } } }]    # one a call
//!       erp.upsert_sales_order: [{ fail: { class: outage, sent: maybe } }, { give: { id: "1" } }]
//!     memory: { customers: [{ key: { store: uk, bc_id: 9 }, value: { ns_id: "31" } }] }
//!     then: [{ at: 20m, event: { order_id: 250 } }]
//!     expect:                     # one or a list; `at` counts from `now`, left out: when nothing moves any more
//!       - { at: 1m, outcome: parked, reason: no item for NEW }
//!       - outcome: ok
//!         calls: { erp.upsert_sales_order: { times: 1, with: { external_id: uk-250 } } }    # a list: one a call
//!         nodes: { exportable: ready }
//!         skipped: [new_customer]
//!         memory: { customers: [{ key: { store: uk, bc_id: 9 }, value: { ns_id: "31" } }] }    # null: no entry
//!         warns: [checkout fields]
//!         give: { ns_id: "31" }
//! ```
//!
//! What is compared holds more than what is written: objects may have more keys, lists have the same length, numbers
//! compare by value. Only `gives` compares exactly.

use std::time::Duration;

use crate::{
    problem::Problems,
    source::{Name, Scalar, Span, Spanned},
    syntax::{
        ast::Given,
        fields::{Fields, data, many, name},
        flow::Names,
    },
    yaml,
};

/// A test file.
#[derive(Clone, Debug, PartialEq)]
pub struct Cases {
    /// `test:` the flow or the fragment.
    pub subject: Name,
    /// `settings:` by the flow's own names of connections.
    pub settings: Vec<(Name, Vec<(Name, Scalar)>)>,
    /// `cases:`.
    pub cases: Vec<Case>,
    /// The whole file.
    pub span: Span,
}

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `case:`.
    pub name: Name,
    /// `title:`.
    pub title: Option<Name>,
    /// `now:`.
    pub now: Option<Name>,
    /// What is tested.
    pub start: Start,
    /// `answers:` by operation.
    pub answers: Vec<(Name, Answers)>,
    /// `memory:` by book.
    pub memory: Vec<(Name, Vec<(Given, Given)>)>,
    /// `then:` what comes later, and when.
    pub then: Vec<(Spanned<Duration>, Happening)>,
    /// `expect:`.
    pub expect: Vec<Expect>,
    /// All of it.
    pub span: Span,
}

/// What a case begins with.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// A flow gets an event.
    Flow(Happening),
    /// A fragment gets parameters.
    Fragment {
        /// `with:`.
        with: Given,
        /// What comes of it.
        ends: End,
    },
}

/// What comes of a fragment.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// `gives:` exactly this.
    Gives(Given),
    /// `fails:` an error that says this.
    Fails(Name),
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// `event:` as the trigger would map it.
    Event(Given),
    /// `hook:` as it arrives.
    Hook {
        /// `connection:`.
        connection: Name,
        /// `scope:`.
        scope: Option<Name>,
        /// `body:`.
        body: Given,
    },
}

/// Answers of one operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// The same for every call.
    Always(Answer),
    /// One a call, in order.
    Each(Vec<Answer>),
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// `give:`.
    Give(Given),
    /// `file:` beside the test.
    File(Name),
    /// `by:` the key of an element.
    By(Vec<(Name, Answer)>),
    /// `fail:`.
    Fail {
        /// `class:`.
        class: Name,
        /// `sent: maybe`.
        maybe_sent: bool,
        /// `after:`.
        after: Option<Spanned<Duration>>,
        /// `message:`.
        message: Option<Name>,
        /// `answer:`.
        answer: Option<Given>,
    },
}

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// `at:`; none: when nothing moves any more.
    pub at: Option<Spanned<Duration>>,
    /// `outcome:`.
    pub outcome: Option<Name>,
    /// `reason:`.
    pub reason: Option<Name>,
    /// `calls:` by operation.
    pub calls: Vec<(Name, ExpectCalls)>,
    /// `nodes:`.
    pub nodes: Vec<(Name, Given)>,
    /// `skipped:`.
    pub skipped: Vec<Name>,
    /// `memory:` by book: keys, and what the entries hold; null: there is none.
    pub memory: Vec<(Name, Vec<(Given, Given)>)>,
    /// `warns:`.
    pub warns: Vec<Name>,
    /// `give:`.
    pub give: Option<Given>,
    /// All of it.
    pub span: Span,
}

/// Calls that are expected of one operation.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectCalls {
    /// So many (none: at least one), each with these parameters.
    All {
        /// `times:`.
        times: Option<Spanned<u32>>,
        /// `with:`.
        with: Option<Given>,
    },
    /// These, in order, and no others.
    Each(Vec<Option<Given>>),
}

pub(super) fn cases(tree: &yaml::Node, problems: &mut Problems) -> Option<Cases> {
    let fields = Fields::of(tree)?;
    let mut names = Names::default();
    let settings = |node| {
        Fields::of(node).map(|inner| {
            inner.keys().filter_map(|key| Some((key.clone(), inner.scalar(&key.value)?))).collect()
        })
    };
    Some(Cases {
        subject: fields.name("test")?,
        settings: fields.map("settings", settings),
        cases: fields.list("cases", |node| {
            let fields = Fields::of(node)?;
            names.add(&fields.name("case")?, "case", problems);
            case(fields)
        }),
        span: tree.span,
    })
}

fn case(fields: Fields<'_>) -> Option<Case> {
    Some(Case {
        name: fields.name("case")?,
        title: fields.name("title"),
        now: fields.name("now"),
        start: start(fields)?,
        answers: fields.map("answers", answers),
        memory: fields.map("memory", entries),
        then: fields.list("then", |node| {
            let fields = Fields::of(node)?;
            Some((fields.duration("at")?, happening(fields)?))
        }),
        expect: fields.many("expect", |node| Some(expect(Fields::of(node)?))),
        span: fields.span,
    })
}

/// Entries of a book.
fn entries(node: &yaml::Node) -> Option<Vec<(Given, Given)>> {
    let entry = |node: &yaml::Node| {
        Fields::of(node).and_then(|entry| Some((entry.data("key")?, entry.data("value")?)))
    };
    match &node.kind {
        yaml::Kind::List(items) => Some(items.iter().filter_map(entry).collect()),
        _ => None,
    }
}

fn start(fields: Fields<'_>) -> Option<Start> {
    let Some(with) = fields.data("with") else { return happening(fields).map(Start::Flow) };
    let ends = match fields.data("gives") {
        Some(value) => End::Gives(value),
        None => End::Fails(fields.name("fails")?),
    };
    Some(Start::Fragment { with, ends })
}

fn happening(fields: Fields<'_>) -> Option<Happening> {
    let hook = |hook: Fields<'_>| {
        let (connection, scope) = (hook.name("connection")?, hook.name("scope"));
        Some(Happening::Hook { connection, scope, body: hook.data("body")? })
    };
    fields.data("event").map(Happening::Event).or_else(|| fields.object("hook", hook))
}

fn answers(node: &yaml::Node) -> Option<Answers> {
    match &node.kind {
        yaml::Kind::List(items) => Some(Answers::Each(items.iter().filter_map(answer).collect())),
        _ => answer(node).map(Answers::Always),
    }
}

fn answer(node: &yaml::Node) -> Option<Answer> {
    let fields = Fields::of(node)?;
    let (key, value) = fields.first(&["give", "file", "by", "fail"])?;
    match &*key.value {
        "give" => Some(Answer::Give(data(value))),
        "file" => name(value).map(Answer::File),
        "by" => Some(Answer::By(fields.map("by", answer))),
        _ => fields.object("fail", |fail| {
            Some(Answer::Fail {
                class: fail.name("class")?,
                maybe_sent: fail.name("sent").is_some_and(|word| &*word.value == "maybe"),
                after: fail.duration("after"),
                message: fail.name("message"),
                answer: fail.data("answer"),
            })
        }),
    }
}

fn expect(fields: Fields<'_>) -> Expect {
    Expect {
        at: fields.duration("at"),
        outcome: fields.name("outcome"),
        reason: fields.name("reason"),
        calls: fields.map("calls", expect_calls),
        nodes: fields.map("nodes", |node| Some(data(node))),
        skipped: fields.names("skipped"),
        memory: fields.map("memory", entries),
        warns: fields.names("warns"),
        give: fields.data("give"),
        span: fields.span,
    }
}

fn expect_calls(node: &yaml::Node) -> Option<ExpectCalls> {
    if matches!(node.kind, yaml::Kind::List(_)) {
        return Some(ExpectCalls::Each(many(node, |node| Some(Fields::of(node)?.data("with")))));
    }
    let fields = Fields::of(node)?;
    Some(ExpectCalls::All { times: fields.whole("times"), with: fields.data("with") })
}

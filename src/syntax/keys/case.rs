//! The keys of test files.

use super::{Choice, Key, Names, Object, Rule, Want, may, must};

/// A test file.
pub static CASES: Object = Object {
    name: "a test file",
    doc: "Cases of one flow or fragment.",
    keys: &[&[
        must("test", Want::Name(Names::Any), "The flow or the fragment under test.", "orders"),
        may(
            "settings",
            Want::Map(Names::Connection, &Want::Map(Names::Any, &Want::Text)),
            "Settings of connections in all cases, by the flow's own names.",
            "{ store: { code: uk } }",
        ),
        must(
            "cases",
            Want::List(&Want::Object(&CASE)),
            "The cases.",
            "[{ case: ignores_drafts, event: { id: 1 }, expect: { outcome: ignored } }]",
        ),
    ]],
    rules: &[],
};

const EVENT: Key = may("event", Want::Data, "The mapped event.", "{ order_id: 250 }");
const HOOK: Key = may(
    "hook",
    Want::Object(&HOOK_BODY),
    "A webhook as it arrives.",
    "{ connection: store, body: { data: { id: 250 } } }",
);

static CASE: Object = Object {
    name: "a case",
    doc: "One story: what happens, what the systems answer, what comes of it.",
    keys: &[&[
        must("case", Want::Name(Names::Any), "Its name.", "unknown_sku_parks"),
        may("title", Want::Text, "What it shows, for people.", "an unknown SKU waits for its item"),
        may("now", Want::Instant(&[]), "Where the virtual clock begins.", "2026-01-31T10:00:00Z"),
        EVENT,
        HOOK,
        may("with", Want::Data, "The parameters, if a fragment is tested.", "{ line: { quantity: 1 } }"),
        may("gives", Want::Data, "What the fragment gives, exactly.", "53.44"),
        may("fails", Want::Text, "What the fragment's error says, in part.", "no row"),
        may(
            "answers",
            Want::Map(Names::Call, &Want::Many(&Want::Choice(&ANSWER))),
            "What systems answer, by operation: one answer for every call, or a list, one a call.",
            "{ store.get_order: { file: order_250.json } }",
        ),
        may(
            "memory",
            Want::Map(Names::Any, &Want::List(&Want::Object(&ENTRY))),
            "What the books hold at the start.",
            "{ customers: [{ key: { id: 9 }, value: { ns_id: \"31\" } }] }",
        ),
        may(
            "then",
            Want::List(&Want::Object(&THEN)),
            "Events that come later.",
            "[{ at: 20m, event: { order_id: 250 } }]",
        ),
        may("expect", Want::Many(&Want::Object(&EXPECT)), "What comes of it.", "{ outcome: ok }"),
    ]],
    rules: &[
        Rule::OneOf(&["event", "hook", "with"]),
        Rule::OneOf(&["expect", "gives", "fails"]),
        Rule::Needs("gives", "with"),
        Rule::Needs("fails", "with"),
    ],
};

static HOOK_BODY: Object = Object {
    name: "a hook",
    doc: "A webhook as it arrives.",
    keys: &[&[
        must("connection", Want::Name(Names::Connection), "Whose it is, by the flow's own name.", "store"),
        may("scope", Want::Text, "Its scope.", "store/order/created"),
        must("body", Want::Data, "Its body.", "{ data: { id: 250 } }"),
    ]],
    rules: &[],
};

static ANSWER: Choice = Choice {
    name: "answer",
    doc: "What a system answers.",
    of: &[("give", &GIVE), ("file", &FILE), ("by", &BY), ("fail", &FAIL)],
};

static GIVE: Object = Object {
    name: "an answer",
    doc: "A value.",
    keys: &[&[must("give", Want::Data, "The value; null if there is none.", "{ id: 7 }")]],
    rules: &[],
};

static FILE: Object = Object {
    name: "an answer",
    doc: "A value from a file.",
    keys: &[&[must("file", Want::Text, "A JSON file beside the test.", "order_250.json")]],
    rules: &[],
};

static BY: Object = Object {
    name: "an answer",
    doc: "Values by the key of an element.",
    keys: &[&[must(
        "by",
        Want::Map(Names::Free, &Want::Choice(&ANSWER)),
        "One answer an element.",
        "{ MUG-1: { give: { id: 7 } } }",
    )]],
    rules: &[],
};

static FAIL: Object = Object {
    name: "an answer",
    doc: "A failure.",
    keys: &[&[must(
        "fail",
        Want::Object(&FAILURE),
        "What kind of failure.",
        "{ class: outage, sent: maybe }",
    )]],
    rules: &[],
};

static FAILURE: Object = Object {
    name: "a failure",
    doc: "How a call fails.",
    keys: &[&[
        must(
            "class",
            Want::Word(&["retry", "outage", "throttle", "auth", "conflict", "landed", "reject", "gone"]),
            "Its class.",
            "outage",
        ),
        may(
            "sent",
            Want::Word(&["no", "maybe"]),
            "Whether the request may have reached the system; left out means no.",
            "maybe",
        ),
        may("after", Want::Duration, "When the system wants to be asked again.", "30s"),
        may("message", Want::Text, "What the error says.", "connection reset"),
        may("answer", Want::Data, "The body of the error.", "{ status: 503 }"),
    ]],
    rules: &[],
};

static ENTRY: Object = Object {
    name: "an entry",
    doc: "One entry of a book.",
    keys: &[&[
        must("key", Want::Data, "Its key.", "{ store: uk, bc_id: 9 }"),
        must("value", Want::Data, "Its value.", "{ ns_id: \"31\" }"),
    ]],
    rules: &[],
};

static THEN: Object = Object {
    name: "a later event",
    doc: "An event that comes later.",
    keys: &[&[must("at", Want::Duration, "When, from the start of the case.", "20m"), EVENT, HOOK]],
    rules: &[Rule::OneOf(&["event", "hook"])],
};

static EXPECT: Object = Object {
    name: "an expectation",
    doc: "What is expected at an instant, or when nothing moves any more.",
    keys: &[&[
        may(
            "at",
            Want::Duration,
            "When, from the start of the case; left out: when nothing moves any more.",
            "15m",
        ),
        may(
            "outcome",
            Want::Word(&[
                "ok",
                "ignored",
                "unchanged",
                "parked",
                "letter",
                "in_doubt",
                "superseded",
                "running",
            ]),
            "How the last run stands.",
            "ok",
        ),
        may("reason", Want::Text, "Part of the reason that is told.", "no item for"),
        may(
            "calls",
            Want::Map(Names::Call, &Want::Many(&Want::Object(&CALLS))),
            "Calls that were made, by operation; a list: one a call, in order.",
            "{ erp.upsert_sales_order: { times: 1 } }",
        ),
        may(
            "nodes",
            Want::Map(Names::Any, &Want::Data),
            "Values of nodes; they may hold more.",
            "{ exportable: ready }",
        ),
        may("skipped", Want::List(&Want::Name(Names::Any)), "Nodes that were skipped.", "[new_customer]"),
        may("warns", Want::List(&Want::Text), "Parts of warnings that were told.", "[without a mapping]"),
        may(
            "memory",
            Want::Map(Names::Any, &Want::List(&Want::Object(&ENTRY))),
            "What the books hold by then, of these keys; an entry may hold more, and `value: null` means none.",
            "{ customers: [{ key: { id: 9 }, value: { ns_id: \"31\" } }] }",
        ),
        may("give", Want::Data, "What the run gives back; it may hold more.", "{ ns_id: \"31\" }"),
    ]],
    rules: &[],
};

static CALLS: Object = Object {
    name: "expected calls",
    doc: "Calls of one operation.",
    keys: &[&[
        may("times", Want::Whole(0, 100_000), "How many; left out means at least one.", "1"),
        may("with", Want::Data, "Their parameters; they may hold more.", "{ external_id: uk-250 }"),
    ]],
    rules: &[],
};

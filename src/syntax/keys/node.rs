//! The keys of nodes, and of changes to nodes in overlays.

use super::{Choice, Key, Names, Object, Rule, Want, flow::MAPPING, may, must};

static A_CHECK: Want = Want::Object(&CHECK);

const COMMON: &[Key] = &[
    may("title", Want::Text, "What the node does, for the drawing.", "Look up the customer"),
    may(
        "after",
        Want::Many(&Want::Name(Names::Any)),
        "Nodes that come first though no data passes.",
        "[tag]",
    ),
    may(
        "when",
        Want::Map(Names::Any, &Want::Many(&Want::Name(Names::Any))),
        "Decisions and the outcomes wanted of them, all of them; `{ effect: failed }` catches a failure.",
        "{ customer_exists: new }",
    ),
    may(
        "if",
        Want::Expression,
        "A condition; if it does not hold, the node is skipped.",
        "\"{{ existing is not none }}\"",
    ),
    may(
        "expect",
        Want::List(&A_CHECK),
        "What must hold before anything goes on from here.",
        "[{ that: \"{{ result.id > 0 }}\", else: no id }]",
    ),
    may(
        "warn",
        Want::List(&A_CHECK),
        "What should hold; if not, the run goes on and an alert is raised.",
        "[{ that: \"{{ result.ok }}\", else: look here }]",
    ),
];

const EACHES: &[Key] = &[
    may(
        "each",
        Want::Expression,
        "A list: the node is done once for every element.",
        "\"{{ order.products }}\"",
    ),
    may("as", Want::Name(Names::Scope), "What the element is called.", "p"),
    may("where", Want::Expression, "Which elements count.", "\"{{ p.type == 'physical' }}\""),
    may("by", Want::Expression, "The key of an element; results are looked up by it.", "\"{{ p.sku }}\""),
    may(
        "apart",
        Want::Expression,
        "Elements succeed or fail by themselves; the key of a failed one's letter.",
        "\"{{ p.sku }}\"",
    ),
];

const EACH_RULES: [Rule; 5] = [
    Rule::Needs("each", "as"),
    Rule::Needs("as", "each"),
    Rule::Needs("where", "each"),
    Rule::Needs("by", "each"),
    Rule::Needs("apart", "each"),
];

const CALL: &[Key] = &[
    must(
        "call",
        Want::Call,
        "The operation, or a flow (`flows.name`), or a book (`memory.book.verb`).",
        "store.get_order",
    ),
    may("with", MAPPING, "Its parameters.", "{ id: \"{{ event.order_id }}\" }"),
];

const ASK_AGAIN: &[Key] = &[
    may("fresh", Want::Duration, "An answer this young may be shared between runs.", "10m"),
    may(
        "until",
        Want::Expression,
        "Ask again until this holds; `result` is what was answered.",
        "\"{{ result.status == 'done' }}\"",
    ),
    may("every", Want::Duration, "How long to wait before asking again.", "5m"),
    may("for", Want::Duration, "How long to go on asking; after that the node fails.", "2h"),
];

const AT: &[Key] = &[
    may(
        "at",
        Want::Expression,
        "When: an instant, or seconds since 1970; the run leaves memory until then.",
        "\"{{ event.effective }}\"",
    ),
    may("late", Want::Duration, "How late is still good; later, the node fails.", "60s"),
];

const CHANGES: Key = may(
    "changes",
    Want::Name(Names::Any),
    "The node that read the record; nothing is sent if it says the same already.",
    "order",
);
const WAIT: Key =
    may("wait", Want::Bool, "Whether to wait for a child flow's end; left out means true.", "false");

pub(super) static NODE: Choice = Choice {
    name: "node",
    doc: "One step of a flow.",
    of: &[
        ("extract", &EXTRACT),
        ("transform", &TRANSFORM),
        ("decision", &DECISION),
        ("action", &ACTION),
        ("writeback", &WRITEBACK),
    ],
};

pub(super) static CHANGE: Choice = Choice {
    name: "node",
    doc: "One node of the flow below: changed, added or dropped.",
    of: &[
        ("extract", &EXTRACT_CHANGE),
        ("transform", &TRANSFORM_CHANGE),
        ("decision", &DECISION_CHANGE),
        ("action", &ACTION_CHANGE),
        ("writeback", &WRITEBACK_CHANGE),
        ("drop", &DROP),
    ],
};

const EXTRACT_NAME: &[Key] =
    &[must("extract", Want::Name(Names::Scope), "Reads from a system; its name.", "order")];
const TRANSFORM_NAME: &[Key] =
    &[must("transform", Want::Name(Names::Scope), "Maps, purely; its name.", "lines")];
const DECISION_NAME: &[Key] =
    &[must("decision", Want::Name(Names::Scope), "Chooses an outcome, purely; its name.", "exportable")];
const ACTION_NAME: &[Key] =
    &[must("action", Want::Name(Names::Scope), "Writes to a system; its name.", "create")];
const WRITEBACK_NAME: &[Key] = &[must(
    "writeback",
    Want::Name(Names::Scope),
    "Writes to the system the event came from; its name.",
    "tag",
)];
const BEFORE: &[Key] =
    &[may("before", Want::Name(Names::Any), "The node it is put before; left out: it comes last.", "create")];

const EXTRACT_RULES: &[Rule] = &[
    EACH_RULES[0],
    EACH_RULES[1],
    EACH_RULES[2],
    EACH_RULES[3],
    EACH_RULES[4],
    Rule::Needs("until", "every"),
    Rule::Needs("until", "for"),
    Rule::Needs("every", "until"),
    Rule::Needs("for", "until"),
    Rule::Needs("late", "at"),
];
const WRITE_RULES: &[Rule] =
    &[EACH_RULES[0], EACH_RULES[1], EACH_RULES[2], EACH_RULES[3], EACH_RULES[4], Rule::Needs("late", "at")];
const TRANSFORM_RULES: &[Rule] = &[
    EACH_RULES[0],
    EACH_RULES[1],
    EACH_RULES[2],
    EACH_RULES[3],
    EACH_RULES[4],
    Rule::OneOf(&["fields", "value", "use"]),
    Rule::Needs("with", "use"),
];

const MAPS: &[Key] = &[
    may(
        "shape",
        Want::Text,
        "The record it makes; its fields are checked against it.",
        "netsuite.salesOrder",
    ),
    may("fields", MAPPING, "The object it gives, field by field.", "{ sku: \"{{ p.sku }}\" }"),
    may("value", Want::Given, "What it gives, if that is no object.", "\"{{ order.products | length }}\""),
    may("use", Want::Name(Names::Any), "The pure fragment that makes it.", "net_of_line"),
    may("with", MAPPING, "The fragment's parameters.", "{ line: \"{{ p }}\" }"),
];

const DECIDES: &[Key] = &[
    must(
        "choose",
        Want::Map(Names::Outcome, &Want::Expression),
        "Outcomes and their conditions, tried from top to bottom.",
        "{ ready: \"{{ order.paid }}\" }",
    ),
    must("otherwise", Want::Name(Names::Outcome), "The outcome if none holds.", "not_yet"),
    may(
        "ignore",
        Want::Map(Names::Any, &Want::Expression),
        "Outcomes that end the run well, and the reason that is told.",
        "{ not_yet: not paid yet }",
    ),
    may(
        "reject",
        Want::Map(Names::Any, &Want::Expression),
        "Outcomes that make a dead letter, and the reason that is told.",
        "{ unknown: no such item }",
    ),
    may("retry", Want::Object(&RETRY), "A rejected run comes back by itself.", "{ every: 15m, for: 3d }"),
];

static RETRY: Object = Object {
    name: "a retry",
    doc: "When a rejected run comes back.",
    keys: &[&[
        must("every", Want::Duration, "How long to wait between tries.", "15m"),
        must("for", Want::Duration, "How long to go on.", "3d"),
    ]],
    rules: &[],
};

static CHECK: Object = Object {
    name: "a check",
    doc: "Something that must hold or should hold. `result` is what the node itself gave.",
    keys: &[&[
        must("that", Want::Expression, "The condition.", "\"{{ result.total == order.total_inc_tax }}\""),
        must(
            "else",
            Want::Expression,
            "What is told if it does not hold.",
            "\"the order says {{ order.total_inc_tax }}\"",
        ),
    ]],
    rules: &[],
};

macro_rules! node {
    ($plain:ident, $change:ident, $name:literal, $doc:literal, $rules:expr, $($group:expr),+) => {
        static $plain: Object = Object { name: $name, doc: $doc, keys: &[$($group),+, COMMON], rules: $rules };
        static $change: Object = Object { name: $name, doc: $doc, keys: &[$($group),+, COMMON, BEFORE], rules: $rules };
    };
}

node!(
    EXTRACT,
    EXTRACT_CHANGE,
    "an extract",
    "Reads from a system.",
    EXTRACT_RULES,
    EXTRACT_NAME,
    CALL,
    EACHES,
    ASK_AGAIN,
    AT
);
node!(
    TRANSFORM,
    TRANSFORM_CHANGE,
    "a transform",
    "Maps, purely.",
    TRANSFORM_RULES,
    TRANSFORM_NAME,
    EACHES,
    MAPS
);
node!(
    DECISION,
    DECISION_CHANGE,
    "a decision",
    "Chooses one of several outcomes.",
    &[],
    DECISION_NAME,
    DECIDES
);
node!(
    ACTION,
    ACTION_CHANGE,
    "an action",
    "Writes to a system.",
    WRITE_RULES,
    ACTION_NAME,
    CALL,
    EACHES,
    &[CHANGES, WAIT],
    AT
);
node!(
    WRITEBACK,
    WRITEBACK_CHANGE,
    "a writeback",
    "Writes back to the system the event came from.",
    WRITE_RULES,
    WRITEBACK_NAME,
    CALL,
    EACHES,
    &[CHANGES],
    AT
);

static DROP: Object = Object {
    name: "a drop",
    doc: "Takes a node of the flow below away.",
    keys: &[&[must("drop", Want::Name(Names::Any), "The node that goes.", "tag")]],
    rules: &[],
};

//! The keys of flows, overlays and fragments.

use super::{Choice, Key, Names, Object, Rule, Want, may, must};

const MAPPING: Want = Want::Map(Names::Free, &Want::Given);

/// A flow file.
pub static FLOW: Object = Object {
    name: "a flow",
    doc: "One flow: what starts it, and what it does.",
    keys: &[&[
        must("flow", Want::Name(Names::Any), "The flow's name: its identity over versions.", "orders"),
        may("title", Want::Text, "What the flow does, for people.", "Orders become sales orders"),
        may(
            "connections",
            Want::Map(Names::Connection, &Want::Name(Names::Connection)),
            "What the flow calls the estate's connections: local name and connection.",
            "{ store: bigcommerce, erp: netsuite }",
        ),
        may(
            "reconcile",
            Want::Name(Names::Any),
            "`flowrun reconcile` runs the flow under this name.",
            "orders",
        ),
        must(
            "trigger",
            Want::Object(&TRIGGER),
            "What starts a run, and what the run is about.",
            "{ key: \"{{ event.id }}\" }",
        ),
        must(
            "nodes",
            Want::List(&Want::Choice(&NODE)),
            "The steps, in reading order.",
            "[{ extract: order, call: store.get_order }]",
        ),
        may(
            "give",
            Want::Given,
            "What a run gives back to the flow that called it.",
            "{ id: \"{{ create.id }}\" }",
        ),
    ]],
    rules: &[],
};

/// An overlay: a small file on a shipped flow.
pub static OVERLAY: Object = Object {
    name: "an overlay",
    doc: "What differs from a shipped flow. Nodes of the same kind and name are merged, others are added.",
    keys: &[&[
        must(
            "extends",
            Want::Text,
            "The flow it changes, if need be with the fingerprint it was written for.",
            "bigcommerce-netsuite/orders",
        ),
        may("title", Want::Text, "What the flow does, for people.", "Orders of the Kuwait shop"),
        may(
            "connections",
            Want::Map(Names::Connection, &Want::Name(Names::Connection)),
            "Connections that differ or come to it.",
            "{ store: bigcommerce_kw }",
        ),
        may("trigger", Want::Object(&TRIGGER), "What differs in the trigger.", "{ keep: all }"),
        may(
            "nodes",
            Want::List(&Want::Choice(&CHANGE)),
            "Nodes that differ, come to it, or go.",
            "[{ drop: tag }]",
        ),
        may("give", Want::Given, "What a run gives back instead.", "{ id: \"{{ create.id }}\" }"),
    ]],
    rules: &[],
};

static TRIGGER: Object = Object {
    name: "a trigger",
    doc: "What starts a run, and how events become runs.",
    keys: &[&[
        may(
            "from",
            Want::List(&Want::Choice(&SOURCE)),
            "What events come from. Left out: runs are started by hand only.",
            "[{ webhook: store, scopes: [store/order/created], event: { id: \"{{ body.data.id }}\" } }]",
        ),
        must(
            "key",
            Want::Expression,
            "What the event is about; runs of one key never overlap.",
            "\"{{ event.order_id }}\"",
        ),
        may(
            "keep",
            Want::Word(&["latest", "all"]),
            "What happens to waiting events of one key: `latest`, a newer one replaces them; `all`, each is run, in order.",
            "latest",
        ),
        may(
            "lane",
            Want::Expression,
            "What must not overlap, if that is more than the key; a name may be shared by flows.",
            "customer",
        ),
        may(
            "id",
            Want::Expression,
            "What recognises the same fact when it is told again.",
            "\"{{ event.refund_id }}\"",
        ),
        may(
            "version",
            Want::Expression,
            "Which of two events of one key is newer.",
            "\"{{ event.date_modified }}\"",
        ),
        may(
            "batch",
            Want::Object(&TRIGGER_BATCH),
            "Many events in one run, as `events`.",
            "{ size: 500, linger: 5s }",
        ),
    ]],
    rules: &[],
};

static TRIGGER_BATCH: Object = Object {
    name: "a batch",
    doc: "Many events in one run.",
    keys: &[&[
        must("size", Want::Whole(1, 10_000), "At most so many events.", "500"),
        must("linger", Want::Duration, "How long to wait for more.", "5s"),
    ]],
    rules: &[],
};

const EVENT: Key = may(
    "event",
    Want::Given,
    "The event this source makes; every source of a flow makes the same one.",
    "{ id: \"{{ row.id }}\" }",
);
const SOURCE_WITH: Key = may("with", MAPPING, "Parameters of the operation.", "{ status: open }");

static SOURCE: Choice = Choice {
    name: "source",
    doc: "What events come from.",
    of: &[("webhook", &WEBHOOK), ("poll", &POLL), ("schedule", &SCHEDULE), ("flow", &FLOW_SOURCE)],
};

static WEBHOOK: Object = Object {
    name: "a webhook source",
    doc: "Events that a system sends as they happen. `body` is in scope.",
    keys: &[&[
        must(
            "webhook",
            Want::Name(Names::Connection),
            "The connection whose webhooks are listened to.",
            "store",
        ),
        must(
            "scopes",
            Want::List(&Want::Text),
            "Which of them.",
            "[store/order/created, store/order/updated]",
        ),
        EVENT,
    ]],
    rules: &[],
};

static POLL: Object = Object {
    name: "a poll source",
    doc: "Events found by asking again and again. `row` is in scope.",
    keys: &[&[
        must("poll", Want::Call, "The operation that lists what changed.", "store.orders_modified"),
        must("every", Want::Duration, "How often it is asked.", "10m"),
        must(
            "start",
            Want::Instant(&["now", "all"]),
            "What the first poll asks for: what changes from `now` on, `all` there is, or what changed since an instant.",
            "now",
        ),
        SOURCE_WITH,
        EVENT,
    ]],
    rules: &[],
};

static SCHEDULE: Object = Object {
    name: "a schedule source",
    doc: "Events at set times. With `read`, `row` is in scope.",
    keys: &[&[
        must("schedule", Want::Text, "When: a cron expression of five fields.", "\"0 2 * * *\""),
        must("zone", Want::Text, "The time zone of the schedule.", "Europe/London"),
        may("read", Want::Call, "An operation whose rows become events, one each.", "erp.stock_all"),
        SOURCE_WITH,
        EVENT,
    ]],
    rules: &[Rule::Needs("with", "read")],
};

static FLOW_SOURCE: Object = Object {
    name: "a flow source",
    doc: "Runs started by other flows.",
    keys: &[&[must(
        "flow",
        Want::Object(&TAKES),
        "What a caller hands over: the event.",
        "{ takes: { store: text } }",
    )]],
    rules: &[],
};

static TAKES: Object = Object {
    name: "a flow source's `flow`",
    doc: "What a caller hands over.",
    keys: &[&[must(
        "takes",
        Want::Map(Names::Any, &Want::Type),
        "The event's fields and their types: `text`, `int`, `any` …, a record such as `bigcommerce.order`, or a list of one.",
        "{ store: text, customer_id: int }",
    )]],
    rules: &[],
};

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
    may("until", Want::Expression, "Ask again until this holds.", "\"{{ result.status == 'done' }}\""),
    may("every", Want::Duration, "How long to wait before asking again.", "5m"),
    may("for", Want::Duration, "How long to go on asking.", "2h"),
];

const AT: &[Key] = &[
    may("at", Want::Expression, "When: an instant that is waited for.", "\"{{ event.effective }}\""),
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

static NODE: Choice = Choice {
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

static CHANGE: Choice = Choice {
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

/// A nested `each`, wherever a value stands.
pub static EACH: Object = Object {
    name: "a nested `each`",
    doc: "A list made of another, wherever a value stands.",
    keys: &[&[
        must("each", Want::Expression, "The list.", "\"{{ p.product_options }}\""),
        must("as", Want::Name(Names::Scope), "What the element is called.", "o"),
        may("where", Want::Expression, "Which elements count.", "\"{{ o.value != '' }}\""),
        may(
            "fields",
            MAPPING,
            "The object each gives, field by field.",
            "{ name: \"{{ o.display_name }}\" }",
        ),
        may("value", Want::Given, "What each gives, if that is no object.", "\"{{ o.value }}\""),
        may("use", Want::Name(Names::Any), "The pure fragment that makes it.", "canonical_address"),
        may("with", MAPPING, "The fragment's parameters.", "{ from: \"{{ o }}\" }"),
    ]],
    rules: &[Rule::OneOf(&["fields", "value", "use"]), Rule::Needs("with", "use")],
};

/// A fragment put in place, wherever a value stands.
pub static USE: Object = Object {
    name: "a `use`",
    doc: "A pure fragment, wherever a value stands.",
    keys: &[&[
        must("use", Want::Name(Names::Any), "The fragment.", "ns_address"),
        may("with", MAPPING, "Its parameters.", "{ from: \"{{ order.billing_address }}\" }"),
    ]],
    rules: &[],
};

/// A fragment file.
pub static FRAGMENT: Object = Object {
    name: "a fragment",
    doc: "A pure mapping with parameters, used by `use` wherever a value stands.",
    keys: &[&[
        must("fragment", Want::Name(Names::Any), "Its name.", "net_of_line"),
        may("title", Want::Text, "What it makes, for people.", "Net amount of a line"),
        may(
            "params",
            Want::Map(Names::Scope, &Want::Type),
            "Its parameters and their types.",
            "{ line: bigcommerce.order_product }",
        ),
        may(
            "let",
            Want::Map(Names::Scope, &Want::Given),
            "Values worked out first; each may use those before it.",
            "{ net: \"{{ line.total_ex_tax }}\" }",
        ),
        may("fields", MAPPING, "The object it gives, field by field.", "{ city: \"{{ from.city }}\" }"),
        may("value", Want::Given, "What it gives, if that is no object.", "\"{{ net | round(2) }}\""),
        may("use", Want::Name(Names::Any), "The fragment that makes it.", "ns_address"),
        may("with", MAPPING, "That fragment's parameters.", "{ from: \"{{ billing }}\" }"),
    ]],
    rules: &[Rule::OneOf(&["fields", "value", "use"]), Rule::Needs("with", "use")],
};

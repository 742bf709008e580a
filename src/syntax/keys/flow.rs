//! The keys of flows, overlays and fragments.

use super::{
    Choice, Key, Names, Object, Rule, Want, may, must,
    node::{CHANGE, NODE},
};

pub(super) const MAPPING: Want = Want::Map(Names::Free, &Want::Given);

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
            "`flowrun reconcile` runs the flow under this name. Comes later (FR506).",
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
    doc: "What differs from a flow. Nodes of the same kind and name are merged, others are added.",
    keys: &[&[
        must(
            "extends",
            Want::Text,
            "The flow it changes: its path without `.yaml`, if need be with the fingerprint it was written for.",
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
            "supersede",
            Want::Word(&["always"]),
            "Whether a newer event also takes over from a run that has written and waits for an instant; else it waits for that run.",
            "always",
        ),
        may(
            "batch",
            Want::Object(&TRIGGER_BATCH),
            "Many events in one run, as `events`. Comes later (FR506).",
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

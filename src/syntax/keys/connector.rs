//! The keys of connector files.

use super::{Choice, Key, Names, Object, Rule, Want, may, must};

const SHAPES: Want = Want::Map(Names::Any, &Want::Shape);
const FIELDS: Want = Want::Map(Names::Free, &Want::Given);
const TEXTS: Want = Want::Many(&Want::Text);
const SETTING: Want = Want::Or(&Want::Duration);

/// A connector file.
pub static CONNECTOR: Object = Object {
    name: "a connector",
    doc: "How one system is reached, and what can be asked of it.",
    keys: &[&[
        must("connector", Want::Name(Names::Any), "Its name.", "bigcommerce"),
        may("title", Want::Text, "The system, for people.", "BigCommerce REST"),
        must(
            "base",
            Want::Text,
            "The address everything is below; `{setting}` stands for a setting.",
            "https://api.example.com/{store}",
        ),
        may(
            "settings",
            Want::Map(Names::Any, &Want::Shape),
            "Constants of a connection: a type, or the words that may be chosen (`live | test`); `= default` behind it; never secrets.",
            "{ code: slug, quota: int = 150, mode: live | test = live }",
        ),
        may(
            "account",
            Want::Expression,
            "What identifies the account; connections of one account share its limits.",
            "\"{{ settings.store_hash }}\"",
        ),
        may("headers", FIELDS, "Headers of every request.", "{ Accept: application/json }"),
        must(
            "auth",
            Want::Map(Names::Any, &Want::Object(&AUTH)),
            "Ways to authenticate, by name.",
            "{ token: { kind: header, header: X-Auth-Token } }",
        ),
        may("limits", Want::Object(&LIMITS), "How much may be asked.", "{ slots: 20 }"),
        may("timeout", SETTING, "How long an answer may take.", "60s"),
        may(
            "error",
            Want::Object(&ERROR),
            "Where an error answer says what is wrong.",
            "{ code: [title], message: [detail] }",
        ),
        may(
            "classes",
            Want::List(&Want::Object(&CLASS)),
            "What kind of failure an answer is; the first rule that fits.",
            "[{ status: 409, class: conflict }]",
        ),
        may(
            "webhooks",
            Want::Object(&WEBHOOKS),
            "How the system tells what happens.",
            "{ verify: { kind: standard, secret: client_secret }, scopes: [order/created] }",
        ),
        must(
            "operations",
            Want::Map(Names::Any, &Want::Object(&OPERATION)),
            "What can be asked.",
            "{ get_order: { reads: any, get: \"/orders/{id}\" } }",
        ),
    ]],
    rules: &[],
};

static AUTH: Object = Object {
    name: "an auth",
    doc: "One way to authenticate. What each kind needs is in docs/connectors.md.",
    keys: &[&[
        must("kind", Want::Word(&["header", "basic", "oauth1", "oauth2_jwt"]), "Which kind.", "header"),
        may("header", Want::Text, "The header that carries the token.", "X-Auth-Token"),
        may("prefix", Want::Text, "What stands before the token.", "Bearer"),
        may("realm", Want::Expression, "The realm of signed requests.", "\"{{ settings.account }}\""),
        may("token_path", Want::Text, "Where tokens are asked for, below the base.", "/oauth2/token"),
        may("scope", TEXTS, "What the token is for.", "[rest_webservices]"),
        may("algorithm", Want::Word(&["PS256", "ES256"]), "How the request for a token is signed.", "PS256"),
    ]],
    rules: &[],
};

static LIMITS: Object = Object {
    name: "limits",
    doc: "How much may be asked of one account.",
    keys: &[&[
        may("window", Want::Object(&WINDOW), "Requests in a span of time.", "{ quota: 150, every: 30s }"),
        may("slots", Want::Or(&Want::Whole(1, 10_000)), "Calls at one time.", "20"),
        may(
            "groups",
            Want::Map(Names::Any, &Want::Or(&Want::Whole(1, 10_000))),
            "Calls at one time within a group of operations.",
            "{ prices_bulk: 1 }",
        ),
    ]],
    rules: &[],
};

static WINDOW: Object = Object {
    name: "a window",
    doc: "Requests in a span of time.",
    keys: &[&[
        must("quota", Want::Or(&Want::Whole(1, 1_000_000)), "How many.", "150"),
        must("every", Want::Duration, "In which time.", "30s"),
        may(
            "headers",
            Want::Map(Names::Any, &Want::Text),
            "Headers of answers that tell: `quota`, `left`, `reset_ms`.",
            "{ left: X-Rate-Limit-Requests-Left }",
        ),
    ]],
    rules: &[],
};

static ERROR: Object = Object {
    name: "an error's places",
    doc: "Where an error answer says what is wrong: paths, the first that is there.",
    keys: &[&[
        may("code", TEXTS, "Its code.", "[title]"),
        may("message", TEXTS, "Its text.", "[detail, title]"),
    ]],
    rules: &[],
};

static CLASS: Object = Object {
    name: "a class rule",
    doc: "What kind of failure an answer is.",
    keys: &[&[
        may("status", TEXTS, "The status, or `4xx`, `5xx`.", "[502, 503]"),
        may("code", TEXTS, "The error's code.", "USER_ERROR"),
        must(
            "class",
            Want::Word(&["retry", "outage", "throttle", "auth", "conflict", "landed", "reject", "gone"]),
            "The class.",
            "outage",
        ),
        may("sent", Want::Word(&["no", "maybe"]), "Whether the request may have been carried out.", "no"),
    ]],
    rules: &[],
};

static WEBHOOKS: Object = Object {
    name: "webhooks",
    doc: "How the system tells what happens.",
    keys: &[&[
        must(
            "verify",
            Want::Map(Names::Any, &Want::Text),
            "How a webhook proves where it comes from.",
            "{ kind: standard, secret: client_secret }",
        ),
        may(
            "producer",
            Want::Object(&PRODUCER),
            "A webhook of another account is refused.",
            "{ field: producer, equals: \"stores/{{ settings.store_hash }}\" }",
        ),
        may("scope", Want::Text, "Where in the body the scope stands.", "scope"),
        must(
            "scopes",
            Want::Either(&Want::List(&Want::Text), &Want::Map(Names::Free, &Want::Shape)),
            "What can be listened to; as an object each says what its body is.",
            "{ store/order/created: bigcommerce.hook_body }",
        ),
        may("list", Want::Name(Names::Any), "The operation that lists what is registered.", "hooks"),
        may("register", Want::Name(Names::Any), "The operation that registers.", "create_hook"),
        may("enable", Want::Name(Names::Any), "The operation that enables again.", "enable_hook"),
    ]],
    rules: &[],
};

static PRODUCER: Object = Object {
    name: "a producer",
    doc: "Whose webhook it is.",
    keys: &[&[
        must("field", Want::Text, "Where in the body it stands.", "producer"),
        must("equals", Want::Expression, "What must stand there.", "\"stores/{{ settings.store_hash }}\""),
    ]],
    rules: &[],
};

const METHODS: &[Key] = &[
    may("get", Want::Text, "GET: a path; `{id}` stands for a parameter.", "\"/orders/{id}\""),
    may("post", Want::Text, "POST: a path.", "/orders"),
    may("put", Want::Text, "PUT: a path.", "\"/orders/{id}\""),
    may("patch", Want::Text, "PATCH: a path.", "\"/orders/{id}\""),
    may("delete", Want::Text, "DELETE: a path.", "\"/orders/{id}\""),
    may(
        "suiteql",
        Want::Text,
        "A SuiteQL query, constant; `:name` stands for a value of `params`.",
        "SELECT id FROM item WHERE itemid = :sku",
    ),
];

const METHOD_NAMES: &[&str] = &["get", "post", "put", "patch", "delete", "suiteql"];
const OPERATION_NAMES: &[&str] = &["steps", "get", "post", "put", "patch", "delete", "suiteql"];

const REQUEST: &[Key] = &[
    may("query", FIELDS, "Query values.", "{ limit: 250 }"),
    may("headers", FIELDS, "Headers.", "{ Prefer: transient }"),
    may("body", Want::Given, "The body.", "\"{{ with.body }}\""),
    may("paging", Want::Object(&PAGING), "How a list is read page by page.", "{ kind: page, size: 250 }"),
    may("take", Want::Given, "What it gives of `answer`.", "\"{{ answer.data }}\""),
    may("absent", Want::Word(&["none", "error"]), "What a 404 means; left out means an error.", "none"),
    may("params", FIELDS, "Values of a SuiteQL query.", "{ sku: \"{{ with.sku }}\" }"),
];

static A_CLASS: Want = Want::Object(&CLASS);

const CLASSES: Key = may(
    "classes",
    Want::List(&A_CLASS),
    "Rules tried before the connector's.",
    "[{ status: 404, class: retry }]",
);

static OPERATION: Object = Object {
    name: "an operation",
    doc: "What a flow calls: one request, a list read page by page, or several requests.",
    keys: &[
        &[
            may("doc", Want::Text, "What it does.", "An order with its lines."),
            may("reads", Want::Shape, "It has no effect, and gives this.", "bigcommerce.order"),
            may("writes", Want::Text, "It has an effect on this record.", "bigcommerce.order"),
            may("gives", Want::Shape, "What a write gives.", "{ id: int }"),
            may("with", SHAPES, "Its parameters and their types.", "{ id: int }"),
        ],
        METHODS,
        &[may(
            "steps",
            Want::List(&Want::Object(&STEP)),
            "Several requests, in order.",
            "[{ as: order, get: \"/orders/{id}\" }]",
        )],
        REQUEST,
        &[
            may(
                "join",
                Want::Name(Names::Any),
                "The step whose object gets every other step's answer as a field.",
                "order",
            ),
            may(
                "repeat",
                Want::Either(&Want::Word(&["safe", "never"]), &Want::Choice(&REPEAT)),
                "How a write may be repeated.",
                "safe",
            ),
            may(
                "sublists",
                Want::Map(
                    Names::Free,
                    &Want::Either(&Want::Word(&["replace", "append"]), &Want::Object(&SUBLIST)),
                ),
                "How lines of a written record are kept apart.",
                "{ item: { key: line }, taxDetails: replace }",
            ),
            may(
                "batch",
                Want::Object(&BATCH),
                "Many elements in one request.",
                "{ max: 500, key: \"{{ with.sku }}\", match: \"{{ row.itemid }}\" }",
            ),
            may(
                "cursor",
                Want::Object(&CURSOR),
                "How it is polled.",
                "{ kind: second, field: date_modified, format: rfc2822, tie: id }",
            ),
            may("group", Want::Name(Names::Any), "Its group of the limits.", "prices_bulk"),
            CLASSES,
            may("timeout", SETTING, "How long an answer may take.", "15m"),
            may(
                "example",
                Want::Object(&EXAMPLE),
                "A call with its answers; it is run.",
                "{ with: { id: 1 }, answers: { answer: { body: { id: 1 } } }, gives: { id: 1 } }",
            ),
        ],
    ],
    rules: &[
        Rule::OneOf(&["reads", "writes"]),
        Rule::OneOf(OPERATION_NAMES),
        Rule::Needs("gives", "writes"),
        Rule::Needs("params", "suiteql"),
        Rule::Needs("join", "steps"),
    ],
};

static STEP: Object = Object {
    name: "a step",
    doc: "One request of several.",
    keys: &[
        &[must("as", Want::Name(Names::Any), "Its name; later steps mention its answer by it.", "order")],
        METHODS,
        REQUEST,
        &[
            may(
                "if",
                Want::Expression,
                "If it does not hold, the step is left out and its answer is null.",
                "\"{{ found is none }}\"",
            ),
            may(
                "over",
                Want::Name(Names::Any),
                "The step whose lines give this body's lines their keys.",
                "found",
            ),
        ],
    ],
    rules: &[Rule::OneOf(METHOD_NAMES), Rule::Needs("params", "suiteql")],
};

static PAGING: Object = Object {
    name: "a paging",
    doc: "How a list is read page by page.",
    keys: &[&[
        must("kind", Want::Word(&["page", "cursor", "offset", "link", "suiteql"]), "Which kind.", "page"),
        may("size", Want::Whole(1, 100_000), "Rows of a page.", "250"),
        may("page", Want::Text, "The query value that counts pages.", "page"),
        may("limit", Want::Text, "The query value that says how many rows.", "limit"),
        may("offset", Want::Text, "The query value that says where to begin.", "offset"),
        may(
            "after",
            Want::Text,
            "The query value of the cursor; with SuiteQL the column that rows are ordered by.",
            "after",
        ),
        may("start", Want::Text, "With SuiteQL: what the first page begins after.", "0"),
        may(
            "next",
            Want::Expression,
            "Where the next page's cursor or link stands.",
            "\"{{ answer.meta.next }}\"",
        ),
        may("max_pages", Want::Whole(1, 1_000_000), "Where a list that never ends is given up.", "1000"),
    ]],
    rules: &[],
};

static REPEAT: Choice = Choice {
    name: "repeat",
    doc: "How a write may be repeated.",
    of: &[("key", &REPEAT_KEY), ("look", &REPEAT_LOOK)],
};

static REPEAT_KEY: Object = Object {
    name: "a repeat by key",
    doc: "The system knows a repeated request by a header.",
    keys: &[&[
        must("key", Want::Text, "The header.", "Idempotency-Key"),
        must("valid_for", SETTING, "How long the system remembers.", "24h"),
    ]],
    rules: &[],
};

static REPEAT_LOOK: Object = Object {
    name: "a repeat by look",
    doc: "Before it is repeated, it is looked whether the earlier one landed.",
    keys: &[&[
        must(
            "look",
            Want::Name(Names::Any),
            "The operation that looks; it takes the same parameters.",
            "find_order",
        ),
        may("settle", SETTING, "How long the system may still be at work on an unanswered request.", "15m"),
        may("lag", SETTING, "How long what was written may stay unseen by the look.", "0s"),
    ]],
    rules: &[],
};

static SUBLIST: Object = Object {
    name: "a keyed sublist",
    doc: "Lines that carry a key: a known one is updated.",
    keys: &[&[
        must("key", Want::Text, "The key of a line.", "line"),
        may("by", Want::Text, "What identifies a line across systems.", "custcol_bc_line_id"),
        may("gone", Want::Given, "What is sent for a line that is no longer there.", "{ isClosed: true }"),
        may("keep", Want::Expression, "Lines that are left alone, over `line`.", "\"{{ line.isClosed }}\""),
    ]],
    rules: &[],
};

static BATCH: Object = Object {
    name: "a batch",
    doc: "Many elements in one request; `batch` is their list.",
    keys: &[&[
        must("max", Want::Whole(1, 100_000), "At most so many.", "500"),
        may("key", Want::Expression, "The key of an element, over `with`.", "\"{{ with.sku }}\""),
        may("match", Want::Expression, "The key of a row, over `row`.", "\"{{ row.itemid }}\""),
        may(
            "answers",
            Want::Word(&["in_order", "whole"]),
            "One row an element in order, or the whole answer for each.",
            "in_order",
        ),
        may(
            "errors",
            Want::Map(Names::Any, &Want::Expression),
            "Elements that failed by themselves: `list`, `match`, `message`.",
            "{ list: \"{{ answer.errors }}\" }",
        ),
        may(
            "same",
            Want::Expression,
            "Only elements with an equal value share a request.",
            "\"{{ with.location_id }}\"",
        ),
    ]],
    rules: &[
        Rule::OneOf(&["key", "answers"]),
        Rule::Needs("key", "match"),
        Rule::Needs("match", "key"),
        Rule::Needs("errors", "key"),
    ],
};

static CURSOR: Object = Object {
    name: "a cursor",
    doc: "How an operation is polled.",
    keys: &[&[
        must(
            "kind",
            Want::Word(&["second", "keyset"]),
            "Stamps of one second, inclusive; or strictly after stamp and id.",
            "second",
        ),
        must("field", Want::Text, "The row's stamp.", "date_modified"),
        must(
            "format",
            Want::Word(&["rfc2822", "iso", "sql", "unix"]),
            "How the system writes it and wants it.",
            "rfc2822",
        ),
        may("zone", Want::Expression, "The zone of stamps without one.", "\"{{ settings.zone }}\""),
        must("tie", Want::Text, "What tells rows of one stamp apart.", "id"),
        may("overlap", SETTING, "How far each poll begins before the last mark.", "10m"),
        may("lag", SETTING, "Rows younger than this wait for the next poll.", "1s"),
    ]],
    rules: &[],
};

static EXAMPLE: Object = Object {
    name: "an example",
    doc: "A call with its answers; it is run, and what it gives is compared.",
    keys: &[&[
        may("with", Want::Data, "Parameters; a list of them for a batch.", "{ id: 118 }"),
        may("cursor", Want::Data, "The cursor of a poll.", "{ since: 2026-01-31T10:00:00Z }"),
        must(
            "answers",
            Want::Map(Names::Any, &Want::Many(&Want::Object(&REPLY))),
            "Answers by step; `answer` if there is only one.",
            "{ answer: { status: 200, body: { id: 118 } } }",
        ),
        must("gives", Want::Data, "What the operation gives.", "{ id: 118 }"),
    ]],
    rules: &[],
};

static REPLY: Object = Object {
    name: "an answer",
    doc: "One answer of a system.",
    keys: &[&[
        may("asked", Want::Text, "What must have been asked: method and path.", "GET /orders/118"),
        may("sent", Want::Data, "What must have been sent.", "{ id: 118 }"),
        may("status", Want::Whole(100, 599), "Its status; left out means 200.", "404"),
        may("headers", Want::Map(Names::Free, &Want::Data), "Its headers.", "{ Location: /orders/118 }"),
        may("body", Want::Data, "Its body.", "{ id: 118 }"),
    ]],
    rules: &[],
};

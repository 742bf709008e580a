//! The keys of `flowrun.yaml`.

use super::{Choice, Names, Object, Rule, Want, may, must};

/// The estate file.
pub static ESTATE: Object = Object {
    name: "an estate",
    doc: "A folder of flows and the systems they connect, by environment.",
    keys: &[&[
        must("estate", Want::Name(Names::Any), "Its name; part of the identity of its journal.", "harbour"),
        may("title", Want::Text, "Whose it is, for people.", "Harbour Goods"),
        may(
            "environment",
            Want::Name(Names::Any),
            "The environment that is meant when none is named.",
            "sandbox",
        ),
        must(
            "environments",
            Want::Map(Names::Any, &Want::Object(&ENVIRONMENT)),
            "Environments, each with its connections.",
            "{ sandbox: { connections: { bigcommerce: { connector: bigcommerce } } } }",
        ),
        may(
            "flows",
            Want::Map(Names::Any, &Want::Object(&FLOW)),
            "Settings by flow.",
            "{ orders: { class: live } }",
        ),
        may(
            "classes",
            Want::Map(Names::Any, &Want::Whole(1, 10_000)),
            "Classes of work and their weights in sharing an account's limits. Comes later (FR506).",
            "{ live: 100, normal: 10, bulk: 1 }",
        ),
        may(
            "service_levels",
            Want::List(&Want::Object(&SERVICE_LEVEL)),
            "How fast flows must be, and who is told if they are not. Comes later (FR506).",
            "[{ flow: orders, within: 10m, alert: operations }]",
        ),
        may(
            "alerts",
            Want::Map(Names::Any, &Want::Choice(&ALERT)),
            "Where alerts go. Comes later (FR506).",
            "{ operations: { webhook: env:ALERT_URL } }",
        ),
        may(
            "retention",
            Want::Object(&RETENTION),
            "How long what ran is kept. Comes later (FR506).",
            "{ runs: 90d, letters: 365d }",
        ),
        may(
            "memory",
            Want::Map(Names::Any, &Want::Object(&BOOK)),
            "Books of the connection `memory`: what flows keep from run to run.",
            "{ customers: { key: [store, bc_id], columns: { ns_id: text } } }",
        ),
        may(
            "listen",
            Want::Object(&LISTEN),
            "Where webhooks and the page are served.",
            "{ address: \"127.0.0.1:7780\" }",
        ),
        may(
            "journal",
            Want::Object(&JOURNAL),
            "Where the journal lies. Comes later (FR506).",
            "{ dir: .flowrun }",
        ),
    ]],
    rules: &[],
};

static ENVIRONMENT: Object = Object {
    name: "an environment",
    doc: "The same flows against other accounts.",
    keys: &[&[
        may("title", Want::Text, "What it is, for people.", "Staging"),
        must(
            "connections",
            Want::Map(Names::Connection, &Want::Object(&CONNECTION)),
            "The accounts that flows reach.",
            "{ bigcommerce: { connector: bigcommerce } }",
        ),
        may(
            "listen",
            Want::Object(&LISTEN),
            "Over the estate's. Comes later (FR506).",
            "{ public_url: \"https://hooks.example.org\" }",
        ),
        may(
            "journal",
            Want::Object(&JOURNAL),
            "Over the estate's. Comes later (FR506).",
            "{ dir: /var/lib/flowrun }",
        ),
    ]],
    rules: &[],
};

static CONNECTION: Object = Object {
    name: "a connection",
    doc: "One account of one system.",
    keys: &[&[
        must("connector", Want::Name(Names::Any), "The connector file that knows the system.", "bigcommerce"),
        may(
            "url",
            Want::Text,
            "The base address, instead of the connector's.",
            "http://127.0.0.1:8810/stores/abc",
        ),
        may("allow_private", Want::Bool, "Whether addresses of private networks may be called.", "true"),
        may("auth", Want::Name(Names::Any), "Which of the connector's ways to authenticate.", "token"),
        may(
            "settings",
            Want::Map(Names::Any, &Want::Text),
            "The connector's settings; never a secret.",
            "{ store_hash: abc }",
        ),
        may(
            "secrets",
            Want::Map(Names::Any, &Want::Reference),
            "Where the secrets are: `env:NAME` or `file:path`.",
            "{ token: env:BC_TOKEN }",
        ),
    ]],
    rules: &[Rule::Private],
};

static FLOW: Object = Object {
    name: "settings of a flow",
    doc: "How one flow runs in this estate.",
    keys: &[&[
        may(
            "class",
            Want::Name(Names::Any),
            "Its class of work: `live` before `normal` before `bulk`.",
            "live",
        ),
        may(
            "settings",
            Want::Map(Names::Any, &Want::Text),
            "Constants that the flow reads. Comes later (FR506).",
            "{ warn_above: 500 }",
        ),
        may(
            "for",
            Want::Map(Names::Connection, &Want::List(&Want::Name(Names::Connection))),
            "One instance of the flow for each of these connections. Comes later (FR506).",
            "{ store: [uk, us] }",
        ),
        may("on", Want::Bool, "Whether it runs; left out means true.", "false"),
    ]],
    rules: &[],
};

static SERVICE_LEVEL: Object = Object {
    name: "a service level",
    doc: "How fast a flow must be.",
    keys: &[&[
        must("flow", Want::Name(Names::Any), "The flow.", "orders"),
        must("within", Want::Duration, "From event to end, at most.", "10m"),
        may("share", Want::Number(0.0, 1.0), "Which share of runs must hold it; left out means all.", "0.99"),
        may("alert", Want::Name(Names::Any), "Who is told.", "operations"),
    ]],
    rules: &[],
};

static ALERT: Choice = Choice {
    name: "alert target",
    doc: "Where alerts go.",
    of: &[("webhook", &ALERT_WEBHOOK), ("log", &ALERT_LOG)],
};

static ALERT_WEBHOOK: Object = Object {
    name: "an alert webhook",
    doc: "Alerts are posted as JSON.",
    keys: &[&[must(
        "webhook",
        Want::Reference,
        "Where its address is: it often holds a secret.",
        "env:ALERT_URL",
    )]],
    rules: &[],
};

static ALERT_LOG: Object = Object {
    name: "an alert log",
    doc: "Alerts go to the log.",
    keys: &[&[must("log", Want::Bool, "Whether they do.", "true")]],
    rules: &[],
};

static RETENTION: Object = Object {
    name: "a retention",
    doc: "How long what ran is kept.",
    keys: &[&[
        may("runs", Want::Duration, "Runs that ended.", "90d"),
        may("letters", Want::Duration, "Dead letters that were closed.", "365d"),
        may("answers", Want::Duration, "What systems answered.", "30d"),
    ]],
    rules: &[],
};

static BOOK: Object = Object {
    name: "a book",
    doc: "One book of the connection `memory`.",
    keys: &[&[
        must("key", Want::List(&Want::Name(Names::Any)), "The columns that make its key.", "[store, bc_id]"),
        may(
            "columns",
            Want::Map(Names::Any, &Want::Type),
            "What an entry holds, and of which type; a column of the key that is not listed is text.",
            "{ bc_id: int, ns_id: text, email: \"text?\" }",
        ),
        may(
            "unique",
            Want::List(&Want::Name(Names::Any)),
            "Columns of which no two entries hold the same; `find` looks an entry up by one of them.",
            "[ns_id]",
        ),
        may(
            "personal",
            Want::Bool,
            "Whether its entries tell of persons; only then may personal data be put into it.",
            "true",
        ),
        may(
            "keep",
            Want::Duration,
            "How long an entry is kept after it was last written; left out: until it is forgotten.",
            "400d",
        ),
    ]],
    rules: &[],
};

static LISTEN: Object = Object {
    name: "a listener",
    doc: "Where webhooks and the page are served.",
    keys: &[&[
        may("address", Want::Text, "Address and port.", "\"127.0.0.1:7780\""),
        may("public_url", Want::Text, "How other systems reach it.", "https://hooks.example.org"),
        may(
            "token",
            Want::Reference,
            "What visitors of the page must show. Comes later (FR506).",
            "env:PAGE_TOKEN",
        ),
    ]],
    rules: &[],
};

static JOURNAL: Object = Object {
    name: "a journal",
    doc: "Where the journal lies.",
    keys: &[&[may("dir", Want::Text, "Its folder; from where flowrun.yaml is.", ".flowrun")]],
    rules: &[],
};

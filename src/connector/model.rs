//! A connector as plain data: every name resolved, every expression parsed, every type a shape. In: made by `lower` only.
//! Out: what `check` types flows with and `exec` carries out. It must never know a file or a socket.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{address::Path, suiteql::Statement};
use crate::{
    event::{Class, Sent},
    expr::{Mapping, Template},
    shape::{self, Shape},
    value::Value,
};

/// A root's number in the scope of a connector's expressions.
pub type Slot = u16;

/// The roots every expression of a connector may mention; steps come after them.
pub mod slot {
    use super::Slot;

    /// Settings of the connection.
    pub const SETTINGS: Slot = 0;
    /// Parameters.
    pub const WITH: Slot = 1;
    /// The answer of the present call.
    pub const ANSWER: Slot = 2;
    /// One row of an answer.
    pub const ROW: Slot = 3;
    /// All elements of a batch.
    pub const BATCH: Slot = 4;
    /// Where a poll stands.
    pub const CURSOR: Slot = 5;
    /// One line of a sublist.
    pub const LINE: Slot = 6;
    /// The first step; the others follow in order.
    pub const STEPS: Slot = 7;
}

/// How one system is reached and what can be asked of it.
#[derive(Debug)]
pub struct Connector {
    /// Its name.
    pub name: Arc<str>,
    /// Title for people.
    pub title: Arc<str>,
    /// Where it is; `{setting}` stands for settings.
    pub base: Arc<str>,
    /// What the estate says of a connection.
    pub settings: Vec<Setting>,
    /// What makes two connections one account.
    pub account: Option<Template>,
    /// Sent with every request.
    pub headers: Vec<(Arc<str>, Mapping)>,
    /// Ways in, by name.
    pub auth: BTreeMap<Arc<str>, Auth>,
    /// What the platform allows.
    pub limits: Limits,
    /// How long a call may take.
    pub timeout: Duration,
    /// Where an answer that is an error says what is wrong.
    pub errors: ErrorPaths,
    /// What failures mean.
    pub classes: Vec<Rule>,
    /// Events the platform sends.
    pub webhooks: Option<Webhooks>,
    /// What can be asked, by name.
    pub operations: BTreeMap<Arc<str>, Operation>,
}

/// A constant of a connection.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: Arc<str>,
    /// What it looks like.
    pub kind: SettingKind,
    /// What it is if the estate says nothing.
    pub default: Option<Value>,
}

/// Types of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// One of these words.
    Word(Arc<[Arc<str>]>),
    /// Any text.
    Text,
    /// Letters, digits, `_` and `-`.
    Slug,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// `2s`, `15m`; a text for expressions.
    Duration,
}

/// A way in.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A header that carries a token; secret `token`.
    Header {
        /// The header.
        header: Arc<str>,
        /// A word before the token.
        prefix: Option<Arc<str>>,
    },
    /// HTTP Basic; secrets `user` and `password`.
    Basic,
    /// OAuth 1.0a, HMAC-SHA256; secrets `consumer_key`, `consumer_secret`, `token_id`, `token_secret`.
    OAuth1 {
        /// The realm.
        realm: Template,
    },
    /// OAuth 2 client credentials with a signed JWT; secrets `client_id`, `certificate_id`, `private_key`.
    OAuth2Jwt {
        /// Where tokens are given, on the connection's own origin.
        token_path: Arc<str>,
        /// What the token is for.
        scope: Arc<[Arc<str>]>,
        /// How the assertion is signed: `PS256` or `ES256`.
        algorithm: crate::sign::Algorithm,
    },
}

impl Auth {
    /// The secrets the estate must name.
    pub fn secrets(&self) -> &'static [&'static str] {
        match self {
            Self::Header { .. } => &["token"],
            Self::Basic => &["user", "password"],
            Self::OAuth1 { .. } => &["consumer_key", "consumer_secret", "token_id", "token_secret"],
            Self::OAuth2Jwt { .. } => &["client_id", "certificate_id", "private_key"],
        }
    }
}

/// What a platform allows, as written: numbers may be expressions over settings.
#[derive(Debug, Default)]
pub struct Limits {
    /// Requests a window.
    pub window: Option<Window>,
    /// Calls at one time.
    pub slots: Option<Template>,
    /// Calls at one time within a group.
    pub groups: Vec<(Arc<str>, Template)>,
}

/// Requests a window.
#[derive(Debug)]
pub struct Window {
    /// How many.
    pub quota: Template,
    /// In how long.
    pub every: Duration,
    /// Header names by what they tell: `quota`, `left`, `reset_ms`, `reset_s`.
    pub headers: BTreeMap<Arc<str>, Arc<str>>,
}

/// Where an error answer says what is wrong: paths of member names and list indices; the first that is there counts.
#[derive(Clone, Debug, Default)]
pub struct ErrorPaths {
    /// A code for machines.
    pub code: Vec<Arc<[Arc<str>]>>,
    /// Words for people.
    pub message: Vec<Arc<[Arc<str>]>>,
}

/// What a failure means.
#[derive(Clone, Debug)]
pub struct Rule {
    /// HTTP statuses: first and last of each span.
    pub statuses: Vec<(u16, u16)>,
    /// Codes the answer may carry; empty: any.
    pub codes: Vec<Arc<str>>,
    /// What is to be done.
    pub class: Class,
    /// Whether it can have had an effect; none: as its status says.
    pub sent: Option<Sent>,
}

/// Events the platform sends.
#[derive(Debug)]
pub struct Webhooks {
    /// How a request proves where it comes from.
    pub verify: Verify,
    /// A field of the body and what it must say: binds an event to its connection.
    pub producer: Option<(Arc<[Arc<str>]>, Template)>,
    /// Where the body names its scope.
    pub scope: Option<Arc<[Arc<str>]>>,
    /// What can be listened to, and what the body of each looks like.
    pub scopes: Vec<(Arc<str>, Shape)>,
    /// Operation that lists hooks.
    pub list: Option<Arc<str>>,
    /// Operation that makes one.
    pub register: Option<Arc<str>>,
    /// Operation that switches one on again.
    pub enable: Option<Arc<str>>,
}

/// How a webhook proves where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Standard Webhooks: an HMAC over id, timestamp and body.
    Standard {
        /// The secret's name in the estate.
        secret: Arc<str>,
    },
    /// A header that both sides know.
    Header {
        /// The header.
        header: Arc<str>,
        /// The secret's name in the estate.
        secret: Arc<str>,
    },
    /// HTTP Basic.
    Basic {
        /// Who.
        user: Arc<str>,
        /// The secret's name in the estate.
        secret: Arc<str>,
    },
}

impl Verify {
    /// The secret's name in the estate.
    pub fn secret(&self) -> &Arc<str> {
        match self {
            Self::Standard { secret } | Self::Header { secret, .. } | Self::Basic { secret, .. } => secret,
        }
    }
}

/// Something that can be asked.
#[derive(Debug)]
pub struct Operation {
    /// Its name.
    pub name: Arc<str>,
    /// One line for people.
    pub doc: Option<Arc<str>>,
    /// Parameters and their types; optional ones are [`Shape::Optional`].
    pub with: Vec<(Arc<str>, Param)>,
    /// What it gives; of a batch, for one element.
    pub gives: Shape,
    /// Whether it has an effect, and then on which record.
    pub writes: Option<Arc<str>>,
    /// How a write may be repeated.
    pub repeat: Option<Repeat>,
    /// What it sends, in order.
    pub steps: Vec<Step>,
    /// The step whose object takes the other steps' answers as fields.
    pub join: Option<usize>,
    /// What it gives, over the steps; none: the last step's answer.
    pub take: Option<Mapping>,
    /// How lines of a written record are kept apart.
    pub sublists: Vec<(Arc<str>, Sublist)>,
    /// Many elements in one request.
    pub batch: Option<Batch>,
    /// It can be polled.
    pub cursor: Option<Cursor>,
    /// Its group of limits.
    pub group: Option<Arc<str>>,
    /// Rules before the connector's.
    pub classes: Vec<Rule>,
    /// How long a call may take.
    pub timeout: Option<Duration>,
    /// How it goes, for people and for a test.
    pub example: Option<Example>,
}

impl Operation {
    /// Texts of what it is asked that are personal data.
    pub fn personal<'v>(&self, inputs: &'v [Value]) -> BTreeSet<&'v str> {
        let mut found = BTreeSet::new();
        for (input, (name, param)) in
            inputs.iter().flat_map(|input| self.with.iter().map(move |with| (input, with)))
        {
            if let Some(value) = input.get(name) {
                shape::marked(value, &param.shape, &mut found);
            }
        }
        found
    }
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// What it looks like.
    pub shape: Shape,
    /// Only letters, digits, `_` and `-`.
    pub slug: bool,
}

/// How a write may be repeated, as written.
#[derive(Debug)]
pub enum Repeat {
    /// Freely.
    Safe,
    /// With the same key.
    Key {
        /// The header that carries the key.
        header: Arc<str>,
        /// How long the platform remembers it.
        valid_for: Template,
    },
    /// After a look.
    Look {
        /// The operation that looks.
        operation: Arc<str>,
        /// How long the platform may be at work on an unanswered request.
        settle: Option<Template>,
        /// How long what was written may stay invisible.
        lag: Option<Template>,
    },
    /// Never.
    Never,
}

/// HTTP methods.
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

impl Method {
    /// As in a request line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One call.
#[derive(Debug)]
pub struct Step {
    /// Its name; `answer` if it is the only one.
    pub name: Arc<str>,
    /// What is asked.
    pub ask: Asked,
    /// Query, in order.
    pub query: Vec<(Arc<str>, Mapping)>,
    /// Headers.
    pub headers: Vec<(Arc<str>, Mapping)>,
    /// Page by page.
    pub paging: Option<Paging>,
    /// What of each answer counts.
    pub take: Option<Mapping>,
    /// A 404 gives null.
    pub absent: bool,
    /// Skipped unless this holds.
    pub condition: Option<Template>,
    /// The step whose sublist lines tell the keys of the body's lines.
    pub over: Option<usize>,
    /// Earlier steps that must be answered first; others may be under way at the same time.
    pub after: Vec<usize>,
}

/// What a call asks.
#[derive(Debug)]
pub enum Asked {
    /// Plain HTTP.
    Http {
        /// The method.
        method: Method,
        /// The path.
        path: Path,
        /// The body.
        body: Option<Mapping>,
    },
    /// A query.
    SuiteQl {
        /// Its text and where values go.
        statement: Statement,
        /// The values.
        params: Vec<(Arc<str>, Mapping)>,
    },
}

impl Step {
    /// Whether the call can change something.
    pub fn has_effect(&self) -> bool {
        !matches!(self.ask, Asked::SuiteQl { .. } | Asked::Http { method: Method::Get, .. })
    }
}

/// Page by page.
#[derive(Debug)]
pub struct Paging {
    /// How.
    pub kind: PagingKind,
    /// Rows a page; none: the platform's own.
    pub size: Option<u32>,
    /// No more pages than this.
    pub max_pages: u32,
}

/// How pages follow one another.
#[derive(Debug)]
pub enum PagingKind {
    /// By number, from 1; names of the query keys.
    Page {
        /// Key of the page's number.
        page: Arc<str>,
        /// Key of the page's size.
        limit: Arc<str>,
    },
    /// By a cursor from the answer.
    Cursor {
        /// Key of the cursor.
        after: Arc<str>,
        /// Key of the page's size.
        limit: Arc<str>,
        /// The next cursor, over `answer`.
        next: Mapping,
    },
    /// By a count of rows.
    Offset {
        /// Key of the count.
        offset: Arc<str>,
        /// Key of the page's size.
        limit: Arc<str>,
    },
    /// By a link from the answer.
    Link {
        /// The link, over `answer`.
        next: Mapping,
    },
    /// By the last row's value of a column, bound to `:after`.
    Keyset {
        /// The column.
        column: Arc<str>,
        /// What the first page starts after.
        start: Value,
    },
}

/// How lines of a sublist are kept apart.
#[derive(Debug)]
pub enum Sublist {
    /// All are replaced.
    Replace,
    /// Each request adds them.
    Append,
    /// A known key updates.
    Key {
        /// The platform's key.
        key: Arc<str>,
        /// What identifies a line across systems.
        by: Option<Arc<str>>,
        /// What is sent for a line of ours that is gone.
        gone: Option<Mapping>,
        /// Lines that are left alone, over `line`.
        keep: Option<Template>,
    },
}

/// Many elements in one request.
#[derive(Debug)]
pub struct Batch {
    /// At most so many.
    pub max: u32,
    /// How answers come back to elements.
    pub back: Back,
    /// Elements that fail by themselves.
    pub errors: Option<BatchErrors>,
    /// Only elements with an equal value share a request.
    pub same: Option<Template>,
}

/// How answers come back to elements.
#[derive(Debug)]
pub enum Back {
    /// By equal text of `key` (over `with`) and `match` (over `row`).
    Match {
        /// Over `with`.
        key: Template,
        /// Over `row`.
        row: Template,
    },
    /// The answer's rows stand in the elements' order.
    InOrder,
    /// Each element gets the whole answer.
    Whole,
}

/// Elements that fail by themselves.
#[derive(Debug)]
pub struct BatchErrors {
    /// Their list, over `answer`.
    pub list: Template,
    /// The element's key, over `row`.
    pub row: Template,
    /// Words, over `row`.
    pub message: Option<Template>,
}

/// A poll's way through time.
#[derive(Debug)]
pub struct Cursor {
    /// The row's stamp.
    pub field: Arc<str>,
    /// How the platform writes stamps.
    pub format: StampFormat,
    /// The zone of stamps without one.
    pub zone: Option<Template>,
    /// What tells rows of one stamp apart.
    pub tie: Option<Arc<str>>,
    /// Whether rows are asked for strictly after (stamp, tie), or from a full second on.
    pub keyset: bool,
    /// How far each poll starts before the last mark.
    pub overlap: Duration,
    /// Rows younger than this are left for the next poll.
    pub lag: Duration,
}

/// How a platform writes stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampFormat {
    /// As in mails.
    Rfc2822,
    /// ISO 8601 in UTC.
    Iso,
    /// `YYYY-MM-DD HH:MM:SS` in the cursor's zone.
    Sql,
    /// Seconds since 1970.
    Unix,
}

/// How an operation goes.
#[derive(Clone, Debug)]
pub struct Example {
    /// Parameters; a list for a batch.
    pub with: Value,
    /// Where the poll stands.
    pub cursor: Option<Value>,
    /// Answers by step.
    pub answers: Vec<(Arc<str>, Vec<Reply>)>,
    /// What comes out.
    pub gives: Value,
}

/// One answer of an example.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The request line that must have been sent.
    pub asked: Option<Arc<str>>,
    /// The body that must have been sent.
    pub sent: Option<Value>,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// Body.
    pub body: Value,
}

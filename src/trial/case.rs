//! A case made ready to be played. In: its tree, and the flow that it is about. Out: the script of its world, its events, at
//! their instants; or what in the case itself is wrong. It must never play anything.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use super::{
    given::{self, Unread},
    world::{Line, Reply, Target},
};
use crate::{
    check::Catalogue,
    compile::Compiled,
    connector::{Connection, Operation},
    estate::Files,
    event::{Class, Failure, Instant, Says, Sent},
    expr::{Mapping, Names, Root, Scope, Template},
    flow::{MEMORY, SourceKind, Verb},
    plan::{Call, Kind, Node, Plan, Slots, Source, Trigger, Work},
    shape::{self, Shape, near},
    source::{Name, Span},
    syntax::{
        ast,
        case::{Answer, Answers, Happening},
    },
    time::{self, TimeZone},
    value::Value,
};

/// The connection that stands for other flows.
const FLOWS: &str = "flows";
/// Where the clock of a case begins: 2026-01-01T00:00:00Z.
const START: Instant = Instant(1_767_225_600_000);

/// Something that is not as the case wants it, and where the case says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The place in the test file.
    pub span: Span,
    /// What it is about, such as `erp.upsert body.total`; empty: the case itself.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl Miss {
    pub(super) fn new(span: Span, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { span, path: path.into(), message: message.into() }
    }

    /// Something wrong in the case itself.
    pub(super) fn fault(span: Span, message: impl Into<String>) -> Self {
        Self::new(span, "", message)
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return out.write_str(&self.message);
        }
        write!(out, "{}: {}", self.path, self.message)
    }
}

impl From<Unread> for Miss {
    fn from(unread: Unread) -> Self {
        Self::fault(unread.span, unread.message)
    }
}

/// What cases of one flow share.
pub(super) struct Subject<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) files: &'a dyn Files,
    /// The folder of the test file.
    pub(super) folder: &'a Path,
    pub(super) flow: &'a ast::Flow,
    pub(super) plan: &'a Arc<Plan>,
}

/// Where the clock begins.
pub(super) fn start(now: Option<&Name>) -> Result<Instant, Miss> {
    let Some(now) = now else { return Ok(START) };
    let read =
        time::read(&now.value, &TimeZone::UTC).map_err(|error| Miss::fault(now.span, error.to_string()))?;
    let ms = u64::try_from(read.timestamp().as_millisecond());
    ms.map(Instant).map_err(|_| Miss::fault(now.span, "found an instant before 1970, expected a later one"))
}

impl Subject<'_> {
    /// The connection and the operation that a name of the flow stands for.
    pub(super) fn target(&self, name: &Name) -> Result<Target, Miss> {
        let fault = |message: String| Miss::fault(name.span, message);
        let (local, operation) = name
            .value
            .split_once('.')
            .ok_or_else(|| fault(format!("found `{}`, expected `connection.operation`", name.value)))?;
        if local == FLOWS {
            let known = self.compiled.plan(operation).map(|plan| (FLOWS.into(), Arc::clone(&plan.flow)));
            return known.ok_or_else(|| {
                let names = self.compiled.plans.iter().map(|plan| &*plan.flow);
                fault(format!("there is no flow `{operation}`{}", did_you_mean(operation, names)))
            });
        }
        if local == MEMORY {
            let (book, verb) = operation.split_once('.').unwrap_or((operation, ""));
            let writes = Verb::ALL.iter().any(|(word, known)| *word == verb && known.writes());
            return match self.compiled.books.contains_key(book) {
                true if writes => Ok((MEMORY.into(), operation.into())),
                true => Err(fault(format!(
                    "found `{verb}`, expected `put` or `forget`: reads of a book are not calls"
                ))),
                false => {
                    let names = self.compiled.books.keys().map(|name| &**name);
                    Err(fault(format!("there is no book `{book}`{}", did_you_mean(book, names))))
                }
            };
        }
        let connection = self.connection(local).ok_or_else(|| {
            let names = self.flow.connections.iter().map(|(name, _)| &*name.value);
            fault(format!("the flow has no connection `{local}`{}", did_you_mean(local, names)))
        })?;
        let found = connection.operation(operation).ok_or_else(|| {
            let names = connection.connector.operations.keys().map(|name| &**name);
            fault(format!("`{local}` has no operation `{operation}`{}", did_you_mean(operation, names)))
        })?;
        Ok((Arc::clone(&connection.name), Arc::clone(&found.name)))
    }

    /// A connection by the flow's name of it, or by the estate's.
    fn connection(&self, local: &str) -> Option<&Arc<Connection>> {
        let named = self.flow.connections.iter().find(|(name, _)| &*name.value == local);
        self.compiled.connections.get(named.map_or(local, |(_, estate)| &estate.value))
    }

    /// Everything that the world of the case answers.
    pub(super) fn script(&self, answers: &[(Name, Answers)]) -> Result<BTreeMap<Target, Line>, Miss> {
        let mut script = BTreeMap::new();
        for (name, answers) in answers {
            let target = self.target(name)?;
            if &*target.0 == MEMORY {
                let told = "a book needs no answer: say under `memory` what it holds";
                return Err(Miss::fault(name.span, told));
            }
            let gives = self.gives(&target);
            let line = match answers {
                Answers::Always(answer) => Line::Always(self.reply(answer, name, gives.as_ref())?),
                Answers::Each(each) => {
                    let replies = each.iter().map(|answer| self.reply(answer, name, gives.as_ref()));
                    Line::Each(replies.collect::<Result<_, _>>()?)
                }
            };
            script.insert(target, line);
        }
        Ok(script)
    }

    fn gives(&self, (connection, operation): &Target) -> Option<(&Connection, &Operation)> {
        let connection = self.compiled.connections.get(connection)?;
        Some((connection, connection.operation(operation)?))
    }

    fn reply(
        &self,
        answer: &Answer,
        name: &Name,
        of: Option<&(&Connection, &Operation)>,
    ) -> Result<Reply, Miss> {
        let decoded = |value: Value, span: Span| match of {
            None => Ok(value),
            Some((connection, operation)) => decode(&value, &operation.gives, connection).map_err(|told| {
                Miss::fault(span, format!("the answer of {} is not what it gives: {told}", name.value))
            }),
        };
        Ok(match answer {
            Answer::Give(given) => {
                Reply::Give(decoded(given::value(given, &self.compiled.tables)?, given::span(given))?)
            }
            Answer::File(file) => Reply::Give(decoded(self.file(file)?, file.span)?),
            Answer::By(keys) => {
                let reply = |(key, answer): &(Name, Answer)| {
                    Ok::<_, Miss>((Arc::clone(&key.value), self.reply(answer, name, of)?))
                };
                Reply::By(keys.iter().map(reply).collect::<Result<_, _>>()?)
            }
            Answer::Fail { class, maybe_sent, after, message, answer } => Reply::Fail(Failure {
                says: Says::Platform,
                class: class_of(class)?,
                sent: if *maybe_sent { Sent::Maybe } else { Sent::No },
                after: after.as_ref().map(|after| after.value),
                message: message
                    .as_ref()
                    .map_or("the case says so".into(), |message| Arc::clone(&message.value)),
                answer: answer
                    .as_ref()
                    .map(|given| given::value(given, &self.compiled.tables))
                    .transpose()?,
            }),
        })
    }

    /// JSON beside the test.
    fn file(&self, name: &Name) -> Result<Value, Miss> {
        let path = self.folder.join(&*name.value);
        let fault = |told: String| Miss::fault(name.span, told);
        let bytes = self.files.read(&path).map_err(|error| fault(error.to_string()))?;
        Value::parse(&bytes).map_err(|error| fault(format!("`{}` is no JSON: {error}", name.value)))
    }

    /// The event of something that happens.
    pub(super) fn event(&self, happening: &Happening) -> Result<Value, Miss> {
        match happening {
            Happening::Event(given) => {
                let value = given::value(given, &self.compiled.tables)?;
                self.taken(value).map_err(|told| Miss::fault(given::span(given), told))
            }
            Happening::Hook { connection, scope, body } => {
                let value = given::value(body, &self.compiled.tables)?;
                self.mapped(connection, scope.as_ref(), &value)
            }
        }
    }

    /// An event as the flow takes it: amounts and instants of records as expressions see them.
    fn taken(&self, event: Value) -> Result<Value, String> {
        let catalogue = catalogue(self.compiled);
        let takes = self.flow.trigger.from.iter().find_map(|source| match &source.kind {
            ast::SourceKind::Flow { takes } => Some(takes),
            _ => None,
        });
        let Some(takes) = takes else { return Ok(event) };
        let shapes = takes
            .iter()
            .map(|(name, of)| (Arc::clone(&name.value), catalogue.named(&of.value).unwrap_or(Shape::Any)));
        decode_any(&event, &Shape::object(shapes), self.compiled)
    }

    /// A webhook's body as the trigger maps it.
    fn mapped(&self, connection: &Name, scope: Option<&Name>, body: &Value) -> Result<Value, Miss> {
        let fault = |message: String| Miss::fault(connection.span, message);
        let whose = self
            .connection(&connection.value)
            .ok_or_else(|| fault(format!("the flow has no connection `{}`", connection.value)))?;
        let listens = |source: &&Source| match &source.kind {
            SourceKind::Webhook { connection, scopes } => {
                *connection == whose.name && scope.is_none_or(|scope| scopes.contains(&scope.value))
            }
            _ => false,
        };
        let source = self.plan.trigger.sources.iter().find(listens).ok_or_else(|| {
            let scope = scope.map(|scope| format!(" of `{}`", scope.value)).unwrap_or_default();
            fault(format!("the trigger does not listen to webhooks{scope} of `{}`", connection.value))
        })?;
        let body = decode_any(body, &source.body, self.compiled).map_err(fault)?;
        let Some(event) = &source.event else { return Ok(body) };
        let mut roots = vec![Root::Unset; usize::from(source.count)];
        roots[usize::from(Slots::EVENT)] = Root::Value(&body);
        roots[usize::from(Slots::CONNECTION)] = Root::Value(&self.plan.settings);
        let made = event.eval(&Scope::new(&roots, &self.plan.tables));
        made.map(Option::unwrap_or_default).map_err(|error| fault(format!("the trigger's `event`: {error}")))
    }

    /// The plans that run: those of the estate, child flows that the case answers replaced by what they answer.
    pub(super) fn plans(&self, script: &BTreeMap<Target, Line>) -> Vec<Arc<Plan>> {
        let answered = |plan: &Plan| script.contains_key(&(FLOWS.into(), Arc::clone(&plan.flow)));
        let plans = self.compiled.plans.iter();
        plans.map(|plan| if answered(plan) { Arc::new(stand_in(plan)) } else { Arc::clone(plan) }).collect()
    }
}

/// Everything that expressions of the estate may mention.
pub(super) fn catalogue(compiled: &Compiled) -> Catalogue {
    let fragments =
        compiled.estate.fragments.iter().map(|part| (Arc::clone(&part.tree.name.value), part.tree.clone()));
    Catalogue {
        fragments: fragments.collect(),
        connections: compiled.connections.clone(),
        records: compiled.records.clone(),
        tables: Arc::clone(&compiled.tables),
        broken: std::collections::BTreeSet::new(),
        books: compiled.books.clone(),
        flows: BTreeMap::new(),
    }
}

/// JSON of a platform as expressions see it.
fn decode(value: &Value, shape: &Shape, connection: &Connection) -> Result<Value, String> {
    shape::inward_with(value, shape, &|id| connection.currency(id)).map_err(|miss| miss.to_string())
}

/// JSON of any platform of the estate as expressions see it.
pub(super) fn decode_any(value: &Value, shape: &Shape, compiled: &Compiled) -> Result<Value, String> {
    let code = |id: &Value| compiled.connections.values().find_map(|connection| connection.currency(id));
    shape::inward_with(value, shape, &code).map_err(|miss| miss.to_string())
}

fn class_of(word: &Name) -> Result<Class, Miss> {
    Ok(match &*word.value {
        "retry" => Class::Retry,
        "outage" => Class::Outage,
        "throttle" => Class::Throttle,
        "auth" => Class::Auth,
        "conflict" => Class::Conflict,
        "landed" => Class::Landed,
        "reject" => Class::Reject,
        "gone" => Class::Gone,
        other => return Err(Miss::fault(word.span, format!("there is no class `{other}`"))),
    })
}

pub(super) fn did_you_mean<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> String {
    near(word, names).map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}

/// A flow whose only node asks the world of the case what the flow gives.
fn stand_in(plan: &Plan) -> Plan {
    let read =
        |text: &str, name: &str, slot| Template::parse(text, &Names::new().with(name.to_owned(), slot));
    let mapping =
        |text, name, slot| read(text, name, slot).map_or(Mapping::Const(Value::Null), Mapping::Template);
    let call = Call {
        connection: FLOWS.into(),
        operation: Arc::clone(&plan.flow),
        with: vec![("event".into(), mapping("{{ event }}", "event", Slots::EVENT))],
        repeat: None,
        batch: None,
        changes: None,
        fresh: None,
        until: None,
        book: None,
    };
    let node = Node {
        name: "answer".into(),
        title: None,
        kind: Kind::Extract,
        place: 0,
        needs: Vec::new(),
        mentions: Vec::new(),
        when: Vec::new(),
        gates: Vec::new(),
        condition: None,
        at: None,
        each: None,
        work: Work::Call(call),
        expect: Vec::new(),
        warn: Vec::new(),
        tells: Vec::new(),
        freeze: BTreeMap::new(),
    };
    Plan {
        flow: Arc::clone(&plan.flow),
        title: Arc::clone(&plan.title),
        print: plan.print,
        trigger: trigger(&plan.trigger),
        nodes: vec![node],
        give: Some(mapping("{{ answer }}", "answer", Slots::NODES)),
        slots: Slots { nodes: Slots::NODES, count: plan.slots.count.max(Slots::NODES + 1) },
        settings: plan.settings.clone(),
        tables: Arc::clone(&plan.tables),
    }
}

/// How events of a flow are told apart, without what it listens to.
fn trigger(of: &Trigger) -> Trigger {
    Trigger {
        sources: Vec::new(),
        key: of.key.clone(),
        lane: of.lane.clone(),
        id: of.id.clone(),
        version: of.version.clone(),
        keep: of.keep,
        supersede: of.supersede,
        personal: of.personal.clone(),
    }
}

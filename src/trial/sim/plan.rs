//! Small plans built by hand. In: nodes with expressions. Out: a [`Plan`] with its edges drawn from what they mention. Freezing
//! is coarse: whole results of all that a write needs. It must never replace the checker: nothing is checked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    expr::{Mapping, Names, Read, Tables, Template},
    flow::MEMORY,
    plan::{
        At, Book, Call, Check, Child, Decide, Each, Keep, Kind, Node, NodeId, Plan, Repeat, Retry, Slot,
        Slots, Trigger, Until, Verb, Work,
    },
    value::{Hash, Keep as Used, Value},
};

/// What a node is, as text.
#[derive(Clone, Debug)]
pub struct Spec {
    name: String,
    work: Kinds,
    with: Vec<(String, String)>,
    when: Vec<(String, Vec<String>)>,
    after: Vec<String>,
    condition: Option<String>,
    each: Option<(String, String)>,
    by: Option<String>,
    filter: Option<String>,
    apart: Option<String>,
    batch: Option<u32>,
    expect: Vec<(String, String)>,
    warn: Vec<(String, String)>,
    changes: Option<(String, Vec<(String, String)>)>,
    fresh: Option<Duration>,
    until: Option<(String, Duration, Duration)>,
    at: Option<(String, Option<Duration>)>,
    book: Option<(Arc<Book>, Verb)>,
}

#[derive(Clone, Debug)]
enum Kinds {
    Map(String),
    Decide {
        choose: Vec<(String, String)>,
        otherwise: String,
        ignore: Vec<(String, String)>,
        reject: Vec<(String, String)>,
        retry: Option<(Duration, Duration)>,
    },
    Call {
        target: String,
        repeat: Option<Repeat>,
    },
    Child {
        flow: String,
        wait: bool,
    },
}

impl Spec {
    fn new(name: &str, work: Kinds) -> Self {
        Self {
            name: name.into(),
            work,
            with: Vec::new(),
            when: Vec::new(),
            after: Vec::new(),
            condition: None,
            each: None,
            by: None,
            filter: None,
            apart: None,
            batch: None,
            expect: Vec::new(),
            warn: Vec::new(),
            changes: None,
            fresh: None,
            until: None,
            at: None,
            book: None,
        }
    }

    /// A read of `connection.operation`.
    pub fn read(name: &str, target: &str) -> Self {
        Self::new(name, Kinds::Call { target: target.into(), repeat: None })
    }

    /// A write to `connection.operation`.
    pub fn write(name: &str, target: &str, repeat: Repeat) -> Self {
        Self::new(name, Kinds::Call { target: target.into(), repeat: Some(repeat) })
    }

    /// Something done with a book.
    pub fn book(name: &str, book: &Arc<Book>, verb: Verb) -> Self {
        let word = Verb::ALL.iter().find(|(_, known)| *known == verb).map_or("", |(word, _)| word);
        let target = format!("{MEMORY}.{}.{word}", book.name);
        let work = Kinds::Call { target, repeat: verb.writes().then_some(Repeat::Safe) };
        Self { book: Some((Arc::clone(book), verb)), ..Self::new(name, work) }
    }

    /// A value.
    pub fn map(name: &str, value: &str) -> Self {
        Self::new(name, Kinds::Map(value.into()))
    }

    /// A child run.
    pub fn child(name: &str, flow: &str, wait: bool) -> Self {
        Self::new(name, Kinds::Child { flow: flow.into(), wait })
    }

    /// A decision: outcomes and conditions, and the outcome otherwise.
    pub fn decide(name: &str, choose: &[(&str, &str)], otherwise: &str) -> Self {
        let choose = choose.iter().map(|(outcome, that)| ((*outcome).into(), (*that).into())).collect();
        let (ignore, reject, retry) = (Vec::new(), Vec::new(), None);
        Self::new(name, Kinds::Decide { choose, otherwise: otherwise.into(), ignore, reject, retry })
    }

    /// `ignore:` of a decision.
    #[must_use]
    pub fn ignore(mut self, outcome: &str, reason: &str) -> Self {
        if let Kinds::Decide { ignore, .. } = &mut self.work {
            ignore.push((outcome.into(), reason.into()));
        }
        self
    }

    /// `reject:` of a decision, with `retry: {every, for}`.
    #[must_use]
    pub fn reject(mut self, outcome: &str, reason: &str, again: Option<(Duration, Duration)>) -> Self {
        if let Kinds::Decide { reject, retry, .. } = &mut self.work {
            reject.push((outcome.into(), reason.into()));
            *retry = again;
        }
        self
    }

    /// A parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.with.push((name.into(), value.into()));
        self
    }

    /// `when:`.
    #[must_use]
    pub fn when(mut self, node: &str, outcomes: &[&str]) -> Self {
        self.when.push((node.into(), outcomes.iter().map(|outcome| (*outcome).into()).collect()));
        self
    }

    /// `after:`.
    #[must_use]
    pub fn after(mut self, node: &str) -> Self {
        self.after.push(node.into());
        self
    }

    /// `if:`.
    #[must_use]
    pub fn condition(mut self, that: &str) -> Self {
        self.condition = Some(that.into());
        self
    }

    /// `each:` and `as:`.
    #[must_use]
    pub fn each(mut self, list: &str, name: &str) -> Self {
        self.each = Some((list.into(), name.into()));
        self
    }

    /// `by:`.
    #[must_use]
    pub fn by(mut self, key: &str) -> Self {
        self.by = Some(key.into());
        self
    }

    /// `where:`.
    #[must_use]
    pub fn filter(mut self, that: &str) -> Self {
        self.filter = Some(that.into());
        self
    }

    /// `apart:`.
    #[must_use]
    pub fn apart(mut self, key: &str) -> Self {
        self.apart = Some(key.into());
        self
    }

    /// Elements a request.
    #[must_use]
    pub fn batch(mut self, size: u32) -> Self {
        self.batch = Some(size);
        self
    }

    /// `expect:`.
    #[must_use]
    pub fn expect(mut self, that: &str, otherwise: &str) -> Self {
        self.expect.push((that.into(), otherwise.into()));
        self
    }

    /// `warn:`.
    #[must_use]
    pub fn warn(mut self, that: &str, otherwise: &str) -> Self {
        self.warn.push((that.into(), otherwise.into()));
        self
    }

    /// `changes:` the record that a read gave; parameters and their fields in it.
    #[must_use]
    pub fn changes(mut self, read: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(parameter, field)| ((*parameter).into(), (*field).into())).collect();
        self.changes = Some((read.into(), fields));
        self
    }

    /// `fresh:`.
    #[must_use]
    pub fn fresh(mut self, age: Duration) -> Self {
        self.fresh = Some(age);
        self
    }

    /// `at:` and `late:`.
    #[must_use]
    pub fn at(mut self, instant: &str, late: Option<Duration>) -> Self {
        self.at = Some((instant.into(), late));
        self
    }

    /// `until:`, `every:`, `for:`.
    #[must_use]
    pub fn until(mut self, that: &str, every: Duration, within: Duration) -> Self {
        self.until = Some((that.into(), every, within));
        self
    }
}

/// Builds a [`Plan`].
#[derive(Clone, Debug)]
pub struct PlanBuilder {
    flow: String,
    key: String,
    id: Option<String>,
    version: Option<String>,
    lane: Option<String>,
    keep: Keep,
    supersede: bool,
    give: Option<String>,
    print: String,
    nodes: Vec<Spec>,
}

impl PlanBuilder {
    /// A flow whose key is `event.id` and that keeps the latest event.
    pub fn new(flow: &str) -> Self {
        Self {
            flow: flow.into(),
            key: "{{ event.id }}".into(),
            id: None,
            version: None,
            lane: None,
            keep: Keep::Latest,
            supersede: false,
            give: None,
            print: "1".into(),
            nodes: Vec::new(),
        }
    }

    /// `keep: all` with `id:`.
    #[must_use]
    pub fn all(mut self, id: &str) -> Self {
        self.keep = Keep::All;
        self.id = Some(id.into());
        self
    }

    /// `supersede: always`.
    #[must_use]
    pub fn supersede(mut self) -> Self {
        self.supersede = true;
        self
    }

    /// `version:`.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.into());
        self
    }

    /// `lane:` a name shared by flows.
    #[must_use]
    pub fn lane(mut self, lane: &str) -> Self {
        self.lane = Some(lane.into());
        self
    }

    /// `give:`.
    #[must_use]
    pub fn give(mut self, value: &str) -> Self {
        self.give = Some(value.into());
        self
    }

    /// Which version of the flow this is.
    #[must_use]
    pub fn print(mut self, print: &str) -> Self {
        self.print = print.into();
        self
    }

    /// A node; it comes after those it mentions, which must have been added before.
    #[must_use]
    pub fn node(mut self, spec: Spec) -> Self {
        self.nodes.push(spec);
        self
    }

    /// The plan, or what is wrong with an expression.
    pub fn build(&self) -> Result<Arc<Plan>, String> {
        let count = self.nodes.len() as Slot;
        let mut draft =
            Draft { names: roots(), nodes: Vec::new(), effects: Vec::new(), gates: Vec::new(), count };
        let trigger = Trigger {
            sources: Vec::new(),
            key: draft.template(&self.key)?,
            lane: self.lane.as_deref().map(|lane| (Arc::from(lane), None)),
            id: self.id.as_deref().map(|id| draft.template(id)).transpose()?,
            version: self.version.as_deref().map(|version| draft.template(version)).transpose()?,
            keep: self.keep,
            supersede: self.supersede,
            personal: std::collections::BTreeSet::new(),
        };
        for spec in &self.nodes {
            draft.add(spec)?;
        }
        let give =
            self.give.as_deref().map(|give| draft.template(give).map(Mapping::Template)).transpose()?;
        Ok(Arc::new(Plan {
            flow: self.flow.as_str().into(),
            title: self.flow.as_str().into(),
            print: Hash::of(format!("{} {}", self.flow, self.print).as_bytes()),
            trigger,
            nodes: draft.nodes,
            give,
            slots: Slots { nodes: Slots::NODES, count: Slots::NODES + 2 * count },
            settings: Value::object::<Arc<str>>([]),
            tables: Arc::new(Tables::default()),
        }))
    }
}

fn roots() -> Vec<(String, Slot)> {
    [
        ("event", Slots::EVENT),
        ("run", Slots::RUN),
        ("connection", Slots::CONNECTION),
        ("result", Slots::RESULT),
    ]
    .map(|(name, slot)| (name.to_owned(), slot))
    .to_vec()
}

struct Draft {
    names: Vec<(String, Slot)>,
    nodes: Vec<Node>,
    /// Nodes whose results come from outside.
    effects: Vec<NodeId>,
    gates: Vec<NodeId>,
    count: Slot,
}

impl Draft {
    fn template(&self, text: &str) -> Result<Template, String> {
        let names =
            self.names.iter().fold(Names::new(), |names, (name, slot)| names.with(name.as_str(), *slot));
        Template::parse(text, &names).map_err(|faults| {
            format!(
                "`{text}`: {}",
                faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; ")
            )
        })
    }

    fn node_of(&self, name: &str) -> Result<NodeId, String> {
        let found = self.nodes.iter().position(|node| &*node.name == name);
        found.map(|at| at as NodeId).ok_or_else(|| format!("found no node `{name}` before its mention"))
    }

    fn checks(&self, checks: &[(String, String)]) -> Result<Vec<Check>, String> {
        let check = |(that, otherwise): &(String, String)| {
            Ok(Check { that: self.template(that)?, otherwise: self.template(otherwise)? })
        };
        checks.iter().map(check).collect()
    }

    fn add(&mut self, spec: &Spec) -> Result<(), String> {
        let id = self.nodes.len() as NodeId;
        let element = Slots::NODES + self.count + id;
        let list = spec.each.as_ref().map(|(list, _)| self.template(list)).transpose()?;
        if let Some((_, name)) = &spec.each {
            self.names.push((name.clone(), element));
        }
        let optional = |text: &Option<String>| text.as_deref().map(|text| self.template(text)).transpose();
        let (by, filter, apart) = (optional(&spec.by)?, optional(&spec.filter)?, optional(&spec.apart)?);
        let each = list.map(|list| Each { list, slot: element, filter, by, apart });
        let condition = optional(&spec.condition)?;
        let at = spec
            .at
            .as_ref()
            .map(|(instant, late)| Ok::<_, String>(At { instant: self.template(instant)?, late: *late }));
        let at = at.transpose()?;
        let with = spec
            .with
            .iter()
            .map(|(name, text)| Ok((Arc::from(name.as_str()), Mapping::Template(self.template(text)?))));
        let with = with.collect::<Result<Vec<_>, String>>()?;
        let (kind, work) = self.work(spec, with)?;
        let (expect, warn) = (self.checks(&spec.expect)?, self.checks(&spec.warn)?);
        if spec.each.is_some() {
            self.names.pop();
        }
        let when = spec.when.iter().map(|(node, outcomes)| {
            Ok((self.node_of(node)?, outcomes.iter().map(|outcome| Arc::from(outcome.as_str())).collect()))
        });
        let when = when.collect::<Result<Vec<(NodeId, Vec<Arc<str>>)>, String>>()?;
        let mut needs = self.mentions(&work, each.as_ref(), condition.as_ref(), expect.iter().chain(&warn));
        needs.extend(when.iter().map(|(node, _)| *node).chain(self.gates.iter().copied()));
        for after in &spec.after {
            needs.push(self.node_of(after)?);
        }
        needs.sort_unstable();
        needs.dedup();
        let freeze = self.freeze(&needs);
        if matches!(work, Work::Call(_) | Work::Child(_)) {
            self.effects.push(id);
        }
        if matches!(&work, Work::Decide(decide) if !decide.ignore.is_empty() || !decide.reject.is_empty()) {
            self.gates.push(id);
        }
        let gates = self.gates.iter().copied().filter(|gate| *gate != id).collect();
        self.names.push((spec.name.clone(), Slots::NODES + id));
        self.nodes.push(Node {
            name: spec.name.as_str().into(),
            title: None,
            kind,
            place: usize::from(id),
            mentions: needs.clone(),
            needs,
            when,
            gates,
            condition,
            at,
            each,
            work,
            expect,
            warn,
            tells: Vec::new(),
            freeze,
        });
        Ok(())
    }

    fn work(&self, spec: &Spec, with: Vec<(Arc<str>, Mapping)>) -> Result<(Kind, Work), String> {
        let reasons = |reasons: &[(String, String)]| {
            let reason =
                |(outcome, text): &(String, String)| Ok((Arc::from(outcome.as_str()), self.template(text)?));
            reasons.iter().map(reason).collect::<Result<BTreeMap<Arc<str>, Template>, String>>()
        };
        Ok(match &spec.work {
            Kinds::Map(value) => (Kind::Transform, Work::Map(Mapping::Template(self.template(value)?))),
            Kinds::Decide { choose, otherwise, ignore, reject, retry } => {
                let choose =
                    choose.iter().map(|(outcome, that)| Ok((outcome.as_str().into(), self.template(that)?)));
                let decide = Decide {
                    choose: choose.collect::<Result<_, String>>()?,
                    otherwise: otherwise.as_str().into(),
                    ignore: reasons(ignore)?,
                    reject: reasons(reject)?,
                    retry: retry.map(|(every, within)| Retry { every, within }),
                };
                (Kind::Decision, Work::Decide(decide))
            }
            Kinds::Child { flow, wait } => {
                (Kind::Action, Work::Child(Child { flow: flow.as_str().into(), with, wait: *wait }))
            }
            Kinds::Call { target, repeat } => {
                let (connection, operation) = target.split_once('.').ok_or("found no `.` in a target")?;
                let until = spec.until.as_ref().map(|(that, every, within)| {
                    Ok::<_, String>(Until { that: self.template(that)?, every: *every, within: *within })
                });
                let changes = spec.changes.as_ref().map(|(read, fields)| {
                    let fields = fields.iter().map(|(parameter, field)| {
                        (Arc::from(parameter.as_str()), field.split('.').map(Arc::from).collect())
                    });
                    Ok::<_, String>((self.node_of(read)?, fields.collect()))
                });
                let call = Call {
                    connection: connection.into(),
                    operation: operation.into(),
                    with,
                    repeat: repeat.clone(),
                    batch: spec.batch,
                    changes: changes.transpose()?,
                    fresh: spec.fresh,
                    until: until.transpose()?,
                    book: spec.book.clone(),
                };
                let kind = if repeat.is_some() { Kind::Action } else { Kind::Extract };
                (kind, Work::Call(call))
            }
        })
    }

    /// Nodes that the expressions of a node mention.
    fn mentions<'a>(
        &self,
        work: &Work,
        each: Option<&Each>,
        condition: Option<&Template>,
        checks: impl Iterator<Item = &'a Check>,
    ) -> Vec<NodeId> {
        let mut reads: Vec<Read> = condition.iter().flat_map(|template| template.reads()).collect();
        if let Some(each) = each {
            let templates = [Some(&each.list), each.filter.as_ref(), each.by.as_ref(), each.apart.as_ref()];
            reads.extend(templates.into_iter().flatten().flat_map(Template::reads));
        }
        reads.extend(checks.flat_map(|check| check.that.reads().into_iter().chain(check.otherwise.reads())));
        match work {
            Work::Map(mapping) => reads.extend(mapping.reads()),
            Work::Decide(decide) => {
                reads.extend(decide.choose.iter().flat_map(|(_, that)| that.reads()));
                reads.extend(decide.ignore.values().chain(decide.reject.values()).flat_map(Template::reads));
            }
            Work::Call(Call { with, .. }) | Work::Child(Child { with, .. }) => {
                reads.extend(with.iter().flat_map(|(_, mapping)| mapping.reads()));
            }
        }
        if let Work::Call(Call { changes: Some((read, _)), .. }) = work {
            reads.extend([]);
            return self.numbers(&reads).chain([*read]).collect();
        }
        self.numbers(&reads).collect()
    }

    fn numbers<'a>(&self, reads: &'a [Read]) -> impl Iterator<Item = NodeId> + 'a {
        let known = self.nodes.len() as NodeId;
        reads.iter().filter_map(move |read| read.slot.checked_sub(Slots::NODES).filter(|node| *node < known))
    }

    /// Whole results of everything from outside that a node needs, however far.
    fn freeze(&self, needs: &[NodeId]) -> BTreeMap<Slot, Used> {
        let mut freeze = BTreeMap::from([(Slots::EVENT, Used::All)]);
        let mut todo = needs.to_vec();
        let mut seen = std::collections::BTreeSet::new();
        while let Some(need) = todo.pop() {
            if seen.insert(need) {
                todo.extend(&self.nodes[usize::from(need)].needs);
                if self.effects.contains(&need) {
                    freeze.insert(Slots::NODES + need, Used::All);
                }
            }
        }
        freeze
    }
}

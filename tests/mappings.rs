//! Every mapping of every shipped flow is broken four ways: misspelt, wrong type, read-only target, required left out. Mapped
//! are the records of `shape:`, the parameters of operations, child flows and fragments, the event of each source, and
//! `changes:`. And every path that an expression reads is misspelt. Each fault must be told at its place, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use flowrun::{
    check::Catalogue,
    compile::{Compiled, compile},
    estate::Memory,
    problem::{
        Problem, Problems, codes,
        draw::{Style, draw},
    },
    shape::{Field, Object, Shape, element},
    source::{Name, Sources, Span},
    yaml::{self, Kind, Node},
};

use crate::check::lay;

/// How a mapping is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Misspelt,
    WrongType,
    ReadOnly,
    LeftOut,
    /// Of the value: a path that it reads is misspelt.
    Path,
}

/// A change of the text, and where a problem with which code must then be.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) text: String,
    pub(crate) code: Vec<&'static str>,
    /// The byte of the changed text at which the problem must begin.
    pub(crate) at: usize,
    /// The object it stands in: at most one fault an object when several are planted.
    pub(crate) object: Span,
    pub(crate) way: Way,
    /// What is mapped.
    pub(crate) what: &'static str,
}

/// A shipped flow.
pub(crate) struct Shipped {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) tree: Node,
}

/// What is mapped to: the fields it has, and how a wrong key and a missing one are told.
struct Target {
    object: Object,
    what: &'static str,
    misspelt: &'static str,
    left_out: &'static str,
    /// Where a missing one is told; none: at the first key, or the object if there is none.
    told_at: Option<usize>,
}

/// The keys of one object and what they are mapped to.
struct Site<'a> {
    target: Target,
    entries: &'a [(Name, Node)],
    span: Span,
}

pub(crate) fn shipped() -> Vec<Shipped> {
    let folder = Path::new("flows/bigcommerce-netsuite");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let mut sources = Sources::default();
        let file = sources.add("flow", text.as_str());
        let tree = yaml::read(&sources, file, &mut Problems::default()).unwrap();
        Shipped { path: Path::new("/").join(path.strip_prefix("flows").unwrap()), text, tree }
    };
    let yaml = paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    yaml.map(read).filter(|shipped| member(&shipped.tree, "flow").is_some()).collect()
}

pub(crate) fn member<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    entries(node).iter().find(|(name, _)| &*name.value == key).map(|(_, value)| value)
}

pub(crate) fn entries(node: &Node) -> &[(Name, Node)] {
    if let Kind::Map(entries) = &node.kind { entries } else { &[] }
}

pub(crate) fn items(node: &Node) -> &[Node] {
    if let Kind::List(items) = &node.kind { items } else { &[] }
}

fn scalar(node: &Node) -> Option<&str> {
    if let Kind::Scalar(scalar) = &node.kind { Some(&scalar.text) } else { None }
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    member(node, key).and_then(scalar)
}

/// A record, or an object below one.
fn record(object: &Object) -> Target {
    Target {
        object: object.clone(),
        what: "record",
        misspelt: codes::TARGET_FIELD,
        left_out: codes::REQUIRED,
        told_at: None,
    }
}

/// Parameters: those without a default must be given.
fn parameters(shapes: Vec<(Arc<str>, Shape)>, what: &'static str, told_at: usize) -> Target {
    let field = |(name, shape): (Arc<str>, Shape)| {
        let required = !shape.may_miss() && shape != Shape::Any;
        (name, Field { required, ..Field::required(shape) })
    };
    Target {
        object: Object { fields: shapes.into_iter().map(field).collect(), ..Object::default() },
        what,
        misspelt: codes::UNKNOWN_PARAMETER,
        left_out: codes::MISSING_PARAMETER,
        told_at: Some(told_at),
    }
}

/// What flows may mention.
struct Known<'a> {
    compiled: &'a Compiled,
    catalogue: Catalogue,
}

impl<'a> Known<'a> {
    fn new(compiled: &'a Compiled) -> Self {
        let catalogue = Catalogue { records: compiled.records.clone(), ..Catalogue::default() };
        Self { compiled, catalogue }
    }

    fn named(&self, types: &[(Name, Name)]) -> Vec<(Arc<str>, Shape)> {
        types
            .iter()
            .map(|(name, of)| (name.value.clone(), self.catalogue.named(&of.value).unwrap()))
            .collect()
    }

    fn fragment(&self, name: &str) -> Vec<(Arc<str>, Shape)> {
        let mut parts = self.compiled.estate.fragments.iter();
        self.named(&parts.find(|part| &*part.tree.name.value == name).unwrap().tree.params)
    }

    /// The parameters of what a node calls.
    fn called(&self, flow: &Node, target: &str) -> (Vec<(Arc<str>, Shape)>, &'static str) {
        let (connection, operation) = target.split_once('.').unwrap();
        if connection == "flows" {
            let path = self.compiled.estate.flows.iter().find(|part| &*part.tree.name.value == operation);
            let takes = path.unwrap().tree.trigger.from.iter().find_map(|source| match &source.kind {
                flowrun::syntax::ast::SourceKind::Flow { takes } => Some(takes),
                _ => None,
            });
            return (self.named(takes.unwrap()), "child flow");
        }
        let estate = text(member(flow, "connections").unwrap(), connection).unwrap();
        let with = &self.compiled.connections[estate].connector.operations[operation].with;
        (with.iter().map(|(name, param)| (name.clone(), param.shape.clone())).collect(), "operation")
    }

    /// A value, and all mappings in it.
    fn value<'n>(&self, node: &'n Node, target: &Shape, found: &mut Vec<Site<'n>>) {
        if let Some(name) = member(node, "use") {
            let told_at = inside(name);
            let params = parameters(self.fragment(scalar(name).unwrap()), "fragment", told_at);
            return member(node, "with")
                .into_iter()
                .for_each(|with| self.object(with, params.clone(), found));
        }
        if member(node, "each").is_some() {
            let body = member(node, "fields").or_else(|| member(node, "value"));
            let element = element(target).unwrap_or(Shape::Any);
            return body.into_iter().for_each(|body| self.value(body, &element, found));
        }
        match (&node.kind, target.present()) {
            (Kind::Map(_), Shape::Object(object)) => self.object(node, record(object), found),
            (Kind::Map(entries), _) => {
                entries.iter().for_each(|(_, value)| self.value(value, &Shape::Any, found));
            }
            (Kind::List(items), shape) => {
                let element = element(shape).unwrap_or(Shape::Any);
                items.iter().for_each(|item| self.value(item, &element, found));
            }
            _ => {}
        }
    }

    fn object<'n>(&self, node: &'n Node, target: Target, found: &mut Vec<Site<'n>>) {
        for (key, value) in entries(node) {
            let shape = target.object.fields.get(&key.value).map_or(Shape::Any, |field| field.shape.clone());
            self.value(value, &shape, found);
        }
        found.push(Site { target, entries: entries(node), span: node.span });
    }

    /// All mappings of a flow.
    fn sites<'n>(&self, flow: &'n Shipped) -> Vec<Site<'n>> {
        let mut found = Vec::new();
        for node in items(member(&flow.tree, "nodes").unwrap()) {
            let shape = text(node, "shape")
                .map_or(Shape::Any, |name| self.compiled.records.get(name).unwrap().clone());
            if let Some(fields) = member(node, "fields") {
                self.value(fields, &shape, &mut found);
            } else if let (Some(call), Some(with)) = (member(node, "call"), member(node, "with")) {
                let target = scalar(call).unwrap();
                let (params, what) = self.called(&flow.tree, target);
                let told_at = inside(call) + target.find('.').unwrap() + 1;
                self.object(with, parameters(params, what, told_at), &mut found);
            } else if member(node, "use").is_some() {
                self.value(node, &Shape::Any, &mut found);
            }
        }
        let sources =
            member(&flow.tree, "trigger").and_then(|trigger| member(trigger, "from")).map_or(&[][..], items);
        let events: Vec<_> =
            sources.iter().filter_map(|source| Some((source, member(source, "event")?))).collect();
        // Types of an event are what most sources give: one alone is right whatever it gives.
        for (source, event) in events.iter().filter(|_| events.len() > 2) {
            let fields =
                entries(event).iter().map(|(name, _)| (name.value.clone(), Field::required(Shape::Int)));
            let object = Object { fields: fields.collect(), ..Object::default() };
            let told_at = entries(source).first().map(|(_, first)| inside(first));
            found.push(Site {
                target: Target { what: "event", told_at, ..record(&object) },
                entries: entries(event),
                span: event.span,
            });
        }
        found
    }
}

impl Clone for Target {
    fn clone(&self) -> Self {
        Self { object: self.object.clone(), ..*self }
    }
}

/// Where the text of a scalar begins, its quotes left out.
fn inside(node: &Node) -> usize {
    let Kind::Scalar(scalar) = &node.kind else { return node.span.start as usize };
    scalar.place(0, 1).start as usize
}

impl Site<'_> {
    fn plants(&self, text: &str) -> Vec<Plant> {
        let each = (0..self.entries.len()).flat_map(|at| {
            [self.misspelt(at), self.wrong_type(at), self.read_only(at), self.left_out(at, text)]
        });
        each.flatten().collect()
    }

    fn plant(&self, (from, to): (usize, usize), text: &str, told: (&'static str, usize), way: Way) -> Plant {
        let (code, at) = (vec![told.0], told.1);
        Plant { from, to, text: text.to_owned(), code, at, object: self.span, way, what: self.target.what }
    }

    fn misspelt(&self, at: usize) -> Option<Plant> {
        let key = &self.entries[at].0;
        let place = (key.span.start as usize, key.span.end as usize);
        let told = (self.target.misspelt, place.0);
        let plant = self.plant(place, &format!("{}qq", key.value), told, Way::Misspelt);
        (!self.target.object.open).then_some(plant)
    }

    /// A value that the field does not take.
    fn wrong_type(&self, at: usize) -> Option<Plant> {
        let (key, value) = &self.entries[at];
        let field = self.target.object.fields.get(&key.value)?;
        let text = match field.shape.present() {
            Shape::Any => return None,
            Shape::List(_) => "\"{{ true }}\"",
            _ => "\"{{ [[true]] }}\"",
        };
        let place = (value.span.start as usize, value.span.end as usize);
        Some(self.plant(place, text, (codes::TARGET_TYPE, place.0 + 1), Way::WrongType))
    }

    /// The key becomes one that can only be read.
    fn read_only(&self, at: usize) -> Option<Plant> {
        let key = &self.entries[at].0;
        let (name, _) = self.target.object.fields.iter().find(|(_, field)| field.read_only)?;
        let place = (key.span.start as usize, key.span.end as usize);
        Some(self.plant(place, name, (codes::READ_ONLY, place.0), Way::ReadOnly))
    }

    /// A required key is left out: with its lines, or what stands between the braces.
    fn left_out(&self, at: usize, text: &str) -> Option<Plant> {
        let (key, value) = &self.entries[at];
        let field = self.target.object.fields.get(&key.value)?;
        if !field.required || field.read_only {
            return None;
        }
        let (start, end) = (key.span.start as usize, value.span.end as usize);
        let in_one_line = text[self.span.start as usize..].starts_with('{');
        let next = self.entries.get(at + 1).map(|(next, _)| next.span.start as usize);
        let before = at.checked_sub(1).map(|before| self.entries[before].1.span.end as usize);
        let (from, to) = match (in_one_line, next, before) {
            (true, Some(next), _) => (start, next),
            (true, None, Some(before)) => (before, end),
            (true, None, None) => (start, end),
            (false, ..) => {
                (text[..start].rfind('\n').unwrap() + 1, end + text[end..].find('\n').unwrap() + 1)
            }
        };
        let first = self.entries.iter().map(|(name, _)| name).find(|name| name.span != key.span);
        let whole = self.span.start as usize;
        let told_at = match (self.target.left_out, first) {
            (codes::REQUIRED, Some(first)) => first.span.start as usize,
            _ => self.target.told_at.unwrap_or(whole),
        };
        Some(self.plant((from, to), "", (self.target.left_out, told_at), Way::LeftOut))
    }
}

/// `changes:` misspelt, with a node that read no record, left out.
fn changes(flow: &Shipped) -> Vec<Plant> {
    let nodes = items(member(&flow.tree, "nodes").unwrap());
    let mut plants = Vec::new();
    for node in nodes {
        let (Some(read), Some(call)) = (member(node, "changes"), member(node, "call")) else { continue };
        let (start, end) = (read.span.start as usize, read.span.end as usize);
        let decision = nodes.iter().find_map(|node| text(node, "decision")).unwrap();
        let target = inside(call) + scalar(call).unwrap().find('.').unwrap() + 1;
        let line = flow.text[..start].rfind('\n').unwrap() + 1;
        let next = end + flow.text[end..].find('\n').unwrap() + 1;
        for (from, to, text, code, at, way) in [
            (start, end, format!("{}qq", scalar(read).unwrap()), codes::UNKNOWN_NODE, start, Way::Misspelt),
            (start, end, decision.to_owned(), codes::CHANGES, start, Way::WrongType),
            (line, next, String::new(), codes::ECHO, target, Way::LeftOut),
        ] {
            plants.push(Plant {
                from,
                to,
                text,
                code: vec![code],
                at,
                object: node.span,
                way,
                what: "changes",
            });
        }
    }
    plants
}

/// Elements of lists whose types are lost on the way: through fragments that take `any`, and beside an empty list. What is
/// read of them is not checked yet.
const UNTYPED: [(&str, &str); 3] = [("orders", "line"), ("orders", "part"), ("fulfilments", "i")];

/// Whether a path begins at such an element.
fn is_untyped(flow: &Shipped, plant: &Plant) -> bool {
    let path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let before = &flow.text[..plant.from];
    let start = before.trim_end_matches(path).len();
    let root = before[start..].split('.').next().unwrap_or_default();
    plant.way == Way::Path && UNTYPED.contains(&(text(&flow.tree, "flow").unwrap(), root))
}

/// Every scalar with an expression.
fn expressions<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.text.contains("{{") => found.push(node),
        Kind::List(items) => items.iter().for_each(|item| expressions(item, found)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| expressions(value, found)),
        Kind::Scalar(_) | Kind::Null => {}
    }
}

/// Misspells each dotted path of an expression at its last step.
fn misspelt_paths(node: &Node, text: &str) -> Vec<Plant> {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    let bytes = text.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let mut plants = Vec::new();
    let mut at = start;
    let (mut quoted, mut inside) = (false, false);
    while at < end {
        match bytes[at] {
            b'\'' => quoted = !quoted,
            b'{' if bytes[at + 1] == b'{' => inside = true,
            b'}' if bytes[at + 1] == b'}' => inside = false,
            byte if inside && !quoted && byte.is_ascii_alphabetic() && !is_word(at - 1) => {
                let mut last = at;
                let mut stop = at;
                while is_word(stop) || (bytes[stop] == b'.' && is_word(stop + 1)) {
                    if bytes[stop] == b'.' {
                        last = stop + 1;
                    }
                    stop += 1;
                }
                if last > at && bytes[at - 1] != b'.' && bytes[at - 1] != b']' {
                    let code = [
                        codes::UNKNOWN_FIELD,
                        codes::UNKNOWN_COLUMN,
                        codes::UNKNOWN_TABLE,
                        codes::UNKNOWN_SETTING,
                    ];
                    plants.push(Plant {
                        from: last,
                        to: stop,
                        text: format!("{}qq", &text[last..stop]),
                        code: code.to_vec(),
                        at: last,
                        object: node.span,
                        way: Way::Path,
                        what: "path",
                    });
                }
                at = stop;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    plants
}

/// All faults that can be planted into a flow.
pub(crate) fn plants(flow: &Shipped, compiled: &Compiled) -> Vec<Plant> {
    let mut all: Vec<Plant> =
        Known::new(compiled).sites(flow).iter().flat_map(|site| site.plants(&flow.text)).collect();
    all.extend(changes(flow));
    let mut scalars = Vec::new();
    expressions(&flow.tree, &mut scalars);
    all.extend(scalars.iter().flat_map(|scalar| misspelt_paths(scalar, &flow.text)));
    all.retain(|plant| !is_untyped(flow, plant));
    all
}

/// The text with some faults planted, and where the problems must be.
pub(crate) fn planted(text: &str, plants: &[&Plant]) -> (String, Vec<(Vec<&'static str>, usize)>) {
    let mut sorted = plants.to_vec();
    sorted.sort_by_key(|plant| plant.from);
    let mut changed = String::new();
    let mut done = 0;
    for plant in &sorted {
        changed.push_str(&text[done..plant.from]);
        changed.push_str(&plant.text);
        done = plant.to;
    }
    changed.push_str(&text[done..]);
    let shifted = |plant: &&Plant| {
        let own = |other: &&&Plant| other.from == plant.from && !plant.text.is_empty();
        let before: Vec<_> = sorted.iter().filter(|other| !own(other) && other.to <= plant.at).collect();
        let added: usize = before.iter().map(|other| other.text.len()).sum();
        let removed: usize = before.iter().map(|other| other.to - other.from).sum();
        (plant.code.clone(), plant.at + added - removed)
    };
    let mut expected: Vec<_> = sorted.iter().map(shifted).collect();
    expected.sort_by_key(|(_, at)| *at);
    (changed, expected)
}

/// Whether problems are those that are expected: codes and places.
pub(crate) fn are_expected(problems: &[&Problem], expected: &[(Vec<&'static str>, usize)]) -> bool {
    let place = |problem: &Problem| problem.labels[0].span.start as usize;
    problems.len() == expected.len()
        && problems
            .iter()
            .zip(expected)
            .all(|(problem, (codes, wanted))| codes.contains(&problem.code) && place(problem) == *wanted)
}

#[track_caller]
pub(crate) fn none(wrong: &[String]) {
    let shown: String = wrong.join("\n").chars().take(20_000).collect();
    assert!(wrong.is_empty(), "{} are not found where they are:\n{shown}", wrong.len());
}

/// The shipped estate.
pub(crate) fn estate() -> Memory {
    lay(Memory::default(), "flows")
}

/// Copies of a flow that are checked together, so that the estate around them is read once.
const TOGETHER: usize = 24;

/// The flow under another name of the same length, so that places stay.
fn renamed(text: &str, name: &str, number: usize) -> String {
    let new = format!("c{number:0width$}", width = name.len() - 1);
    text.replacen(&format!("flow: {name}\n"), &format!("flow: {new}\n"), 1)
}

/// What is not told as planted when each fault stands in a copy of its own.
fn wrong(files: &Memory, flow: &Shipped, plants: &[Plant]) -> Vec<String> {
    let name = text(&flow.tree, "flow").unwrap();
    let mut estate = files.clone();
    let mut expected = BTreeMap::new();
    for (number, plant) in plants.iter().enumerate() {
        let (changed, told) = planted(&flow.text, &[plant]);
        let path = PathBuf::from(format!("/copies/{number}.yaml"));
        estate = estate.with(&path, renamed(&changed, name, number));
        expected.insert(path, (plant, told));
    }
    let compiled = compile(&estate, &[PathBuf::from("/")], None);
    let mut found: BTreeMap<PathBuf, Vec<&Problem>> = BTreeMap::new();
    for problem in &compiled.problems {
        let source = compiled.sources.get(problem.labels[0].span.file).unwrap();
        found.entry(Path::new("/").join(&*source.name)).or_default().push(problem);
    }
    let mut wrong = Vec::new();
    for (path, (plant, told)) in expected {
        let problems = found.remove(&path).unwrap_or_default();
        if !are_expected(&problems, &told) {
            let found: Vec<Problem> = problems.into_iter().cloned().collect();
            let drawn = draw(&found, &compiled.sources, Style::PLAIN);
            wrong.push(format!("{}: planted {plant:?}\nexpected {told:?}\n{drawn}", flow.path.display()));
        }
    }
    wrong.extend(
        found.into_iter().map(|(path, told)| format!("nothing is wrong with {}: {told:?}", path.display())),
    );
    wrong
}

#[test]
fn every_mapping_broken_four_ways_is_found_where_it_is_broken() {
    let files = estate();
    let compiled = compile(&files, &[PathBuf::from("/")], None);
    let mut counts: BTreeMap<Way, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut found = Vec::new();
    let flows = shipped();
    assert!(flows.len() > 3, "{} shipped flows", flows.len());
    for flow in &flows {
        let plants = plants(flow, &compiled);
        for plant in &plants {
            *counts.entry(plant.way).or_default().entry(plant.what).or_default() += 1;
        }
        found.extend(plants.chunks(TOGETHER).flat_map(|plants| wrong(&files, flow, plants)));
    }
    for (way, of) in &counts {
        println!("planted {way:?}: {} ({of:?})", of.values().sum::<usize>());
    }
    none(&found);
    for (way, what, least) in [
        (Way::Misspelt, "record", 60),
        (Way::Misspelt, "operation", 30),
        (Way::Misspelt, "child flow", 10),
        (Way::Misspelt, "fragment", 40),
        (Way::Misspelt, "event", 3),
        (Way::Misspelt, "changes", 1),
        (Way::WrongType, "record", 60),
        (Way::WrongType, "operation", 30),
        (Way::WrongType, "child flow", 10),
        (Way::WrongType, "fragment", 40),
        (Way::WrongType, "event", 3),
        (Way::WrongType, "changes", 1),
        (Way::ReadOnly, "record", 50),
        (Way::LeftOut, "record", 8),
        (Way::LeftOut, "operation", 30),
        (Way::LeftOut, "child flow", 9),
        (Way::LeftOut, "fragment", 40),
        (Way::LeftOut, "event", 3),
        (Way::LeftOut, "changes", 1),
        (Way::Path, "path", 200),
    ] {
        let planted = counts[&way].get(what).copied().unwrap_or_default();
        assert!(planted >= least, "{way:?} of {what} is planted {planted} times");
    }
}

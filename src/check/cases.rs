//! Names in test files: the flow or fragment under test, its connections and their settings, operations, nodes, outcomes,
//! fields of events, parameters. In: trees of test files, and what they may name. Out: a problem at each name that is not
//! there. It must never know what comes of a case.

use std::sync::Arc;

use super::{
    books::{self, Declared},
    call::split,
    catalogue::Catalogue,
    fit,
    given::constant,
    sheet::{no_connection, outcomes},
};
use crate::{
    connector::{Connection, Operation},
    flow::MEMORY,
    problem::{Problem, Problems, codes},
    source::{Name, Scalar},
    syntax::{
        ast::{self, Given},
        case::{Case, Cases, Expect, ExpectCalls, Happening, Start},
    },
    value::Value,
};

/// The word before the name of a flow that is called.
const FLOWS: &str = "flows";

/// What a node can stand at, beside the outcomes of a decision.
const STATES: [&str; 6] = ["waiting", "running", "done", "skipped", "stopped", "failed"];

/// Checks the names in test files.
pub fn cases<'a>(
    files: impl Iterator<Item = &'a Cases>,
    flows: &[&ast::Flow],
    catalogue: &Catalogue,
    problems: &mut Problems,
) {
    for file in files.filter(|file| !catalogue.broken.contains(&file.subject.value)) {
        let flow = flows.iter().find(|flow| flow.name.value == file.subject.value);
        let mut reader = Reader { flow: flow.copied(), flows, catalogue, problems };
        reader.file(file);
    }
}

struct Reader<'a> {
    /// The flow under test.
    flow: Option<&'a ast::Flow>,
    flows: &'a [&'a ast::Flow],
    catalogue: &'a Catalogue,
    problems: &'a mut Problems,
}

impl<'a> Reader<'a> {
    fn file(&mut self, file: &Cases) {
        let fragment = self.catalogue.fragments.get(&file.subject.value);
        if self.flow.is_none() && fragment.is_none() {
            let flows = self.flows.iter().map(|flow| &*flow.name.value);
            let names = flows.chain(self.catalogue.fragments.keys().map(|name| &**name));
            let message = format!("there is no flow or fragment `{}`", file.subject.value);
            self.unknown(codes::UNKNOWN_FLOW, &file.subject, message, names);
            return;
        }
        for (local, settings) in &file.settings {
            let Some(connection) = self.connection(local) else { continue };
            settings.iter().for_each(|(name, value)| self.setting(connection, name, value));
        }
        for case in &file.cases {
            match (&case.start, self.flow, fragment) {
                (Start::Flow(first), Some(flow), _) => self.case(case, first, flow),
                (Start::Fragment { with, .. }, _, Some(fragment)) => {
                    let takes = || fragment.params.iter().map(|(name, _)| &*name.value);
                    self.parameters(with, &file.subject.value, takes);
                }
                (Start::Flow(_), None, _) => {
                    let message = format!("`{}` is a fragment: its cases have `with`", file.subject.value);
                    self.problems.add(Problem::error(codes::UNKNOWN_FLOW, case.name.span, message));
                }
                (Start::Fragment { .. }, _, None) => {
                    let message = format!("`{}` is a flow: its cases have `event`", file.subject.value);
                    self.problems.add(Problem::error(codes::UNKNOWN_FRAGMENT, case.name.span, message));
                }
            }
        }
    }

    fn case(&mut self, case: &Case, first: &Happening, flow: &'a ast::Flow) {
        let happenings = case.then.iter().map(|(_, happening)| happening);
        happenings.chain([first]).for_each(|happening| self.happening(happening, flow));
        for (name, _) in &case.answers {
            self.target(name);
        }
        self.books(&case.memory);
        case.expect.iter().for_each(|expect| self.expect(expect, flow));
    }

    fn books(&mut self, books: &[(Name, Vec<(Given, Given)>)]) {
        for (name, entries) in books {
            let Some(declared) = books::named(name, self.catalogue, self.problems) else { continue };
            for given in entries.iter().flat_map(|(key, value)| [key, value]) {
                self.columns(given, declared);
            }
        }
    }

    fn columns(&mut self, given: &Given, declared: &'a Declared) {
        let Given::Object(members, _) = given else { return };
        let columns = &declared.book.columns;
        for (name, _) in members.iter().filter(|(name, _)| !columns.contains(&name.value)) {
            let message = format!("the book `{}` has no column `{}`", declared.book.name, name.value);
            self.unknown(codes::UNKNOWN_COLUMN, name, message, columns.iter().map(|name| &**name));
        }
    }

    fn happening(&mut self, happening: &Happening, flow: &'a ast::Flow) {
        match happening {
            Happening::Event(Given::Object(members, _)) => {
                let Some(fields) = fields_of_event(flow) else { return };
                for (name, _) in members.iter().filter(|(name, _)| !fields.contains(&&*name.value)) {
                    let message = format!("events of `{}` have no field `{}`", flow.name.value, name.value);
                    self.unknown(codes::UNKNOWN_FIELD, name, message, fields.iter().copied());
                }
            }
            Happening::Event(_) => {}
            Happening::Hook { connection, scope, .. } => {
                let (Some(found), Some(scope)) = (self.connection(connection), scope) else { return };
                let scopes = found.connector.webhooks.iter().flat_map(|webhooks| &webhooks.scopes);
                let scopes: Vec<&str> = scopes.map(|(scope, _)| &**scope).collect();
                if !scopes.contains(&&*scope.value) {
                    let message = format!("`{}` has no scope `{}`", found.connector.name, scope.value);
                    self.unknown(codes::UNKNOWN_SCOPE, scope, message, scopes.into_iter());
                }
            }
        }
    }

    fn expect(&mut self, expect: &Expect, flow: &'a ast::Flow) {
        for (name, calls) in &expect.calls {
            let target = self.target(name);
            let with: Vec<&Given> = match calls {
                ExpectCalls::All { with, .. } => with.iter().collect(),
                ExpectCalls::Each(each) => each.iter().flatten().collect(),
            };
            for given in with {
                match target {
                    Some(Target::Operation(operation)) => {
                        let takes = || operation.with.iter().map(|(name, _)| &**name);
                        self.parameters(given, &operation.name, takes);
                    }
                    Some(Target::Flow(flow)) => {
                        let Some(fields) = fields_of_event(flow) else { continue };
                        self.parameters(given, &flow.name.value, || fields.iter().copied());
                    }
                    Some(Target::Book(declared)) => self.columns(given, declared),
                    None => {}
                }
            }
        }
        self.books(&expect.memory);
        for name in &expect.skipped {
            self.node(name, flow);
        }
        for (name, wanted) in &expect.nodes {
            if let Some(node) = self.node(name, flow) {
                self.outcome(node, wanted);
            }
        }
    }

    fn node(&mut self, name: &Name, flow: &'a ast::Flow) -> Option<&'a ast::Node> {
        let found = flow.nodes.iter().find(|node| node.name.value == name.value);
        if found.is_none() && !flow.broken.iter().any(|broken| broken.value == name.value) {
            let message = format!("`{}` has no node `{}`", flow.name.value, name.value);
            let names = flow.nodes.iter().map(|node| &*node.name.value);
            self.unknown(codes::UNKNOWN_NODE, name, message, names);
        }
        found
    }

    /// What a decision comes out as is one of its outcomes.
    fn outcome(&mut self, node: &ast::Node, wanted: &Given) {
        let (ast::Work::Decide(_), Given::Scalar(scalar)) = (&node.work, wanted) else { return };
        let known = outcomes(node);
        if known.contains(&&*scalar.text) || STATES.contains(&&*scalar.text) || scalar.text.contains("{{") {
            return;
        }
        let message = format!("`{}` has no outcome `{}`", node.name.value, scalar.text);
        self.unknown(codes::UNKNOWN_OUTCOME, &scalar.name(), message, known.into_iter());
    }

    /// A connection by the flow's name of it, or by the estate's.
    fn connection(&mut self, local: &Name) -> Option<&'a Arc<Connection>> {
        let own = || self.flow.iter().flat_map(|flow| &flow.connections);
        let estate = own().find(|(name, _)| name.value == local.value).map(|(_, estate)| &estate.value);
        let found = self.catalogue.connections.get(estate.unwrap_or(&local.value));
        if found.is_none() && estate.is_none() && !self.catalogue.broken.contains(&local.value) {
            let names: Vec<Arc<str>> = own().map(|(name, _)| Arc::clone(&name.value)).collect();
            self.problems.add(no_connection(local, names.iter().map(|name| &**name)));
        }
        found
    }

    fn setting(&mut self, connection: &Connection, name: &Name, written: &Scalar) {
        let settings = &connection.connector.settings;
        let Some(setting) = settings.iter().find(|setting| setting.name == name.value) else {
            let message = format!("the connector of `{}` has no setting `{}`", connection.name, name.value);
            let known = settings.iter().map(|setting| &*setting.name);
            return self.unknown(codes::SETTINGS, name, message, known);
        };
        let value = constant(written).unwrap_or_else(|| Value::from(Arc::clone(&written.text)));
        if let Err(wanted) = setting.read(&value) {
            let message = format!("the setting `{}` of `{}` must be {wanted}", name.value, connection.name);
            let problem = Problem::error(codes::SETTINGS, written.span, message);
            self.problems.add(match setting.near(&value) {
                Some(word) => problem.help(format!("did you mean `{word}`?")),
                None => problem,
            });
        }
    }

    /// What a name such as `store.get_order` or `flows.child` stands for.
    fn target(&mut self, name: &Name) -> Option<Target<'a>> {
        let (local, operation) = split(name);
        if &*local.value == FLOWS {
            let found = self.flows.iter().find(|flow| flow.name.value == operation.value);
            if found.is_none() && !self.catalogue.broken.contains(&operation.value) {
                let message = format!("there is no flow `{}`", operation.value);
                let names = self.flows.iter().map(|flow| &*flow.name.value);
                self.unknown(codes::UNKNOWN_FLOW, &operation, message, names);
            }
            return found.map(|flow| Target::Flow(flow));
        }
        if &*local.value == MEMORY {
            let (declared, _) = books::resolve(&operation, self.catalogue, self.problems)?;
            return Some(Target::Book(declared));
        }
        let connection = self.connection(&local)?;
        let operations = &connection.connector.operations;
        let found = operations.get(&operation.value);
        if found.is_none() {
            let message = format!("`{}` has no operation `{}`", connection.connector.name, operation.value);
            self.unknown(
                codes::UNKNOWN_OPERATION,
                &operation,
                message,
                operations.keys().map(|name| &**name),
            );
        }
        found.map(Target::Operation)
    }

    fn parameters<'n, N>(&mut self, given: &Given, whose: &str, takes: impl Fn() -> N)
    where
        N: Iterator<Item = &'n str>,
    {
        let Given::Object(members, _) = given else { return };
        for (name, _) in members.iter().filter(|(name, _)| !takes().any(|known| known == &*name.value)) {
            let message = format!("`{whose}` takes no parameter `{}`", name.value);
            self.unknown(codes::UNKNOWN_PARAMETER, name, message, takes());
        }
    }

    fn unknown<'n>(
        &mut self,
        code: &'static str,
        name: &Name,
        message: String,
        names: impl Iterator<Item = &'n str>,
    ) {
        let problem = Problem::error(code, name.span, message);
        self.problems.add(fit::with_near(problem, &name.value, names));
    }
}

/// What is called.
#[derive(Clone, Copy)]
enum Target<'a> {
    Operation(&'a Operation),
    Flow(&'a ast::Flow),
    Book(&'a Declared),
}

/// The fields of a flow's events; none if nothing says what they are.
fn fields_of_event(flow: &ast::Flow) -> Option<Vec<&str>> {
    let sources = flow.trigger.from.iter().map(fields_of_source).collect::<Option<Vec<_>>>()?;
    let mut fields = sources.concat();
    fields.sort_unstable();
    fields.dedup();
    (!fields.is_empty()).then_some(fields)
}

fn fields_of_source(source: &ast::Source) -> Option<Vec<&str>> {
    match (&source.kind, &source.event) {
        (ast::SourceKind::Flow { takes }, _) => Some(takes.iter().map(|(name, _)| &*name.value).collect()),
        (_, Some(Given::Object(members, _))) => Some(members.iter().map(|(name, _)| &*name.value).collect()),
        _ => None,
    }
}

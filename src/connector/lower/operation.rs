//! Operations. In: an operation as written. Out: the operation, its types and expressions resolved; problems where its keys do
//! not go together, above all where a repetition would do something twice.

use std::sync::Arc;

use super::{
    Lower,
    value::{Way, data},
};
use crate::{
    connector::model::{Connector, Example, Operation, Param, Repeat, Reply, Step, Sublist, slot},
    problem::{Problem, codes},
    shape::{Shape, assignable},
    source::Name,
    syntax::{ast::Given, connector as ast},
};

impl Lower<'_> {
    pub(super) fn operation(&mut self, file: &ast::Operation) -> Operation {
        let with: Vec<_> =
            file.with.iter().map(|(name, kind)| (Arc::clone(&name.value), self.param(kind))).collect();
        let gives = self.gives(file);
        self.effect(file);
        let names = self.step_names(file);
        let mut steps = Vec::new();
        for (index, step) in file.calls.iter().enumerate() {
            let lowered = self.step(file, step, index, &names, &steps);
            steps.push(lowered);
        }
        if steps.is_empty() {
            self.add(
                codes::OPERATION,
                file.name.span,
                format!("`{}` asks nothing: say `get`, `post`, … or `steps`", file.name.value),
            );
        }
        self.operation_scope(file, &names, names.len());
        let take = file.take.as_ref().map(|take| self.mapping(take));
        let join = file.join.as_ref().and_then(|join| self.find_step(join, &names));
        let sublists: Vec<_> =
            file.sublists.iter().map(|(name, one)| (Arc::clone(&name.value), self.sublist(one))).collect();
        let batch = file.batch.as_ref().and_then(|batch| self.batch(batch));
        let cursor = file.cursor.as_ref().and_then(|cursor| self.cursor(cursor, file, &gives));
        self.scope(&[("settings", slot::SETTINGS)]);
        let repeat = file.repeat.as_ref().map(|repeat| self.repeat(repeat));
        self.safe(file, &with);
        if file.example.is_none() {
            let problem = Problem::warning(
                codes::EXAMPLE,
                file.name.span,
                format!("`{}` has no example", file.name.value),
            );
            self.problems
                .add(problem.help("an example is run as a test, and shows people how the operation goes"));
        }
        Operation {
            name: Arc::clone(&file.name.value),
            doc: file.doc.as_ref().map(|doc| Arc::clone(&doc.value)),
            with,
            gives,
            writes: file.writes.as_ref().map(|record| Arc::clone(&record.value)),
            repeat,
            steps,
            join,
            take,
            sublists,
            batch,
            cursor,
            group: file.group.as_ref().map(|group| Arc::clone(&group.value)),
            classes: file.classes.iter().filter_map(|rule| self.rule(rule)).collect(),
            timeout: file.timeout.as_ref().and_then(|timeout| self.constant_duration(timeout)),
            example: file.example.as_ref().map(example),
        }
    }

    fn gives(&mut self, file: &ast::Operation) -> Shape {
        match (&file.reads, &file.gives) {
            (Some(_), Some(_)) => {
                self.add(
                    codes::OPERATION,
                    file.name.span,
                    "`gives` is for writes; a read says what it gives under `reads`",
                );
                Shape::Any
            }
            (Some(kind), None) | (None, Some(kind)) => self.shape(kind, Way::In),
            (None, None) => Shape::Any,
        }
    }

    /// A read has no effect, a write says on what and how it may be repeated.
    fn effect(&mut self, file: &ast::Operation) {
        let name = &file.name;
        match (&file.reads, &file.writes) {
            (Some(_), Some(_)) => self.add(
                codes::OPERATION,
                name.span,
                format!("`{}` says `reads` and `writes`: say one", name.value),
            ),
            (None, None) => self.add(
                codes::OPERATION,
                name.span,
                format!("`{}` says neither `reads` nor `writes`", name.value),
            ),
            (Some(_), None) if file.repeat.is_some() => {
                self.add(codes::OPERATION, name.span, "a read may always be repeated: leave `repeat` out");
            }
            (None, Some(record)) => {
                if file.repeat.is_none() {
                    let told = format!("`{}` writes, and does not say how it may be repeated", name.value);
                    let help = "say `repeat: safe`, `{ key: … }`, `{ look: … }` or `never`";
                    self.problems.add(Problem::error(codes::NO_REPEAT, name.span, told).help(help));
                }
                // An empty name stands for one that could not be read.
                if self.records.get(&record.value).is_none() && !record.value.is_empty() {
                    self.no_record(record);
                }
            }
            _ => {}
        }
    }

    fn no_record(&mut self, record: &Name) {
        let problem = Problem::error(
            codes::RECORD_REFERENCE,
            record.span,
            format!("there is no record `{}`", record.value),
        );
        self.problems.add(match self.records.near(&record.value) {
            Some(close) => problem.help(format!("did you mean `{close}`?")),
            None => problem,
        });
    }

    /// The names of steps; the only call of an operation is `answer`.
    fn step_names(&mut self, file: &ast::Operation) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for step in &file.calls {
            let name = match &step.name {
                Some(name) => {
                    let taken = names.contains(&name.value)
                        || file.with.iter().any(|(param, _)| param.value == name.value);
                    let reserved = ["settings", "with", "answer", "row", "batch", "cursor", "line"]
                        .contains(&&*name.value);
                    if taken || (reserved && file.calls.len() > 1) {
                        self.add(
                            codes::OPERATION,
                            name.span,
                            format!("`{}` already means something here", name.value),
                        );
                    }
                    Arc::clone(&name.value)
                }
                None if file.calls.len() > 1 => {
                    self.add(codes::OPERATION, step.span, "a step needs a name: `as: name`");
                    format!("step {}", names.len()).into()
                }
                None => "answer".into(),
            };
            names.push(name);
        }
        names
    }

    /// The scope of an operation's expressions when so many steps are done.
    pub(super) fn operation_scope(&mut self, file: &ast::Operation, names: &[Arc<str>], done: usize) {
        let mut scope = vec![("settings", slot::SETTINGS), ("with", slot::WITH)];
        if file.batch.is_some() {
            scope.push(("batch", slot::BATCH));
        }
        if file.cursor.is_some() {
            scope.push(("cursor", slot::CURSOR));
        }
        scope.extend(names.iter().zip(slot::STEPS..).take(done).map(|(name, slot)| (&**name, slot)));
        self.scope(&scope);
        self.next = self.next.max(slot::STEPS + names.len() as u16);
    }

    pub(super) fn find_step(&mut self, name: &Name, names: &[Arc<str>]) -> Option<usize> {
        let found = names.iter().position(|known| *known == name.value);
        if found.is_none() {
            self.no_name("step", name, names.iter().map(|known| &**known));
        }
        found
    }

    fn sublist(&mut self, file: &ast::Sublist) -> Sublist {
        match file {
            ast::Sublist::Replace(_) => Sublist::Replace,
            ast::Sublist::Append(_) => Sublist::Append,
            ast::Sublist::Key { key, by, gone, keep, .. } => {
                let mark = self.names.len();
                self.names.push(("line".into(), slot::LINE));
                let (gone, keep) = (
                    gone.as_ref().map(|gone| self.mapping(gone)),
                    keep.as_ref().map(|keep| self.template(keep)),
                );
                self.names.truncate(mark);
                Sublist::Key {
                    key: Arc::clone(&key.value),
                    by: by.as_ref().map(|by| Arc::clone(&by.value)),
                    gone,
                    keep,
                }
            }
        }
    }

    fn repeat(&mut self, file: &ast::Repeat) -> Repeat {
        match file {
            ast::Repeat::Safe(_) => Repeat::Safe,
            ast::Repeat::Never(_) => Repeat::Never,
            ast::Repeat::Key { header, valid_for, .. } => {
                Repeat::Key { header: Arc::clone(&header.value), valid_for: self.template(valid_for) }
            }
            ast::Repeat::Look { operation, settle, lag, .. } => Repeat::Look {
                operation: Arc::clone(&operation.value),
                settle: settle.as_ref().map(|settle| self.template(settle)),
                lag: lag.as_ref().map(|lag| self.template(lag)),
            },
        }
    }

    /// `safe` is a lie where a repetition would add lines.
    fn safe(&mut self, file: &ast::Operation, with: &[(Arc<str>, Param)]) {
        let Some(ast::Repeat::Safe(span)) = &file.repeat else { return };
        for step in &file.calls {
            if matches!(step.method.value, ast::Method::Post) && step.suiteql.is_none() {
                let told = "a POST makes something new each time: it is not safe to repeat";
                let help = "say `repeat: { look: operation }`, or `never`";
                self.problems.add(
                    Problem::error(codes::UNSAFE_REPEAT, *span, told).also(step.method.span, "").help(help),
                );
                return;
            }
            let added = sent_lists(
                step,
                file,
                with,
                self.records.get(file.writes.as_ref().map_or("", |record| &record.value)),
            );
            let bad = added.iter().find(|list| {
                let known = file.sublists.iter().find(|(name, _)| name.value == **list).map(|(_, kind)| kind);
                !matches!(known, Some(ast::Sublist::Replace(_) | ast::Sublist::Key { .. }))
            });
            if let Some(list) = bad {
                let told = format!("repeated, this would add the lines of `{list}` again");
                let help = format!(
                    "say under `sublists` how lines are told apart: `{list}: replace` or `{list}: {{ key: … }}`"
                );
                self.problems.add(Problem::error(codes::UNSAFE_REPEAT, *span, told).help(help));
                return;
            }
        }
    }

    /// Looks must be there, read, take no more than their write, and give what it gives.
    pub(super) fn looks(&mut self, file: &ast::Connector, connector: &Connector) {
        for write in &file.operations {
            let Some(ast::Repeat::Look { operation: name, .. }) = &write.repeat else { continue };
            let Some(look) = connector.operations.get(&name.value) else {
                self.no_name("operation", name, connector.operations.keys().map(|known| &**known));
                continue;
            };
            let Some(own) = connector.operations.get(&write.name.value) else { continue };
            if look.writes.is_some() {
                self.add(codes::LOOK, name.span, format!("`{}` writes: a look only reads", name.value));
            }
            for (param, kind) in &look.with {
                if !kind.shape.may_miss() && !own.with.iter().any(|(known, _)| known == param) {
                    let told = format!(
                        "`{}` needs `{param}`, which `{}` does not take",
                        name.value, write.name.value
                    );
                    self.add(codes::LOOK, name.span, told);
                }
            }
            if let Err(miss) = assignable(look.gives.present(), &readable(&own.gives)) {
                let told =
                    format!("`{}` does not give what `{}` gives: {miss}", name.value, write.name.value);
                self.add(codes::LOOK, name.span, told);
            }
        }
    }
}

/// The lists that a step's body may carry: its own keys, or those of the record that is passed on.
fn sent_lists(
    step: &ast::Step,
    file: &ast::Operation,
    with: &[(Arc<str>, Param)],
    written: Option<&Shape>,
) -> Vec<Arc<str>> {
    let lists = |shape: &Shape, sent: &dyn Fn(&str) -> bool| match shape.present() {
        Shape::Object(object) => object
            .fields
            .iter()
            .filter(|(name, field)| !field.read_only && sent(name) && is_sublist(&field.shape))
            .map(|(name, _)| Arc::clone(name))
            .collect(),
        _ => Vec::new(),
    };
    match &step.body {
        Some(Given::Object(members, _)) => {
            let sent = |name: &str| members.iter().any(|(key, _)| &*key.value == name);
            written.map(|shape| lists(shape, &sent)).unwrap_or_default()
        }
        Some(Given::Scalar(scalar)) => {
            let passed = with.iter().find(|(name, _)| scalar.text.contains(&format!("with.{name}")));
            let _ = file;
            passed.map(|(_, param)| lists(&param.shape, &|_| true)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// A type as something that is read: what only the platform writes may be there, and records do not say what they always have.
fn readable(shape: &Shape) -> Shape {
    match shape {
        Shape::Object(object) => {
            let mut object = object.as_ref().clone();
            for field in object.fields.values_mut() {
                (field.read_only, field.required) = (false, false);
                field.shape = readable(&field.shape);
            }
            Shape::Object(Arc::new(object))
        }
        Shape::List(element) => readable(element).list(),
        Shape::Optional(inner) => readable(inner).optional(),
        other => other.clone(),
    }
}

/// A list of objects, or an object around one (`{items: […]}`); a list of plain values is replaced as a whole.
fn is_sublist(shape: &Shape) -> bool {
    match shape.present() {
        Shape::List(element) => matches!(element.present(), Shape::Object(_)),
        Shape::Object(object) => object.fields.get("items").is_some_and(|items| is_sublist(&items.shape)),
        _ => false,
    }
}

fn example(file: &ast::Example) -> Example {
    let reply = |reply: &ast::Reply| Reply {
        asked: reply.asked.as_ref().map(|asked| Arc::clone(&asked.value)),
        sent: reply.sent.as_ref().map(data),
        status: reply.status.as_ref().map_or(200, |status| u16::try_from(status.value).unwrap_or(599)),
        headers: reply
            .headers
            .iter()
            .map(|(name, value)| {
                (Arc::clone(&name.value), data(value).scalar_text().unwrap_or_default().into())
            })
            .collect(),
        body: reply.body.as_ref().map(data).unwrap_or_default(),
    };
    Example {
        with: file.with.as_ref().map_or_else(|| crate::value::Value::object::<Arc<str>>([]), data),
        cursor: file.cursor.as_ref().map(data),
        answers: file
            .answers
            .iter()
            .map(|(name, replies)| (Arc::clone(&name.value), replies.iter().map(reply).collect()))
            .collect(),
        gives: data(&file.gives),
    }
}

/// Steps that must be answered before this one: all before the last write and all it mentions; a write waits for everything.
pub(super) fn before(mentioned: &[u16], has_effect: bool, earlier: &[Step]) -> Vec<usize> {
    let last_write = earlier.iter().rposition(Step::has_effect);
    let waits = |index: &usize| {
        has_effect
            || last_write.is_some_and(|write| *index <= write)
            || mentioned.contains(&(slot::STEPS + *index as u16))
    };
    (0..earlier.len()).filter(waits).collect()
}

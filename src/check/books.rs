//! Books of `memory`: what the estate declares, and what flows do with them. In: the tree of `memory:`, calls on a desk. Out:
//! books with the types of their columns, checked calls; problems. It must never know what is in a book.

use std::{collections::BTreeMap, sync::Arc};

use super::{catalogue::Catalogue, desk::Desk, fit, given::Typed, sheet::is_effect};
use crate::{
    flow::{BOOK_BATCH, Book, Call, MEMORY, Repeat, Verb, Work},
    problem::{Problem, Problems, codes},
    shape::{Field, Object, Shape},
    source::Name,
    syntax::{ast, estate as tree},
};

/// A book and the types of its columns.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The book.
    pub book: Arc<Book>,
    /// Its columns, those of the key first.
    pub columns: Vec<(Arc<str>, Shape)>,
    /// Whether its entries tell of persons.
    pub personal: bool,
}

/// The books of an estate; problems for those that make no sense.
pub fn books(
    trees: &[(Name, tree::Book)],
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> BTreeMap<Arc<str>, Declared> {
    let read = |(name, tree): &(Name, tree::Book)| {
        (Arc::clone(&name.value), declared(name, tree, catalogue, problems))
    };
    trees.iter().map(read).collect()
}

fn declared(name: &Name, tree: &tree::Book, catalogue: &Catalogue, problems: &mut Problems) -> Declared {
    let mut columns: Vec<(Arc<str>, Shape)> = Vec::new();
    for column in &tree.key {
        let of = tree.columns.iter().find(|(known, _)| known.value == column.value).map(|(_, of)| of);
        let shape = of.map_or(Shape::TEXT, |of| typed(of, catalogue, problems));
        if !matches!(shape, Shape::Any | Shape::Int | Shape::Text(_)) {
            let message = format!("a column of a key is text or a whole number, this is {shape}");
            problems.add(Problem::error(codes::KEY, of.map_or(column.span, |of| of.span), message));
        }
        columns.push((Arc::clone(&column.value), shape));
    }
    for (column, of) in &tree.columns {
        if !columns.iter().any(|(known, _)| *known == column.value) {
            columns.push((Arc::clone(&column.value), typed(of, catalogue, problems)));
        }
    }
    for column in &tree.unique {
        if !columns.iter().any(|(known, _)| *known == column.value) {
            let message = format!("the book `{}` has no column `{}`", name.value, column.value);
            let problem = Problem::error(codes::UNKNOWN_COLUMN, column.span, message);
            problems.add(fit::with_near(problem, &column.value, columns.iter().map(|(name, _)| &**name)));
        }
    }
    let names = |names: &[Name]| names.iter().map(|name| Arc::clone(&name.value)).collect();
    let book = Book {
        name: Arc::clone(&name.value),
        key: names(&tree.key),
        columns: columns.iter().map(|(name, _)| Arc::clone(name)).collect(),
        unique: names(&tree.unique),
        keep: tree.keep.as_ref().map(|keep| keep.value),
    };
    Declared { book: Arc::new(book), columns, personal: tree.personal }
}

fn typed(of: &Name, catalogue: &Catalogue, problems: &mut Problems) -> Shape {
    catalogue.named(&of.value).unwrap_or_else(|| {
        let message = format!("there is no type `{}`", of.value);
        let problem = Problem::error(codes::UNKNOWN_TYPE, of.span, message);
        problems.add(fit::with_near(problem, &of.value, catalogue.type_names()));
        Shape::Any
    })
}

impl Declared {
    /// What a verb takes.
    pub(crate) fn takes(&self, verb: Verb) -> Vec<(Arc<str>, Shape)> {
        let of_key = |(name, _): &&(Arc<str>, Shape)| self.book.key.contains(name);
        let of_unique = |(name, _): &&(Arc<str>, Shape)| self.book.unique.contains(name);
        match verb {
            Verb::Put => self.columns.clone(),
            Verb::Get | Verb::Forget => self.columns.iter().filter(of_key).cloned().collect(),
            Verb::Find => {
                let asked = self.columns.iter().filter(of_unique);
                asked.map(|(name, shape)| (Arc::clone(name), shape.present().clone().optional())).collect()
            }
        }
    }

    /// An entry as it is read.
    pub fn entry(&self) -> Shape {
        let kind = self.personal.then(|| Arc::from(format!("book {}", self.book.name)));
        let field = |(name, shape): &(Arc<str>, Shape)| {
            (Arc::clone(name), Field { personal: kind.clone(), ..Field::required(shape.clone()) })
        };
        Shape::Object(Arc::new(Object {
            fields: self.columns.iter().map(field).collect(),
            ..Object::default()
        }))
    }
}

/// The book and the verb of `book.verb`; problems for what is not there.
pub(super) fn resolve<'c>(
    target: &Name,
    catalogue: &'c Catalogue,
    problems: &mut Problems,
) -> Option<(&'c Declared, Verb)> {
    let (book, verb) = super::call::split(target);
    let declared = named(&book, catalogue, problems)?;
    let found = Verb::ALL.iter().find(|(word, _)| *word == &*verb.value).map(|(_, verb)| *verb);
    if found.is_none() {
        let message = format!("a book has no operation `{}`", verb.value);
        let problem = Problem::error(codes::UNKNOWN_OPERATION, verb.span, message);
        let words = Verb::ALL.iter().map(|(word, _)| *word);
        let problem = fit::with_near(problem, &verb.value, words);
        problems.add(if problem.help.is_none() {
            problem.help("books have get, find, put and forget")
        } else {
            problem
        });
    }
    Some((declared, found?))
}

/// The book of that name; a problem if there is none.
pub(super) fn named<'c>(
    book: &Name,
    catalogue: &'c Catalogue,
    problems: &mut Problems,
) -> Option<&'c Declared> {
    let found = catalogue.books.get(&book.value);
    if found.is_none() {
        let message = format!("there is no book `{}`", book.value);
        let problem = Problem::error(codes::UNKNOWN_BOOK, book.span, message);
        let names = catalogue.books.keys().map(|name| &**name);
        problems.add(match crate::shape::near(&book.value, names) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem
                .help(format!("declare it in flowrun.yaml: `memory: {{ {}: {{ key: [id] }} }}`", book.value)),
        });
    }
    found
}

/// A call of `memory.book.verb`; none if there is no such thing.
pub(super) fn call(
    node: &ast::Node,
    call: &ast::Call,
    target: &Name,
    desk: &mut Desk<'_>,
) -> Option<(Work, Shape)> {
    let (declared, verb) = resolve(target, desk.catalogue, desk.problems)?;
    direction(node, target, verb, desk);
    if let Some(fresh) = &call.fresh {
        let message = "a book is always read as it is: `fresh` says nothing here";
        desk.problems.add(Problem::error(codes::MISPLACED_KEY, fresh.span, message).help("leave it out"));
    }
    let takes = declared.takes(verb);
    if verb == Verb::Find {
        one_column(declared, call, target, desk);
    }
    let given = desk.parameters(&call.with, &takes, target);
    if verb == Verb::Put && !declared.personal {
        for ((name, typed), (given, _)) in given.iter().zip(&call.with) {
            told_in_the_clear(&declared.book, name, typed, given, desk);
        }
    }
    let work = Work::Call(Call {
        connection: MEMORY.into(),
        operation: Arc::clone(&target.value),
        with: given.into_iter().map(|(name, typed)| (name, typed.mapping)).collect(),
        repeat: verb.writes().then_some(Repeat::Safe),
        batch: node.each.is_some().then_some(BOOK_BATCH),
        changes: None,
        fresh: None,
        until: None,
        book: Some((Arc::clone(&declared.book), verb)),
    });
    Some((work, if verb.writes() { Shape::Null } else { declared.entry().optional() }))
}

/// Whether the kind of node fits the verb.
fn direction(node: &ast::Node, target: &Name, verb: Verb, desk: &mut Desk<'_>) {
    let kind = node.kind.value;
    if is_effect(kind) == verb.writes() && kind != ast::Kind::Writeback {
        return;
    }
    let (does, say) = if verb.writes() { ("writes to a book", "action") } else { ("only reads", "extract") };
    let message = format!("`{}` {does}", target.value);
    let problem = Problem::error(codes::DIRECTION, target.span, message).also(node.kind.span, "");
    desk.problems.add(problem.help(format!("make it `{say}: {}`", node.name.value)));
}

/// `find` looks by one unique column.
fn one_column(declared: &Declared, call: &ast::Call, target: &Name, desk: &mut Desk<'_>) {
    let unique = &declared.book.unique;
    let mut asked = call.with.iter().filter(|(name, _)| unique.contains(&name.value));
    let name = &declared.book.name;
    if unique.is_empty() {
        let message = format!("the book `{name}` has no unique column to find an entry by");
        let problem = Problem::error(codes::UNKNOWN_OPERATION, target.span, message);
        desk.problems.add(problem.help(format!("declare one: `memory: {{ {name}: {{ unique: […] }} }}`")));
    } else if asked.next().is_none() && call.with.is_empty() {
        let names: Vec<&str> = unique.iter().map(|name| &**name).collect();
        let message = format!("`{}` needs one of {}", target.value, names.join(", "));
        let problem = Problem::error(codes::MISSING_PARAMETER, target.span, message);
        desk.problems.add(problem.help("give it under `with:`"));
    } else if let Some((second, _)) = asked.next() {
        let message = format!("an entry is found by one column, `{}` is a second", second.value);
        desk.problems.add(Problem::error(codes::UNKNOWN_PARAMETER, second.span, message));
    }
}

/// What is put into a book that tells of nobody must not tell of a person.
fn told_in_the_clear(book: &Book, name: &str, typed: &Typed, given: &Name, desk: &mut Desk<'_>) {
    let Some(kind) = typed.personal.clone().or_else(|| personal(&typed.shape)) else { return };
    let message = format!(
        "`{name}` is personal data ({kind}), and the book `{}` does not say that it tells of persons",
        book.name
    );
    let problem = Problem::error(codes::PERSONAL, given.span, message);
    desk.problems
        .add(problem.help("say `personal: true` of the book in flowrun.yaml, or wrap it: `fingerprint(…)`"));
}

/// The kind of personal data that a value of this shape holds somewhere.
fn personal(shape: &Shape) -> Option<Arc<str>> {
    match shape {
        Shape::Object(object) => {
            object.fields.values().find_map(|field| field.personal.clone().or_else(|| personal(&field.shape)))
        }
        Shape::List(element) => personal(element),
        Shape::Optional(inner) => personal(inner),
        _ => None,
    }
}

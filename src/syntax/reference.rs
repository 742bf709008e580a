//! The table of keys as Markdown, for `docs/language.md`. In: [`super::keys`]. Out: text. It must never know more than the
//! table.

use std::fmt::Write as _;

use super::keys::{self, Choice, Key, Object, Rule, Want};

/// Where the reference stands in `docs/language.md`.
pub const BEGIN: &str = "<!-- reference -->";
/// Where it ends.
pub const END: &str = "<!-- reference end -->";

/// The reference of all files: for every object its keys, what they want, what they mean, an example.
pub fn markdown() -> String {
    let mut book = Book::default();
    for (title, object) in [
        ("Flows", &keys::FLOW),
        ("Fragments", &keys::FRAGMENT),
        ("Overlays", &keys::OVERLAY),
        ("Test files (`*.test.yaml`)", &keys::CASES),
        ("The estate (`flowrun.yaml`)", &keys::ESTATE),
        ("Connectors", &keys::CONNECTOR),
    ] {
        book.line(&format!("### {title}\n"));
        book.object(object);
        while let Some(next) = book.waiting.pop() {
            book.object(next);
        }
    }
    book.text
}

#[derive(Default)]
struct Book {
    text: String,
    told: Vec<*const Object>,
    waiting: Vec<&'static Object>,
}

impl Book {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    fn object(&mut self, object: &'static Object) {
        if self.told.contains(&std::ptr::from_ref(object)) {
            return;
        }
        self.told.push(object);
        self.line(&format!("**{}**: {}", capital(object.name), lower(object.doc)));
        for rule in object.rules {
            if let Rule::OneOf(keys) = rule {
                self.line(&format!("Exactly one of {}.", listed(keys)));
            }
        }
        self.line("\n| key | value | meaning | example |\n|---|---|---|---|");
        let mut inner = Vec::new();
        for key in object.keys() {
            self.key(key);
            below(&key.want, &mut inner);
        }
        self.line("");
        self.waiting.extend(inner.into_iter().rev());
    }

    fn key(&mut self, key: &Key) {
        let required = if key.required { ", required" } else { "" };
        let cell = |text: &str| text.replace('|', "\\|");
        let example = cell(key.example);
        self.line(&format!(
            "| `{}` | {}{required} | {} | `{example}` |",
            key.name,
            cell(&value(&key.want)),
            cell(key.doc)
        ));
    }
}

/// `a`, `b`, `c`.
fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The objects that stand below a key.
fn below(want: &Want, found: &mut Vec<&'static Object>) {
    let choice = |choice: &'static Choice| choice.of.iter().map(|(_, object)| *object);
    match want {
        Want::Object(object) => found.push(object),
        Want::Choice(of) => found.extend(choice(of)),
        Want::List(inner) | Want::Many(inner) | Want::Map(_, inner) | Want::Or(inner) => below(inner, found),
        Want::Either(text, object) => {
            below(text, found);
            below(object, found);
        }
        Want::Given => found.extend([&keys::EACH, &keys::USE]),
        _ => {}
    }
}

fn value(want: &Want) -> String {
    match want {
        Want::Text => "text".into(),
        Want::Name(_) => "name".into(),
        Want::Call => "`connection.operation`".into(),
        Want::Expression => "expression".into(),
        Want::Whole(least, most) => format!("whole number, {least} to {most}"),
        Want::Number(least, most) => format!("number, {least} to {most}"),
        Want::Bool => "true or false".into(),
        Want::Duration => "duration".into(),
        Want::Word(words) => listed(words),
        Want::Instant([]) => "instant".into(),
        Want::Instant(words) => format!("{}, instant", listed(words)),
        Want::Or(inner) => format!("{} or expression", value(inner)),
        Want::Reference => "`env:NAME`, `file:path`".into(),
        Want::Given => "value".into(),
        Want::Data => "data".into(),
        Want::Type => "type".into(),
        Want::Shape => "type or object of types".into(),
        Want::Object(object) => bare(object.name).to_owned(),
        Want::Choice(choice) => choice.name.to_owned(),
        Want::List(inner) => format!("list of {}", value(inner)),
        Want::Many(inner) => format!("{0} or list of {0}", value(inner)),
        Want::Map(_, inner) => format!("names: {}", value(inner)),
        Want::Either(text, object) => format!("{} or {}", value(text), value(object)),
    }
}

fn bare(name: &str) -> &str {
    name.trim_start_matches("a ").trim_start_matches("an ")
}

fn capital(name: &str) -> String {
    let bare = bare(name);
    let mut letters = bare.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn lower(doc: &str) -> String {
    let mut letters = doc.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

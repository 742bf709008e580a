//! A file held against the table of keys. In: a tree and what is wanted of it. Out: every problem of form, none twice and
//! none that only follows from another. It must never know what the file is used for.

use crate::{
    problem::{Problem, Problems, codes},
    shape::near,
    source::{Name, Scalar, Span},
    syntax::{
        duration,
        keys::{Choice, Key, Names, Object, Rule, Want},
    },
    yaml::{Kind, Node, Plain, plain},
};

/// Holds files against the table.
pub(super) struct Form<'p> {
    problems: &'p mut Problems,
    /// Objects may lack what they need: an overlay says only what it changes.
    partial: bool,
}

/// What is being read, for messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    key: &'a str,
    example: &'a str,
    /// An entry of the list that the key has.
    entry: bool,
}

impl Place<'_> {
    fn called(self) -> String {
        if self.entry { format!("an entry of `{}`", self.key) } else { format!("`{}`", self.key) }
    }
}

impl<'p> Form<'p> {
    pub(super) fn new(problems: &'p mut Problems) -> Self {
        Self { problems, partial: false }
    }

    /// The same for a file that only changes another.
    pub(super) fn partial(problems: &'p mut Problems) -> Self {
        Self { problems, partial: true }
    }

    /// A whole file: an object.
    pub(super) fn file(&mut self, node: &Node, object: &'static Object) {
        self.object(node, object, Place { key: object.name, example: "", entry: false }, None, None);
    }

    /// An example of the table.
    #[cfg(test)]
    pub(super) fn example(&mut self, node: &Node, want: &Want) {
        self.value(node, want, Place { key: "example", example: "", entry: false });
    }

    fn problem(&mut self, code: &'static str, span: Span, message: String, help: impl Into<String>) {
        let help = help.into();
        let problem = Problem::error(code, span, message);
        self.problems.add(if help.is_empty() { problem } else { problem.help(help) });
    }

    fn value(&mut self, node: &Node, want: &Want, place: Place<'_>) {
        if node.kind == Kind::Null && !matches!(want, Want::Data) {
            return self.null(node, want, place);
        }
        match want {
            Want::Given => self.given(node, place),
            Want::Data => {}
            Want::Type => self.types(node, place, false),
            Want::Shape => self.types(node, place, true),
            Want::Object(object) => self.object(node, object, place, None, None),
            Want::Choice(choice) => self.choice(node, choice, place),
            Want::List(inner) => match &node.kind {
                Kind::List(items) => self.entries(items, inner, place),
                _ => self.kind(node, want, place),
            },
            Want::Many(inner) => match &node.kind {
                Kind::List(items) => self.entries(items, inner, place),
                _ => self.value(node, inner, place),
            },
            Want::Map(names, inner) => self.map(node, *names, inner, want, place),
            Want::Either(text, object) => {
                let chosen = if matches!(node.kind, Kind::Scalar(_)) { text } else { object };
                self.value(node, chosen, place);
            }
            _ => match &node.kind {
                Kind::Scalar(scalar) => self.scalar(node, scalar, want, place),
                _ => self.kind(node, want, place),
            },
        }
    }

    fn entries(&mut self, items: &[Node], want: &Want, place: Place<'_>) {
        items.iter().for_each(|item| self.value(item, want, Place { entry: true, ..place }));
    }

    fn null(&mut self, node: &Node, want: &Want, place: Place<'_>) {
        if node.span.start == node.span.end {
            let message = format!("{} has no value", place.called());
            let sent =
                if matches!(want, Want::Given) { "; to send nothing on purpose, write null" } else { "" };
            self.problem(
                codes::EMPTY,
                node.span,
                message,
                format!(
                    "{}{sent}",
                    if place.example.is_empty() {
                        "write a value after the colon".to_owned()
                    } else {
                        example(place)
                    }
                ),
            );
        } else if !matches!(want, Want::Given) {
            self.kind(node, want, place);
        }
    }

    fn kind(&mut self, node: &Node, want: &Want, place: Place<'_>) {
        let message = format!("{} wants {}, found {}", place.called(), wanted(want), found(node));
        self.problem(codes::KIND, mark(node), message, example(place));
    }

    fn scalar(&mut self, node: &Node, scalar: &Scalar, want: &Want, place: Place<'_>) {
        let text = &*scalar.text;
        let expression = text.contains("{{");
        match want {
            Want::Expression => {}
            Want::Or(_) if expression => {}
            Want::Or(inner) => self.scalar(node, scalar, inner, place),
            Want::Reference => self.reference(node, text, place),
            _ if expression => {
                let message = format!("{} wants {}, found an expression", place.called(), wanted(want));
                self.problem(
                    codes::KIND,
                    node.span,
                    message,
                    format!("expressions are not read here; {}", example(place)),
                );
            }
            Want::Name(names) => self.name(text, node.span, *names, place.key),
            Want::Call => self.call(text, node.span, place),
            Want::Whole(least, most) => {
                let number =
                    (scalar.plain && !text.starts_with('+')).then(|| text.parse::<u64>().ok()).flatten();
                match number {
                    None => self.kind(node, want, place),
                    Some(number) if (u64::from(*least)..=u64::from(*most)).contains(&number) => {}
                    Some(_) => self.range(node, text, &format!("{least} to {most}"), place),
                }
            }
            Want::Number(least, most) => match (plain(text), text.parse::<f64>()) {
                (Plain::Number(_), Ok(number)) if (*least..=*most).contains(&number) => {}
                (Plain::Number(_), Ok(_)) => self.range(node, text, &format!("{least} to {most}"), place),
                _ => self.kind(node, want, place),
            },
            Want::Bool if !(scalar.plain && matches!(plain(text), Plain::Bool(_))) => {
                let message = format!("{} wants true or false, found `{}`", place.called(), short(text));
                let yes = matches!(&*text.to_lowercase(), "yes" | "on" | "true" | "y" | "1");
                let no = matches!(&*text.to_lowercase(), "no" | "off" | "false" | "n" | "0");
                let help = if yes {
                    "write `true`"
                } else if no {
                    "write `false`"
                } else {
                    "write `true` or `false`"
                };
                self.problem(codes::KIND, node.span, message, help);
            }
            Want::Duration if duration::duration(text).is_none() => {
                let message = format!("{} wants a duration, found `{}`", place.called(), short(text));
                self.problem(codes::DURATION, node.span, message, format!("write {}", duration::FORM));
            }
            Want::Word(words) if !words.contains(&text) => self.word(text, node.span, words, "", place),
            Want::Instant(words) if !words.contains(&text) && !looks_like_instant(text) => {
                self.word(text, node.span, words, " or an instant such as 2026-01-31T10:00:00Z", place);
            }
            Want::Text if text.is_empty() => {
                self.problem(codes::EMPTY, node.span, format!("{} is empty", place.called()), example(place));
            }
            _ => {}
        }
    }

    fn range(&mut self, node: &Node, text: &str, bounds: &str, place: Place<'_>) {
        let message = format!("{} is {}, expected {bounds}", place.called(), short(text));
        self.problem(codes::NUMBER, node.span, message, example(place));
    }

    fn word(&mut self, text: &str, span: Span, words: &[&'static str], more: &str, place: Place<'_>) {
        let message = format!("{} cannot be `{}`", place.called(), short(text));
        let help = match near(text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("expected {}{more}", listed(words.iter().copied())),
        };
        self.problem(codes::WORD, span, message, help);
    }

    /// A secret's reference. What was found is never told: it may be the secret.
    fn reference(&mut self, node: &Node, text: &str, place: Place<'_>) {
        let named = text.strip_prefix("env:").or_else(|| text.strip_prefix("file:"));
        if named.is_none_or(|name| name.trim().is_empty()) {
            let message = format!("{} must say where the secret is, not what it is", place.called());
            let help = "write `env:NAME` or `file:path`; a secret that stood in a file is no secret any more: replace it";
            let problem = Problem::error(codes::INLINE_SECRET, node.span, message).help(help);
            self.problems.add(problem.hides(node.span));
        }
    }

    fn name(&mut self, text: &str, span: Span, names: Names, what: &str) {
        let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let good = match names {
            Names::Free => !text.contains("{{"),
            Names::Call => {
                text.split('.').all(|part| !part.is_empty() && letters(part)) && text.contains('.')
            }
            _ => {
                letters(text)
                    && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                    && text.len() <= 64
            }
        };
        if names.reserved().contains(&text) {
            let message = format!("the name `{text}` is kept for the language");
            self.problem(codes::RESERVED, span, message, "choose another name");
        } else if !good {
            let (wants, help) = match names {
                Names::Free => ("a constant", "keys cannot be made by expressions".to_owned()),
                Names::Call => ("`connection.operation`", "for example `store.get_order`".to_owned()),
                _ => ("a name", format!("a name has letters, digits and `_`{}", proposal(text))),
            };
            let message = format!("`{what}` wants {wants}, found `{}`", short(text));
            self.problem(codes::NAME, span, message, help);
        }
    }

    fn call(&mut self, text: &str, span: Span, place: Place<'_>) {
        let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let parts: Vec<_> = text.split('.').collect();
        let good = parts.iter().all(|part| !part.is_empty() && letters(part));
        if !good || !(2..=3).contains(&parts.len()) {
            let message = format!("{} wants `connection.operation`, found `{}`", place.called(), short(text));
            self.problem(codes::NAME, span, message, example(place));
        }
    }

    fn map(&mut self, node: &Node, names: Names, inner: &Want, want: &Want, place: Place<'_>) {
        let Kind::Map(entries) = &node.kind else { return self.kind(node, want, place) };
        for (name, value) in entries {
            self.name(&name.value, name.span, names, place.key);
            self.value(value, inner, Place { key: &name.value, example: "", entry: false });
        }
    }

    fn given(&mut self, node: &Node, place: Place<'_>) {
        match &node.kind {
            Kind::List(items) => self.entries(items, &Want::Given, place),
            Kind::Map(entries) => match super::keys::given(entries.iter().map(|(name, _)| &*name.value)) {
                Some(object) => self.object(node, object, place, None, None),
                None => self.map(node, Names::Free, &Want::Given, &Want::Given, place),
            },
            _ => {}
        }
    }

    fn types(&mut self, node: &Node, place: Place<'_>, objects: bool) {
        let word = |letter: char| {
            letter.is_ascii_alphanumeric()
                || matches!(letter, '_' | '.' | '?' | '[' | ']' | ' ' | '=' | '-' | ':' | '/')
        };
        match &node.kind {
            Kind::Scalar(scalar) if !scalar.text.is_empty() && scalar.text.chars().all(word) => {}
            Kind::List(items) if items.len() == 1 => self.types(&items[0], place, objects),
            Kind::Map(entries) if objects => {
                entries.iter().for_each(|(name, value)| {
                    self.value(value, &Want::Shape, Place { key: &name.value, example: "", entry: false });
                });
            }
            _ => self.kind(node, if objects { &Want::Shape } else { &Want::Type }, place),
        }
    }

    fn choice(&mut self, node: &Node, choice: &'static Choice, place: Place<'_>) {
        let Kind::Map(entries) = &node.kind else { return self.kind(node, &Want::Choice(choice), place) };
        let of = |name: &str| choice.of.iter().find(|(key, _)| *key == name);
        let mut kinds =
            entries.iter().filter_map(|(name, _)| of(&name.value).map(|(_, object)| (name, *object)));
        match (kinds.next(), kinds.next()) {
            (Some((_, object)), None) => self.object(node, object, place, Some(choice), None),
            (Some((first, _)), Some((second, _))) => {
                let message = format!("`{}` and `{}` in one {}", first.value, second.value, choice.name);
                let problem = Problem::error(codes::ONE_OF, second.span, message).says("and this");
                let help =
                    format!("a {} is one of {}", choice.name, listed(choice.of.iter().map(|(key, _)| *key)));
                self.problems.add(problem.also(first.span, "this").help(help));
            }
            _ => self.no_kind(node, entries, choice, place),
        }
    }

    /// An object that lacks the key that tells its kind: misspelt, or not there.
    fn no_kind(&mut self, node: &Node, entries: &[(Name, Node)], choice: &'static Choice, place: Place<'_>) {
        let kinds = || choice.of.iter().map(|(key, _)| *key);
        let known = |name: &str| choice.of.iter().any(|(_, object)| object.key(name).is_some());
        let unknown = || entries.iter().map(|(name, _)| name).filter(|name| !known(&name.value));
        let meant = unknown().find_map(|name| near(&name.value, kinds()).map(|key| (name, key)));
        if let Some((name, key)) = meant {
            let message =
                format!("unknown key `{}` where the kind of {} is wanted", short(&name.value), choice.name);
            self.problem(codes::UNKNOWN_KEY, name.span, message, format!("did you mean `{key}`?"));
            if let Some((_, object)) = choice.of.iter().find(|(of, _)| *of == key) {
                self.object(node, object, place, Some(choice), Some((name, key)));
            }
            return;
        }
        let message = format!("this {} does not say what it is", choice.name);
        let help = format!("it begins with one of {}", listed(kinds()));
        self.problem(codes::ONE_OF, entries.first().map_or(node.span, |(name, _)| name.span), message, help);
    }

    /// An object with known keys. `misspelt` is a key already told of, and what it was meant to be.
    fn object(
        &mut self,
        node: &Node,
        object: &'static Object,
        place: Place<'_>,
        choice: Option<&'static Choice>,
        misspelt: Option<(&Name, &'static str)>,
    ) {
        let Kind::Map(entries) = &node.kind else { return self.kind(node, &Want::Object(object), place) };
        let mut there: Vec<&str> = misspelt.iter().map(|(_, key)| *key).collect();
        for (name, value) in
            entries.iter().filter(|(name, _)| misspelt.is_none_or(|(known, _)| known != name))
        {
            if let Some(key) = object.key(&name.value) {
                there.push(key.name);
                self.known(name, value, key);
            } else {
                let free = object
                    .keys()
                    .map(|key| key.name)
                    .filter(|key| !entries.iter().any(|(name, _)| &*name.value == *key));
                there.extend(self.unknown((name, value), object, choice, near(&name.value, free)));
            }
        }
        if !self.partial {
            let start = entries.first().map_or(node.span, |(name, _)| name.span);
            self.missing(start, object, &there);
        }
        self.needs(entries, object, &there);
    }

    fn known(&mut self, name: &Name, value: &Node, key: &Key) {
        let place = Place { key: key.name, example: key.example, entry: false };
        let empty = match &value.kind {
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            _ => false,
        };
        let object = !matches!(key.want, Want::Given | Want::Data | Want::Map(..));
        if empty && (key.required || matches!(key.want, Want::List(_))) && object {
            self.problem(codes::EMPTY, value.span, format!("`{}` is empty", name.value), example(place));
        } else {
            self.value(value, &key.want, place);
        }
    }

    fn unknown(
        &mut self,
        (name, value): (&Name, &Node),
        object: &'static Object,
        choice: Option<&'static Choice>,
        meant: Option<&'static str>,
    ) -> Option<&'static str> {
        let has = |(_, other): &&(&str, &'static Object)| other.key(&name.value).is_some();
        let owners: Vec<_> =
            choice.iter().flat_map(|choice| choice.of).filter(has).map(|(key, _)| *key).collect();
        if owners.is_empty() {
            let message = format!("unknown key `{}` in {}", short(&name.value), object.name);
            let known = || listed(object.keys().map(|key| key.name)).replace(" or ", " and ");
            let help = meant.map_or_else(
                || format!("known keys are {}", known()),
                |key| format!("did you mean `{key}`?"),
            );
            let mut problem = Problem::error(codes::UNKNOWN_KEY, name.span, message).help(help);
            if object.rules.iter().any(|rule| matches!(rule, Rule::Private)) {
                problem = problem.hides(value.span);
            }
            self.problems.add(problem);
            return meant;
        }
        let message = format!("`{}` is no key of {}", name.value, object.name);
        self.problem(codes::MISPLACED_KEY, name.span, message, format!("it belongs to {}", listed(owners)));
        None
    }

    fn missing(&mut self, start: Span, object: &'static Object, there: &[&str]) {
        for key in object.keys().filter(|key| key.required && !there.contains(&key.name)) {
            let message = format!("missing key `{}` in {}", key.name, object.name);
            self.problem(
                codes::MISSING_KEY,
                start,
                message,
                format!("add it, for example `{}: {}`", key.name, key.example),
            );
        }
        for rule in object.rules {
            if let Rule::OneOf(keys) = rule
                && !keys.iter().any(|key| there.contains(key))
            {
                let message = format!("{} wants one of {}", object.name, listed(keys.iter().copied()));
                self.problem(codes::ONE_OF, start, message, "add one of them");
            }
        }
    }

    fn needs(&mut self, entries: &[(Name, Node)], object: &'static Object, there: &[&str]) {
        let written = |key: &str| entries.iter().map(|(name, _)| name).find(|name| &*name.value == key);
        for rule in object.rules {
            match rule {
                Rule::OneOf(keys) => {
                    let mut found = keys.iter().filter_map(|key| written(key));
                    if let (Some(first), Some(second)) = (found.next(), found.next()) {
                        let message = format!("`{}` and `{}` exclude one another", first.value, second.value);
                        let problem = Problem::error(codes::ONE_OF, second.span, message).says("and this");
                        self.problems.add(problem.also(first.span, "this").help("keep one of them"));
                    }
                }
                Rule::Private => {}
                Rule::Needs(key, needed) => {
                    if let Some(name) = written(key).filter(|_| !there.contains(needed) && !self.partial) {
                        let message = format!("`{key}` needs `{needed}` beside it");
                        let shown = object.key(needed).map_or("", |key| key.example);
                        self.problem(
                            codes::MISSING_KEY,
                            name.span,
                            message,
                            format!("add it, for example `{needed}: {shown}`"),
                        );
                    }
                }
            }
        }
    }
}

/// Where to point for a value of the wrong kind: all of a scalar, the first sign of a list or an object.
fn mark(node: &Node) -> Span {
    match &node.kind {
        Kind::Map(entries) => entries.first().map_or(node.span, |(name, _)| name.span),
        Kind::List(items) => items.first().map_or(node.span, mark),
        _ => node.span,
    }
}

fn found(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Null => "null",
        Kind::List(_) => "a list",
        Kind::Map(_) => "an object",
        Kind::Scalar(scalar) if !scalar.plain => "text",
        Kind::Scalar(scalar) => match plain(&scalar.text) {
            Plain::Null => "null",
            Plain::Bool(_) => "a boolean",
            Plain::Number(_) => "a number",
            Plain::Text(_) => "text",
        },
    }
}

fn wanted(want: &Want) -> String {
    match want {
        Want::Text => "text".into(),
        Want::Name(_) => "a name".into(),
        Want::Call => "`connection.operation`".into(),
        Want::Expression => "a value or an expression".into(),
        Want::Whole(..) => "a whole number".into(),
        Want::Number(..) => "a number".into(),
        Want::Bool => "true or false".into(),
        Want::Duration => "a duration".into(),
        Want::Word(words) => listed(words.iter().copied()),
        Want::Instant(_) => "an instant".into(),
        Want::Or(inner) => format!("{} or an expression", wanted(inner)),
        Want::Reference => "`env:NAME` or `file:path`".into(),
        Want::Given | Want::Data => "a value".into(),
        Want::Type => "a type or a list of one".into(),
        Want::Shape => "a type, a list of one, or an object of types".into(),
        Want::Object(_) | Want::Choice(_) | Want::Map(..) => "an object".into(),
        Want::List(_) => "a list".into(),
        Want::Many(inner) => format!("{} or a list of them", wanted(inner)),
        Want::Either(text, object) => format!("{} or {}", wanted(text), wanted(object)),
    }
}

/// Nothing if there is none to show.
fn example(place: Place<'_>) -> String {
    if place.example.is_empty() {
        String::new()
    } else {
        format!("for example `{}: {}`", place.key, place.example)
    }
}

/// `a`, `b` or `c`.
fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Found text, short enough for a message.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let cut: String = line.chars().take(40).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// A name made of what was written, if that is one.
fn proposal(text: &str) -> String {
    let letters = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = text.chars().map(letters).collect();
    let name = name.trim_matches('_');
    let good = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= 64;
    if good { format!(": `{name}`") } else { String::new() }
}

/// A date at least; whether it is an instant is for those who know a calendar.
fn looks_like_instant(text: &str) -> bool {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    (0..4).all(digit) && text.as_bytes().get(4) == Some(&b'-') && digit(5) && digit(6)
}

//! Objects: known keys, unknown keys, missing keys, and what must hold between keys. In: an object and its table. Out: what
//! is wrong with it, one problem a fault. It must never complain twice of one thing.

use super::{
    Form, Place,
    words::{example, listed, short},
};
use crate::{
    problem::{Problem, codes},
    shape::near,
    source::{Name, Span},
    syntax::keys::{Choice, Key, Object, Rule, Want},
    yaml::{Kind, Node},
};

impl Form<'_> {
    pub(super) fn choice(&mut self, node: &Node, choice: &'static Choice, place: Place<'_>) {
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
            self.meant.insert(name.span, key);
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
    pub(super) fn object(
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
        if let Some((known, key)) = misspelt {
            let value = entries.iter().find(|(name, _)| name == known).map(|(_, value)| value);
            if let Some(value) = value {
                self.below((known, value), object, Some(key));
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
            self.below((name, value), object, meant);
            return meant;
        }
        let message = format!("`{}` is no key of {}", name.value, object.name);
        self.problem(codes::MISPLACED_KEY, name.span, message, format!("it belongs to {}", listed(owners)));
        None
    }

    /// What stands below a misspelt key is read as below the one that was meant, so that its own problems are told too.
    fn below(&mut self, (name, value): (&Name, &Node), object: &'static Object, meant: Option<&'static str>) {
        if let Some(key) = meant {
            self.meant.insert(name.span, key);
        }
        if let (Some(key), Kind::Map(_) | Kind::List(_)) =
            (meant.and_then(|key| object.key(key)), &value.kind)
        {
            self.value(value, &key.want, Place { key: key.name, example: key.example, entry: false });
        }
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
        // Each key that is missing is told once.
        let mut told: Vec<&str> = Vec::new();
        for rule in object.rules {
            if let Rule::OneOf(keys) = rule
                && !keys.iter().any(|key| there.contains(key))
            {
                told.extend(*keys);
            }
        }
        told.extend(object.keys().filter(|key| key.required).map(|key| key.name));
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
                    let lacks = !there.contains(needed) && !told.contains(needed) && !self.partial;
                    if let Some(name) = written(key).filter(|_| lacks) {
                        told.push(needed);
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

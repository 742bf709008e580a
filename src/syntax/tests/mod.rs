//! Files read whole: what is good gives an AST, what is not gives every problem.
use super::*;
use crate::{
    problem::draw::{Style, draw},
    source::Sources,
    yaml,
};

/// Reads with one of the readers; gives what was read and the problems, drawn.
pub(super) fn read<T>(text: &str, reader: fn(&Node, &mut Problems) -> Option<T>) -> (Option<T>, String) {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Problems::default();
    let tree = yaml::read(&sources, file, &mut problems);
    let found = tree.and_then(|tree| reader(&tree, &mut problems));
    (found, draw(&problems.into_sorted(), &sources, Style::PLAIN))
}

/// Reads a file that must be good.
#[track_caller]
pub(super) fn good<T>(text: &str, reader: fn(&Node, &mut Problems) -> Option<T>) -> T {
    let (found, problems) = read(text, reader);
    assert_eq!("", problems, "{text}");
    found.expect("a good file is read")
}

mod mutation;
mod reading;

mod table {
    //! The table of keys itself.
    use super::*;
    use crate::syntax::keys::{Object, Want};

    fn walk(object: &'static Object, seen: &mut Vec<&'static Object>) {
        if seen.iter().any(|known| std::ptr::eq(*known, object)) {
            return;
        }
        seen.push(object);
        object.keys().for_each(|key| inner(&key.want, seen));
    }

    fn inner(want: &Want, seen: &mut Vec<&'static Object>) {
        match want {
            Want::Object(object) => walk(object, seen),
            Want::Choice(choice) => choice.of.iter().for_each(|(_, object)| walk(object, seen)),
            Want::List(want) | Want::Many(want) | Want::Map(_, want) | Want::Or(want) => inner(want, seen),
            Want::Either(one, other) => {
                inner(one, seen);
                inner(other, seen);
            }
            Want::Given => [&keys::EACH, &keys::USE].iter().for_each(|object| walk(object, seen)),
            _ => {}
        }
    }

    fn objects() -> Vec<&'static Object> {
        let mut seen = Vec::new();
        let files =
            [&keys::FLOW, &keys::OVERLAY, &keys::FRAGMENT, &keys::CONNECTOR, &keys::ESTATE, &keys::CASES];
        for object in files {
            walk(object, &mut seen);
        }
        seen
    }

    #[test]
    fn every_example_is_what_its_key_wants() {
        for object in objects() {
            for key in object.keys() {
                let mut sources = Sources::default();
                let file = sources.add("example", key.example);
                let mut problems = Problems::default();
                let tree = yaml::read(&sources, file, &mut problems);
                let tree = tree.unwrap_or_else(|| panic!("`{}` of {}: no YAML", key.name, object.name));
                form::Form::partial(&mut problems).example(&tree, &key.want);
                let shown = draw(&problems.into_sorted(), &sources, Style::PLAIN);
                assert_eq!("", shown, "`{}` of {}", key.name, object.name);
            }
        }
    }

    #[test]
    fn no_object_has_a_key_twice_and_rules_name_its_keys() {
        use crate::syntax::keys::Rule;
        for object in objects() {
            let mut names: Vec<_> = object.keys().map(|key| key.name).collect();
            for rule in object.rules {
                let mentioned: Vec<_> = match rule {
                    Rule::OneOf(keys) => keys.to_vec(),
                    Rule::Needs(key, needed) => vec![*key, *needed],
                    Rule::Private => Vec::new(),
                };
                assert!(
                    mentioned.iter().all(|key| object.key(key).is_some()),
                    "{}: {mentioned:?}",
                    object.name
                );
            }
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(count, names.len(), "{}", object.name);
            assert!(
                object.name.starts_with("a ") || object.name.starts_with("an ") || !object.name.contains('`')
            );
        }
    }
}

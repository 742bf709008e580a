//! Dotted paths into values: `billing.country`, `lines[0].sku`. In: text. Out: steps, and what they lead to.

use std::{fmt, sync::Arc};

use super::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Key(Arc<str>),
    /// An element of a list; negative counts from the end.
    At(i64),
}

/// Steps, the outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Reads a dotted path; none if it is no such path.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, indexes) =
                part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
            if name.is_empty() || name.contains([']', ' ', '(']) {
                return None;
            }
            steps.push(Step::Key(name.into()));
            let Some(indexes) = indexes else { continue };
            for index in indexes.strip_suffix(']')?.split("][") {
                steps.push(Step::At(index.parse().ok()?));
            }
        }
        Some(Self(steps))
    }

    /// What it leads to, if every step is there.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::At(index) => value.at(*index),
        })
    }

    /// The names in it; list steps leave none.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key),
            Step::At(_) => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => out.write_str(key)?,
                Step::Key(key) => write!(out, ".{key}")?,
                Step::At(at) => write!(out, "[{at}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_somewhere_or_nowhere() {
        let order = Value::parse(br#"{"a":{"b":[{"c":7},{"c":8}]}}"#).unwrap();
        for (path, found) in [
            ("a.b[0].c", Some("7")),
            ("a.b[-1].c", Some("8")),
            ("a.x", None),
            ("a.b[2]", None),
            ("a.b.c", None),
        ] {
            let path = Path::parse(path).unwrap();
            assert_eq!(path.find(&order).map(Value::to_json).as_deref(), found, "{path}");
            assert_eq!(Path::parse(&path.to_string()), Some(path));
        }
        for text in ["", "a..b", "a[x]", "a b", "a[0", ".a"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }
}

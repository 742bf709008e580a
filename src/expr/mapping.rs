//! Values made of many scalars: `fields:`, `with:`, nested `each`, fragments put in place.

use std::sync::Arc;

use super::{Env, Error, Inferred, Read, Scope, Slot, Template, infer, reads, scope::Bound};
use crate::value::{Value, map_with_capacity};

/// How a value is made.
#[derive(Clone, Debug)]
pub enum Mapping {
    /// A scalar.
    Template(Template),
    /// A constant: a plain YAML number, boolean or null.
    Const(Value),
    /// A list; elements that say `omit` are left out.
    List(Vec<Mapping>),
    /// An object; members that say `omit` are left out.
    Object(Vec<(Arc<str>, Mapping)>),
    /// One value for every element of a list.
    Each {
        /// The list.
        list: Template,
        /// What the element is called inside.
        slot: Slot,
        /// Which elements count.
        filter: Option<Template>,
        /// What each gives.
        body: Box<Mapping>,
    },
    /// Names bound in turn, each may use those before it, and what is made with them.
    Let {
        /// The names and their values; one that says `omit` is null.
        bind: Vec<(Slot, Mapping)>,
        /// What is made.
        body: Box<Mapping>,
    },
}

impl Mapping {
    /// Its value; none if it says `omit`.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Option<Value>, Error> {
        self.eval_bound(scope, None)
    }

    fn eval_bound(&self, scope: &Scope<'_>, bound: Option<&Bound<'_>>) -> Result<Option<Value>, Error> {
        match self {
            Self::Template(template) => template.eval_bound(scope, bound),
            Self::Const(value) => Ok(Some(value.clone())),
            Self::List(items) => {
                let mut made = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    made.extend(
                        item.eval_bound(scope, bound).map_err(|error| error.within(&format!("[{index}]")))?,
                    );
                }
                Ok(Some(made.into()))
            }
            Self::Object(members) => {
                let mut made = map_with_capacity(members.len());
                for (name, member) in members {
                    if let Some(value) =
                        member.eval_bound(scope, bound).map_err(|error| error.within(name))?
                    {
                        made.insert(Arc::clone(name), value);
                    }
                }
                Ok(Some(made.into()))
            }
            Self::Each { list, slot, filter, body } => {
                each((list, *slot, filter.as_ref()), body, scope, bound)
            }
            Self::Let { bind, body } => bind_all(bind, body, scope, bound),
        }
    }

    /// The shape of its value, and what is wrong with it; see [`Template::infer`].
    pub fn infer(&self, env: &mut Env<'_>) -> Inferred {
        infer::mapping(self, env)
    }

    /// What it reads from outside: reads of the names it binds itself are told as reads of what they are bound to.
    pub fn reads(&self) -> Vec<Read> {
        reads::mapping(self)
    }

    /// Every template in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Template(template) => vec![template],
            Self::Const(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.templates()).collect(),
            Self::Each { list, filter, body, .. } => {
                let mut all = vec![list];
                all.extend(filter);
                all.extend(body.templates());
                all
            }
            Self::Let { bind, body } => {
                let mut all: Vec<_> = bind.iter().flat_map(|(_, value)| value.templates()).collect();
                all.extend(body.templates());
                all
            }
        }
    }
}

fn each(
    (list, slot, filter): (&Template, Slot, Option<&Template>),
    body: &Mapping,
    scope: &Scope<'_>,
    bound: Option<&Bound<'_>>,
) -> Result<Option<Value>, Error> {
    let value = list.eval_bound(scope, bound)?.unwrap_or_default();
    let Value::List(items) = &value else {
        let place = (0, list.text().len() as u32);
        let help = if value.is_null() { ": give it one with `| default([])`" } else { "" };
        return Err(
            list.told(Error::new(place, format!("`each` needs a list, found {}{help}", value.kind())))
        );
    };
    let mut made = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let bound = Bound { slot, value: item, outer: bound };
        let within = |error: Error| error.within(&format!("[{index}]"));
        if let Some(filter) = filter
            && !filter.eval_bound(scope, Some(&bound)).map_err(within)?.is_some_and(|value| value.truth())
        {
            continue;
        }
        made.extend(body.eval_bound(scope, Some(&bound)).map_err(within)?);
    }
    Ok(Some(made.into()))
}

fn bind_all(
    bind: &[(Slot, Mapping)],
    body: &Mapping,
    scope: &Scope<'_>,
    bound: Option<&Bound<'_>>,
) -> Result<Option<Value>, Error> {
    match bind.split_first() {
        None => body.eval_bound(scope, bound),
        Some(((slot, value), rest)) => {
            let value = value.eval_bound(scope, bound)?.unwrap_or_default();
            let bound = Bound { slot: *slot, value: &value, outer: bound };
            bind_all(rest, body, scope, Some(&bound))
        }
    }
}

//! Every scalar of a node that may hold an expression. In: the tree of a node. Out: the scalars, each with the names that
//! `as:` binds around it. It must never know what an expression means.

use crate::{
    source::{Name, Scalar},
    syntax::ast::{Call, Check, Decide, Given, Node, Work},
};

/// A scalar and where it stands.
pub(super) struct Place<'a> {
    pub(super) scalar: &'a Scalar,
    /// Names bound by `as:` around it.
    pub(super) bound: Vec<&'a Name>,
    /// Whether it stands in the node's own `expect` or `warn`, where the node is called `result`.
    pub(super) own: bool,
}

/// All scalars of a node, in the order of the file as far as that matters to nobody.
pub(super) fn scalars(node: &Node) -> Vec<Place<'_>> {
    let mut walk = Walk { found: Vec::new(), bound: Vec::new(), own: false };
    walk.maybe(node.condition.as_ref());
    if let Some(each) = &node.each {
        walk.scalar(&each.list);
        walk.bound.push(&each.name);
        for scalar in [&each.filter, &each.by, &each.apart] {
            walk.maybe(scalar.as_ref());
        }
    }
    match &node.work {
        Work::Map { body, .. } => walk.given(body),
        Work::Decide(decide) => walk.decide(decide),
        Work::Call(call) => walk.call(call),
    }
    walk.own = true;
    if let Work::Call(call) = &node.work {
        walk.maybe(call.timing.until.as_ref());
    }
    walk.checks(&node.expect);
    walk.checks(&node.warn);
    walk.found
}

/// All scalars of a value.
pub(super) fn given(given: &Given) -> Vec<&Scalar> {
    let mut walk = Walk { found: Vec::new(), bound: Vec::new(), own: false };
    walk.given(given);
    walk.found.into_iter().map(|place| place.scalar).collect()
}

struct Walk<'a> {
    found: Vec<Place<'a>>,
    bound: Vec<&'a Name>,
    own: bool,
}

impl<'a> Walk<'a> {
    fn scalar(&mut self, scalar: &'a Scalar) {
        self.found.push(Place { scalar, bound: self.bound.clone(), own: self.own });
    }

    fn maybe(&mut self, scalar: Option<&'a Scalar>) {
        if let Some(scalar) = scalar {
            self.scalar(scalar);
        }
    }

    fn given(&mut self, given: &'a Given) {
        match given {
            Given::Scalar(scalar) => self.scalar(scalar),
            Given::List(items, _) => items.iter().for_each(|item| self.given(item)),
            Given::Object(members, _) => self.members(members),
            Given::Each(each) => {
                self.scalar(&each.list);
                self.bound.push(&each.name);
                self.maybe(each.filter.as_ref());
                self.given(&each.body);
                self.bound.pop();
            }
            Given::Use(put) => self.members(&put.with),
        }
    }

    fn members(&mut self, members: &'a [(Name, Given)]) {
        for (_, value) in members {
            self.given(value);
        }
    }

    fn decide(&mut self, decide: &'a Decide) {
        let all = decide.choose.iter().chain(&decide.ignore).chain(&decide.reject);
        all.for_each(|(_, scalar)| self.scalar(scalar));
    }

    fn call(&mut self, call: &'a Call) {
        self.members(&call.with);
        self.maybe(call.timing.at.as_ref());
    }

    fn checks(&mut self, checks: &'a [Check]) {
        for check in checks {
            self.scalar(&check.that);
            self.scalar(&check.otherwise);
        }
    }
}

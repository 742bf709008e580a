//! A plan walked without an engine: its pure nodes are worked out in their order, reads are answered by whoever walks, writes
//! are left out. In: a plan, an event, answers. Out: what every node gave, or where it stopped and why.

use std::{collections::BTreeMap, sync::Arc};

use flowrun::{
    expr::{Mapping, Root, Scope, Template},
    plan::{Call, Decide, Each, Node, Plan, Slots, Work},
    value::Value,
};

/// How a walk ended.
pub enum Ended {
    /// At the node asked for, or past the last one: what each node gave.
    There(BTreeMap<Arc<str>, Value>),
    /// A gate stopped it: node and outcome.
    Stopped(Arc<str>, Arc<str>),
}

/// Answers a read: operation and parameters.
pub type Answers<'a> = &'a dyn Fn(&str, &Value) -> Value;

#[derive(Clone)]
enum Held {
    Unset,
    Skipped,
    Value(Value),
}

fn root(held: &Held) -> Root<'_> {
    match held {
        Held::Unset => Root::Unset,
        Held::Skipped => Root::Skipped,
        Held::Value(value) => Root::Value(value),
    }
}

struct Walk<'a> {
    plan: &'a Plan,
    answers: Answers<'a>,
    held: Vec<Held>,
}

/// Walks up to and with the node of that name.
pub fn walk(plan: &Plan, event: &Value, until: &str, answers: Answers<'_>) -> Result<Ended, String> {
    let mut walk = Walk { plan, answers, held: vec![Held::Unset; usize::from(plan.slots.count)] };
    walk.held[usize::from(Slots::EVENT)] = Held::Value(event.clone());
    walk.held[usize::from(Slots::CONNECTION)] = Held::Value(plan.settings.clone());
    for (at, node) in plan.nodes.iter().enumerate() {
        let value = walk.node(node).map_err(|error| format!("{}: {error}", node.name))?;
        if let (Work::Decide(decide), Some(Value::Text(outcome))) = (&node.work, &value)
            && decide.stops(outcome)
        {
            return Ok(Ended::Stopped(Arc::clone(&node.name), Arc::clone(outcome)));
        }
        walk.held[usize::from(plan.slots.nodes) + at] = value.map_or(Held::Skipped, Held::Value);
        if &*node.name == until {
            break;
        }
    }
    let mut given: BTreeMap<_, _> = plan
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| Some((Arc::clone(&node.name), walk.of(at)?)))
        .collect();
    if let Some(give) = &plan.give {
        given.insert("give".into(), walk.map(give)?.unwrap_or_default());
    }
    Ok(Ended::There(given))
}

impl Walk<'_> {
    fn of(&self, node: usize) -> Option<Value> {
        match &self.held[usize::from(self.plan.slots.nodes) + node] {
            Held::Value(value) => Some(value.clone()),
            Held::Unset | Held::Skipped => None,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&Scope<'_>) -> T) -> T {
        let roots: Vec<Root<'_>> = self.held.iter().map(root).collect();
        work(&Scope::new(&roots, &self.plan.tables))
    }

    fn map(&self, mapping: &Mapping) -> Result<Option<Value>, String> {
        self.with(|scope| mapping.eval(scope)).map_err(|error| error.to_string())
    }

    fn value(&self, template: &Template) -> Result<Value, String> {
        self.with(|scope| template.eval(scope))
            .map(Option::unwrap_or_default)
            .map_err(|error| error.to_string())
    }

    fn holds(&self, template: &Template) -> Result<bool, String> {
        self.value(template)?.as_bool().ok_or_else(|| "a condition is no boolean".into())
    }

    /// What a node gives; none if it is skipped.
    fn node(&mut self, node: &Node) -> Result<Option<Value>, String> {
        let met = |(decision, outcomes): &(u16, Vec<Arc<str>>)| {
            let outcome = self.of(usize::from(*decision));
            outcome.is_some_and(|outcome| outcomes.iter().any(|wanted| outcome.as_str() == Some(&**wanted)))
        };
        if !node.when.iter().all(met) {
            return Ok(None);
        }
        if let Some(condition) = &node.condition
            && !self.holds(condition)?
        {
            return Ok(None);
        }
        match &node.work {
            Work::Decide(decide) => self.decide(decide).map(Some),
            Work::Child(_) | Work::Call(Call { repeat: Some(_), .. }) => Ok(None),
            Work::Map(_) | Work::Call(_) => match &node.each {
                None => self.once(node).map(Some),
                Some(each) => self.each(node, each).map(Some),
            },
        }
    }

    fn decide(&self, decide: &Decide) -> Result<Value, String> {
        for (outcome, condition) in &decide.choose {
            if self.holds(condition)? {
                return Ok(Arc::clone(outcome).into());
            }
        }
        Ok(Arc::clone(&decide.otherwise).into())
    }

    /// One value, checked.
    fn once(&mut self, node: &Node) -> Result<Value, String> {
        let value = match &node.work {
            Work::Map(mapping) => self.map(mapping)?.unwrap_or_default(),
            Work::Call(call) => {
                let mut with = Vec::new();
                for (name, mapping) in &call.with {
                    with.extend(self.map(mapping)?.map(|value| (Arc::clone(name), value)));
                }
                (self.answers)(&call.operation, &Value::object(with))
            }
            Work::Decide(_) | Work::Child(_) => Value::Null,
        };
        self.held[usize::from(Slots::RESULT)] = Held::Value(value.clone());
        for check in &node.expect {
            if !self.holds(&check.that)? {
                return Err(self.value(&check.otherwise)?.scalar_text().unwrap_or_default());
            }
        }
        Ok(value)
    }

    fn each(&mut self, node: &Node, each: &Each) -> Result<Value, String> {
        let list = self.value(&each.list)?;
        let mut made = Vec::new();
        for item in list.as_list().ok_or("`each` is no list")? {
            self.held[usize::from(each.slot)] = Held::Value(item.clone());
            if let Some(filter) = &each.filter
                && !self.holds(filter)?
            {
                continue;
            }
            let key = each.by.as_ref().map(|by| self.value(by)).transpose()?;
            let value = self.once(node)?;
            made.push(match key {
                Some(key) => Value::object([("key", key), ("item", item.clone()), ("value", value)]),
                None => value,
            });
        }
        self.held[usize::from(each.slot)] = Held::Unset;
        Ok(made.into())
    }
}

//! A node starts: its elements are worked out, pure work is done at once, calls become steps. In: a node whose needs are
//! settled. Out: results or steps. It must never know how a step is sent.

use std::{collections::HashMap, sync::Arc};

use super::{
    ChildStart, Machine, Turn,
    state::{Element, NodeState, Step, StepId},
};
use crate::{
    event::{Code, EffectId, Request, table::StepState},
    plan::{Call, Child, Decide, Each, NodeId, Plan, Slots, Work},
    story::What,
    value::{Hash, Value},
};

impl Machine {
    pub(super) fn start(&mut self, id: NodeId, turn: &mut Turn) {
        let prepared = Arc::clone(&self.birth.prepared);
        let node = &prepared.plan.nodes[usize::from(id)];
        let run = &mut self.nodes[usize::from(id)];
        run.state = NodeState::Open;
        run.began = turn.now;
        self.tell(turn, || What::NodeStarted { node: Arc::clone(&node.name) });
        if let Work::Decide(decide) = &node.work {
            return self.decide(id, decide, turn);
        }
        let elements = match self.elements(&prepared.plan, node.each.as_ref()) {
            Ok(elements) => elements,
            Err(message) => return self.fail_node(id, Code::Expression, message, turn),
        };
        if let Some(twice) = twice(&elements).filter(|_| crate::engine::prepared::is_write(node)) {
            let message = format!("found the key `{twice}` twice, expected each element's key once");
            return self.fail_node(id, Code::SameKey, message.into(), turn);
        }
        let run = &mut self.nodes[usize::from(id)];
        run.left = elements.len() as u32;
        run.elements = elements;
        if run.elements.is_empty() {
            return self.settle_node(id, turn);
        }
        match &node.work {
            Work::Map(mapping) => {
                for at in 0..self.nodes[usize::from(id)].elements.len() {
                    self.bind(id, at);
                    match self.roots.map(&prepared.plan, mapping) {
                        Ok(value) => self.give(id, at as u32, value, turn),
                        Err(message) => self.fail_element(id, at as u32, Code::Expression, message, turn),
                    }
                }
            }
            Work::Call(Call { with, .. }) | Work::Child(Child { with, .. }) => {
                let inputs = self.inputs(id, with, turn);
                match &node.work {
                    Work::Call(call) => self.call(id, call, inputs, turn),
                    Work::Child(child) => self.children(id, child, inputs, turn),
                    _ => {}
                }
            }
            Work::Decide(_) => {}
        }
    }

    /// Puts an element into its slot.
    pub(super) fn bind(&mut self, id: NodeId, at: usize) {
        if let Some(each) = &self.birth.prepared.plan.nodes[usize::from(id)].each {
            match &self.nodes[usize::from(id)].elements[at].item {
                Some(item) => self.roots.set(each.slot, item.clone()),
                None => self.roots.clear(each.slot),
            }
        }
    }

    fn decide(&mut self, id: NodeId, decide: &Decide, turn: &mut Turn) {
        let plan = Arc::clone(&self.birth.prepared.plan);
        let mut chosen = Arc::clone(&decide.otherwise);
        for (outcome, condition) in &decide.choose {
            match self.roots.truth(&plan, condition) {
                Ok(true) => {
                    chosen = Arc::clone(outcome);
                    break;
                }
                Ok(false) => {}
                Err(message) => {
                    let message = format!("outcome `{outcome}`: {message}");
                    return self.fail_node(id, Code::Expression, message.into(), turn);
                }
            }
        }
        if let Some(reason) = decide.reject.get(&chosen) {
            let reason = self.roots.text(&plan, reason);
            self.letter(id, None, Code::Decided, reason, None);
        }
        self.roots.set_node(id, Value::Text(Arc::clone(&chosen)));
        let run = &mut self.nodes[usize::from(id)];
        run.state = NodeState::Done;
        run.ended = turn.now;
        run.outcome = Some(Arc::clone(&chosen));
        self.tell_ended(id, chosen, turn);
    }

    fn elements(&mut self, plan: &Plan, each: Option<&Each>) -> Result<Vec<Element>, Arc<str>> {
        let Some(each) = each else {
            let name: Arc<str> = "".into();
            return Ok(vec![Element { key: Value::Null, name, item: None, result: None }]);
        };
        let list = self.roots.value(plan, &each.list)?;
        let Value::List(items) = &list else {
            return Err(format!("found {} in `each`, expected a list", list.kind()).into());
        };
        let mut elements = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.roots.set(each.slot, item.clone());
            if !each.filter.as_ref().map_or(Ok(true), |filter| self.roots.truth(plan, filter))? {
                continue;
            }
            let key = match each.by.as_ref().or(each.apart.as_ref()) {
                Some(by) => self.roots.value(plan, by)?,
                None if item.scalar_text().is_some() => item.clone(),
                None => Value::from(index as i64),
            };
            let Some(name) = key.scalar_text() else {
                return Err(
                    format!("found {} as an element's key, expected text or a number", key.kind()).into()
                );
            };
            elements.push(Element { key, name: name.into(), item: Some(item.clone()), result: None });
        }
        self.roots.clear(each.slot);
        Ok(elements)
    }

    /// The parameters of every element. If one cannot be worked out and elements do not stand apart, nothing is sent.
    fn inputs(
        &mut self,
        id: NodeId,
        with: &[(Arc<str>, crate::expr::Mapping)],
        turn: &mut Turn,
    ) -> Vec<(u32, Value)> {
        let plan = Arc::clone(&self.birth.prepared.plan);
        let mut inputs = Vec::new();
        let mut wrong = Vec::new();
        for at in 0..self.nodes[usize::from(id)].elements.len() {
            self.bind(id, at);
            match self.roots.with_of(&plan, with) {
                Ok(value) => inputs.push((at as u32, value)),
                Err(message) => wrong.push((at as u32, message)),
            }
        }
        let apart = plan.nodes[usize::from(id)].each.as_ref().is_some_and(|each| each.apart.is_some());
        if !wrong.is_empty() && !apart {
            inputs.clear();
            let others: Vec<u32> = (0..self.nodes[usize::from(id)].elements.len() as u32).collect();
            for at in others.into_iter().filter(|at| wrong.iter().all(|(bad, _)| bad != at)) {
                self.set_result(id, at, Err(()), turn);
            }
        }
        for (at, message) in wrong {
            self.fail_element(id, at, Code::Expression, message, turn);
        }
        inputs
    }

    fn call(&mut self, id: NodeId, call: &Call, mut inputs: Vec<(u32, Value)>, turn: &mut Turn) {
        if let Some((read, fields)) = &call.changes {
            let record = self.roots.node(*read).cloned().unwrap_or_default();
            let (same, differ) = inputs.into_iter().partition(|(_, input)| agrees(&record, input, fields));
            inputs = differ;
            let same: Vec<(u32, Value)> = same;
            for (at, _) in same {
                self.give(id, at, Some(record.clone()), turn);
            }
        }
        let grouped = if call.repeat.is_none() { shared(inputs) } else { alone(inputs) };
        let size = call.batch.map_or(1, |size| size.max(1) as usize);
        let mut opened = Vec::new();
        let mut rest = grouped.into_iter().peekable();
        while rest.peek().is_some() {
            let (groups, inputs): (Vec<_>, Vec<_>) = rest.by_ref().take(size).unzip();
            opened.push(self.push_step(id, call, groups, inputs));
        }
        for step in opened {
            self.open_step(step, turn);
        }
    }

    /// Makes the step of one request.
    pub(super) fn push_step(
        &mut self,
        id: NodeId,
        call: &Call,
        groups: Vec<Vec<u32>>,
        inputs: Vec<Value>,
    ) -> StepId {
        let batch = call.batch.is_some();
        let effect = self.effect_of(id, &groups, batch);
        let event = &self.birth.event;
        let request = Request {
            run: event.id,
            flow: Arc::clone(&event.flow),
            connection: Arc::clone(&call.connection),
            operation: Arc::clone(&call.operation),
            inputs,
            batch,
            write: call.repeat.is_some(),
            key: None,
            priority: event.priority,
        };
        self.push(id, groups, request, effect, None)
    }

    fn children(&mut self, id: NodeId, child: &Child, inputs: Vec<(u32, Value)>, turn: &mut Turn) {
        let mut opened = Vec::new();
        for (at, body) in inputs {
            let effect = self.effect_of(id, &[vec![at]], false);
            let event = &self.birth.event;
            let start = ChildStart {
                flow: Arc::clone(&child.flow),
                id: format!("{}/{}/{}", event.root, effect.node, effect.element).into(),
                body: body.clone(),
                wait: child.wait,
            };
            let request = Request {
                run: event.id,
                flow: Arc::clone(&event.flow),
                connection: "flows".into(),
                operation: Arc::clone(&child.flow),
                inputs: vec![body],
                batch: false,
                write: true,
                key: None,
                priority: event.priority,
            };
            opened.push(self.push(id, vec![vec![at]], request, effect, Some(start)));
        }
        for step in opened {
            self.open_step(step, turn);
        }
    }

    fn effect_of(&self, id: NodeId, groups: &[Vec<u32>], batch: bool) -> EffectId {
        let node = Arc::clone(&self.birth.prepared.plan.nodes[usize::from(id)].name);
        let elements = &self.nodes[usize::from(id)].elements;
        let mut members = groups.iter().flatten().map(|at| &elements[*at as usize].name);
        let element = match (batch, members.next()) {
            (false, Some(only)) => Arc::clone(only),
            (_, first) => {
                let all = first.into_iter().chain(members).map(|name| Value::Text(Arc::clone(name)));
                format!("batch:{}", Value::list(all).hash()).into()
            }
        };
        EffectId { node, element }
    }

    fn push(
        &mut self,
        node: NodeId,
        groups: Vec<Vec<u32>>,
        request: Request,
        effect: EffectId,
        child: Option<ChildStart>,
    ) -> StepId {
        let hash = if request.write { request.hash() } else { Hash([0; 32]) };
        let tries = self.tries.get(&effect).copied().unwrap_or(0);
        self.open += 1;
        self.steps.push(Step {
            node,
            groups,
            request: Arc::new(request),
            hash,
            effect,
            state: StepState::Todo,
            attempt: 0,
            tries,
            failures: tries,
            due: None,
            intent: false,
            first: None,
            last: self.started,
            looking: false,
            exists: None,
            held: false,
            child,
            drifted: false,
        });
        (self.steps.len() - 1) as StepId
    }

    /// Checks what an element gave, with `result` and the element in scope. False: a letter tells of it.
    pub(super) fn checked(&mut self, id: NodeId, at: u32, value: &Value, turn: &mut Turn) -> bool {
        let prepared = Arc::clone(&self.birth.prepared);
        let node = &prepared.plan.nodes[usize::from(id)];
        if node.expect.is_empty() && node.warn.is_empty() {
            return true;
        }
        self.bind(id, at as usize);
        self.roots.set(Slots::RESULT, value.clone());
        let mut good = true;
        for check in &node.warn {
            if !matches!(self.roots.truth(&prepared.plan, &check.that), Ok(true)) {
                let message = self.roots.text(&prepared.plan, &check.otherwise);
                self.warn(id, message, turn);
            }
        }
        for check in &node.expect {
            let (code, message) = match self.roots.truth(&prepared.plan, &check.that) {
                Ok(true) => continue,
                Ok(false) => (Code::Expected, self.roots.text(&prepared.plan, &check.otherwise)),
                Err(message) => (Code::Expression, message),
            };
            self.letter(id, Some(at), code, message, Some(value.clone()));
            good = false;
            break;
        }
        self.roots.clear(Slots::RESULT);
        good
    }
}

fn twice(elements: &[Element]) -> Option<Arc<str>> {
    let mut seen = std::collections::HashSet::new();
    elements.iter().find(|element| !seen.insert(&element.name)).map(|element| Arc::clone(&element.name))
}

/// Whether the record already says what would be written (decision L6).
fn agrees(record: &Value, input: &Value, fields: &[(Arc<str>, Vec<Arc<str>>)]) -> bool {
    fields.iter().all(|(parameter, path)| {
        let holds = path.iter().try_fold(record, |value, step| value.get(step));
        match (holds, input.get(parameter)) {
            (Some(holds), Some(wanted)) => says(holds, wanted),
            (holds, None) => holds.is_none_or(Value::is_null) || holds.is_some(),
            (None, Some(_)) => false,
        }
    })
}

/// Whether a value says what is wanted already; an object may say more.
fn says(holds: &Value, wanted: &Value) -> bool {
    match (holds, wanted) {
        (Value::Map(holds), Value::Map(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| holds.get(name).map_or(wanted.is_null(), |holds| says(holds, wanted))),
        (Value::List(holds), Value::List(wanted)) => {
            holds.len() == wanted.len() && holds.iter().zip(wanted.iter()).all(|(one, two)| says(one, two))
        }
        _ => holds.hash() == wanted.hash(),
    }
}

/// Reads that ask the same are asked once.
fn shared(inputs: Vec<(u32, Value)>) -> Vec<(Vec<u32>, Value)> {
    if inputs.len() < 2 {
        return alone(inputs);
    }
    let mut places: HashMap<Hash, usize> = HashMap::new();
    let mut grouped: Vec<(Vec<u32>, Value)> = Vec::new();
    for (at, input) in inputs {
        let place = *places.entry(input.hash()).or_insert(grouped.len());
        if place == grouped.len() {
            grouped.push((vec![at], input));
        } else {
            grouped[place].0.push(at);
        }
    }
    grouped
}

fn alone(inputs: Vec<(u32, Value)>) -> Vec<(Vec<u32>, Value)> {
    inputs.into_iter().map(|(at, input)| (vec![at], input)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_may_say_more_than_is_sent() {
        let value = |text: &str| Value::parse(text.as_bytes()).unwrap();
        let record = value(
            r#"{"memo": "a", "due": null, "region": {"id": "7", "name": "North"}, "lines": [{"line": 1, "item": "MUG"}]}"#,
        );
        for (sent, agree) in [
            (r#"{"memo": "a", "region": {"id": "7"}, "lines": [{"item": "MUG"}]}"#, true),
            (r#"{"due": null, "open": null}"#, true),
            (r#"{"memo": "b"}"#, false),
            (r#"{"region": {"id": "8"}}"#, false),
            (r#"{"lines": [{"item": "JAR"}]}"#, false),
            (r#"{"lines": []}"#, false),
            (r#"{"open": true}"#, false),
        ] {
            let input = Value::object([("body", value(sent))]);
            assert_eq!(agrees(&record, &input, &[("body".into(), Vec::new())]), agree, "{sent}");
        }
    }
}

//! Results of elements become results of nodes. In: values and failures. Out: settled nodes, letters, warnings. It must never
//! know where a value came from.

use std::sync::Arc;

use super::{
    Machine, Turn,
    state::{Element, NodeState, StepId},
};
use crate::{
    event::{Code, Failure, Letter},
    plan::NodeId,
    story::What,
    value::Value,
};

impl Machine {
    /// An element gave a value: it is checked and kept.
    pub(super) fn give(&mut self, id: NodeId, at: u32, value: Option<Value>, turn: &mut Turn) {
        let value = value.unwrap_or_default();
        let good = self.checked(id, at, &value, turn);
        self.set_result(id, at, if good { Ok(value) } else { Err(()) }, turn);
    }

    pub(super) fn set_result(&mut self, id: NodeId, at: u32, result: Result<Value, ()>, turn: &mut Turn) {
        let run = &mut self.nodes[usize::from(id)];
        let element = &mut run.elements[at as usize];
        if element.result.is_none() {
            element.result = Some(result);
            run.left -= 1;
            if run.left == 0 {
                self.settle_node(id, turn);
            }
        }
    }

    pub(super) fn fail_element(
        &mut self,
        id: NodeId,
        at: u32,
        code: Code,
        message: Arc<str>,
        turn: &mut Turn,
    ) {
        self.letter(id, Some(at), code, message, None);
        self.set_result(id, at, Err(()), turn);
    }

    /// A node that cannot even begin.
    pub(super) fn fail_node(&mut self, id: NodeId, code: Code, message: Arc<str>, turn: &mut Turn) {
        self.letter(id, None, code, message, None);
        self.settle_as(id, NodeState::Failed, turn);
    }

    /// All elements have a result.
    pub(super) fn settle_node(&mut self, id: NodeId, turn: &mut Turn) {
        let prepared = Arc::clone(&self.birth.prepared);
        let each = prepared.plan.nodes[usize::from(id)].each.as_ref();
        let apart = each.is_some_and(|each| each.apart.is_some());
        let run = &mut self.nodes[usize::from(id)];
        let failed = run.elements.iter().any(|element| matches!(element.result, Some(Err(()))));
        if failed && !apart {
            let unsettled = self.steps.iter().any(|step| step.node == id && step.is_unsettled());
            // Who reacts to a failure must not react to a doubt.
            let state = if unsettled { NodeState::Stopped } else { NodeState::Failed };
            return self.settle_as(id, state, turn);
        }
        let value = match each {
            None => {
                run.elements.iter_mut().find_map(|element| element.result.take()?.ok()).unwrap_or_default()
            }
            Some(each) => {
                let keyed = each.by.is_some();
                let (done, failed) = lists(&mut run.elements, keyed);
                if apart {
                    self.roots.set_apart(id, done.clone(), failed);
                }
                done
            }
        };
        run.state = NodeState::Done;
        run.ended = turn.now;
        if !apart {
            self.roots.set_node(id, value);
        }
        if let Some(each) = each {
            self.roots.clear(each.slot);
        }
        self.tell_ended(id, "done".into(), turn);
    }

    /// A reason for a dead letter.
    pub(super) fn letter(
        &mut self,
        id: NodeId,
        at: Option<u32>,
        code: Code,
        message: Arc<str>,
        answer: Option<Value>,
    ) {
        let letter = Letter {
            node: Arc::clone(&self.birth.prepared.plan.nodes[usize::from(id)].name),
            element: self.element_name(id, at),
            code,
            message,
            request: None,
            answer,
        };
        self.letters.push((id, letter));
    }

    fn element_name(&self, id: NodeId, at: Option<u32>) -> Option<Arc<str>> {
        let element = self.nodes[usize::from(id)].elements.get(at? as usize)?;
        element.item.as_ref().map(|_| Arc::clone(&element.name))
    }

    /// A request that failed for good: one letter, all its elements fail.
    pub(super) fn fail_step(&mut self, id: StepId, code: Code, failure: &Failure, turn: &mut Turn) {
        let step = &self.steps[id as usize];
        let (node, groups, request) = (step.node, step.groups.clone(), Arc::clone(&step.request));
        let only = match groups.as_slice() {
            [group] => group.first().copied(),
            _ => None,
        };
        let sent = match request.inputs.as_slice() {
            [one] if !request.batch => one.clone(),
            many => Value::list(many.iter().cloned()),
        };
        let letter = Letter {
            node: Arc::clone(&self.birth.prepared.plan.nodes[usize::from(node)].name),
            element: self.element_name(node, only),
            code,
            message: Arc::clone(&failure.message),
            request: Some(sent),
            answer: failure.answer.clone(),
        };
        self.letters.push((node, letter));
        for at in groups.into_iter().flatten() {
            self.set_result(node, at, Err(()), turn);
        }
    }

    pub(super) fn warn(&mut self, id: NodeId, message: Arc<str>, turn: &mut Turn) {
        let node = Arc::clone(&self.birth.prepared.plan.nodes[usize::from(id)].name);
        self.warnings.push(format!("{node}: {message}").into());
        self.tell(turn, || What::Warned { node, message });
    }
}

/// The results of elements: those that succeeded, and those that failed (without keys: their items). With keys each is
/// `{key, item, value}`.
fn lists(elements: &mut [Element], keyed: bool) -> (Value, Value) {
    let (mut done, mut failed) = (Vec::with_capacity(elements.len()), Vec::new());
    for element in elements {
        let result = element.result.take().unwrap_or(Err(()));
        let item = element.item.take().unwrap_or_default();
        let to = if result.is_ok() { &mut done } else { &mut failed };
        if keyed {
            let value = result.unwrap_or_default();
            to.push(Value::object([("key", element.key.clone()), ("item", item), ("value", value)]));
        } else {
            to.push(result.unwrap_or(item));
        }
    }
    (done.into(), failed.into())
}

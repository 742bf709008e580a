//! Books as steps: no permit, no doubt; what is written lands with its own commit. In: a step that is ready. Out: a command, and
//! what is known of the effect. It must never know where a book is kept.

use std::sync::Arc;

use super::{Command, Machine, Note, Turn, batch::encode, state::StepId};
use crate::{
    event::{
        Effect, EffectState, Failure,
        table::{Illegal, StepInput},
    },
    plan::{Book, Verb, Work},
    value::Value,
};

impl Machine {
    /// The book that a step asks or writes, if it does.
    pub(super) fn book(&self, id: StepId) -> Option<(Arc<Book>, Verb)> {
        let node = &self.birth.prepared.plan.nodes[usize::from(self.steps[id as usize].node)];
        match &node.work {
            Work::Call(call) => call.book.clone(),
            _ => None,
        }
    }

    pub(super) fn note(&mut self, id: StepId, book: Arc<Book>, verb: Verb, turn: &mut Turn) {
        if let Err(illegal) = self.try_note(id, book, verb, turn) {
            self.broken(&illegal, turn);
        }
    }

    fn try_note(&mut self, id: StepId, book: Arc<Book>, verb: Verb, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Permit)?;
        let node = self.steps[id as usize].node;
        let frozen = if verb.writes() { self.freeze(node, turn)? } else { None };
        self.shift(id, StepInput::Leave { intent: false })?;
        let step = &mut self.steps[id as usize];
        step.attempt += 1;
        step.last = turn.now;
        let note = Note {
            step: id,
            attempt: step.attempt,
            facts: frozen.into_iter().collect(),
            effect: step.effect.clone(),
            request: Arc::clone(&step.request),
            book,
            verb,
        };
        self.tell_called(id, turn);
        turn.out.push(Command::Note(Box::new(note)));
        Ok(())
    }

    /// What was written is done, and was written down as such.
    pub(super) fn noted(&mut self, id: StepId, results: &[Result<Value, Failure>]) {
        let step = &self.steps[id as usize];
        if results.iter().all(Result::is_err) {
            return;
        }
        let effect = Effect {
            run: self.birth.event.id,
            id: step.effect.clone(),
            hash: step.hash,
            key: None,
            first: step.last,
            at: step.last,
            state: EffectState::Landed(encode(step.request.batch, results)),
        };
        self.effects.insert(effect.id.clone(), effect);
    }
}

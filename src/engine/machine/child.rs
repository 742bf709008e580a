//! Child runs as steps. In: a child to start, how it came back. Out: commands, results. It must never know the child's flow.

use super::{ChildEnd, Command, Machine, Turn, state::StepId};
use crate::{
    event::{
        Answer, Class, Code, Failure, Sent,
        table::{Illegal, Repeats, RunInput, StepInput, StepState},
    },
    value::Value,
};

impl Machine {
    pub(super) fn start_child(&mut self, id: StepId, turn: &mut Turn) -> Result<(), Illegal> {
        self.shift(id, StepInput::Permit)?;
        let facts = self.freeze(self.steps[id as usize].node, turn)?.into_iter().collect();
        self.shift(id, StepInput::Leave { intent: false })?;
        let Some(start) = self.steps[id as usize].child.clone() else { return Ok(()) };
        if start.wait {
            if self.children == 0 {
                self.state = self.state.next(RunInput::Await)?.0;
            }
            self.children += 1;
        }
        turn.out.push(Command::Child { step: id, facts, start });
        Ok(())
    }

    /// A child run ended, or became a letter.
    pub(super) fn child_ended(&mut self, id: StepId, end: ChildEnd, turn: &mut Turn) -> Result<(), Illegal> {
        if self.steps[id as usize].state != StepState::Sent {
            return Ok(());
        }
        let waited = self.steps[id as usize].child.as_ref().is_some_and(|child| child.wait);
        if waited && end != ChildEnd::Parked {
            self.children -= 1;
            if self.children == 0 {
                self.state = self.state.next(RunInput::ChildEnded)?.0;
            }
        }
        match end {
            ChildEnd::Gave(value) => self.landed(id, Answer::One(value), turn),
            ChildEnd::Accepted => self.landed(id, Answer::One(Value::Null), turn),
            ChildEnd::Failed(message) => {
                self.shift(id, StepInput::Rejected { intent: false })?;
                self.fail_step(id, Code::Child, &Failure::new(Class::Reject, Sent::No, message), turn);
                Ok(())
            }
            ChildEnd::Parked => {
                self.shift(id, StepInput::Lost(Repeats::Never))?;
                let message = "the child run became a dead letter; this run goes on when it ends";
                self.fail_step(id, Code::Child, &Failure::new(Class::Reject, Sent::Maybe, message), turn);
                Ok(())
            }
        }
    }
}

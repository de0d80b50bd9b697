//! Feedback of the fault filter, as the script actor takes it.

use std::time::Instant;

use crate::engine::faults::feedback::Feedback;
use crate::engine::messages::Injected;
use crate::engine::script::machine::ScriptInput;
use crate::model::{FaultKind, Happening, Injection, InjectionOutcome, RunEvent, StepIndex};

use super::{ScriptActor, State};

impl ScriptActor {
    /// Reports the faults that were injected or missed, and keeps the rest for the machine.
    pub(super) fn take_feedback(&mut self, feedback: Vec<Feedback>) {
        for one in feedback {
            self.inputs.push(match one {
                Feedback::Injection {
                    step,
                    kind,
                    outcome,
                    what,
                    place,
                } => {
                    self.report_fault((step, kind), outcome, what, place);
                    continue;
                }
                Feedback::Resized(size) => {
                    if let State::Alive(script) = &mut self.state {
                        script.machine.resized(size, Instant::now());
                    }
                    continue;
                }
                Feedback::Released => ScriptInput::Released,
                Feedback::Delayed(length) => ScriptInput::Delayed(length),
                Feedback::Preceded(lines) => ScriptInput::Preceded(lines),
                Feedback::Written { at } => ScriptInput::Written { at },
                Feedback::NotTyped { reason } => ScriptInput::NotTyped { reason },
            });
        }
    }

    /// Reports a fault that was chosen for this step. One that was missed is only in the record.
    pub(super) fn report_fault(
        &mut self,
        (step, kind): (StepIndex, FaultKind),
        outcome: InjectionOutcome,
        what: String,
        turn: String,
    ) {
        let injection = Box::new(Injection {
            instance: self.instance(),
            step,
            kind,
            what,
            turn,
        });
        let at = Instant::now();
        if outcome == InjectionOutcome::Injected {
            if let State::Alive(script) = &mut self.state {
                let text = injection.what.clone();
                script.machine.note(Happening::Injected { kind, text }, at);
            }
            self.run.emit(RunEvent::Injected(injection.clone()));
        }
        self.reporter.injected(Injected {
            injection,
            outcome,
            at,
        });
    }
}

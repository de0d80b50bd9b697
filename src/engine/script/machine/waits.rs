//! Waits of the action in progress: awaited output, the program's exit, and deadlines.

use std::time::Instant;

use crate::dialogue::Finding;
use crate::engine::messages::Whose;
use crate::engine::script::action_run::{CLOSING_GRACE, Waiting};
use crate::engine::script::interpreter::{ActionError, Input};
use crate::engine::script::program::Program;
use crate::model::{Activity, FailureKind};

use super::ScriptMachine;
use super::vocabulary::ScriptEffect;

impl ScriptMachine {
    /// Continues the action if it can go on after something has happened.
    pub(super) fn look(
        &mut self,
        now: Instant,
        program: &impl Program,
        effects: &mut Vec<ScriptEffect>,
    ) {
        let has_exited = self.exited.is_some();
        if let Some(action) = &mut self.action
            && let Some((error, at)) = action.aftermath(now, has_exited)
        {
            return self.action_over(at, Err(error), program, effects);
        }
        let next = self.poll(now, program);
        self.go_on(next, now, program, effects);
    }

    /// A pause is over, a deadline has passed, or the alarm came too early.
    pub(super) fn alarm(
        &mut self,
        now: Instant,
        program: &impl Program,
        effects: &mut Vec<ScriptEffect>,
    ) {
        if self.print_at.is_some_and(|at| at <= now) {
            self.print_at = None;
            self.print_all(effects);
        }
        let Some(action) = &mut self.action else {
            return;
        };
        match &action.waiting {
            Waiting::Pause { until } if *until <= now => {
                return self.drive(Input::Paused, now, program, effects);
            }
            Waiting::Linger { until } if *until <= now => {
                return self.drive(Input::Lingered, now, program, effects);
            }
            Waiting::EchoOff { .. } => return self.try_secret(now, program, effects),
            Waiting::Typing { .. } => return,
            Waiting::Aftermath { .. } => return self.look(now, program, effects),
            Waiting::Unsaid { since, reason } if *since + CLOSING_GRACE <= now => {
                let error = ActionError::new(
                    FailureKind::NotSent,
                    format!("could not type the reply: {reason}"),
                );
                return self.action_over(now, Err(error), program, effects);
            }
            _ => {}
        }
        if let Some(error) = self.overdue(now, program) {
            return self.action_over(now, Err(error), program, effects);
        }
        self.look(now, program, effects);
    }

    /// Returns the next input for the interpreter: awaited output, or the program's exit.
    pub(super) fn poll(&mut self, now: Instant, program: &impl Program) -> Option<Input> {
        let action = self.action.as_mut()?;
        match &action.waiting {
            Waiting::Output | Waiting::Linger { .. } => {}
            Waiting::Unsaid { .. } => return self.exit_input(),
            Waiting::Pause { .. }
            | Waiting::Held(_)
            | Waiting::Typing { .. }
            | Waiting::EchoOff { .. }
            | Waiting::Command
            | Waiting::Aftermath { .. } => return None,
        }
        let after_quiet = action.quiet_at.take().is_some();
        match self.dialogue.poll(now) {
            Finding::Nothing => self.exit_input(),
            Finding::QuietAt(at) => {
                action.quiet_at = Some(at);
                None
            }
            Finding::Ended { .. } => {
                if self.exited.is_none() && !action.interpreter.expects_exit() {
                    action.closing_since.get_or_insert(now);
                }
                self.exit_input()
            }
            heard => {
                action.first_wait_over();
                if let Finding::Wait { at, .. } = &heard {
                    action.held_back_until_now(program.held_back());
                    action.heard(*at, now, after_quiet);
                }
                Some(Input::Heard(heard))
            }
        }
    }

    pub(super) fn exit_input(&self) -> Option<Input> {
        let record = self.exited.as_ref();
        record.map(|record| Input::Exited(record.exit))
    }

    pub(super) fn activity(&self, program: &impl Program) -> Activity {
        if self.exited.is_some() {
            Activity::Gone
        } else {
            program.activity()
        }
    }

    /// Returns the failure if a deadline or the closing grace has passed.
    pub(super) fn overdue(&self, now: Instant, program: &impl Program) -> Option<ActionError> {
        let action = self.action.as_ref()?;
        if action
            .closing_since
            .is_some_and(|since| since + CLOSING_GRACE <= now)
        {
            return Some(ActionError::new(
                FailureKind::EndedEarly,
                "the program closed its output, though it lives on, before it said what was awaited",
            ));
        }
        let deadline = action.deadline();
        if deadline.at > now {
            return None;
        }
        let kind = match deadline.whose {
            Whose::Startup => FailureKind::StartupTimeout,
            Whose::Turn | Whose::Step | Whose::Settle | Whose::Leave | Whose::Flow => {
                FailureKind::Timeout
            }
        };
        let mut message = action.overdue_message(&deadline);
        let unwritten = program.unwritten();
        if unwritten > 0 {
            message.push_str(&format!(
                "; the program has not read the last {unwritten} bytes typed"
            ));
        }
        let error = ActionError::new(kind, message);
        let hint = self
            .typed_hint()
            .or_else(|| action.interpreter.misplaced(&self.dialogue));
        Some(match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        })
    }

    /// Returns the remedy if what was awaited has appeared only where it may be typed text.
    fn typed_hint(&self) -> Option<String> {
        const MAX_CHARS: usize = 80;
        let line: String = self
            .dialogue
            .typed_match()?
            .chars()
            .take(MAX_CHARS)
            .collect();
        Some(format!(
            "`{line}` matches, but is no evidence: it may be the echo of the reply, as the program \
             reads single keys and draws them itself; wait for a text that was not typed"
        ))
    }
}

//! One running program: its process, what it has said, and what it is asked to perform.

use std::time::Instant;

use crate::dialogue::{Dialogue, Heard};
use crate::engine::messages::Whose;
use crate::engine::script::interpreter::{ActionError, Input};
use crate::engine::script::transcript::Transcript;
use crate::model::{Activity, FailureKind, ProcessRecord};
use crate::process::Child;
use crate::scenario::Masker;

use super::super::action_run::CLOSING_GRACE;
use super::super::action_run::{ActionRun, Waiting};

/// A process, what it has said, and what it is asked to perform.
pub(super) struct Script {
    pub(super) child: Child,
    pub(super) dialogue: Dialogue,
    /// What happened to it, if that is recorded.
    pub(super) transcript: Option<Box<Transcript>>,
    /// The secrets as they were when the last action ended.
    pub(super) masker: Masker,
    pub(super) ordered_at: Instant,
    pub(super) first_output_at: Option<Instant>,
    /// Its record, once it has ended.
    pub(super) ended: Option<Box<ProcessRecord>>,
    pub(super) action: Option<ActionRun>,
    /// The record has to go to the supervisor when the process has ended.
    pub(super) end_ordered: bool,
    /// When it was first told to go, politely or not.
    pub(super) leaves_since: Option<Instant>,
    /// Chaos has killed it.
    pub(super) struck_down: bool,
    /// Until when chaos has it frozen.
    pub(super) frozen_until: Option<Instant>,
}

impl Script {
    /// What has been heard of what the action waits for, or that the program has ended.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Input> {
        let action = self.action.as_mut()?;
        match &action.waiting {
            Waiting::Output | Waiting::Linger { .. } => {}
            Waiting::Unsaid { .. } => return self.poll_end(),
            Waiting::Pause { .. }
            | Waiting::HeldBack { .. }
            | Waiting::Dribbling(_)
            | Waiting::EchoOff { .. }
            | Waiting::Command(_)
            | Waiting::Aftermath { .. } => return None,
        }
        let after_quiet = action.quiet_at.take().is_some();
        match self.dialogue.poll(now) {
            Heard::Nothing => self.poll_end(),
            Heard::QuietAt(at) => {
                action.quiet_at = Some(at);
                None
            }
            Heard::Ended { .. } => {
                if self.ended.is_none() && !action.interpreter.expects_exit() {
                    action.closing_since.get_or_insert(now);
                }
                self.poll_end()
            }
            heard => {
                action.first_wait_over();
                if let Heard::Wait { at, .. } = &heard {
                    action.sent(self.child.sent_at());
                    action.held_back_until_now(self.child.throttled_for());
                    action.heard(*at, now, after_quiet);
                }
                Some(Input::Heard(heard))
            }
        }
    }

    pub(super) fn poll_end(&self) -> Option<Input> {
        self.ended.as_ref().map(|record| Input::Exited(record.exit))
    }

    /// What the program is doing.
    pub(super) fn activity(&self) -> Activity {
        if self.ended.is_some() {
            Activity::Gone
        } else {
            self.child.activity()
        }
    }

    pub(super) fn next_moment(&self) -> Option<Instant> {
        self.action.as_ref().and_then(ActionRun::next_moment)
    }

    /// Why the action has to be given up now, if it has.
    pub(super) fn overdue(&self, now: Instant) -> Option<ActionError> {
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
        let unwritten = self.child.unwritten();
        if unwritten > 0 {
            message.push_str(&format!(
                "; the program has not read the last {unwritten} bytes typed"
            ));
        }
        let fault = ActionError::new(kind, message);
        Some(match action.interpreter.misplaced(&self.dialogue) {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        })
    }
}

//! Reports of actions that are done or have failed.

use std::time::Instant;

use crate::engine::messages::{ActionKind, PendingReport, Performed};
use crate::engine::script::action_run::ActionWait;
use crate::engine::script::interpreter::ActionError;
use crate::engine::script::program::Program;
use crate::engine::script::transcript::Transcript;
use crate::model::{Activity, Failure, RoleIndex};
use crate::scenario::{Plan, Scope};
use crate::terminal::Screen;

use super::ScriptMachine;
use super::vocabulary::{DialogueEvents, MachineCall, ScriptEffect};

/// Most of the program's output that a failure shows.
const TAIL_LINES: usize = 12;
const TAIL_BYTES: usize = 2000;

impl ScriptMachine {
    /// Ends the action: it is done or has failed, known since `at`.
    pub(super) fn action_over(
        &mut self,
        at: Instant,
        result: Result<(), ActionError>,
        call: &mut MachineCall<'_, impl Program>,
    ) {
        // The prompt with which a step ends belongs to it.
        let is_shown_at_end = self.settings.dialogue_events == DialogueEvents::Promptly
            && (self.dialogue.matched_prompt() || self.dialogue.screen().is_some());
        if result.is_err() || is_shown_at_end {
            self.print_all(call.effects);
        }
        let frame = match result {
            Ok(()) => None,
            Err(_) => {
                self.note_screen(at);
                self.frame()
            }
        };
        let activity = result.is_err().then(|| self.activity(call.program));
        let Some(action) = self.action.take() else {
            return;
        };
        self.masker = action.perform.values.masker();
        // A script of a pool outlives its work for the flow.
        let plan = &self.settings.plan;
        let is_pooled = plan.roles[self.instance.role.0].pool.is_some();
        let transcript = self.transcript.as_mut().filter(|_| is_pooled);
        let size = self.dialogue.screen().map(Screen::size);
        let transcript = transcript.map(|so_far| {
            let further = Box::new(Transcript::new(self.instance, size));
            std::mem::replace(so_far, further)
        });
        if matches!(action.waiting, ActionWait::Command) {
            call.effects.push(ScriptEffect::CancelCommand);
        }
        if action.holds_access || matches!(action.waiting, ActionWait::AtGates(_)) {
            call.effects.push(ScriptEffect::LeaveGates);
        }
        let timing = action.timing(result.is_ok(), at);
        let result = result.map_err(|error| {
            let scope = &action.perform.values;
            let mut failure = failure(plan, self.instance.role, scope, action.perform.kind, error);
            failure.turn = action.interpreter.place();
            let awaited = action.interpreter.awaited();
            let awaited = awaited.iter().map(|it| scope.mask(it).into_owned());
            failure.awaited = awaited.collect();
            failure.waited_us = action.waited(at).as_micros() as u64;
            failure.activity = activity.unwrap_or(Activity::Unknown);
            failure.screen = frame.map(|frame| frame.picture());
            if failure.screen.is_none() {
                let tail = self.dialogue.tail(TAIL_LINES, TAIL_BYTES);
                failure.tail = self.dialogue.unseen() + &scope.masker().mask_cut(&tail);
            }
            failure
        });
        call.effects.push(ScriptEffect::Report(Performed {
            instance: self.instance,
            kind: action.perform.kind,
            result,
            timing,
            turns: action.turns,
            transcript,
            pending: PendingReport::default(),
        }));
    }
}

/// The failure of an action by `role` whose program was not started.
pub(in crate::engine::script) fn failure(
    plan: &Plan,
    role: RoleIndex,
    scope: &Scope,
    kind: ActionKind,
    error: ActionError,
) -> Box<Failure> {
    let step = match kind {
        ActionKind::Step(index) | ActionKind::LogIn(index) => plan.steps[index.0].name.clone(),
        ActionKind::ReturnToMenu => "between flows".to_owned(),
        ActionKind::Leave => "leave".to_owned(),
    };
    Box::new(Failure {
        kind: error.kind,
        step,
        role: plan.roles[role.0].name.clone(),
        turn: String::new(),
        message: scope.mask(&error.message).into_owned(),
        awaited: Vec::new(),
        waited_us: 0,
        activity: Activity::NotStarted,
        tail: String::new(),
        screen: None,
        hint: error.hint.map(|hint| scope.mask(&hint).into_owned()),
    })
}

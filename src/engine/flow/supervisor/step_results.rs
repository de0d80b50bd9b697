//! Handling of step results reported by script actors.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use crate::engine::context::shown;
use crate::engine::messages::{ActionKind, Performed};
use crate::model::{NamedValue, RunEvent, StepIndex, StepOutcome, TurnRecord, micros};
use crate::scenario::Scope;

use super::FlowSupervisor;
use super::record_builder::StepTimes;

impl Handler<Performed> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, mut performed: Performed, ctx: &mut Self::Context) {
        let transcript = performed.transcript.take();
        self.transcripts.extend(transcript.map(|it| *it));
        if !self.assigns(performed.instance) {
            return;
        }
        match performed.what {
            ActionKind::Step(step) => self.step_performed(step, performed, ctx),
            ActionKind::LogIn(_) => self.logged_in(performed, ctx),
            ActionKind::Leave => self.has_left(performed, ctx),
            // That is asked for by the coordinator only.
            ActionKind::Settle => {}
        }
    }
}

impl FlowSupervisor {
    fn step_performed(&mut self, step: StepIndex, performed: Performed, ctx: &mut Context<Self>) {
        let Performed {
            scope,
            result,
            timing,
            turns,
            ..
        } = performed;
        self.captures = shown_captures(&scope);
        self.scope = Some(scope);
        if self.machine.step() != Some(step) {
            return;
        }
        let turns = turn_records(turns);
        if let Err(failure) = result {
            return self.step_failed(step, timing, turns, failure, ctx);
        }
        let taken = StepTimes {
            step,
            outcome: StepOutcome::Completed,
            timing,
            turns,
        };
        self.note_step(taken, None);
        self.step_over(step);
        let actions = self.machine.step_done();
        self.obey(actions, ctx);
    }

    /// A new script was logged in, so that it can perform the step that had failed.
    fn logged_in(&mut self, performed: Performed, ctx: &mut Context<Self>) {
        self.scope = Some(performed.scope);
        let Some(step) = self.machine.step() else {
            return;
        };
        match performed.result {
            Ok(()) => {
                self.builder.overheads(&performed.timing);
                self.perform(step, ctx);
            }
            Err(mut failure) => {
                let name = &self.run.plan.steps[step.0].name;
                failure.message = format!("while logged in again: {}", failure.message);
                failure.step.clone_from(name);
                self.step_failed(step, performed.timing, Vec::new(), failure, ctx);
            }
        }
    }

    fn has_left(&mut self, performed: Performed, ctx: &mut Context<Self>) {
        let role = performed.instance.role;
        if let Err(failure) = performed.result {
            let title = &self.run.plan.roles[role.0].title;
            let text = format!("{title} did not leave well: {}", failure.message);
            self.run.emit(RunEvent::Notice {
                flow: Some(self.number),
                text,
            });
        }
        let actions = self.machine.left(role);
        self.obey(actions, ctx);
    }
}

/// The records of the named turns that were taken.
fn turn_records(turns: Vec<(Arc<str>, Duration)>) -> Vec<TurnRecord> {
    let record = |(turn, took)| TurnRecord {
        turn,
        duration_us: micros(took),
    };
    turns.into_iter().map(record).collect()
}

/// What was captured, as it may be shown.
pub(super) fn shown_captures(scope: &Scope) -> Vec<NamedValue> {
    let captures = scope.captures().iter().cloned();
    captures.map(|capture| shown(scope, capture)).collect()
}

//! Handles the step results that script actors report.

use actix::prelude::*;

use crate::engine::flow::record_builder::StepTimes;
use crate::engine::messages::{ActionKind, Performed};
use crate::model::{RunEvent, StepIndex, StepOutcome, TurnRecord, micros};

use super::FlowSupervisor;

impl Handler<Performed> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, mut performed: Performed, ctx: &mut Self::Context) {
        let pending = std::mem::take(&mut performed.pending);
        self.state.take_in(pending, performed.transcript.take());
        if !self.state.has(performed.instance) {
            return;
        }
        match performed.kind {
            ActionKind::Step(step) => self.step_performed(step, performed, ctx),
            ActionKind::LogIn(_) => self.logged_in(performed, ctx),
            ActionKind::Leave => self.has_left(performed, ctx),
            // Only the coordinator asks for it.
            ActionKind::ReturnToMenu => {}
        }
    }
}

impl FlowSupervisor {
    fn step_performed(&mut self, step: StepIndex, performed: Performed, ctx: &mut Context<Self>) {
        if self.machine.step() != Some(step) {
            return;
        }
        let Performed {
            result,
            timing,
            turns,
            ..
        } = performed;
        let turns = turns.into_iter().map(|turn| {
            let started_after = turn.began.saturating_duration_since(timing.started);
            TurnRecord {
                turn: turn.name,
                started_after_us: Some(micros(started_after)),
                duration_us: micros(turn.took),
            }
        });
        let turns = turns.collect();
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
        let effects = self.machine.step_done();
        self.apply(effects, ctx);
    }

    /// A new script was logged in to perform the step that had failed.
    fn logged_in(&mut self, performed: Performed, ctx: &mut Context<Self>) {
        let Some(step) = self.machine.step() else {
            return;
        };
        match performed.result {
            Ok(()) => {
                self.state.builder.overheads(&performed.timing);
                self.perform(step, ctx);
            }
            Err(mut failure) => {
                let name = &self.state.run.plan.steps[step.0].name;
                failure.message = format!("while logged in again: {}", failure.message);
                failure.step.clone_from(name);
                self.step_failed(step, performed.timing, Vec::new(), failure, ctx);
            }
        }
    }

    fn has_left(&mut self, performed: Performed, ctx: &mut Context<Self>) {
        let role = performed.instance.role;
        if let Err(failure) = performed.result {
            let title = &self.state.run.plan.roles[role.0].title;
            let text = format!("{title} did not leave well: {}", failure.message);
            self.state.run.emit(RunEvent::Notice {
                flow: Some(self.state.number),
                text,
            });
        }
        let effects = self.machine.left(role);
        self.apply(effects, ctx);
    }
}

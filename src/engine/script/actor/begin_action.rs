//! Starts an action in a script actor.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::engine::faults::choice::Attempt;
use crate::engine::messages::{ActionKind, Perform};
use crate::engine::script::interpreter::ActionInterpreter;
use crate::model::{FaultKind, InjectionOutcome, TerminalKind};
use crate::scenario::Plan;

use super::super::action_run::ActionRun;
use super::super::machine::MachineCall;
use super::{ScriptActor, State};

impl ScriptActor {
    /// Begins an action. `ordered_at` is the moment at which the program was ordered, if this action
    /// starts it.
    pub(super) fn begin_run(
        &mut self,
        perform: Perform,
        ordered_at: Option<Instant>,
        ctx: &mut Context<Self>,
    ) {
        let plan = Arc::clone(&self.run.plan);
        let role = &plan.roles[self.instance().role.0];
        let (turns, step) = match perform.kind {
            ActionKind::Step(index) | ActionKind::LogIn(index) => {
                let step = &plan.steps[index.0];
                (Arc::clone(&step.action.turns), Some(step))
            }
            ActionKind::ReturnToMenu => (Arc::clone(&role.return_to_menu), None),
            ActionKind::Leave => match &role.leave {
                Some(leave) => (Arc::clone(&leave.turns), None),
                None => (Arc::from([]), None),
            },
        };
        let seed = self.action_seed(perform.kind, perform.attempt);
        let terminal = matches!(role.terminal, TerminalKind::Pty { .. });
        let comes_back = match perform.kind {
            ActionKind::ReturnToMenu => true,
            // A script in a pool is back already.
            ActionKind::Leave => !self.reporter.owner.is_pool,
            ActionKind::Step(_) | ActionKind::LogIn(_) => false,
        };
        let mut interpreter = ActionInterpreter::new(
            Arc::clone(&plan),
            self.instance().role.0,
            turns,
            step,
            terminal,
            seed,
        );
        if let Some(back) = role.back.as_ref().filter(|_| comes_back) {
            interpreter.begin_with(Arc::clone(&back.turns));
        }
        let state = match perform.kind {
            ActionKind::Step(_) => step.map_or("", |step| &step.name),
            ActionKind::LogIn(_) => {
                interpreter.overwrite_all();
                "logging in again"
            }
            ActionKind::ReturnToMenu => "returning to its menu",
            ActionKind::Leave => "leaving",
        };
        self.run.live.set_state(self.instance(), state);
        let attempt = self.attempt(&plan, &perform);
        let faults = attempt.and_then(|attempt| {
            let planned = attempt.planned_faults(&self.run.plan.faults)?;
            Some((attempt.step.index, planned))
        });
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let now = Instant::now();
        match perform.kind {
            ActionKind::Leave => script.leaves_since = Some(now),
            // Output for one flow is no evidence for the next.
            ActionKind::ReturnToMenu => script.machine.discard_matched_lines(),
            ActionKind::Step(_) | ActionKind::LogIn(_) => {}
        }
        let startup = ordered_at.map(|at| (at, plan.defaults.startup));
        let mut action = ActionRun::new(perform, interpreter, startup, now);
        action.is_filtered = faults.is_some();
        script.filter.begin(faults);
        let mut call = MachineCall {
            now,
            program: &script.child,
            effects: &mut self.effects,
        };
        script.machine.begin(action, &mut call);
        self.apply_all(ctx);
    }

    /// Returns the attempt at a step that is to be performed; `None` where no faults are injected.
    fn attempt<'p>(&self, plan: &'p Plan, perform: &Perform) -> Option<Attempt<'p>> {
        let ActionKind::Step(step) = perform.kind else {
            return None;
        };
        (!self.run.plan.faults.is_empty()).then(|| Attempt {
            plan,
            seed: self.run.seed,
            flow: self.instance().flow,
            step: &plan.steps[step.0],
            number: perform.attempt,
        })
    }

    /// Returns `true` if a fault keeps the program from being started for this step, and reports
    /// it.
    pub(super) fn refuses(&mut self, perform: &Perform) -> bool {
        let plan = Arc::clone(&self.run.plan);
        let refused = self
            .attempt(&plan, perform)
            .is_some_and(|attempt| attempt.is_refused(&self.run.plan.faults));
        if refused {
            let what = "not started, as if it were missing".to_owned();
            let kind = FaultKind::Refuse;
            if let ActionKind::Step(step) = perform.kind {
                self.report_fault(
                    (step, kind),
                    InjectionOutcome::Injected,
                    what,
                    String::new(),
                );
            }
        }
        refused
    }

    /// Returns the seed of an action's random choices. It depends on the run's seed, the flow, the
    /// role, the action and the attempt only, so that a run with the same seed makes the same choices.
    fn action_seed(&self, kind: ActionKind, attempt: u32) -> u64 {
        let action = match kind {
            ActionKind::Step(index) | ActionKind::LogIn(index) => index.0 as u64 + 1,
            ActionKind::Leave => u64::MAX,
            ActionKind::ReturnToMenu => 0,
        };
        let mut rng = fastrand::Rng::with_seed(self.run.seed);
        let further = u64::from(attempt - 1);
        for value in [
            self.instance().flow.0,
            self.instance().role.0 as u64,
            action,
        ]
        .into_iter()
        .chain((further > 0).then_some(further))
        {
            let mixed = rng.u64(..) ^ value;
            rng.seed(mixed);
        }
        rng.u64(..)
    }
}

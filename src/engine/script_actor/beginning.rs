//! How a script actor begins what it is asked to perform.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::engine::messages::{Part, Perform};
use crate::engine::performance::{Cue, Performance};
use crate::scenario::TerminalKind;

use super::job::Job;
use super::{ScriptActor, State};

impl ScriptActor {
    /// Starts to perform; `ordered_at` is when the program was ordered, if this step starts it.
    pub(super) fn begin_job(
        &mut self,
        perform: Perform,
        ordered_at: Option<Instant>,
        ctx: &mut Context<Self>,
    ) {
        let plan = Arc::clone(&self.run.plan);
        let role = &plan.roles[self.instance.role.0];
        let (turns, step) = match perform.what {
            Part::Step(index) | Part::LogIn(index) => {
                let step = &plan.steps[index.0];
                (Arc::clone(&step.action.turns), Some(step))
            }
            Part::Settle => (Arc::clone(&role.settle), None),
            Part::Leave => match &role.leave {
                Some(leave) => (Arc::clone(&leave.turns), None),
                None => (Arc::from([]), None),
            },
        };
        let seed = self.performance_seed(perform.what, perform.attempt);
        let terminal = matches!(role.terminal, TerminalKind::Pty { .. });
        let comes_back = match perform.what {
            Part::Settle => true,
            // In a pool it is back already.
            Part::Leave => !self.obituary.is_in_pool(),
            Part::Step(_) | Part::LogIn(_) => false,
        };
        let mut performance = Performance::new(
            Arc::clone(&plan),
            self.instance.role.0,
            turns,
            step,
            terminal,
            seed,
        );
        if let Some(back) = role.back.as_ref().filter(|_| comes_back) {
            performance.begin_with(Arc::clone(&back.turns));
        }
        let state = match perform.what {
            Part::Step(_) => step.map_or("", |step| &step.name),
            Part::LogIn(_) => {
                performance.overwrite_all();
                "logging in again"
            }
            Part::Settle => "returning to its menu",
            Part::Leave => "leaving",
        };
        self.run.live.set_state(self.instance, state);
        let attempt = self.attempt(&plan, &perform);
        let fate = attempt.and_then(|attempt| attempt.fate(&self.run.plan.chaos));
        let State::Alive(script) = &mut self.state else {
            return;
        };
        if perform.what == Part::Leave {
            script.leaves_since = Some(Instant::now());
        }
        let startup = ordered_at.map(|at| (at, plan.defaults.startup));
        let mut job = Job::new(perform, performance, startup);
        job.fate = fate;
        script.job = Some(job);
        self.drive(Cue::Begin, ctx);
    }

    /// The same seed gives the same choices: for a step of a flow it depends on nothing else.
    /// Another attempt makes other choices.
    fn performance_seed(&self, what: Part, attempt: u32) -> u64 {
        let part = match what {
            Part::Step(index) | Part::LogIn(index) => index.0 as u64 + 1,
            Part::Leave => u64::MAX,
            Part::Settle => 0,
        };
        let mut rng = fastrand::Rng::with_seed(self.run.seed);
        let further = u64::from(attempt - 1);
        for value in [self.instance.flow.0, self.instance.role.0 as u64, part]
            .into_iter()
            .chain((further > 0).then_some(further))
        {
            let mixed = rng.u64(..) ^ value;
            rng.seed(mixed);
        }
        rng.u64(..)
    }
}

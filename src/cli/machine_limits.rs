//! The machine's limits against the needs of a run.

use crate::model::TerminalKind;
use crate::process::{self, DESCRIPTORS_OF_A_TERMINAL, DESCRIPTORS_OF_PIPES, LimitProblem, Need};
use crate::scenario::Plan;

/// Computes the peak need of `parallel` flows: all their scripts running, a plain command for each
/// if there are any, and every pool full.
pub(super) fn need(plan: &Plan, parallel: u64) -> Need {
    let mut need = Need::default();
    for role in &plan.roles {
        let instances = role.pool.map_or(parallel, |size| {
            plan.load.segment.share(size.get()).min(parallel)
        });
        need.processes = need.processes.saturating_add(instances);
        let descriptors = match role.terminal {
            TerminalKind::Pty { .. } => {
                need.terminals = need.terminals.saturating_add(instances);
                DESCRIPTORS_OF_A_TERMINAL
            }
            TerminalKind::Pipes => DESCRIPTORS_OF_PIPES,
        };
        let descriptors = instances.saturating_mul(descriptors);
        need.descriptors = need.descriptors.saturating_add(descriptors);
    }
    if plan.runs_commands() {
        need.processes = need.processes.saturating_add(parallel);
        let descriptors = parallel.saturating_mul(DESCRIPTORS_OF_PIPES);
        need.descriptors = need.descriptors.saturating_add(descriptors);
    }
    need
}

/// Lists the limits of this machine that are too low for them.
pub(super) fn problems(plan: &Plan, parallel: u64) -> Vec<LimitProblem> {
    process::check_limits(need(plan, parallel))
}

/// The most flows in parallel that a live page may ask for, where the machine has no limit.
const MOST_FLOWS: u64 = 100_000;

/// The number of flows that the machine has room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub flows: u64,
    /// The limit that forbids one more, with its remedy.
    pub problem: String,
}

impl Room {
    /// Computes the most flows in parallel for which the machine has the resources, at a moment when
    /// no program of the plan runs.
    pub(super) fn of(plan: &Plan) -> Self {
        let (mut fits, mut too_many) = (1, MOST_FLOWS + 1);
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            match problems(plan, middle).is_empty() {
                true => fits = middle,
                false => too_many = middle,
            }
        }
        let first = problems(plan, too_many).into_iter().next();
        Room {
            flows: fits,
            problem: first.map_or_else(|| "it is too many".into(), |it| format!("there are {it}")),
        }
    }
}

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

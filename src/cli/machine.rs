//! Whether this machine has room for a run.

use crate::scenario::{Plan, TerminalKind};
use crate::transport::{self, DESCRIPTORS_OF_A_TERMINAL, DESCRIPTORS_OF_PIPES, LimitProblem, Need};

/// What `parallel` flows need at their busiest, when each has all its scripts running.
pub(super) fn need(plan: &Plan, parallel: u64) -> Need {
    let mut of_one = Need::default();
    for role in &plan.roles {
        of_one.processes += 1;
        match role.terminal {
            TerminalKind::Pty { .. } => {
                of_one.descriptors += DESCRIPTORS_OF_A_TERMINAL;
                of_one.terminals += 1;
            }
            TerminalKind::Pipes => of_one.descriptors += DESCRIPTORS_OF_PIPES,
        }
    }
    Need {
        processes: of_one.processes.saturating_mul(parallel),
        descriptors: of_one.descriptors.saturating_mul(parallel),
        terminals: of_one.terminals.saturating_mul(parallel),
    }
}

/// What this machine has too little of for that.
pub(super) fn problems(plan: &Plan, parallel: u64) -> Vec<LimitProblem> {
    transport::check_limits(need(plan, parallel))
}

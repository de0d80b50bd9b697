//! What a load needs of the machine.

use super::plan::{Alternative, Then};
use super::plan::{Plan, TerminalKind, Turn, TurnKind};

/// Descriptors that rehearsal holds for a program on a terminal: the terminal's other end, and
/// the handle by which its end is seen.
const DESCRIPTORS_PER_PTY: u64 = 2;

/// Descriptors that rehearsal holds for a program on pipes: one for each of its three streams,
/// and the handle by which its end is seen.
const DESCRIPTORS_PER_PIPES: u64 = 4;

/// The most that is needed at any one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Processes, those that the programs themselves start not counted.
    pub processes: u64,
    /// Descriptors that rehearsal holds for them.
    pub descriptors: u64,
    /// Pseudo-terminals.
    pub terminals: u64,
}

impl Plan {
    /// What `parallel` flows need at once, when in each of them every role's program runs and a
    /// `run`, if there is one, is under way.
    pub fn needs(&self, parallel: u64) -> Need {
        let mut flow = Need {
            processes: 0,
            descriptors: 0,
            terminals: 0,
        };
        let started = self.steps.iter().filter(|step| step.starts_script);
        for step in started {
            flow.processes += 1;
            match self.roles[step.role.0].terminal {
                TerminalKind::Pty { .. } => {
                    flow.terminals += 1;
                    flow.descriptors += DESCRIPTORS_PER_PTY;
                }
                TerminalKind::Pipes => flow.descriptors += DESCRIPTORS_PER_PIPES,
            }
        }
        let leaving = self.roles.iter().flat_map(|role| &role.leave);
        let mut actions = self.steps.iter().map(|step| &step.action).chain(leaving);
        if actions.any(|action| runs_command(&action.turns)) {
            flow.processes += 1;
            flow.descriptors += DESCRIPTORS_PER_PIPES;
        }
        Need {
            processes: flow.processes.saturating_mul(parallel),
            descriptors: flow.descriptors.saturating_mul(parallel),
            terminals: flow.terminals.saturating_mul(parallel),
        }
    }
}

fn runs_command(turns: &[Turn]) -> bool {
    turns.iter().any(|turn| {
        match &turn.kind {
        TurnKind::Run { .. } => true,
        TurnKind::Repeat { turns, .. } => runs_command(turns),
        TurnKind::FirstOf(alternatives) => alternatives.iter().any(|Alternative { then, .. }| {
            matches!(then, Then::Do(turns) | Then::DoAgain(turns) if runs_command(turns))
        }),
        TurnKind::Exchange { .. } | TurnKind::Think { .. } | TurnKind::Assert(_) => false,
    }
    })
}

//! Base environments of programs, before the variables of their roles.

use std::ffi::OsString;
use std::path::Path;

use crate::process::{Environment, Terminal};
use crate::scenario::{Plan, TerminalKind};

/// The environments of a run's programs by kind of terminal; built once for the whole run.
#[derive(Debug)]
pub(super) struct Environments {
    /// Few: a run has pipes, and rarely more than one size of terminal.
    all: Vec<(Terminal, Environment)>,
}

impl Environments {
    /// Builds the environments of `plan`'s programs: that of the run, with values that switch
    /// colours off.
    pub(super) fn new(
        plan: &Plan,
        variables: &[(OsString, OsString)],
        run_directory: &Path,
    ) -> Self {
        let mut terminals = vec![Terminal::Pipes];
        for role in &plan.roles {
            let terminal = terminal(role.terminal);
            if !terminals.contains(&terminal) {
                terminals.push(terminal);
            }
        }
        let environment = |terminal| environment(variables, run_directory, terminal);
        Environments {
            all: terminals
                .into_iter()
                .map(|terminal| (terminal, environment(terminal)))
                .collect(),
        }
    }

    /// Returns the environment of a program on `terminal`, which is one of the plan's or pipes.
    pub(super) fn of(&self, terminal: Terminal) -> Environment {
        let found = self.all.iter().find(|(known, _)| *known == terminal);
        found.map(|(_, it)| it.clone()).unwrap_or_default()
    }
}

/// Returns the terminal of a role's program as the process module names it.
pub(super) fn terminal(kind: TerminalKind) -> Terminal {
    match kind {
        TerminalKind::Pty { rows, columns } => Terminal::Pty { rows, columns },
        TerminalKind::Pipes => Terminal::Pipes,
    }
}

fn environment(
    variables: &[(OsString, OsString)],
    run_directory: &Path,
    terminal: Terminal,
) -> Environment {
    let mut all = variables.to_vec();
    let mut set = |name: &str, value: OsString| all.push((name.into(), value));
    set("REHEARSAL_RUN_DIR", run_directory.into());
    set("NO_COLOR", "1".into());
    set("TERM", "dumb".into());
    match terminal {
        Terminal::Pty { rows, columns } => {
            set("LINES", rows.to_string().into());
            set("COLUMNS", columns.to_string().into());
        }
        // Without a terminal Python buffers its output until it ends.
        Terminal::Pipes => set("PYTHONUNBUFFERED", "1".into()),
    }
    Environment::new(all)
}

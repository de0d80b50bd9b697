//! The commands that a script actor starts: its role's program, and plain commands.

use std::ffi::OsString;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dialogue::{Dialogue, Settings, Watch};
use crate::engine::context::RunContext;
use crate::engine::environments::terminal;
use crate::engine::performance::{CommandOutput, Fault};
use crate::engine::programs::Within;
use crate::model::{FailureKind, RoleIndex};
use crate::scenario::{Role, Scope};
use crate::transport::{ChildEvent, Command, Spawner, Terminal};

/// The command of `role` for a flow.
pub(super) fn for_role(run: &RunContext, role: RoleIndex, scope: &Scope) -> Result<Command, Fault> {
    let role = &run.plan.roles[role.0];
    let argv = role
        .run
        .iter()
        .map(|word| word.render(scope))
        .collect::<Result<Vec<_>, _>>()?;
    let terminal = terminal(role.terminal);
    build(run, role, argv, terminal, scope)
}

/// A plain command in the surroundings of `role`, without a terminal.
pub(super) fn plain(
    run: &RunContext,
    role: RoleIndex,
    argv: Vec<String>,
    scope: &Scope,
) -> Result<Command, Fault> {
    build(run, &run.plan.roles[role.0], argv, Terminal::Pipes, scope)
}

fn build(
    run: &RunContext,
    role: &Role,
    argv: Vec<String>,
    terminal: Terminal,
    scope: &Scope,
) -> Result<Command, Fault> {
    let directory = match &role.directory {
        Some(directory) => run.programs.home().join(directory.render(scope)?),
        None => run.programs.home().to_owned(),
    };
    let within = Within {
        directory: Some(&directory),
        has_own_path: role.environment.iter().any(|(name, _)| name == "PATH"),
    };
    let (program, argv) = run.programs.resolve(&argv, within).map_err(|error| {
        Fault::new(
            FailureKind::NotStarted,
            scope.mask(&error.to_string()).into_owned(),
        )
    })?;
    let mut environment = run.environments.of(terminal);
    for (name, value) in &role.environment {
        environment.set(name, value.render(scope)?);
    }
    Ok(Command {
        program,
        argv,
        environment,
        directory,
        terminal,
    })
}

/// A command line as people write it, for display only.
pub(super) fn shown(argv: &[OsString]) -> String {
    let words = argv.iter().map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs a plain command to its end.
pub(super) async fn output(spawner: &Spawner, command: Command) -> Result<CommandOutput, Fault> {
    let mut child = spawner
        .spawn(command)
        .await
        .map_err(|error| Fault::new(FailureKind::CommandFailed, error.to_string()))?;
    child.close_input();
    let Some(events) = child.events() else {
        return Err(Fault::new(
            FailureKind::Internal,
            "a new process has no events",
        ));
    };
    let mut events = pin!(events);
    let settings = Settings {
        terminal: false,
        quiet: Duration::ZERO,
    };
    let mut heard = Dialogue::new(
        Arc::new(Watch::new(Vec::new(), &[])),
        settings,
        Instant::now(),
    );
    while let Some(event) = poll_fn(|cx| futures_core::Stream::poll_next(events.as_mut(), cx)).await
    {
        match event {
            ChildEvent::Output {
                stream, bytes, at, ..
            } => heard.feed(stream, &bytes, at),
            ChildEvent::Closed { stream, at } => heard.closed(stream, at),
            ChildEvent::Exited { exit, .. } => {
                let text = heard.lines().join("\n");
                return match exit {
                    Some(exit) => Ok(CommandOutput { exit, text }),
                    None => Err(Fault::new(
                        FailureKind::CommandFailed,
                        "the command could not be ended",
                    )),
                };
            }
        }
    }
    Err(Fault::new(
        FailureKind::Internal,
        "a process went without telling its end",
    ))
}
